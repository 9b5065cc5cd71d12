"""The names that Keras's modules imported from each other, and so offered as well.

`from keras.models import K` and `from keras.layers.core import Layer` worked, since these modules
used `K` and `Layer` themselves. Here a module finds such a name where it is defined, when it is
first asked for (`finder.elsewhere`).
"""

from fnmatch import fnmatchcase

_OF_MODULES = {
    "K": "backend",
    "cbks": "callbacks",
    "conv_utils": "utils.conv_utils",
    "layer_module": "layers",
    "metrics_module": "metrics",
    "network": "engine.network",
    "recurrent": "layers.recurrent",
    "saving": "engine.saving",
    "training_arrays": "engine.training_arrays",
    "training_generator": "engine.training_generator",
    "backend": "backend",
    "activations": "activations",
    "constraints": "constraints",
    "initializations": "initializations",
    "initializers": "initializers",
    "layers": "layers",
    "losses": "losses",
    "models": "models",
    "objectives": "objectives",
    "optimizers": "optimizers",
    "regularizers": "regularizers",
    "utils": "utils",
}
"""What modules are called in other modules, and where they are."""

_OF_PLACES = {
    "datasets.cifar": "load_batch",
    "engine": "Input InputLayer InputSpec Layer Model",
    "engine.base_layer": "Node",
    "engine.network": "Network",
    "engine.topology": "Container",
    "engine.training_utils": "batch_shuffle check_array_length_consistency check_array_lengths "
    "check_loss_and_target_compatibility check_num_samples collect_metrics iter_sequence_infinite "
    "make_batches standardize_class_weights standardize_input_data "
    "standardize_sample_or_class_weights standardize_sample_weights standardize_weights "
    "weighted_masked_objective weighted_objective",
    "layers.recurrent": "time_distributed_dense",
    "models": "Sequential clone_model model_from_json",
    "optimizers": "optimizer_from_config",
    "utils.data_utils": "GeneratorEnqueuer OrderedEnqueuer Sequence get_file",
    "utils.generic_utils": "Progbar deserialize_keras_object func_dump func_load "
    "get_custom_objects get_from_module has_arg is_all_none object_list_uid "
    "serialize_keras_object slice_arrays to_list transpose_shape unpack_singleton",
    "utils.io_utils": "ask_to_proceed_with_overwrite h5dict",
    "utils.layer_utils": "convert_all_kernels_in_model count_params get_source_inputs "
    "print_summary",
    "utils.multi_gpu_utils": "multi_gpu_model",
    "utils.np_utils": "conv_input_length conv_output_length",
}
"""What else is imported, by the module that defines it; what no row names is a layer's."""

_PLACES = {name: place for place, names in _OF_PLACES.items() for name in names.split()}

_OBJECTS = "K activations constraints initializations initializers regularizers"
_OF_LAYERS = (
    f"{_OBJECTS} InputSpec Layer conv_input_length conv_output_length conv_utils has_arg to_list "
    "transpose_shape"
)
_OF_LAMBDAS = "deserialize_keras_object func_dump func_load get_from_module"
_OF_TABLES = "K deserialize_keras_object get_from_module serialize_keras_object"
_OF_ENGINE = "K Progbar has_arg to_list unpack_singleton"
_OF_NETWORKS = (
    "Activation AveragePooling2D BatchNormalization Conv2D Convolution2D Dense Dropout ELU Flatten "
    "GRU GlobalAveragePooling2D Input K MaxPooling2D Model Permute Reshape SeparableConv2D "
    "ZeroPadding2D convert_all_kernels_in_model get_file get_source_inputs merge"
)
_OF_LOOPS = f"{_OF_ENGINE} batch_shuffle cbks make_batches slice_arrays"
_OF_TRAINING = (
    f"{_OF_LOOPS} Container GeneratorEnqueuer Layer Network check_array_length_consistency "
    "check_array_lengths check_loss_and_target_compatibility collect_metrics losses metrics_module "
    "objectives optimizers standardize_class_weights standardize_input_data "
    "standardize_sample_or_class_weights standardize_sample_weights standardize_weights "
    "training_arrays training_generator weighted_masked_objective weighted_objective"
)

# path, in which `*` stands for anything: the names; `old=new` gives one another name there.
PATHS = {
    "activations": f"{_OF_TABLES} Layer",
    "applications": "backend layers models utils",
    "applications.*": _OF_NETWORKS,
    "backend*": "has_arg transpose_shape",
    "callbacks": "K Progbar standardize_input_data",
    "constraints": _OF_TABLES,
    "datasets.cifar*": "K load_batch",
    "engine": "Merge get_source_inputs merge",
    "engine.base_layer": f"{_OF_ENGINE} count_params initializers is_all_none object_list_uid",
    "engine.input_layer": f"{_OF_ENGINE} Node",
    "engine.network": f"{_OF_ENGINE} Node ask_to_proceed_with_overwrite get_source_inputs "
    "object_list_uid print_summary=print_layer_summary saving",
    "engine.saving": f"{_OF_ENGINE} ask_to_proceed_with_overwrite conv_utils h5dict optimizers",
    "engine.sequential": "K layer_module network",
    "engine.topology": f"{_OF_ENGINE} Merge ask_to_proceed_with_overwrite func_dump func_load "
    "initializations merge object_list_uid",
    "engine.training": _OF_TRAINING,
    "engine.training_arrays": f"{_OF_LOOPS} check_num_samples",
    "engine.training_generator": f"{_OF_ENGINE} GeneratorEnqueuer OrderedEnqueuer Sequence cbks "
    "iter_sequence_infinite",
    "engine.training_utils": "K losses to_list",
    "initializations": _OF_TABLES,
    "initializers": _OF_TABLES,
    "layers": f"{_OF_LAYERS} {_OF_LAMBDAS} object_list_uid time_distributed_dense",
    "layers.*": _OF_LAYERS,
    "layers.convolutional_recurrent": "RNN ConvRecurrent2D Recurrent",
    "layers.core": _OF_LAMBDAS,
    "layers.cudnn_recurrent": "RNN",
    "layers.wrappers": "object_list_uid recurrent",
    "legacy.layers": _OF_LAYERS,
    "losses": _OF_TABLES,
    "metrics": _OF_TABLES,
    "models": "InputLayer K Layer Merge Node ask_to_proceed_with_overwrite get_source_inputs "
    "has_arg optimizer_from_config optimizers to_list",
    "objectives": _OF_TABLES,
    "optimizers": f"{_OF_TABLES} get_custom_objects",
    "preprocessing": "backend utils",
    "preprocessing.*": "K backend utils",
    "regularizers": _OF_TABLES,
    "utils": "h5dict multi_gpu_model",
    "utils.*": "K",
    "utils.layer_utils": f"{_OBJECTS} Input InputLayer InputSpec Layer Model Sequential "
    f"{_OF_LAMBDAS} conv_input_length conv_output_length get_custom_objects time_distributed_dense "
    "*",
    "utils.multi_gpu_utils": "clone_model",
    "utils.test_utils": "Input Model Sequential has_arg model_from_json",
    "utils.training_utils": "Lambda Model concatenate",
    "utils.visualize_util": "Sequential Wrapper",
    "wrappers.scikit_learn": "to_list",
}


def names_of(path):
    """Return what a module of Keras imported: names there, each with its name where it is defined.

    Args:
        path: the module's path below `keras`; `"*"` among the names is every layer.
    """
    rows = [names.split() for row, names in PATHS.items() if fnmatchcase(path, row)]
    pairs = [name.partition("=") for names in rows for name in names]
    return {renamed or name: name for name, _, renamed in pairs}


def place_of(name):
    """Return the module below `keras` that defines a name, and the name; none if it is a module."""
    if name in _OF_MODULES:
        return _OF_MODULES[name], None
    return _PLACES.get(name, "layers"), name
