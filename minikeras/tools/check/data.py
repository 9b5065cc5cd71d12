"""The batches that a model is compared on: given, the shipped digits, or drawn to fit the model."""

import zlib
from zipfile import BadZipFile

import numpy as np

from minikeras.datasets import digits

# Sizes that a model leaves open, in the order in which they are tried.
OPEN_SIZES = (8, 32, 75, 128, 1024, 10240)


class DataError(ValueError):
    """Data that are no data for this model; the message says what was expected."""


def from_file(path, batch_size, batches):
    """Cut batches out of an `.npz`.

    Args:
        path: the file; it holds `x` (or `x0`, `x1`, ...) and, for the loss, `y` (or `y0`, ...).
        batch_size: int.
        batches: how many at most.

    Returns:
        A list of `(inputs, targets)`, lists of arrays; `targets` is None without a `y`.

    Raises:
        DataError: if there is no `x`, or the arrays have different numbers of samples.
    """
    arrays = _arrays_of(path)
    x, y = _named(arrays, "x"), _named(arrays, "y")
    if not x:
        raise DataError(f"{path} should hold `x`, the inputs. It holds: {sorted(arrays)}")
    sizes = {len(a) if a.ndim else None for a in x + y}
    if len(sizes) > 1 or sizes == {None} or sizes == {0}:
        raise DataError(
            f"{path}: expected arrays of as many samples each, at least one. Sizes: {sizes}"
        )
    return _cut(x, y or None, batch_size, batches)


def _arrays_of(path):
    """The arrays of a file; floats are rounded to float32, in which models take them."""
    try:
        with np.load(path) as file:
            # A golden file holds much besides them.
            arrays = {name: file[name] for name in file.files if "/" not in name}
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except _UNREADABLE as error:
        raise DataError(f"{path} is no file of NumPy arrays (.npz): {error}") from None
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise DataError(f"{path}: expected numbers in {name!r}. Received: {array.dtype}")
    with np.errstate(over="ignore"):
        return {n: a.astype("float32") if a.dtype.kind == "f" else a for n, a in arrays.items()}


# What NumPy raises for a file that is damaged or another one.
_UNREADABLE = OSError, ValueError, AttributeError, EOFError, TypeError, BadZipFile, zlib.error


def _named(arrays, letter):
    """The arrays `x`, or `x0`, `x1`, ..., in this order."""
    names = [n for n in arrays if n == letter or (n[:1] == letter and n[1:].isdigit())]
    return [arrays[name] for name in sorted(names, key=lambda name: int(name[1:] or -1))]


def _cut(x, y, batch_size, batches):
    starts = range(0, min(len(x[0]), batch_size * batches), batch_size)
    parts = [slice(start, start + batch_size) for start in starts]
    return [([a[part] for a in x], None if y is None else [a[part] for a in y]) for part in parts]


def drawn(inputs, words, batch_size, batches, size, seed):
    """Return inputs that fit a model: digits where their shape fits, else random numbers.

    Args:
        inputs: list of `(shape, dtype)` of the model's inputs, None where a size is open.
        words: how many words its smallest embedding has, None without one.
        batch_size: int.
        batches: how many.
        size: int, for the sizes that are open.
        seed: int.

    Returns:
        A list of lists of arrays.
    """
    draw = np.random.default_rng(seed)
    shapes = [[size if s is None else s for s in shape[1:]] for shape, _ in inputs]
    if len(inputs) == 1 and tuple(shapes[0]) in ((8, 8, 1), (8, 8), (64,)):
        (x, _), _ = digits.load_data()
        x = (x / 16.0).astype("float32").reshape(-1, *shapes[0])
        return [part for part, _ in _cut([x], None, batch_size, batches)]
    return [
        [
            _values(draw, (batch_size, *shape), dtype, words)
            for shape, (_, dtype) in zip(shapes, inputs, strict=True)
        ]
        for _ in range(batches)
    ]


def _values(draw, shape, dtype, words):
    if dtype == "bool":
        return draw.integers(0, 2, shape).astype(bool)
    if "int" in dtype or words is not None and len(shape) == 2:
        return draw.integers(0, words or 2, shape).astype(dtype)
    return draw.normal(size=shape).astype("float32")


def targets_for(loss, shapes, seed):
    """Return targets that a loss takes for some outputs.

    Args:
        loss: name of the loss, or a list of names, one for each output.
        shapes: list of the shapes of the outputs.
        seed: int.

    Returns:
        A list of arrays.
    """
    draw = np.random.default_rng(seed)
    names = loss if isinstance(loss, list) else [loss] * len(shapes)
    return [_target(draw, name or "", shape) for name, shape in zip(names, shapes, strict=False)]


def _target(draw, name, shape):
    name = name.lower().replace("_", "")
    classes = shape[-1] if len(shape) > 1 else 1
    if "sparse" in name:
        return draw.integers(0, classes, shape[:-1]).astype("int32")
    if "binary" in name:
        return draw.integers(0, 2, shape).astype("float32")
    if "categorical" in name or "kl" in name or "divergence" in name:
        return np.eye(classes, dtype="float32")[draw.integers(0, classes, shape[:-1])]
    if "hinge" in name:
        return draw.choice([-1.0, 1.0], shape).astype("float32")
    if "poisson" in name:
        return draw.poisson(2.0, shape).astype("float32")
    return draw.normal(size=shape).astype("float32")
