"""`.keras` files: the config of a model and its weights in one zip archive, or in one folder.

metadata.json      which version of Keras the format is of, and when it was written
config.json        the model, with how it was compiled (`registry.serialize`)
model.weights.h5   the variables of the model and its optimizer (`stores`)
assets/            files of layers that have some, such as vocabularies, by the layer's path
"""

import datetime
import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from minikeras.autograd.postponed import draw_values, postponed_values
from minikeras.core import registry
from minikeras.layers import Layer
from minikeras.saving import guard
from minikeras.saving.durable import replacing, replacing_folder
from minikeras.saving.legacy.archives import archive_config
from minikeras.saving.naming import naming
from minikeras.saving.state import load_state, save_state
from minikeras.saving.stores import Reader, Writer, new_hdf5
from minikeras.saving.traversal import traverse

CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets"
KERAS_VERSION = "3.15.1"
"""The release of Keras whose files these are."""
_PIECE = 1 << 20  # bytes that are copied at a time


def save(model: Any, path: Path, zipped: bool) -> None:
    """Write a model, all of it, to a `.keras` archive or a folder.

    Args:
        model: the model.
        path: where to; what is there is replaced when all is written.
        zipped: whether the parts go into one archive.
    """
    texts = _described(model)
    if zipped:
        with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            _save_zipped(model, texts, archive, temporary.parent)
        return
    with replacing_folder(path) as folder:
        _save_in_folder(model, texts, Path(folder))


def _described(model: Any) -> dict[str, str]:
    with registry.sharing():
        config = json.dumps(registry.serialize(model))
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": KERAS_VERSION, "date_saved": now})
    return {METADATA: metadata, CONFIG: config}


def _save_zipped(model: Any, texts: dict[str, str], archive: zipfile.ZipFile, beside: Path) -> None:
    for name, text in texts.items():
        archive.writestr(name, text)
    # HDF5 goes back and forth in its file, which an archive's member does not allow. In memory the
    # file would take as much again as the weights, and longer.
    weights = beside / WEIGHTS
    with new_hdf5(weights) as file:
        save_state(model, Writer(file), whole=True)
    with archive.open(WEIGHTS, "w", force_zip64=True) as member, weights.open("rb") as source:
        shutil.copyfileobj(source, member, _PIECE)
    weights.unlink()
    with tempfile.TemporaryDirectory() as folder:
        _save_assets(model, Path(folder))
        for asset in sorted(Path(folder).rglob("*")):
            if asset.is_file():
                archive.write(asset, f"{ASSETS}/{asset.relative_to(folder).as_posix()}")


def _save_in_folder(model: Any, texts: dict[str, str], folder: Path) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text)
    with new_hdf5(folder / WEIGHTS) as file:
        save_state(model, Writer(file), whole=True)
    (folder / ASSETS).mkdir()
    _save_assets(model, folder / ASSETS)


def _save_assets(model: Any, folder: Path) -> None:
    """Let each layer that has files write them into a folder of its own."""

    def save(path: str, thing: Any) -> bool:
        if hasattr(thing, "save_assets"):
            place = folder / path
            place.mkdir(parents=True, exist_ok=True)
            thing.save_assets(str(place))
        return True

    traverse(model, save)


def load(path: Path, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """Make a model from a `.keras` archive or folder.

    Args:
        path: the archive or folder.
        custom_objects: dict of name to class or function of the user's.
        compile: whether the model is compiled as the saved one was.
        safe_mode: whether code in the config is refused.

    Returns:
        The model.

    Raises:
        ValueError: if the file is damaged, holds what a model may not hold, or does not fit.
    """
    with guard.open_archive(path) as archive, postponed_values():
        config = archive.json(CONFIG)
        if not compile:
            config["compile_config"] = None
        with registry.sharing(), naming(f"{path} ({CONFIG})"):
            config = archive_config(config, _version(archive), custom_objects, safe_mode)
            model = registry.deserialize(config, custom_objects, safe_mode)
        if not isinstance(model, Layer):  # a FeatureSpace, say, is saved as models are
            raise guard.FileError(f"{path}: {CONFIG} describes no model, but {str(model):.100}.")
        read_weights(archive, str(path), model, whole=True)
        _load_assets(archive, path, model)
        optimizer = getattr(model, "optimizer", None)
        draw_values([*model.variables, *(optimizer.variables if optimizer else [])])
    return model


def _version(archive: Any) -> Any:
    """The release of Keras that has written an archive, or None if it does not say."""
    return archive.json(METADATA).get("keras_version") if METADATA in archive.names else None


def read_weights(archive: Any, where: str, model: Any, **options: Any) -> None:
    """Give a model the weights of an archive, by the options of `load_state`."""
    if WEIGHTS not in archive.names:
        raise guard.FileError(f"{where}: there is no {WEIGHTS}. It has {sorted(archive.names)}.")
    with archive.view(WEIGHTS) as member, guard.open_hdf5(member) as file:
        load_state(model, Reader(file), f"{where} ({WEIGHTS})", **options)


def _load_assets(archive: Any, path: Path, model: Any) -> None:
    """Give each layer that has files those that lie at its path."""
    assets = [name for name in archive.names if name.startswith(f"{ASSETS}/")]
    if not assets:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in assets:
            _extract(archive, name, Path(folder))

        def load(inner: str, thing: Any) -> bool:
            if hasattr(thing, "load_assets"):
                with naming(f"{path} ({ASSETS}/{inner})"):
                    thing.load_assets(str(Path(folder) / ASSETS / inner))
            return True

        traverse(model, load)


def _extract(archive: guard.Archive, name: str, folder: Path) -> None:
    target = folder / name
    with archive.view(name) as member:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = target.open("xb")
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            archive.refuse(name, f"the name of a file and of a folder ({error.strerror})")
        with file:
            shutil.copyfileobj(member, file)
