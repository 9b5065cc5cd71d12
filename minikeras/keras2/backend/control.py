"""Choices by values of tensors."""

from minikeras import ops
from minikeras.autograd.symbolic import in_abstract_scope
from minikeras.keras2.backend.subgraphs import Subgraph, is_declaring
from minikeras.keras2.backend.tensors import record, symbolic_function


@symbolic_function
def _chosen(condition, x, y):
    condition = ops.cast(condition, "bool")
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    rank = max(len(x.shape), len(y.shape))
    if len(condition.shape) > rank:
        raise ValueError(
            "The condition of `switch` cannot have more axes than the values. Received: "
            f"condition of shape {tuple(condition.shape)}, values of shapes {tuple(x.shape)} and "
            f"{tuple(y.shape)}"
        )
    if len(condition.shape):
        shape = (*condition.shape, *(1,) * (rank - len(condition.shape)))
        condition = ops.reshape(condition, shape)
    return ops.where(condition, x, y)


def switch(condition, then_expression, else_expression):
    """Return one of two values, by a condition; row by row if that has rows.

    Where the condition is one truth value and both expressions are functions, only the chosen one
    runs, also in the backward pass.

    Args:
        condition: bool tensor, of rank 0 or of the first axes of the values.
        then_expression: tensor, or function without arguments that returns one.
        else_expression: the same.

    Returns:
        A tensor.

    Raises:
        ValueError: if the condition has more axes than the values.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.switch(K.constant(1) > 0, K.constant([1.0]), K.constant([2.0]))).tolist()
        [1.0]
    """
    expressions = then_expression, else_expression
    if callable(then_expression) and callable(else_expression) and not len(condition.shape):
        return _branched(condition, *expressions)
    return _chosen(condition, *(e() if callable(e) else e for e in expressions))


def _branched(condition, then_function, else_function):
    if not is_declaring([condition]):
        return ops.cond(condition, then_function, else_function)
    branches = [Subgraph(f, []) for f in (then_function, else_function)]

    def switch_of_graph(condition, captured):
        if in_abstract_scope():
            return branches[0].declared()
        chosen = 0 if condition else 1
        return branches[chosen].run([], captured[chosen])

    return record(switch_of_graph, (condition, [b.captured for b in branches]))
