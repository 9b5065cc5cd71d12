"""What a script of Keras 3 is told that meets a name or an argument of Keras 1 or 2.

Errors ask here once they are certain: nothing of it runs in a script without a mistake. Classes and
arguments of layers are those that old files hold as well (`saving/legacy`), and of which `keras2`
makes its layers.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Layers that have another name today, or are a special case of a layer that exists.
CLASSES = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "CuDNNGRU": "GRU",
    "CuDNNLSTM": "LSTM",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "SyncBatchNormalization": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
    "TimeDistributedDense": "Dense",
    "UnifiedGRU": "GRU",
    "UnifiedLSTM": "LSTM",
}

# Layers of old Keras that no layer of today stands for.
GONE = frozenset(
    {
        *("Highway", "LocallyConnected1D", "LocallyConnected2D", "MaxoutDense"),
        *("ParametricSoftplus", "SReLU"),
    }
)

# Arguments by their old names, in every layer.
ARGUMENTS = {
    "U_regularizer": "recurrent_regularizer",
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "atrous_rate": "dilation_rate",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "beta_init": "beta_initializer",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "filter_length": "kernel_size",
    "gamma_init": "gamma_initializer",
    "init": "kernel_initializer",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
    "nb_filter": "filters",
    "p": "rate",
    "pool_length": "pool_size",
    "sigma": "stddev",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
}

_UNITS = {"output_dim": "units"}

# Arguments by their old names that only one class has; they come before the general ones.
ARGUMENTS_OF = {
    "Dense": _UNITS,
    "Embedding": {
        "W_constraint": "embeddings_constraint",
        "W_regularizer": "embeddings_regularizer",
        "init": "embeddings_initializer",
    },
    "GRU": _UNITS,
    "LSTM": _UNITS,
    "LeakyReLU": {"alpha": "negative_slope"},
    "PReLU": {"init": "alpha_initializer"},
    "ReLU": {"theta": "threshold"},
    "SeparableConv2D": {"init": "depthwise_initializer"},
    "SimpleRNN": _UNITS,
    "UpSampling1D": {"length": "size"},
}

OF_CALLS: dict[str, str | None] = {
    "batch_input_shape": "batch_shape",
    "class_mode": None,
    "consume_less": None,
    "decay": "keras.optimizers.schedules.InverseTimeDecay",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "input": "inputs",
    "lr": "learning_rate",
    "m": "max_value",
    "max_q_size": None,
    "mode": None,
    "nb_classes": "num_classes",
    "nb_col": "kernel_size",
    "nb_epoch": "epochs",
    "nb_row": "kernel_size",
    "nb_val_samples": "validation_steps",
    "nb_words": "num_words",
    "nb_worker": None,
    "output": "outputs",
    "output_dim": "units",
    "period": "save_freq",
    "pickle_safe": None,
    "samples_per_epoch": "steps_per_epoch",
    "show_accuracy": 'metrics=["accuracy"]',
    "val_samples": "steps",
    "weights": "set_weights",
}
"""Arguments that files do not hold, and what is used today; None where there is nothing."""

NAMES: dict[str, dict[str, str | None]] = {
    "minikeras": {
        "engine": "keras.layers and keras.models",
        "initializations": "keras.initializers",
        "objectives": "keras.losses",
    },
    "minikeras.backend": {
        **dict.fromkeys(
            [
                *("abs", "argmax", "batch_dot", "cast", "clip", "concatenate", "constant", "dot"),
                *("exp", "expand_dims", "flatten", "int_shape", "log", "max", "maximum", "mean"),
                *("ndim", "one_hot", "ones", "permute_dimensions", "pow", "reshape", "shape"),
                *("sqrt", "square", "stack", "sum", "switch", "tile", "transpose", "zeros"),
            ],
            "keras.ops",
        ),
        **dict.fromkeys(["eval", "function", "get_session", "learning_phase", "rnn"]),
        **dict.fromkeys(["set_learning_phase", "set_session"]),
        "gradients": "keras.GradientTape",
        "image_dim_ordering": "keras.config.image_data_format",
        "placeholder": "keras.Input",
        "set_image_dim_ordering": "keras.config.set_image_data_format",
        "set_value": "keras.Variable.assign",
        "variable": "keras.Variable",
    },
    "minikeras.initializers": {
        "normal": "keras.initializers.RandomNormal",
        "uniform": "keras.initializers.RandomUniform",
    },
    "minikeras.layers": {
        **dict.fromkeys(
            [
                *("advanced_activations", "convolutional_recurrent", "core", "cudnn_recurrent"),
                *("embeddings", "local", "merge", "noise", "normalization", "pooling"),
                *("convolutional", "recurrent", "wrappers"),
            ],
            "keras.layers",
        ),
        **{old: f"keras.layers.{today}" for old, today in CLASSES.items()},
        **dict.fromkeys([*GONE, "Recurrent"]),
        "Merge": "keras.layers.Add, keras.layers.Concatenate, ...",
        "merge": "keras.layers.add, keras.layers.concatenate, ...",
    },
    "minikeras.regularizers": {
        "ActivityRegularizer": "keras.regularizers.L1L2",
        "WeightRegularizer": "keras.regularizers.L1L2",
        "l1l2": "keras.regularizers.L1L2",
    },
    "minikeras.utils": {
        "HDF5Matrix": None,
        "conv_utils": None,
        "data_utils": "keras.utils",
        "generic_utils": "keras.utils",
        "io_utils": None,
        "layer_utils": "keras.utils",
        "multi_gpu_model": None,
        "multi_gpu_utils": None,
        "np_utils": "keras.utils",
        "vis_utils": "keras.utils",
        "visualize_util": "keras.utils",
    },
    "minikeras.wrappers": {"scikit_learn": "keras.wrappers.SKLearnClassifier"},
}
"""Modules, classes and functions of each public module, and what is used today."""

_HOW = (
    " Such scripts run unchanged by `minikeras run --keras 2 SCRIPT`, or with "
    "`import minikeras.keras2 as keras`."
)


def argument_hint(names: Iterable[str], class_name: str = "") -> str:
    """Return what to say of arguments that a class or function does not know.

    Args:
        names: the arguments.
        class_name: the class, for arguments whose name of today depends on it.

    Returns:
        Sentences to append to a message, or an empty string if none of them is old.

    Example:
        >>> from minikeras.core.old_names import argument_hint
        >>> argument_hint(["lr"]).split(".")[1]
        ' Of Keras 1 or 2: `lr` (today `learning_rate`)'
    """
    known = {**OF_CALLS, **ARGUMENTS, **ARGUMENTS_OF.get(class_name, {})}
    return _told({name: known[name] for name in names if name in known})


def name_hint(package: str, name: str) -> str:
    """Return what to say of a name that a public module does not have.

    Args:
        package: `__name__` of the public module.
        name: the name.

    Returns:
        Sentences to append to a message, or an empty string if the name is not old.

    Example:
        >>> from minikeras.core.old_names import name_hint
        >>> name_hint("minikeras.layers", "Highway").split(".")[1]
        ' Of Keras 1 or 2: `Highway`'
    """
    known = NAMES.get(package, {})
    return _told({name: known[name]} if name in known else {})


def _told(old: dict[str, str | None]) -> str:
    if not old:
        return ""
    names = [f"`{name}`" + (f" (today `{today}`)" if today else "") for name, today in old.items()]
    return f". Of Keras 1 or 2: {', '.join(names)}.{_HOW}"


def explains_old_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function say of an argument of Keras 1 or 2 what it is called today.

    Args:
        function: the function or method, whose own errors stay as they are.

    Returns:
        A function with the same signature.
    """

    @wraps(function)
    def explained(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            raised_by_call = error.__traceback__ is None or error.__traceback__.tb_next is None
            hint = argument_hint(kwargs) if raised_by_call else ""
            if not hint:
                raise
            message = f"{error}{hint}"
        raise TypeError(message)

    return explained


class OldModules(MetaPathFinder):
    """Says of a module of Keras 1 or 2 that is imported from minikeras what it is."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise a ModuleNotFoundError for an old name; find nothing."""
        if name.startswith("minikeras."):
            package, _, last = name.rpartition(".")
            hint = name_hint(package, last)
            if hint:
                # Without a name: Python would take it for one that nobody minds.
                raise ModuleNotFoundError(f"No module named {name!r}{hint}")
        return None


def explain_imports() -> None:
    """Have Python ask `OldModules` where nothing else finds a module."""
    sys.meta_path.append(OldModules())


class OldMethod:
    """A method of Keras 1 or 2: an attribute that is not there, and says so.

    Args:
        today: what is used today.
    """

    def __init__(self, today: str) -> None:
        self.today = today

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        hint = _told({self.name: self.today})
        raise AttributeError(f"{owner.__name__!r} object has no attribute {self.name!r}{hint}")
