"""One layer, or one step of an optimizer, of one variable: what a difference is reduced to.

`run_layer`, `run_update` and `cut` need NumPy and a Keras alone: the script that `--reduce` writes
holds their text.
"""

import inspect
from typing import Any

import numpy as np

from .engines import leaves
from .models import optimizer_variables, with_dtype

LIST, ARGUMENTS = "list", "arguments"


def run_layer(keras, tape_of, source_of, part):
    """Run a layer on arrays, forward and backward, in float64; return arrays by name."""
    layer = keras.saving.deserialize_keras_object(part["config"])
    arrays = part["arrays"]
    inputs = [keras.ops.convert_to_tensor(a) for name, a in arrays.items() if name[:2] == "in"]
    given_as = [inputs] if part["form"] == "list" else inputs
    options = {"training": True} if part["training"] else {}
    layer(*given_as, **options)  # makes the weights
    for i, weight in enumerate(layer.weights):
        weight.assign(cut(arrays[f"weight{i}"], weight.shape))
    floats = [x for x in inputs if "float" in str(x.dtype)]
    draw = np.random.RandomState(0).normal
    with tape_of() as tape:
        for x in floats:
            tape.watch(x)
        outputs = layer(*given_as, **options)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        loss = sum(keras.ops.sum(y * draw(size=tuple(y.shape))) for y in outputs)
    gradients = tape.gradient(loss, floats + [source_of(w) for w in layer.trainable_weights])
    named = {f"output {i}": y for i, y in enumerate(outputs)}
    named.update((f"gradient {i}", g) for i, g in enumerate(gradients) if g is not None)
    return {name: keras.ops.convert_to_numpy(tensor) for name, tensor in named.items()}


def run_update(keras, tape_of, source_of, part):
    """Take a step of an optimizer with one variable, in float64; return arrays by name."""
    optimizer = keras.optimizers.deserialize(part["config"])
    arrays = part["arrays"]
    weight = keras.Variable(arrays["weight"], dtype="float64")
    optimizer.build([weight])
    slots = [v for v in optimizer.variables if "learning_rate" not in v.path]
    for i, slot in enumerate(slots):
        slot.assign(arrays[f"slot{i}"])
    optimizer.apply([keras.ops.convert_to_tensor(arrays["gradient"])], [weight])
    named = {"weight": weight, **{f"slot {i}": slot for i, slot in enumerate(slots)}}
    return {name: np.array(keras.ops.convert_to_numpy(value)) for name, value in named.items()}


def cut(array, shape):
    """Return the leading part of an array that has a shape."""
    if array.ndim != len(shape) or any(n > m for n, m in zip(shape, array.shape)):
        raise ValueError(f"an array of shape {array.shape} has no part of shape {tuple(shape)}")
    return array[tuple(slice(n) for n in shape)]


RUN = {"layer": run_layer, "update": run_update}


def layer_part(engine, phases, key, batch, training):
    """Return what a call of a layer is made of.

    Args:
        engine: the `Engine`.
        phases: the `Phases` of the model.
        key: of the call.
        batch: list of arrays, inputs of the model.
        training: bool.

    Returns:
        A dict of its config and form, and its arrays by name.

    Raises:
        ValueError: if it can't be called alone.
    """
    calls = {}
    phases.forward(batch, training, lambda call, arrays: calls.update({call.key: (call, arrays)}))
    if key not in calls:
        raise ValueError(f"there is no call {key}")
    call, arrays = calls[key]
    args, kwargs = call.arguments
    if any(map(engine.is_tensor, leaves(kwargs))):
        raise ValueError("the layer takes tensors by name")
    form = LIST if args and isinstance(args[0], (list, tuple)) else ARGUMENTS
    named = {name: a for name, a in arrays.items() if name.startswith("in")}
    weights = getattr(call.layer, "weights", [])
    named.update((f"weight{i}", engine.array(w)) for i, w in enumerate(weights))
    takes_training = "training" in inspect.signature(call.layer.call).parameters
    config: Any = with_dtype(engine.keras.saving.serialize_keras_object(call.layer), "float64")
    config.pop("build_config", None)  # it would make weights for the inputs' whole size
    described = {"config": config, "form": form, "training": training and takes_training}
    return described, _wide(named)


def update_part(engine, model, place, weights, slots, gradients):
    """Return what a step of an optimizer takes of one weight.

    Args:
        engine: the `Engine`.
        model: the model.
        place: of the weight in `model.weights`.
        weights: list of arrays of all weights, before the step.
        slots: those of the optimizer.
        gradients: dict of the places of trainable variables to arrays.

    Returns:
        A dict of the optimizer's config, and its arrays by name.
    """
    variable = model.weights[place]
    trainable = [v is variable for v in model.trainable_variables].index(True)
    arrays = {"weight": weights[place], "gradient": gradients[trainable]}
    own = [v.path.replace("/", "_") + "_" for v in model.trainable_variables]
    chosen = []
    for slot, value in zip(optimizer_variables(engine, model), slots):
        name = slot.path.partition("/")[2]
        owners = [i for i, start in enumerate(own) if name.startswith(start)]
        if "learning_rate" not in name and (not owners or trainable in owners):
            chosen.append(value)
    arrays.update((f"slot{i}", value) for i, value in enumerate(chosen))
    config = engine.keras.optimizers.serialize(model.optimizer)
    return {"config": config}, _wide(arrays)


def _wide(arrays):
    return {n: a.astype("float64") if a.dtype.kind == "f" else a for n, a in arrays.items()}
