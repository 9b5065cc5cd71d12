"""What the file editor prints: the tree of a file, and what differs from a model.

Names come from a file. What they hold is shown as characters, never as markup or as commands to
the terminal.
"""

from collections.abc import Iterator
from typing import Any

from minikeras.core import rich

Tree = dict[str, Any]

_MAX_NAMES = 10


def shown(text: Any) -> str:
    """A text as it may be printed, whatever it holds.

    Args:
        text: a name, or anything else that has a text.
    """
    characters = (c if c.isprintable() else repr(c)[1:-1] for c in str(text))
    return rich.markup.escape("".join(characters))


def emphasized(text: Any) -> str:
    """The markup of a text that stands out.

    Args:
        text: a name, or anything else that has a text.
    """
    return f"[green]{shown(text)}[/]"


def tree_lines(tree: Tree, metadata: Tree, path: str = "", prefix: str = "  ") -> Iterator[str]:
    """The lines that show a tree of weights.

    Args:
        tree: dict of name to weight, or to a dict again.
        metadata: dict of path to attributes, of which `name` is shown.
        path: where the tree is in a larger one.
        prefix: what each line begins with.

    Yields:
        Markup of `rich`, line by line.
    """
    for number, (name, value) in enumerate(tree.items()):
        is_last = number == len(tree) - 1
        branch = "└─ " if is_last else "├─ "
        if not path and not number:
            branch = "> "
        inner = f"{path}/{name}"
        if isinstance(value, dict):
            own_name = metadata.get(inner, {}).get("name")
            has_own = isinstance(own_name, str) and own_name != name
            label = f" ('{shown(own_name)}')" if has_own else ""
            yield f"{prefix}{branch}[bold]{shown(name)}[/]{label}"
            yield from tree_lines(value, metadata, inner, prefix + ("    " if is_last else "│   "))
        else:
            yield f"{prefix}{branch}[bold]{shown(name)}[/]: {_form(value)}"


def comparison_lines(saved: Tree, expected: Tree) -> tuple[int, list[str]]:
    """Compare two trees of weights.

    Args:
        saved: the file's.
        expected: the model's.

    Returns:
        How many weights have the same shape in both, and a line for each difference.
    """
    matches, lines = 0, []
    for path, ours, theirs in _pairs(saved, expected, ""):
        if ours is None or theirs is None:
            lines.append(_missing(path, ours, theirs))
        elif isinstance(ours, dict) or isinstance(theirs, dict) or ours.shape != theirs.shape:
            lines.append(
                f"[red]{shown(path)} differs:[/] in the file {_what(ours)}, "
                f"in the model {_what(theirs)}"
            )
        else:
            matches += 1
    return matches, lines


def _pairs(saved: Tree, expected: Tree, path: str) -> Iterator[tuple[str, Any, Any]]:
    """What is at each path in two trees; None where one has nothing."""
    for name in dict.fromkeys((*expected, *saved)):
        ours, theirs = saved.get(name), expected.get(name)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            yield from _pairs(ours, theirs, f"{path}/{name}")
        else:
            yield f"{path}/{name}", ours, theirs


def _missing(path: str, ours: Any, theirs: Any) -> str:
    having, lacking = ("model", "file") if ours is None else ("file", "model")
    what = _what(theirs if ours is None else ours)
    return f"[red]{shown(path)} is not in the {lacking}:[/] in the {having} {what}"


def _what(value: Any) -> str:
    if not isinstance(value, dict):
        return f"a weight, {_form(value)}"
    more = ", ..." if len(value) > _MAX_NAMES else ""
    return f"an object with [{shown(', '.join(list(value)[:_MAX_NAMES]))}{more}]"


def _form(value: Any) -> str:
    return f"shape={value.shape}, dtype={value.dtype}"
