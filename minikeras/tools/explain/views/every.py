"""All views: importing this module enters them into the table."""

from minikeras.tools.explain.views import (
    activations,
    attention,
    convolution,
    dense,
    merging,
    normalization,
    pooling,
    rnn,
    shapes,
)
from minikeras.tools.explain.views.table import ABOUT, VIEWS, NoView, view, view_of

__all__ = [
    "ABOUT",
    "VIEWS",
    "NoView",
    "activations",
    "attention",
    "convolution",
    "dense",
    "merging",
    "normalization",
    "pooling",
    "rnn",
    "shapes",
    "view",
    "view_of",
]
