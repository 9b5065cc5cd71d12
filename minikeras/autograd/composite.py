"""Composites: ops written in terms of other ops, with no rule, gradient or kernel of their own."""

import functools

from minikeras.autograd import symbolic
from minikeras.autograd.primitive import cast
from minikeras.autograd.symbolic import Abstract, KerasTensor
from minikeras.autograd.tensor import Tensor, array_from


def op(function):
    """Make a public op of a function over ops.

    Called on a model's symbolic tensors it adds one node under its own name; otherwise the body
    simply runs, on values or on shapes alone.
    """

    @functools.wraps(function)
    def composite(*args, **kwargs):
        if symbolic.any_symbolic(args, kwargs):
            return symbolic.record_op(composite, args, kwargs)
        return function(*args, **kwargs)

    composite.name = function.__name__
    composite.run = function
    return composite


def convert_to_tensor(x, dtype=None):
    """Return `x` as a tensor; tensors (and shapes, and symbolic tensors) stay what they are.

    Args:
        x: number, nest of numbers, array, variable or tensor.
        dtype: dtype name, or None to keep or derive it.

    Returns:
        A tensor, holding a copy if `x` is an array of somebody else's.
    """
    if hasattr(x, "as_operand"):
        x = x.as_operand()
    if isinstance(x, KerasTensor | Abstract | Tensor):
        return x if dtype is None else cast(x, dtype=dtype)
    array = array_from(x, dtype)
    return Tensor(array.copy() if array is x or array.base is not None else array)
