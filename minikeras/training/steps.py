"""Steps that are recorded once and run again: how `fit`, `evaluate` and `predict` take a step.

The rule, which is that of a function that Keras compiles: the first step on each kind of batch (its
structure, shapes and dtypes) after `compile` runs as it is written, and is recorded (see
`autograd.program`). All later ones are that recording. So what a step reads from Python, the
attributes of layers, their trainability, the optimizer, is read once for each kind of batch, and
stays as it was until the next `compile`; tensors and variables are read in each step.

Two kinds of step run as they are written, each time: those that cannot be recorded, since they ask
a tensor for its values (`float(loss)`, `if x > 0:`) or since a size depends on values
(`x[x > 0]`); and all of a model with `run_eagerly=True`. A step that makes variables is recorded
the next time, when they are there.
"""

from minikeras.arrays import device
from minikeras.autograd.node import recording
from minikeras.autograd.program import Recorder
from minikeras.autograd.tensor import Tensor
from minikeras.core import settings, trees

_MOST_KINDS = 128
"""Sequences of many lengths would make programs without end: further kinds run as written."""

_MOST_ATTEMPTS = 3
"""A step that still makes variables then will go on making them."""


class Steps:
    """The steps of one model since `compile`, each with its programs by kind of batch.

    Threads may share a model: what they record lies with each thread until it is complete, and is
    put into its place at once.

    Args:
        run_eagerly: whether every step runs as it is written.
    """

    def __init__(self, run_eagerly=False):
        self.run_eagerly = run_eagerly
        self._kinds = {}

    def run(self, model, name, batch):
        """Run a step on one batch.

        Args:
            model: the model whose steps these are.
            name: `"train_step"`, `"test_step"` or `"predict_step"`.
            batch: nest of tensors.

        Returns:
            What the step returns.
        """
        step = getattr(model, name)
        if not self._may_record():
            return step(batch)
        key = (name, _kind(batch), _settings())
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST_KINDS:
                return step(batch)
            kind = self._kinds.setdefault(key, _Kind())
        if kind.program is not None:
            return kind.program(batch)
        return step(batch) if kind.refusal else kind.record(step, batch)

    def sources(self, name):
        """Return the code of the programs of a step, one for each kind of batch that has one."""
        kinds = [kind for (step, *_), kind in self._kinds.items() if step == name]
        return [kind.program.source for kind in kinds if kind.program is not None]

    def refusals(self, name):
        """Return why a step is not recorded, for each kind of batch for which it is not."""
        kinds = [kind for (step, *_), kind in self._kinds.items() if step == name]
        return [kind.refusal for kind in kinds if kind.refusal is not None]

    def _may_record(self):
        """Whether nobody wants steps as written, or records this one from outside already."""
        allowed = settings.recorded_steps() and not self.run_eagerly
        return allowed and not recording.tapes and recording.recorder is None


class _Kind:
    """A kind of batch: the program of its step, or why there is none."""

    def __init__(self):
        self.program = None
        self.refusal = None
        self._attempts = 0

    def record(self, step, batch):
        """Run a step as it is written, and keep the program of what it does."""
        # Arrays of the recording's own: whatever else holds the batch is no input of the program.
        batch = trees.map_structure(_view, batch)
        recorder = Recorder(batch)
        results = recorder.run(lambda: step(batch))
        if not all(map(_is_result, trees.flatten(results))):
            recorder.refuse("the step returns something else than tensors and numbers")
        self._attempts += 1
        if recorder.refusal is None:
            self.program = recorder.program(results)
        elif recorder.lasting or self._attempts == _MOST_ATTEMPTS:
            self.refusal = recorder.refusal
        return results


def placed(batch):
    """Return a batch as tensors on the current device, moved there once for all who use them."""
    return trees.map_structure(_tensor, batch)


def _tensor(leaf):
    if leaf is None or isinstance(leaf, Tensor):
        return leaf
    return Tensor(device.asarray(leaf))


def _view(leaf):
    return leaf if leaf is None else Tensor(leaf.data.view())


def _is_result(leaf):
    """Whether a program can return a value: a tensor, a variable, or what never changes."""
    plain = leaf is None or isinstance(leaf, (bool, int, float, str))
    return plain or type(leaf) is Tensor or hasattr(leaf, "as_operand")


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
