"""Copying a model's layers, with new weights."""

from functools import partial

from minikeras.autograd.symbolic import OpCall
from minikeras.core import trees
from minikeras.layers.base.layer import Layer
from minikeras.layers.core.input_layer import Input, InputLayer
from minikeras.models.functional import Functional
from minikeras.models.sequential import Sequential


def clone_model(
    model, input_tensors=None, clone_function=None, call_function=None, recursive=False
):
    """Return a model of the same layers with weights of their own.

    Args:
        model: a Functional or Sequential model, or a subclass with `get_config`.
        input_tensors: symbolic tensors to build the copy on, or None for new inputs.
        clone_function: function of a layer that returns its copy; by default
            `layer.__class__.from_config(layer.get_config())`.
        call_function: function `(layer, *args, **kwargs)` that calls a copied layer and returns
            its outputs, perhaps with further layers before or after it; for a graph alone. By
            default `layer(*args, **kwargs)`.
        recursive: whether both functions are also applied inside models inside the model.

    Returns:
        A model.

    Raises:
        ValueError: if `call_function` is given for anything but a graph, or `clone_function` or
            `input_tensors` for a subclassed model.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> keras.models.clone_model(model).count_params()
        8
    """
    if call_function is not None and not isinstance(model, Functional):
        raise ValueError(
            "Expected a Functional model with `call_function`: in another the calls of its layers "
            f"are not known. Received: a model of type {type(model).__name__}"
        )
    copy = _copier(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        return _clone_sequential(model, input_tensors, copy)
    if isinstance(model, Functional):
        return _clone_functional(model, input_tensors, copy, call_function)
    if clone_function is not None or input_tensors is not None:
        raise ValueError(
            "`clone_function` and `input_tensors` need a graph of layers: a Functional or "
            f"Sequential model. Received: a model of type {type(model).__name__}"
        )
    return type(model).from_config(model.get_config())


def _copier(clone_function, call_function, recursive):
    """A function that copies each operation once."""
    copies = {}

    def copy(operation):
        if id(operation) not in copies:
            copies[id(operation)] = _copied(operation, clone_function, call_function, recursive)
        return copies[id(operation)]

    return copy


def _copied(operation, clone_function, call_function, recursive):
    if isinstance(operation, InputLayer):
        return type(operation).from_config(operation.get_config())
    if not isinstance(operation, Layer):
        return OpCall(operation.op, name=operation.name)
    if recursive and isinstance(operation, (Functional, Sequential)):
        inner = call_function if isinstance(operation, Functional) else None
        return clone_model(operation, None, clone_function, inner, recursive=True)
    if clone_function is not None:
        return clone_function(operation)
    return type(operation).from_config(operation.get_config())


def _clone_sequential(model, input_tensors, copy):
    stack = [copy(layer) for layer in model._stack]
    if input_tensors is not None:
        tensor = trees.flatten(input_tensors)[0]
        stack = [_input_layer_of(tensor), *stack[isinstance(stack[0], InputLayer) :]]
    return _compiled_like(model, Sequential(stack, name=model.name))


def _input_layer_of(tensor):
    history = getattr(tensor, "_keras_history", None)
    return history.operation if history is not None else InputLayer(input_tensor=tensor)


def _clone_functional(model, input_tensors, copy, call_function):
    if input_tensors is None:
        input_tensors = trees.map_structure(
            lambda t: Input(batch_shape=t.shape, dtype=t.dtype, name=t.name), model.input
        )
    elif len(trees.flatten(input_tensors)) != len(model.inputs):
        raise ValueError(
            f"`input_tensors` must have the structure of `model.input`. Expected: {model.input}. "
            f"Received: {input_tensors}"
        )
    outputs = model._run_graph(
        trees.flatten(input_tensors),
        replace=copy if call_function is None else lambda op: partial(call_function, copy(op)),
    )
    return _compiled_like(model, Functional(input_tensors, outputs, name=model.name))


def _compiled_like(model, cloned):
    if model.compiled:
        cloned.compile_from_config(model.get_compile_config())
    return cloned
