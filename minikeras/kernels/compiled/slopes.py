"""Gradients of square root, inverse square root and reciprocal, each in one pass.

    y = sqrt(x)        dx = dy * 0.5 / y
    y = 1 / sqrt(x)    dx = y * y * y * -0.5 * dy
    y = 1 / x          dx = -(dy * y * y)

Where `dy` is 0, `dx` is 0, even if `y` is 0 or infinite. The operations are those of
`shared/slopes.py` in the same order, none of them contracted: so are the bits.
"""

from minikeras.kernels.compiled.compiler import compiled
from minikeras.kernels.compiled.elementwise import elementwise
from minikeras.kernels.compiled.thread_pool import ALL, fork_join


def sqrt_slope(xp, y, dy):
    """The gradient of the square root; see `shared.slopes.sqrt_slope`."""
    return elementwise(_sqrt_slope, 1, y, dy)


def rsqrt_slope(xp, y, dy):
    """The gradient of the inverse square root; see `shared.slopes.rsqrt_slope`."""
    return elementwise(_rsqrt_slope, 1, y, dy)


def reciprocal_slope(xp, y, dy):
    """The gradient of the reciprocal; see `shared.slopes.reciprocal_slope`."""
    return elementwise(_reciprocal_slope, 1, y, dy)


@compiled()
def _sqrt_slope(pool, ends, chunk, y, dy, dx):
    if chunk == ALL:
        return fork_join(pool, ends, (y, dy, dx))
    first, end = ends[chunk], ends[chunk + 1]
    y, dy, dx = y[first:end], dy[first:end], dx[first:end]
    zero, half = y.dtype.type(0), y.dtype.type(0.5)
    for i in range(dx.size):
        slope = dy[i] * half / y[i]
        dx[i] = zero if dy[i] == zero else slope


@compiled()
def _rsqrt_slope(pool, ends, chunk, y, dy, dx):
    if chunk == ALL:
        return fork_join(pool, ends, (y, dy, dx))
    first, end = ends[chunk], ends[chunk + 1]
    y, dy, dx = y[first:end], dy[first:end], dx[first:end]
    zero, minus_half = y.dtype.type(0), y.dtype.type(-0.5)
    for i in range(dx.size):
        slope = y[i] * y[i] * y[i] * minus_half * dy[i]
        dx[i] = zero if dy[i] == zero else slope


@compiled()
def _reciprocal_slope(pool, ends, chunk, y, dy, dx):
    if chunk == ALL:
        return fork_join(pool, ends, (y, dy, dx))
    first, end = ends[chunk], ends[chunk + 1]
    y, dy, dx = y[first:end], dy[first:end], dx[first:end]
    zero = y.dtype.type(0)
    for i in range(dx.size):
        slope = -(dy[i] * y[i] * y[i])
        dx[i] = zero if dy[i] == zero else slope
