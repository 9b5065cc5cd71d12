"""TensorBoard: metrics, weights and the model's graph, in files that TensorBoard shows."""

import os
import time
import warnings
from typing import Any

from minikeras.arrays import device
from minikeras.core.old_names import explains_old_arguments
from minikeras.layers import Embedding
from minikeras.training.callbacks import summaries
from minikeras.training.callbacks.callback import Callback
from minikeras.training.callbacks.event_file import EventFile, tensorboard
from minikeras.training.callbacks.monitor import learning_rate_of

_PROJECTOR_FILE = "projector_config.pbtxt"

# Where a checkpoint of TensorFlow has the table of the Embedding that is a model's first layer.
_EMBEDDING_TENSOR = "layer_with_weights-0/embeddings/.ATTRIBUTES/VARIABLE_VALUE"


class TensorBoard(Callback):
    """Writes what TensorBoard shows (`tensorboard --logdir logs`), for `fit` and `evaluate`.

    Runs are `train` and `validation`, folders of `log_dir`. After each epoch come `epoch_loss`,
    `epoch_<metric>` and `epoch_learning_rate`, after each evaluation `evaluation_<metric>_vs_
    iterations`, by the optimizer's steps. It needs the package `tensorboard`, and no TensorFlow.

    Args:
        log_dir: path of the folder, for this callback alone.
        histogram_freq: after how many epochs histograms of all weights are written,
            `<path of the weight>/histogram`; 0 for never.
        write_graph: whether the model is written, if it is a Sequential or a functional model.
        write_images: whether weights are written as images too, `<path of the weight>/image`,
            whenever histograms are.
        write_steps_per_second: whether `epoch_steps_per_second` and, with batches,
            `batch_steps_per_second` are written.
        update_freq: `"epoch"`; or after how many batches `batch_loss` and `batch_<metric>` are
            written, by the number of batches so far, with `"batch"` for 1. Then all other numbers
            and weights are written only if the last batch before them was such a one.
        profile_batch: 0. Other values are accepted with a warning, and nothing is profiled.
        embeddings_freq: after how many epochs the weights are saved,
            `train/keras_embedding.ckpt-<epoch>.weights.h5`, and whether `projector_config.pbtxt`
            names the Embedding layers; 0 for neither.
        embeddings_metadata: name of a file that describes the rows of the Embedding layers, or a
            dict of layer names to such names.

    Raises:
        ImportError: if the package `tensorboard` is missing.
        ValueError: if `update_freq` or `profile_batch` is something else; when a run begins, if
            `embeddings_metadata` names a layer that is no Embedding of the model; and when a metric
            is to be written that is several numbers.

    Example:
        >>> import os, tempfile
        >>> import minikeras as keras, numpy as np
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     board = keras.callbacks.TensorBoard(folder, histogram_freq=1)
        ...     history = model.fit(x, y, validation_data=(x, y), callbacks=[board], verbose=0)
        ...     print(sorted(os.listdir(folder)))
        ['train', 'validation']
    """

    _training_state = ("_train_batches", "_test_batches")

    @explains_old_arguments
    def __init__(
        self,
        log_dir="logs",
        histogram_freq=0,
        write_graph=True,
        write_images=False,
        write_steps_per_second=False,
        update_freq="epoch",
        profile_batch=0,
        embeddings_freq=0,
        embeddings_metadata=None,
    ):
        super().__init__()
        tensorboard()
        self.log_dir = str(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq: Any = _checked_update_freq(update_freq)
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        if _asks_for_profiles(profile_batch):
            warnings.warn(
                "TensorBoard files of minikeras hold no profiles: there will be none of "
                f"profile_batch={profile_batch}.",
                stacklevel=2,
            )
        self._train_batches = 0
        self._test_batches = 0
        self._files: dict[str, EventFile] = {}
        self._batch_began = 0.0
        self._epoch_began = 0.0, 0  # its time, and the optimizer's step

    def set_model(self, model):
        """Begin new files, with the model's graph and what the projector is to show."""
        config = self._projector_config(model) if self.embeddings_freq else None
        super().set_model(model)
        self._files = {}
        if self.write_graph:
            self._write_model()
        if config is not None:
            os.makedirs(self.log_dir, exist_ok=True)
            path = os.path.join(self.log_dir, _PROJECTOR_FILE)
            with open(path, "w", encoding="utf-8") as file:
                file.write(str(config))

    def on_train_begin(self, logs=None):
        """Count batches from 0."""
        self._train_batches = 0
        self._file("train")

    def on_test_begin(self, logs=None):
        """Begin the file of the evaluations, if there is none."""
        self._file("validation")

    def on_test_batch_begin(self, batch, logs=None):
        """Count the batches of all evaluations."""
        self._test_batches += 1

    def on_test_end(self, logs=None):
        """Write the metrics by the optimizer's steps."""
        if self.model.optimizer is not None and self._is_due(self._test_batches):
            logs = logs or {}
            named = {f"evaluation_{name}_vs_iterations": value for name, value in logs.items()}
            self._write_scalars("validation", named, self._iterations())

    def on_train_batch_begin(self, batch, logs=None):
        """Count the batch, and take the time."""
        self._train_batches += 1
        self._batch_began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Write the metrics up to this batch, if they are written by batches."""
        if self.update_freq == "epoch" or not self._is_due(self._train_batches):
            return
        named = {}
        if self.write_steps_per_second:
            named["batch_steps_per_second"] = 1 / (time.perf_counter() - self._batch_began)
        named |= {f"batch_{name}": value for name, value in (logs or {}).items()}
        self._write_scalars("train", named, self._train_batches)

    def on_epoch_begin(self, epoch, logs=None):
        """Take the time."""
        if self.write_steps_per_second:
            self._epoch_began = time.perf_counter(), self._iterations()

    def on_epoch_end(self, epoch, logs=None):
        """Write the epoch's metrics and weights, and save the model for the projector."""
        if self._is_due(self._train_batches):
            self._write_epoch(epoch, logs or {})
            if self.histogram_freq and epoch % self.histogram_freq == 0:
                self._file("train").write(self._weights(), epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            name = f"keras_embedding.ckpt-{epoch}.weights.h5"
            self.model.save_weights(os.path.join(self.log_dir, "train", name))

    def _is_due(self, batches):
        """Whether to write after a number of batches."""
        return self.update_freq == "epoch" or batches % self.update_freq == 0

    def _file(self, run):
        if run not in self._files:
            self._files[run] = EventFile(os.path.join(self.log_dir, run))
        return self._files[run]

    def _write_scalars(self, run, numbers, step):
        values = [summaries.scalar(tag, number) for tag, number in numbers.items()]
        self._file(run).write(values, step)

    def _write_epoch(self, epoch, logs):
        validation = {name: value for name, value in logs.items() if name.startswith("val_")}
        train = {name: value for name, value in logs.items() if name not in validation}
        if logs and self.model.optimizer is not None:
            optimizer = self.model.optimizer
            train["learning_rate"] = learning_rate_of(
                getattr(optimizer, "inner_optimizer", optimizer)
            )
        if logs and self.write_steps_per_second:
            began, step = self._epoch_began
            seconds = time.perf_counter() - began
            train["steps_per_second"] = (self._iterations() - step) / seconds
        for run, numbers in (("train", train), ("validation", validation)):
            if numbers:
                named = {f"epoch_{name.removeprefix('val_')}": n for name, n in numbers.items()}
                self._write_scalars(run, named, epoch)

    def _iterations(self):
        """The number of the optimizer's steps so far."""
        return int(self.model.optimizer.iterations)

    def _weights(self):
        """The summaries of all weights, one after the other."""
        for layer in self.model.layers:
            for weight in layer.weights:
                values, path = device.to_numpy(weight.array), weight.path.replace(":", "_")
                yield summaries.histogram(f"{path}/histogram", values)
                image = summaries.image(f"{path}/image", values) if self.write_images else None
                if image is not None:
                    yield image

    def _write_model(self):
        file = self._file("train")
        if type(self.model).__name__ not in ("Functional", "Sequential"):
            return
        try:
            json = self.model.to_json()
        except Exception as error:  # a layer of the user's own, whose config may raise anything
            warnings.warn(
                "The graph of the model is not written for TensorBoard, since the model has no "
                f"JSON form: {error}",
                stacklevel=2,
            )
            return
        file.write([summaries.keras_model("keras", json)], 0)

    def _projector_config(self, model):
        """What the projector is to show of a model's Embedding layers."""
        metadata = self.embeddings_metadata
        layers = [layer for layer in model.layers if isinstance(layer, Embedding)]
        by_name = {layer.name: metadata for layer in layers}
        if isinstance(metadata, dict):
            by_name = {layer.name: metadata.get(layer.name) for layer in layers}
            unknown = sorted(set(metadata) - set(by_name))
            if unknown:
                raise ValueError(
                    "`embeddings_metadata` names layers that are no `Embedding` of the model: "
                    f"{unknown}. Those of the model: {sorted(by_name)}"
                )
        config = tensorboard().projector.ProjectorConfig()
        for path in by_name.values():
            config.embeddings.add(tensor_name=_EMBEDDING_TENSOR, metadata_path=path)
        return config


def _checked_update_freq(update_freq):
    frequency = 1 if update_freq == "batch" else update_freq
    if frequency != "epoch" and not (isinstance(frequency, int) and frequency >= 1):
        raise ValueError(
            "Expected `update_freq` to be 'batch', 'epoch' or a positive integer. Received: "
            f"update_freq={update_freq}"
        )
    return frequency


def _asks_for_profiles(profile_batch):
    """Whether batches are named: by a number, by the first and the last, or by "first,last"."""
    batches = profile_batch
    try:
        if isinstance(batches, str):
            batches = [int(part) for part in batches.split(",")]
        first, last = (batches, batches) if isinstance(batches, int) else batches
        if 0 <= first <= last:
            return last > 0
    except (TypeError, ValueError):  # it is neither a number nor a pair of them
        pass
    raise ValueError(
        "Expected `profile_batch` to be a non-negative integer or a pair of them, the smaller "
        f"first. Received: profile_batch={profile_batch}"
    )
