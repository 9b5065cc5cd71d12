"""Foreign files again: what is refused without computing, without end, and by the error's type."""

import base64
import contextlib
import functools
import gc
import json
import marshal
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import minikeras as keras
from minikeras.core import per_thread
from minikeras.core.registry import safe_mode_scope, sharing
from minikeras.core.registry.custom import find_by_last_name
from minikeras.core.registry.index import find_public
from minikeras.saving import archive
from minikeras.saving.guard import FileError
from minikeras.saving.legacy.texts import model_from_json, model_from_yaml
from minikeras.saving.legacy.whole import load_weights_h5
from minikeras.saving.legacy.writing import save_weights_h5
from minikeras.saving.legacy.yaml_text import parse_yaml
from tests.saving.hostile import bounded
from tests.training.test_interrupts import _interrupted_at as interrupted_at

read = keras.saving.deserialize_keras_object
INPUT = {"module": "keras.layers", "class_name": "InputLayer", "name": "x", "inbound_nodes": [],
         "config": {"batch_shape": [None, 3], "name": "x"}}  # fmt: skip


def tensor(name):
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}


def function(name):
    return {"module": "builtins", "class_name": "function", "config": name}


def operation(name, class_name, args, **settings):
    return {"module": "keras.src.ops.numpy", "class_name": class_name, "name": name,
            "config": {"name": name, **settings},
            "inbound_nodes": [{"args": args, "kwargs": {}}]}  # fmt: skip


def graph(*entries, output="y"):
    config = {"name": "m", "layers": [INPUT, *entries], "input_layers": [["x", 0, 0]],
              "output_layers": [[output, 0, 0]]}  # fmt: skip
    return {"module": "keras", "class_name": "Functional", "config": config}


@pytest.fixture(autouse=True)
def no_hang():
    """Fail after 20 seconds."""
    former = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("no end within 20 s"))
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)


EAGER = {
    "while_loop": operation("y", "WhileLoop", [[1.0]], cond=function("relu"),
                            body=function("relu")),
    "fori_loop": operation("y", "ForiLoop", [1.0], lower=0, upper=10**12,
                           body_fun=function("elu")),
    "tile": operation("y", "Tile", [[1.0]], repeats=10**12),
    "layer": {"module": "keras.layers", "class_name": "UpSampling1D", "name": "y",
              "config": {"size": 10**12}, "inbound_nodes": [{"args": [[[[1.0]]]], "kwargs": {}}]},
}  # fmt: skip


@pytest.mark.parametrize("entry", EAGER.values(), ids=EAGER)
def test_a_graph_of_constants_is_not_computed(entry):
    with bounded(), pytest.raises(ValueError, match="takes no tensor of the graph"):
        read(graph(entry))


def test_layers_in_any_order_take_linear_time():
    count = 4000
    chain = [operation(f"r{i}", "Relu", [tensor(f"r{i - 1}" if i else "x")]) for i in range(count)]
    joined = operation("y", "Concatenate", [[tensor(f"r{i}") for i in range(count)]], axis=-1)
    with bounded():
        model = read(graph(joined, *reversed(chain)))
    assert model.output_shape == (None, 3 * count)


@keras.saving.register_keras_serializable("foreign_details")
class Holder(keras.layers.Layer):
    """A layer whose `from_config` takes what it reads out of the config, as many do."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def get_config(self):
        """Describe the layer."""
        config = super().get_config()
        return config | {"inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config):
        """Make a layer."""
        return cls(keras.saving.deserialize_keras_object(config.pop("inner")), **config)


def test_a_config_is_as_it_was_after_reading():
    saved = keras.saving.serialize_keras_object(Holder(keras.layers.ReLU()))
    before = json.dumps(saved)
    read(saved)
    assert json.dumps(saved) == before


def test_an_object_that_takes_its_config_apart_is_shared_again():
    saved = keras.saving.serialize_keras_object(Holder(keras.layers.ReLU()))
    again = json.loads(json.dumps(saved)) | {"shared_object_id": 1}  # as Keras marks the second
    with sharing():
        first, second = read([saved, again])
    assert first is second


def test_many_shared_objects_take_linear_time():
    layer = keras.saving.serialize_keras_object(keras.layers.ReLU(name="one"))
    forms = [{**layer, "config": {"name": f"r{i}"}} for i in range(4000)]
    others = [{**layer, "config": {"name": f"s{i}"}, "shared_object_id": i} for i in range(4000)]
    with sharing(), bounded():
        read([forms, others])


@pytest.mark.parametrize("dtype", ["(1,", "object", "f4,f4", "{'a'", "M8", ["f4"], 3])
@pytest.mark.parametrize("kind", ["__numpy__", "__tensor__"])
def test_a_dtype_of_no_numbers(kind, dtype):
    with pytest.raises((ValueError, TypeError)):
        read({"class_name": kind, "config": {"value": [1.0], "dtype": dtype}})


def test_a_class_that_asserts():
    @keras.saving.register_keras_serializable("foreign_details")
    class Asserts(keras.layers.Layer):
        def __init__(self):
            raise AssertionError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        read({"class_name": "foreign_details>Asserts", "config": {}})


def test_a_function_without_a_name_is_refused():
    partial = functools.partial(keras.activations.relu, negative_slope=0.1)
    with pytest.raises(ValueError, match="it has no name to be found by"):
        keras.saving.serialize_keras_object(keras.layers.Dense(2, activation=partial))


def test_a_name_without_its_package_that_stands_for_two_functions():
    one, other = (lambda x: x), (lambda x: x)
    with pytest.raises(ValueError, match="'a>same', 'b>same'"):
        find_by_last_name("same", {"a>same": one, "b>same": other})
    assert find_by_last_name("same", {"a>same": one, "b>same": one, "b>other": other}) is one


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.metrics", "MeanSquaredError"),
        ("keras.losses", "MeanSquaredError"),
        ("keras.layers", "Identity"),
        ("keras.initializers", "Identity"),
    ],
)
def test_one_name_of_two_kinds_is_found_by_its_module(module, name):
    wanted = find_public(name, module)
    inner = module.replace("keras.", "keras.src.")
    assert find_public(name, f"{inner}.some_file") is wanted


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b/c", "a/b")])
def test_an_asset_that_is_a_file_and_a_folder(tmp_path, names):
    path = tmp_path / "m.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    with zipfile.ZipFile(path, "a") as file:
        for name in names:
            file.writestr(f"assets/{name}", "text")
    with pytest.raises(FileError, match=r"m\.keras: assets/a.*of a file and of a folder"):
        keras.saving.load_model(path)


@pytest.mark.parametrize(
    "value", ["!!bool x", "!!float ''", "!!int ''", "!!timestamp x", "!!set {a}", "!!binary 'ä'"]
)
def test_yaml_values_that_are_not_of_their_type(value):
    pytest.importorskip("yaml")
    with pytest.raises(FileError, match="^it: "):
        parse_yaml(f"a: {value}", "it")
    with pytest.raises(ValueError, match="YAML"):
        model_from_yaml(f"class_name: {value}")


def test_one_array_is_not_two_weights(tmp_path):
    path = tmp_path / "m.h5"
    model = keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(3) for _ in range(2))])
    model.save(path)
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        first = group.attrs["layer_names"][0]
        group.attrs["layer_names"] = np.array([first, b"/model_weights/" + first])
    with pytest.raises(ValueError, match="lists one array as two weights"):
        load_weights_h5(model, path)
    with pytest.raises(ValueError, match="lists one array as two weights"):
        keras.saving.load_model(path)


def test_layers_to_skip_in_the_layout_of_keras_2(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    path = tmp_path / "m.weights.h5"
    save_weights_h5(model, path)
    model.load_weights(path)
    with pytest.raises(ValueError, match="`objects_to_skip` is not for"):
        keras.saving.load_weights(model, path, objects_to_skip=[model.layers[0]])


FULL_DISK = """
import resource, signal, sys
import minikeras as keras
from minikeras.saving.training import save_training

model = keras.Sequential([keras.Input((100,)), keras.layers.Dense(100)])
model.compile("sgd", "mse")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
try:
    save_training(sys.argv[1], model, {})
except OSError as error:
    print("refused:", error)
"""


def test_all_hdf5_files_are_written_in_a_way_that_survives_a_full_disk():
    opened = re.compile(r"""h5py\.File\((?!.*, "r"\)).*""")
    package = Path(keras.__file__).parent
    places = [
        (str(path.relative_to(package)), line.strip())
        for path in package.rglob("*.py")
        for line in path.read_text().splitlines()
        if opened.search(line) and ">>>" not in line
    ]
    assert sorted(places) == [
        ("keras2/saving.py", 'with h5py.File(buffer, "w") as file:'),  # in memory
        # A file that a script opens, in the mode that it asks for.
        (
            "keras2/utils/io_utils.py",
            "self._file: Any = h5py.File(path, mode) if is_path else None",
        ),
        ("saving/stores.py", 'with h5py.File(raw, "w") as file:'),
    ]


def test_a_backup_on_a_full_disk(tmp_path):
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "latest.training.h5")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout[:8]) == (0, "refused:"), done.stderr
    assert not list(tmp_path.iterdir())


def trained(folder, *callbacks):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = np.ones((4, 2)), np.ones((4, 1))
    backup = keras.callbacks.BackupAndRestore(folder, save_freq=1, double_checkpoint=True,
                                              delete_checkpoint=False)  # fmt: skip
    return model.fit(*data, epochs=3, batch_size=2, verbose=0, callbacks=[backup, *callbacks])


def test_a_backup_changes_nothing_else_of_a_callback(tmp_path):
    stop = keras.callbacks.EarlyStopping("loss", patience=5)
    trained(tmp_path, stop)
    with h5py.File(tmp_path / "latest.training.h5", "r+") as file:
        text = file["extra/nest"][()].decode()
        del file["extra/nest"]
        file["extra/nest"] = text.replace('"EarlyStopping", {', '"EarlyStopping", {"monitor": 1, ')
    trained(tmp_path, stop)
    assert stop.monitor == "loss"


@pytest.mark.parametrize("part", ["variables", "extra", "variables/000000"])
def test_a_backup_without_a_part_is_damaged(tmp_path, part):
    trained(tmp_path)
    with h5py.File(tmp_path / "latest.training.h5", "r+") as file:
        del file[part]
        if "/" in part:
            file.create_group(part)
    assert trained(tmp_path).epoch  # from the backup before


@pytest.mark.parametrize("is_trusted", [True, False])
def test_the_outermost_call_says_whether_old_files_may_hold_code(tmp_path, is_trusted):
    code = base64.encodebytes(marshal.dumps((lambda x: x * 3).__code__)).decode()
    config = {"name": "f", "function": code, "function_type": "lambda",
              "batch_input_shape": [None, 2]}  # fmt: skip
    text = json.dumps({"class_name": "Sequential", "keras_version": "2.2.4",
                       "config": [{"class_name": "Lambda", "config": config}]})  # fmt: skip
    with safe_mode_scope(not is_trusted):
        if is_trusted:
            assert model_from_json(text, safe_mode=True).output_shape == (None, 2)
        else:
            with pytest.raises(ValueError, match="Python code"):
                model_from_json(text, safe_mode=False)


def opened_scopes():
    return [
        {name: getattr(values, name) for name in type(values).__annotations__}
        for values in per_thread._all
    ]


@pytest.fixture(params=["deserialize", "load", "save"])
def file_action(request, tmp_path, monkeypatch):
    """An action, without its HDF5 file: what interrupts do there has tests of its own."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    path = tmp_path / "folder"
    model.save(path, zipped=False)
    monkeypatch.setattr(archive, "read_weights", lambda *args, **options: None)
    monkeypatch.setattr(archive, "_save_in_folder", lambda *args: None)
    monkeypatch.setattr(archive, "replacing_folder", contextlib.nullcontext)
    saved = keras.saving.serialize_keras_object(model)
    return {
        "deserialize": lambda: read(saved, safe_mode=False),
        "load": lambda: keras.saving.load_model(path, safe_mode=False),
        "save": lambda: model.save(path, zipped=False),
    }[request.param]


# Between `open` and the block that closes it, an interrupt leaves a file to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_scope_stays_open_wherever_an_interrupt_comes(file_action):
    file_action()
    scopes, number, place = opened_scopes(), 1, True
    while place is not None:
        place = interrupted_at(file_action, number)
        assert opened_scopes() == scopes, place
        number += 23
    gc.collect()  # here, not in the middle of the next test
    assert number > 23


def test_the_warning_about_an_old_file_points_at_its_reader(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.save(tmp_path / "m.h5")
    with pytest.warns(UserWarning, match="No training configuration found") as warned:
        keras.saving.load_model(tmp_path / "m.h5")
    assert warned[0].filename == __file__
