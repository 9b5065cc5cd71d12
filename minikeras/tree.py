"""The public module `minikeras.tree`: nests of lists, tuples and dicts."""

from minikeras.core.trees import (
    assert_same_structure,
    flatten,
    flatten_with_path,
    is_nested,
    map_structure,
    pack_sequence_as,
)
from minikeras.core.trees import map_up_to as map_structure_up_to

__all__ = [
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
]
