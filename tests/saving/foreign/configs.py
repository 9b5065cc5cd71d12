"""Configs of models that a foreign file may hold: what they name, and how they lie."""

import base64
import marshal

from tests.saving.foreign.json_mutations import saved


def stack(*layers, **further):
    """The saved form of a Sequential model."""
    first = saved("InputLayer", config={"batch_shape": [None, 3], "name": "x"})
    return {**saved("Sequential", "keras", {"name": "s", "layers": [first, *layers]}), **further}


def compiled(**arguments):
    """The saved form of a model that is compiled."""
    arguments = {"optimizer": "sgd", "loss": "mse", **arguments}
    return stack(saved("Dense", config={"units": 2}), compile_config=arguments)


def dense(**config):
    """The saved form of a layer."""
    return saved("Dense", config={"units": 2, **config})


def graph(*nodes, output=("dense", 0, 0)):
    """The saved form of a graph: an input and a dense layer with these calls."""
    layers = [
        {**saved("InputLayer", config={"batch_shape": [None, 3], "name": "x"}), "name": "x"},
        {**dense(name="dense"), "name": "dense"},
    ]
    layers[0]["inbound_nodes"], layers[1]["inbound_nodes"] = [], list(nodes)
    places = {"input_layers": [["x", 0, 0]], "output_layers": [list(output)]}
    return saved("Functional", "keras", {"name": "g", "layers": layers, **places})


def tensor(*history):
    """The saved form of a tensor of a graph."""
    config = {"shape": [None, 3], "dtype": "float32", "keras_history": list(history)}
    return {"class_name": "__keras_tensor__", "config": config}


def call_of(*args, **kwargs):
    """A call in the saved form of a graph."""
    return {"args": list(args), "kwargs": kwargs}


POSITIONS = {
    "model": lambda thing: thing,
    "layer": lambda thing: stack(thing),
    "activation": lambda thing: stack(dense(activation=thing)),
    "initializer": lambda thing: stack(dense(kernel_initializer=thing)),
    "regularizer": lambda thing: stack(dense(kernel_regularizer=thing)),
    "constraint": lambda thing: stack(dense(kernel_constraint=thing)),
    "dtype": lambda thing: stack(dense(dtype=thing)),
    "units": lambda thing: stack(dense(units=thing)),
    "function": lambda thing: stack(saved("Lambda", config={"function": thing})),
    "mask": lambda thing: stack(saved("Lambda", config={"function": "relu", "mask": thing})),
    "shape": lambda thing: stack(saved("Lambda", config={"function": "a", "output_shape": thing})),
    "wrapped": lambda thing: stack(saved("TimeDistributed", config={"layer": thing})),
    "cell": lambda thing: stack(saved("RNN", config={"cell": thing})),
    "cells": lambda thing: stack(saved("StackedRNNCells", config={"cells": [thing]})),
    "seed": lambda thing: stack(saved("Dropout", config={"rate": 0.5, "seed": thing})),
    "initializer's seed": lambda thing: stack(
        dense(kernel_initializer=saved("HeNormal", "keras.initializers", {"seed": thing}))
    ),
    "activity": lambda thing: stack(dense(activity_regularizer=thing)),
    "loss": lambda thing: compiled(loss=thing),
    "metric": lambda thing: compiled(metrics=[thing]),
    "optimizer": lambda thing: compiled(optimizer=thing),
    "learning rate": lambda thing: compiled(
        optimizer=saved("SGD", "keras.optimizers", {"learning_rate": thing})
    ),
    "loss's function": lambda thing: compiled(
        loss=saved("LossFunctionWrapper", "keras.losses", {"fn": thing})
    ),
    "metric's function": lambda thing: compiled(
        metrics=[saved("MeanMetricWrapper", "keras.metrics", {"fn": thing})]
    ),
    "argument of a call": lambda thing: graph(call_of(tensor("x", 0, 0), training=thing)),
    "operand of a call": lambda thing: graph(call_of(thing)),
    "build": lambda thing: stack({**dense(), "build_config": {"input_shape": thing}}),
}


def _touch():
    import os

    os.system("touch beyond_was_run")
    raise SystemError("code in a file was run")


_CODE = base64.encodebytes(marshal.dumps(_touch.__code__)).decode()

GADGETS = {
    "lambda of Keras": {
        "class_name": "__lambda__",
        "config": {"code": _CODE, "defaults": None, "closure": None},
    },
    "lambda of ours": {"class_name": "__lambda__", "config": {"value": [_CODE, None, None]}},
    "os.system": saved("function", "os", "system") | {"registered_name": "function"},
    "system": saved("system", "os"),
    "builtins.eval": saved("function", "builtins", "eval"),
    "eval": saved("eval", "builtins", {}),
    "get_file": saved("get_file", "keras.utils"),
    "get_file of a module": saved("function", "keras.src.utils.file_utils", "get_file"),
    "load_model": saved("load_model", "keras.saving", {"filepath": "x", "safe_mode": False}),
    "trust": saved("function", "keras.config", "enable_unsafe_deserialization"),
    "trust of a module": saved("enable_unsafe_deserialization", "minikeras.core.registry.trust"),
    "seeds": saved("function", "keras.utils", "set_random_seed"),
    "another name": saved("Dense", "os", {"units": 1}) | {"registered_name": "os>system"},
    "program of TensorFlow": saved("TFSMLayer", "keras.layers", {"filepath": "beyond"}),
    "program of PyTorch": saved("TorchModuleWrapper", "keras.layers", {"module": "beyond"}),
    "objects": {"class_name": "__numpy__", "config": {"value": [[1], "a"], "dtype": "object"}},
    "huge numbers": {"class_name": "__numpy__", "config": {"value": [1], "dtype": "S1000000000"}},
    "a void": {"class_name": "__tensor__", "config": {"value": [1], "dtype": "V2000000000"}},
}


LIES = {
    "missing node": graph(call_of(tensor("y", 0, 0))),
    "missing call": graph(call_of(tensor("x", 1, 0))),
    "missing output": graph(call_of(tensor("x", 0, 1))),
    "negative node": graph(call_of(tensor("x", -1, 0))),
    "negative output": graph(call_of(tensor("x", 0, -1))),
    "itself": graph(call_of(tensor("dense", 0, 0))),
    "circle": graph(call_of(tensor("dense", 1, 0)), call_of(tensor("dense", 0, 0))),
    "text as a number": graph(call_of(tensor("x", "0", 0))),
    "number as a name": graph(call_of(tensor(0, 0, 0))),
    "truth as a number": graph(call_of(tensor("x", False, 0))),
    "history too short": graph(call_of(tensor("x"))),
    "no history": graph(call_of({"class_name": "__keras_tensor__", "config": {}})),
    "missing end": graph(call_of(tensor("x", 0, 0)), output=("z", 0, 0)),
    "negative end": graph(call_of(tensor("x", 0, 0)), output=("dense", -1, 0)),
    "no calls": graph(),
    "calls that are text": graph("dense"),
    "units that are text": stack(dense(units="2")),
    "units that are NaN": stack(dense(units=float("nan"))),
    "units that are infinite": stack(dense(units=float("inf"))),
    "units that are negative": stack(dense(units=-1)),
    "units that are true": stack(dense(units=True)),
    "no layers": saved("Sequential", "keras", {"name": "s"}),
    "layers that are text": saved("Sequential", "keras", {"layers": "dense"}),
    "layers that are null": saved("Sequential", "keras", {"layers": None}),
    "layers that are numbers": saved("Sequential", "keras", {"layers": [1, 2]}),
    "a name that is a number": stack(dense(name=5)),
    "a name twice": stack(dense(name="a"), dense(name="a")),
    "an unknown activation": stack(dense(activation="nothing")),
    "an unknown layer": stack(saved("Nothing", config={})),
    "an unknown dtype": stack(dense(dtype="float99")),
    "a dtype of objects": stack(dense(dtype="object")),
    "an attribute": stack(dense(_trainable_variables=[])),
    "a path": stack(saved("Embedding", config={"input_dim": 2, "output_dim": 2, "weights": "x"})),
    "a rate that is NaN": stack(saved("Dropout", config={"rate": float("nan")})),
    "an input that is infinite": stack(
        saved("InputLayer", config={"batch_shape": [None, float("inf")]})
    ),
    "an input that is negative": stack(saved("InputLayer", config={"batch_shape": [None, -3]})),
    "a shape that is text": stack(saved("Reshape", config={"target_shape": "abc"})),
    "a model in itself": stack({**dense(), "shared_object_id": 1}, {"shared_object_id": 1}),
    "a build of text": stack({**dense(), "build_config": "abc"}),
    "a compile of text": stack(dense(), compile_config="abc"),
    "a compile of unknown things": stack(dense(), compile_config={"nothing": 1}),
    "an optimizer with a path": compiled(
        optimizer=saved("Adam", "keras.optimizers", {"filepath": "beyond.txt"})
    ),
    "a class as a layer": stack(saved("Dense", "keras.layers")),
    "a function as a layer": stack(saved("function", "builtins", "relu")),
    "an initializer as a layer": stack(saved("Zeros", "keras.initializers", {})),
    "a layer as an optimizer": compiled(optimizer=dense()),
}
