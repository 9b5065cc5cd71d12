"""Weights of layers: their number, and kernels in the order of another back end."""

import numpy as np

from minikeras import utils
from minikeras.keras2 import backend as K
from minikeras.keras2.engine import configs
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import spelled
from minikeras.keras2.utils.conv_utils import convert_kernel

__getattr__ = elsewhere(__name__)

__all__ = [
    "convert_all_kernels_in_model",
    "convert_dense_weights_data_format",
    "convert_kernel",
    "count_params",
    "count_total_params",
    "get_source_inputs",
    "layer_from_config",
    "print_summary",
]

_TURNED = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose")

get_source_inputs = spelled(
    utils.get_source_inputs, "tensor, layer=None, node_index=None", ignored=("layer", "node_index")
)


def count_params(weights):
    """Return the number of elements of different weights together.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> from minikeras.keras2.utils.layer_utils import count_params
        >>> count_params(Sequential([Dense(2, input_dim=3)]).weights)
        8
    """
    return int(sum(K.count_params(w) for w in {id(w): w for w in weights}.values()))


def count_total_params(layers, layer_set=None):
    """Return the number of elements of the weights that layers train, and of the others.

    Args:
        layers: list of layers and models.
        layer_set: set of layers that are not counted, to which these are added; or None.

    Returns:
        Two ints.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> from minikeras.keras2.utils.layer_utils import count_total_params
        >>> count_total_params(Sequential([Dense(2, input_dim=3), Dense(1)]).layers)
        (11, 0)
    """
    seen = set() if layer_set is None else layer_set
    trainable = fixed = 0
    for layer in layers:
        if layer in seen:
            continue
        seen.add(layer)
        if hasattr(layer, "layers"):
            counts = count_total_params(layer.layers, seen)
        else:
            parts = (layer.trainable_weights, layer.non_trainable_weights)
            counts = [count_params(weights) for weights in parts]
        trainable, fixed = trainable + counts[0], fixed + counts[1]
    return trainable, fixed


def layer_from_config(config, custom_objects=None):
    """Make a layer or model, with new weights, from its class and config.

    Args:
        config: dict with `class_name` and `config`.
        custom_objects: dict of name to class or function of your own.

    Example:
        >>> from minikeras.keras2.utils.layer_utils import layer_from_config
        >>> layer_from_config({"class_name": "Dense", "config": {"units": 2}}).units
        2
    """
    return configs.deserialize(config, custom_objects)


def print_summary(model, line_length=None, positions=None, print_fn=None):
    """Print the table of a model's layers.

    Args:
        model: the model.
        line_length: int, how long the lines are.
        positions: list of the places at which columns end, or of the shares of a line.
        print_fn: function of a line that prints it.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> from minikeras.keras2.utils import print_summary
        >>> lines = []
        >>> model = Sequential([Dense(2, input_dim=3, name="sums")])
        >>> print_summary(model, print_fn=lines.append)
        >>> lines[3].split()
        ['sums', '(Dense)', '(None,', '2)', '8']
    """
    model.summary(line_length=line_length, positions=positions, print_fn=print_fn)


def convert_all_kernels_in_model(model):
    """Turn the kernels of all convolutions around, as Theano stored them.

    Args:
        model: the model, whose weights change in place.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.layers import Conv1D
        >>> from minikeras.keras2.models import Sequential
        >>> from minikeras.keras2.utils import convert_all_kernels_in_model
        >>> model = Sequential([Conv1D(1, 2, input_shape=(3, 1))])
        >>> model.set_weights([np.array([[[1.0]], [[2.0]]]), np.array([0.0])])
        >>> convert_all_kernels_in_model(model)
        >>> model.get_weights()[0].ravel().tolist()
        [2.0, 1.0]
    """
    for layer in model.layers:
        if type(layer).__name__ in _TURNED:
            K.set_value(layer.kernel, convert_kernel(K.get_value(layer.kernel)))


def convert_dense_weights_data_format(
    dense, previous_feature_map_shape, target_data_format="channels_first"
):
    """Reorder the rows of a kernel that follows a `Flatten`, for images of another data format.

    Args:
        dense: a `Dense` layer, whose kernel changes in place.
        previous_feature_map_shape: tuple of three sizes, what was flattened, as it is now.
        target_data_format: `"channels_first"` or `"channels_last"`, what it will be.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> import numpy as np
        >>> from minikeras.keras2.utils import layer_utils
        >>> dense = Dense(1, input_dim=4)
        >>> model = Sequential([dense])
        >>> model.set_weights([np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0])])
        >>> layer_utils.convert_dense_weights_data_format(dense, (2, 1, 2))
        >>> model.get_weights()[0].ravel().tolist()
        [0.0, 2.0, 1.0, 3.0]
    """
    kernel = np.asarray(K.get_value(dense.kernel))
    if target_data_format == "channels_first":
        channels, rows, columns = previous_feature_map_shape
        was = kernel.reshape(rows, columns, channels, -1)
        kernel = was.transpose(2, 0, 1, 3).reshape(kernel.shape)
    else:
        rows, columns, channels = previous_feature_map_shape
        was = kernel.reshape(channels, rows, columns, -1)
        kernel = was.transpose(1, 2, 0, 3).reshape(kernel.shape)
    K.set_value(dense.kernel, kernel)
