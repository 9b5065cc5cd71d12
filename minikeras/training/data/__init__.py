"""Where batches come from: arrays in memory, generators, and PyDataset."""

from minikeras.training.data.arrays import ArrayData, split_validation
from minikeras.training.data.generators import GeneratorData
from minikeras.training.data.py_dataset import PyDataset, PyDatasetData
from minikeras.training.data.select import Epochs, data_source

__all__ = [
    "ArrayData",
    "Epochs",
    "GeneratorData",
    "PyDataset",
    "PyDatasetData",
    "data_source",
    "split_validation",
]
