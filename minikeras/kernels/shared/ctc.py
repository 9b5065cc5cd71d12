"""Connectionist temporal classification: the probability of a sequence without an alignment.

Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with
Recurrent Neural Networks" (2006). A path gives one class, or the blank, to every step; it spells
the labels that are left when repetitions are merged and blanks are dropped. All paths that spell
the labels `l_1 ... l_n` go through the states `blank, l_1, blank, l_2, ... l_n, blank`: from one
step to the next a path stays in its state, goes to the next one, or skips the blank between two
labels that differ.

All probabilities are logarithms. The sum over all paths takes one pass forward, its gradient one
pass backward.
"""

from typing import NamedTuple

import numpy as np

from minikeras.core.types import Array
from minikeras.kernels.shared.activations import exponentials

IMPOSSIBLE = -1e30
"""The logarithm of a probability of zero: finite, so that differences of two of them exist."""

UNFINISHED = -706.8936
"""What a path pays for not ending with the labels, log(1e-307): a loss is never infinite.

TensorFlow does so. It counts only where the labels do not fit into the steps.
"""


class States(NamedTuple):
    """What a path goes through: for each sample its states, and where it may skip and end.

    Args:
        classes: int array `(batch, states)`, the class of each state.
        skips: bool array `(batch, states)`, whether a path may come from two states before.
        ends: bool array `(batch, states)`, whether a path may end here.
    """

    classes: Array
    skips: Array
    ends: Array


def states(xp, target, target_length, blank):
    """Return the states of the paths that spell the targets.

    Args:
        xp: The array module.
        target: Int array `(batch, labels)`.
        target_length: Int array `(batch,)`, the number of labels that count.
        blank: The class of the blank.

    Returns:
        `States` of `2 * labels + 1` states.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.ctc import states
        >>> states(np, np.array([[3, 3, 2]]), np.array([2]), 0).classes
        array([[0, 3, 0, 3, 0, 0, 0]])
    """
    batch, labels = target.shape
    places = xp.arange(2 * labels + 1)
    classes = xp.full((batch, 2 * labels + 1), blank, dtype="int64")
    counts = xp.arange(labels) < target_length[:, None]
    classes[:, 1::2] = xp.where(counts, target, blank)
    skips = xp.zeros(classes.shape, dtype=bool)
    skips[:, 3::2] = target[:, 1:] != target[:, :-1]
    last = 2 * target_length[:, None]
    return States(classes, skips, (places == last) | (places == last - 1))


def loss(xp, logits, target, target_length, output_length, *, mask_index=0, save=False):
    """The negative logarithm of the probability that a path spells the targets.

    With `y = log_softmax(logits)` at the classes of the states, each sample takes the steps

        alpha[0] = where(arange(states) < 2, y[0], -inf)
        before = logaddexp(alpha[t - 1], moved(alpha[t - 1], 1))
        before = logaddexp(before, where(skips, moved(alpha[t - 1], 2), -inf))
        alpha[t] = before + y[t]
        loss = -logsumexp(where(ends, alpha[T - 1], alpha[T - 1] + UNFINISHED))

    where `moved(row, 1)[s]` is `row[s - 1]`.

    Args:
        xp: The array module.
        logits: Float array `(batch, steps, classes)`.
        target: Int array `(batch, labels)`.
        target_length: Int array `(batch,)`.
        output_length: Int array `(batch,)`, the number of steps that count.
        mask_index: The class of the blank.
        save: Whether a backward pass will follow.

    Returns:
        Array `(batch,)`, and if `save` what `loss_backward` takes: `y`, `alpha` and the logarithm
        of the probability.

    Raises:
        ValueError: If a class or a length is out of range; a GPU would have to be waited for, so
            there it is not looked at.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.ctc import loss
        >>> lengths = np.array([1]), np.array([2])
        >>> loss(np, np.zeros((1, 2, 2)), np.array([[1]]), *lengths)[0].round(4)
        array([0.2877])
    """
    blank = mask_index % logits.shape[-1]
    if xp is np:
        _refuse_out_of_range(logits, target, target_length)
    path = states(xp, target, target_length, blank)
    y = _of_states(xp, logits, path)
    alpha = xp.empty_like(y)
    row = xp.full_like(y[:, 0], IMPOSSIBLE)
    for t in range(y.shape[1]):
        new = _reached(xp, row, path.skips) + y[:, t]
        if t == 0:
            new[:, :2] = y[:, 0, :2]
        row = xp.where((t < output_length)[:, None], new, row)
        alpha[:, t] = row
    total = _log_sum(xp, row + _at_the_end(xp, row, path))
    total = xp.where(output_length > 0, total, _without_steps(xp, total, target_length))
    return -total, (y, alpha, total) if save else None


def loss_backward(xp, g, arrays, saved, needs, *, mask_index=0):
    """Gradient of `loss` with respect to the logits.

    `beta` runs from the last step to the first as `alpha` does forward. The product of both is the
    probability of all paths that are in a state at a step; their share of all paths is subtracted
    from the probability of the state's class.

        beta[T - 1] = where(ends, 0, UNFINISHED)
        after = beta[t + 1] + y[t + 1]
        beta[t] = logaddexp(after, moved(after, -1))
        beta[t] = logaddexp(beta[t], moved(where(skips, after, -inf), -2))
        share = exp(alpha + beta + loss)  # (steps, states), adds up to 1 in each step
        dlogits = g * (softmax(logits) - share @ one_hot(classes))

    Args:
        xp: The array module.
        g: Float array `(batch,)`, the gradient with respect to the loss.
        arrays: `(logits, target, target_length, output_length)`.
        saved: What `loss` saved.
        needs: Four bools, of which only the first can be true.
        mask_index: The class of the blank.

    Returns:
        A list of the gradient with respect to the logits, and three times None.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.ctc import loss, loss_backward
        >>> arrays = np.zeros((1, 1, 2)), np.array([[1]]), np.array([1]), np.array([1])
        >>> _, saved = loss(np, *arrays, save=True)
        >>> loss_backward(np, np.ones(1), arrays, saved, (True, False, False, False))[0]
        array([[[ 0.5, -0.5]]])
    """
    logits, target, target_length, output_length = arrays
    y, alpha, total = saved
    steps, classes = logits.shape[1:]
    path = states(xp, target, target_length, mask_index % classes)
    share = xp.empty_like(y)
    row = end = _at_the_end(xp, y[:, 0], path)
    for t in range(steps - 1, -1, -1):
        if t < steps - 1:
            before = _reached_back(xp, row + y[:, t + 1], path.skips)
            row = xp.where((t < output_length - 1)[:, None], before, end)
        share[:, t] = xp.exp(alpha[:, t] + row - total[:, None])
    one_hot = (path.classes[..., None] == xp.arange(classes)).astype(y.dtype)
    _, powers, sums = exponentials(xp, logits, -1)
    dlogits = (powers / sums - share @ one_hot) * g[:, None, None]
    counts = xp.arange(steps) < output_length[:, None]
    return [xp.where(counts[..., None], dlogits, xp.zeros_like(dlogits)), None, None, None]


def _refuse_out_of_range(logits, target, target_length):
    classes, labels = logits.shape[-1], target.shape[1]
    if target_length.size and not 0 <= target_length.min() <= target_length.max() <= labels:
        raise ValueError(
            f"Expected target lengths from 0 to {labels}, because `target` has shape "
            f"{target.shape}. Received: lengths from {target_length.min()} to {target_length.max()}"
        )
    known = target[np.arange(labels) < target_length[:, None]]
    if known.size and not 0 <= known.min() <= known.max() < classes:
        raise ValueError(
            f"Expected class numbers from 0 to {classes - 1}, because `output` has shape "
            f"{logits.shape}. Received: target with values from {known.min()} to {known.max()}"
        )


def _of_states(xp, logits, path):
    """The log-probability of each state's class at each step: `(batch, steps, states)`."""
    shifted, _, total = exponentials(xp, logits, -1)
    shape = (*logits.shape[:2], path.classes.shape[1])
    places = xp.broadcast_to(path.classes[:, None, :], shape)
    return xp.take_along_axis(shifted - xp.log(total), places, axis=-1)


def _at_the_end(xp, like, path):
    """What a path pays for where it ends."""
    return xp.where(path.ends, xp.zeros_like(like), xp.full_like(like, UNFINISHED))


def _without_steps(xp, like, target_length):
    """The result for a sample of no steps, which spells no labels."""
    return xp.where(target_length > 0, xp.full_like(like, UNFINISHED), xp.zeros_like(like))


def _moved(xp, row, count):
    """The row with its entries `count` states further on, or back if it is negative."""
    moved = xp.full_like(row, IMPOSSIBLE)
    if count > 0:
        moved[:, count:] = row[:, :-count]
    else:
        moved[:, :count] = row[:, -count:]
    return moved


def _reached(xp, row, skips):
    """The probability of coming into each state, before the state's own factor."""
    skipping = xp.where(skips, _moved(xp, row, 2), xp.full_like(row, IMPOSSIBLE))
    return _log_sum(xp, xp.stack([row, _moved(xp, row, 1), skipping], axis=-1))


def _reached_back(xp, row, skips):
    """The same from the end: the probability of all ways on from each state."""
    skipping = xp.where(skips, row, xp.full_like(row, IMPOSSIBLE))
    return _log_sum(xp, xp.stack([row, _moved(xp, row, -1), _moved(xp, skipping, -2)], axis=-1))


def _log_sum(xp, x):
    """The logarithm of the sum of exponentials along the last axis."""
    highest = x.max(axis=-1)
    return highest + xp.log(xp.exp(x - highest[..., None]).sum(axis=-1))
