"""Docstrings whose `Args:` block is completed: what many arguments share is written down once.

A docstring says of an argument what is special about it here. An argument that it leaves out gets
the text of its kind: the family of an op has one for each operand, a base class for each argument
of its constructor, a kind of field for all fields of this kind. The block is completed when the
function or class is made, so `help` and `__doc__` show all of it.
"""

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from inspect import CO_VARARGS, CO_VARKEYWORDS, Parameter
from types import CodeType
from typing import Any, NamedTuple, TypeAlias, TypeVar

from minikeras.core.types import Dict

Texts: TypeAlias = Mapping[str, str]
"""What is said of an argument, by its name; with their stars for `*args` and `**kwargs`."""

Thing = TypeVar("Thing")

_WIDTH = 100
# What stands after the arguments.
_AFTER = re.compile(r"\n( *+)(?:Returns|Yields|Raises|Example|Input \w+|Output \w+|Call \w+):")
_GOES_ON = "\0"  # stands for a line break inside an entry
_STARS = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}


class _Block(NamedTuple):
    """Where the `Args:` block of a docstring stands, and its entries as they are written."""

    start: int
    end: int
    indent: str
    entries: dict[str, str]
    """By each name that they are for, without the indent."""


@cache
def _block_of(doc: str) -> _Block | None:
    at = doc.find(" Args:\n") + 1 or doc.find("\nArgs:\n") + 1
    if not at:
        return None
    start = doc.rfind("\n", 0, at) + 1
    indent = doc[start:at]
    blank = doc.find("\n\n", at)
    end = len(doc.rstrip()) if blank < 0 else blank
    body = doc[at + len("Args:") : end].replace(f"\n{indent}    ", "\n")[1:]
    entries: dict[str, str] = {}
    for entry in body.replace("\n ", _GOES_ON).split("\n"):
        for name in entry.partition(": ")[0].split(", "):
            entries[name] = entry.replace(_GOES_ON, "\n ")
    return _Block(start, end, indent, entries)


@cache
def texts_of(doc: str | None) -> Texts:
    r"""Return what a docstring says of each argument.

    Args:
        doc: a docstring, or None.

    Example:
        >>> from minikeras.core.docstrings import texts_of
        >>> texts_of("Halve it.\n\nArgs:\n    x: float.\n    count: int, how often.")
        {'x': 'float.', 'count': 'int, how often.'}
    """
    block = _block_of(doc or "")
    return {n: entry.partition(": ")[2] for n, entry in block.entries.items()} if block else {}


def completed(doc: str | None, parameters: Iterable[str], texts: Texts) -> str | None:
    r"""Return a docstring with an entry for each parameter of which it or `texts` says something.

    Args:
        doc: a docstring with or without an `Args:` block, or None.
        parameters: names in the order in which the entries are to stand.
        texts: what to say of those that the docstring leaves out.

    Returns:
        The docstring; the block is made before the returned value, the errors and the example, if
        there was none. None stays None.

    Example:
        >>> from minikeras.core.docstrings import completed
        >>> print(completed("Add.\n\nArgs:\n    y: int.", ["x", "y"], {"x": "float.", "y": "?"}))
        Add.
        <BLANKLINE>
        Args:
            x: float.
            y: int.
    """
    if doc is None:
        return None
    block = _block_of(doc)
    own = block.entries if block else {}
    entries: list[str] = []
    count = 0
    for name in parameters:
        if name in own:
            entries.append(own[name])
        elif name in texts:
            entries.append(f"{name}: {texts[name]}")
            count += 1
    if not count:
        return doc
    return _with_entries(doc, block, dict.fromkeys([*entries, *own.values()]))


def _with_entries(doc: str, block: _Block | None, entries: Iterable[str]) -> str:
    """The docstring with these entries in place of those of its block, or in a new block."""
    if block is not None:
        return doc[: block.start] + _written(block.indent, entries) + doc[block.end :]
    after = _AFTER.search(doc)
    if after is not None:
        at, indent = after.start() + 1, after[1]
        return f"{doc[:at]}{_written(indent, entries)}\n\n{doc[at:]}"
    indent = doc.rpartition("\n")[2] if "\n" in doc else "    "
    indent = indent if indent.isspace() else ""
    return f"{doc.rstrip()}\n\n{_written(indent, entries)}\n{indent}"


def _written(indent: str, entries: Iterable[str]) -> str:
    margin = f"\n{indent}    "
    width = _WIDTH - len(indent) - 4
    lines = [entry if len(entry) <= width else _wrapped(entry, width) for entry in entries]
    return f"{indent}Args:{margin}" + "\n".join(lines).replace("\n", margin)


def _wrapped(entry: str, width: int) -> str:
    if "\n" in entry:
        return entry
    return "\n".join(textwrap.wrap(entry, width, subsequent_indent="    "))


def parameters_of(function: Any) -> list[str]:
    """Return the names of a function's parameters, `*args` and `**kwargs` with their stars."""
    while "__wrapped__" in vars(function) and "__signature__" not in vars(function):
        function = function.__wrapped__
    if "__signature__" in vars(function):
        declared = function.__signature__.parameters.values()
        return [_STARS.get(parameter.kind, "") + parameter.name for parameter in declared]
    code: CodeType = function.__code__
    names = code.co_varnames
    count = code.co_argcount + code.co_kwonlyargcount
    parameters = list(names[:count])
    if code.co_flags & CO_VARARGS:
        parameters.append("*" + names[count])
        count += 1
    if code.co_flags & CO_VARKEYWORDS:
        parameters.append("**" + names[count])
    return parameters


def described(*sources: Any, **texts: str) -> Callable[[Thing], Thing]:
    """Complete the docstring of a function or class whose arguments others have, too.

    Args:
        *sources: dicts of texts by the arguments' names, or functions or classes whose docstrings
            have them; a later one goes before an earlier one, and a base class before all.
        **texts: the same, by name.

    Example:
        >>> from minikeras.core.docstrings import described
        >>> @described({"x": "tensor of any shape."}, times="int, how often.")
        ... def repeated(x, times):
        ...     "Repeat a tensor."
        >>> print(repeated.__doc__)
        Repeat a tensor.
        <BLANKLINE>
            Args:
                x: tensor of any shape.
                times: int, how often.
    """
    offered: dict[str, str] = {}
    for source in sources:
        offered.update(source if isinstance(source, Dict) else texts_of(source.__doc__))
    offered |= texts

    def decorate(thing: Any) -> Any:
        if isinstance(thing, type):
            describe_class(thing, offered)
        else:
            thing.__doc__ = completed(thing.__doc__, parameters_of(thing), offered)
        return thing

    return decorate


def inherited(cls: type) -> dict[str, str]:
    """Return what the docstrings of a class's bases say of arguments; the nearest one counts.

    What `*args` and `**kwargs` stand for is up to each class.
    """
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__[1:]):
        if base.__doc__ and "Args:" in base.__doc__:
            texts.update(texts_of(base.__doc__))
    return {name: text for name, text in texts.items() if not name.startswith("*")}


def describe_class(cls: type, texts: Texts) -> None:
    """Complete the docstring of a class from those of its bases, and from `texts`.

    Args:
        cls: the class; the parameters are those of its constructor.
        texts: what to say of those of which neither the class nor a base says anything.
    """
    constructor: Any = cls.__init__
    if hasattr(constructor, "__dict__"):  # that of `object` takes no arguments
        offered = {**texts, **inherited(cls)}
        cls.__doc__ = completed(cls.__doc__, parameters_of(constructor), offered)
