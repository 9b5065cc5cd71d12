"""The public module `minikeras.random`."""

from minikeras.ops.random.draws import (
    beta,
    binomial,
    categorical,
    gamma,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)
from minikeras.ops.random.dropout import dropout
from minikeras.ops.random.seeds import SeedGenerator

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]
