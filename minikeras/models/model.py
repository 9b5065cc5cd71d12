"""Model: a layer that can be trained, summarised, saved; the base of all kinds of model."""

import json
from typing import Any

from minikeras.core import registry
from minikeras.layers.base.call_spec import signature_of
from minikeras.models import state_tree
from minikeras.models.state_tree import assign_state_tree
from minikeras.training.trainer import Trainer

model_table = registry.Table("model", "keras")


def _is_functional(args, kwargs):
    return (
        len(args) == 2
        or (len(args) == 1 and "outputs" in kwargs)
        or ("inputs" in kwargs and "outputs" in kwargs)
    )


class Model(Trainer):
    """A network with a training loop.

    Made of symbolic `inputs` and `outputs` it is a graph of layers; a subclass says in `call` what
    it computes.

    Args:
        inputs: nest of KerasTensors from `Input`.
        outputs: nest of KerasTensors.
        name: a name, or None for an automatic one.

    Example:
        >>> import minikeras as keras
        >>> x = keras.Input((4,))
        >>> model = keras.Model(x, keras.layers.Dense(2)(x))
        >>> model.output_shape
        (None, 2)
    """

    # What graph models set.
    inputs: list[Any]
    outputs: list[Any]

    def __new__(cls, *args, **kwargs):
        """Make a graph of layers if symbolic inputs and outputs are given."""
        if cls is Model and _is_functional(args, kwargs):
            from_graph = registry.late_bound["functional"]
            return from_graph.__new__(from_graph, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args, **kwargs):
        if _is_functional(args, kwargs):
            functional = registry.late_bound["functional"]
            graph_base(type(self), functional)
            functional.__init__(self, *args, **kwargs)
            return
        super().__init__(*args, **kwargs)

    @property
    def layers(self):
        """The layers directly inside the model."""
        return self._flatten_layers(include_self=False, recursive=False)

    @layers.setter
    def layers(self, _):
        raise AttributeError(
            "A model lists its own layers in `layers`: give the attribute another name."
        )

    def get_layer(self, name=None, index=None):
        """Return a layer by its name or its place.

        Args:
            name: the layer's name.
            index: its place in `layers`.

        Returns:
            The layer.

        Raises:
            ValueError: if both or neither are given, or there is no such layer.
        """
        if (name is None) == (index is None):
            raise ValueError(
                "Provide either a layer name or layer index at `get_layer`, and only one of them. "
                f"Received: index={index}, name={name}"
            )
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(
                    f"The model has {len(self.layers)} layers, so there is none of index {index}."
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"No such layer: {name}. Existing layers are: {[layer.name for layer in self.layers]}."
        )

    def summary(
        self,
        line_length=None,
        positions=None,
        print_fn=None,
        expand_nested=False,
        show_trainable=False,
        layer_range=None,
    ):
        """Print a table of the model's layers, output shapes and numbers of parameters.

        Args:
            line_length: width in characters, or None.
            positions: relative widths of the columns, or None.
            print_fn: function that takes the text; standard output by default.
            expand_nested: whether the layers of models inside the model are listed.
            show_trainable: whether a column says which layers are trainable.
            layer_range: pair of layer names (or patterns), the first and last to be listed.
        """
        from minikeras.models.summary import print_summary  # it takes rich along

        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Write the model to a file; see `keras.saving.save_model`.

        Args:
            filepath: path that ends in `.keras`; or in `.h5` or `.hdf5`, the older format.
            overwrite: whether a file that exists is replaced; if not, the user is asked.
            zipped: whether a `.keras` file is one zip archive (the default) or a folder.
            **kwargs: `include_optimizer`, for the older format.

        Raises:
            ValueError: if the path has another ending, or the model cannot be written down.
        """
        save_model = registry.late_bound["save_model"]
        return save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath, overwrite=True, max_shard_size=None):
        """Write the weights to a file; see `keras.saving.save_weights`.

        Args:
            filepath: path that ends in `.weights.h5`; with `max_shard_size`, in `.weights.json`.
            overwrite: whether a file that exists is replaced; if not, the user is asked.
            max_shard_size: gigabytes of weights in one file, or None for one file.

        Raises:
            ValueError: if the path has another ending, or the model is not built.
        """
        save_weights = registry.late_bound["save_weights"]
        return save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Take the weights of a file, all or none of them; see `keras.saving.load_weights`.

        Args:
            filepath: path of a file that `save_weights` or `save` wrote, here or in Keras.
            skip_mismatch: whether layers that do not fit are left as they are, with a warning.
            **kwargs: `objects_to_skip` or `by_name`.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is damaged or does not fit the model, which is then unchanged.
        """
        load_weights = registry.late_bound["load_weights"]
        return load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def get_state_tree(self, value_format="backend_tensor"):
        """Return all variables as nested dicts, by the parts of their paths.

        Args:
            value_format: `"backend_tensor"` for tensors, `"numpy_array"` for NumPy arrays.

        Returns:
            A dict with the keys `trainable_variables`, `non_trainable_variables`,
            `optimizer_variables` and `metrics_variables`.

        Raises:
            ValueError: if two variables have one path, or the format is unknown.

        Example:
            >>> import minikeras as keras
            >>> layers = [keras.Input((3,)), keras.layers.Dense(2, name="d")]
            >>> model = keras.Sequential(layers, name="net")
            >>> model.compile("sgd", "mse")
            >>> tree = model.get_state_tree("numpy_array")
            >>> tree["trainable_variables"]["net"]["d"]["bias"].tolist()
            [0.0, 0.0]
        """
        return state_tree.of_model(self, value_format)

    def set_state_tree(self, state_tree):
        """Give variables the values of a nest that `get_state_tree` returned, or of parts of it.

        Args:
            state_tree: nested dicts of arrays.

        Raises:
            ValueError: if a key or path is unknown, or a shape differs; nothing has changed.
        """
        assign_state_tree(self, state_tree)

    def to_json(self, **kwargs):
        """Return the model's configuration, without weights, as a JSON string.

        Args:
            **kwargs: passed on to `json.dumps`.

        Returns:
            A string for `model_from_json`.
        """
        return json.dumps(registry.serialize(self), **kwargs)

    def to_yaml(self, **kwargs):
        """Return the model's configuration, without weights, as a YAML string.

        Args:
            **kwargs: passed on to PyYAML's `safe_dump`.

        Returns:
            A string for `model_from_yaml`.

        Raises:
            ImportError: if PyYAML is not installed.
        """
        return registry.late_bound["model_to_yaml"](self, **kwargs)

    @property
    def input_shape(self):
        """The shape of the only input, or a list of them in the order of `inputs`."""
        return _shape_of(self.inputs)

    @property
    def output_shape(self):
        """The shape of the only output, or a list of them in the order of `outputs`."""
        return _shape_of(self.outputs)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a model from what `get_config` returned."""
        with registry.CustomObjectScope(custom_objects), registry.reading(config):
            if {"layers", "input_layers", "output_layers"} <= set(config) and takes_graph(cls):
                return registry.late_bound["functional_from_config"](cls, config)
            return super().from_config(config)


model_table.add(Model)


def _shape_of(tensors):
    return tensors[0].shape if len(tensors) == 1 else [t.shape for t in tensors]


def takes_graph(cls):
    """Say whether a model's constructor takes inputs and outputs, or makes its graph itself."""
    taken = signature_of(cls.__init__)
    return taken.takes_more or (taken.has("inputs") and taken.has("outputs"))


def graph_base(cls, functional):
    """Put the methods of a graph model after those of a user's subclass of Model."""
    if cls is Model:
        return functional
    if issubclass(cls, Model) and not issubclass(cls, functional):
        cls.__bases__ = tuple(graph_base(base, functional) for base in cls.__bases__)
    return cls


def model_from_json(json_string, custom_objects=None):
    """Make a model, with new weights, from what `to_json` returned.

    Args:
        json_string: the string, of any release of Keras.
        custom_objects: dict of name to class or function of your own.

    Returns:
        A model.

    Raises:
        ValueError: if the string is no JSON, or describes no model.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> keras.models.model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    return registry.late_bound["model_from_json"](json_string, custom_objects)
