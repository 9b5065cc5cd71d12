"""Keras 2's preprocessing of images, sequences and text, and what Keras 3 has kept of it."""

from minikeras.core.first_use import on_first_use

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

__getattr__, __dir__ = on_first_use(
    __name__,
    {
        "minikeras.preprocessing.image": [],
        "minikeras.preprocessing.sequence": [],
        "minikeras.preprocessing.text": [],
        "minikeras.utils.image_dataset": ["image_dataset_from_directory"],
        "minikeras.utils.text_dataset": ["text_dataset_from_directory"],
        "minikeras.utils.timeseries_dataset": ["timeseries_dataset_from_array"],
    },
)
