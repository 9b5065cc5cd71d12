"""What a foreign model file may try: functions that make the file and say how to load it.

An attack takes an empty folder and returns a dict of names to functions without arguments; every
one of them meets the file in another way, and has to be refused. Files named `beyond` are outside
of the folder that loading may use: nothing of them may be read, written, or run.
"""

import json
import os
import zipfile

import minikeras as keras
from tests.saving.foreign import attacks_backups, attacks_hdf5  # noqa: F401  (they join the table)
from tests.saving.foreign.attack_files import (
    ATTACKS,
    archive_of,
    attack,
    beyond,
    dense_model,
    members_of,
    ways_of_archive,
    ways_of_config,
    ways_of_unpacking,
)
from tests.saving.foreign.configs import GADGETS, LIES, POSITIONS, dense, stack
from tests.saving.foreign.json_mutations import saved

__all__ = ["ATTACKS", "HUGE"]

# ---- configs


_POSITIONS_IN_YAML = ("layer", "function", "activation")


def _gadget(name, thing):
    def make(folder):
        ways = {}
        for position, place in POSITIONS.items():
            inner = folder / position.replace(" ", "_")
            inner.mkdir()
            as_yaml = position in _POSITIONS_IN_YAML
            for way, load in ways_of_config(inner, place(thing), as_yaml).items():
                ways[f"{position}: {way}"] = load
        return ways

    make.__name__ = f"gadget: {name}"
    return make


for _name, _thing in GADGETS.items():
    attack()(_gadget(_name, _thing))


@attack("code|bytecode|Could not interpret")
def code_in_layers_without_a_mode(folder):
    from_config = keras.layers.Lambda.from_config
    both = [GADGETS["lambda of Keras"], GADGETS["lambda of ours"]]
    ways = {}
    for number, code in enumerate(both):
        for key in ("function", "mask", "output_shape"):
            config = {"function": "relu", key: code}
            ways[f"{key} {number}"] = lambda config=config: from_config(config)
        ways[f"deserialize {number}"] = lambda code=code: keras.saving.deserialize_keras_object(
            code
        )
        ways[f"activation {number}"] = lambda code=code: keras.activations.get(code)
        ways[f"loss {number}"] = lambda code=code: keras.losses.get(code)
        ways[f"model {number}"] = lambda code=code: keras.Sequential.from_config(
            stack(saved("Lambda", config={"function": code}))["config"]
        )
        ways[f"copy {number}"] = lambda code=code: keras.models.clone_model(
            keras.Sequential([keras.layers.Lambda.from_config({"function": code})])
        )
    return ways


@attack("code|bytecode|safe_mode|unexpected|argument|not")
def a_mode_in_the_file(folder):
    code = GADGETS["lambda of Keras"]
    ways = {}
    for number, config in enumerate(
        [
            stack(saved("Lambda", config={"function": code, "safe_mode": False})),
            stack({**saved("Lambda", config={"function": code}), "safe_mode": False}),
            {**stack(saved("Lambda", config={"function": code})), "safe_mode": False},
            stack(saved("Lambda", config={"function": code, "arguments": {"safe_mode": False}})),
        ]
    ):
        inner = folder / str(number)
        inner.mkdir()
        for way, load in ways_of_config(inner, config).items():
            ways[f"{number}: {way}"] = load
    return ways


# ---- declared sizes


def _bomb(folder, name):
    return archive_of(folder, {name: b" " * (300 << 20)}, zipfile.ZIP_DEFLATED)


@attack(r"declares \d+ bytes where")
def members_that_expand(folder):
    ways = {}
    for name in ("config.json", "metadata.json", "model.weights.h5", "assets/words.txt"):
        inner = folder / name.replace("/", "_")
        inner.mkdir()
        path = _bomb(inner, name)
        for way, load in ways_of_archive(path).items():
            ways[f"{name}: {way}"] = load
        for way, load in ways_of_unpacking(path).items():
            ways[f"{name}: {way}"] = load
    return ways


@attack(r"bytes of JSON|declares|bytes; at most")
def json_that_is_too_large(folder):
    text = '{"a": "' + "xyzw" * (17 << 20) + '"}'
    return {"load_model": ways_of_archive(archive_of(folder, {"config.json": text}))["load_model"]}


HUGE = {
    "Dense": ((3,), {"units": 10**8}),
    "Embedding": ((3,), {"input_dim": 10**9, "output_dim": 1000}),
    "Conv2D": ((9, 9, 3), {"filters": 10**7, "kernel_size": [3, 3]}),
    "Conv1D": ((9, 3), {"filters": 1, "kernel_size": 10**12}),
    "LSTM": ((5, 3), {"units": 10**6}),
    "SimpleRNN": ((5, 3), {"units": 10**9, "stateful": True}),
    "GRU": ((5, 3), {"units": 10**6}),
    "EinsumDense": ((3,), {"equation": "ab,bc->ac", "output_shape": 10**9}),
    "BatchNormalization": ((10**10,), {}),
    "LayerNormalization": ((10**10,), {}),
    "PReLU": ((10**10,), {}),
}


@attack("fit|missing|shape|has not|not in|bytes|memory|large")
def layers_that_are_huge(folder):
    ways = {}
    for name, (shape, config) in HUGE.items():
        first = saved("InputLayer", config={"batch_shape": [None, *shape], "name": "x"})
        model = saved("Sequential", "keras", {"layers": [first, saved(name, config=config)]})
        inner = folder / name
        inner.mkdir()
        ways[name] = ways_of_config(inner, model)["load_model"]
        model["build_config"] = {"input_shape": [None, *shape]}
        for optimizer in ("adam", saved("SGD", "keras.optimizers", {"momentum": 0.9})):
            model["compile_config"] = {"optimizer": optimizer, "loss": "mse"}
            inner = folder / f"{name}_{len(ways)}"
            inner.mkdir()
            ways[f"{name}, compiled {len(ways)}"] = ways_of_config(inner, model)["load_model"]
    return ways


# ---- paths


@attack("leads|absolute|backslash|name")
def members_beside_the_archive(folder):
    ways = {}
    names = [
        "../beyond.txt",
        "/tmp/beyond.txt",
        "assets/../../beyond.txt",
        "a\\..\\beyond.txt",
        "C:x",
    ]
    for number, name in enumerate(names):
        inner = folder / str(number)
        inner.mkdir()
        path = archive_of(inner, {name: b"overwritten"})
        for way, load in ways_of_archive(path).items():
            ways[f"{name}: {way}"] = load
        for way, load in ways_of_unpacking(path).items():
            ways[f"{name}: {way}"] = load
    return ways


@attack("link")
def members_that_are_links(folder):
    ways = {}
    for name in ("model.weights.h5", "assets/words.txt"):
        inner = folder / name.replace("/", "_")
        inner.mkdir()
        path = archive_of(inner, {name: b""})
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o120777 << 16
        members = members_of(inner) | {name: str(beyond(folder) / "beyond.txt").encode()}
        with zipfile.ZipFile(path, "w") as archive:
            for key, content in members.items():
                archive.writestr(info if key == name else key, content)
        for way, load in ways_of_archive(path).items():
            ways[f"{name}: {way}"] = load
        for way, load in ways_of_unpacking(path).items():
            ways[f"{name}: {way}"] = load
    return ways


@attack("link")
def a_target_that_is_a_link(folder):
    path = archive_of(folder, {})
    for name in ("target", "model_extracted"):
        os.symlink(beyond(folder) / "beyond", folder / name)
    return ways_of_unpacking(path)


@attack("link|regular|folder")
def folders_with_links(folder):
    model = folder / "model"
    dense_model().save(model, zipped=False)
    os.symlink(beyond(folder) / "beyond.txt", model / "assets" / "words.txt")
    return {
        "load_model": lambda: keras.saving.load_model(model),
        "load_weights": lambda: dense_model().load_weights(model),
    }


@attack("pipe|regular")
def named_pipes(folder):
    ways = {}
    for name in ("a.keras", "a.weights.h5", "a.weights.json", "a.h5"):
        os.mkfifo(folder / name)
        ways[f"weights {name}"] = lambda path=folder / name: dense_model().load_weights(path)
        if not name.endswith((".weights.h5", ".json")):
            ways[f"model {name}"] = lambda path=folder / name: keras.saving.load_model(path)
        if name.endswith((".keras", ".weights.h5")):
            ways[f"editor {name}"] = lambda path=folder / name: keras.saving.KerasFileEditor(path)
    dense_model().save(folder / "model", zipped=False)
    os.remove(folder / "model" / "config.json")
    os.mkfifo(folder / "model" / "config.json")
    ways["folder"] = lambda: keras.saving.load_model(folder / "model")
    return ways


@attack("of this folder|not there|weight_map")
def shards_elsewhere(folder):
    ways = {}
    names = [
        "../beyond.h5",
        "/tmp/beyond.h5",
        "..",
        "sub/a.h5",
        "",
        5,
        None,
        {"a": 1},
        "missing.h5",
    ]
    for number, name in enumerate(names):
        path = folder / f"{number}.weights.json"
        path.write_text(json.dumps({"weight_map": {"/layers/dense/vars": name}}))
        ways[str(name)] = lambda path=path: dense_model().load_weights(path)
    return ways


# ---- lies


@attack("JSON|object|model|nested|twice|large|not a string|damaged")
def configs_that_are_none(folder):
    texts = {
        "null": "null",
        "number": "1",
        "string": '"Dense"',
        "list": "[]",
        "empty": "{}",
        "nothing": "",
        "nested lists": "[" * 10_000 + "]" * 10_000,
        "nested objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
        "infinite": '{"a": 1e400}',
        "digits": '{"a": ' + "9" * 10_000 + "}",
        "twice": '{"class_name": "Dense", "class_name": "Dense"}',
        "half": '{"class_name": "Seq',
        "a layer": json.dumps(dense()),
        "a function": json.dumps(saved("function", "builtins", "relu")),
        "a class": json.dumps(saved("Sequential", "keras")),
        "an optimizer": json.dumps(saved("Adam", "keras.optimizers", {})),
        "other": '{"class_name": 5, "config": {}}',
        "null name": '{"class_name": null, "config": {}}',
        "null module": '{"module": null, "class_name": "Sequential", "config": []}',
        "binary": b"\xff\xfe\x00",
    }
    ways = {}
    for name, text in texts.items():
        inner = folder / name.replace(" ", "_")
        inner.mkdir()
        path = archive_of(inner, {"config.json": text})
        ways[name] = lambda path=path: keras.saving.load_model(path)
        ways[f"{name}: json"] = lambda text=text: keras.models.model_from_json(text)
    return ways


@attack("object|YAML|anchor|alias|stands for|nested|twice|could not|tag|expected|characters")
def yaml_that_is_more_than_json(folder):
    texts = {
        "a call": "a: !!python/object/apply:os.system ['touch beyond_was_run']",
        "a function": "a: !!python/name:os.system",
        "an object": "a: !!python/object/new:subprocess.Popen {}",
        "a module": "a: !!python/module:os",
        "laughs": "a0: &a0 [x]\n" + "".join(
            f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
        ),
        "itself": "a: &a [*a]",
        "nested": "a: " + "[" * 10_000,
        "long": "a: " + "x" * (5 << 20),
        "twice": "class_name: Dense\nclass_name: Dense",
        "a list": "[1, 2]",
        "nothing": "",
    }
    return {
        name: lambda text=text: keras.models.model_from_yaml(text) for name, text in texts.items()
    }


@attack()
def configs_that_contradict_themselves(folder):
    ways = {}
    for name, config in LIES.items():
        inner = folder / name.replace(" ", "_")
        inner.mkdir()
        for way, load in ways_of_config(inner, config, as_yaml=True).items():
            ways[f"{name}: {way}"] = load
    return ways


def _class_of(config):
    return keras.Model if config["class_name"] == "Functional" else keras.Sequential


@attack()
def methods_that_take_configs(folder):
    bad = [None, 1, "x", {"layers": 1}, {"units": {}}, {"function": 5}, {"cell": 1}, {1: 2}]
    classes = [
        keras.Model,
        keras.Sequential,
        keras.layers.Dense,
        keras.layers.Lambda,
        keras.layers.RNN,
        keras.layers.StackedRNNCells,
        keras.layers.TimeDistributed,
        keras.layers.Bidirectional,
        keras.losses.LossFunctionWrapper,
        keras.metrics.MeanMetricWrapper,
    ]
    return {
        f"{cls.__name__} {config}": lambda cls=cls, config=config: cls.from_config(config)
        for cls in classes
        for config in bad
    } | {
        f"of a model: {name}": lambda config=config: _class_of(config).from_config(config["config"])
        for name, config in LIES.items()
        if "build_config" not in str(config) and "compile_config" not in config
    }
