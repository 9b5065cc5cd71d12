"""Model: a layer that can be trained, summarised, saved; the base of all kinds of model."""

import json
from typing import Any

from minikeras.core import registry
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
            "`Model.layers` attribute is reserved and should not be used. Please use another name."
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
                    f"Was asked to retrieve layer at index {index} but model only has "
                    f"{len(self.layers)} layers."
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

    def save(self, filepath, overwrite=True, **kwargs):
        """Write the model to a file.

        Args:
            filepath: path of the file.
            overwrite: whether a file that exists is replaced.
            **kwargs: what the format of the file takes.

        Raises:
            RuntimeError: as long as there is no format; it says how to keep the weights.
        """
        return registry.late_bound["save_model"](self, filepath, overwrite=overwrite, **kwargs)

    def to_json(self, **kwargs):
        """Return the model's configuration, without weights, as a JSON string.

        Args:
            **kwargs: passed on to `json.dumps`.

        Returns:
            A string for `model_from_json`.
        """
        return json.dumps(registry.serialize(self), **kwargs)

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
        with registry.CustomObjectScope(custom_objects):
            functional = registry.late_bound["functional"]
            if {"layers", "input_layers", "output_layers"} <= set(config) and (
                cls is Model or issubclass(cls, functional)
            ):
                return registry.late_bound["functional_from_config"](cls, config)
            return super().from_config(config)


model_table.add(Model)


def _shape_of(tensors):
    return tensors[0].shape if len(tensors) == 1 else [t.shape for t in tensors]


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
        json_string: the string.
        custom_objects: dict of name to class or function of your own.

    Returns:
        A model.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> keras.models.model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    return registry.deserialize(json.loads(json_string), custom_objects=custom_objects)
