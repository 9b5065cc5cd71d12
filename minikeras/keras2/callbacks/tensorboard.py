"""TensorBoard of Keras 2: the logs under their own names, and histograms on validation data."""

import os
from typing import Any

import numpy as np

from minikeras.keras2 import backend as K
from minikeras.keras2.backend.running import Function
from minikeras.keras2.backend.tensors import Variable
from minikeras.keras2.callbacks.base import Callback
from minikeras.training.callbacks import summaries
from minikeras.training.callbacks.event_file import EventFile, tensorboard

_PROJECTOR_FILE = "projector_config.pbtxt"


class TensorBoard(Callback):
    """Writes what TensorBoard shows (`tensorboard --logdir logs`).

    Args:
        log_dir: path of the folder.
        histogram_freq: after how many epochs histograms of the weights and of the layers' outputs
            on the validation data are written; 0 for never.
        batch_size: int, how many samples of the validation data one histogram is of.
        write_graph: whether the model is written.
        write_grads: whether there are histograms of the gradients of the loss, too.
        write_images: whether weights are written as images, whenever histograms are.
        embeddings_freq: after how many epochs the outputs of Embedding layers for
            `embeddings_data` are written, `<layer>_embedding-<epoch>.tsv`; 0 for never.
        embeddings_layer_names: names of these layers; all Embedding layers if None or empty.
        embeddings_metadata: name of a file that describes the samples, or a dict of layer names to
            such names.
        embeddings_data: array of inputs, or a list of them.
        update_freq: `"epoch"`; or the number of samples after which the logs of a batch are
            written, with `"batch"` for 1.

    Raises:
        ImportError: if the package `tensorboard` is missing.
        ValueError: after an epoch, if histograms need validation data (arrays, no generator), or
            embeddings need `embeddings_data`.

    Example:
        >>> import os
        >>> import numpy as np
        >>> from minikeras.keras2.callbacks import TensorBoard
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> board = TensorBoard("logs", histogram_freq=1)
        >>> history = model.fit(x, y, validation_data=(x, y), verbose=0, callbacks=[board])
        >>> len(os.listdir("logs"))
        1
    """

    def __init__(
        self,
        log_dir="./logs",
        histogram_freq=0,
        batch_size=32,
        write_graph=True,
        write_grads=False,
        write_images=False,
        embeddings_freq=0,
        embeddings_layer_names=None,
        embeddings_metadata=None,
        embeddings_data=None,
        update_freq="epoch",
    ):
        super().__init__()
        tensorboard()
        self.log_dir = str(log_dir)
        self.histogram_freq = histogram_freq
        self.batch_size = batch_size
        self.write_graph = write_graph
        self.write_grads = write_grads
        self.write_images = write_images
        self.embeddings_freq = embeddings_freq
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata or {}
        self.embeddings_data: Any = embeddings_data
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.samples_seen = self.samples_seen_at_last_write = 0
        self.writer: Any = None
        self._of_batches: Any = None

    def set_model(self, model):
        """Begin the file, with the model's graph and what the projector is to show."""
        super().set_model(model)
        self.writer = EventFile(self.log_dir)
        self._of_batches = None
        if self.write_graph:
            self.writer.write([summaries.keras_model("keras", model.to_json())], 0)
        if self.embeddings_freq and self.embeddings_data is not None:
            self._describe_embeddings()

    def on_batch_end(self, batch, logs=None):
        """Write the logs, if enough samples have been seen since they were last written."""
        if self.update_freq == "epoch":
            return
        self.samples_seen += (logs or {}).get("size", 0)
        if self.samples_seen - self.samples_seen_at_last_write >= self.update_freq:
            self._write_logs(logs, self.samples_seen)
            self.samples_seen_at_last_write = self.samples_seen

    def on_epoch_end(self, epoch, logs=None):
        """Write the histograms, the embeddings and the logs."""
        if self.histogram_freq and not self.validation_data:
            raise ValueError(
                "`histogram_freq` needs validation data in arrays: a generator has no samples that "
                "histograms could be of. Pass `validation_data=(x, y)` to `fit`."
            )
        if self.embeddings_freq and self.embeddings_data is None:
            raise ValueError("`embeddings_freq` needs `embeddings_data`, the inputs to show.")
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)
        self._write_logs(logs, epoch if self.update_freq == "epoch" else self.samples_seen)

    def on_train_end(self, logs=None):
        """Do nothing: each call has written its file to the end."""

    def _write_logs(self, logs, step):
        named = {name: v for name, v in (logs or {}).items() if name not in ("batch", "size")}
        self.writer.write([summaries.scalar(n, np.mean(v)) for n, v in named.items()], step)

    # Histograms

    def _write_histograms(self, epoch):
        weights = {w.name.replace(":", "_"): K.get_value(w) for w in self._weights()}
        values = [summaries.histogram(tag, np.asarray(array)) for tag, array in weights.items()]
        if self.write_images:
            images = [summaries.image(tag, np.asarray(array)) for tag, array in weights.items()]
            values += [image for image in images if image is not None]
        self.writer.write(values, epoch)
        tags, function = self._tensors_of_batches()
        data: Any = self.validation_data
        count = data[0].shape[0]
        for start in range(0, count, self.batch_size):
            batch = [x[start : start + self.batch_size] for x in data]
            arrays = zip(tags, function(batch), strict=True)
            self.writer.write([summaries.histogram(tag, np.asarray(a)) for tag, a in arrays], epoch)

    def _weights(self):
        return [weight for layer in self.model.layers for weight in layer.weights]

    def _tensors_of_batches(self):
        """The tags and the function of what depends on samples: outputs, and gradients."""
        if self._of_batches is None:
            graph = self.model._compiled()
            tensors = {}
            for layer in self.model.layers:
                outputs = layer.output if isinstance(layer.output, list) else [layer.output]
                tags = [f"{layer.name}_out_{i}" for i in range(len(outputs))]
                tags = tags if isinstance(layer.output, list) else [f"{layer.name}_out"]
                tensors.update(zip(tags, outputs, strict=True))
            if self.write_grads:
                weights: list[Variable] = graph.trainable
                grads = K.gradients(graph.total_loss, weights)
                tags = [f"{w.name.replace(':', '_')}_grad" for w in weights]
                tensors.update(zip(tags, grads, strict=True))
            function = Function(graph.feeds(), list(tensors.values()), phase=0)
            self._of_batches = list(tensors), function
        return self._of_batches

    # Embeddings

    def _embeddings(self):
        names = self.embeddings_layer_names
        if not names:
            names = [n.name for n in self.model.layers if type(n).__name__ == "Embedding"]
        return [layer for layer in self.model.layers if layer.name in names]

    def _describe_embeddings(self):
        config = tensorboard().projector.ProjectorConfig()
        for layer in self._embeddings():
            metadata = self.embeddings_metadata
            if not isinstance(metadata, str):
                metadata = metadata.get(layer.name)
            config.embeddings.add(
                tensor_name=f"{layer.name}_embedding",
                tensor_path=self._path_of_embedding(layer, 0),
                metadata_path=metadata,
            )
        with open(os.path.join(self.log_dir, _PROJECTOR_FILE), "w", encoding="utf-8") as file:
            file.write(str(config))

    def _path_of_embedding(self, layer, epoch):
        return f"{layer.name}_embedding-{epoch}.tsv"

    def _write_embeddings(self, epoch):
        layers, data = self._embeddings(), self.embeddings_data
        data = list(data) if isinstance(data, (list, tuple)) else [data]
        function = Function(self.model.fed_inputs, [layer.output for layer in layers], phase=0)
        for layer, rows in zip(layers, function([np.asarray(x) for x in data]), strict=True):
            path = os.path.join(self.log_dir, self._path_of_embedding(layer, epoch))
            np.savetxt(path, np.asarray(rows).reshape(len(rows), -1), fmt="%g", delimiter="\t")
