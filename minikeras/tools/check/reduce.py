"""The smallest script that still differs: one layer, or one step of an optimizer, cut down.

The first finding names a call or a weight. Its config, its weights and what it gets are taken from
the model in both engines, run alone in float64, and made smaller as long as the two differ. The
script that is written then is run, to prove it.
"""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minikeras.tools.check.measure import distance
from minikeras.tools.check.session import WorkerError
from minikeras.tools.worker import single

_LAYERS = ("forward", "training", "gradients")
# Sizes of layers that can be halved.
_SIZES = ("units", "filters", "num_heads", "key_dim", "output_dim", "groups")
_SEEN = 2.0**-24  # half a unit of the last place of 1 in float32: less is no finding


@dataclass(frozen=True)
class Part:
    """What differs: a layer or an update alone.

    Attributes:
        kind: `"layer"` or `"update"`.
        parts: what both engines say of it, dicts with its config.
        arrays: dict of name to array.
    """

    kind: str
    parts: tuple[dict[str, Any], dict[str, Any]]
    arrays: dict[str, np.ndarray]

    @property
    def sizes(self):
        """How many numbers it is made of."""
        return sum(array.size for array in self.arrays.values())


def reduce(pair, report, path):
    """Write the smallest script that still differs.

    Args:
        pair: the `Pair` with the model.
        report: the `checking.Report`.
        path: of the script.

    Returns:
        A sentence that says what was written, or why nothing was.
    """
    if report.options.against not in _ENGINES:
        return f"no script was written: one against {report.options.against} is not known"
    differences = [f.item for f in report.findings if f.kind == "definition"]
    item = next((i for i in differences if i.phase in (*_LAYERS, "update")), None)
    if item is None:
        return "no script was written: no layer and no update of a weight differs alone"
    bench = _Bench(pair)
    try:
        part = _layer(pair, item) if item.phase in _LAYERS else _update(pair, report, item)
    except WorkerError as error:
        return f"no script was written: {item.key} cannot be taken out of the model ({error})"
    if not bench.differ(part):
        return f"no script was written: {item.key} alone, from its config, does not differ"
    whole = part.sizes
    part = _smallest(bench, part)
    Path(path).write_text(_script(part, item, report.options))
    said = _run(path, report.options)
    return f"{path} differs as well, with {part.sizes:,} numbers in place of {whole:,}: {said}"


def _layer(pair, item):
    training = item.phase != "forward"
    batch = str(pair.folder / "first.npz")
    parts = pair.both("layer_part", key=item.key, batch=batch, training=training, to="part")
    return Part("layer", tuple(parts), _read(pair.ours.folder / "part" / "part.npz"))


def _update(pair, report, item):
    """The first of the steps that were compared, of the weight that the finding names."""
    names = report.model["weights"]
    owners = [n for n in names if item.key == n or n.replace("/", "_") in item.key]
    if not owners:
        raise WorkerError(f"{item.key} belongs to no single weight")
    files = {
        name: str(pair.folder / "steps" / f"{name}0.npz")
        for name in ("weights", "slots", "gradients")
    }
    place = names.index(max(owners, key=len))
    parts = pair.both("update_part", place=place, to="part", **files)
    return Part("update", tuple(parts), _read(pair.ours.folder / "part" / "part.npz"))


class _Bench:
    """Runs parts in both engines."""

    def __init__(self, pair):
        self.pair = pair

    def differ(self, part):
        """Whether both engines can run a part, and differ."""
        pair = self.pair
        file = pair.folder / "single.npz"
        np.savez(file, **part.arrays)
        sessions = pair.ours, pair.theirs
        results, failed = [], False
        for session, described in zip(sessions, part.parts, strict=True):
            request = {"kind": part.kind, "part": described, "arrays": str(file)}
            to = session.folder / "single"
            try:
                session.ask("single", dtype="float64", to=str(to), **request)
                results.append(_read(to / "single.npz"))
            except WorkerError:  # a size that does not fit
                failed = True
        return not failed and apart(*results) > _SEEN


def apart(mine, other):
    """Return the largest distance of arrays of the same names."""
    return max(distance(mine[name], other[name]) for name in mine if name in other)


def _smallest(bench, part):
    """Try cuts for as long as one of them still differs."""
    while True:
        smaller = next((cut for cut in _cuts(part) if bench.differ(cut)), None)
        if smaller is None:
            return part
        part = smaller


def _cuts(part):
    """Yield parts that are about half as large."""
    if part.kind == "update":
        yield from _halves_of_update(part)
        return
    for size in _SIZES:
        values = [described["config"]["config"].get(size) for described in part.parts]
        if isinstance(values[0], int) and values[0] > 1 and values[0] == values[1]:
            parts = [_with_size(described, size, values[0] // 2) for described in part.parts]
            yield replace(part, parts=tuple(parts))
    inputs = {name: array for name, array in part.arrays.items() if name.startswith("in")}
    for axis in range(max((array.ndim for array in inputs.values()), default=0)):
        for half in (0, 1):
            cut = {name: _half(array, axis, half) for name, array in inputs.items()}
            if any(cut[name].size < inputs[name].size for name in cut):
                yield replace(part, arrays={**part.arrays, **cut})
    yield from _cut_weights(part)


def _cut_weights(part):
    """Leave out of weights what a smaller layer does not use."""
    for name, array in part.arrays.items():
        for axis in range(array.ndim if name.startswith("weight") else 0):
            if array.shape[axis] > 1:
                yield replace(part, arrays={**part.arrays, name: _half(array, axis, 0)})


def _with_size(described, size, value):
    config = described["config"]
    return {**described, "config": {**config, "config": {**config["config"], size: value}}}


def _half(array, axis, half):
    if axis >= array.ndim or array.shape[axis] < 2:
        return array
    return np.array_split(array, 2, axis)[half]


def _halves_of_update(part):
    """The arrays of an update belong together number by number, but for single numbers."""
    shape = part.arrays["weight"].shape
    for axis, half in ((axis, half) for axis in range(len(shape)) for half in (0, 1)):
        if shape[axis] > 1:
            arrays = {
                name: _half(array, axis, half) if array.shape == shape else array
                for name, array in part.arrays.items()
            }
            yield replace(part, arrays=arrays)


def _read(path):
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


# ---- the script

_TEMPLATE = '''"""{title}

Both engines run this in float64: what is printed is how far they are apart, relative to the largest
number of the array. The exit status is 1 if that is more than float32 could show.
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import json

import minikeras
import numpy as np
from numpy import array, inf, nan  # noqa: F401
{imports}

ARRAYS = {arrays}

PARTS = [
    json.loads(r"""{first}"""),
    json.loads(r"""{second}"""),
]


{functions}

def apart(mine, other):
    """The largest distance, relative to the largest number."""
    far = 0.0
    for name in mine:
        a, b = np.asarray(mine[name], "float64"), np.asarray(other[name], "float64")
        distance = np.abs(a - b).max() / max(np.abs(a).max(), 1e-300)
        print(f"{{name}}: {{distance:.1e}} apart")
        far = max(far, distance)
    return far


def run(keras, tape_of, source_of, part):
    keras.config.set_floatx("float64")
    return {run}(keras, tape_of, source_of, dict(part, arrays=ARRAYS))


here = run(minikeras, minikeras.GradientTape, lambda weight: weight, PARTS[0])
there = run({engine}, PARTS[1])
sys.exit(int(apart(here, there) > {seen!r}))
'''
_TENSORFLOW = (
    "\nimport keras\nimport tensorflow as tf\n",
    "keras, tf.GradientTape, lambda weight: weight.value",
)
# How each engine is imported, and what it differentiates with.
_ENGINES = {
    "minikeras": ("", "minikeras, minikeras.GradientTape, lambda weight: weight"),
    "keras": _TENSORFLOW,
    "keras-tensorflow": _TENSORFLOW,
}


def _script(part, item, options):
    name = f" ({item.layer})" if item.layer else ""
    functions = [single.RUN[part.kind], single.cut]
    imports, engine = _ENGINES[options.against]
    return _TEMPLATE.format(
        title=f"{item.key}{name}, {item.phase}: minikeras and {options.against} differ.",
        imports=imports,
        arrays=_literal(part.arrays),
        first=json.dumps(part.parts[0]),
        second=json.dumps(part.parts[1]),
        functions="\n\n".join(inspect.getsource(function) for function in functions),
        run=single.RUN[part.kind].__name__,
        engine=engine,
        seen=_SEEN,
    )


def _literal(arrays):
    lines = [f"    {n!r}: array({a.tolist()!r}, {a.dtype.name!r})," for n, a in arrays.items()]
    return "\n".join(["{", *lines, "}"])


def _run(path, options):
    """Run the script; return what it says of the array that is furthest apart."""
    root = str(Path(__file__).parents[3])
    path = str(Path(path).resolve())
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [options.python or sys.executable, path],
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=options.wait,
            env={**os.environ, "PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "-1"},
        )
    lines = done.stdout.strip().splitlines()
    if done.returncode != 1 or not lines:
        return f"but run alone it does not differ (exit status {done.returncode})"
    return max(lines, key=lambda line: float(line.rpartition(": ")[2].partition(" ")[0]))
