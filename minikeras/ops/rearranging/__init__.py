"""Elements repeated, mirrored, shifted, padded, or dealt out to other axes."""

from minikeras.ops.rearranging.elements import (
    flip,
    fliplr,
    flipud,
    pad,
    repeat,
    roll,
    rot90,
    tile,
)
from minikeras.ops.rearranging.layouts import (
    depth_to_space,
    fold,
    rearrange,
    space_to_depth,
    unfold,
    vander,
    view,
)

__all__ = [
    "depth_to_space",
    "flip",
    "fliplr",
    "flipud",
    "pad",
    "rearrange",
    "repeat",
    "roll",
    "rot90",
    "space_to_depth",
    "tile",
    "fold",
    "unfold",
    "vander",
    "view",
]
