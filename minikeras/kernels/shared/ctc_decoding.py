"""Decoding of connectionist temporal classification, in main memory.

Graves et al., "Connectionist Temporal Classification" (2006): the best path. Hannun et al.,
"First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs"
(2014): prefix beam search, without a language model.
"""

import heapq
from typing import Any, NamedTuple

import numpy as np

from minikeras.core.types import Array

PADDING = -1
"""What follows the last label of a decoded sequence."""


def best_paths(logits, lengths, blank, merge_repeated):
    """Take the likeliest class of each step, merge repetitions, and drop blanks.

    Args:
        logits: Float array `(batch, steps, classes)`.
        lengths: Int array `(batch,)`, the number of steps that count.
        blank: The class of the blank.
        merge_repeated: Whether equal classes one after the other count once.

    Returns:
        Int array `(batch, steps)`, padded with -1, and a float array `(batch,)`: the negative sum
        of the logits that were taken.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.ctc_decoding import best_paths
        >>> logits = np.eye(3)[np.array([[1, 1, 0, 1]])]
        >>> best_paths(logits, np.array([4]), 0, True)[0].tolist()
        [[1, 1, -1, -1]]
    """
    steps = np.arange(logits.shape[1])
    counts = steps < lengths[:, None]
    best = logits.argmax(axis=-1)
    kept = counts & (best != blank)
    if merge_repeated:
        kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    decoded = np.full(best.shape, PADDING, "int32")
    decoded[steps < kept.sum(axis=1)[:, None]] = best[kept]
    return decoded, -np.where(counts, logits.max(axis=-1), 0).sum(axis=1, dtype=logits.dtype)


def beam_search(logits, lengths, blank, beam_width, top_paths):
    """Search each sample for its likeliest sequences.

    Args:
        logits: Float array `(batch, steps, classes)`.
        lengths: Int array `(batch,)`, the number of steps that count.
        blank: The class of the blank.
        beam_width: How many prefixes are kept after each step.
        top_paths: How many sequences to return.

    Returns:
        Int array `(top_paths, batch, steps)`, padded with -1, and the log-probabilities, a float
        array `(batch, top_paths)`.

    Raises:
        ValueError: If fewer sequences were found than wanted.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.ctc_decoding import beam_search
        >>> p = np.array([[[0.6, 0.4], [0.6, 0.4]]])
        >>> beam_search(np.log(p), [2], 0, 10, 2)[0].tolist()
        [[[1, -1]], [[-1, -1]]]
    """
    decoded = np.full((top_paths, *logits.shape[:2]), PADDING, "int32")
    scores = np.empty((len(logits), top_paths), logits.dtype)
    for i, (sample, length) in enumerate(zip(logits, lengths, strict=True)):
        found, scores[i] = likeliest_sequences(sample, length, blank, beam_width, top_paths)
        for j, labels in enumerate(found):
            decoded[j, i, : len(labels)] = labels
    return decoded, scores


class _Beam(NamedTuple):
    """The likeliest beginnings of a sequence, in falling order.

    Args:
        prefixes: list of tuples of labels.
        blank: the log-probabilities of all paths that spell each and end in a blank.
        label: those that end in its last label.
    """

    prefixes: list[tuple[int, ...]]
    blank: Array
    label: Array

    @property
    def total(self):
        """The log-probability of each prefix."""
        return np.logaddexp(self.blank, self.label)


def likeliest_sequences(logits, length, blank, beam_width, top_paths):
    """Search one sample for the sequences whose paths have the highest probability together.

    Args:
        logits: Float array `(steps, classes)`.
        length: The number of steps that count.
        blank: The class of the blank.
        beam_width: How many prefixes are kept after each step.
        top_paths: How many sequences to return.

    Returns:
        A list of tuples of labels, and their log-probabilities, an array.

    Raises:
        ValueError: If fewer sequences were found than wanted.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.shared.ctc_decoding import likeliest_sequences
        >>> p = np.array([[0.6, 0.4], [0.6, 0.4]])
        >>> likeliest_sequences(np.log(p), 2, 0, 10, 2)[0]
        [(1,), ()]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        y = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        beam = _Beam([()], np.zeros(1, y.dtype), np.full(1, -np.inf, y.dtype))
        for step in y[:length]:
            beam = _next(beam, step, blank, beam_width)
    if len(beam.prefixes) < top_paths:
        raise ValueError(
            f"Expected at least top_paths={top_paths} sequences, but with "
            f"beam_width={beam_width} and {length} steps the search found {len(beam.prefixes)}."
        )
    return beam.prefixes[:top_paths], beam.total[:top_paths]


def _next(beam, y, blank, width):
    """The beam after one more step, whose log-probabilities are `y`."""
    repeated, blanks = _repeated(beam, y), beam.total + y[blank]
    stays = np.logaddexp(blanks, repeated)
    kept = _Kept(width, stays)
    _grow(beam, y, blank, kept)
    entries = kept.in_falling_order()
    none = y.dtype.type(-np.inf)
    return _Beam(
        [beam.prefixes[i] if grown is None else grown[0] for _, i, grown in entries],
        np.array([blanks[i] if grown is None else none for _, i, grown in entries]),
        np.array([repeated[i] if grown is None else total for total, i, grown in entries]),
    )


class _Kept:
    """The likeliest prefixes of a step, the lowest of them in front.

    The entries are `(total, number, grown)`; `grown` holds a new prefix, or is None for that of the
    beam with this number.
    """

    def __init__(self, width, totals):
        self.width = width
        self.heap: list[Any] = [(total, i, None) for i, total in enumerate(totals)]
        self.pushed = len(self.heap)
        self.dropped = set()
        heapq.heapify(self.heap)

    def lowest(self):
        """The total that a further prefix must exceed."""
        return self.heap[0][0] if len(self.heap) == self.width else -np.inf

    def push(self, total, prefix):
        """Take a prefix in, in the place of the lowest one if all are taken."""
        entry = (total, self.pushed, (prefix,))
        self.pushed += 1
        if len(self.heap) < self.width:
            heapq.heappush(self.heap, entry)
        else:
            self.dropped.add(heapq.heapreplace(self.heap, entry)[1])

    def in_falling_order(self):
        """All that are kept, the likeliest first; of equal ones those of the beam."""
        return sorted(self.heap, key=lambda entry: (-entry[0], entry[1]))


def _grow(beam, y, blank, kept):
    """Offer each prefix with each label after it, if that is no prefix of the beam already.

    As in TensorFlow, a prefix that has been dropped is not grown if the prefix without its last
    label is grown before it.
    """
    places = {prefix: i for i, prefix in enumerate(beam.prefixes)}
    skipped = set()
    for i, (prefix, total) in enumerate(zip(beam.prefixes, beam.total, strict=True)):
        if i in skipped or not total > kept.lowest():
            continue
        row = total + y
        row[blank] = -np.inf
        if prefix:
            row[prefix[-1]] = beam.blank[i] + y[prefix[-1]]
        for label in range(len(y)):
            longer = places.get((*prefix, label))
            if longer is not None:
                skipped |= {longer} & kept.dropped
            elif row[label] > kept.lowest():
                kept.push(row[label], (*prefix, label))


def _repeated(beam, y):
    """The probability of each prefix with its last label at this step.

    The label was there before, or it comes now after the prefix without it, which must end in a
    blank if the label before is the same.
    """
    places = {prefix: i for i, prefix in enumerate(beam.prefixes)}
    total, label = beam.total, np.full_like(beam.label, -np.inf)
    for i, prefix in enumerate(beam.prefixes):
        if prefix:
            shorter = places.get(prefix[:-1])
            before = -np.inf
            if shorter is not None:
                same = prefix[-2:-1] == prefix[-1:]
                before = beam.blank[shorter] if same else total[shorter]
            label[i] = np.logaddexp(beam.label[i], before) + y[prefix[-1]]
    return label
