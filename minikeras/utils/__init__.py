"""The public module `minikeras.utils`: names, seeds, data helpers, saved forms."""

from minikeras.arrays.device import device_memory, free_device_memory
from minikeras.autograd.symbolic import is_keras_tensor
from minikeras.autograd.symbolic.history import get_source_inputs
from minikeras.core.dtypes import standardize as standardize_dtype
from minikeras.core.first_use import on_first_use
from minikeras.core.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from minikeras.core.registry import deserialize as deserialize_keras_object
from minikeras.core.registry import serialize as serialize_keras_object
from minikeras.core.settings import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from minikeras.ops.core.encoding import normalize, to_categorical
from minikeras.ops.random.seeds import set_random_seed
from minikeras.training.data.py_dataset import PyDataset
from minikeras.training.data.unpack import pack_x_y_sample_weight, unpack_x_y_sample_weight
from minikeras.training.progbar import Progbar
from minikeras.training.session import clear_session
from minikeras.utils import legacy
from minikeras.utils.features.feature_space import FeatureSpace

Sequence = PyDataset

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "bounding_boxes",
    "audio_dataset_from_directory",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "device_memory",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "free_device_memory",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "get_source_inputs",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "legacy",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_history",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

__getattr__, __dir__ = on_first_use(
    __name__,
    {
        "minikeras.utils.config": ["Config"],
        "minikeras.utils.curves": ["plot_history"],
        "minikeras.utils.image": ["array_to_img", "img_to_array", "load_img", "save_img"],
        "minikeras.utils.plot": ["model_to_dot", "plot_model"],
        "minikeras.utils.sequence": ["pad_sequences"],
        "minikeras.utils.files": ["get_file"],
        "minikeras.utils.bounding_boxes": [],
        "minikeras.utils.splitting": ["split_dataset"],
        "minikeras.utils.image_dataset": ["image_dataset_from_directory"],
        "minikeras.utils.text_dataset": ["text_dataset_from_directory"],
        "minikeras.utils.audio_dataset": ["audio_dataset_from_directory"],
        "minikeras.utils.timeseries_dataset": ["timeseries_dataset_from_array"],
    },
)
