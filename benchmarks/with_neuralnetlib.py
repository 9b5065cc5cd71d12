"""The workloads that neuralnetlib can run, in its own API: stacked layers, float64 weights."""

from neuralnetlib import layers as k
from neuralnetlib.models import Sequential


def _dense(units, *after):
    return [k.Dense(units), k.Activation("relu"), *after]


def _conv(filters):
    return [k.Conv2D(filters, 3, weights_init="glorot_uniform"), k.Activation("relu")]


def _convnet():
    head = [k.MaxPooling2D(2), k.Flatten()]
    return [k.Input((28, 28, 1)), *_conv(32), *_conv(64), *head]


PLANS = {
    "tiny_mlp": lambda: [k.Input(20), *_dense(64), *_dense(64)],
    "mlp": lambda: [k.Input(784), *_dense(512, k.Dropout(0.2)), *_dense(512, k.Dropout(0.2))],
    "convnet": _convnet,
}


class Network:
    """A workload in neuralnetlib."""

    def __init__(self, name):
        self.model = Sequential(random_state=0)
        for layer in [*PLANS[name](), k.Dense(10), k.Activation("softmax")]:
            self.model.add(layer)
        self.model.compile("sparse_categorical_crossentropy", "adam")

    def parameters(self):
        """Return the number of weights."""
        layers = [la for la in self.model.layers if hasattr(la, "get_trainable_parameters")]
        return sum(w.size for la in layers for _, w, _ in la.get_trainable_parameters())

    def step(self, x, y):
        """Train on a batch; return the loss."""
        return self.model.train_on_batch(x, y)

    def predict(self, x):
        """Return the probabilities of a batch."""
        return self.model.predict(x)
