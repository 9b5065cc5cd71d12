"""JSON changed at random: values of other types, from other places, deleted, or huge."""

import copy
import json


def changed_json_text(draw, content):
    """A copy of a JSON text in which values changed, or the text itself."""
    value = changed_json(draw, json.loads(content))
    text = json.dumps(value)
    if not draw.randrange(10):
        text = draw.choice(["null", "1", '"x"', "[]", "{}", "[" * 10_000, text + "}", text[:-3]])
    if not draw.randrange(10):
        text = text.replace(draw.choice("0123456789"), draw.choice(["1e400", "NaN", "9" * 5000]), 1)
    return text.encode()


def changed_json(draw, value):
    """A copy of a JSON value with one to four edits."""
    top = {"": copy.deepcopy(value)}
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        places = list(_places(top))
        container, key = draw.choice(places)
        _edit(draw, container, key, places)
    return top[""]


def _places(container):
    """All `(container, key)` of a JSON value."""
    keys = list(container) if isinstance(container, dict) else range(len(container))
    for key in keys:
        yield container, key
        if isinstance(container[key], (dict, list)):
            yield from _places(container[key])


def _edit(draw, container, key, places):
    kind = draw.randrange(8)
    value = container[key]
    if kind == 0 and key != "":
        del container[key]
    elif kind == 1:
        other, place = draw.choice(places)
        container[key] = copy.deepcopy(_get(other, place))
    elif kind == 2 and isinstance(value, (int, float)):
        container[key] = draw.choice([-value, value + 1, value * 10**9, float(value), str(value)])
    elif kind == 3 and isinstance(container, dict) and key != "":
        container[draw.choice(["x", "name", "class_name", "config", "units", key + "s"])] = (
            container.pop(key)
        )
    elif kind == 4:
        container[key] = draw.choice([[value], {"x": value}, [value, value], {"config": value}])
    elif kind == 5:
        container[key] = saved(draw.choice(NAMES), draw.choice(MODULES), copy.deepcopy(value))
    else:
        container[key] = copy.deepcopy(draw.choice(VALUES))


def _get(container, key):
    try:
        return container[key]
    except (LookupError, TypeError):
        return None


def saved(name, module="keras.layers", config=None):
    """The saved form of an object."""
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


NAMES = [
    "function",
    "Dense",
    "Sequential",
    "Functional",
    "InputLayer",
    "Lambda",
    "TimeDistributed",
    "RNN",
    "StackedRNNCells",
    "LossFunctionWrapper",
    "MeanMetricWrapper",
    "Constant",
    "DTypePolicy",
    "SeedGenerator",
    "LossScaleOptimizer",
    "Adam",
    "get_file",
    "load_model",
    "set_random_seed",
    "enable_unsafe_deserialization",
    "eval",
    "__numpy__",
    "__tuple__",
    "__slice__",
    "__lambda__",
    "__bytes__",
    "__keras_tensor__",
    "__ellipsis__",
]
MODULES = [
    None,
    "",
    "builtins",
    "os",
    "keras",
    "keras.layers",
    "keras.losses",
    "keras.metrics",
    "keras.optimizers",
    "keras.initializers",
    "keras.utils",
    "keras.config",
    "keras.saving",
    "keras.src.ops.numpy",
    "minikeras.saving.api",
    "numpy",
    5,
]
VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1,
    7,
    10**6,
    10**9,
    2**63,
    10**30,
    1.5,
    float("nan"),
    float("inf"),
    -float("inf"),
    "",
    "x",
    "relu",
    "eval",
    "float32",
    "float99",
    "object",
    "mixed_float16",
    "../../etc/passwd",
    "a" * 10_000,
    "\0",
    "\ud800",
    [],
    {},
    [[]],
    [None],
    [1, 2, 3],
    [None, 10**9],
    [10**9] * 8,
    [10**6, 10**6],
    {"class_name": "Dense", "config": {"units": 10**9}},
    {"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "object"}},
    {"class_name": "__numpy__", "config": {"value": [[1], [2, 3]], "dtype": "float32"}},
    {"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}},
    {"class_name": "__lambda__", "config": {"code": "4wAAAA==", "defaults": 1, "closure": 2}},
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["a", 0, 0]}},
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["dense", -1, 99]}},
    {"class_name": "__slice__", "config": {"start": "a", "stop": {}, "step": 0}},
]
