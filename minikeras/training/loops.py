"""The loops of `fit`, `evaluate` and `predict`: functions of a model and of its data.

The methods of `Trainer` turn a user's arguments into data, and call these.
"""

from functools import wraps

import numpy as np

from minikeras import ops
from minikeras.arrays import device
from minikeras.arrays.blas_threads import hold_at_one
from minikeras.arrays.memory import keep_freed_memory
from minikeras.core import trees
from minikeras.core.per_thread import kept_around
from minikeras.training.arguments import checked_frequency
from minikeras.training.callbacks import CallbackList
from minikeras.training.callbacks.callback_list import plain_logs
from minikeras.training.checks import prepare
from minikeras.training.compile_metrics import CompileMetrics
from minikeras.training.data import ArrayData, Epochs, data_source
from minikeras.training.data.convert import own_arrays
from minikeras.training.data.unpack import unpack_x_y_sample_weight
from minikeras.training.run import Run
from minikeras.training.steps import placed


def on_device_of_weights(method):
    """Let a method of a model compute on the device of its weights, BLAS held to one thread.

    The products of a step are small or divided among our own threads: BLAS's would only wait.
    An exception from within, Ctrl-C for example, leaves no scope or recording open.
    """

    @wraps(method)
    def run(model, *args, **kwargs):
        return kept_around(hold_at_one, _on_device, method, model, *args, **kwargs)

    return run


def _on_device(method, model, /, *args, **kwargs):
    weights = model.weights if device.in_use else ()
    with device.place_of(weights[0].array if weights else None):
        return method(model, *args, **kwargs)


def fit(model, data, validation, callbacks, verbose, epochs):
    """Train a model.

    Args:
        model: a compiled model.
        data: the `Epochs` to train on.
        validation: the `Validation` between them.
        callbacks: list of callbacks, or None.
        verbose: see `Model.fit`.
        epochs: range of the epochs' numbers.

    Returns:
        The `History` of the values by epoch.
    """
    training = model._training
    prepare(model, data.first(), "train_step", data.whole)
    validation.prepare()
    data.reset()
    callbacks = _callback_list(model, callbacks, True, verbose, epochs.stop, data.num_batches)
    training.stop_training = False
    training.run = Run(epochs, data, validation, callbacks)
    try:
        _train(model, training.run, validation)
    finally:
        training.run = None
        data.close()
        validation.close()
    return training.history


def _train(model, run, validation):
    training, callbacks, asked_for = model._training, run.callbacks, run.epochs
    callbacks.on_train_begin()
    logs = {}
    for epoch in run.epochs:  # fewer than were asked for, if a callback has resumed an earlier run
        logs = _train_epoch(model, epoch, run, validation)
        if training.stop_training:
            break
    if training.optimizer is not None and asked_for:
        training.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs=logs)


def _train_epoch(model, epoch, run, validation):
    training, callbacks = model._training, run.callbacks
    model.reset_metrics()
    callbacks.on_epoch_begin(epoch)
    logs = run.first_logs()
    for begin, end, batches in run.data.executions(training.steps_per_execution):
        callbacks.on_train_batch_begin(begin)
        for batch in batches:
            logs = training.steps.run(model, "train_step", placed(batch))
        callbacks.on_train_batch_end(end, logs)
        if training.stop_training:
            break
    logs = _epoch_logs(model, logs)
    if validation.is_due(epoch):
        results = validation.run(callbacks)
        logs.update({f"val_{name}": value for name, value in results.items()})
    callbacks.on_epoch_end(epoch, logs)
    return logs


def _epoch_logs(model, logs):
    """The metrics' results, or what a step of the user's own returned instead."""
    results = model.get_metrics_result()
    return results if set(logs or {}) == set(results) else dict(logs or {})


def _callback_list(model, callbacks, history, verbose, epochs, steps):
    keep_freed_memory()
    if isinstance(callbacks, CallbackList):
        return callbacks
    verbose = 1 if verbose == "auto" else verbose
    return CallbackList(
        callbacks,
        add_history=history,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
        model=model,
    )


def evaluate(model, data, callbacks, verbose):
    """Evaluate a model.

    Args:
        model: a compiled model.
        data: the `Epochs`, of which one is run.
        callbacks: list of callbacks, a `CallbackList` that is running already, or None.
        verbose: see `Model.evaluate`.

    Returns:
        A dict of metric name to number.
    """
    training = model._training
    prepare(model, data.first(), "test_step", data.whole)
    data.reset()
    callbacks = _callback_list(model, callbacks, False, verbose, 1, data.num_batches)
    training.stop_evaluating = False
    callbacks.on_test_begin()
    model.reset_metrics()
    try:
        logs = _evaluate_epoch(model, data, callbacks)
    finally:
        data.close()
    logs = plain_logs(_epoch_logs(model, logs))
    callbacks.on_test_end(logs)
    return logs


def _evaluate_epoch(model, data, callbacks):
    training, logs = model._training, {}
    for begin, end, batches in data.executions(training.steps_per_execution):
        callbacks.on_test_batch_begin(begin)
        for batch in batches:
            logs = training.steps.run(model, "test_step", placed(batch))
        callbacks.on_test_batch_end(end, logs)
        if training.stop_evaluating:
            break
    return logs


def predict(model, data, callbacks, verbose):
    """Compute a model's outputs, batch by batch.

    Args:
        model: a model.
        data: the `Epochs`, of which one is run.
        callbacks: list of callbacks, or None.
        verbose: see `Model.predict`.

    Returns:
        A NumPy array, or a nest of them like the model's outputs.
    """
    training = model._training
    callbacks = _callback_list(model, callbacks, False, verbose, 1, data.num_batches)
    training.stop_predicting = False
    callbacks.on_predict_begin()
    try:
        structure, parts = _predict_epoch(model, data, callbacks)
    finally:
        data.close()
    callbacks.on_predict_end()
    whole = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return trees.pack_sequence_as(structure, whole)


def _predict_epoch(model, data, callbacks):
    """Return the outputs of the last execution, for their structure, and the values of each."""
    training = model._training
    outputs, parts = None, []
    for begin, end, batches in data.executions(training.steps_per_execution):
        callbacks.on_predict_batch_begin(begin)
        outputs = _joined([training.steps.run(model, "predict_step", placed(b)) for b in batches])
        parts.append([_values(tensor) for tensor in trees.flatten(outputs)])
        callbacks.on_predict_batch_end(end, {"outputs": outputs})
        if training.stop_predicting:
            break
    return outputs, parts


def _joined(outputs):
    """The outputs of the steps of one execution, one after another in the same tensors."""
    if len(outputs) == 1:
        return outputs[0]
    return trees.map_structure(lambda *parts: ops.concatenate(parts), *outputs)


@on_device_of_weights
def on_batch(model, step, x, y, sample_weight):
    """Train or evaluate on one batch.

    Args:
        model: a compiled model.
        step: `"train_step"` or `"test_step"`.
        x: nest of arrays.
        y: nest of targets, or None.
        sample_weight: array of weights of the samples, or None.

    Returns:
        A dict of metric name to number.
    """
    parts = zip((x, y, sample_weight), ("x", "y", "sample_weight"), strict=True)
    whole = ArrayData(*(own_arrays(part, name) for part, name in parts)).arrays
    prepare(model, whole, step, whole)
    model.reset_metrics()
    batch = placed(unpack_x_y_sample_weight(whole))
    return plain_logs(model._training.steps.run(model, step, batch))


def predict_on_batch(model, x):
    """Return a model's outputs for one batch, as a nest of NumPy arrays."""
    batch = placed((own_arrays(x, "x"),))
    outputs = model._training.steps.run(model, "predict_step", batch)
    return trees.map_structure(lambda tensor: _values(tensor).copy(), outputs)


def results_in_order(metrics, logs):
    """Return a dict of results as `evaluate` does: a number, or a list in the metrics' order."""
    names = []
    for metric in metrics:
        compiled = isinstance(metric, CompileMetrics)
        names += [m.name for m in metric.metrics] if compiled else [metric.name]
    values = [logs[name] for name in names if name in logs]
    values += [logs[name] for name in sorted(logs) if name not in names]
    return values[0] if len(values) == 1 else values


class Validation:
    """When to validate during `fit`, and on what."""

    def __init__(self, model, data, steps, batch_size, frequency):
        self._model = model
        self._frequency = checked_frequency(frequency)
        self._epochs = None
        if data is not None:
            x, y, sample_weight = _unpack_validation(data)
            source = data_source(x, y, sample_weight, batch_size, steps=steps)
            self._epochs = Epochs(source, steps)

    def prepare(self):
        """Check that the data fit the model; those of a data set when its first pass begins."""
        if self._epochs is not None and not self._epochs.begins_early:
            prepare(self._model, self._epochs.first(), "test_step", self._epochs.whole)

    def position(self):
        """Return how far the data have come, None without any."""
        return None if self._epochs is None else self._epochs.position()

    def go_back(self, position):
        """Let the data draw ahead what another run has drawn ahead."""
        if self._epochs is not None and position is not None:
            self._epochs.go_back(position)

    def resume(self, position):
        """Let the data go on from where another run was."""
        if self._epochs is not None and position is not None:
            self._epochs.resume(position)

    def load_state(self, position):
        """Give the data the state that they had."""
        if self._epochs is not None and position is not None:
            self._epochs.load_state(position)

    def close(self):
        """End what computes batches ahead."""
        if self._epochs is not None:
            self._epochs.close()

    def is_due(self, epoch):
        """Return whether to validate after an epoch, counted from 0."""
        if self._epochs is None:
            return False
        if isinstance(self._frequency, int):
            return (epoch + 1) % self._frequency == 0
        return epoch + 1 in self._frequency

    def run(self, callbacks):
        """Return a dict of metric name to number on all of the data."""
        return evaluate(self._model, self._epochs, callbacks, verbose=0)


def _unpack_validation(data):
    if isinstance(data, (tuple, list)):
        return unpack_x_y_sample_weight(tuple(data))
    return data, None, None


def _values(tensor):
    """The values of a tensor that a step has returned, as a NumPy array."""
    is_tensor = hasattr(tensor, "data") and hasattr(tensor, "node")
    return device.to_numpy(tensor.data) if is_tensor else np.asarray(tensor)
