"""Parts of tensors: look-ups, slices, writing at places, sorting, segments."""

from minikeras.ops.indexing.blocks import (
    slice,
    slice_update,
    take_along_axis,
    unravel_index,
)
from minikeras.ops.indexing.lookup import (
    get_item,
    nonzero,
    take,
)
from minikeras.ops.indexing.scattering import (
    scatter,
    scatter_update,
)
from minikeras.ops.indexing.searching import (
    bincount,
    digitize,
    searchsorted,
)
from minikeras.ops.indexing.segments import (
    segment_max,
    segment_min,
    segment_prod,
    segment_sum,
)
from minikeras.ops.indexing.sorting import (
    argpartition,
    argsort,
    in_top_k,
    sort,
    top_k,
    unique,
)

__all__ = [
    "argpartition",
    "argsort",
    "bincount",
    "digitize",
    "get_item",
    "in_top_k",
    "nonzero",
    "scatter",
    "scatter_update",
    "searchsorted",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "slice",
    "slice_update",
    "sort",
    "take",
    "take_along_axis",
    "top_k",
    "unique",
    "unravel_index",
]
