"""HDF5 files in the layout of Keras 1 and 2, made by hand from its description."""

import json

import h5py
import numpy as np


def write(path, layers, *, version="2.2.4", config=None, training=None, states=(), backend=None):
    """Write a file: of a whole model if there is a config, else of weights alone.

    Args:
        path: where.
        layers: list of pairs of a layer's name and its list of `(weight name, array)`.
        version: the attribute `keras_version`, or None.
        config: the model's config, or None.
        training: the training config, or None.
        states: list of `(name, array)` of the optimizer.
        backend: the attribute `backend`, or None.

    Returns:
        The path.
    """
    with h5py.File(path, "w") as file:
        group = file
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
            group = file.create_group("model_weights")
        if training is not None:
            file.attrs["training_config"] = json.dumps(training).encode()
        for name, value in (("keras_version", version), ("backend", backend)):
            if value is not None:
                file.attrs[name] = group.attrs[name] = value.encode()
        group.attrs["layer_names"] = [name.encode() for name, _ in layers]
        for name, weights in layers:
            _list(group.create_group(name), weights)
        if states:
            _list(file.create_group("optimizer_weights"), states)
    return path


def _list(group, arrays):
    group.attrs["weight_names"] = [name.encode() for name, _ in arrays]
    for name, array in arrays:
        group.create_dataset(name, data=array)


def sequential(*layers):
    """The config of a Sequential model as Keras 1 and early Keras 2 write it: a list."""
    return {"class_name": "Sequential", "config": list(layers)}


def layer(class_name, name, **config):
    """A layer as it stands in such a list."""
    return {"class_name": class_name, "config": {"name": name, "trainable": True, **config}}


def node(class_name, name, *inbound, **config):
    """A layer as it stands in the config of a graph, called once on the tensors named."""
    refs = [ref if isinstance(ref, list) else [ref, 0, 0, {}] for ref in inbound]
    nodes = [refs] if refs else []
    return {**layer(class_name, name, **config), "name": name, "inbound_nodes": nodes}


def graph(layers, outputs, inputs=("x",)):
    """The config of a graph model with inputs and outputs by name."""
    config = {"name": "graph", "layers": layers}
    config["input_layers"] = [[name, 0, 0] for name in inputs]
    config["output_layers"] = [[name, 0, 0] for name in outputs]
    return {"class_name": "Model", "config": config}


def placeholder(name, *shape, dtype="float32"):
    """An input of a graph."""
    config = {"batch_input_shape": [None, *shape], "dtype": dtype, "sparse": False, "name": name}
    return {"class_name": "InputLayer", "name": name, "config": config, "inbound_nodes": []}


def drawn(*shape, seed=0):
    """Numbers between -1 and 1."""
    return np.random.default_rng([seed, *shape]).uniform(-1, 1, shape).astype("float32")
