"""Composites: ops written in terms of other ops, with no rule, gradient or kernel of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol

from minikeras.arrays import device
from minikeras.autograd import symbolic
from minikeras.autograd.base_ops import cast, stacked_nest
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor, array_from, holds_tensors
from minikeras.core import dtypes
from minikeras.core.dims import Dim
from minikeras.core.types import DTypeLike, List, Tuple

P = ParamSpec("P")


class Composite(Protocol[P]):
    """A function over ops that knows its public name, and its body without the recording."""

    name: str
    class_name: str
    run: Callable[..., Any]
    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run the body, or record one node if a model is being declared."""
        ...


def op(function: Callable[P, Any]) -> Composite[P]:
    """Make a public op of a function over ops.

    Called on a model's symbolic tensors it adds one node under its own name; otherwise the body
    simply runs, on values or on shapes alone. What it makes of scalars is put on the device of
    its tensors.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Any:
        if not device.in_use:
            return function(*args, **kwargs)
        with device.place_of_first((*args, *kwargs.values())):
            return function(*args, **kwargs)

    @functools.wraps(function)
    def body(*args: P.args, **kwargs: P.kwargs) -> Any:
        if symbolic.any_symbolic(args, kwargs):
            return symbolic.record_op(composite, args, kwargs)
        if not device.in_use:
            return function(*args, **kwargs)
        return run(*args, **kwargs)

    composite: Any = body
    composite.name = function.__name__
    composite.class_name = ""
    composite.run = run
    return composite


@op
def convert_to_tensor(x: Any, dtype: DTypeLike = None) -> Any:
    """Return `x` as a tensor; tensors (and shapes) stay what they are.

    Args:
        x: number or string, nest of these, array, variable or tensor.
        dtype: dtype name, or None to keep or derive it.

    Returns:
        A tensor, holding a copy if `x` is an array of somebody else's.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.convert_to_tensor([1, 2])
        <Tensor: shape=(2,), dtype=int32, numpy=array([1, 2], dtype=int32)>
    """
    if hasattr(x, "as_operand"):
        x = x.as_operand()
    if isinstance(x, (List, Tuple)) and holds_tensors(x):
        x = stacked_nest(x)
    elif isinstance(x, Dim):
        x = Abstract((), "int32")
    if isinstance(x, Abstract | Tensor):
        is_as_asked = dtype is None or dtypes.standardize(dtype) == x.dtype
        return x if is_as_asked else cast(x, dtype=dtype)
    array = array_from(x, dtype)
    return Tensor(device.copied(array) if array is x or array.base is not None else array)
