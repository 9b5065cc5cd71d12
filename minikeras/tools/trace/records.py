"""What a trace holds: a record for each call of a layer, and a step for each weight."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Record:
    """One call of one layer.

    Attributes:
        key: path and index of the call, as `block/dense#0`.
        path: names of the layers around it and its own.
        index: how many calls of the same path there were before.
        layer: the layer.
        inputs: arrays that it got.
        outputs: arrays that it gave.
        logits: for each output the array before its softmax, where the loss begins there; or None.
        masks: for each input the mask that it carries, or None.
        origins: for each input where it is from: `(key, which output)`, `("input", which)`, or None
            where code between the layers made it.
        arguments: the tensors among the named arguments, as places in `inputs`, and all else.
        weights: the layer's weights before the step, by path in the layer.
        before: pairs of the layer's variables, seeds among them, and their values before the call.
        training: whether it ran as in training.
        states: what of these the call changes, after it.
        d_outputs: gradient of the loss with respect to each output, or None.
        d_logits: the same for `logits`.
        d_inputs: for each input what this call passes back to it, or None.
        d_weights: by path, what this call adds to the gradient of a weight, or None.
        flops: operations counted: additions and multiplications of numbers, one each.
        forward: functions of the package that ran, in order, as `(file, line, code object)`.
        backward: the same for the way back.
    """

    key: str
    path: str
    index: int
    layer: Any
    inputs: list[np.ndarray]
    outputs: list[np.ndarray]
    logits: list[Any]
    masks: list[Any]
    origins: list[Any]
    arguments: dict[str, Any]
    weights: dict[str, np.ndarray]
    before: list[Any]
    training: bool
    states: dict[str, np.ndarray] = field(default_factory=dict)
    d_outputs: list[Any] = field(default_factory=list)
    d_logits: list[Any] = field(default_factory=list)
    d_inputs: list[Any] = field(default_factory=list)
    d_weights: dict[str, Any] = field(default_factory=dict)
    flops: int = 0
    forward: list[Any] = field(default_factory=list)
    backward: list[Any] = field(default_factory=list)

    @property
    def bytes(self):
        """The bytes of its inputs, outputs and weights."""
        return sum(a.nbytes for a in [*self.inputs, *self.outputs, *self.weights.values()])


@dataclass
class Step:
    """What the optimizer did with one weight.

    Attributes:
        variable: the weight.
        gradient: array, the gradient of the loss; as it was before clipping, say.
        before: the weight's values.
        after: those after the step.
        slots: by name, the optimizer's variables for this weight, `(before, after)`.
    """

    variable: Any
    gradient: np.ndarray
    before: np.ndarray
    after: np.ndarray
    slots: dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass
class Trace:
    """A run: its records in the order of the calls.

    Attributes:
        model: the model.
        training: whether layers ran as in training.
        inputs: arrays.
        targets: arrays, none without a loss.
        outputs: arrays.
        origins: for each output where it is from, as in `Record.origins`.
        loss: float.
        penalties: float, the part of the loss that layers and regularizers add.
        records: list of `Record`.
        d_inputs: gradient of the loss with respect to each input, or None.
        steps: list of `Step`, one for each weight that has a gradient; none without an optimizer.
        optimizer: the copy of the optimizer that took the step, or None.
        scalars: dict of `learning_rate` and `iterations` at the step.
        step_source: the functions that took the step.
    """

    model: Any
    training: bool
    inputs: list[np.ndarray]
    targets: list[np.ndarray]
    outputs: list[np.ndarray]
    origins: list[Any]
    loss: float
    penalties: float
    records: list[Record]
    d_inputs: list[Any]
    steps: list[Step] = field(default_factory=list)
    optimizer: Any = None
    scalars: dict[str, float] = field(default_factory=dict)
    step_source: list[Any] = field(default_factory=list)
