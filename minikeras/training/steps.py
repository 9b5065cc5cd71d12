"""Steps that are recorded and run again: how `fit`, `evaluate` and `predict` call a model's step.

Of each kind of batch (its shapes and dtypes) a model sees, the first step runs as it is written; it
may still make weights and state. The second is recorded (see `autograd.program`). The third is run
twice, as written and as recorded, from the same state: if one bit differs, something has happened
in the step that was no part of the recording, and steps of this kind go on as written. All later
ones are the recorded program, which computes the same numbers with less around them.

So code of a user's own step, layer or metric runs three times (four, if the batches do not differ),
and then what it computed is repeated, as in a function that Keras compiles. `run_eagerly=True`
keeps every step as written.
"""

import time
from typing import Any

from minikeras.arrays import device
from minikeras.autograd.node import recording
from minikeras.autograd.program import Journal, Recorder
from minikeras.autograd.tensor import Tensor
from minikeras.core import settings, trees
from minikeras.layers import tracking

# A step that takes longer spends next to nothing on what a program leaves out.
_LONGEST_SECONDS = 0.1

# Sequences of many lengths would make many programs, each used a few times.
_MOST_KINDS = 32


class Steps:
    """The steps of one model, each with its programs by kind of batch."""

    def __init__(self, model):
        self._model = model
        self._kinds = {}
        self._version = tracking.version()

    def run(self, name, batch):
        """Run a step on one batch.

        Args:
            name: `"train_step"`, `"test_step"` or `"predict_step"`.
            batch: nest of tensors.

        Returns:
            What the step returns.
        """
        step = getattr(self._model, name)
        if not self._may_record():
            return step(batch)
        if self._version != tracking.version():
            self._kinds, self._version = {}, tracking.version()
        key = (name, _kind(batch), _settings())
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST_KINDS:
                return step(batch)
            kind = self._kinds[key] = _Kind()
        return kind.run(step, batch)

    def sources(self, name):
        """Return the code of the programs of a step, one for each kind of batch that has one."""
        kinds = [kind for (step, *_), kind in self._kinds.items() if step == name]
        return [kind._program.source for kind in kinds if kind._program is not None]

    def _may_record(self):
        """Whether nobody wants steps as written, or records this one from outside already."""
        wanted = settings.recorded_steps() and not self._model.run_eagerly
        return wanted and not recording.tapes and recording.recorder is None


class _Kind:
    """A kind of batch: what is done with the next one."""

    def __init__(self):
        self.run = self._first
        self._program: Any = None
        self._recorded_on: Any = None
        self.refusal = None

    def _first(self, step, batch):
        self.run = self._recorded
        return step(batch)

    def _recorded(self, step, batch):
        """Record a step, unless it is a long one."""
        start = time.perf_counter()
        recorder = Recorder(batch)
        results = recorder.run(lambda: step(batch))
        if time.perf_counter() - start > _LONGEST_SECONDS:
            recorder.refuse("the step takes so long that there is nothing to gain")
        if not _are_tensors(results):
            recorder.refuse("the step returns something else than tensors")
        self._program, self.refusal = recorder.program(results), recorder.refusal
        self.run = self._written if self._program is None else self._compared
        self._recorded_on = trees.map_structure(_copy, batch)
        return results

    def _compared(self, step, batch):
        """Run a step as written and as recorded, and see whether both do the same."""
        if _alike(batch, self._recorded_on):
            # What was taken for a constant would be right by chance: try samples in other places.
            trial = trees.map_structure(_rolled, batch)
            if not _alike(trial, batch):
                self._try(step, trial).undo()
            return step(batch)
        return self._try(step, batch).results

    def _try(self, step, batch):
        """Take a step in both ways; what the step as written has done is there in the end."""
        with Journal() as written:
            written.results = step(batch)
        values = written.values()
        repeated = Journal()
        self.run = self._written
        try:
            written.undo()
            with repeated:
                again = self._program(batch)
            if (
                set(map(id, written.before)) == set(map(id, repeated.before))
                and all(map(_equal, values, written.values()))
                and _alike(written.results, again)
            ):
                self.run = self._repeated
        finally:  # whoever interrupts the repetition loses nothing of the step
            repeated.undo()
            for variable, array in zip(written.before, values, strict=True):
                variable.array = array
        self._recorded_on = None
        return written

    def _repeated(self, step, batch):
        return self._program(batch)

    def _written(self, step, batch):
        return step(batch)


def placed(batch):
    """Return a batch as tensors on the current device, moved there once for all who use them."""
    return trees.map_structure(_tensor, batch)


def _tensor(leaf):
    if leaf is None or isinstance(leaf, Tensor):
        return leaf
    return Tensor(device.asarray(leaf))


def _kind(nest):
    """The structure, shapes and dtypes of a nest of tensors, as a key."""
    if type(nest) is Tensor:
        return nest.data.shape, nest.data.dtype
    if isinstance(nest, dict):
        return tuple((key, _kind(value)) for key, value in nest.items())
    if isinstance(nest, (list, tuple)):
        return type(nest), *map(_kind, nest)
    return nest


def _settings():
    layout = settings.image_data_format()
    return settings.floatx(), settings.fused_kernels(), layout, device.current()


def _are_tensors(results):
    return all(type(leaf) is Tensor for leaf in trees.flatten(results))


def _alike(nest, other):
    pairs = zip(trees.flatten(nest), trees.flatten(other), strict=True)
    return all(a is b is None or _equal(a.data, b.data) for a, b in pairs)


def _copy(leaf):
    return leaf if leaf is None else Tensor(leaf.data.copy())


def _rolled(leaf):
    return leaf if leaf is None else Tensor(device.namespace(leaf.data).roll(leaf.data, 1, axis=0))


def _equal(a, b):
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return bool(((a == b) | ((a != a) & (b != b))).all())
