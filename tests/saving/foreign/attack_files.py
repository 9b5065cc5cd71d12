"""Files for attacks, all the ways in which each is read, and the table of attacks."""

import json
import zipfile

import h5py

import minikeras as keras
from minikeras.saving import guard
from minikeras.saving.training import load_training

SECRET = b"nobody reads this"
ATTACKS = {}


def attack(*reasons):
    """Add a function to the table, with patterns of what its refusals say."""

    def add(make):
        ATTACKS[make.__name__] = (make, reasons)
        return make

    return add


def beyond(folder):
    """The folder of the files that are not to be touched."""
    return folder.parents[1]


def dense_model():
    """The model whose files are changed here."""
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def members_of(folder):
    """The members of a good archive."""
    path = folder / "good.keras"
    dense_model().save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(folder, changes, how=zipfile.ZIP_STORED):
    """Write a good archive with some members changed, as fast as it can be; return its path."""
    path = folder / "model.keras"
    members = members_of(folder) | changes
    with zipfile.ZipFile(path, "w", how, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def ways_of_archive(path):
    """All ways in which an archive is read."""
    return {
        "load_model": lambda: keras.saving.load_model(path),
        "load_weights": lambda: dense_model().load_weights(path),
        "editor": lambda: keras.saving.KerasFileEditor(path),
    }


def ways_of_unpacking(path):
    """All ways in which an archive is unpacked: beside itself, and where a cache has it."""
    place = {"cache_dir": path.parent, "cache_subdir": "", "origin": path.as_uri()}
    return {
        "extract": lambda: guard.extract_archive(path, path.parent / "target", "zip"),
        "get_file": lambda: keras.utils.get_file(path.name, extract=True, **place),
    }


def ways_of_weights(folder, change):
    """All ways in which an HDF5 file of weights is read, after `change(file)`."""
    path = folder / "model.weights.h5"
    dense_model().save_weights(path)
    with h5py.File(path, "r+") as file:
        change(file)
    whole = archive_of(folder, {"model.weights.h5": path.read_bytes()})
    index = {"metadata": {}, "weight_map": {"/layers/dense/vars": path.name}}
    shards = folder / "shards.weights.json"
    shards.write_text(json.dumps(index))
    old = folder / "old.h5"
    old.write_bytes(path.read_bytes())
    training = folder / "model.training.h5"
    training.write_bytes(path.read_bytes())
    return {
        "training": lambda: load_training(training, dense_model()),
        "weights": lambda: dense_model().load_weights(path),
        "editor of weights": lambda: keras.saving.KerasFileEditor(path),
        "shards": lambda: dense_model().load_weights(shards),
        **ways_of_archive(whole),
        "old": lambda: dense_model().load_weights(old),
    }


def ways_of_config(folder, config, as_yaml=False):
    """All ways in which the config of a model is read; JSON is YAML, which takes longer to read."""
    text = json.dumps(config)
    path = archive_of(folder, {"config.json": text})
    old = folder / "old.h5"
    with h5py.File(old, "w") as file:
        file.attrs["model_config"] = text
        file.attrs["keras_version"] = file.attrs["backend"] = "2.4.0"
        file.create_group("model_weights").attrs["layer_names"] = []
    return {
        "load_model": lambda: keras.saving.load_model(path),
        "old": lambda: keras.saving.load_model(old),
        "json": lambda: keras.models.model_from_json(text),
        "deserialize": lambda: keras.saving.deserialize_keras_object(json.loads(text)),
        **({"yaml": lambda: keras.models.model_from_yaml(text)} if as_yaml else {}),
    }
