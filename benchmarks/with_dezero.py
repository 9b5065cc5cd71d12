"""The workloads that DeZero can run, in its own API: eager, channels first.

DeZero asks for `numpy.int`, which NumPy 1.24 took away. It is given back here, so that DeZero runs
on the same NumPy and the same BLAS as the others.
"""

import numpy as np

np.int = int

import dezero  # noqa: E402 - needs the name above
import dezero.functions as f  # noqa: E402 - needs the name above
import dezero.layers as k  # noqa: E402 - needs the name above


def _dropped(x):
    return f.dropout(f.relu(x), 0.2)


def _pooled(x):
    return f.flatten(f.pooling(f.relu(x), 2, 2))


# For each workload its hidden layers, and what follows each.
PLANS = {
    "tiny_mlp": lambda: [(k.Linear(64), f.relu), (k.Linear(64), f.relu)],
    "mlp": lambda: [(k.Linear(512), _dropped), (k.Linear(512), _dropped)],
    "convnet": lambda: [(k.Conv2d(32, 3), f.relu), (k.Conv2d(64, 3), _pooled)],
}


class Network:
    """A workload in DeZero."""

    def __init__(self, name):
        self.plan = [*PLANS[name](), (k.Linear(10), None)]
        self.model = dezero.Model()
        for place, (layer, _) in enumerate(self.plan):
            setattr(self.model, f"layer{place}", layer)
        self.optimizer = dezero.optimizers.Adam().setup(self.model)

    def parameters(self):
        """Return the number of weights."""
        return sum(p.size for p in self.model.params())

    def step(self, x, y):
        """Train on a batch; return the loss."""
        loss = f.softmax_cross_entropy(self._logits(x), y)
        self.model.cleargrads()
        loss.backward()
        self.optimizer.update()
        return float(loss.data)

    def predict(self, x):
        """Return the probabilities of a batch."""
        with dezero.no_grad(), dezero.test_mode():
            return f.softmax(self._logits(x)).data

    def _logits(self, x):
        x = x.transpose(0, 3, 1, 2) if x.ndim == 4 else x
        for layer, after in self.plan:
            x = layer(x) if after is None else after(layer(x))
        return x
