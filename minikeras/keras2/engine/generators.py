"""The loops over generators of batches, and over `Sequence`s."""

import numpy as np

from minikeras.keras2.engine import loops
from minikeras.keras2.engine.loops import Averages, listed, named, one


class Batches:
    """The batches of a generator or of a `Sequence`, as tuples `(x, y, sample_weight)`.

    Args:
        source: iterator of batches, or an object with `len()` and indices.
        steps: number of batches of an epoch; the length of a `Sequence` if None.
        shuffle: whether the order of a `Sequence`'s batches is drawn again each epoch.
        samples: number of samples after which an epoch ends, as in Keras 1, or None.

    Raises:
        ValueError: if the number of steps is not known.
    """

    def __init__(self, source, steps=None, shuffle=False, samples=None):
        self.source = source
        self._is_sequence = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        if steps is None and samples is None:
            if not self._is_sequence:
                raise ValueError(
                    "`steps_per_epoch` (or `steps`) is needed for a generator: only a `Sequence` "
                    "knows its length."
                )
            steps = len(source)
        self.steps = steps
        self.samples = samples
        self._shuffle = shuffle

    def epoch(self):
        """Yield the batches of one epoch, each as a tuple `(x, y, sample_weight, size)`."""
        iterator = self._endless() if self._is_sequence else self.source
        seen = count = 0
        while seen < self.samples if self.samples is not None else count < (self.steps or 0):
            batch = next(iterator)
            x, y, weight = parts_of(batch)
            size = batch_size_of(x)
            seen, count = seen + size, count + 1
            yield x, y, weight, size
        if self._is_sequence and hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()

    def _endless(self):
        while True:
            order = np.arange(len(self.source))
            for i in np.random.permutation(order) if self._shuffle else order:
                yield self.source[int(i)]


def parts_of(batch):
    """Return a batch as `(x, y, sample_weight)`, with None for what it lacks."""
    if not isinstance(batch, tuple):
        return batch, None, None
    if len(batch) not in (1, 2, 3):
        raise ValueError(
            "The output of a generator should be a tuple `(x, y, sample_weight)` or `(x, y)`. "
            f"Found: {batch!r:.200}"
        )
    return (*batch, None, None)[:3]


def batch_size_of(x):
    """Return the number of samples of a batch of inputs."""
    if isinstance(x, dict):
        x = next(iter(x.values()))
    elif isinstance(x, (list, tuple)):
        x = x[0] if len(x) else np.zeros(0)
    return int(np.shape(x)[0]) if np.ndim(x) else 1


def fit(model, data, validation, settings, callbacks, class_weight):
    """Train on batches.

    Args:
        model: the model.
        data: the `Batches` to train on.
        validation: `Batches`, a flat list of arrays, or None.
        settings: the `FitSettings`.
        callbacks: list of callbacks.
        class_weight: dict of class to weight, or None.

    Returns:
        The `History`.
    """
    settings.steps_per_epoch = data.steps
    arrays = validation if isinstance(validation, list) else None
    hooks = loops.hooks_of(model, callbacks, settings, arrays, data.samples, validation is not None)
    for epoch in range(settings.initial_epoch, settings.epochs):
        loops.reset_metrics(model)
        hooks.on_epoch_begin(epoch)
        for index, (x, y, weight, size) in enumerate(data.epoch()):
            logs = {"batch": index, "size": size}
            hooks.on_batch_begin(index, logs)
            values = listed(model.train_on_batch(x, y, weight, class_weight))
            hooks.on_batch_end(index, {**logs, **named(model, values)})
            if model.stop_training:
                break
        logs = {}
        if validation is not None:
            logs = loops.named_validation(model, _validated(model, validation, settings))
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    hooks.on_train_end()
    return model.history


def _validated(model, validation, settings):
    if isinstance(validation, list):
        return loops.evaluate(model, validation, settings.batch_size, 0)
    return evaluate(model, validation)


def evaluate(model, data):
    """Return the loss and the metrics over the batches of an epoch."""
    loops.reset_metrics(model)
    means = Averages(model.metrics_names, model.stateful_metric_names)
    for x, y, weight, size in data.epoch():
        means.add(listed(model.test_on_batch(x, y, weight)), size)
    return one(means.values())


def predict(model, data):
    """Return the outputs for the batches of an epoch."""
    results = [listed(model.predict_on_batch(x)) for x, _, _, _ in data.epoch()]
    return one([np.concatenate(parts) for parts in zip(*results, strict=True)])
