"""Activations, losses and other functions of neural networks."""

from minikeras import ops
from minikeras.core import dims
from minikeras.core import settings as engine
from minikeras.keras2.backend.tensors import symbolic_function


@symbolic_function
def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """ReLU, with a slope below a threshold and a largest value.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.relu(K.constant([-1.0, 0.5]), alpha=0.5)).tolist()
        [-0.5, 0.5]
    """
    if threshold:
        y = ops.where(x > threshold, x, alpha * (x - threshold))
    else:
        y = ops.relu(x) if not alpha else ops.leaky_relu(x, alpha)
    return y if max_value is None else ops.minimum(y, max_value)


@symbolic_function
def softmax(x, axis=-1):
    """Softmax along an axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.softmax(K.constant([0.0, 0.0]))).tolist()
        [0.5, 0.5]
    """
    return ops.softmax(x, axis=axis)


@symbolic_function
def sigmoid(x):
    """Logistic function.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.sigmoid(K.constant([0.0]))).tolist()
        [0.5]
    """
    return ops.sigmoid(x)


@symbolic_function
def hard_sigmoid(x):
    """`clip(0.2 * x + 0.5, 0, 1)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.hard_sigmoid(K.constant([0.0, 5.0]))).tolist()
        [0.5, 1.0]
    """
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@symbolic_function
def tanh(x):
    """Hyperbolic tangent.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.tanh(K.constant([0.0]))).tolist()
        [0.0]
    """
    return ops.tanh(x)


@symbolic_function
def elu(x, alpha=1.0):
    """Exponential linear unit.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.elu(K.constant([0.0, 2.0]))).tolist()
        [0.0, 2.0]
    """
    return ops.elu(x, alpha)


@symbolic_function
def softplus(x):
    """`log(1 + exp(x))`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> round(float(K.eval(K.softplus(K.constant(0.0)))), 3)
        0.693
    """
    return ops.softplus(x)


@symbolic_function
def softsign(x):
    """`x / (1 + |x|)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.softsign(K.constant([1.0]))).tolist()
        [0.5]
    """
    return ops.softsign(x)


@symbolic_function
def l2_normalize(x, axis=None):
    """Divide by the Euclidean norm along an axis: `x / sqrt(max(sum(x ** 2), 1e-12))`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.round(K.l2_normalize(K.constant([3.0, 4.0])) * 10)).tolist()
        [6.0, 8.0]
    """
    norm = ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))
    return x / norm


@symbolic_function
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """Cross-entropy of one-hot targets, along an axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> target, output = K.constant([0.0, 1.0]), K.constant([0.5, 0.5])
        >>> round(float(K.eval(K.categorical_crossentropy(target, output))), 3)
        0.693
    """
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


@symbolic_function
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """Cross-entropy of integer targets, along an axis.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> target, output = K.constant([[1]]), K.constant([[0.5, 0.5]])
        >>> round(float(K.eval(K.sparse_categorical_crossentropy(target, output))[0]), 3)
        0.693
    """
    output = ops.moveaxis(ops.convert_to_tensor(output), axis, -1)
    target = ops.reshape(ops.cast(target, "int32"), output.shape[:-1])
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits)


@symbolic_function
def binary_crossentropy(target, output, from_logits=False):
    """Elementwise binary cross-entropy.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> round(float(K.eval(K.binary_crossentropy(K.constant(1.0), K.constant(0.5)))), 3)
        0.693
    """
    target = ops.cast(target, output.dtype)
    if not from_logits:
        epsilon = engine.epsilon()
        output = ops.clip(output, epsilon, 1.0 - epsilon)
        return -(target * ops.log(output) + (1.0 - target) * ops.log(1.0 - output))
    return ops.binary_crossentropy(target, output, from_logits=True)


@symbolic_function
def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`; tensors of rank 1 lie along `axis`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x = K.constant([3.0])
        >>> K.eval(K.batch_normalization(x, 1.0, 4.0, 0.0, 1.0, epsilon=0.0)).tolist()
        [1.0]
    """
    rank = len(x.shape)
    shape = [1] * rank
    shape[axis] = -1
    mean, var, beta, gamma = (
        t if len(getattr(t, "shape", ())) != 1 else ops.reshape(t, shape)
        for t in (mean, var, beta, gamma)
    )
    normalized = (x - mean) / ops.sqrt(var + epsilon)
    normalized = normalized if gamma is None else normalized * gamma
    return normalized if beta is None else normalized + beta


@symbolic_function
def normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon=1e-3):
    """Normalize a batch by its own mean and variance.

    Args:
        x: tensor.
        gamma: tensor that scales, of the axes that are left, or None.
        beta: tensor that is added, of the axes that are left, or None.
        reduction_axes: list of the axes to normalize over.
        epsilon: number that is added to the variance.

    Returns:
        `(normalized, mean, variance)`. Of images, channels last, the variance is that of the
        population which the batch is a sample of, with `n - 1` for `n`, as in Keras 2.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> x = K.constant([[1.0], [3.0]])
        >>> y, mean, variance = K.normalize_batch_in_training(x, None, None, [0])
        >>> K.eval(mean).tolist(), K.eval(variance).tolist()
        ([2.0], [1.0])
    """
    axes = tuple(reduction_axes)
    mean, var = ops.moments(x, axes=axes)
    shape = [1 if n in axes else size for n, size in enumerate(x.shape)]
    of_batch, of_layer = (
        [t if t is None else ops.reshape(t, shape) for t in pair]
        for pair in ((mean, var), (beta, gamma))
    )
    normalized = batch_normalization(x, *of_batch, *of_layer, axis=-1, epsilon=epsilon)
    if len(shape) == 4 and list(axes) == [0, 1, 2]:
        n = dims.product(size for k, size in enumerate(x.shape) if k in axes)
        var = var if isinstance(n, dims.Dim) else var * (n / max(n - 1, 1))
    return normalized, mean, var


@symbolic_function
def in_top_k(predictions, targets, k):
    """Whether each target is among the `k` largest predictions of its row.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.in_top_k(K.constant([[0.1, 0.7, 0.2]]), K.constant([2]), 2)).tolist()
        [True]
    """
    return ops.in_top_k(ops.cast(targets, "int32"), predictions, k)
