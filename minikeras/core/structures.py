"""The functions of `keras.tree`, which are stricter than what the engine uses (`core.trees`).

Here a list, a tuple and a namedtuple are of different structure, while all dicts with the same keys
are of one; a deque is a container as well. None is a leaf unless a caller says otherwise.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from minikeras.core.trees import keys_of, like_dict, like_sequence
from minikeras.core.types import Dict, List, Nest, Tuple


class MAP_TO_NONE:
    """What a function returns to `traverse` so that None takes the place of a part.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.traverse(
        ...     lambda part: keras.tree.MAP_TO_NONE if part == 2 else None, [1, [2, 3]])
        [1, [None, 3]]
    """


def is_nested(structure: Nest) -> bool:
    """Say whether a value is a container: a list, tuple, namedtuple, dict or deque.

    Args:
        structure: anything.

    Returns:
        A bool.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.is_nested([1, 2]), keras.tree.is_nested(1)
        (True, False)
    """
    return isinstance(structure, (list, tuple, dict, deque))


def flatten(structure: Nest) -> list[Any]:
    """Return the leaves of a nest as a list, depth first; dicts in the order of their sorted keys.

    Args:
        structure: a nest.

    Returns:
        A list.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.flatten({"b": 1, "a": [2, (3,)]})
        [2, 3, 1]
    """
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(structure: Nest) -> list[tuple[Any, Any]]:
    """Return `(path, leaf)` pairs, a path being the keys and positions that lead to the leaf.

    Args:
        structure: a nest.

    Returns:
        A list of pairs.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.flatten_with_path({"a": [5, 6]})
        [(('a', 0), 5), (('a', 1), 6)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [
        ((key, *path), leaf)
        for key in _keys(structure)
        for path, leaf in flatten_with_path(structure[key])
    ]


def map_structure(func: Callable[..., Any], *structures: Nest, none_is_leaf: bool = True) -> Nest:
    """Apply a function to the leaves of one or more nests of the same structure.

    Args:
        func: function of as many leaves as there are nests.
        structures: nests.
        none_is_leaf: whether `func` is called for None, too; if not, None stays.

    Returns:
        A nest like the first one that holds the results.

    Raises:
        ValueError: if there is no nest, or they differ in structure.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.map_structure(lambda a, b: a + b, [1, {"k": 2}], [10, {"k": 20}])
        [11, {'k': 22}]
    """
    if not structures:
        raise ValueError("Expected at least one structure, but received none.")

    def at_leaf(*leaves: Any) -> Any:
        if any(is_nested(leaf) for leaf in leaves):
            raise ValueError(f"The structures do not match: {leaves} are at the same place.")
        if not none_is_leaf and leaves[0] is None:
            if any(leaf is not None for leaf in leaves):
                raise ValueError(f"The structures do not match: {leaves} are at the same place.")
            return None
        return func(*leaves)

    return _map_up_to(structures[0], at_leaf, structures)


def map_structure_up_to(
    shallow_structure: Nest, func: Callable[..., Any], *structures: Nest
) -> Nest:
    """Apply a function to the parts of nests that stand where another nest has its leaves.

    Args:
        shallow_structure: nest that the others are like, down to its leaves.
        func: function of as many parts as there are `structures`.
        structures: nests, which may go on below.

    Returns:
        A nest like `shallow_structure` that holds the results.

    Raises:
        ValueError: if there is no nest, or one is not like `shallow_structure`.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.map_structure_up_to([None, None], len, [[1, 1], [2]])
        [2, 1]
    """
    if not structures:
        raise ValueError("Expected at least one structure, but received none.")
    return _map_up_to(shallow_structure, func, structures)


def assert_same_structure(a: Nest, b: Nest, check_types: Any = None) -> None:
    """Raise an error if two nests differ in structure.

    Args:
        a: a nest.
        b: a nest.
        check_types: has no effect, and a warning says so; `assert_same_paths` is less strict.

    Raises:
        ValueError: if they differ in their containers' types, lengths or keys.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.assert_same_structure([1, {"k": 2}], ["a", {"k": "b"}])
    """
    if check_types is not None:
        warnings.warn(
            "`check_types` has no effect any more: leave it out, or call `assert_same_paths`.",
            DeprecationWarning,
            stacklevel=2,
        )
    map_structure(lambda *_: None, a, b)


def assert_same_paths(a: Nest, b: Nest) -> None:
    """Raise an error if the leaves of two nests have other paths, whatever their containers are.

    Args:
        a: a nest.
        b: a nest.

    Raises:
        ValueError: if a path is in one of them alone; the message names these paths.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.assert_same_paths([0, (1, 2)], (3, [4, 5]))
    """
    in_a, in_b = ({path for path, _ in flatten_with_path(tree)} for tree in (a, b))
    if in_a != in_b:
        raise ValueError(
            f"`a` and `b` do not have the same paths: only in `a`: {in_a - in_b}, only in `b`: "
            f"{in_b - in_a}."
        )


def pack_sequence_as(structure: Nest, flat_sequence: Iterable[Any]) -> Nest:
    """Put a flat sequence of leaves into the shape of a nest.

    Args:
        structure: a nest.
        flat_sequence: iterable with as many items as `structure` has leaves.

    Returns:
        A nest like `structure`.

    Raises:
        ValueError: if the number of items does not fit.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.pack_sequence_as({"a": 0, "b": [0, 0]}, [1, 2, 3])
        {'a': 1, 'b': [2, 3]}
    """
    items, wanted = list(flat_sequence), len(flatten(structure))
    if len(items) != wanted:
        raise ValueError(
            f"Expected as many items as the structure has leaves, {wanted}, but received "
            f"{len(items)}: structure={structure}"
        )
    remaining = iter(items)

    def refill(_: Any) -> Any:
        return next(remaining)

    return map_structure(refill, structure)


def traverse(func: Callable[[Any], Any], structure: Nest, top_down: bool = True) -> Nest:
    """Apply a function to a nest and to all its parts, and put what it returns in their places.

    Args:
        func: function of one part; None for a part that stays as it is, `MAP_TO_NONE` for None.
        structure: a nest.
        top_down: whether a container comes before its parts; then the parts of one for which
            `func` returned something are not visited.

    Returns:
        A nest.

    Example:
        >>> import minikeras as keras
        >>> parts = []
        >>> keras.tree.traverse(parts.append, [(1, 2), 3])
        [(1, 2), 3]
        >>> parts
        [[(1, 2), 3], (1, 2), 1, 2, 3]
    """
    whole = structure if top_down else _traverse_children(func, structure, top_down)
    result = func(whole)
    if result is None:
        return _traverse_children(func, structure, top_down) if top_down else whole
    return None if result is MAP_TO_NONE else result


def lists_to_tuples(structure: Nest) -> Nest:
    """Return a nest with tuples in place of its lists.

    Args:
        structure: a nest.

    Returns:
        A nest.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.lists_to_tuples([1, {"k": [2]}])
        (1, {'k': (2,)})
    """

    def to_tuple(part: Nest) -> Any:
        return tuple(part) if isinstance(part, List) else None

    return traverse(to_tuple, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Nest) -> Nest:
    """Apply a function to the shapes in a nest: lists and tuples of ints and None.

    Args:
        func: function of a shape.
        structure: a nest of shapes.

    Returns:
        A nest that holds the results.

    Example:
        >>> import minikeras as keras
        >>> keras.tree.map_shape_structure(len, {"x": (None, 3), "y": [(2,), ()]})
        {'x': 2, 'y': [1, 0]}
    """
    if not is_nested(structure) or _is_shape(structure):
        return func(structure)
    parts = [map_shape_structure(func, structure[key]) for key in _keys(structure)]
    return _like(structure, parts)


def _is_shape(part: Nest) -> bool:
    if not isinstance(part, (List, Tuple)):
        return False
    return all(size is None or isinstance(size, int) for size in part)


def _traverse_children(func: Callable[[Any], Any], structure: Nest, top_down: bool) -> Nest:
    if not is_nested(structure):
        return structure
    parts = [traverse(func, structure[key], top_down) for key in _keys(structure)]
    return _like(structure, parts)


def _map_up_to(shallow: Nest, func: Callable[..., Any], structures: Iterable[Nest]) -> Nest:
    if not is_nested(shallow):
        return func(*structures)
    for structure in structures:
        _check_same_container(shallow, structure)
    parts = [
        _map_up_to(shallow[key], func, [structure[key] for structure in structures])
        for key in _keys(shallow)
    ]
    return _like(shallow, parts)


def _check_same_container(a: Nest, b: Nest) -> None:
    dicts = isinstance(a, Dict) and isinstance(b, Dict)
    if not dicts and type(a) is not type(b):
        raise ValueError(f"The structures do not match: {a!r} is of another type than {b!r}.")
    if set(_keys(a)) != set(_keys(b)):
        raise ValueError(f"The structures have different keys or lengths: {a!r} against {b!r}.")


def _keys(container: Any) -> list[Any]:
    return keys_of(container) if isinstance(container, Dict) else list(range(len(container)))


def _like(container: Any, parts: list[Any]) -> Nest:
    """A container of the same type and keys that holds other parts."""
    if isinstance(container, Dict):
        return like_dict(container, dict(zip(keys_of(container), parts, strict=True)))
    if isinstance(container, deque):
        return deque(parts, maxlen=container.maxlen)
    return like_sequence(container, parts)
