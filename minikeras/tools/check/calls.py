"""`minikeras check` as functions, for notebooks and tests: what `minikeras.testing` offers."""

import tempfile
from pathlib import Path

import numpy as np

from minikeras.models import Model
from minikeras.tools.check import checking
from minikeras.tools.check.checking import Options
from minikeras.tools.check.sources import source_of


def check(
    model,
    x=None,
    y=None,
    against="keras",
    steps=5,
    *,
    batches=8,
    batch_size=4,
    seconds=20.0,
    seed=0,
    python=None,
    trusted=False,
):
    """Compares a model in minikeras and in Keras, layer by layer, as `minikeras check` does.

    Args:
        model: a model, the path of a model's file, or `"module:function"`, a function that
            returns a model and imports `keras`.
        x: array of inputs, or a list of them for a model of several; drawn by default.
        y: array of targets, or a list of them; drawn by default.
        against: name of the other engine: `"keras"`, or another that docs/check.md lists.
        steps: int, how many steps of the optimizer to compare.
        batches: int, how many batches to compare at most.
        batch_size: int, samples in a batch.
        seconds: float; no further batch is begun after so long.
        seed: int, for inputs, dropout and shuffling.
        python: path of the Python that has the other engine, this one by default.
        trusted: bool, whether code in the model's file may run, in both engines.

    Returns:
        A report: `report.same` says whether nothing differs but by rounding, `report.findings`
        what differs, `report.rows` has the figures by phase, and `str(report)` is the text that
        the command prints.

    Raises:
        NotComparable: if an engine cannot load or run the model, or the data do not fit.
        ValueError: if the model has no weights yet, or there are targets without inputs.

    Example:
        >>> import minikeras as keras
        >>> from minikeras import testing
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> report = testing.check(model, against="minikeras", batches=1)
        >>> report.same
        True
    """
    if y is not None and x is None:
        raise ValueError("Targets `y` need the inputs `x` that they belong to. Received x=None.")
    with tempfile.TemporaryDirectory(prefix="minikeras-testing-") as name:
        folder = Path(name)
        return checking.check(
            Options(
                source=_source(model, folder),
                against=against,
                python=python,
                data=_data(x, y, folder),
                batches=batches,
                batch_size=batch_size,
                steps=steps,
                seconds=seconds,
                seed=seed,
                trusted=trusted,
            )
        )


def assert_same(model, x=None, y=None, **options):
    """Fails unless a model computes the same in minikeras and in Keras, but for rounding.

    Args:
        model: as for `check`.
        x: array of inputs, or a list of them.
        y: array of targets, or a list of them.
        **options: the other arguments of `check`.

    Raises:
        AssertionError: if they differ; its text is the report.
        NotComparable: if an engine cannot load or run the model, or the data do not fit.

    Example:
        >>> import minikeras as keras
        >>> from minikeras import testing
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> testing.assert_same(model, against="minikeras", batches=1)
    """
    report = check(model, x, y, **options)
    if not report.same:
        raise AssertionError(f"\n{report}")


def _source(model, folder):
    """Where a model is; one in memory is saved first."""
    if not isinstance(model, Model):
        return source_of(model)
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} has no weights yet: give it an Input, or call it on data first."
        )
    path = folder / "model.keras"
    model.save(path)
    return {"path": str(path)}


def _data(x, y, folder):
    """Write inputs and targets; return the path, None without any."""
    if x is None:
        return None
    arrays = {}
    for letter, values in (("x", x), ("y", y)):
        if values is not None:
            several = values if isinstance(values, (list, tuple)) else [values]
            arrays.update((f"{letter}{i}", np.asarray(value)) for i, value in enumerate(several))
    np.savez(folder / "data.npz", **arrays)
    return str(folder / "data.npz")
