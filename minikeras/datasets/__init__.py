"""Known data sets, downloaded when they are first asked for, and digits that come along."""

from minikeras.core.first_use import on_first_use
from minikeras.datasets import digits

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

__getattr__, __dir__ = on_first_use(
    __name__,
    {
        "minikeras.datasets.boston_housing": [],
        "minikeras.datasets.california_housing": [],
        "minikeras.datasets.cifar10": [],
        "minikeras.datasets.cifar100": [],
        "minikeras.datasets.fashion_mnist": [],
        "minikeras.datasets.imdb": [],
        "minikeras.datasets.mnist": [],
        "minikeras.datasets.reuters": [],
    },
)
