"""What an old file says about training: the arguments of `compile`, in today's saved form."""

from typing import Any

from minikeras.saving.legacy.form import Source, expect, is_object, object_form
from minikeras.saving.legacy.layer_configs import dtype_form

_SCHEDULES = "keras.optimizers.schedules"

# Options of old optimizers that today's do not take.
_GONE = (
    *("is_legacy_optimizer", "jit_compile", "schedule_decay", "use_locking"),
    *("experimental_aggregate_gradients", "dtype"),
)
_OPTIMIZERS = {
    "RMSProp": "RMSprop",
    "TFOptimizer": None,
    "LossScaleOptimizerV1": "LossScaleOptimizer",
}
_REDUCTIONS = {"auto": "sum_over_batch_size", "sum_over_batch": "sum_over_batch_size"}
_LOSSES = {
    "cosine": "cosine_similarity",
    "cosine_proximity": "cosine_similarity",
    "kullback_leibler_divergence": "kl_divergence",
    "kld": "kl_divergence",
    "logcosh": "log_cosh",
}


def compile_arguments(config: Any, source: Source) -> dict[str, Any]:
    """Return the arguments of `compile` that a file's `training_config` stands for.

    Args:
        config: the dict of the file.
        source: where it comes from.

    Returns:
        A dict of the keywords of `compile` in their saved form.

    Raises:
        ValueError: if the dict has another form, or the optimizer can't be read.
    """
    expect(config, dict, "a training config, a dict")
    arguments = {
        "optimizer": optimizer_form(config.get("optimizer_config"), source),
        "loss": _named("keras.losses", config.get("loss"), source),
        "loss_weights": config.get("loss_weights"),
        "metrics": _named("keras.metrics", config.get("metrics"), source),
        "weighted_metrics": _named("keras.metrics", config.get("weighted_metrics"), source),
    }
    for key in ("run_eagerly", "steps_per_execution", "jit_compile"):
        if source.generation == 3 and config.get(key) is not None:
            arguments[key] = config[key]
    if config.get("sample_weight_mode") not in (None, [], {}) and _has_modes(
        config["sample_weight_mode"]
    ):
        raise ValueError(
            f"The model was compiled with sample_weight_mode={config['sample_weight_mode']!r}, "
            "which there is no more: load it with `compile=False`, and compile it yourself."
        )
    return arguments


def _has_modes(modes):
    modes = modes.values() if isinstance(modes, dict) else modes
    return isinstance(modes, str) or any(mode is not None for mode in modes)


# Optimizers


def optimizer_form(saved: Any, source: Source) -> Any:
    """Return the saved form of an optimizer of an older Keras.

    Args:
        saved: dict with `class_name` and `config`.
        source: where it comes from.

    Returns:
        A dict for `registry.deserialize`.

    Raises:
        ValueError: if the optimizer exists no more.
    """
    if isinstance(saved, str):
        return saved
    expect(saved, dict, "an optimizer's config, a dict with `class_name` and `config`")
    name = expect(saved.get("class_name"), str, "the name of an optimizer's class")
    config = expect(saved.get("config"), dict, f"the config of an optimizer of class {name}")
    if name in source.custom:
        return object_form("", name, config, saved.get("registered_name"))
    name = name.rsplit(">", 1)[-1]
    name = _OPTIMIZERS.get(name, name)
    if name is None:
        raise ValueError("An optimizer of TensorFlow itself (TFOptimizer) can't be read.")
    if source.generation == 3:
        return object_form("keras.optimizers", name, config)
    return object_form("keras.optimizers", name, _optimizer_config(name, dict(config), source))


def _optimizer_config(name, config, source):
    for key in _GONE:
        config.pop(key, None)
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
    if config.get("name") is not None:
        config["name"] = str(config["name"])
    for key in ("inner_optimizer", "optimizer"):
        if is_object(config.get(key)):
            config["inner_optimizer"] = optimizer_form(config.pop(key), source)
    if name == "LossScaleOptimizer":
        return _loss_scale(config)
    if config.get("epsilon", ...) is None:
        del config["epsilon"]
    if config.get("weight_decay") is False:
        config["weight_decay"] = None
    return _with_rate(config)


def _loss_scale(config):
    """Today's optimizer has no choice of a fixed scale."""
    scale = {"initial_scale": config.get("initial_scale", 2.0**15)}
    scale["dynamic_growth_steps"] = config.get("dynamic_growth_steps", 2000)
    return {"inner_optimizer": config["inner_optimizer"], **scale}


def _with_rate(config):
    """The learning rate, with `decay` as the schedule that it stands for.

    At step t the rate is `lr / (1 + decay * t)`.
    """
    decay = config.pop("decay", None) or 0.0
    rate = config.get("learning_rate")
    if is_object(rate):
        config["learning_rate"] = object_form(_SCHEDULES, rate["class_name"], rate["config"])
    elif decay and rate is not None:
        arguments = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
        config["learning_rate"] = object_form(_SCHEDULES, "InverseTimeDecay", arguments)
    return config


# Losses and metrics


def _named(module, saved, source):
    """A nest of losses or metrics, by name or in their saved form."""
    if is_object(saved):
        return _function_object(module, saved, source)
    if isinstance(saved, dict):
        return {key: _named(module, value, source) for key, value in saved.items()}
    if isinstance(saved, list):
        return [_named(module, item, source) for item in saved]
    if not isinstance(saved, str):
        return saved
    if saved in source.custom:  # found now, while the custom objects are known
        return object_form("builtins", "function", saved, "function")
    return _LOSSES.get(saved, saved)


def _function_object(module, saved, source):
    """A loss or metric: an object, or a function by its name."""
    name, config = saved["class_name"], saved.get("config")
    if name == "function":
        return object_form("builtins", "function", config, "function")
    if name in source.custom or not isinstance(config, dict):
        return object_form("", name, config, saved.get("registered_name"))
    config = {key: value for key, value in config.items() if key != "fn"}
    if "dtype" in config:
        config["dtype"] = dtype_form(config["dtype"])
    if config.get("reduction") in _REDUCTIONS:
        config["reduction"] = _REDUCTIONS[config["reduction"]]
    if module == "keras.losses":
        config.pop("dtype", None)
    if name in ("MeanMetricWrapper", "LossFunctionWrapper"):
        return _wrapped(module, name, saved["config"], config)
    return object_form(module, name, config, saved.get("registered_name"))


def _wrapped(module, name, saved, config):
    """A metric of tf-keras that names the function whose values it averages."""
    function = saved.get("fn")
    if isinstance(function, dict):
        function = function.get("config")
    function = expect(function, str, f"the name of the function of a {name}")
    function = object_form("builtins", "function", _LOSSES.get(function, function), "function")
    return object_form(module, name, {**config, "fn": function})
