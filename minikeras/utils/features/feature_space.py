"""FeatureSpace: the columns of a table, each preprocessed in its way, and joined to vectors."""

from minikeras import layers, ops
from minikeras.core import names, registry, trees
from minikeras.layers.preprocessing.host import as_tensor
from minikeras.utils.features.parts import (
    Cross,
    Feature,
    TFDConcat,
    TFDIdentity,
    cardinality,
    check_mode,
    column_batches,
    knows_all,
    rows_of,
)


class FeatureSpace(layers.Layer):
    """Preprocess the columns of a table, each in its way, and join them to one vector a row.

    Args:
        features: dict of the name of each feature to what it is: `"float"`, `"float_normalized"`,
            `"float_rescaled"`, `"float_discretized"`, `"integer_categorical"`,
            `"string_categorical"`, `"integer_hashed"`, `"string_hashed"`; or the result of the
            method of that name, which takes options; or of `FeatureSpace.feature`.
        output_mode: `"concat"` for one vector, `"dict"` for a dict by the names of the features.
        crosses: list of tuples of names, or of results of `FeatureSpace.cross`: combinations of
            features that are hashed.
        crossing_dim: int, how many bins each combination has that does not say it.
        hashing_dim: int, how many bins hashed features have that do not say it.
        num_discretization_bins: int, how many bins discretized features have.
        name: a name, or None for an automatic one.

    Raises:
        ValueError: if there are no features, or one is of an unknown kind.

    Example:
        >>> import minikeras as keras
        >>> table = {"size": [1.0, 2.0, 3.0], "colour": ["red", "blue", "red"]}
        >>> space = keras.utils.FeatureSpace(
        ...     {"size": "float_normalized", "colour": "string_categorical"}
        ... )
        >>> space.adapt(table)
        >>> space({"size": 2.0, "colour": "blue"}).tolist()
        [0.0, 0.0, 1.0, 0.0]
    """

    def __init__(
        self,
        features,
        output_mode="concat",
        crosses=None,
        crossing_dim=32,
        hashing_dim=32,
        num_discretization_bins=32,
        name=None,
    ):
        super().__init__(name=name)
        if not features:
            raise ValueError(
                "`features` must name one feature or more, as in `{'age': 'float'}`. Received: "
                f"features={features}"
            )
        check_mode(output_mode, ("dict", "concat"))
        self.output_mode = output_mode
        self.crossing_dim = crossing_dim
        self.hashing_dim = hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {key: self._feature_of(key, kind) for key, kind in features.items()}
        self.crosses = [self._cross_of(cross) for cross in crosses or ()]
        self.inputs = {
            key: layers.Input((1,), dtype=feature.dtype, name=key)
            for key, feature in self.features.items()
        }
        self.preprocessors = {key: feature.preprocessor for key, feature in self.features.items()}
        self.crossers = {
            cross.name: layers.HashedCrossing(cross.crossing_dim, name=cross.name)
            for cross in self.crosses
        }
        self.one_hot_encoders = {}
        self.concat = None
        self.encoded_features = None
        self._is_adapted = False

    # Kinds of features

    @classmethod
    def cross(cls, feature_names, crossing_dim, output_mode="one_hot"):
        """Return a combination of features."""
        return Cross(feature_names, crossing_dim, output_mode=output_mode)

    @classmethod
    def feature(cls, dtype, preprocessor, output_mode):
        """Return a feature that a layer of yours preprocesses."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name=None):
        """Return a feature of floats that stay as they are."""
        layer = TFDIdentity(dtype="float32", name=_layer_name(name, "float"))
        return Feature("float32", layer, "float")

    @classmethod
    def float_rescaled(cls, scale=1.0, offset=0.0, name=None):
        """Return a feature of floats `x * scale + offset`."""
        name = _layer_name(name, "float_rescaled")
        return Feature("float32", layers.Rescaling(scale, offset=offset, name=name), "float")

    @classmethod
    def float_normalized(cls, name=None):
        """Return a feature of floats that are shifted and scaled to mean 0 and variance 1."""
        layer = layers.Normalization(axis=-1, name=_layer_name(name, "float_normalized"))
        return Feature("float32", layer, "float")

    @classmethod
    def float_discretized(cls, num_bins, bin_boundaries=None, output_mode="one_hot", name=None):
        """Return a feature of floats that fall into bins."""
        layer = layers.Discretization(
            num_bins=num_bins,
            bin_boundaries=bin_boundaries,
            name=_layer_name(name, "float_discretized"),
        )
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls, max_tokens=None, num_oov_indices=1, output_mode="one_hot", name=None
    ):
        """Return a feature of integers that are looked up in a vocabulary."""
        layer = layers.IntegerLookup(
            name=_layer_name(name, "integer_categorical"),
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
        )
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls, max_tokens=None, num_oov_indices=1, output_mode="one_hot", name=None
    ):
        """Return a feature of strings that are looked up in a vocabulary."""
        layer = layers.StringLookup(
            name=_layer_name(name, "string_categorical"),
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
        )
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(cls, num_bins, output_mode="one_hot", name=None):
        """Return a feature of strings that are hashed."""
        layer = layers.Hashing(num_bins, name=_layer_name(name, "string_hashed"))
        return Feature("string", layer, output_mode)

    @classmethod
    def integer_hashed(cls, num_bins, output_mode="one_hot", name=None):
        """Return a feature of integers that are hashed."""
        layer = layers.Hashing(num_bins, name=_layer_name(name, "integer_hashed"))
        return Feature("int32", layer, output_mode)

    def _feature_of(self, name, kind):
        if isinstance(kind, Feature):
            return kind
        if isinstance(kind, dict):
            return registry.deserialize(kind)
        options = {
            "float_discretized": {"num_bins": self.num_discretization_bins},
            "integer_hashed": {"num_bins": self.hashing_dim},
            "string_hashed": {"num_bins": self.hashing_dim},
        }
        if kind not in _KINDS:
            raise ValueError(f"Invalid feature type: {kind}. Expected one of {_KINDS}.")
        return getattr(self, kind)(name=name, **options.get(kind, {}))

    def _cross_of(self, cross):
        if isinstance(cross, dict):
            cross = registry.deserialize(cross)
        if isinstance(cross, Cross):
            return cross
        if not self.crossing_dim:
            raise ValueError(
                "`crosses` needs `crossing_dim`, the number of values that a crossing is hashed "
                f"to. Received: crossing_dim={self.crossing_dim}"
            )
        if not set(cross) <= self.features.keys():
            raise ValueError(
                f"`crosses` may join what `features` names, {sorted(self.features)}. Received: "
                f"{cross}"
            )
        return Cross(cross, self.crossing_dim)

    # Learning

    def adapt(self, dataset):
        """Let all layers learn from a table: vocabularies, edges of bins, means and variances.

        Args:
            dataset: dict of the name of each feature to its column, an array or list; or a data set
                of such dicts, of single rows or of batches.

        Raises:
            ValueError: if it is nothing of the kind.
        """
        if isinstance(dataset, dict):
            rows = rows_of(dataset)
        elif hasattr(dataset, "__iter__") and not isinstance(dataset, (list, tuple, str)):
            rows = list(dataset)
        else:
            raise ValueError(
                "`adapt()` can only be called on a data set or a dict of arrays/lists. Received "
                f"instead: {dataset} (of type {type(dataset)})"
            )
        for name in self._adaptable():
            self.preprocessors[name].adapt(column_batches([row[name] for row in rows]))
        self._is_adapted = True
        self.get_encoded_features()

    def _adaptable(self):
        return [
            name
            for name, layer in self.preprocessors.items()
            if hasattr(layer, "adapt") and not knows_all(layer)
        ]

    def _check_adapted(self):
        if not self._is_adapted and self._adaptable():
            raise ValueError(
                "The FeatureSpace does not know the values of its features yet: call "
                "`.adapt(dataset)` first."
            )
        self._is_adapted = True

    # Computing

    def get_inputs(self):
        """Return the symbolic inputs by the names of the features, for a functional model."""
        self.get_encoded_features()
        return self.inputs

    def get_encoded_features(self):
        """Return what the features become, as symbolic tensors, for a functional model."""
        self._check_adapted()
        if self.encoded_features is None:
            self.encoded_features = self._encoded(self.inputs)
            self.built = True
        return self.encoded_features

    def __call__(self, data):
        """Preprocess rows of a table, or a single one.

        Args:
            data: dict of the name of each feature to its values: arrays, lists or tensors of shape
                `(rows,)` or `(rows, size)`, or numbers and strings alone.

        Returns:
            A tensor, or a dict of tensors with `output_mode="dict"`.

        Raises:
            ValueError: if a feature is missing or unknown, or the space has learned nothing yet.
        """
        if not isinstance(data, dict):
            raise ValueError(
                f"A FeatureSpace takes a dict from names of features to values. Received: {data!r} "
                f"(of type {type(data).__name__})"
            )
        self.get_encoded_features()
        if data.keys() != self.features.keys():
            raise ValueError(
                f"Expected the features {list(self.features)}, but received {list(data)}."
            )
        tensors = {name: as_tensor(value) for name, value in data.items()}
        is_row = any(x.ndim == 0 for x in tensors.values())
        outputs = self._encoded({name: _as_column(x) for name, x in tensors.items()})
        return trees.map_structure(_first_row, outputs) if is_row else outputs

    def _encoded(self, columns):
        """Preprocess columns, each `(rows, size)`, and join them."""
        results = {name: self.preprocessors[name](columns[name]) for name in sorted(columns)}
        crossed = {
            cross.name: self.crossers[cross.name]([results[name] for name in cross.feature_names])
            for cross in sorted(self.crosses, key=lambda cross: cross.name)
        }
        modes = {name: feature.output_mode for name, feature in self.features.items()}
        modes |= {cross.name: cross.output_mode for cross in self.crosses}
        results |= crossed
        for name, mode in modes.items():
            if mode == "one_hot":
                results[name] = self._encoder(name, results[name].dtype)(results[name])
        return results if self.output_mode == "dict" else self._joined(results)

    def _encoder(self, name, dtype):
        """The layer that makes vectors of a feature's integers."""
        if name not in self.one_hot_encoders:
            if not dtype.startswith("int"):
                raise ValueError(
                    f"Feature '{name}' has `output_mode='one_hot'`, which needs indices: its "
                    f"preprocessor must return integers. Received: dtype {dtype}"
                )
            size = cardinality(self.preprocessors.get(name) or self.crossers[name], name)
            self.one_hot_encoders[name] = layers.CategoryEncoding(size, output_mode="multi_hot")
        return self.one_hot_encoders[name]

    def _joined(self, results):
        if self.concat is None:
            for name, x in results.items():
                if x.dtype.startswith("int") or x.dtype == "string":
                    raise ValueError(
                        f"Feature '{name}' is of dtype {x.dtype}, which cannot be joined to the "
                        "numbers of the others: encode it, or use `output_mode='dict'`."
                    )
            self.concat = TFDConcat(axis=-1)
        return self.concat(list(results.values()))

    # How it is written down

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "features": registry.serialize(dict(self.features)),
            "output_mode": self.output_mode,
            "crosses": registry.serialize(list(self.crosses)),
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    @classmethod
    def from_config(cls, config):
        """Make a space from what `get_config` returned."""
        return cls(**config)

    def get_build_config(self):
        """Return the shapes with which the layers were built."""
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config):
        """Build the layers; their vocabularies come from the file."""
        for name, shapes in config.items():
            layer = self.features[name].preprocessor
            if not layer.built and shapes is not None:
                layer.build_from_config(shapes)
        self._is_adapted = True

    def save(self, filepath):
        """Write the space to a `.keras` file, which `keras.saving.load_model` reads.

        Args:
            filepath: path that ends in `.keras`.
        """
        registry.late_bound["save_model"](self, filepath)

    def save_own_variables(self, store):
        """Do nothing: the layers have the variables."""

    def load_own_variables(self, store):
        """Do nothing: the layers have the variables."""


_KINDS = (
    *("float", "float_normalized", "float_rescaled", "float_discretized"),
    *("integer_categorical", "string_categorical", "integer_hashed", "string_hashed"),
)

registry.Table("feature space", "keras.utils").add(FeatureSpace)


def _layer_name(name, kind):
    return f"{name or names.unique(kind)}_preprocessor"


def _as_column(x):
    if x.ndim == 0:
        return ops.reshape(x, (1, 1))
    return ops.expand_dims(x, -1) if x.ndim == 1 else x


def _first_row(x):
    return ops.squeeze(x, 0) if x.shape[0] == 1 else x
