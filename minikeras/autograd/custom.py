"""Functions that bring their own vjp."""

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
    """Decorate a function that returns its result and its own vjp.

    Args:
        f: function of tensors that returns `(result, grad_fn)`; `grad_fn(*args, upstream=None)`
            or `grad_fn(upstream)` returns the gradients with respect to
            the arguments.

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
        tensors = [_as_tensor(t) for t in tensors]
        with paused():
            result, vjp = f(*tensors, **kwargs)
        leaves = [_as_tensor(leaf) for leaf in trees.flatten(result)]
        outputs = _with_vjp(vjp, len(tensors))([*tensors, *leaves])
        return trees.pack_sequence_as(result, outputs if isinstance(outputs, Tuple) else [outputs])

    return wrapped


def _as_tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(array_from(value))


def _with_vjp(vjp: Callable[..., Any], arity: int) -> Primitive:
    """A one-off primitive of `arity` inputs and the results that were computed from them.

    It returns the results. As they are inputs as well, a recorded program computes them again.
    """

    def results(xp: ArrayModule, *arrays: Array) -> Array | tuple[Array, ...]:
        outputs = arrays[arity:]
        return outputs[0] if len(outputs) == 1 else outputs

    def joint_vjp(g: Any, needs: tuple[bool, ...]) -> list[Any]:
        gradients = vjp(*(g if isinstance(g, List) else [g]))
        gradients = list(gradients) if isinstance(gradients, (Tuple, List)) else [gradients]
        return [*gradients, *[None] * (len(needs) - arity)]

    step = Primitive(results, elementwise, name="custom_gradient", variadic=True)
    step.vjp_all(joint_vjp)
    return step
