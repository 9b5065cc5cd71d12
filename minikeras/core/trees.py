"""Nests of lists, tuples, dicts and namedtuples, traversed leaf by leaf.

A leaf is anything that is not one of those containers; `None` is a leaf. Dicts are traversed in the
order of their sorted keys, so that the same data in another order gives the same leaves.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minikeras.core.types import Dict, List, Nest, Tuple


def is_nested(tree: Nest) -> bool:
    """Say whether `tree` is a container rather than a leaf.

    Example:
        >>> is_nested([1, 2]), is_nested(1)
        (True, False)
    """
    return isinstance(tree, (list, tuple, dict))


def flatten(tree: Nest) -> list[Any]:
    """Return the leaves of `tree` as a list, depth first.

    Example:
        >>> flatten({"b": 1, "a": [2, (3,)]})
        [2, 3, 1]
    """
    leaves: list[Any] = []
    _collect(tree, leaves)
    return leaves


def _collect(tree: Nest, leaves: list[Any]) -> None:
    if isinstance(tree, Dict):
        for key in keys_of(tree):
            _collect(tree[key], leaves)
    elif isinstance(tree, (List, Tuple)):
        for item in tree:
            _collect(item, leaves)
    else:
        leaves.append(tree)


def flatten_with_path(tree: Nest, path: tuple[Any, ...] = ()) -> list[tuple[Any, Any]]:
    """Return `(path, leaf)` pairs, a path being the keys and positions that lead to the leaf.

    Example:
        >>> flatten_with_path({"a": [5, 6]})
        [(('a', 0), 5), (('a', 1), 6)]
    """
    items: list[tuple[Any, Nest]]
    if isinstance(tree, Dict):
        items = [(key, tree[key]) for key in keys_of(tree)]
    elif isinstance(tree, (List, Tuple)):
        items = list(enumerate(tree))
    else:
        return [(path, tree)]
    return [pair for key, item in items for pair in flatten_with_path(item, (*path, key))]


def map_structure(function: Callable[..., Any], tree: Nest, *others: Nest) -> Nest:
    """Apply `function` to the leaves of one or more nests of the same structure.

    Returns:
        A nest shaped like `tree` that holds the results.

    Raises:
        ValueError: if the nests differ in structure.

    Example:
        >>> map_structure(lambda a, b: a + b, [1, {"k": 2}], [10, {"k": 20}])
        [11, {'k': 22}]
    """
    if not others:
        return _map_one(function, tree)
    for other in others:
        assert_same_structure(tree, other)
    return _map(function, (tree, *others))


def _map_one(function: Callable[..., Any], tree: Nest) -> Nest:
    """What `_map` does for a single nest; a step does this with its batch several times."""
    if type(tree) is Tuple:
        return tuple([_map_one(function, item) for item in tree])
    if isinstance(tree, (Dict, List, Tuple)):
        return _map(function, (tree,))
    return function(tree)


def _map(function: Callable[..., Any], trees: Sequence[Nest]) -> Nest:
    first = trees[0]
    if isinstance(first, Dict):
        mapped = {key: _map(function, [tree[key] for tree in trees]) for key in keys_of(first)}
        return like_dict(first, mapped)
    if isinstance(first, (List, Tuple)):
        return like_sequence(first, [_map(function, parts) for parts in zip(*trees, strict=True)])
    return function(*trees)


def map_up_to(function: Callable[[Any, Nest], Any], shallow: Nest, deep: Nest) -> Nest:
    """Apply `function(leaf, part)` where `deep` goes on below the leaves of `shallow`.

    Example:
        >>> map_up_to(lambda name, part: (name, part), ["a", "b"], [1, [2, 3]])
        [('a', 1), ('b', [2, 3])]
    """
    if isinstance(shallow, Dict):
        mapped = {key: map_up_to(function, shallow[key], deep[key]) for key in keys_of(shallow)}
        return like_dict(shallow, mapped)
    if isinstance(shallow, (List, Tuple)):
        parts = [map_up_to(function, s, d) for s, d in zip(shallow, deep, strict=True)]
        return like_sequence(shallow, parts)
    return function(shallow, deep)


def pack_sequence_as(structure: Nest, leaves: Iterable[Any]) -> Nest:
    """Put a flat list of leaves back into the shape of `structure`.

    Raises:
        ValueError: if the number of leaves does not fit.

    Example:
        >>> pack_sequence_as({"a": 0, "b": [0, 0]}, [1, 2, 3])
        {'a': 1, 'b': [2, 3]}
    """
    wanted = len(flatten(structure))
    leaves = list(leaves)
    if len(leaves) != wanted:
        raise ValueError(
            f"The structure has {wanted} leaves, but received {len(leaves)} values: "
            f"structure={structure}"
        )
    remaining = iter(leaves)

    def refill(_: Any) -> Any:
        return next(remaining)

    return _map(refill, (structure,))


def assert_same_structure(a: Nest, b: Nest) -> None:
    """Raise a ValueError that names the first place where two nests differ in structure.

    Example:
        >>> assert_same_structure([1, {"k": 2}], ["a", {"k": "b"}])
    """
    if is_nested(a) != is_nested(b):
        raise ValueError(f"The two structures do not match: {a!r} against {b!r}.")
    if isinstance(a, Dict):
        if not isinstance(b, Dict) or set(a) != set(b):
            raise ValueError(f"The two structures have different keys: {a!r} against {b!r}.")
        for key in a:
            assert_same_structure(a[key], b[key])
    elif isinstance(a, (List, Tuple)):
        if isinstance(b, Dict) or len(a) != len(b):
            raise ValueError(f"The two structures have different lengths: {a!r} against {b!r}.")
        for x, y in zip(a, b, strict=True):
            assert_same_structure(x, y)


def same_structure(a: Nest, b: Nest) -> bool:
    """Say whether two nests have the same structure."""
    try:
        assert_same_structure(a, b)
    except ValueError:
        return False
    return True


def keys_of(mapping: dict[Any, Any]) -> list[Any]:
    """Return sorted keys; an OrderedDict, or keys that cannot be compared, keep their own order."""
    if isinstance(mapping, OrderedDict):
        return list(mapping)
    try:
        return sorted(mapping)
    except TypeError:
        return list(mapping)


def like_dict(template: dict[Any, Any], mapped: dict[Any, Any]) -> dict[Any, Any]:
    """Return a dict of the template's type and key order."""
    ordered = {key: mapped[key] for key in template}
    if isinstance(template, defaultdict):
        return defaultdict(template.default_factory, ordered)
    return ordered if type(template) is Dict else type(template)(ordered)


def like_sequence(template: Any, items: Iterable[Any]) -> Sequence[Any]:
    """Return a list, tuple or namedtuple of the template's type that holds some items."""
    if hasattr(template, "_fields"):
        return type(template)(*items)
    return tuple(items) if isinstance(template, tuple) else list(items)
