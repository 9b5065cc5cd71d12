"""The loops of `fit`, `evaluate` and `predict` over arrays, and over generators of batches."""

import numpy as np

from minikeras.keras2.callbacks import BaseLogger, CallbackList, History, ProgbarLogger
from minikeras.keras2.callbacks.progbar import Progbar
from minikeras.keras2.engine.training_utils import batch_shuffle, make_batches


class Averages:
    """Means of the values of steps, by numbers of samples; stateful metrics keep the last value.

    Args:
        names: the names of the values.
        stateful: names of those that are not averaged.
    """

    def __init__(self, names, stateful=()):
        self.names = names
        self._stateful = set(stateful)
        self._totals = np.zeros(len(names))
        self._count = 0

    def add(self, values, size):
        """Add the values of one step on `size` samples."""
        values = np.array([float(np.mean(v)) for v in values])
        self._count += size
        for i, name in enumerate(self.names):
            if name in self._stateful:
                self._totals[i] = values[i]
            else:
                self._totals[i] += values[i] * size

    def values(self):
        """Return the means, as a list."""
        return [
            float(total if name in self._stateful else total / max(self._count, 1))
            for name, total in zip(self.names, self._totals, strict=True)
        ]


def fit(model, arrays, validation, settings, callbacks):
    """Train on arrays.

    Args:
        model: the model.
        arrays: flat list of arrays, as the training function takes them; empty if the graph holds
            its own data.
        validation: flat list of arrays, or None.
        settings: the `FitSettings`.
        callbacks: list of callbacks.

    Returns:
        The `History`.
    """
    count = arrays[0].shape[0] if arrays else settings.steps_per_epoch
    by_samples = settings.steps_per_epoch is None
    if settings.verbose and validation is not None and arrays:
        print(f"Train on {count} samples, validate on {validation[0].shape[0]} samples")
    samples = count if by_samples else None
    model.validation_data = validation
    hooks = hooks_of(model, callbacks, settings, validation, samples, validation is not None)
    order = np.arange(count)
    for epoch in range(settings.initial_epoch, settings.epochs):
        reset_metrics(model)
        hooks.on_epoch_begin(epoch)
        if by_samples:
            order = _shuffled(order, settings)  # the next epoch's begins from this one
            _epoch_of_arrays(model, arrays, settings, hooks, order)
        else:
            _epoch_of_steps(model, arrays, settings, hooks)
        logs = {}
        if validation is not None:
            values = evaluate(model, validation, settings.batch_size, 0, settings.validation_steps)
            logs = named_validation(model, values)
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    hooks.on_train_end()
    return model.history


def _shuffled(order, settings):
    if settings.shuffle == "batch":
        return batch_shuffle(order, settings.batch_size)
    return np.random.permutation(order) if settings.shuffle else order


def _epoch_of_arrays(model, arrays, settings, hooks, order):
    step = model._step("train")
    for index, (start, end) in enumerate(make_batches(len(order), settings.batch_size)):
        chosen = order[start:end] if settings.shuffle else slice(start, end)
        logs = {"batch": index, "size": end - start}
        hooks.on_batch_begin(index, logs)
        values = step(samples(arrays, chosen))
        hooks.on_batch_end(index, {**logs, **named(model, values)})
        if model.stop_training:
            break


def _epoch_of_steps(model, arrays, settings, hooks):
    step = model._step("train")
    for index in range(settings.steps_per_epoch):
        logs = {"batch": index, "size": 1}
        hooks.on_batch_begin(index, logs)
        hooks.on_batch_end(index, {**logs, **named(model, step(arrays))})
        if model.stop_training:
            break


def samples(arrays, which):
    """Return some samples of each array, those of files and sparse matrices as dense arrays.

    Args:
        arrays: list of arrays, data in files, or sparse matrices of SciPy.
        which: a slice, or an array of the samples' places; files are read in rising order.
    """
    is_file = [not isinstance(a, np.ndarray) and not hasattr(a, "toarray") for a in arrays]
    if isinstance(which, np.ndarray) and any(is_file):
        which = np.sort(which)
    return [_dense(a[which]) for a in arrays]


def _dense(array):
    return array.toarray() if hasattr(array, "toarray") else array


def named(model, values):
    """Return the values of a step by their names."""
    return dict(zip(model.metrics_names, map(np.mean, values), strict=True))


def named_validation(model, values):
    """Return the values of a validation by their names in the logs."""
    names = model.metrics_names
    return {f"val_{name}": value for name, value in zip(names, listed(values), strict=True)}


def hooks_of(model, callbacks, settings, arrays, samples, validated):
    """Return the callbacks of a training, which begins with that.

    Args:
        model: the model.
        callbacks: list of callbacks, or None.
        settings: the `FitSettings`.
        arrays: flat list of arrays that the model is validated on, or None.
        samples: number of samples of an epoch, or None if steps are counted.
        validated: whether there is a validation.

    Returns:
        A `CallbackList`.
    """
    params = {
        "batch_size": settings.batch_size,
        "epochs": settings.epochs,
        "nb_epoch": settings.epochs,
        "steps": settings.steps_per_epoch,
        "samples": samples,
        "verbose": settings.verbose,
        "do_validation": validated,
        "metrics": metric_names(model, validated),
    }
    stateful, history = model.stateful_metric_names, History()
    model.history = history
    hooks = CallbackList([BaseLogger(stateful), *(callbacks or []), history])
    if settings.verbose:
        mode = "samples" if settings.steps_per_epoch is None else "steps"
        hooks.callbacks.insert(1, ProgbarLogger(mode, stateful))
    hooks.set_model(model.callback_model or model)
    hooks.set_params(params)
    for callback in hooks:
        callback.validation_data = arrays
    model.stop_training = False
    hooks.on_train_begin()
    return hooks


def metric_names(model, validated):
    """Return the names of the values in the logs of an epoch."""
    names = list(model.metrics_names)
    return names + [f"val_{name}" for name in names] if validated else names


def reset_metrics(model):
    """Let metrics that keep a state begin again."""
    for metric in model.stateful_metric_functions:
        metric.reset_states()


def evaluate(model, arrays, batch_size, verbose, steps=None):
    """Return the loss and the metrics on arrays.

    Args:
        model: the model.
        arrays: flat list of arrays, as the test function takes them.
        batch_size: samples in a step.
        verbose: 1 for a progress bar.
        steps: number of steps on all of the data, or None to go through them once.

    Returns:
        A number, or a list of them.
    """
    reset_metrics(model)
    step = model._step("test")
    means = Averages(model.metrics_names, model.stateful_metric_names)
    parts = [(0, 1)] * steps if steps else make_batches(arrays[0].shape[0], batch_size)
    bar = Progbar(steps or arrays[0].shape[0]) if verbose == 1 else None
    for index, (start, end) in enumerate(parts):
        values = step(arrays if steps else samples(arrays, slice(start, end)))
        means.add(values, end - start)
        if bar is not None:
            bar.update(index + 1 if steps else end)
    return one(means.values())


def predict(model, arrays, batch_size, verbose, steps=None):
    """Return the outputs for arrays.

    Args:
        model: the model.
        arrays: list of arrays.
        batch_size: samples in a step.
        verbose: 1 for a progress bar.
        steps: number of steps on all of the data, or None to go through them once.

    Returns:
        An array, or a list of them.
    """
    step = model._step("predict")
    parts = [(0, 1)] * steps if steps else make_batches(arrays[0].shape[0], batch_size)
    bar = Progbar(steps or arrays[0].shape[0]) if verbose == 1 else None
    results = []
    for index, (start, end) in enumerate(parts):
        results.append(step(arrays if steps else samples(arrays, slice(start, end))))
        if bar is not None:
            bar.update(index + 1 if steps else end)
    if not results:
        return one([np.zeros((0, *(s or 1 for s in t.shape[1:]))) for t in model.outputs])
    return one([np.concatenate(parts) for parts in zip(*results, strict=True)])


def one(values):
    """Return the only value of a list, or the list."""
    return values[0] if len(values) == 1 else values


def listed(value):
    """Return a list: the value itself, or one with the value in it."""
    return list(value) if isinstance(value, (list, tuple)) else [value]
