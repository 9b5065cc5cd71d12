"""Gamma, beta and binomial draws: algorithms that reject candidates until one fits.

Every sample owns a range of its stream's blocks, so that how many candidates one sample needs does
not move the others. All samples take their next candidate together; those that accept drop out.
Everything is computed in float64 and cast at the end, and pairs of numbers of a block are used last
first, as TensorFlow does on a CPU; the draws differ from its own only by the last place of a
logarithm, sine or power.

Papers: G. Marsaglia, W. Tsang, "A Simple Method for Generating Gamma Variables" (2000);
W. Hormann, "The Generation of Binomial Random Variates" (1993), algorithm BTRS;
L. Devroye, "Non-Uniform Random Variate Generation" (1986), chapter 10, for few expected successes.
"""

import math
from typing import Any

import numpy as np

from minikeras.arrays import philox
from minikeras.arrays.random import parameter

# Blocks of the stream that one sample owns, and that a sample summed from geometric gaps owns.
BLOCKS_PER_SAMPLE = 256
BLOCKS_PER_GAP_SAMPLE = 42

# Expected successes from which the transformed rejection replaces the sum of geometric gaps.
BTRS_FROM = 10

# Below this count the tail of Stirling's series is summed by log-factorials.
STIRLING_TABLE = 10

# Beta draws its second gamma from the first one's seed plus this.
BETA_SEED_STEP = 12


def gamma(
    xp: Any, seed: tuple[int, int], shape: tuple[int, ...], alpha: Any, dtype: str = "float32"
) -> Any:
    """Draws gamma numbers of unit scale.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        shape: shape of the result.
        alpha: concentration, a positive number or an array whose shape ends `shape`.
        dtype: "float16", "float32" or "float64".

    Returns:
        Array of `shape` and `dtype`, no entry below the dtype's smallest normal number; NaN where
        `alpha` is negative or NaN.

    Raises:
        ValueError: if `shape` does not end with the shape of `alpha`.

    Example:
    >>> bool((gamma(np, (3, 0), (5,), 2.0) > 0).all())
    True
    """
    alpha = parameter(xp, alpha, dtype)
    lanes, which = _lanes(xp, shape, alpha.shape, "alpha")
    concentration = alpha.reshape(-1)[which].astype("float64")
    source = philox.stream(seed)
    drawn = xp.full(lanes.shape, np.nan)
    simple = concentration == 1
    other = ~simple & (concentration >= 0)
    drawn[simple] = _exponential(xp, source, lanes[simple])
    drawn[other] = _marsaglia_tsang(xp, source, lanes[other], concentration[other])
    drawn = drawn.astype(dtype)
    return xp.maximum(drawn, np.finfo(dtype).tiny, out=drawn).reshape(shape)


def beta(
    xp: Any,
    seed: tuple[int, int],
    shape: tuple[int, ...],
    alpha: Any,
    beta: Any,
    dtype: str = "float32",
) -> Any:
    """Draws beta numbers, as the share of one gamma number in the sum of two.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints; below 2**31, as `fold_seed` makes them.
        shape: shape of the result.
        alpha: first concentration, a number or an array that broadcasts to `shape`.
        beta: second concentration, likewise.
        dtype: "float16", "float32" or "float64".

    Returns:
        Array of `shape` and `dtype`.

    Example:
    >>> bool((beta(np, (3, 0), (5,), 2.0, 3.0) < 1).all())
    True
    """
    second = (_wrapped_int32(seed[0] + BETA_SEED_STEP), _wrapped_int32(seed[1] + BETA_SEED_STEP))
    alpha = xp.broadcast_to(parameter(xp, alpha, dtype), shape)
    beta = xp.broadcast_to(parameter(xp, beta, dtype), shape)
    share = gamma(xp, seed, shape, alpha, dtype)
    # Into `share`, as the quotient of two arrays without axes would be no array.
    return xp.divide(share, share + gamma(xp, second, shape, beta, dtype), out=share)


def binomial(
    xp: Any,
    seed: tuple[int, int],
    shape: tuple[int, ...],
    counts: Any,
    probabilities: Any,
    dtype: str = "float32",
) -> Any:
    """Draws how many of `counts` trials succeed.

    Args:
        xp: numpy or cupy.
        seed: pair of Python ints.
        shape: shape of the result.
        counts: number of trials, a number or an array.
        probabilities: chance of success of one trial, a number (taken as float32) or a floating
            array; the two broadcast together to a shape that ends `shape`.
        dtype: dtype of the result.

    Returns:
        Array of `shape` and `dtype`; NaN where the count is not finite and at least zero, or the
        probability not in [0, 1].

    Raises:
        ValueError: if `shape` does not end with the broadcast shape of the two parameters.

    Example:
    >>> bool((binomial(np, (3, 0), (5,), 4.0, 0.5) <= 4).all())
    True
    """
    chance = parameter(xp, probabilities, getattr(probabilities, "dtype", "float32"))
    count, chance = xp.broadcast_arrays(parameter(xp, counts, chance.dtype), chance)
    lanes, which = _lanes(xp, shape, count.shape, "counts")
    count, chance = count.reshape(-1)[which], chance.reshape(-1)[which]
    mirrored = chance > 0.5
    rare = xp.where(mirrored, 1 - chance, chance)
    valid = xp.isfinite(count) & (count >= 0) & (rare >= 0)
    many = valid & (count * rare >= BTRS_FROM)
    few = valid & ~many
    count, rare = count.astype("float64"), rare.astype("float64")
    source = philox.stream(seed)
    drawn = xp.full(lanes.shape, np.nan)
    drawn[many] = _btrs(xp, source, lanes[many], count[many], rare[many])
    drawn[few] = _geometric_gaps(xp, source, lanes[few], count[few], rare[few])
    return xp.where(mirrored, count - drawn, drawn).astype(dtype).reshape(shape)


def _wrapped_int32(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def _lanes(
    xp: Any, shape: tuple[int, ...], parameter_shape: tuple[int, ...], name: str
) -> tuple[Any, Any]:
    """Numbers every sample's range of the stream, and says which parameter it uses.

    Samples of one parameter own neighbouring ranges, though they lie apart in the result.
    """
    lead = len(shape) - len(parameter_shape)
    if lead < 0 or tuple(shape[lead:]) != tuple(parameter_shape):
        raise ValueError(
            f"`shape` must end with the shape of `{name}`. "
            f"Received: shape={tuple(shape)}, {name}.shape={tuple(parameter_shape)}."
        )
    each, parameters = math.prod(shape[:lead]), math.prod(parameter_shape)
    lanes = xp.arange(each * parameters, dtype="uint64").reshape(parameters, each).T.reshape(-1)
    return lanes, xp.tile(xp.arange(parameters), each)


class _Lanes:
    """The samples still searching: each one's next block, and a cache of unused numbers a kind."""

    def __init__(
        self, xp: Any, source: philox.Stream, lanes: Any, reserved: int = BLOCKS_PER_SAMPLE
    ) -> None:
        self.xp, self.source = xp, source
        self.block = lanes * np.uint64(reserved)
        self.caches: dict[Any, Any] = {}

    def take(self, make: Any, rows: Any) -> Any:
        """The next number of each row; `make` is `philox.uniforms` or `philox.normals`."""
        xp = self.xp
        if make not in self.caches:
            empty = xp.zeros(self.block.size, bool)
            self.caches[make] = (xp.empty(self.block.size), empty)
        spare, has_spare = self.caches[make]
        value = spare[rows]
        need = ~has_spare[rows]
        has_spare[rows] = need
        fresh = rows[need]
        pair = make(xp, *philox.blocks(xp, self.source, self.block[fresh]), "float64")
        self.block[fresh] += np.uint64(1)
        spare[fresh], value[need] = pair.T
        return value


def _exponential(xp: Any, source: philox.Stream, lanes: Any) -> Any:
    """Gamma of concentration one, by inversion."""
    rows = xp.arange(lanes.size)
    return -xp.log1p(-_Lanes(xp, source, lanes).take(philox.uniforms, rows))


def _marsaglia_tsang(xp: Any, source: philox.Stream, lanes: Any, alpha: Any) -> Any:
    """Gamma by squeezed rejection from a cubed normal; below one it is boosted from alpha + 1."""
    state, drawn = _Lanes(xp, source, lanes), xp.empty(lanes.shape, "float64")
    d = alpha + xp.where(alpha < 1, 2.0 / 3, -1.0 / 3)
    c = 1.0 / 3 / xp.sqrt(d)
    rows = xp.arange(lanes.size)
    while rows.size:
        x = state.take(philox.normals, rows)
        v = 1 + c[rows] * x
        inside = xp.flatnonzero(v > 0)
        x, v, tried = x[inside], v[inside] ** 3, rows[inside]
        u = xp.maximum(state.take(philox.uniforms, tried), np.finfo("float64").tiny)
        squeezed = u < 1 - 0.0331 * (x * x) * (x * x)
        fits = squeezed | (xp.log(u) < 0.5 * x * x + d[tried] * (1 - v + xp.log(v)))
        drawn[tried[fits]] = d[tried[fits]] * v[fits]
        unset = xp.ones(rows.size, bool)
        unset[inside[fits]] = False
        rows = rows[unset]
    small = xp.flatnonzero(alpha < 1)
    power = 1 / xp.maximum(alpha[small], np.finfo("float64").tiny)
    drawn[small] *= state.take(philox.uniforms, small) ** power
    return drawn


def _geometric_gaps(xp: Any, source: philox.Stream, lanes: Any, count: Any, chance: Any) -> Any:
    """Binomial by adding the geometric gaps between successes until they pass `count`."""
    state = _Lanes(xp, source, lanes, BLOCKS_PER_GAP_SAMPLE)
    drawn = xp.zeros(lanes.shape, "float64")
    reached = xp.zeros(lanes.shape, "float64")
    log_failure = xp.log1p(-chance)
    rows = xp.flatnonzero(chance > 0)
    while rows.size:
        u = xp.maximum(state.take(philox.uniforms, rows), np.finfo("float64").tiny)
        reached[rows] += xp.ceil(xp.log(u) / log_failure[rows])
        rows = rows[reached[rows] <= count[rows]]
        drawn[rows] += 1
    return drawn


def _btrs(xp: Any, source: philox.Stream, lanes: Any, count: Any, chance: Any) -> Any:
    """Binomial by transformed rejection with squeeze, for ten or more expected successes."""
    state, drawn = _Lanes(xp, source, lanes), xp.empty(lanes.shape, "float64")
    spread = xp.sqrt(count * chance * (1 - chance))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * chance
    rows = xp.arange(lanes.size)
    while rows.size:
        u = state.take(philox.uniforms, rows) - 0.5
        v = state.take(philox.uniforms, rows)
        margin = 0.5 - abs(u)
        n, p, a_row, b_row = count[rows], chance[rows], a[rows], b[rows]
        k = xp.floor((2 * a_row / margin + b_row) * u + n * p + 0.5)
        fits = (margin >= 0.07) & (v <= 0.92 - 4.2 / b_row)
        check = xp.flatnonzero(~fits & (k >= 0) & (k <= n))
        scale = (2.83 + 5.1 / b_row) * spread[rows] / (a_row / (margin * margin) + b_row)
        bound = _log_ratio(xp, k[check], n[check], p[check])
        with np.errstate(divide="ignore"):
            fits[check] = xp.log((v * scale)[check]) <= bound
        drawn[rows[fits]] = k[fits]
        rows = rows[~fits]
    return drawn


def _log_ratio(xp: Any, k: Any, n: Any, p: Any) -> Any:
    """Logarithm of P(k) / P(mode) of the binomial distribution (n, p)."""
    odds, mode = p / (1 - p), xp.floor((n + 1) * p)
    return (
        (mode + 0.5) * xp.log((mode + 1) / (odds * (n - mode + 1)))
        + (n + 1) * xp.log((n - mode + 1) / (n - k + 1))
        + (k + 0.5) * xp.log(odds * (n - k + 1) / (k + 1))
        + _stirling_tail(xp, mode)
        + _stirling_tail(xp, n - mode)
        - _stirling_tail(xp, k)
        - _stirling_tail(xp, n - k)
    )


def _stirling_tail(xp: Any, k: Any) -> Any:
    """What Stirling's formula lacks of log(k!)."""
    table = xp.empty(STIRLING_TABLE, "float64")
    for i in range(STIRLING_TABLE):  # one by one: numbers need no transfer to a GPU
        table[i] = math.lgamma(i + 1) - _stirling_main(i)
    square = (k + 1) * (k + 1)
    series = (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
    small = xp.minimum(k, STIRLING_TABLE - 1).astype("int64")
    return xp.where(k < STIRLING_TABLE, table[small], series)


def _stirling_main(k: int) -> float:
    return 0.5 * math.log(2 * math.pi) + (k + 0.5) * math.log(k + 1) - (k + 1)
