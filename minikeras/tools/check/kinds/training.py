"""A script that trains, in two engines: the first step at which they differ beyond rounding.

Roundings differ at once, and grow from step to step, in each training in its own way. How much is
measured: the script runs once more in minikeras, its weights at the start and the gradients of each
step changed by some roundings. What is many times further from minikeras than that run was ever
before is no rounding. With `from_step` that step is taken again in the other engine, from the
weights and slots of minikeras, so that nothing has grown.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minikeras.tools.check.measure import distance, largest_of
from minikeras.tools.check.session import Session, WorkerError
from minikeras.tools.check.sources import NotComparable
from minikeras.tools.check.verdict import DEFINITION, STATE
from minikeras.tools.tolerances import bound

# So many times further apart than roundings have driven minikeras from itself.
_TIMES = 16.0
_EPSILON = float(np.finfo("float32").eps)
# Initializers round: an orthogonal matrix, say, comes from a decomposition.
_DRAWN = 1e-5
# Alone, a gradient is a sum of thousands of terms; an update takes some operations.
_GRADIENT, _UPDATE = bound("float32", 2**12), bound("float32", 16)

# Those that call `optimizer.apply` with numbers when nothing is compiled.
_ENGINES = ("keras", "keras-tensorflow", "minikeras")

# The kinds of arrays in the order in which a step computes them, and what is at fault where one
# is the first that differs.
KINDS = {
    "before": "the weights at the start: the same seed draws the same weights in both engines",
    "loss": "the forward pass, or the loss",
    "state": "what layers change in the forward pass",
    "gradient": "the backward pass, or the data of this step",
    "slot": "the optimizer's update",
    "weight": "the optimizer's update",
}


@dataclass
class Place:
    """An array of a step, and how far both engines are apart there, relative to its norm.

    Attributes:
        step: its number, from 1.
        kind: a key of `KINDS`.
        name: of the variable, empty for the loss.
        apart: the distance.
        allowed: how much of it rounding explains.
    """

    step: int
    kind: str
    name: str
    apart: float
    allowed: float


@dataclass
class Training:
    """What was compared of a script.

    Attributes:
        script: its path.
        engines: names of both.
        versions: of both, dicts.
        optimizers: list of dicts that describe the optimizers.
        steps: how many steps were compared.
        rows: dict of a step to its loss in both engines and to the largest distance of each kind.
        finding: the first `Place` that rounding does not explain, or None.
        alone: list of `Place`s of a step that was taken again, from equal states.
        notes: list of sentences.
    """

    script: str
    engines: tuple[str, str]
    versions: list[dict[str, str]]
    optimizers: list[dict[str, Any]] = field(default_factory=list)
    steps: int = 0
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    finding: Place | None = None
    alone: list[Place] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def differing(self):
        """The places of the step that was taken again that rounding does not explain."""
        return [place for place in self.alone if place.apart > place.allowed]

    @property
    def same(self):
        """Whether rounding explains all that differs."""
        return self.finding is None and not self.differing


def compare_script(path, arguments, options, from_step=None, progress=lambda text: None):
    """Run a script in both engines, and compare its steps.

    Args:
        path: of the script.
        arguments: list of what it is given.
        options: the `checking.Options`; `against`, `python`, `steps`, `seed` and `wait` count.
        from_step: number of a step to look into, or None.
        progress: function of a text that says what is being done.

    Returns:
        The `Training`.

    Raises:
        NotComparable: if the script fails, or takes no step.
    """
    if options.against not in _ENGINES:
        raise NotComparable(f"a script is compared with one of {_ENGINES}, not {options.against}.")
    with tempfile.TemporaryDirectory(prefix="minikeras-check-") as folder:
        runs = _Runs(str(Path(path).resolve()), arguments, options, Path(folder), from_step)
        try:
            progress("running the script in minikeras")
            ours = runs.run("minikeras", "ours")
            progress("running it again, with other roundings")
            shaken = runs.run("minikeras", "shaken", shaken=options.seed + 1)
            progress(f"running it in {options.against}")
            theirs = runs.run(options.against, "theirs")
            result = Training(path, ("minikeras", options.against), runs.versions)
            _compare(result, ours, theirs, shaken)
            if from_step is not None:
                progress(f"taking step {from_step} again")
                _compare_alone(result, runs, ours, from_step)
        except WorkerError as error:
            raise NotComparable(str(error)) from error
    return result


@dataclass
class _Run:
    """The steps that one run has written, and what it says of them."""

    folder: Path
    described: dict[str, Any]

    def step(self, number):
        """The arrays of a step, by kind and place."""
        return _read(self.folder / f"step{number}.npz")

    def name(self, number, key):
        """The kind and the name of an array of a step."""
        kind, _, place = key.partition("/")
        if kind == "loss":
            return kind, ""
        if kind == "state":
            return kind, self.described["state"][int(place)]
        optimizer = self.described["optimizers"][self.described["taken"][number - 1]]
        return kind, optimizer["slot" if kind == "slot" else "weight"][int(place)]


class _Runs:
    """Runs a script, each time in a process of its own."""

    def __init__(self, path, arguments, options, folder, whole):
        self.path, self.arguments, self.options = path, arguments, options
        self.folder, self.whole = folder, whole
        self.versions = []

    def run(self, engine, name, shaken=None, forced=None):
        """Run the script once; return its `_Run`."""
        options, to = self.options, self.folder / name
        python = options.python if engine == options.against else None
        request = {"shaken": shaken, "whole": self.whole, "forced": forced, "seed": options.seed}
        request.update(path=self.path, arguments=self.arguments, steps=options.steps, to=str(to))
        with Session(engine, to, python, options.wait) as session:
            if shaken is None and forced is None:
                self.versions.append(session.ask("versions")["versions"])
            described = session.ask("script", **request)
        if not described["taken"]:
            raise NotComparable(
                f"{engine}: the script ended without a step of an optimizer: there is nothing to "
                "compare."
            )
        return _Run(to, described)


# ---- the whole training


def _compare(result, ours, theirs, shaken):
    counts = [len(run.described["taken"]) for run in (ours, theirs, shaken)]
    result.steps, result.optimizers = min(counts), ours.described["optimizers"]
    if counts[0] != counts[1]:
        result.notes.append(f"{counts[0]} steps here, {counts[1]} there: the others are left out")
    grown, measured = {}, 0
    for number in range(1, result.steps + 1):
        # Gradients of the first step are those of equal weights: how roundings of weights grow in
        # them is seen in the step after.
        while measured < min(number + 1, result.steps):
            measured += 1
            _measure_growth(ours, measured, ours.step(measured), shaken.step(measured), grown)
        mine, other = (run.step(number) for run in (ours, theirs))
        places = list(_places(ours, number, mine, other, grown))
        result.rows[number] = _row(mine, other, places)
        first = [place for place in places if place.apart > place.allowed]
        if first:
            result.finding = min(first, key=lambda place: [*KINDS].index(place.kind))
            return


def _measure_growth(run, number, mine, near, grown):
    """Note how far roundings have driven the arrays of a step, if that is further than before."""
    for key in mine.keys() & near.keys():
        place = (run.described["taken"][number - 1], key)
        grown[place] = max(grown.get(place, 0.0), _far(mine[key], near[key]))


def _places(run, number, mine, other, grown):
    """Yield a `Place` for each array of a step; `grown` holds the growth of roundings so far."""
    for key in [*mine, *[key for key in other if key not in mine]]:
        kind, name = run.name(number, key) if key in mine else (key.partition("/")[0], key)
        if key not in mine or key not in other or mine[key].shape != other[key].shape:
            yield Place(number, kind, name, float("inf"), 0.0)
            continue
        norm = max(float(np.linalg.norm(mine[key])), float(np.finfo("float32").tiny))
        place = (run.described["taken"][number - 1], key)
        allowed = _TIMES * (grown.get(place, 0.0) / norm + _EPSILON)
        if kind == "before":
            allowed = _DRAWN
        yield Place(number, kind, name, _far(mine[key], other[key]) / norm, allowed)


def _far(a, b):
    """The distance of two sketches; what is not finite in both is equal."""
    if a.shape != b.shape:
        return float("inf")
    odd = ~np.isfinite(a) & ~np.isfinite(b)
    with np.errstate(invalid="ignore"):
        far = float(np.linalg.norm(np.where(odd, 0.0, a - b)))
    return far if np.isfinite(far) else float("inf")


def _row(mine, other, places):
    losses = [float(run["loss"][0]) if "loss" in run else None for run in (mine, other)]
    apart = {
        kind: max([place.apart for place in places if place.kind == kind], default=None)
        for kind in KINDS
    }
    return {"losses": losses, "apart": apart}


# ---- one step, from equal states


def _compare_alone(result, runs, ours, step):
    if step > result.steps:
        result.notes.append(f"step {step} was not reached by both: --from-step looks at no step")
        return
    forced = runs.run(runs.options.against, "forced", forced=str(ours.folder / "whole before.npz"))
    result.alone = [
        *_alone(ours, forced, step, "before", "gradient", _GRADIENT),
        *_alone(ours, forced, step, "after", "slot", _UPDATE),
        *_alone(ours, forced, step, "after", "weight", _UPDATE),
    ]


def _alone(ours, forced, step, when, kind, allowed):
    """Yield the places of one kind, of the optimizer that took the step."""
    mine, other = (_read(run.folder / f"whole {when}.npz") for run in (ours, forced))
    prefix = f"{kind}/" if kind == "gradient" else f"{ours.described['taken'][step - 1]}/{kind}/"
    keys = [key for key in mine if key.startswith(prefix) and key in other]
    # A gradient that is zero but for rounding is measured against the others.
    scale = largest_of([mine[key] for key in keys]) if kind == "gradient" else 0.0
    for key in keys:
        _, name = ours.name(step, f"{kind}/{key.rpartition('/')[2]}")
        yield Place(step, kind, name, distance(mine[key], other[key], scale), allowed)


def _read(path):
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


# ---- reports


def as_text(result):
    """Return what was compared as lines for a terminal."""
    lines = [*_head(result), "", *_table(result), ""]
    if result.finding is not None:
        lines += _finding(result.finding)
    elif not result.differing:
        lines.append(f"The same to rounding, for {result.steps} steps.")
    lines += _alone_lines(result)
    return "\n".join(lines + [f"Note: {note}." for note in result.notes]) + "\n"


_WIDTHS = (11, 9, 7, 5)  # of the columns of distances


def _head(result):
    mine, other = [
        ", ".join(f"{name} {version}" for name, version in versions.items() if name != "python")
        for versions in result.versions
    ]
    count = sum(int(np.prod(shape)) for o in result.optimizers for shape in o["shapes"])
    names = ", ".join(optimizer["class"] for optimizer in result.optimizers)
    yield f"{result.script}: {result.steps} steps of {names}, {count:,} trainable weights"
    yield f"{mine} against {other}, both run eagerly"


def _table(result):
    """The distances at some steps: the first, each twice as far as the last, and the last."""
    columns = f"loss: {result.engines[0]} | {result.engines[1]}"
    yield f"step  {columns:<33} apart: loss  gradients  weights  slots"
    last = max(result.rows, default=0)
    shown = [step for step in result.rows if step & (step - 1) == 0 or step == last]
    for step in shown:
        row = result.rows[step]
        losses = " | ".join("-" if loss is None else f"{loss:.8g}" for loss in row["losses"])
        apart = [row["apart"][kind] for kind in ("loss", "gradient", "weight", "slot")]
        texts = ["-" if far is None else f"{far:.1e}" for far in apart]
        cells = "  ".join(text.rjust(width) for text, width in zip(texts, _WIDTHS, strict=True))
        yield f"{step:<5} {losses:<33} {cells}"


def _finding(place):
    name = f", {place.name}" if place.name else ""
    kind = STATE if place.kind == "before" else DEFINITION
    what = "weights at the start" if place.kind == "before" else place.kind
    yield f"Part first: step {place.step}, {what}{name}."
    yield (
        f"  class: {kind}. {KINDS[place.kind]}; the two are {place.apart:.1e} of the array's norm "
        f"apart, and rounding explains {place.allowed:.1e}."
    )


def _alone_lines(result):
    if not result.alone:
        return
    step = result.alone[0].step
    yield f"Step {step} alone, from the same weights and slots:"
    for kind in ("gradient", "slot", "weight"):
        mine = [place for place in result.alone if place.kind == kind]
        if mine:
            worst = max(mine, key=lambda place: place.apart)
            verdict = "differ" if worst.apart > worst.allowed else "the same to rounding"
            yield (
                f"  {kind}s: {verdict}, at most {worst.apart:.1e} apart ({worst.name}); rounding "
                f"explains {worst.allowed:.1e}"
            )
    if result.differing:
        yield f"  class: {DEFINITION}. {KINDS[result.differing[0].kind]}."


def as_markdown(result):
    """Return what was compared as Markdown, for an issue."""
    return f"```\n{as_text(result)}```\n"


def as_data(result):
    """Return what was compared as plain values, for JSON."""
    return {
        "same": result.same,
        "script": result.script,
        "engines": result.engines,
        "versions": result.versions,
        "mode": "eager",
        "optimizers": result.optimizers,
        "steps": result.steps,
        "rows": result.rows,
        "finding": vars(result.finding) if result.finding is not None else None,
        "alone": [vars(place) for place in result.alone],
        "notes": result.notes,
    }
