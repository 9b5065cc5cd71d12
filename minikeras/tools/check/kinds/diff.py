"""Two files of models compared: configs, weights, the optimizer's state, and what comes out.

Both are read by minikeras; no other engine is needed.
"""

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import minikeras
from minikeras.tools.check import data
from minikeras.tools.check.measure import distance
from minikeras.tools.check.sources import NotComparable, prepared, source_of
from minikeras.tools.worker import models
from minikeras.tools.worker.choosing import engine_of
from minikeras.tools.worker.engines import leaves

NONE = "-"  # what stands for a value that one of the two does not have
# What follows from the rest of a config, or has a part of its own.
_LEFT_OUT = ("build_config", "compile_config")


@dataclass(frozen=True)
class Change:
    """One thing that differs.

    Attributes:
        part: `"config"`, `"compile config"`, `"weights"`, `"optimizer state"` or `"outputs"`.
        where: path in a config, name of a weight or of an output.
        values: two texts, of the first file and of the second.
        largest: of arrays, the largest difference, relative to the largest number.
    """

    part: str
    where: str
    values: tuple[str, str]
    largest: float | None = None


@dataclass
class Diff:
    """What differs between two files.

    Attributes:
        files: both paths.
        changes: list of `Change`.
        counts: how many values and arrays of each part were compared.
        notes: list of sentences: what was left out, and why.
    """

    files: tuple[str, str]
    changes: list[Change] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def same(self):
        """Whether nothing differs."""
        return not self.changes

    def add(self, part, changes, count):
        """Note how many were compared of a part, and which of them differ."""
        self.changes += changes
        self.counts[part] = count


def compare_files(files, options):
    """Compare two files of models.

    Args:
        files: two paths.
        options: the `checking.Options`; data, batches, seed and trust count.

    Returns:
        The `Diff`.

    Raises:
        NotComparable: if one of them cannot be read, or the data do not fit.
    """
    engine = engine_of("minikeras")
    result = Diff(tuple(files))
    both = [_model(engine, path, options, result.notes) for path in files]
    _compare_configs(result, "config", [_config(model) for model in both])
    _compare_configs(result, "compile config", [_compile_config(model) for model in both])
    _compare_arrays(result, "weights", *[_named(engine, m.weights) for m in both])
    slots = [_named(engine, models.optimizer_variables(engine, m)) for m in both]
    _compare_arrays(result, "optimizer state", *slots)
    _compare_outputs(result, both, options)
    return result


def _model(engine, path, options, notes):
    source = source_of(path)
    if "function" in source:
        raise NotComparable(f"{path} is a function: two files are compared, or one model.")
    with tempfile.TemporaryDirectory(prefix="minikeras-check-") as folder:
        source, _ = prepared(source, Path(folder))
        try:
            minikeras.utils.set_random_seed(options.seed)  # a config alone draws its weights
            model, more = models.load(engine, source, options.trusted)
        except Exception as error:  # whatever a foreign file leads to
            raise NotComparable(f"cannot load {path}: {error}") from error
    notes += [f"{path}: {note}" for note in more]
    return model


# ---- configs


def _config(model):
    return json.loads(model.to_json())


def _compile_config(model):
    config = model.get_compile_config() if getattr(model, "optimizer", None) else None
    return json.loads(json.dumps(config or {}, default=str))


def _compare_configs(result, part, both):
    first, second = (dict(_flat(config)) for config in both)
    places = list(dict.fromkeys([*first, *second]))
    values = {p: (first.get(p, NONE), second.get(p, NONE)) for p in places}
    changes = [Change(part, place, pair) for place, pair in values.items() if pair[0] != pair[1]]
    result.add(part, changes, len(places))


def _flat(value, path=""):
    """Yield the path of each value in a config, and the value as text.

    Layers are named, so that one more in front does not make all of them differ.
    """
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            if key not in _LEFT_OUT:
                yield from _flat(inner, f"{path}/{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(inner, (dict, list)) for inner in value):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{path}/{_name_in(inner) or place}")
    else:
        yield path, json.dumps(value)


def _name_in(value):
    config = value.get("config") if isinstance(value, dict) else None
    return config.get("name") if isinstance(config, dict) else None


# ---- arrays


def _named(engine, variables):
    values = [engine.array(variable) for variable in variables]
    return dict(zip(models.names_of(variables), values, strict=True))


def _compare_arrays(result, part, first, second):
    """Compare arrays of the same names; in order where no name is shared, as of drawn names."""
    if not first.keys() & second.keys() and len(first) == len(second):
        second = dict(zip(first, second.values(), strict=True))
    names = list(dict.fromkeys([*first, *second]))
    changes = [_array_change(part, n, first.get(n), second.get(n)) for n in names]
    result.add(part, [change for change in changes if change is not None], len(names))


def _array_change(part, name, a, b):
    if a is None or b is None or a.shape != b.shape:
        return Change(part, name, (_shape(a), _shape(b)))
    if np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
        return None
    with np.errstate(invalid="ignore"):
        far = np.nan_to_num(np.abs(a.astype("float64") - b.astype("float64")), nan=np.inf)
    place = np.unravel_index(int(np.argmax(far)), a.shape)
    count = f"{int((a != b).sum()):,} of {a.size:,} numbers"
    where = f"{name}{list(map(int, place)) if place else ''} ({count})"
    largest = distance(a, b) if a.dtype.kind == "f" else None
    return Change(part, where, (f"{a[place]:.8g}", f"{b[place]:.8g}"), largest)


def _shape(array):
    return NONE if array is None else f"shape {tuple(array.shape)}"


# ---- outputs


def _compare_outputs(result, both, options):
    """Compare what comes out in inference, over all batches at once."""
    try:
        batches = _batches(both[0], options)
        outputs = [_outputs(model, batches) for model in both]
    except data.DataError as error:
        raise NotComparable(str(error)) from error
    except Exception as error:  # the model's own code runs
        result.notes.append(f"outputs are not compared: {error}")
        return
    arrays = [{f"output {i}": y for i, y in enumerate(out)} for out in outputs]
    _compare_arrays(result, "outputs", *arrays)


def _batches(model, options):
    if options.data is not None:
        return [x for x, _ in data.from_file(options.data, options.batch_size, options.batches)]
    inputs = [(list(t.shape), str(t.dtype)) for t in model.inputs]
    words = [w.shape[0] for w in model.weights if w.path.endswith("embeddings")]
    count, error = options.batches, None
    for size in data.OPEN_SIZES:
        batches = data.drawn(
            inputs, min(words, default=None), options.batch_size, count, size, options.seed
        )
        try:
            _outputs(model, batches[:1])
            return batches
        except Exception as failed:  # an open size that the model does not take
            error = failed
    raise ValueError(f"the model takes none of the inputs that were tried ({error})")


def _outputs(model, batches):
    runs = [leaves(model(x[0] if len(x) == 1 else x, training=False)) for x in batches]
    return [np.concatenate([np.asarray(y) for y in ys]) for ys in zip(*runs, strict=True)]


# ---- reports

PARTS = ("config", "compile config", "weights", "optimizer state", "outputs")
_MOST = 8  # so many changes of a part are printed


def as_text(result):
    """Return a diff as lines for a terminal."""
    lines = [f"{result.files[0]} | {result.files[1]}"]
    for part in (part for part in PARTS if part in result.counts):
        mine = [change for change in result.changes if change.part == part]
        differ = f"{len(mine)} of {result.counts[part]} differ" if mine else "equal"
        lines.append(f"{part}: {differ}{_largest(mine)}")
        lines += [f"  {c.where}: {c.values[0]} | {c.values[1]}" for c in mine[:_MOST]]
        lines += [f"  and {len(mine) - _MOST} more"] if len(mine) > _MOST else []
    lines.append("Equal." if result.same else "They differ.")
    return "\n".join(lines + [f"Note: {note}." for note in result.notes]) + "\n"


def _largest(changes):
    far = [change.largest for change in changes if change.largest is not None]
    return f", by at most {max(far):.1e} of the largest number" if far else ""


def as_markdown(result):
    """Return a diff as Markdown, for an issue."""
    return f"```\n{as_text(result)}```\n"


def as_data(result):
    """Return a diff as plain values, for JSON."""
    changes: list[dict[str, Any]] = [vars(change) for change in result.changes]
    return {
        "same": result.same,
        "files": result.files,
        "counts": result.counts,
        "changes": changes,
        "notes": result.notes,
    }
