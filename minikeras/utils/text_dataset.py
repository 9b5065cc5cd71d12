"""A data set of the texts below a folder."""

import functools

from minikeras.core.checks import one_of
from minikeras.utils.directory import Kind, Options, from_directory
from minikeras.utils.elements import objects


def text_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    batch_size=32,
    max_length=None,
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    follow_links=False,
    format="tf",
    verbose=True,
):
    """Makes a data set of the `.txt` files below a folder, whose subfolders are the classes.

    With a seed, files, batches and the order of each epoch are those of Keras on TensorFlow.

    Args:
        directory: path of the folder.
        labels: `"inferred"` from the subfolders; None; or a list of one int for each file, in the
            sorted order of their paths.
        label_mode: `"int"`, `"categorical"`, `"binary"` (two classes), or None for texts alone.
        class_names: list of the subfolders that are classes, in the order of their labels; by
            default all, sorted.
        batch_size: texts in a batch; None for single texts.
        max_length: texts are cut off after so many bytes (with `"grain"`, characters).
        shuffle: whether to shuffle the files, and what is drawn from a buffer of eight batches in
            each epoch again; else they are sorted.
        seed: seed of these orders; by default drawn from `numpy.random`.
        validation_split: fraction of the files that are for validation.
        subset: with `validation_split`: `"training"`, `"validation"` or `"both"`.
        follow_links: whether to look into folders that are links.
        format: `"tf"` for texts as bytes, `"grain"` for Python strings.
        verbose: whether to print how many files there are.

    Returns:
        A data set to loop over or to map to numbers, of object arrays (batch,) of texts, or of
        tuples of texts and labels: int32 (batch,), float32 (batch, classes) or (batch, 1). It has
        `class_names` and `file_paths`. For the subset `"both"`, a list of two.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if an argument is wrong or there are no texts.

    Example:
        >>> import minikeras as keras, os, pathlib
        >>> for name in ("bad", "good"):
        ...     os.makedirs(f"reviews/{name}")
        ...     size = pathlib.Path(f"reviews/{name}/1.txt").write_text(f"a {name} film")
        >>> data = keras.utils.text_dataset_from_directory("reviews", shuffle=False)
        Found 2 files belonging to 2 classes.
        >>> for texts, y in data:
        ...     print(texts.numpy(), y.numpy())
        [b'a bad film' b'a good film'] [0 1]
    """
    one_of("format", format, _READERS)
    load = functools.partial(_READERS[format], length=max_length)
    options = Options(
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )
    return from_directory(directory, Kind("text", (".txt",), load), options)


def _bytes(path, length):
    with open(path, "rb") as file:
        return objects(file.read()[:length])


def _characters(path, length):
    with open(path) as file:
        return objects(file.read()[:length])


_READERS = {"tf": _bytes, "grain": _characters}
