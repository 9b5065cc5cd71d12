"""Making a model anew, with new weights, from an existing one."""

from minikeras.core import trees
from minikeras.layers.core import InputLayer
from minikeras.models.functional import Functional, functional_from_config
from minikeras.models.sequential import Sequential


def clone_model(model, input_tensors=None, clone_function=None, call_function=None, recursive=False):
    """Return a model of the same layers with weights of their own.

    Args:
        model: a Functional or Sequential model, or a subclass with `get_config`.
        input_tensors: symbolic tensors to build the copy on, or None for new inputs.
        clone_function: function of a layer that returns its copy; by default
            `layer.__class__.from_config(layer.get_config())`.
        call_function: must be None.
        recursive: whether `clone_function` is also applied inside models inside the model.

    Returns:
        A model.

    Raises:
        ValueError: if `clone_function` is given for a subclassed model, or `call_function` at all.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> keras.models.clone_model(model).count_params()
        8
    """
    if call_function is not None:
        raise ValueError("`call_function` is not supported: copy the layers with `clone_function`.")
    if isinstance(model, Sequential):
        return _clone_sequential(model, input_tensors, _copier(clone_function, recursive))
    if isinstance(model, Functional):
        return _clone_functional(model, input_tensors, _copier(clone_function, recursive))
    if clone_function is not None or input_tensors is not None:
        raise ValueError(
            "Arguments `clone_function` and `input_tensors` are only supported for Sequential "
            f"models or Functional models. Received model of type '{type(model).__name__}'."
        )
    return type(model).from_config(model.get_config())


def _copier(clone_function, recursive):
    def copy(layer):
        if isinstance(layer, InputLayer):
            return type(layer).from_config(layer.get_config())
        if recursive and isinstance(layer, (Functional, Sequential)):
            return clone_model(layer, clone_function=clone_function, recursive=True)
        if clone_function is not None:
            return clone_function(layer)
        return type(layer).from_config(layer.get_config())

    return copy


def _clone_sequential(model, input_tensors, copy):
    stack = [copy(layer) for layer in model._stack]
    if input_tensors is not None:
        tensor = trees.flatten(input_tensors)[0]
        stack = [InputLayer(input_tensor=tensor), *stack[isinstance(stack[0], InputLayer) :]]
    return Sequential(stack, name=model.name)


def _clone_functional(model, input_tensors, copy):
    originals = {op.name: op for op in model.operations}
    revive = lambda saved: copy(originals[saved["name"]])  # noqa: E731
    cloned = functional_from_config(Functional, model.get_config(), revive)
    if input_tensors is None:
        return cloned
    outputs = cloned(trees.pack_sequence_as(cloned.input, trees.flatten(input_tensors)))
    return Functional(input_tensors, outputs, name=model.name)
