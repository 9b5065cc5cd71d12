"""Saving and loading as users call it: which format a path names, and what is refused at once."""

import warnings
from pathlib import Path

from minikeras.core import registry
from minikeras.core.per_thread import kept_around
from minikeras.saving import archive, guard
from minikeras.saving.durable import replacing
from minikeras.saving.naming import naming
from minikeras.saving.shards import ShardReader, ShardWriter
from minikeras.saving.state import load_state, save_state
from minikeras.saving.stores import Reader, Writer, new_hdf5

_WHOLE_HDF5 = (".h5", ".hdf5")


def save_model(model, filepath, overwrite=True, zipped=None, **kwargs):
    """Write a model to a file: its architecture, weights, how it was compiled, its optimizer.

    The file that was there is replaced when the new one is complete; if anything fails it stays.

    Args:
        model: the model.
        filepath: path that ends in `.keras`; or in `.h5` or `.hdf5`, the older format.
        overwrite: whether a file that exists is replaced; if not, the user is asked.
        zipped: whether a `.keras` file is one zip archive (the default) or a folder, whose name
            may not end in `.keras`. The folders above this one are made.
        **kwargs: `include_optimizer`, for the older format: whether the optimizer's state is
            written.

    Raises:
        ValueError: if the path has another ending, or the model cannot be written down.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> keras.saving.save_model(model, "model.keras")
        >>> keras.saving.load_model("model.keras").output_shape
        (None, 2)
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    _check_former_format(kwargs.pop("save_format", None), filepath)
    if kwargs:
        raise ValueError(f"Saving a model has no arguments of these names: {list(kwargs)}")
    path = _path(filepath)
    name = str(filepath)
    zipped = True if zipped is None else zipped
    if zipped and not name.endswith((".keras", *_WHOLE_HDF5)):
        raise ValueError(
            "A model is saved as `.keras`, or as `.h5`, the older format; with `zipped=False` as a "
            f"folder. Received: filepath={filepath}"
        )
    if not zipped and name.endswith(".keras"):
        raise ValueError(
            "With `zipped=False` a folder is written, whose name should not end in `.keras`. "
            f"Received: filepath={filepath}"
        )
    if not _may_write(path, overwrite):
        return
    if not model.built:
        warnings.warn(
            "You are saving a model that is not built: it may have no weights yet. Call it on some "
            "data first, or build it.",
            stacklevel=2,
        )
    if zipped and name.endswith(_WHOLE_HDF5):
        registry.late_bound["save_model_h5"](model, path, include_optimizer)
        return
    if not zipped:
        path.parent.mkdir(parents=True, exist_ok=True)
    kept_around(archive.save, model, path, zipped)


def _check_former_format(save_format, filepath):
    if save_format and not str(filepath).endswith((".keras", *_WHOLE_HDF5)):
        raise ValueError(
            "The `save_format` argument is deprecated: the ending of the path says the format, "
            f"`.keras` or `.h5`. Received: save_format={save_format}, filepath={filepath}"
        )


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """Make a model from a file that `Model.save`, or Keras, wrote.

    Args:
        filepath: path of a `.keras` archive or folder, or of a whole-model `.h5` or `.hdf5` file of
            any version of Keras.
        custom_objects: dict of name to class or function of your own that the model has.
        compile: whether the model is compiled as it was when saved.
        safe_mode: whether code in the file (lambda expressions) is refused. Leave it True for files
            of others.

    Returns:
        The model.

    Raises:
        FileNotFoundError: if there is no such file; it is a `ValueError` as well, as in Keras.
        ValueError: if the file is damaged, or is or holds what a model may not.
        TypeError: if a layer does not take an argument that the file has for it.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.save("model.keras")
        >>> keras.saving.load_model("model.keras").output_shape
        (None, 2)
    """
    path = _path(filepath)
    if not path.exists():
        raise guard.NoModelFileError(f"There is no file to load a model from: filepath={filepath}")
    if path.is_dir() or str(filepath).endswith(".keras"):
        return kept_around(archive.load, path, custom_objects, compile, safe_mode)
    if str(filepath).endswith(_WHOLE_HDF5):
        with naming(str(filepath)):
            load = registry.late_bound["load_model_h5"]
            return kept_around(load, path, custom_objects, compile, safe_mode)
    raise ValueError(
        "File format not supported. Expected a `.keras` file or folder, or a whole-model `.h5` or "
        f"`.hdf5` file. Received: filepath={filepath}"
    )


def save_weights(model, filepath, overwrite=True, max_shard_size=None, **kwargs):
    """Write the weights of a model, and the state of its optimizer, to a file.

    Args:
        model: the model, which must be built.
        filepath: path that ends in `.weights.h5`; with `max_shard_size`, in `.weights.json`.
        overwrite: whether a file that exists is replaced; if not, the user is asked.
        max_shard_size: gigabytes of weights in one file, beyond which there are several; None for
            one file.
        **kwargs: `objects_to_skip`, a list of layers that are left out.

    Raises:
        ValueError: if the path has another ending, or the model is not built.
        TypeError: if there is no such keyword.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> keras.saving.save_weights(model, "dense.weights.h5")
        >>> keras.saving.load_weights(model, "dense.weights.h5")
    """
    skip = kwargs.pop("objects_to_skip", None) or ()
    if kwargs:
        raise TypeError(f"Invalid keyword arguments: {kwargs}")
    path = _path(filepath)
    if max_shard_size is None and not str(filepath).endswith(".weights.h5"):
        raise ValueError(f"A file of weights ends in `.weights.h5`. Received: filepath={filepath}")
    if max_shard_size is not None:
        path = _index_path(path, "Saving")
    _check_built(model, "saving")
    if not _may_write(path, overwrite):
        return
    if max_shard_size is not None:
        with ShardWriter(path, float(max_shard_size)) as writer:
            save_state(model, writer, skip=skip)
        return
    with replacing(path) as temporary, new_hdf5(temporary) as file:
        save_state(model, Writer(file), skip=skip)


def load_weights(model, filepath, skip_mismatch=False, **kwargs):
    """Give a model the weights of a file.

    All of them are read first: if one is missing, left over, or of another shape, the error names
    each, and the model is as it was.

    Args:
        model: the model, which must be built.
        filepath: path of a `.weights.h5` or `.weights.json` file, a `.keras` file, or an `.h5` or
            `.hdf5` file of any version of Keras.
        skip_mismatch: whether layers that do not fit are left as they are, with a warning.
        **kwargs: `objects_to_skip`, a list of layers that are left as they are, for `.weights.h5`
            and `.weights.json`; `by_name`, for `.h5` and `.hdf5`: whether layers are found by their
            names instead of their order.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or does not fit the model.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.save("model.keras")
        >>> keras.saving.load_weights(model, "model.keras")
    """
    skip = kwargs.pop("objects_to_skip", None)
    by_name = kwargs.pop("by_name", None)
    if kwargs:
        raise ValueError(f"Invalid keyword arguments: {kwargs}")
    path, name = _path(filepath), str(filepath)
    if name.endswith((".keras", ".weights.h5", ".weights.json")) and by_name is not None:
        raise ValueError(
            "`by_name` is for the older `.h5` and `.hdf5` files, in which layers have their names. "
            f"Received: filepath={filepath}"
        )
    if not name.endswith((".weights.h5", ".weights.json")) and skip is not None:
        raise ValueError(
            "`objects_to_skip` is for `.weights.h5` and `.weights.json` files. "
            f"Received: filepath={filepath}"
        )
    if not path.exists():
        raise FileNotFoundError(f"There is no file to load weights from: filepath={filepath}")
    if name.endswith(_WHOLE_HDF5) and not name.endswith(".weights.h5"):
        with naming(name):
            registry.late_bound["load_weights_h5"](model, path, bool(by_name), skip_mismatch)
        return
    _check_built(model, "loading")
    options = {"skip_mismatch": skip_mismatch}
    if name.endswith(".keras") or path.is_dir():
        with naming(name), guard.open_archive(path) as opened:
            archive.read_weights(opened, name, model, **options)
    elif name.endswith(".weights.h5"):
        with naming(name), guard.open_hdf5(path) as file:
            if "layer_names" in file.attrs:  # Keras 2 wrote the older layout under any name
                if skip:
                    raise ValueError(
                        "`objects_to_skip` is not for files in the layout of Keras 2. Pass "
                        f"`skip_mismatch=True` instead. Received: filepath={filepath}"
                    )
                registry.late_bound["load_weights_h5"](model, path, False, skip_mismatch)
            else:
                load_state(model, Reader(file), name, skip=skip or (), **options)
    elif name.endswith(".json"):
        with naming(name), ShardReader(_index_path(path, "Loading")) as reader:
            load_state(model, reader, name, skip=skip or (), **options)
    else:
        raise ValueError(
            "File format not supported. Expected a file that ends in `.weights.h5`, "
            f"`.weights.json`, `.keras`, `.h5` or `.hdf5`. Received: filepath={filepath}"
        )


def _path(filepath):
    try:
        return Path(filepath)
    except TypeError:
        raise ValueError(
            "The path of a file should be a string or a `pathlib.Path`. Received: "
            f"filepath={filepath!r} (of type {type(filepath).__name__})"
        ) from None


def _index_path(path, doing):
    """The path of the index of sharded weights; another ending is replaced, with a warning."""
    if not path.name.endswith(("weights.h5", "weights.json")):
        raise ValueError(
            "With `max_shard_size` the path is that of an index, and ends in `.weights.json`. "
            f"Received: filepath={path}"
        )
    if path.suffix == ".json":
        return path
    warnings.warn(
        f"{doing} weights in shards goes by an index that ends in `.json`: "
        f"{path.with_suffix('.json')} is taken instead of {path}.",
        stacklevel=3,
    )
    return path.with_suffix(".json")


def _check_built(model, doing):
    if not model.built:
        raise ValueError(
            f"You are {doing} weights of a model that is not built, so it has none yet. Call it on "
            "some data first, or use `build()`."
        )


def _may_write(path, overwrite):
    """Whether to go on where a file would be replaced; asks the user if not told so."""
    if overwrite or not path.exists():
        return True
    while True:
        answer = input(f"[WARNING] {path} already exists - overwrite? [y/n] ").strip().lower()
        if answer in ("y", "n"):
            return answer == "y"


registry.late_bound.update(
    save_model=save_model,
    load_model=load_model,
    save_weights=save_weights,
    load_weights=load_weights,
)
