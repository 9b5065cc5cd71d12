"""Data sets of the files below a folder, whose subfolders are classes.

What images, texts and sounds share: which files there are, their labels, their order, and the part
that is kept for validation. Files are read by threads, ahead of who takes the elements.
"""

import dataclasses
import itertools
import os
import typing
from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras.core import console, settings
from minikeras.core.checks import one_of
from minikeras.training.data.ahead import computed_ahead
from minikeras.utils.dataset import Dataset
from minikeras.utils.elements import objects
from minikeras.utils.shuffling import Shuffle

_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both")

# As TensorFlow is asked for by Keras: a buffer of eight batches, or of this size without batches.
_BATCHES_IN_BUFFER = 8
_BUFFER = 1024

# A thread reads so many files at a time: taking a result from another thread has its price.
_TOGETHER = 8

# So many groups of files are read ahead, and one for each thread.
_MOST_AHEAD = 4


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of files.

    Args:
        name: what errors call it.
        extensions: how names of such files end.
        load: function of a path that returns the array in the file.
        is_padded: whether arrays in a batch are filled up to one shape.
        is_ragged: whether they keep their shapes in it.
    """

    name: str
    extensions: tuple[str, ...]
    load: Callable[[str], np.ndarray[Any, Any]]
    is_padded: bool = False
    is_ragged: bool = False


class Options(typing.NamedTuple):
    """The arguments that `image_dataset_from_directory` and its siblings share."""

    labels: Any
    label_mode: str | None
    class_names: Any
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool


class Files(typing.NamedTuple):
    """Files with their labels, a list of numbers or None."""

    paths: list[str]
    labels: Any

    def part(self, places: slice) -> "Files":
        """Some of them."""
        return Files(self.paths[places], None if self.labels is None else self.labels[places])


def from_directory(directory, kind, options):
    """Return the data set of a folder.

    Args:
        directory: path of the folder.
        kind: what its files are.
        options: the arguments of the public function.

    Returns:
        A `Dataset`, with `class_names` and `file_paths`; a list of two for the subset `"both"`.

    Raises:
        ValueError: if an option is wrong, or there are no such files.
        FileNotFoundError: if there is no such folder.
    """
    options = _checked(options, kind)
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"Expected a folder of {kind.name} files at {directory!s}.")
    seed = np.random.randint(10**6) if options.seed is None else options.seed
    files, class_names = _listed(directory, kind, options)
    if options.label_mode == "binary" and len(class_names or ()) != 2:
        raise ValueError(
            f"`label_mode='binary'` needs two classes. Received: class_names={class_names}"
        )
    if options.shuffle:
        files = Files(_shuffled(files.paths, seed), _shuffled(files.labels, seed))
    if options.subset != "both":
        part = _part(files, options.subset, options, directory, kind)
        return _data(part, kind, options, class_names, seed)
    parts = [
        _part(files, subset, options, directory, kind) for subset in ("training", "validation")
    ]
    in_order = options._replace(shuffle=False)
    return [
        _data(part, kind, chosen, class_names, seed)
        for part, chosen in zip(parts, (options, in_order), strict=True)
    ]


# ---- arguments


def _checked(options, kind):
    """The options, where no labels is one case."""
    labels, mode = options.labels, options.label_mode
    if labels is not None and not isinstance(labels, (list, tuple)) and labels != "inferred":
        raise ValueError(
            '`labels` must be "inferred" (the subfolders are the classes), None, or a list or '
            f"tuple of one integer label for each {kind.name} file, in the order of their sorted "
            f"paths. Received: labels={labels!r}"
        )
    one_of("label_mode", mode, _LABEL_MODES)
    if labels is None or mode is None:
        options = options._replace(labels=None, label_mode=None)
    if options.class_names is not None and options.labels != "inferred":
        raise ValueError(
            'You can only pass `class_names` if `labels="inferred"` and there is a `label_mode`. '
            f"Received: labels={labels}, label_mode={mode}, class_names={options.class_names}"
        )
    _check_split(options.validation_split, options.subset, options.shuffle, options.seed)
    return options


def _check_split(validation_split, subset, shuffle, seed):
    if validation_split and not 0 < validation_split < 1:
        raise ValueError(
            f"`validation_split` must be between 0 and 1. Received: {validation_split}"
        )
    if bool(validation_split) != bool(subset):
        raise ValueError(
            "`subset` names one part of a split, so it goes together with `validation_split`. "
            f"Received: subset={subset!r}, validation_split={validation_split}"
        )
    if subset not in (*_SUBSETS, None):
        raise ValueError(
            f'`subset` must be either "training", "validation" or "both". Received: {subset}'
        )
    if validation_split and shuffle and seed is None:
        raise ValueError(
            "With `validation_split` and `shuffle`, a `seed` is needed: without one, another call "
            "for the other subset would split other samples off."
        )


# ---- files


def _listed(directory, kind, options):
    """All files of the kind with their labels, and the names of the classes."""
    names, class_names = [], None
    if options.labels == "inferred":
        class_names = _classes(directory, options.class_names)
        numbers = []
        for label, name in enumerate(class_names):
            of_class = list(_files_below(directory, name, kind, options.follow_links))
            names += of_class
            numbers += [label] * len(of_class)
        labels = np.array(numbers, dtype=np.int32)
    else:
        names = list(_files_below(directory, "", kind, options.follow_links))
        labels = options.labels
        if labels is not None:
            _check_number(labels, names, directory)
            class_names = [str(label) for label in sorted(set(labels))]
            labels = _as_tensorflow_takes_them(labels)
    if options.verbose:
        classes = "" if class_names is None else f" belonging to {len(class_names)} classes"
        console.print_message(f"Found {len(names)} files{classes}.")
    return Files([os.path.join(directory, name) for name in names], labels), class_names


def _classes(directory, class_names):
    """The names of the subfolders, or those of them that were asked for."""
    names = sorted(name for name in os.listdir(directory) if not name.startswith("."))
    folders = [name for name in names if os.path.isdir(os.path.join(directory, name))]
    if class_names is None:
        return folders
    if not set(class_names) <= set(folders):
        raise ValueError(
            f"`class_names` must be names of folders in the directory, all or some of {folders}. "
            f"Received: class_names={class_names}"
        )
    return class_names


def _files_below(directory, name, kind, follow_links):
    """Names of the files in a subfolder and below, folder by folder, each in sorted order."""
    tree = os.walk(os.path.join(directory, name), followlinks=follow_links)
    for folder, _, names in sorted(tree, key=lambda item: item[0]):
        for file in sorted(names):
            if file.lower().endswith(kind.extensions):
                yield os.path.relpath(os.path.join(folder, file), directory)


def _check_number(labels, names, directory):
    if len(labels) != len(names):
        raise ValueError(
            f"`labels` needs one label for each file in {directory}. Received: {len(labels)} "
            f"labels for {len(names)} files"
        )


def _as_tensorflow_takes_them(labels):
    array = np.array(labels)
    return array.astype({"i": "int32", "f": "float32"}.get(array.dtype.kind, array.dtype))


def _shuffled(values, seed) -> Any:
    """A copy in the order that the seed stands for, as in Keras."""
    if values is None:
        return None
    copy = values[:] if isinstance(values, list) else values.copy()
    np.random.RandomState(seed).shuffle(copy)
    return copy


def _part(files, subset, options, directory, kind):
    """The files of a subset: those for validation come last."""
    if not files.paths:
        raise ValueError(
            f"No {kind.name} files found in directory {directory}. Allowed formats: "
            f"{kind.extensions}. With inferred labels, each class is a subfolder."
        )
    if subset is None:
        return files
    count = int(options.validation_split * len(files.paths))
    cut = len(files.paths) - count
    if not count or not cut:
        raise ValueError(
            f"No training or no validation {kind.name} files are left if {len(files.paths)} in "
            f"directory {directory} are split by validation_split={options.validation_split}."
        )
    part = files.part(slice(cut) if subset == "training" else slice(cut, None))
    console.print_message(f"Using {len(part.paths)} files for {subset}.")
    return part


# ---- the data set


def _data(files, kind, options, class_names, seed):
    """The data set of some files."""
    labels = _encoded(files.labels, options.label_mode, len(class_names or ()))
    count = len(files.paths)
    batch_size = options.batch_size
    buffer_size = _BUFFER if batch_size is None else batch_size * _BATCHES_IN_BUFFER
    shuffle = Shuffle(buffer_size, seed) if options.shuffle else iter
    workers = settings.num_threads()

    def load(i):
        x = kind.load(files.paths[i])
        x = objects(x) if kind.is_ragged else x
        return x if labels is None else (x, labels[i, ...])

    def load_all(group):
        return [load(i) for i in group]

    def start():
        places = iter(shuffle(range(count)))
        groups = iter(lambda: list(itertools.islice(places, _TOGETHER)), [])
        ahead = computed_ahead(load_all, groups, workers, workers + _MOST_AHEAD)
        return itertools.chain.from_iterable(ahead)

    data = Dataset(start, count, (shuffle,) if options.shuffle else ())
    if batch_size is not None:
        data = data.padded_batch(batch_size) if kind.is_padded else data.batch(batch_size)
    data.class_names = class_names
    data.file_paths = files.paths
    return data


def _encoded(labels, label_mode, classes):
    """Labels as the losses for them expect them."""
    if label_mode == "binary":
        return labels.astype(np.float32)[:, np.newaxis]
    if label_mode == "categorical":
        return (labels[:, np.newaxis] == np.arange(classes)).astype(np.float32)
    return labels
