"""Configs in the form that tf-keras reads: what `layer_configs` and `graphs` read, written.

What tf-keras has no word for stays as it is today: files with it can be read here.
"""

import inspect
from typing import Any

from minikeras.saving.legacy.form import is_object

KERAS_3_HARD_SIGMOID = "keras3>hard_sigmoid"
"""The activation of today, whose plain name means another function in old files."""

# Arguments that are left out where they change nothing, as tf-keras does not know them.
_NEW = {
    "adaptive_epsilon": (False,),
    "flash_attention": (None,),
    "gradient_accumulation_steps": (None,),
    "input_axes": (None,),
    "loss_scale_factor": (None,),
    "optional": (False,),
    "output_axes": (None,),
    "quantization_config": (None,),
    "renorm": (False,),
    "renorm_clipping": (None,),
    "renorm_momentum": (0.99,),
    "rms_scaling": (False,),
    "sliding_window": (None,),
    "use_gate": (False,),
}
_NEW_OF = {
    **dict.fromkeys(("AdditiveAttention", "Attention"), {"seed": (None,)}),
    **dict.fromkeys(("Conv1DTranspose", "Conv3DTranspose"), {"output_padding": (None,)}),
    **dict.fromkeys(
        ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "MultiHeadAttention"), {"seed": (None,)}
    ),
    "SpatialDropout1D": {"seed": (None,)},
    "ZeroPadding1D": {"data_format": ("channels_last",)},
}
_ARGUMENTS_OF = {"LeakyReLU": {"negative_slope": "alpha"}}
_LAYERS = ("layer", "backward_layer", "forward_layer", "cell")


def old_model(saved: dict[str, Any], calls: dict[str, Any]) -> dict[str, Any]:
    """Return the config of a model as tf-keras writes it.

    Args:
        saved: the model in today's form.
        calls: the layers by name, whose `call` tells what its arguments are called.

    Returns:
        A dict with `class_name` and `config`.
    """
    return _layer(saved, calls)


def old_object(saved: Any) -> Any:
    """Return an optimizer, a loss, a metric, or a nest of them, without what is new and unused."""
    if isinstance(saved, dict):
        kept = {
            key: old_object(value) for key, value in saved.items() if value not in _NEW.get(key, ())
        }
        if kept.get("module") == "keras.losses":
            kept["config"].pop("dtype", None)
        return kept
    return [old_object(item) for item in saved] if isinstance(saved, list) else saved


def _layer(saved, calls):
    name, config = saved["class_name"], saved["config"]
    registered = saved.get("registered_name")
    if registered and ">" in registered:
        return {"class_name": registered, "config": config, "registered_name": registered}
    if name == "Sequential":
        layers = [_layer(layer, calls) for layer in config["layers"]]
        kept = {"name": config["name"], "layers": layers}
        if not layers or layers[0]["class_name"] != "InputLayer":
            kept["build_input_shape"] = config.get("build_input_shape")
        return {"class_name": name, "config": kept}
    if "input_layers" in config:
        return {"class_name": "Functional", "config": _graph(config, calls)}
    kept = _config(name, config, calls)
    if name == "MultiHeadAttention":  # its weights are made when it is made
        kept |= _attention_shapes(saved.get("build_config"))
    return {"class_name": name, "config": kept}


def _attention_shapes(built):
    shapes = (built or {}).get("shapes_dict", built or {})
    shapes = {key: shapes.get(key) for key in ("query_shape", "value_shape", "key_shape")}
    return {**shapes, "key_shape": shapes["key_shape"] or shapes["value_shape"]}


def _config(name, config, calls):
    new, names = _NEW | _NEW_OF.get(name, {}), _ARGUMENTS_OF.get(name, {})
    if name == "InputLayer":
        names = {"batch_shape": "batch_input_shape"}
    return {
        names.get(key, key): _value(key, value, calls)
        for key, value in config.items()
        if not (key in new and value in new[key])
    }


def _value(key, value, calls):
    if key in _LAYERS and is_object(value):
        return _inner(value, calls)
    if key == "cells":
        return [_inner(cell, calls) for cell in value]
    if key == "activation" or key.endswith("_activation"):
        return _activation(value)
    if is_object(value) and value["class_name"] == "DTypePolicy":
        name = value["config"]["name"]
        return _policy(name) if name.startswith("mixed_") else name
    return old_object(value)


def _inner(saved, calls):
    """A layer in another one's config, which Keras 3 finds by its module."""
    module, registered = saved.get("module"), saved.get("registered_name")
    return {"module": module, **_layer(saved, calls), "registered_name": registered}


def _activation(value):
    if value == "hard_sigmoid":
        return KERAS_3_HARD_SIGMOID
    if is_object(value) and value.get("config") == "keras2>hard_sigmoid":
        return "hard_sigmoid"
    return value


def _policy(name):
    return {"class_name": "Policy", "config": {"name": name}}


# Graphs


def _graph(config, calls):
    # A graph or a stack inside has a node of its own, which old indices count.
    kinds = {one["name"]: one["class_name"] for one in config["layers"]}
    inside = {
        one["name"]
        for one in config["layers"]
        if "input_layers" in one["config"] or one["class_name"] == "Sequential"
    }
    return {
        "name": config["name"],
        "trainable": config.get("trainable", True),
        "layers": [_entry(one, inside, calls) for one in config["layers"]],
        "input_layers": _ends(config["input_layers"], {}),
        # Today's form counts the nodes of graphs from 1 here, but those of stacks from 0.
        "output_layers": _ends(
            config["output_layers"], {name for name in inside if kinds[name] == "Sequential"}
        ),
    }


def _ends(refs, later):
    if isinstance(refs, dict):
        return {key: _ends(ref, later) for key, ref in refs.items()}
    if refs and isinstance(refs[0], str):
        return [[refs[0], refs[1] + (refs[0] in later), refs[2]]]
    return [ref for part in refs for ref in _ends(part, later)]


def _entry(saved, inside, calls):
    nodes, name = saved["inbound_nodes"], saved["name"]
    if saved["module"].startswith("keras.src.ops"):
        return saved
    layer = calls.get(name)
    return {
        **_layer(saved, calls),
        "name": name,
        "inbound_nodes": [_node(layer, node, inside) for node in nodes],
    }


def _node(layer, node, inside):
    """The tensors of a call, with its keywords beside each of them."""
    first, *others = node["args"] or [node["kwargs"].get("inputs")]
    names = list(inspect.signature(layer.call).parameters)[1:] if others else []
    keywords = {**dict(zip(names, others, strict=False)), **node["kwargs"]}
    keywords.pop("inputs", None)
    keywords = {key: _refs(value, inside) for key, value in keywords.items() if value is not None}
    tensors = _refs(first, inside)
    if tensors and isinstance(tensors, list) and isinstance(tensors[0], str):
        tensors = [tensors]
    if isinstance(tensors, dict):
        return {key: [*ref, keywords] for key, ref in tensors.items()}
    return [[*ref, keywords] for ref in tensors]


def _refs(value, inside):
    """A nest with its tensors as `[layer, node, tensor]`."""
    if is_object(value) and value["class_name"] == "__keras_tensor__":
        name, node, index = value["config"]["keras_history"]
        return [name, node + (name in inside), index]
    if is_object(value) and value["class_name"] == "__tuple__":
        return [_refs(item, inside) for item in value["config"]["value"]]
    if isinstance(value, dict):
        return {key: _refs(item, inside) for key, item in value.items()}
    return [_refs(item, inside) for item in value] if isinstance(value, list) else value
