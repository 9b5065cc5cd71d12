"""New tensors: filled ones, ranges, windows."""

from minikeras.ops.creation.filled import (
    arange,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    identity,
    ones,
    ones_like,
    tri,
    zeros,
    zeros_like,
)
from minikeras.ops.creation.ranges import (
    bartlett,
    blackman,
    geomspace,
    hamming,
    hanning,
    kaiser,
    linspace,
    logspace,
)

__all__ = [
    "arange",
    "bartlett",
    "blackman",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "hamming",
    "hanning",
    "identity",
    "kaiser",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "tri",
    "zeros",
    "zeros_like",
]
