"""Connectionist temporal classification: its loss and its decoding.

Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with
Recurrent Neural Networks" (2006); the equations stand with the kernels (`kernels/shared/ctc.py`).
"""

import numpy as np

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, as_they_are, same, shape_of_first
from minikeras.autograd.fused import fused
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes
from minikeras.core.checks import one_of
from minikeras.kernels.shared import ctc as kernels
from minikeras.kernels.shared import ctc_decoding as decoding
from minikeras.ops.creation.filled import arange, full_like, zeros_like
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.indexing.blocks import take_along_axis
from minikeras.ops.nn.softmax import log_softmax
from minikeras.ops.reductions.sums import logsumexp
from minikeras.ops.shapes.shaping import broadcast_to, concatenate, expand_dims, stack


@op
def ctc_loss(target, output, target_length, output_length, mask_index=0):
    """The negative log-probability that outputs spell their targets, however these are aligned.

    At each step an output names a class or the blank; repeated classes count once unless a blank
    lies between them, and blanks are left out. Graves et al., "Connectionist Temporal
    Classification" (2006).

    Where the targets do not fit into the steps the loss is not infinite: as with TensorFlow a
    sequence that breaks off early has the probability 1e-307.

    Args:
        target: integer tensor `(batch, labels)`, class numbers.
        output: float tensor `(batch, steps, classes)`, logits.
        target_length: integer tensor `(batch,)`, how many labels of each row count.
        output_length: integer tensor `(batch,)`, how many steps of each sample count.
        mask_index: int, the class of the blank.

    Returns:
        A float tensor `(batch,)`.

    Raises:
        ValueError: if the shapes do not fit, or a class number or a length is out of range.

    Example:
        >>> import minikeras as keras
        >>> logits = keras.ops.zeros((1, 2, 2))
        >>> round(float(keras.ops.ctc_loss([[1]], logits, [1], [2])[0]), 4)  # -log(3 / 4)
        0.2877
    """
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    lengths = [convert_to_tensor(n) for n in (target_length, output_length)]
    _check_shapes(target, output, *lengths)
    wide = cast(output, dtype=dtypes.result_type(output.dtype, "float32"))
    integers = [cast(n, dtype="int64") for n in (target, *lengths)]
    return _ctc_loss(wide, *integers, mask_index=mask_index)


ctc_loss.class_name = "CTCLoss"


def _check_shapes(target, output, target_length, output_length):
    tensors = {
        "target": (target, 2),
        "output": (output, 3),
        "target_length": (target_length, 1),
        "output_length": (output_length, 1),
    }
    for name, (tensor, rank) in tensors.items():
        if (
            tensor.ndim != rank
            or dims.is_known((tensor.shape[0], target.shape[0]))
            and (tensor.shape[0] != target.shape[0])
        ):
            shapes = {key: dims.to_public(value.shape) for key, (value, _) in tensors.items()}
            raise ValueError(
                "Expected target (batch, labels), output (batch, steps, classes), target_length "
                "(batch,) and output_length (batch,) with the same first dimension. "
                f"`{name}` does not fit. Received shapes: {shapes}"
            )


@op
def _ctc_loss_reference(logits, target, target_length, output_length, mask_index=0):
    """Sum over all paths, step by step; see `kernels.shared.ctc.loss`."""
    blank = mask_index % logits.shape[-1]
    path = kernels.States(*_states(target, target_length, blank=blank))
    shape = (*logits.shape[:2], path.classes.shape[1])
    classes = broadcast_to(expand_dims(path.classes, 1), shape)
    y = take_along_axis(log_softmax(logits), classes, axis=-1)
    row = full_like(y[:, 0], kernels.IMPOSSIBLE)
    starts = arange(shape[-1]) < 2
    for t in range(shape[1]):
        skipping = where(path.skips, _moved(row, 2), full_like(row, kernels.IMPOSSIBLE))
        reached = logsumexp(stack([row, _moved(row, 1), skipping], axis=-1), axis=-1) + y[:, t]
        new = where(starts, y[:, t], reached) if t == 0 else reached
        row = where(expand_dims(output_length > t, -1), new, row)
    ends = where(path.ends, zeros_like(row), full_like(row, kernels.UNFINISHED))
    total = logsumexp(row + ends, axis=-1)
    rest = where(target_length > 0, full_like(total, kernels.UNFINISHED), zeros_like(total))
    return -where(output_length > 0, total, rest)


@primitive(Family(as_they_are, same, shape_of_first))
def _states(xp, target, target_length, *, blank):
    """The states of the paths, as `kernels.states` returns them."""
    return tuple(kernels.states(xp, target, target_length, blank))


def _moved(row, count):
    """The row with its entries `count` states further on."""
    none = full_like(row[:, :count], kernels.IMPOSSIBLE)
    return concatenate([none, row[:, :-count]], axis=1)[:, : row.shape[1]]


_ctc_loss = fused(
    "ctc_loss",
    reference=_ctc_loss_reference,
    forward=kernels.loss,
    backward=kernels.loss_backward,
    family=Family(as_they_are, same, None),
)


@_ctc_loss.shape_rule
def _(logits, target, target_length, output_length, *, mask_index):
    return Abstract(logits.shape[:1], logits.dtype)


@op
def ctc_decode(
    inputs,
    sequence_lengths,
    strategy="greedy",
    beam_width=100,
    top_paths=1,
    merge_repeated=True,
    mask_index=0,
):
    """Read the likeliest labels out of what a network was trained to with `ctc_loss`.

    `"greedy"` takes the likeliest class of each step. `"beam_search"` adds up the probabilities of
    all ways to spell a sequence, for the `beam_width` likeliest beginnings (Hannun et al.,
    "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs",
    2014). Both run in main memory.

    Args:
        inputs: float tensor `(batch, steps, classes)`, logits.
        sequence_lengths: integer tensor `(batch,)`, how many steps of each sample count.
        strategy: `"greedy"` or `"beam_search"`.
        beam_width: int, how many beginnings are kept after each step.
        top_paths: int, how many sequences are returned; `"greedy"` knows one.
        merge_repeated: bool, whether `"greedy"` counts repeated classes once.
        mask_index: int, the class of the blank; None for the last class.

    Returns:
        `(decoded, scores)`: an int32 tensor `(top_paths, batch, steps)`, filled up with -1, and a
        float tensor `(batch, top_paths)`: log-probabilities, or with `"greedy"` the negative sum of
        the logits that were taken.

    Raises:
        ValueError: if the strategy is unknown, a length is out of range, or fewer than `top_paths`
            sequences were found.

    Example:
        >>> import minikeras as keras
        >>> logits = keras.ops.one_hot([[1, 1, 0, 2]], 3)
        >>> keras.ops.ctc_decode(logits, [4])[0].tolist()
        [[[1, 2, -1, -1]]]
    """
    one_of("strategy", strategy, ("greedy", "beam_search"))
    paths = 1 if strategy == "greedy" else top_paths
    inputs = convert_to_tensor(inputs)
    inputs = cast(inputs, dtype=dtypes.result_type(inputs.dtype, "float32"))
    if isinstance(inputs, Abstract):
        batch, steps = inputs.shape[:2]
        return Abstract((paths, batch, steps), "int32"), Abstract((batch, paths), inputs.dtype)
    logits, lengths = inputs.numpy(), convert_to_tensor(sequence_lengths).numpy()
    _check_lengths(lengths, logits)
    blank = logits.shape[-1] - 1 if mask_index is None else mask_index % logits.shape[-1]
    if strategy == "greedy":
        decoded, scores = decoding.best_paths(logits, lengths, blank, merge_repeated)
        decoded, scores = decoded[None], scores[:, None]
    else:
        decoded, scores = decoding.beam_search(logits, lengths, blank, beam_width, top_paths)
    return convert_to_tensor(decoded), convert_to_tensor(scores)


ctc_decode.class_name = "CTCDecode"


def _check_lengths(lengths, logits):
    batch, steps = logits.shape[:2]
    if lengths.shape != (batch,) or np.any(lengths < 0) or np.any(lengths > steps):
        raise ValueError(
            f"Expected `sequence_lengths` of shape ({batch},) with values from 0 to {steps}, "
            f"because `inputs` has shape {logits.shape}. Received: sequence_lengths={lengths}"
        )
