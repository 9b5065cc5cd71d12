"""Explain a model with one example: a page that walks forward, backward and through a step.

Without a model, a small network is explained that has just been trained on the shipped digits.
"""

import os
import sys
from pathlib import Path

import numpy as np

import minikeras as keras
from minikeras.tools.check import data as check_data
from minikeras.tools.explain.examples import (
    BadRequest,
    digit,
    digits_network,
    one_layer,
    scaled,
)
from minikeras.tools.explain.explaining import explain
from minikeras.tools.explain.text import BadCell
from minikeras.tools.run import STAND_INS
from minikeras.tools.worker.engines import Engine
from minikeras.tools.worker.models import load

WRONG, IMPOSSIBLE = 2, 3

OWN = "Your own: minikeras explain MODEL.keras --data FILE.npz --example 0 (docs/explain.md)"


def add_arguments(parser):
    """Declare the options of the command.

    Args:
        parser: the command's `argparse.ArgumentParser`.
    """
    add = parser.add_argument
    add("model", metavar="MODEL", nargs="?", help="a model's file, or MODULE:FUNCTION")
    add("--weights", metavar="FILE", help="weights for a MODEL that is a config (.json)")
    add("--data", metavar="FILE", help="inputs `x` and targets `y` (.npz), or `digits`")
    add("--example", type=int, default=0, help="which of the examples")
    add("--at", metavar="CELL", help='print one cell, as "conv2d[0,2,3,5]", and write no page')
    add("-o", "--output", metavar="FILE", help="the page to write; by default MODEL's name.html")
    add("--steps", metavar="LIST", help="steps of training to look at, as 0,1,10,100")
    add("--inference", action="store_true", help="run layers as in inference, not as in training")
    add("--layer", metavar="CLASS", help="a layer with small numbers in place of a model")
    add("--units", type=int, default=3, help="units or filters of --layer")
    add("--time", type=int, default=4, help="steps, or the side of an image, for --layer")
    add("--features", type=int, default=2, help="features of the input, for --layer")
    add("--trust", action="store_true", help="let code in the model's file run")


def run(arguments):
    """Explain, and write the page or print the cell.

    Args:
        arguments: the parsed options.

    Returns:
        0; 2 for a request that makes no sense, 3 where the model cannot be read or run.
    """
    try:
        return _run(arguments)
    except (BadCell, BadRequest, check_data.DataError) as error:
        print(f"Cannot explain: {error}", file=sys.stderr)
        return WRONG
    except _Impossible as error:
        print(f"Cannot explain: {error}", file=sys.stderr)
        return IMPOSSIBLE


class _Impossible(Exception):
    """The model cannot be read or run; the message says why."""


def _run(arguments):
    steps = _steps(arguments.steps)
    model, x, y, batches, what = _subject(arguments)
    if steps and (y is None or getattr(model, "optimizer", None) is None):
        raise BadRequest("--steps trains the model: it needs a compiled model and targets `y`.")
    try:
        page = explain(
            model, x, y, training=not arguments.inference, steps=steps, batches=batches, title=what
        )
    except (TypeError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        shapes = ", ".join(str(a.shape) for a in (x if isinstance(x, list) else [x]))
        raise _Impossible(f"the model does not run on inputs of shape {shapes}: {first}") from None
    if arguments.at:
        source = page.source(arguments.at)
        print(page.at(arguments.at) + (f"computed by {source}\n" if source else ""), end="")
        return 0
    return _written(page, arguments, model)


def _written(page, arguments, model):
    path = Path(arguments.output or f"{model.name}.html")
    try:
        size = page.save(path)
    except OSError as error:
        raise BadRequest(f"cannot write {path}: {error.strerror}") from None
    left_out = page.data["left_out"]
    print(f"{page.document.summary()} {size / 1000:,.0f} kB, needs no network. Open {path}")
    if left_out:
        print(f"Left out, for the page would be too large: {len(left_out)} arrays, as it says.")
    if arguments.model is None and arguments.layer is None:
        print(OWN)
    return 0


def _steps(text):
    if text is None:
        return None
    try:
        steps = [int(part) for part in text.split(",")]
    except ValueError:
        steps = [-1]
    if min(steps) < 0:
        raise BadRequest(f"--steps: expected numbers from 0, as 0,1,10,100. Received: {text!r}")
    return steps


def _subject(arguments):
    """Return the model, an example, its target, batches to train on, and a title."""
    if arguments.layer is not None:
        if arguments.model is not None:
            raise BadRequest("give a MODEL or --layer, not both.")
        if min(arguments.units, arguments.time, arguments.features) < 1:
            raise BadRequest("--units, --time and --features are numbers from 1.")
        layer = arguments.layer, arguments.units, arguments.time, arguments.features
        return *one_layer(*layer), None, f"{arguments.layer}, with small numbers"
    if arguments.model is None:
        model = digits_network()
        x, y = digit((8, 8, 1), arguments.example)
        return (
            model,
            x,
            y,
            _digit_batches((8, 8, 1)),
            f"Digit {arguments.example}, read by {model.name}",
        )
    model = _loaded(arguments)
    x, y, batches = _example(model, arguments)
    if getattr(model, "loss", None) is None:
        y = None
    return model, x, y, batches, f"{model.name}: example {arguments.example}"


def _digit_batches(shape):
    (x, y), _ = keras.datasets.digits.load_data()
    x = scaled(x, shape)
    return [(x[i : i + 32], y[i : i + 32]) for i in range(0, len(x) - 31, 32)]


# ---- the model


def _loaded(arguments):
    source = _source(arguments)
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if str(STAND_INS) not in sys.path:  # a module that makes a model imports `keras`
        sys.path.insert(0, str(STAND_INS))
    try:
        model, notes = load(Engine("minikeras", keras), source, arguments.trust)
    except Exception as error:
        first = str(error).strip().splitlines()[:1]
        raise _Impossible(
            f"cannot load the model: {' '.join(first) or type(error).__name__}"
        ) from None
    if not isinstance(model, keras.Model):
        raise _Impossible(f"expected a model. Received: {type(model).__name__}")
    for note in notes:
        print(note, file=sys.stderr)
    return model


def _source(arguments):
    name = arguments.model
    if Path(name).exists():
        path = str(Path(name).resolve())
        if not path.endswith(".json"):
            return {"path": path}
        source = {"config": path}
        if arguments.weights:
            source["path"] = str(Path(arguments.weights).resolve())
        return source
    if ":" in name:
        return {"function": name, "folder": str(Path.cwd())}
    raise BadRequest(f"there is no file {name}, and it is no MODULE:FUNCTION.")


# ---- the example


def _example(model, arguments):
    """Return inputs, targets or None, and batches to train on or None."""
    if arguments.data and arguments.data != "digits":
        return _from_file(arguments)
    shapes = [tuple(t.shape) for t in getattr(model, "inputs", None) or []]
    if not shapes:
        raise BadRequest("the model does not say which inputs it takes: give some by --data.")
    shape = shapes[0][1:]
    fits = len(shapes) == 1 and shape in ((8, 8, 1), (8, 8), (64,))
    if arguments.data == "digits" and not fits:
        raise BadRequest(
            f"the digits are of shape (8, 8), (8, 8, 1) or (64,); the model takes {shapes}"
        )
    if fits:
        x, y = digit(shape, arguments.example)
        y = _as_target(model, y)
        return x, y, None if y is None else _digit_batches(shape)
    return _drawn(model, arguments)


def _as_target(model, y):
    """Classes as the model's loss takes them, None if it takes none."""
    output = model.outputs[0].shape if len(model.outputs) == 1 else ()
    name = str(getattr(model.loss, "name", model.loss))
    if len(output) != 2 or output[-1] != 10 or "crossentropy" not in name:
        return None
    return y if name.startswith("sparse") else np.eye(10, dtype="float32")[y]


def _from_file(arguments):
    batches = check_data.from_file(arguments.data, 1, arguments.example + 1)
    if not 0 <= arguments.example < len(batches):
        raise BadRequest(
            f"--example: {arguments.data} has {len(batches)} examples, from 0. Received: "
            f"{arguments.example}"
        )
    x, y = batches[arguments.example]
    return x, y, [(_one(a), _one(b)) for a, b in batches] if y else None


def _one(arrays):
    return arrays[0] if len(arrays) == 1 else arrays


def _drawn(model, arguments):
    inputs = [(list(t.shape), str(t.dtype)) for t in model.inputs]
    words = min(
        (w.shape[0] for w in model.weights if str(w.path).endswith("embeddings")), default=None
    )
    count = max(arguments.example, 0) + 1
    x = check_data.drawn(inputs, words, 1, count, check_data.OPEN_SIZES[0], 0)[-1]
    loss = getattr(model, "loss", None)
    if loss is None:
        return x, None, None
    outputs = model.predict_on_batch(x if len(x) > 1 else x[0])
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    names = [str(getattr(one, "name", one)) for one in (loss if isinstance(loss, list) else [loss])]
    y = check_data.targets_for(names if len(names) > 1 else names[0], outputs, arguments.example)
    print("The example is drawn at random; --data FILE.npz gives one.", file=sys.stderr)
    return x, y, None
