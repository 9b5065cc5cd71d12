"""How near a layer's numbers are to a kink, where a rounding decides which branch is taken.

`relu` has one at 0, `round` at each half, `argmax` where two numbers are equal. Activations and
the functions of `keras.ops` that a layer calls are wrapped while the layer runs; what they are
called with says how far from its kink each element is.
"""

from contextlib import contextmanager

import numpy as np


def _at(*points):
    """The distance to the nearest of some points."""

    def distance(x, *_, **__):
        return np.min([np.abs(x - point) for point in points], axis=0)

    return distance


def _of_relu(x, negative_slope=0.0, max_value=None, threshold=0.0, **_):
    points = [threshold] if max_value is None else [threshold, max_value]
    return _at(*points)(x)


def _to_a_multiple(x, *_, **__):
    return np.abs(x - np.round(x))


def _to_a_half(x, decimals=0, **_):
    scaled = x * 10.0**decimals
    return np.abs(scaled - np.floor(scaled) - 0.5) / 10.0**decimals


def _of_two(a, b, **_):
    """Half of what lies between two numbers: either may be off."""
    return np.abs(a - b) / 2


def _of_bounds(x, low, high, **_):
    return np.minimum(np.abs(x - low), np.abs(x - high))


def _lead(x, axis=None, keepdims=False, **_):
    """Half of what the largest number along the axes is ahead of the next."""
    return _lead_of(x, axis, keepdims)


def _lag(x, axis=None, keepdims=False, **_):
    return _lead_of(-x, axis, keepdims)


def _lead_of(x, axis, keepdims):
    axes = tuple(range(x.ndim)) if axis is None else axis
    axes = tuple(a % x.ndim for a in (axes if isinstance(axes, (list, tuple)) else [axes]))
    kept = [a for a in range(x.ndim) if a not in axes]
    shape = tuple(x.shape[a] for a in kept)
    rows = np.transpose(x, kept + list(axes)).reshape(shape + (-1,))
    if x.size < 2 * np.prod(shape):
        return np.full(shape, np.inf)
    last = np.sort(rows, axis=-1)[..., -2:]
    gap = (last[..., 1] - last[..., 0]) / 2
    return np.expand_dims(gap, axes) if keepdims else gap


def _of_top_k(x, k, *_, **__):
    """Half of how far each of the largest numbers is from its neighbours in their order."""
    ordered = -np.sort(-x, axis=-1)
    gaps = np.abs(np.diff(ordered, axis=-1)) / 2
    ends = np.full(x.shape[:-1] + (1,), np.inf)
    before = np.concatenate([ends, gaps], axis=-1)
    after = np.concatenate([gaps, ends], axis=-1)
    return np.minimum(before, after)[..., :k]


_COMPARING = ("greater", "greater_equal", "less", "less_equal", "maximum", "minimum")
_OF_POINTS = {
    "abs": [0.0],
    "absolute": [0.0],
    "hard_shrink": [-0.5, 0.5],
    "hard_sigmoid": [-3.0, 3.0],
    "hard_silu": [-3.0, 3.0],
    "hard_swish": [-3.0, 3.0],
    "hard_tanh": [-1.0, 1.0],
    "leaky_relu": [0.0],
    "relu6": [0.0, 6.0],
    "selu": [0.0],
    "sign": [0.0],
    "soft_shrink": [-0.5, 0.5],
    "sparse_sigmoid": [-1.0, 1.0],
}
KINKS = {
    **{name: _at(*points) for name, points in _OF_POINTS.items()},
    **dict.fromkeys(_COMPARING, _of_two),
    **dict.fromkeys(("amax", "argmax", "max"), _lead),
    **dict.fromkeys(("amin", "argmin", "min"), _lag),
    **dict.fromkeys(("ceil", "floor", "trunc"), _to_a_multiple),
    "clip": _of_bounds,
    "relu": _of_relu,
    "round": _to_a_half,
    "top_k": _of_top_k,
}
"""Functions of an op's arguments, arrays, that return how far each element is from a kink."""

JUMPS = ("argmax", "argmin", "ceil", "floor", "greater", "greater_equal", "less", "less_equal")
JUMPS += ("round", "sign", "top_k", "trunc")
"""Ops whose results jump at their kinks; those of the others only bend."""


class Met:
    """What was computed by functions with kinks: names, distances, results, inputs."""

    def __init__(self, engine):
        self.engine = engine
        self._events = []
        self._inside = 0

    def wrap(self, function, name):
        """Return a function that does the same, and notes it."""

        def wrapped(*args, **kwargs):
            self._inside += 1
            try:
                result = function(*args, **kwargs)
            finally:
                self._inside -= 1
            if not self._inside:
                self._note(name, result, args, kwargs)
            return result

        return wrapped

    def _note(self, name, result, args, kwargs):
        arrays = [self._array(a) for a in args]
        named = {key: self._array(value) for key, value in kwargs.items()}
        inputs = [a for a in arrays + list(named.values()) if isinstance(a, np.ndarray)]
        if "x" in named:
            arrays.insert(0, named.pop("x"))
        if not inputs or any(a.dtype.kind != "f" or not a.size for a in inputs):
            return
        try:
            distance = KINKS[name](*arrays, **named)
        except (TypeError, ValueError):
            return  # called in a way that the op itself takes and its row here does not
        first = result[0] if isinstance(result, (list, tuple)) else result
        self._events.append((name, np.asarray(distance), self._array(first), inputs))

    def _array(self, value):
        return self.engine.array(value) if self.engine.is_tensor(value) else value

    def take(self):
        """Return what was noted since, and forget it."""
        events, self._events = self._events, []
        return events


@contextmanager
def watched_kinks(engine, model):
    """Note in the `with` block how near the layers of a model are to kinks; gives a `Met`."""
    met, before = Met(engine), []

    def replace(owner, name, value):
        before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    modules = [engine.keras.ops, engine.keras.activations]
    for module in modules:
        for name in KINKS:
            if hasattr(module, name):
                replace(module, name, met.wrap(getattr(module, name), name))
    try:
        for layer in engine.all_layers(model):
            for name, value in list(vars(layer).items()):
                kind = getattr(value, "__name__", None)
                if kind in KINKS and callable(value):
                    replace(layer, name, met.wrap(value, kind))
        yield met
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)


def arrays_of(events, received, outputs):
    """Return what was met in one call, as arrays to be written, and a description of each.

    What is computed of the layer's inputs directly has no errors, and sits on no kink by rounding.

    Args:
        events: what `Met.take` returned.
        received: list of the arrays that the layer got.
        outputs: the arrays of the call, by name.
    """
    arrays, described = {}, []
    for name, distance, result, inputs in events:
        if all(any(_equal(a, b) for b in received) for a in inputs):
            continue
        arrays[str(len(described))] = distance
        places = [key for key in outputs if key[:3] == "out" and _equal(outputs[key], result)]
        largest = max(float(np.abs(a[np.isfinite(a)]).max(initial=0.0)) for a in inputs)
        described.append(
            {
                "op": name,
                "jumps": name in JUMPS,
                "largest": largest,
                "output": places[0] if places and distance.shape == result.shape else None,
            }
        )
    return arrays, described


def _equal(a, b):
    return a.shape == b.shape and np.array_equal(a, b)
