"""The layers of Keras 2: those of the engine under their rows, and those that it lacks."""

import numpy as np

from minikeras.keras2 import backend as K
from minikeras.keras2.engine.base.input_spec import InputSpec
from minikeras.keras2.engine.configs import deserialize, serialize
from minikeras.keras2.engine.input_layer import Input, InputLayer
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.layers.lambda_layer import Lambda
from minikeras.keras2.layers.merge_layer import Merge, merge
from minikeras.keras2.layers.merging import dilated_function, merging_function
from minikeras.keras2.layers.orders import ATROUS
from minikeras.keras2.layers.rnn.conv_recurrent import ConvRecurrent2D
from minikeras.keras2.layers.rnn.stepwise import Recurrent, time_distributed_dense
from minikeras.keras2.layers.rows import layer_class
from minikeras.keras2.layers.table import ALIASES, ROWS
from minikeras.keras2.layers.wrapper import Wrapper

_CLASSES = {row.name or row.engine.__name__: layer_class(row) for row in ROWS}
globals().update(_CLASSES)
globals().update({alias: _CLASSES[name] for alias, name in ALIASES.items()})

add, subtract, multiply, average = (
    merging_function(_CLASSES[name]) for name in ("Add", "Subtract", "Multiply", "Average")
)
maximum, minimum, concatenate, dot = (
    merging_function(_CLASSES[name]) for name in ("Maximum", "Minimum", "Concatenate", "Dot")
)
AtrousConvolution1D, AtrousConvolution2D = (
    dilated_function(name, _CLASSES[f"Conv{name[-2:]}"], order) for name, order in ATROUS.items()
)
AtrousConv1D, AtrousConv2D = AtrousConvolution1D, AtrousConvolution2D

__getattr__ = elsewhere(__name__)

__all__ = [
    "AtrousConv1D",
    "AtrousConv2D",
    "AtrousConvolution1D",
    "AtrousConvolution2D",
    "ConvRecurrent2D",
    "Input",
    "InputLayer",
    "InputSpec",
    "Lambda",
    "Layer",
    "Merge",
    "Recurrent",
    "Wrapper",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "merge",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
    "time_distributed_dense",
]
__all__ += [*_CLASSES, *ALIASES]
__all__ += ["K", "np"]  # scripts that import `*` from here use them
