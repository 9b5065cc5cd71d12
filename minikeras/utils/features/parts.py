"""What a FeatureSpace consists of: features, their combinations, and layers of its own."""

import numpy as np

from minikeras import layers, ops
from minikeras.core import registry
from minikeras.core.checks import one_of
from minikeras.layers.preprocessing.adapting import host_array_of, is_array

_AT_ONCE = 32
"""How many scalars of a column a layer adapts to at once; the edges of bins depend on it."""


class Cross:
    """A combination of features, which is hashed.

    Args:
        feature_names: sequence of the names of the features.
        crossing_dim: int, how many bins there are.
        output_mode: `"one_hot"` or `"int"`.

    Raises:
        ValueError: if there is no such output mode.
    """

    def __init__(self, feature_names, crossing_dim, output_mode="one_hot"):
        check_mode(output_mode, ("int", "one_hot"))
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = output_mode

    @property
    def name(self):
        """The names of the features, joined."""
        return "_X_".join(self.feature_names)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "feature_names": self.feature_names,
            "crossing_dim": self.crossing_dim,
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config):
        """Make a combination from what `get_config` returned."""
        return cls(**config)


class Feature:
    """A feature: its dtype, the layer that preprocesses it, and what becomes of the result.

    Args:
        dtype: dtype name of the data.
        preprocessor: the layer, or its saved form.
        output_mode: `"float"` or `"int"` for the result as it is, `"one_hot"` for vectors.

    Raises:
        ValueError: if there is no such output mode.
    """

    def __init__(self, dtype, preprocessor, output_mode):
        check_mode(output_mode, ("int", "one_hot", "float"))
        if isinstance(preprocessor, dict):
            preprocessor = registry.deserialize(preprocessor)
        self.dtype = dtype
        self.preprocessor = preprocessor
        self.output_mode = output_mode

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "dtype": self.dtype,
            "preprocessor": registry.serialize(self.preprocessor),
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config):
        """Make a feature from what `get_config` returned."""
        return cls(**config)


class TFDIdentity(layers.Layer):
    """Floats as they are; Keras's name for it."""

    def call(self, inputs):
        """Return the inputs."""
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs."""
        return input_shape


class TFDConcat(layers.Layer):
    """Tensors joined along an axis; Keras's name for it.

    Args:
        axis: int.
        **kwargs: see `Layer`.
    """

    def __init__(self, axis, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs):
        """Join the inputs."""
        return ops.concatenate(inputs, axis=self.axis)


_parts = registry.Table("part of a feature space", "keras.src.layers.preprocessing.feature_space")
for _part in (Feature, Cross, TFDIdentity, TFDConcat):
    _parts.add(_part)


def check_mode(mode, allowed):
    """Raise an error unless an output mode is one of those that are allowed.

    Raises:
        ValueError: if it is not.
    """
    one_of("output_mode", mode, allowed)


def knows_all(layer):
    """Say whether a layer was given what others learn."""
    if isinstance(layer, layers.Normalization):
        return layer.input_mean is not None
    return isinstance(layer, layers.TextVectorization) and layer._lookup_layer._is_static


def cardinality(layer, name):
    """Return how many different integers a layer gives.

    Args:
        layer: the layer.
        name: the name of the feature, for the message.

    Raises:
        ValueError: if that is not known.
    """
    if isinstance(layer, (layers.IntegerLookup, layers.StringLookup)):
        return layer.vocabulary_size()
    if isinstance(layer, layers.CategoryEncoding):
        return layer.num_tokens
    if isinstance(layer, (layers.Discretization, layers.HashedCrossing, layers.Hashing)):
        return layer.num_bins
    raise ValueError(
        f"Feature '{name}' cannot be one-hot encoded, since the number of its values is not known: "
        "use `output_mode='int'`, or a feature of the table in `FeatureSpace`."
    )


def rows_of(table):
    """Return the rows of a dict of columns, each a dict.

    Raises:
        ValueError: if the columns have different lengths.
    """
    columns = {
        name: host_array_of(column) if is_array(column) else np.asarray(column)
        for name, column in table.items()
    }
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"Expected columns of one length, but received {lengths}.")
    count = next(iter(lengths.values()), 0)
    return [{name: column[i] for name, column in columns.items()} for i in range(count)]


def column_batches(values):
    """Yield the values of a feature, of rows or batches, as batches of columns."""
    arrays = (host_array_of(x) if is_array(x) else np.asarray(x) for x in values)
    scalars = []
    for array in arrays:
        if array.ndim:
            yield array[:, None] if array.ndim == 1 else array
            continue
        scalars.append(array)
        if len(scalars) == _AT_ONCE:
            yield np.stack(scalars)[:, None]
            scalars = []
    if scalars:
        yield np.stack(scalars)[:, None]
