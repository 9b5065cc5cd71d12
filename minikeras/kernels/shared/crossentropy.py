"""Cross-entropies of logits, each with its gradient in one step.

The gradient with respect to the logits is `p - target`: neither the logarithm of `p` nor the
division by it is ever made, so no logit is too large. See Bridle,
"Probabilistic interpretation of feedforward classification network outputs" (1990).
"""

import numpy as np

from minikeras.kernels.providers import dispatched
from minikeras.kernels.shared.activations import exponentials, sigmoid_from


@dispatched(cuda="crossentropy")
def categorical(xp, target, logits, *, axis=-1, save=False):
    """Cross-entropy between target probabilities and the softmax of logits.

    Computed with `-log(p) = log(total) - shifted` of the parts that `exponentials` returns.

    Equations (crossentropy.softmax_crossentropy):
        p = softmax(logits)
        loss = -sum(target * log(p), axis=-1)

    Args:
        xp: The array module.
        target: Array of the shape of `logits`.
        logits: Array with the classes along `axis`.
        axis: The axis of the classes.
        save: Whether a backward pass will follow.

    Returns:
        The array without that axis, and the probabilities if `save`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.crossentropy import categorical
        >>> categorical(np, np.array([0.0, 1.0]), np.array([1000.0, 0.0]))[0]
        np.float64(1000.0)
    """
    shifted, powers, total = exponentials(xp, logits, axis)
    surprise = xp.log(total) - shifted
    surprise *= target
    if save:
        powers /= total
    return surprise.sum(axis=axis), powers if save else None


@dispatched(cuda="crossentropy")
def categorical_backward(xp, g, arrays, saved, needs, *, axis=-1):
    """Gradients of `categorical` with respect to the targets and the logits.

    Targets count as probabilities that add up to one.

    Equations (crossentropy.softmax_crossentropy_backward):
        dtarget = -g[:, None] * log(p)
        dlogits = g[:, None] * (p - target)

    Args:
        xp: The array module.
        g: The gradient with respect to the result.
        arrays: `(target, logits)`.
        saved: The probabilities.
        needs: Two bools.
        axis: The axis of the classes.

    Returns:
        A list of two arrays, None where none is needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.crossentropy import categorical, categorical_backward
        >>> arrays = np.array([0.0, 1.0]), np.array([0.0, 0.0])
        >>> _, saved = categorical(np, *arrays, save=True)
        >>> categorical_backward(np, np.ones(()), arrays, saved, (False, True))[1]
        array([ 0.5, -0.5])
    """
    target, logits = arrays
    g = xp.expand_dims(g, axis)
    dtarget = dlogits = None
    if needs[0]:
        shifted, _, total = exponentials(xp, logits, axis)
        dtarget = (xp.log(total) - shifted) * g
    if needs[1]:
        dlogits = saved - target
        dlogits *= g
    return [dtarget, dlogits]


@dispatched("crossentropy", cuda="crossentropy")
def sparse(xp, logits, target, *, save=False):
    """Cross-entropy between class numbers and the softmax of logits over the last axis.

    Equations (crossentropy.sparse_crossentropy):
        p = softmax(logits)
        loss = -log(p[arange(len(p)), target])

    Args:
        xp: The array module.
        logits: Array `(..., classes)`.
        target: Array `(...)` of integers in `[0, classes)`.
        save: Whether a backward pass will follow.

    Returns:
        Array `(...)`, and the probabilities if `save`.

    Raises:
        ValueError: If a class number is out of range. A GPU, which would have to be waited for,
            gives NaN for it instead.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.crossentropy import sparse
        >>> sparse(np, np.array([[1000.0, 0.0]]), np.array([1]))[0]
        array([1000.])
    """
    if xp is np:
        _refuse_other_classes(logits, target)
    shifted, powers, total = exponentials(xp, logits, -1)
    places = target if xp is np else target % logits.shape[-1]
    rows = shifted.reshape(-1, shifted.shape[-1])
    picked = rows[xp.arange(rows.shape[0]), places.reshape(-1)].reshape(places.shape)
    if save:
        powers /= total
    y = xp.log(total)[..., 0] - picked
    if xp is not np:
        y = xp.where(places == target, y, xp.nan)
    return y, powers if save else None


def _refuse_other_classes(logits, target):
    classes = logits.shape[-1]
    if target.size and not 0 <= target.min() <= target.max() < classes:
        raise ValueError(
            f"Expected class numbers from 0 to {classes - 1}, because `output` has shape "
            f"{logits.shape}. Received: target with values from {target.min()} to {target.max()}"
        )


@dispatched("crossentropy", cuda="crossentropy")
def sparse_backward(xp, g, arrays, saved, needs):
    """Gradient of `sparse` with respect to the logits.

    Equations (crossentropy.sparse_crossentropy_backward):
        dlogits = p.copy()
        dlogits[arange(len(p)), target] -= 1
        dlogits *= g[:, None]

    Args:
        xp: The array module.
        g: The gradient with respect to the result.
        arrays: `(logits, target)`.
        saved: The probabilities.
        needs: Two bools.

    Returns:
        `[gradient with respect to the logits, None]`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.crossentropy import sparse, sparse_backward
        >>> arrays = np.array([[0.0, 0.0]]), np.array([1])
        >>> _, saved = sparse(np, *arrays, save=True)
        >>> sparse_backward(np, np.ones(1), arrays, saved, (True, False))[0]
        array([[ 0.5, -0.5]])
    """
    rows = saved.reshape(-1, saved.shape[-1]).copy()
    places = arrays[1].reshape(-1)
    rows[xp.arange(rows.shape[0]), places if xp is np else places % rows.shape[1]] -= 1
    rows *= g.reshape(-1, 1)
    return [rows.reshape(saved.shape), None]


@dispatched(cuda="crossentropy")
def binary(xp, target, logits, *, save=False):
    """Cross-entropy between a target probability and the sigmoid of a logit, cell by cell.

    Computed in the second form, in which no exponential overflows.

    Equations (crossentropy.sigmoid_crossentropy):
        p = 1 / (1 + exp(-logits))
        loss = -target * log(p) - (1 - target) * log(1 - p)

    Equations (crossentropy.sigmoid_crossentropy_stable):
        loss = maximum(logits, 0) - logits * target + log1p(exp(-abs(logits)))

    Args:
        xp: The array module.
        target: Array.
        logits: Array of the same shape.
        save: Whether a backward pass will follow.

    Returns:
        Array of that shape, and `exp(-|x|)` if `save`.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.crossentropy import binary
        >>> binary(np, np.array([0.0]), np.array([1000.0]))[0]
        array([1000.])
    """
    power = xp.exp(-xp.abs(logits))
    loss = xp.maximum(logits, 0)
    loss -= logits * target
    loss += xp.log1p(power)
    return loss, power if save else None


@dispatched(cuda="crossentropy")
def binary_backward(xp, g, arrays, saved, needs):
    """Gradients of `binary` with respect to the target and the logits.

    Equations (crossentropy.sigmoid_crossentropy_backward):
        dtarget = -g * logits
        dlogits = g * (p - target)

    Args:
        xp: The array module.
        g: The gradient with respect to the result.
        arrays: `(target, logits)`.
        saved: `exp(-|logits|)`.
        needs: Two bools.

    Returns:
        A list of two arrays, None where none is needed.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.crossentropy import binary, binary_backward
        >>> arrays = np.array([1.0]), np.array([0.0])
        >>> _, saved = binary(np, *arrays, save=True)
        >>> binary_backward(np, np.ones(1), arrays, saved, (False, True))[1]
        array([-0.5])
    """
    target, logits = arrays
    dtarget = -logits * g if needs[0] else None
    dlogits = None
    if needs[1]:
        dlogits = sigmoid_from(xp, logits, saved)
        dlogits -= target
        dlogits *= g
    return [dtarget, dlogits]
