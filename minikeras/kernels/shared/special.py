"""Special functions of arrays: error functions and their inverse, Bessel functions, sinc.

Error functions: the rational approximations of W. J. Cody, "Rational Chebyshev Approximations for
the Error Function", Mathematics of Computation 23 (1969) 631-637, three intervals with relative
errors below 1e-16. Their inverse: a first value after M. Giles, "Approximating the erfinv
function", GPU Computing Gems (2012), or the tail's asymptote, then Halley's iteration. Bessel
functions: the midpoint rule on Bessel's integral, which converges geometrically for a periodic
integrand.
"""

import math

import numpy as np

from minikeras.kernels.providers import dispatched

# Cody's coefficients, highest power first: numerator and denominator in x² for |x| <= 0.46875,
# in |x| up to 4, and in 1/x² beyond.
_CENTRE = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (
        1.0,
        2.36012909523441209e1,
        2.44024637934444173e2,
        1.28261652607737228e3,
        2.84423683343917062e3,
    ),
)
_FLANK = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e0,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
_TAIL = (
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242e0,
        1.87295284992346725e0,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)
_CENTRE_END, _FLANK_END = 0.46875, 4.0
_ERFC_UNDERFLOW = 27.3
_SQRT_PI = math.sqrt(math.pi)

# erf(x) / x for float32 and |x| <= 3.92, beyond which erf is 1: our own least-squares fit in x²,
# reweighted until the relative error was level; 1.9e-8 at most.
_SINGLE = (
    (
        2.0500670478714432e-6,
        2.848803633986208e-4,
        3.7655930654950866e-3,
        5.274865143935418e-2,
        1.9040615947215725e-1,
        1.128379146152353e0,
    ),
    (
        3.8091378906171736e-5,
        1.1625261386873271e-3,
        1.496917320330461e-2,
        1.1410895574583801e-1,
        5.020758066721822e-1,
        1.0,
    ),
)
_SINGLE_END = 3.92

# Giles's polynomial for erfinv(x) / x in w - 2.5, highest power first, where w = -log(1 - x²) < 5.
_INVERSE_NEAR = (
    2.81022636e-8,
    3.43273939e-7,
    -3.5233877e-6,
    -4.39150654e-6,
    2.1858087e-4,
    -1.25372503e-3,
    -4.17768164e-3,
    2.46640727e-1,
    1.50140941e0,
)

# Elements at a time, so that a block and its temporaries stay in the nearest caches.
_BLOCK = 1 << 15


@dispatched(cuda="curves")
def erf(xp, x):
    """Return the error function of a float array, in its dtype."""
    return _in_blocks(xp, _erf_single if x.dtype.itemsize < 8 else _erf_double, x)


def erfc(xp, x):
    """Return one minus the error function, exact also where that is tiny."""
    return _in_blocks(xp, _erfc_double, x)


def erfinv(xp, x):
    """Return the number whose error function is given; NaN outside [-1, 1]."""
    return _in_blocks(xp, _erfinv_double, x)


def _in_blocks(xp, function, x):
    """Apply a function of vectors to an array, block by block."""
    compute = "float32" if function is _erf_single else "float64"
    flat = x.reshape(-1)
    result = xp.empty_like(flat)
    length = _BLOCK if xp is np else max(flat.size, 1)  # a GPU has no such cache
    for start in range(0, flat.size, length):
        block = flat[start : start + length].astype(compute, copy=False)
        result[start : start + length] = function(xp, block)
    return result.reshape(x.shape)


def _polynomial(xp, coefficients, x):
    """Horner's rule, highest power first, in one array."""
    first, second, *rest = (x.dtype.type(c) for c in coefficients)
    y = x * first
    y += second
    for c in rest:
        y *= x
        y += c
    return y


def _rational(xp, pair, x):
    y = _polynomial(xp, pair[0], x)
    y /= _polynomial(xp, pair[1], x)
    return y


def _erf_single(xp, x):
    x = xp.clip(x, -_SINGLE_END, _SINGLE_END)
    y = _rational(xp, _SINGLE, x * x)
    y *= x
    return xp.clip(y, -1, 1, out=y)


def _erf_double(xp, x):
    size = xp.abs(x)
    y = xp.empty_like(x)
    centre = size <= _CENTRE_END
    inner, outer = x[centre], ~centre
    y[centre] = inner * _rational(xp, _CENTRE, inner * inner)
    y[outer] = xp.copysign(1 - _erfc_of_positive(xp, size[outer]), x[outer])
    return y


def _erfc_double(xp, x):
    size = xp.abs(x)
    y = xp.empty_like(x)
    centre = size <= _CENTRE_END
    inner, outer = x[centre], ~centre
    y[centre] = 1 - inner * _rational(xp, _CENTRE, inner * inner)
    tail = _erfc_of_positive(xp, size[outer])
    y[outer] = xp.where(x[outer] < 0, 2 - tail, tail)
    return y


def _erfc_of_positive(xp, x):
    """The complementary error function from the centre's end upwards."""
    y = xp.empty_like(x)
    flank = x <= _FLANK_END
    y[flank] = _rational(xp, _FLANK, x[flank])
    far = xp.minimum(x[~flank], _ERFC_UNDERFLOW)
    inverse = 1 / (far * far)
    y[~flank] = (1 / _SQRT_PI - inverse * _rational(xp, _TAIL, inverse)) / far
    return y * _gauss(xp, xp.minimum(x, _ERFC_UNDERFLOW))


def _gauss(xp, x):
    """exp(-x²), the square split in two parts so that its rounding does not grow with x."""
    coarse = xp.floor(x * 16) / 16
    return xp.exp(-coarse * coarse) * xp.exp(-(x - coarse) * (x + coarse))


def _erfinv_double(xp, x):
    size = xp.minimum(xp.abs(x), 1 - 2.0**-53)
    w = -xp.log((1 - size) * (1 + size))
    near = size * _polynomial(xp, _INVERSE_NEAR, xp.minimum(w, 5) - 2.5)
    y = xp.where(w < 5, near, _inverse_far(xp, size))
    for _ in range(2):
        y = _halley(xp, y, size)
    y = xp.where(xp.abs(x) == 1, xp.inf, y)
    return xp.copysign(xp.where(xp.abs(x) <= 1, y, xp.nan), x)


def _inverse_far(xp, x):
    """A first value where x is near 1, from erfc(y) ≈ exp(-y²) / (sqrt(π) (y + 1/(2y)))."""
    exponent = -xp.log(1 - xp.maximum(x, 0.9))
    y = xp.sqrt(exponent)
    for _ in range(2):
        y = xp.sqrt(exponent - xp.log(_SQRT_PI * (y + 0.5 / y)))
    return y


def _halley(xp, y, target):
    """One step towards erf(y) = target; from the tail's side where the target is near 1."""
    tail = target > 0.5
    error = xp.where(tail, (1 - target) - _erfc_double(xp, y), _erf_double(xp, y) - target)
    step = error * (_SQRT_PI / 2) / _gauss(xp, y)
    return y - step / (1 + y * step)


_BESSEL_NODES = 64


def bessel_i(xp, x, order):
    """Return the modified Bessel function of the first kind of an integer order.

    The mean of exp(x cos t) cos(n t) over a turn; opposite angles are joined into cosh or sinh,
    whose terms all have one sign for orders 0 and 1.
    """
    wave = xp.sinh if order % 2 else xp.cosh
    total = xp.zeros(x.shape, "float64")
    wide = x.astype("float64")
    for i in range(_BESSEL_NODES):
        angle = (i + 0.5) * math.pi / (2 * _BESSEL_NODES)
        total += wave(wide * math.cos(angle)) * math.cos(order * angle)
    return (total / _BESSEL_NODES).astype(x.dtype)


_SINC_TERMS = 16


def sinc(xp, x, order):
    """Return the derivative of sin(πx) / (πx) of an order; order 0 is the function itself.

    Near 0 by the Taylor series, elsewhere by u f⁽ⁿ⁾ = sin⁽ⁿ⁾(u) - n f⁽ⁿ⁻¹⁾, where u = πx.
    """
    u = x.astype("float64") * math.pi
    small = xp.abs(u) < 1 + order
    v = xp.where(small, 1 + order, u)
    far = xp.sin(v) / v
    for n in range(1, order + 1):
        far = (xp.sin(v + n * (math.pi / 2)) - n * far) / v
    near = xp.where(small, u, 0)
    values = xp.where(small, _sinc_series(xp, near, order), far)
    return (values * math.pi**order).astype(x.dtype)


def _sinc_series(xp, u, order):
    """The sum of (-1)ᵏ u²ᵏ / (2k+1)!, every term differentiated `order` times."""
    total = xp.zeros_like(u)
    for k in range((order + 1) // 2, (order + 1) // 2 + _SINC_TERMS):
        power = 2 * k - order
        coefficient = (-1) ** k * math.perm(2 * k, order) / math.factorial(2 * k + 1)
        total = total + coefficient * u**power
    return total
