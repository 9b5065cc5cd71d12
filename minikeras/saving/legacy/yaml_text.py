"""YAML of old models, checked before PyYAML builds anything from it.

An alias stands for all that its anchor holds, so a few lines can describe more than fits in memory.
What the text stands for with every alias written out is counted first.
"""

import json
from collections import Counter
from typing import Any

from minikeras.core.distribution import how_to_install
from minikeras.core.registry import MALFORMED
from minikeras.saving.guard import FileError, parse_json

# The description of a large model has some 100 KiB; PyYAML reads about 1 MiB in a second.
MAX_YAML = 4 << 20
MAX_DEPTH = 256
MAX_NODES = 1 << 20

# Keras 2 wrote tuples, and strings of Python 2, with tags of their own.
_TUPLE, _UNICODE = (f"tag:yaml.org,2002:python/{kind}" for kind in ("tuple", "unicode"))


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """Parse the YAML of a model; it may hold what JSON can hold.

    Args:
        text: the YAML, at most 4 MiB, nested at most 256 deep.
        where: what it is, for errors.

    Returns:
        The dict at the top level.

    Raises:
        ImportError: if PyYAML is not installed.
        FileError: if it is no YAML of one dict, names a class of Python, is too large, too deep, or
            names a key twice.

    Example:
        >>> parse_yaml("class_name: Dense", "the model's YAML")
        {'class_name': 'Dense'}
    """
    yaml = _library()
    if len(text) > MAX_YAML:
        raise FileError(f"{where}: {len(text)} characters of YAML; at most {MAX_YAML} are read")
    try:
        _check_size(yaml.parse(text, yaml.SafeLoader), where)
        value = yaml.load(text, _loader(yaml))
        as_json = json.dumps(value)
    except FileError:
        raise
    except (yaml.YAMLError, ValueError, TypeError, *MALFORMED) as error:
        raise FileError(f"{where}: {error}") from error
    return parse_json(as_json, where)


def to_yaml(config: dict[str, Any], **options: Any) -> str:
    """Return a dict that JSON can hold as YAML.

    Args:
        config: the dict.
        **options: passed on to PyYAML's `safe_dump`.
    """
    return _library().safe_dump(config, **options)


def _library() -> Any:
    """PyYAML."""
    try:
        import yaml
    except ImportError:
        message = f"YAML is read and written by the package `pyyaml`. {how_to_install('yaml')}"
        raise ImportError(message) from None
    return yaml


def _check_size(events: Any, where: str) -> None:
    """Count the nodes that a text stands for, from its events, without recursion."""
    sizes: dict[str, int] = {}  # of complete anchors
    unfinished: list[tuple[str | None, int]] = []  # anchor, and the count before it
    count = 0
    for event in events:
        kind, anchor = type(event).__name__, getattr(event, "anchor", None)
        if kind == "AliasEvent":
            if anchor not in sizes:
                raise FileError(f"{where}: the alias '{anchor}' is part of what it stands for")
            count += sizes[anchor]
        elif kind == "ScalarEvent":
            count += 1
            sizes |= {anchor: 1} if anchor else {}
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            unfinished.append((anchor, count))
            count += 1
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            opened, before = unfinished.pop()
            sizes |= {opened: count - before} if opened else {}
        if count > MAX_NODES:
            raise FileError(f"{where}: stands for more than {MAX_NODES} values")
        if len(unfinished) > MAX_DEPTH:
            raise FileError(f"{where}: YAML is nested more than {MAX_DEPTH} deep")


def _loader(yaml: Any) -> type[Any]:
    """PyYAML's safe loader, which refuses keys that occur twice, and reads tuples as lists."""

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            counts = Counter(key.value for key, _ in node.value if isinstance(key.value, str))
            twice = [key for key, count in counts.items() if count > 1]
            if twice:
                raise ValueError(f"the key {twice[0]!r} occurs twice")
            return super().construct_mapping(node, deep)

    Loader.add_constructor(_TUPLE, Loader.construct_sequence)
    Loader.add_constructor(_UNICODE, Loader.construct_scalar)
    return Loader
