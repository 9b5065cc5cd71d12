"""How far a number may be from Keras's, and why.

Both engines round each operation once; they differ in the order in which they add. A sum of `n`
terms of random signs strays by about `sqrt(n)` roundings of its larger partial sums. So the bound
grows with the square root of the reduction's length and is measured against the largest number
around, not against each number: one that is nearly cancelled has lost its digits on both sides.
"""

import numpy as np

# In float64 anything beyond this is another formula, not another order of additions.
FLOAT64 = 1e-10

# Roundings per element besides those of the sum: a handful of operations one after another.
ULPS = 8


def bound(dtype, length=1):
    """Return the largest error allowed, relative to the largest number of an array.

    Args:
        dtype: name of a float dtype.
        length: how many terms the longest sum in a number has.
    """
    if dtype == "float64":
        return FLOAT64
    return ULPS * float(np.finfo(dtype).eps) * length**0.5


def assert_close(ours, theirs, length=1, what="", dtype=None, scale=0.0):
    """Fail unless two arrays agree in shape, dtype and values.

    Args:
        ours: array or tensor.
        theirs: array or tensor.
        length: as for `bound`.
        what: what is compared, for the message.
        dtype: the dtype whose roundings count, where it is not that of the arrays.
        scale: the least number to measure against, where the array is one of several.
    """
    a, b = np.asarray(ours), np.asarray(theirs)
    assert a.dtype == b.dtype, f"{what}: dtype {a.dtype}, Keras {b.dtype}"
    assert a.shape == b.shape, f"{what}: shape {a.shape}, Keras {b.shape}"
    if a.dtype.kind != "f":
        np.testing.assert_array_equal(a, b, err_msg=what)
        return
    finite = np.isfinite(b)
    np.testing.assert_array_equal(np.isfinite(a), finite, err_msg=what)
    np.testing.assert_array_equal(a[~finite], b[~finite], err_msg=what)
    if not finite.any():
        return
    a, b = a[finite].astype("float64"), b[finite].astype("float64")
    scale = max(np.abs(b).max(), scale, np.finfo("float32").tiny)
    error = np.abs(a - b).max() / scale
    allowed = bound(dtype or np.asarray(theirs).dtype.name, length)
    assert error <= allowed, f"{what}: relative error {error:.2e}, allowed {allowed:.2e}"


def assert_as_near(ours, theirs, truth, length=1, what=""):
    """Fail unless ours is within bounds of the truth, or not further from it than Keras's is.

    Args:
        ours: array of a narrow float dtype.
        theirs: array of the same dtype and shape.
        truth: the same computed in float64.
        length: as for `bound`.
        what: what is compared, for the message.
    """
    a, b = np.asarray(ours), np.asarray(theirs)
    assert a.dtype == b.dtype, f"{what}: dtype {a.dtype}, Keras {b.dtype}"
    assert a.shape == b.shape, f"{what}: shape {a.shape}, Keras {b.shape}"
    finite = np.isfinite(b)
    np.testing.assert_array_equal(a[~finite], b[~finite], err_msg=what)
    if not finite.any():
        return
    a, b, exact = (np.asarray(x)[finite].astype("float64") for x in (a, b, truth))
    scale = max(np.abs(exact).max(), np.finfo("float32").tiny)
    error, keras_error = (np.abs(x - exact).max() / scale for x in (a, b))
    allowed = max(bound(np.asarray(ours).dtype.name, length), keras_error)
    assert error <= allowed, (
        f"{what}: relative error {error:.2e}, allowed {allowed:.2e}, Keras's is {keras_error:.2e}"
    )
