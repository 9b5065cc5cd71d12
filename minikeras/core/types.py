"""Names for what annotations speak of, where Python's own names say too little.

The arrays of NumPy and CuPy have no class in common, and a nest may hold anything: to the type
checker these are `Any`, to the reader they are words.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

Array: TypeAlias = Any
"""An array of NumPy or CuPy."""

ArrayModule: TypeAlias = Any
"""The module `numpy` or `cupy`, `xp` in kernels."""

DTypeLike: TypeAlias = Any
"""A dtype as users give it: a name, a Python or NumPy type, or None for the default float type."""

Axes: TypeAlias = Any
"""An axis, several of them, or None for all."""

Nest: TypeAlias = Any
"""A leaf, or a list, tuple or dict of nests."""

Config: TypeAlias = dict[str, Any]
"""The arguments of a constructor, or a saved form made of them."""

if TYPE_CHECKING:
    # `isinstance(x, dict)` leaves a strict checker with a dict of the unknown, which it then
    # complains of at every use; `isinstance(x, Dict)` leaves it with a dict of anything.
    class Dict(dict[Any, Any]):
        """A dict of anything."""

    class List(list[Any]):
        """A list of anything."""

    class Tuple(tuple[Any, ...]):
        """A tuple of anything."""
else:
    Dict, List, Tuple = dict, list, tuple
