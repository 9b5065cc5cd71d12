"""What training is prepared by: arrays in order, weights of samples, metrics by output, batches.

Every target gets an array of weights, and a loss becomes a mean over what a mask and the weights
leave. The arrays themselves are put in order in `engine/arrays.py`.
"""

import warnings
from typing import Any

import numpy as np

from minikeras import ops
from minikeras.keras2 import backend as K
from minikeras.keras2.backend.tensors import symbolic_function
from minikeras.keras2.engine.arrays import (
    check_array_length_consistency,
    check_loss_and_target_compatibility,
    standardize_input_data,
    standardize_single_array,
)
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import spelled
from minikeras.keras2.utils.generic_utils import slice_arrays, to_list

__getattr__ = elsewhere(__name__)

__all__ = [
    "batch_shuffle",
    "check_array_length_consistency",
    "check_array_lengths",
    "check_loss_and_target_compatibility",
    "check_num_samples",
    "collect_metrics",
    "iter_sequence_infinite",
    "make_batches",
    "slice_X",
    "standardize_class_weights",
    "standardize_input_data",
    "standardize_sample_or_class_weights",
    "standardize_sample_weights",
    "standardize_single_array",
    "standardize_weights",
    "weighted_masked_objective",
    "weighted_objective",
]

check_array_lengths = check_array_length_consistency

# --- Weights --------------------------------------------------------------------------------------


def standardize_sample_or_class_weights(x_weight, output_names, weight_type):
    """Return weights that may be given by output as a list with an entry for each.

    Args:
        x_weight: None, one value, a list with an entry for each output, or a dict by name.
        output_names: the outputs' names.
        weight_type: `"sample_weight"` or `"class_weight"`, for messages.

    Returns:
        A list.

    Raises:
        ValueError: if there are several outputs, and a list has another number of entries.
        TypeError: if there are several outputs, and it is neither a list nor a dict.

    Example:
        >>> from minikeras.keras2.engine import training_utils
        >>> training_utils.standardize_sample_or_class_weights(
        ...     {"b": {0: 1.0, 1: 2.0}}, ["a", "b"], "class_weight"
        ... )
        [None, {0: 1.0, 1: 2.0}]
    """
    if x_weight is None or len(x_weight) == 0:
        return [None] * len(output_names)
    if isinstance(x_weight, dict) and any(key in output_names for key in x_weight):
        return [x_weight.get(name) for name in output_names]
    if len(output_names) == 1:
        return list(x_weight) if isinstance(x_weight, list) and len(x_weight) == 1 else [x_weight]
    message = (
        f"The model has {len(output_names)} outputs: `{weight_type}` must be a list with an entry "
        "for each, or a dict by name. Received: "
    )
    if not isinstance(x_weight, (list, tuple, dict)):
        raise TypeError(f"{message}{x_weight!r:.100}")
    if isinstance(x_weight, dict) or len(x_weight) != len(output_names):
        raise ValueError(f"{message}{x_weight!r:.100}")
    return list(x_weight)


def standardize_class_weights(class_weight, output_names):
    """Return `class_weight` as a list with an entry for each output.

    Example:
        >>> from minikeras.keras2.engine.training_utils import standardize_class_weights
        >>> standardize_class_weights({0: 1.0, 1: 3.0}, ["label"])
        [{0: 1.0, 1: 3.0}]
    """
    return standardize_sample_or_class_weights(class_weight, output_names, "class_weight")


def standardize_sample_weights(sample_weight, output_names):
    """Return `sample_weight` as a list with an entry for each output.

    Example:
        >>> from minikeras.keras2.engine.training_utils import standardize_sample_weights
        >>> standardize_sample_weights(None, ["a", "b"])
        [None, None]
    """
    return standardize_sample_or_class_weights(sample_weight, output_names, "sample_weight")


def standardize_weights(y, sample_weight=None, class_weight=None, sample_weight_mode=None):
    """Return an array with a weight for each sample of a target, or for each step.

    Args:
        y: array of targets.
        sample_weight: array of weights, or None.
        class_weight: dict of class to weight, or None; of no effect beside `sample_weight`.
        sample_weight_mode: `"temporal"` for weights of steps, else None.

    Returns:
        An array of shape (samples,), or (samples, steps); of ones where nothing is given.

    Raises:
        ValueError: if the weights do not fit the targets, or a class has no weight.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.engine.training_utils import standardize_weights
        >>> standardize_weights(np.array([[0], [1], [1]]), class_weight={0: 1.0, 1: 3.0})
        array([1., 3., 3.])
    """
    if sample_weight_mode not in (None, "temporal"):
        raise ValueError(
            f"`sample_weight_mode` is 'temporal' or None. Received: {sample_weight_mode!r}"
        )
    if sample_weight_mode and y.ndim < 3:
        raise ValueError(
            "Weights of steps (`sample_weight_mode='temporal'`) need targets with a time axis. "
            f"Received: targets of shape {y.shape}"
        )
    if sample_weight is not None:
        if class_weight is not None:
            warnings.warn(
                "`class_weight` has no effect beside `sample_weight`: multiply the samples' "
                "weights by their classes'.",
                stacklevel=5,
            )
        return _checked(np.asarray(sample_weight), sample_weight_mode, y)
    if isinstance(class_weight, dict):
        return _by_class(y, class_weight)
    return np.ones(y.shape[:2] if sample_weight_mode else y.shape[:1], K.floatx())


def _checked(weight, mode, y):
    expected = y.shape[: 2 if mode else 1]
    if weight.shape != expected:
        is_of_steps = weight.ndim == 2 and mode is None
        hint = ' For weights of steps compile with `sample_weight_mode="temporal"`.'
        raise ValueError(
            f"`sample_weight` for targets of shape {y.shape} must have {len(expected)} axes, and "
            f"the shape {expected}. Received: an array of shape {weight.shape}."
            + hint * is_of_steps
        )
    return weight


def _by_class(y, weights):
    if y.ndim > 2:
        raise ValueError(
            f"`class_weight` is for targets of at most two axes. Received: shape {y.shape}"
        )
    labels = y.argmax(axis=1) if y.shape[1] > 1 else y.reshape(-1)
    missing = set(np.unique(labels).tolist()) - set(weights)
    if missing:
        raise ValueError(
            f"`class_weight` has no weight for the classes {sorted(missing)} of the targets: "
            "give one for each."
        )
    return np.array([weights[label] for label in labels.tolist()], "float64")


def weighted_masked_objective(fn):
    """Return the mean of a loss over what a mask and weights leave, as a function of tensors.

    Args:
        fn: function of targets and outputs that returns a value for each sample, or None.

    Returns:
        A function of `(y_true, y_pred, weights, mask=None)`; None for None. With scores s, a mask m
        and weights w it returns `mean(s m / mean(m) * w / mean(w != 0))`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> from minikeras.keras2 import losses
        >>> from minikeras.keras2.engine.training_utils import weighted_masked_objective
        >>> loss = weighted_masked_objective(losses.mse)
        >>> float(K.eval(loss(K.zeros((2, 1)), K.ones((2, 1)), K.constant([0.0, 3.0]))))
        3.0
    """
    if fn is None:
        return None

    def weighted(y_true, y_pred, weights, mask=None):
        return _mean_score(fn(y_true, y_pred), mask, weights)

    return weighted


weighted_objective = weighted_masked_objective


@symbolic_function
def _mean_score(score, mask, weights):
    """The mean of scores by mask and weights, over all that the weights leave."""
    score = ops.convert_to_tensor(score)
    if mask is not None:
        mask = ops.cast(mask, score.dtype)
        score = score * mask / ops.mean(mask)
    if weights is not None:
        axes = tuple(range(len(weights.shape), len(score.shape)))
        score = ops.mean(score, axis=axes) if axes else score
        used = ops.mean(ops.cast(ops.not_equal(weights, 0), score.dtype))
        score = score * weights / used
    return ops.mean(score)


# --- Metrics and batches --------------------------------------------------------------------------


def collect_metrics(metrics, output_names):
    """Return a list of metrics for each output.

    Args:
        metrics: metric or list of them for all outputs, list of lists, dict by name, or None.
        output_names: the outputs' names.

    Example:
        >>> from minikeras.keras2.engine.training_utils import collect_metrics
        >>> collect_metrics({"a": "acc"}, ["a", "b"])
        [['acc'], []]
    """
    if not metrics:
        return [[] for _ in output_names]
    if isinstance(metrics, dict):
        return [to_list(metrics.get(name) or [], allow_tuple=True) for name in output_names]
    listed: Any = to_list(metrics, allow_tuple=True)
    if any(isinstance(one, (list, tuple)) for one in listed):
        return [to_list([] if one is None else one, allow_tuple=True) for one in listed]
    return [list(listed) for _ in output_names]


def make_batches(size, batch_size):
    """Return the pairs `(start, end)` of batches of samples.

    Example:
        >>> from minikeras.keras2.engine.training_utils import make_batches
        >>> make_batches(5, 2)
        [(0, 2), (2, 4), (4, 5)]
    """
    return [(start, min(start + batch_size, size)) for start in range(0, size, batch_size)]


def batch_shuffle(index_array, batch_size):
    """Return samples with their batches in an order that is drawn; what is left over stays last.

    Args:
        index_array: array of the samples' places.
        batch_size: int.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.engine.training_utils import batch_shuffle
        >>> batch_shuffle(np.arange(5), 2)[-1:].tolist()
        [4]
    """
    whole = len(index_array) // batch_size * batch_size
    groups = np.random.permutation(index_array[:whole].reshape(-1, batch_size))
    return np.concatenate([groups.reshape(-1), index_array[whole:]])


def check_num_samples(ins, batch_size=None, steps=None, steps_name="steps"):
    """Return the number of samples of the inputs; None where steps are counted.

    Args:
        ins: list of arrays.
        batch_size: int, samples of a batch, or None.
        steps: int, the number of steps, or None.
        steps_name: what the caller names `steps`, for messages.

    Raises:
        ValueError: if both are given, or if the graph holds its data and no steps are given.

    Example:
        >>> import numpy as np
        >>> from minikeras.keras2.engine.training_utils import check_num_samples
        >>> check_num_samples([np.zeros((7, 2))], batch_size=2)
        7
    """
    if steps is not None and batch_size is not None:
        raise ValueError(
            f"Give either `{steps_name}` or `batch_size`. Received: {steps_name}={steps}, "
            f"batch_size={batch_size}"
        )
    if ins and not any(K.is_tensor(x) for x in ins):
        return int(ins[0].shape[0]) if hasattr(ins[0], "shape") else None
    if steps is None:
        raise ValueError(
            f"A graph that holds its own data knows no samples: say by `{steps_name}` how many "
            "batches there are."
        )
    return None


def iter_sequence_infinite(seq):
    """Yield the batches of a `Sequence` again and again.

    Example:
        >>> from itertools import islice
        >>> from minikeras.keras2.engine.training_utils import iter_sequence_infinite
        >>> list(islice(iter_sequence_infinite([1, 2]), 5))
        [1, 2, 1, 2, 1]
    """
    while True:
        yield from seq


slice_X = spelled(slice_arrays, "arrays, start=None, stop=None", keras1={"X": "arrays"})
slice_X.__name__ = "slice_X"
