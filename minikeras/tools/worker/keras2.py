"""Keras 2 on TensorFlow, as tf-keras has it: what it calls otherwise than Keras 3 does."""

from contextlib import contextmanager

import numpy as np

from .engines import TensorFlowEngine


class Keras2Engine(TensorFlowEngine):
    """tf-keras."""

    @contextmanager
    def floats(self, dtype):
        """See `Engine.floats`."""
        backend = self.keras.backend
        former = backend.floatx()
        backend.set_floatx(dtype)
        try:
            yield
        finally:
            backend.set_floatx(former)

    def is_tensor(self, value):
        """Whether a value is a tensor that holds numbers."""
        return isinstance(value, self.tf.Tensor) and hasattr(value, "numpy")

    def is_symbolic(self, value):
        """Whether a value stands for the tensors of a model's graph."""
        return type(value).__name__ == "KerasTensor"

    def array(self, tensor):
        """Return a tensor's, or a variable's, numbers."""
        return np.array(self.tf.convert_to_tensor(tensor))

    def tensor(self, array):
        """Return an array as a tensor of the same dtype."""
        return self.tf.convert_to_tensor(array)

    def weighted_sum(self, outputs, weights):
        """Return the sum of the products of tensors and arrays, a scalar."""
        products = [y * self.tensor(v) for y, v in zip(outputs, weights)]
        return self.tf.add_n([self.tf.reduce_sum(product) for product in products])

    def has_generator(self, layer):
        """Whether a layer has a generator of random numbers of its own."""
        return getattr(layer, "_random_generator", None) is not None

    def loss(self, model, x, y, outputs):
        """Return what a model's training minimizes, a scalar."""
        return model.compute_loss(x, y, outputs, None)

    def slots(self, optimizer):
        """Return the variables of an optimizer, in the order of Keras 3."""
        first, *slots = optimizer.variables
        return [first, optimizer._learning_rate] + slots

    def _source(self, variable):
        return variable
