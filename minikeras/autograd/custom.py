"""Functions that bring their own gradient rule."""

import functools
from collections.abc import Callable
from typing import Any

from minikeras.autograd.families import elementwise
from minikeras.autograd.node import paused
from minikeras.autograd.primitive import Primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, array_from
from minikeras.core import trees
from minikeras.core.types import Array, ArrayModule, List, Tuple


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
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
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        tensors = [a.as_operand() if hasattr(a, "as_operand") else a for a in args]
        if any(isinstance(t, Abstract) for t in tensors):
            return f(*tensors, **kwargs)[0]
        with paused():
            result, rule = f(*tensors, **kwargs)
        leaves = trees.flatten(result)
        step = _custom_step(leaves, rule)
        made = step(*[t if isinstance(t, Tensor) else Tensor(array_from(t)) for t in tensors])
        made = made if isinstance(made, Tuple) else (made,)
        return trees.pack_sequence_as(result, list(made))

    return wrapped


def _custom_step(results: list[Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    """A one-off primitive that answers with given results and a user's gradient rule."""
    arrays = tuple(t.data for t in results)

    def kernel(xp: ArrayModule, *xs: Array) -> Array | tuple[Array, ...]:
        return arrays[0] if len(arrays) == 1 else arrays

    step = Primitive(kernel, elementwise, name="custom_gradient", variadic=True)

    def gradients(g: Any) -> list[Any]:
        upstream = g if isinstance(g, List) else [g]
        found = rule(*upstream)
        return list(found) if isinstance(found, (Tuple, List)) else [found]

    step.vjp_all(gradients)

    def call(*tensors: Tensor) -> Any:
        return step(list(tensors))

    return call
