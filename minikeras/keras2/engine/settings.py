"""The arguments of `fit` and its kin, in the spelling of Keras 1 as well."""

import warnings
from dataclasses import dataclass

# Arguments of Keras 1, and what they are called in Keras 2; None for those without effect.
OLD_ARGUMENTS = {
    "nb_epoch": "epochs",
    "samples_per_epoch": "steps_per_epoch",
    "nb_val_samples": "validation_steps",
    "val_samples": "steps",
    "nb_worker": "workers",
    "max_q_size": "max_queue_size",
    "pickle_safe": "use_multiprocessing",
    "show_accuracy": None,
    "class_mode": None,
}


@dataclass
class FitSettings:
    """How long and how `fit` trains.

    Args:
        batch_size: samples in a step.
        epochs: number of the epoch to stop before, counted from 0.
        verbose: 0 for silence, 1 for a progress bar, 2 for a line per epoch.
        shuffle: whether the order of samples is drawn again each epoch; `"batch"` for batches.
        initial_epoch: the first epoch's number.
        steps_per_epoch: steps of an epoch, or None to go through the samples.
        validation_steps: steps of a validation, or None to go through its samples.
    """

    batch_size: int = 32
    epochs: int = 1
    verbose: int = 1
    shuffle: bool | str = True
    initial_epoch: int = 0
    steps_per_epoch: int | None = None
    validation_steps: int | None = None


def in_keras_2(kwargs, taken, method):
    """Return arguments by name, those of Keras 1 under their names of Keras 2.

    Args:
        kwargs: arguments that the signature does not name.
        taken: names that the method takes.
        method: the method's name, for messages.

    Returns:
        A dict.

    Raises:
        TypeError: if an argument is unknown.
    """
    renamed = {}
    for key, value in kwargs.items():
        if key not in OLD_ARGUMENTS:
            raise TypeError(f"{method}() got an unexpected keyword argument {key!r}")
        new = OLD_ARGUMENTS[key]
        if new in taken:
            renamed[new] = value
        elif key == "show_accuracy" and value:
            warnings.warn(
                "`show_accuracy` has no effect: pass `metrics=['accuracy']` to `compile`.",
                stacklevel=3,
            )
    return renamed
