"""Choices by values of tensors."""

from minikeras import ops
from minikeras.keras2.backend.tensors import symbolic_function


@symbolic_function
def _chosen(condition, x, y):
    condition = ops.cast(condition, "bool")
    missing = max(len(x.shape), len(y.shape)) - len(condition.shape)
    if len(condition.shape) and missing > 0:
        condition = ops.reshape(condition, (*condition.shape, *(1,) * missing))
    return ops.where(condition, x, y)


def switch(condition, then_expression, else_expression):
    """Return one of two values, by a condition; row by row if that has rows.

    Args:
        condition: bool tensor, of rank 0 or of the first axes of the values.
        then_expression: tensor, or function without arguments that returns one.
        else_expression: the same.

    Returns:
        A tensor.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.switch(K.constant(1) > 0, K.constant([1.0]), K.constant([2.0]))).tolist()
        [1.0]
    """
    x = then_expression() if callable(then_expression) else then_expression
    y = else_expression() if callable(else_expression) else else_expression
    return _chosen(condition, x, y)
