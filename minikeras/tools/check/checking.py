"""A whole check: load the model in both engines, measure, judge."""

import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from minikeras.tools import differences
from minikeras.tools.check import data, notes, verdict
from minikeras.tools.check.comparison import Comparison, Pair
from minikeras.tools.check.exchange import compare_files
from minikeras.tools.check.forms.report import as_text
from minikeras.tools.check.golden import Golden, Recorded, Replayed
from minikeras.tools.check.items import NARROW, WIDE, Item
from minikeras.tools.check.reduce import reduce
from minikeras.tools.check.session import Session, WorkerError, write_arrays
from minikeras.tools.check.sources import NotComparable, prepared
from minikeras.tools.check.steps import compare_steps
from minikeras.tools.check.weights import compare_weights

# Engines that draw the numbers of minikeras from the same seeds.
DRAW_ALIKE = ("keras", "keras-tensorflow", "minikeras")


@dataclass
class Options:
    """What to compare, and how; the fields are the options of the command.

    Attributes:
        source: dict that says where the model is; see `worker.models.load`.
        against: name of the other engine.
        python: path of the Python to run it with, None for this one.
        data: path of an `.npz`, None for drawn inputs.
        batches: how many batches at most.
        batch_size: samples in each.
        steps: how many steps of the optimizer.
        seconds: after so long no further batch is begun, one at least.
        seed: int.
        trusted: whether code in the model's file may run.
        wait: seconds that an answer of an engine may take.
        record: path of a golden file to write, or None.
        golden: path of one that answers for the other engine, or None.
        reduce: path of a script to write that still differs, if something does, or None.
    """

    source: dict[str, str]
    against: str = "keras"
    python: str | None = None
    data: str | None = None
    batches: int = 8
    batch_size: int = 4
    steps: int = 5
    seconds: float = 20.0
    seed: int = 0
    trusted: bool = False
    wait: float = 600.0
    record: str | None = None
    golden: str | None = None
    reduce: str | None = None


@dataclass
class Report:
    """What a check has measured, and what differs.

    Attributes:
        model: what minikeras says of the model.
        versions: of both engines, dicts of name to version.
        options: the `Options`.
        items: list of what was measured.
        findings: list of `verdict.Finding`, that which comes first in front.
        notes: list of sentences: what was left out, and why.
        batches: how many batches were measured.
        calls: of layers, in the order of the computation: dicts of their key, path, class, source
            (`"file:line"`) and meaning (the docstring's first part).
        seconds: how long it took, past the engines' import.
        traced: how far outputs are from those of runs whose layers are not looked at, in units of
            the last place.
    """

    model: dict[str, Any]
    versions: list[dict[str, str]]
    options: Options
    items: list[Item] = field(default_factory=list)
    findings: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    batches: int = 0
    calls: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    traced: float = 0.0

    @property
    def same(self):
        """Whether nothing differs but by rounding."""
        return all(finding.kind == verdict.KINK for finding in self.findings)

    @property
    def rows(self):
        """The figures of each phase, a list of `verdict.Row`."""
        return verdict.rows(self.items)

    def __str__(self):
        return as_text(self)


def check(options, progress=lambda text: None):
    """Compare a model in two engines.

    Args:
        options: the `Options`.
        progress: function of a text that says what is being done.

    Returns:
        The `Report`.

    Raises:
        NotComparable: if an engine cannot load or run the model, or the data do not fit.
    """
    golden = Golden(options.golden) if options.golden else None
    if golden is not None:
        options = replace(options, **golden.options())
    try:
        with tempfile.TemporaryDirectory(prefix="minikeras-check-") as name:
            folder = Path(name)
            with (
                Session("minikeras", folder / "ours", seconds=options.wait) as ours,
                _other(options, golden, folder / "theirs") as theirs,
            ):
                report = compare(options, ours, theirs, folder / "shared", progress)
                if isinstance(theirs, Recorded):
                    theirs.finish(options, report.batches)
                return report
    except WorkerError as error:
        raise NotComparable(str(error)) from error


def _other(options, golden, folder):
    """The session of the other engine: a process, or a golden file."""
    if golden is not None:
        return Replayed(golden, folder)
    session = Session(options.against, folder, options.python, options.wait)
    return Recorded(session, options.record) if options.record else session


def compare(options, ours, theirs, folder, progress=lambda text: None):
    """Compare a model in two engines that run already; see `check`.

    Args:
        options: the `Options`.
        ours: `Session` of minikeras.
        theirs: `Session` of the other engine.
        folder: a `Path` that is not there yet, for arrays that both read.
        progress: as for `check`.

    Returns:
        The `Report`.

    Raises:
        NotComparable: as `check`.
        WorkerError: if an engine cannot run the model.
    """
    folder.mkdir()
    pair = Pair(ours, theirs, folder)
    report = _Check(options, pair, progress).run()
    if options.reduce is not None and not report.same:
        report.notes.append(reduce(pair, report, options.reduce))
    return report


class _Check:
    """The stages of one check."""

    def __init__(self, options, pair, progress):
        self.options = options
        self.pair = pair
        self.progress = progress
        read = f"what {options.against} computes is read from {options.golden}"
        self.notes = [read] if options.golden is not None else []

    def run(self):
        options, pair = self.options, self.pair
        self.progress("loading")
        versions = [answer["versions"] for answer in pair.both("versions")]
        begun = time.monotonic()
        read = self._loaded()
        for name, answer in zip(("minikeras", options.against), read, strict=True):
            self.notes += [f"{name}: {note}" for note in answer["notes"]]
        inputs = self._inputs(read[0])
        loaded = pair.both("build", batch=write_arrays(pair.folder / "first.npz", inputs[0][0]))
        report = Report(loaded[0], versions, options, notes=self.notes)
        self._note_what_draws(loaded[0]["draws"])
        alike = options.against in DRAW_ALIKE
        report.findings, more = compare_weights(pair, loaded, options.source, alike)
        self.notes += more
        if report.findings:
            return report
        batches = self._with_targets(inputs, loaded)
        self._twins(batches[0][0])
        comparison = Comparison(pair, loaded, options.seconds - (time.monotonic() - begun))
        self._measured(comparison, batches)
        report.items = list(comparison.items.values())
        report.findings = verdict.findings(report.items, options.against)
        self.notes += comparison.kinks.sentences()
        # Models that differ anyway do not cross; a golden file reads none.
        if report.same and options.golden is None:
            self._saved(report, batches[0][0])
        for finding in report.findings:
            finding.known = differences.known(
                finding.item, options.against.replace("-tensorflow", "")
            )
        report.batches = comparison.batches
        report.calls = comparison.calls
        rounded = list(
            dict.fromkeys(i.key for i in verdict.rounded_constants(report.items, options.against))
        )
        report.traced = comparison.traced
        report.seconds = time.monotonic() - begun
        if rounded:
            some = ", ".join(rounded[:4]) + (", ..." if len(rounded) > 4 else "")
            self.notes.append(
                f"{some} differ in float64 by less than float32 shows, as where a constant is "
                "rounded to float32 (docs/numerics.md); so the gradients and steps of the whole "
                "model were compared to two digits only"
            )
        self.notes += notes.not_finite(report.items)
        self._note_what_one_has(comparison)
        return report

    def _loaded(self):
        options = self.options
        source, note = prepared(options.source, self.pair.folder)
        self.notes += [note] if note else []
        try:
            return self.pair.both(
                "load",
                source=source,
                seed=options.seed,
                trusted=options.trusted,
                still=options.against not in DRAW_ALIKE,
            )
        except WorkerError as error:
            raise NotComparable(f"cannot load the model: {error}") from error

    # ---- the model and its data

    def _inputs(self, described):
        """Return the batches that the model takes: a list of `(inputs, targets)`."""
        options, session = self.options, self.pair.ours
        if options.data is not None:
            try:
                return data.from_file(options.data, options.batch_size, options.batches)
            except data.DataError as error:
                raise NotComparable(str(error)) from error
        inputs = session.ask("inputs")["inputs"]
        if inputs is None:
            raise NotComparable(
                "The model does not say which inputs it takes: give some by --data FILE.npz."
            )
        if any(dtype == "string" for _, dtype in inputs):
            raise NotComparable("The model takes text: only models of numbers can be compared.")
        words = _words(described)
        size = self._size(inputs, words)
        drawn = data.drawn(inputs, words, options.batch_size, options.batches, size, options.seed)
        return [(x, None) for x in drawn]

    def _size(self, inputs, words):
        """The first size for what the inputs leave open that the model takes."""
        if not any(size is None for shape, _ in inputs for size in shape[1:]):
            return 1
        error = None
        for size in data.OPEN_SIZES:
            x = data.drawn(inputs, words, 1, 1, size, 0)[0]
            path = write_arrays(self.pair.folder / f"size{size}.npz", x)
            try:
                to = str(self.pair.ours.folder / f"size{size}")
                self.pair.ours.ask("forward", dtype=NARROW, batch=path, training=False, to=to)
            except WorkerError as failed:
                error = failed
            else:
                return size
        raise NotComparable(
            f"The model takes none of the inputs that were tried ({error}): give some by --data."
        )

    def _with_targets(self, inputs, loaded):
        """Add targets for the model's loss, and weights of the outputs for models without one."""
        options, session = self.options, self.pair.ours
        loss = loaded[0]["loss"] if loaded[1]["loss"] is not None else None
        path = write_arrays(self.pair.folder / "y.npz", inputs[0][0])
        session.ask("forward", dtype=NARROW, batch=path, training=False, to=str(session.folder))
        with np.load(session.folder / "outputs.npz") as arrays:
            shapes = [arrays[str(i)].shape for i in range(len(arrays.files))]
        size, batches = len(inputs[0][0][0]), []
        for number, (x, y) in enumerate(inputs):
            draw = np.random.default_rng(options.seed + number)
            # The last batch may be a smaller one.
            fitting = [(len(x[0]), *s[1:]) if s[:1] == (size,) else s for s in shapes]
            probe = [draw.normal(size=shape) for shape in fitting]
            if y is None and loss is not None:
                y = data.targets_for(loss, fitting, options.seed + number)
            batches.append((x, y if loss is not None else None, probe))
        if loss is None:
            self.notes.append(
                "the model is not compiled: gradients are those of a weighted sum of its outputs, "
                "and no steps were taken"
            )
        return batches

    def _twins(self, x):
        wide = [a.astype(WIDE) if a.dtype.kind == "f" else a for a in x]
        self.pair.both("twin", dtype=WIDE, batch=write_arrays(self.pair.folder / "wide.npz", wide))

    # ---- measuring

    def _measured(self, comparison, batches):
        steps = self.options.steps
        self.progress("comparing layers")
        comparison.run(batches, lambda done: self.progress(f"batch {done}"))
        if steps and batches[0][1] is not None and comparison.mine["optimizer"]:
            self.progress("comparing steps")
            batches = batches[: comparison.batches]
            compare_steps(comparison, batches, steps, lambda done: self.progress(f"step {done}"))

    def _saved(self, report, batch):
        self.progress("comparing files")
        items, not_read, more = compare_files(self.pair, batch, self.options.against)
        report.items += items
        report.findings += not_read
        self.notes += more

    def _note_what_draws(self, layers):
        against = self.options.against
        if layers and against not in DRAW_ALIKE:
            self.notes.append(
                f"{', '.join(layers)}: compared as in inference, since {against} draws other "
                "random numbers"
            )

    def _note_what_one_has(self, comparison):
        names = {"minikeras": "minikeras", "other": self.options.against}
        for side, keys in comparison.only.items():
            if keys:
                some = ", ".join(keys[:4]) + (", ..." if len(keys) > 4 else "")
                self.notes.append(f"only {names[side]} calls {some}: not compared")


def _words(described):
    """How many words the smallest embedding of a model has."""
    sizes = [
        shape[0]
        for name, shape in zip(described["weights"], described["shapes"], strict=True)
        if name.endswith("embeddings")
    ]
    return min(sizes, default=None)
