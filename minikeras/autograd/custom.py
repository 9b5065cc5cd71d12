"""Functions that bring their own gradient rule."""

import functools

from minikeras.autograd.families import elementwise
from minikeras.autograd.node import paused
from minikeras.autograd.primitive import Primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, array_from
from minikeras.core import trees


def custom_gradient(f):
    """Decorate a function that returns its result and its own gradient rule.

    Args:
        f: function of tensors that returns `(result, grad_fn)`; `grad_fn(*args, upstream=None)`
            or `grad_fn(upstream)` returns the gradients by the arguments.

    Returns:
        A function of the same tensors that returns the result alone.

    Example:
        >>> import minikeras as keras
        >>> @keras.ops.custom_gradient
        ... def clipped(x):
        ...     return x, lambda g: keras.ops.clip(g, -1.0, 1.0)
        >>> x = keras.Variable(3.0)
        >>> with keras.GradientTape() as tape:
        ...     y = 5.0 * clipped(x)
        >>> float(tape.gradient(y, x))
        1.0
    """

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        tensors = [a.as_operand() if hasattr(a, "as_operand") else a for a in args]
        if any(isinstance(t, Abstract) for t in tensors):
            return f(*tensors, **kwargs)[0]
        with paused():
            result, rule = f(*tensors, **kwargs)
        leaves = trees.flatten(result)
        step = _custom_step(leaves, rule)
        made = step(*[t if isinstance(t, Tensor) else Tensor(array_from(t)) for t in tensors])
        made = made if isinstance(made, tuple) else (made,)
        return trees.pack_sequence_as(result, list(made))

    return wrapped


def _custom_step(results, rule):
    """A one-off primitive that answers with given results and a user's gradient rule."""
    arrays = tuple(t.data for t in results)

    def kernel(xp, *xs):
        return arrays if len(arrays) > 1 else arrays[0]

    step = Primitive(kernel, elementwise, name="custom_gradient", variadic=True)

    def gradients(g):
        upstream = g if isinstance(g, list) else [g]
        found = rule(*upstream)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    step.vjp_all(gradients)
    return lambda *tensors: step(list(tensors))
