"""What a damaged or foreign backup of a training may try."""

import json

import h5py
import numpy as np

from tests.saving.foreign import good_files
from tests.saving.foreign.attack_files import attack

_DAMAGED_BACKUPS = {
    "no nest": lambda file: file["extra"].pop("nest"),
    "a nest that is an array": lambda file: _put(file, "extra/nest", [1.0]),
    "a nest that is no JSON": lambda file: _put(file, "extra/nest", "{"),
    "a nest of lists": lambda file: _put(file, "extra/nest", "[" * 100_000),
    "a nest without a position": lambda file: _put(file, "extra/nest", "{}"),
    "an array that is missing": lambda file: _put(file, "extra/nest", '{"__array__": 9}'),
    "no variables": lambda file: file.pop("variables"),
    "variables that are an array": lambda file: _put(file, "variables", [1.0]),
    "a variable that is a group": lambda file: _put(file, "variables/000000/x", 1.0),
    "a variable of another shape": lambda file: _put(file, "variables/000000", np.ones((9, 9))),
    "a variable too many": lambda file: _put(file, "variables/9", 1.0),
    "a link": lambda file: _put(file, "variables/000000", h5py.ExternalLink("beyond.h5", "/x")),
    "a format that is an array": lambda file: file.attrs.update(format=np.zeros(3)),
    "another format": lambda file: file.attrs.update(format="minikeras training 99"),
}


_DAMAGED_NESTS = {
    "a negative epoch": lambda nest: nest["position"].update(epoch=-1),
    "an epoch that is text": lambda nest: nest["position"].update(epoch="1"),
    "logs that are text": lambda nest: nest["position"].update(logs={"loss": "x"}),
    "no data": lambda nest: nest["position"].update(data=None),
    "a negative step": lambda nest: nest["position"]["data"].update(step=-1),
    "an order that is text": lambda nest: nest["position"]["data"].update(order="x"),
    "other data": lambda nest: nest["position"]["data"].update(known=99),
    "no random numbers": lambda nest: nest.update(random={}),
    "another version of them": lambda nest: nest["random"]["python"].__setitem__(0, 99),
    "half of them": lambda nest: nest["random"].update(numpy={"bit_generator": "MT19937"}),
    "callbacks that are text": lambda nest: nest.update(callbacks="x"),
    "a callback of another kind": lambda nest: nest.update(callbacks=[["History", {"epoch": {}}]]),
}


def _put(file, path, value):
    for name in (path, path.rpartition("/")[0]):
        if isinstance(file.get(name), h5py.Dataset) or name == path == "variables":
            del file[name]
    file[path] = value


@attack("latest.training.h5")
def backups_of_a_training(folder):
    model = good_files.line_model()
    good_files.train(model, folder, save_freq=1)
    good = (folder / "latest.training.h5").read_bytes()
    ways = {}
    for name, change in _DAMAGED_BACKUPS.items():
        inner = folder / name.replace(" ", "_")
        inner.mkdir()
        (inner / "latest.training.h5").write_bytes(good)
        with h5py.File(inner / "latest.training.h5", "r+") as file:
            change(file)
        ways[name] = lambda inner=inner: good_files.train(model, inner, save_freq=False)
    for name, change in _DAMAGED_NESTS.items():
        path = folder / f"nest {name}" / "latest.training.h5"
        path.parent.mkdir()
        path.write_bytes(good)
        with h5py.File(path, "r+") as file:
            nest = json.loads(file["extra/nest"][()])
            change(nest)
            _put(file, "extra/nest", json.dumps(nest))
        ways[f"nest: {name}"] = lambda path=path: good_files.train(
            model, path.parent, save_freq=False
        )
    return ways
