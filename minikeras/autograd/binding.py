"""Binding the arguments of an op to the inputs and static attributes of its kernel."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from minikeras.core.types import List, Tuple


class Binding:
    """The arguments of an op, read from the signature of its kernel.

    After the array module come the inputs, in place; then, by keyword, static attributes. What the
    engine itself passes (`out`, `save`) belongs to neither.

    Args:
        kernel: function `(xp, *arrays, **statics)`.
        name: the op's public name, for messages.
        variadic: whether the op takes one list of inputs.

    Attributes:
        inputs: names of the inputs.
        statics: names of the static attributes.
        defaults: dict of the static attributes' defaults, None where there is none.
        signature: the signature of the op.
    """

    def __init__(self, kernel: Callable[..., Any], name: str, variadic: bool):
        self.name, self.variadic = name, variadic
        empty, by_keyword = inspect.Parameter.empty, inspect.Parameter.KEYWORD_ONLY
        parameters = [
            p
            for p in list(inspect.signature(kernel).parameters.values())[1:]
            if p.kind != by_keyword or p.name not in ("out", "save")
        ]
        inputs = [p for p in parameters if p.kind != by_keyword]
        self.inputs = tuple(p.name for p in inputs)
        self.defaults: dict[str, Any] = {
            p.name: None if p.default is empty else p.default
            for p in parameters
            if p.kind == by_keyword
        }
        self.statics = tuple(self.defaults)
        self._required = sum(p.default is empty for p in inputs)
        in_place = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.signature = inspect.Signature([p.replace(kind=in_place) for p in parameters])

    def __call__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """Return the inputs, None for missing optional ones, and the static attributes.

        Raises:
            TypeError: if an argument is missing, unknown or given twice.
            ValueError: if an op of a list gets an empty one.
        """
        if self.variadic:
            return self._bind_list(args, kwargs)
        if len(args) == len(self.inputs) and (not kwargs or kwargs.keys() <= self.defaults.keys()):
            return args, kwargs
        return self._bind_by_name(args, kwargs)

    def _bind_list(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        if len(args) > 1:
            kwargs = {**dict(zip(self.statics, args[1:], strict=False)), **kwargs}
        inputs = args[0] if args else kwargs.pop(self.inputs[0])
        if not isinstance(inputs, (List, Tuple)):
            inputs = list(inputs)
        if not inputs:
            raise ValueError(
                f"'{self.name}' needs at least one tensor, but received an empty list."
            )
        return inputs, kwargs

    def _bind_by_name(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        order = (*self.inputs, *self.statics)
        if len(args) > len(order):
            raise TypeError(
                f"{self.name}() takes at most {len(order)} arguments, but received {len(args)}."
            )
        values = dict(zip(order, args, strict=False))
        for name, value in kwargs.items():
            if name not in order:
                raise TypeError(f"{self.name}() got an unexpected keyword argument '{name}'")
            if name in values:
                raise TypeError(f"{self.name}() got multiple values for argument '{name}'")
            values[name] = value
        missing = [name for name in self.inputs[: self._required] if name not in values]
        if missing:
            raise TypeError(f"{self.name}() is missing the arguments {missing}")
        inputs = [values.pop(name, None) for name in self.inputs]
        return inputs, values
