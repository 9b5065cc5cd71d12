"""The dense layer: a matrix product over the last axis, a bias, and their gradients.

All leading axes are flattened, so that one matrix product serves an input of any rank. Half
precision is computed in float32 and rounded once at the end.
"""

import math

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.products import affine, matrix_product, products_at_once
from minikeras.kernels.shared.wide import wide


def dense(xp, x, kernel, bias=None, *, save=False, relu=False):
    """Multiply the last axis by a kernel, add a bias, and apply ReLU if asked to.

    Equations (dense.dense):
        y = x @ kernel + bias  # (batch, inputs) @ (inputs, units) + (units,): (batch, units)

    Args:
        xp: The array module.
        x: Array `(..., inputs)`.
        kernel: Array `(inputs, units)`.
        bias: Optional array `(units,)`.
        save: Whether a backward pass will follow.
        relu: Whether to apply ReLU.

    Returns:
        The array `(..., units)`, and what the backward pass needs beside the inputs: the result
        again if ReLU was applied, else None.

    Raises:
        ValueError: If the bias is not one number to a unit.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.dense import dense
        >>> dense(np, np.ones((2, 3)), np.ones((3, 1)), np.ones(1))[0].tolist()
        [[4.0], [4.0]]
    """
    if bias is not None and bias.shape != kernel.shape[1:]:
        raise ValueError(f"Expected a bias of shape {kernel.shape[1:]}. Received: {bias.shape}")
    y = affine(xp, flat(x), kernel, bias, relu)
    y = y.reshape(*x.shape[:-1], kernel.shape[-1])
    return y, y if relu and save else None


def dense_backward(xp, g, arrays, saved, needs, relu=False):
    """Gradients of `dense` with respect to the inputs that need one.

    `g` is first passed back through the ReLU, if there is one.

    Equations (dense.dense_backward):
        dx = g @ kernel.T  # (batch, units) @ (units, inputs): (batch, inputs)
        dkernel = x.T @ g  # (inputs, batch) @ (batch, units): (inputs, units)
        dbias = sum(g, axis=0)  # (units,)

    Args:
        xp: The array module.
        g: Array `(..., units)`, the gradient with respect to the result.
        arrays: `(x, kernel, bias)` of the forward pass.
        saved: What `dense` returned beside its result.
        needs: Three bools.
        relu: As for `dense`.

    Returns:
        A list of three arrays, None where none is needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.dense import dense_backward
        >>> arrays = (np.ones((2, 3)), np.ones((3, 1)), np.ones(1))
        >>> dense_backward(np, np.ones((2, 1)), arrays, None, (False, False, True))
        [None, None, array([2.])]
    """
    x, kernel, _ = arrays
    rows = flat(where_positive(xp, g, saved) if relu else g)
    dx, dkernel = products_at_once(
        xp,
        [(rows, kernel.T) if needs[0] else None, (flat(x).T, rows) if needs[1] else None],
        g.dtype,
    )
    return [
        None if dx is None else dx.reshape(x.shape),
        dkernel,
        column_sums(xp, rows) if needs[2] else None,
    ]


@dispatched("products.dense", cuda="dense")
def where_positive(xp, g, y):
    """Return a gradient where a result is positive, else zero: the gradient of ReLU.

    Equations (activations.relu_backward):
        dx = g * (y > 0)

    Args:
        xp: The array module.
        g: Array.
        y: Array of its shape.

    Returns:
        Array of that shape.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.dense import where_positive
        >>> where_positive(np, np.array([2.0, 3.0]), np.array([0.0, 1.0]))
        array([0., 3.])
    """
    return wide(xp, lambda g, y: g * (y > 0), g, y)


def column_sums(xp, rows):
    """Sum of the rows of a matrix, as a product with ones: narrow rows add up faster that way.

    Args:
        xp: The array module.
        rows: Array `(n, width)`.

    Returns:
        Array `(width,)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.dense import column_sums
        >>> column_sums(np, np.ones((5, 2)))
        array([5., 5.])
    """
    return matrix_product(xp, xp.ones(rows.shape[0], rows.dtype), rows, rows.dtype)


def flat(x):
    """View an array as a matrix `(everything else, last axis)`.

    Args:
        x: Array `(..., width)`.

    Returns:
        Array `(n, width)`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.dense import flat
        >>> flat(np.ones((2, 3, 4))).shape
        (6, 4)
    """
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
