"""One row of the table of layers: how a layer is made and called, and what is known of it."""

from dataclasses import dataclass

import numpy as np

import minikeras

# Called with their inputs one by one; other layers of several inputs get a list.
UNPACKING = ("MultiHeadAttention", "GroupQueryAttention")


@dataclass
class Case:
    """One layer with its arguments.

    Args:
        source: the constructor's call after `layers.`.
        shape: shape of the input, batch included, or a list of shapes.
        trains: whether training and inference differ.
        length: terms of the longest sum in an output or gradient.
        single: whether TensorFlow computes this in float32, whatever the dtype.
        integers: inputs are integers from 0 up to this, if it is not 0.
        pixels: whether inputs are values of images, from 0 to 255.
        recorded: whether a step of training with the layer is recorded.
        words: inputs are strings, drawn from these, if there are any.
        raw: whether the layer takes raw data, through which no gradient goes, and may compute in
            main memory.
    """

    source: str
    shape: object
    trains: bool = False
    length: int = 1
    single: bool = False
    integers: int = 0
    pixels: bool = False
    recorded: bool = True
    words: tuple = ()
    raw: bool = False

    @property
    def name(self):
        """The class of the layer."""
        return self.source.partition("(")[0]

    @property
    def shapes(self):
        """The shapes of the inputs, always as a list."""
        return self.shape if isinstance(self.shape, list) else [self.shape]

    @property
    def dtype(self):
        """The dtype of inputs that are given without one."""
        if self.words:
            return "string"
        return "int32" if self.integers else "float32"

    def data(self, dtype="float32", batch=None):
        """Inputs drawn from a fixed seed, in the nest that `shape` is.

        Args:
            dtype: dtype of inputs that are no integers.
            batch: another number of samples than that of the row.
        """
        rng = np.random.default_rng(0)
        shapes = [(batch or s[0], *s[1:]) for s in self.shapes]
        if self.words:
            arrays = [np.array(self.words)[rng.integers(len(self.words), size=s)] for s in shapes]
        elif self.integers:
            arrays = [rng.integers(0, self.integers, s).astype("int32") for s in shapes]
        elif self.pixels:
            arrays = [rng.uniform(0, 255, s).astype(dtype) for s in shapes]
        else:
            arrays = [rng.normal(size=s).astype(dtype) for s in shapes]
        return self.nest(arrays)

    def nest(self, leaves):
        """Things of the inputs' number in the nest that `shape` is: a list, or the only one."""
        return leaves if isinstance(self.shape, list) else leaves[0]

    def make(self, engine=minikeras):
        """The layer, of one of the two engines."""
        return eval(f"engine.layers.{self.source}", {"engine": engine})

    def trainable(self):
        """A model with the layer, and with weights to train: before it where it has gradients."""
        layers = minikeras.layers
        inputs = [minikeras.Input(shape[1:], dtype=self.dtype) for shape in self.shapes]
        takes_data = self.integers or self.pixels or self.raw
        tensors = inputs if takes_data else [layers.Dense(x.shape[-1])(x) for x in inputs]
        outputs = self.call(self.make(), self.nest(tensors))
        if self.pixels:
            outputs = layers.Dense(2)(layers.GlobalAveragePooling2D()(outputs))
        if self.raw:
            outputs = layers.Dense(2)(minikeras.ops.cast(outputs, "float32"))
        return minikeras.Model(inputs, outputs)

    def call(self, layer, inputs, **options):
        """Call a layer of this row as a user does, with what has the nest of `shape`."""
        if self.name in UNPACKING:
            return layer(*inputs, **options)
        return layer(inputs, **options)

    def __str__(self):
        return self.source
