"""Nests of plain values and arrays as a flat dict, which any format of files can hold."""

import json

import numpy as np

_ARRAY = "__array__"


def pack(nest):
    """Return a nest as a dict of one JSON string and the arrays that it names.

    Args:
        nest: dicts, lists, tuples (which become lists), strings, numbers, bools, None and arrays.

    Returns:
        A dict of strings to a string and arrays.

    Raises:
        TypeError: if the nest holds something else.

    Example:
        >>> packed = pack({"epoch": 2, "order": np.array([1, 0])})
        >>> sorted(packed)
        ['array_0', 'nest']
        >>> unpack(packed)
        {'epoch': 2, 'order': array([1, 0])}
    """
    arrays = []

    def as_json(value):
        if isinstance(value, (np.ndarray, np.generic)):
            arrays.append(value)
            return {_ARRAY: len(arrays) - 1}
        raise TypeError(
            f"Expected plain values and arrays to keep, but received {value!r} (of type "
            f"{type(value).__name__})."
        )

    packed = {"nest": json.dumps(nest, default=as_json)}
    return packed | {f"array_{i}": array for i, array in enumerate(arrays)}


def unpack(packed):
    """Return the nest that `pack` made a flat dict of.

    Args:
        packed: what `pack` returned.

    Returns:
        The nest.
    """

    def with_arrays(value):
        return packed[f"array_{value[_ARRAY]}"] if _ARRAY in value else value

    return json.loads(packed["nest"], object_hook=with_arrays)
