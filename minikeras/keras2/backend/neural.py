"""Activations, losses and other functions of neural networks."""

from minikeras import ops
from minikeras.core import settings as engine
from minikeras.keras2.backend.tensors import symbolic_function


@symbolic_function
def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """ReLU, with a slope below a threshold and a largest value."""
    if threshold:
        y = ops.where(x >= threshold, x, alpha * (x - threshold))
    else:
        y = ops.relu(x) if not alpha else ops.leaky_relu(x, alpha)
    return y if max_value is None else ops.minimum(y, max_value)


@symbolic_function
def softmax(x, axis=-1):
    """Softmax along an axis."""
    return ops.softmax(x, axis=axis)


@symbolic_function
def sigmoid(x):
    """Logistic function."""
    return ops.sigmoid(x)


@symbolic_function
def hard_sigmoid(x):
    """`clip(0.2 * x + 0.5, 0, 1)`."""
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@symbolic_function
def tanh(x):
    """Hyperbolic tangent."""
    return ops.tanh(x)


@symbolic_function
def elu(x, alpha=1.0):
    """Exponential linear unit."""
    return ops.elu(x, alpha)


@symbolic_function
def softplus(x):
    """`log(1 + exp(x))`."""
    return ops.softplus(x)


@symbolic_function
def softsign(x):
    """`x / (1 + |x|)`."""
    return ops.softsign(x)


@symbolic_function
def l2_normalize(x, axis=None):
    """Divide by the Euclidean norm along an axis: `x / sqrt(max(sum(x ** 2), 1e-12))`."""
    norm = ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))
    return x / norm


@symbolic_function
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """Cross-entropy of one-hot targets, along an axis."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


@symbolic_function
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """Cross-entropy of integer targets, along an axis."""
    target = ops.reshape(ops.cast(target, "int32"), output.shape[:-1])
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


@symbolic_function
def binary_crossentropy(target, output, from_logits=False):
    """Elementwise binary cross-entropy."""
    target = ops.cast(target, output.dtype)
    if not from_logits:
        epsilon = engine.epsilon()
        output = ops.clip(output, epsilon, 1.0 - epsilon)
        return -(target * ops.log(output) + (1.0 - target) * ops.log(1.0 - output))
    return ops.binary_crossentropy(target, output, from_logits=True)


@symbolic_function
def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`."""
    normalized = (x - mean) / ops.sqrt(var + epsilon)
    normalized = normalized if gamma is None else normalized * gamma
    return normalized if beta is None else normalized + beta


@symbolic_function
def in_top_k(predictions, targets, k):
    """Whether each target is among the `k` largest predictions of its row."""
    return ops.in_top_k(ops.cast(targets, "int32"), predictions, k)
