"""Connectionist temporal classification: its loss and its decoding, for softmax outputs.

Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with
Recurrent Neural Networks" (2006). The blank is the last class.
"""

import numpy as np

from minikeras import ops
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims
from minikeras.core import settings as engine
from minikeras.keras2.backend.sparse import SparseTensor
from minikeras.keras2.backend.tensors import symbolic_function


def _lengths(x):
    """Lengths `(batch, 1)` or `(batch,)` as int32 `(batch,)`."""
    x = ops.cast(x, "int32")
    return ops.squeeze(x, -1) if len(x.shape) > 1 else x


def _logits(y_pred):
    return ops.log(ops.convert_to_tensor(y_pred) + engine.epsilon())


def _counted(labels, label_length):
    """Where labels `(batch, labels)` count."""
    return ops.arange(labels.shape[1]) < ops.expand_dims(label_length, -1)


@symbolic_function
def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """Negative log-probability of labels, however they are aligned with the steps.

    Args:
        y_true: tensor `(batch, labels)`, class numbers.
        y_pred: float tensor `(batch, steps, classes)`, the output of a softmax; the last class is
            the blank.
        input_length: integer tensor `(batch, 1)`, how many steps of each sample count.
        label_length: integer tensor `(batch, 1)`, how many labels of each row count.

    Returns:
        A float tensor `(batch, 1)`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> y = K.constant([[[0.5, 0.5], [0.5, 0.5]]])
        >>> cost = K.ctc_batch_cost(K.constant([[0]]), y, K.constant([[2]]), K.constant([[1]]))
        >>> round(float(K.eval(cost)[0, 0]), 4)  # -log(3 / 4)
        0.2877
    """
    labels, lengths = ops.cast(y_true, "int32"), _lengths(label_length)
    labels = ops.where(_counted(labels, lengths), labels, 0)
    cost = ops.ctc_loss(labels, _logits(y_pred), lengths, _lengths(input_length), mask_index=-1)
    return ops.expand_dims(cost, 1)


def ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1):
    """Read the likeliest labels out of softmax outputs.

    Args:
        y_pred: float tensor `(batch, steps, classes)`; the last class is the blank.
        input_length: integer tensor `(batch,)`, how many steps of each sample count.
        greedy: whether to take the likeliest class of each step, instead of a beam search.
        beam_width: how many beginnings a beam search keeps.
        top_paths: how many sequences a beam search returns.

    Returns:
        `(decoded, log_prob)`: a list of int64 tensors `(batch, labels)`, filled up with -1, one for
        each path; and a float tensor `(batch, paths)`: log-probabilities, or if greedy the
        negative sum of the logarithms that were taken.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> y = K.constant([[[0.9, 0.1, 0.0], [0.1, 0.0, 0.9], [0.0, 0.1, 0.9]]])
        >>> paths, scores = K.ctc_decode(y, K.constant([3]))
        >>> K.eval(paths[0]).tolist()
        [[0]]
    """
    *decoded, log_prob = _decoded(y_pred, input_length, greedy, beam_width, top_paths)
    return decoded, log_prob


@symbolic_function
def _decoded(y_pred, input_length, greedy, beam_width, top_paths):
    strategy = "greedy" if greedy else "beam_search"
    paths, scores = ops.ctc_decode(
        _logits(y_pred),
        _lengths(input_length),
        strategy=strategy,
        beam_width=beam_width,
        top_paths=top_paths,
        mask_index=-1,
    )
    return [*(_trimmed(paths, n, not greedy) for n in range(paths.shape[0])), scores]


def _trimmed(paths, n, merged):
    """One path of each sample, as wide as the longest of them.

    A beam search may find a label twice in succession, around a blank. If `merged`, which is what
    TensorFlow 1 does, it is returned once.
    """
    if isinstance(paths, Abstract):
        return Abstract((paths.shape[1], dims.Dim()), "int64")
    path = paths[n].numpy().astype("int64")
    if merged:
        path[:, 1:][path[:, 1:] == path[:, :-1]] = -1
    order = np.argsort(path < 0, axis=1, kind="stable")
    path = np.take_along_axis(path, order, axis=1)
    width = int(np.max(np.sum(path >= 0, axis=1), initial=0))
    return ops.convert_to_tensor(path[:, :width])


def ctc_label_dense_to_sparse(labels, label_lengths):
    """Return labels by those of them that count.

    Args:
        labels: tensor `(batch, labels)`.
        label_lengths: integer tensor `(batch,)`, how many labels of each row count.

    Returns:
        A `SparseTensor`: its indices, values and shape.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> labels = K.constant([[1, 2], [3, 0]], dtype="int32")
        >>> sparse = K.ctc_label_dense_to_sparse(labels, K.constant([2, 1], dtype="int32"))
        >>> K.eval(K.to_dense(sparse)).tolist()
        [[1, 2], [3, 0]]
    """
    return SparseTensor(*_given_labels(labels, label_lengths))


@symbolic_function
def _given_labels(labels, label_lengths):
    labels = ops.convert_to_tensor(labels)
    if isinstance(labels, Abstract):
        n = dims.Dim()
        shapes = ((n, 2), "int64"), ((n,), labels.dtype), ((2,), "int64")
        return [Abstract(*shape) for shape in shapes]
    places = np.argwhere(_counted(labels, _lengths(label_lengths)).numpy())
    rows, columns = places.T
    values = ops.reshape(labels, (-1,))[rows * labels.shape[1] + columns]
    return [
        ops.convert_to_tensor(places.astype("int64")),
        values,
        ops.convert_to_tensor(np.array(labels.shape, "int64")),
    ]
