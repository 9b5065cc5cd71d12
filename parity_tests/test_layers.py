"""Layers against Keras: configs, names, shapes, values, gradients, in both modes and dtypes.

One row of `LAYERS` gives all tests of a layer. What does not fit a row (masks, moving averages over
several steps, errors) follows in tables of its own kind.
"""

import json
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from minikeras.core import trees
from parity_tests.support import both, converted, fresh_names, normal, policy, share_weights
from parity_tests.tolerances import assert_close

pytestmark = pytest.mark.parity


@dataclass
class Case:
    """One layer with its arguments.

    Args:
        source: the constructor's call behind `layers.`.
        shape: shape of the input, batch included, or a list of shapes.
        trains: whether training and inference differ.
        length: terms of the longest sum behind an output or gradient.
        single: whether TensorFlow computes this in float32, whatever the dtype.
        integers: inputs are integers from 0 up to this, if it is not 0.
    """

    source: str
    shape: object
    trains: bool = False
    length: int = 1
    single: bool = False
    integers: int = 0

    def data(self, dtype):
        """Inputs drawn from a fixed seed."""
        if self.integers:
            return np.random.default_rng(0).integers(0, self.integers, self.shape).astype("int32")
        return normal(self.shape, dtype)

    def make(self, engine):
        return eval(f"engine.layers.{self.source}", {"engine": engine})

    def make_swapped(self, engine):
        """The layer in the layout that a CPU runs in every dtype: on Keras's side only."""
        if not self.swaps or engine is minikeras:
            return self.make(engine)
        return eval(f"engine.layers.{self.source}".replace("_first", "_last"), {"engine": engine})

    @property
    def swaps(self):
        """Whether this is a convolution with the channels in front.

        TensorFlow lacks most of these on a CPU; and where the last size equals the number of
        filters Keras adds the bias along that axis in place of the channels.
        """
        return "Conv" in self.source and "channels_first" in self.source

    def __str__(self):
        return self.source


LINE, PLANE, SPACE = (2, 9, 4), (2, 6, 7, 4), (2, 4, 5, 4, 2)


def windows(kind, ranks, options, **more):
    """Rows of a kind of layer for several numbers of axes."""
    shapes = {"1D": LINE, "2D": PLANE, "3D": SPACE}
    return [
        Case(
            f"{kind.format(rank)}({option})",
            shapes[rank],
            **{"length": 200, "single": rank == "3D" and "Pooling{}" in kind, **more},
        )
        for rank in ranks
        for option in options
    ]


LAYERS = [
    # Core
    Case("Dense(5)", (3, 4), length=20),
    Case("Dense(5, 'relu', activity_regularizer='l2')", (2, 3, 4), length=20),
    Case("Dense(1, use_bias=False, kernel_regularizer='l1')", (3, 4), length=20),
    Case("Dense(3, kernel_initializer='he_normal', bias_constraint='max_norm')", (3, 4), length=20),
    Case("Embedding(5, 3)", (2, 4), integers=5),
    Case("Embedding(5, 3, 'normal', 'l2', 'non_neg')", (2, 2, 4), integers=5, length=20),
    Case("Embedding(5, 3, mask_zero=True, activity_regularizer='l1')", (4,), integers=5, length=20),
    Case("Identity()", (2, 3)),
    Case("Masking()", (2, 3, 4)),
    Case("Masking(mask_value=0.5)", (2, 3, 4)),
    Case("Lambda(engine.activations.tanh)", (2, 3)),
    Case("Lambda(engine.activations.elu, arguments={'alpha': 3.0}, output_shape=(3,))", (2, 3)),
    Case("EinsumDense('ab,bc->ac', 5)", (3, 4), length=20),
    Case("EinsumDense('abc,cde->abde', (None, 2, 5), bias_axes='de')", (2, 3, 4), length=20),
    Case("EinsumDense('abcd,cde->abe', (None, 6), 'tanh', 'e')", (2, 3, 4, 2), length=20),
    Case("EinsumDense('abcd,cde->abe', (3, 6), bias_axes='be')", (2, 3, 4, 2), length=20),
    Case("EinsumDense('...x,xy->...y', 5, bias_axes='y')", (2, 3, 4), length=20),
    Case("EinsumDense('...x,xy->...y', 5, bias_axes='y')", (3, 4), length=20),
    Case("EinsumDense('ab...,bc->ac...', 5, bias_axes='c')", (2, 4, 3), length=20),
    Case("EinsumDense('abc,cd->adb', (5, None), bias_axes='d')", (2, 3, 4), length=20),
    Case("EinsumDense('abc,bd->adc', (5, 4), 'relu', 'dc')", (2, 3, 4), length=20),
    Case("EinsumDense('abc,bcd->abd', (3, 6))", (2, 3, 4), length=20),
    Case(
        "EinsumDense('abc,cd->abd', (None, 5), None, 'd', 'he_normal', 'ones', 'l1', 'l2', "
        "bias_constraint='max_norm', activity_regularizer='l2')",
        (2, 3, 4),
        length=20,
    ),
    # Activations
    Case("Activation('relu')", (3, 4)),
    Case("Activation('softmax')", (3, 4)),
    Case("Activation('tanh', activity_regularizer='l2')", (3, 4)),
    Case("Activation(None)", (3, 4)),
    Case("ReLU()", (3, 4)),
    Case("ReLU(max_value=0.5, negative_slope=0.1, threshold=0.2)", (3, 4)),
    Case("LeakyReLU()", (3, 4), single=True),
    Case("LeakyReLU(0.1)", (3, 4), single=True),
    Case("ELU()", (3, 4)),
    Case("ELU(0.5)", (3, 4)),
    Case("PReLU()", (3, 5, 4)),
    Case("PReLU('ones', 'l1', 'non_neg', shared_axes=[1])", (3, 5, 4)),
    Case("PReLU(shared_axes=2)", (3, 5, 4)),
    Case("Softmax()", (3, 5, 4)),
    Case("Softmax(axis=1)", (3, 5, 4)),
    Case("Softmax(axis=[1, 2])", (3, 5, 4), length=20),
    Case("Softmax(axis=[-1])", (3, 5, 4)),
    # Convolutions
    *windows(
        "Conv{}",
        ["1D", "2D", "3D"],
        [
            "3, 2",
            "3, 2, strides=2, padding='same'",
            "3, 2, padding='SAME', use_bias=False, activation='relu'",
            "3, 2, dilation_rate=2, padding='same'",
            "4, 2, groups=2, kernel_initializer='he_normal', bias_initializer='ones'",
            "3, 1, kernel_regularizer='l2', activity_regularizer='l1', bias_constraint='max_norm'",
            "4, 2, data_format='channels_first'",
            "2, 2, strides=2, padding='same', data_format='channels_first', activation='tanh'",
        ],
    ),
    *windows(
        "Conv{}",
        ["1D"],
        [
            "3, 3, padding='causal'",
            "3, 3, padding='causal', dilation_rate=2",
            "3, 3, padding='causal', strides=2",
            "3, 3, padding='causal', data_format='channels_first'",
        ],
    ),
    *windows(
        "Conv{}",
        ["2D"],
        [
            "3, (3, 2), strides=(2, 1)",
            "3, (1, 4), padding='same', strides=(3, 2)",
            "4, 3, groups=4, kernel_constraint='unit_norm'",
        ],
    ),
    *windows(
        "DepthwiseConv{}",
        ["1D", "2D"],
        [
            "3",
            "3, depth_multiplier=2, padding='same', activation='relu'",
            "2, strides=2, use_bias=False",
            "2, dilation_rate=2, depthwise_initializer='he_uniform', depthwise_regularizer='l2'",
            "2, data_format='channels_first', depth_multiplier=3",
        ],
    ),
    *windows(
        "SeparableConv{}",
        ["1D", "2D"],
        [
            "3, 3",
            "3, 2, strides=2, padding='same', depth_multiplier=2, activation='relu'",
            "3, 2, dilation_rate=2, use_bias=False, pointwise_regularizer='l1'",
            "3, 2, data_format='channels_first'",
        ],
    ),
    *windows(
        "Conv{}Transpose",
        ["1D", "2D", "3D"],
        [
            "3, 2",
            "3, 3, strides=2, padding='same', activation='relu'",
            "3, 3, strides=2, output_padding=1",
            "3, 2, use_bias=False, kernel_regularizer='l2'",
            "3, 2, strides=3, padding='same', data_format='channels_first'",
        ],
    ),
    *windows("Conv{}Transpose", ["1D", "2D"], ["3, 3, dilation_rate=2"], single=True),
    # Pooling
    *windows(
        "MaxPooling{}", ["1D", "2D", "3D"], ["", "2, strides=1", "3, 2, 'same', 'channels_first'"]
    ),
    *windows(
        "AveragePooling{}",
        ["1D", "2D", "3D"],
        ["2", "2, strides=1", "3, 2, 'same'", "3, 2, 'same', data_format='channels_first'"],
    ),
    Case("MaxPooling2D((2, 3), (1, 2), name='pool')", PLANE),
    *windows("GlobalMaxPooling{}", ["1D", "2D", "3D"], ["", "'channels_first', keepdims=True"]),
    *windows("GlobalAveragePooling{}", ["1D", "2D", "3D"], ["", "'channels_first', keepdims=True"]),
    *windows("AdaptiveMaxPooling{}", ["1D", "2D", "3D"], ["2", "3, 'channels_first'"]),
    *windows("AdaptiveAveragePooling{}", ["1D", "2D", "3D"], ["2", "3, 'channels_first'"]),
    # Normalization
    *[
        Case(f"BatchNormalization({options})", (8, 5, 4), trains=True, length=200)
        for options in (
            "",
            "axis=1, momentum=0.9, epsilon=1e-5",
            "center=False",
            "scale=False, beta_regularizer='l2'",
            "scale=False, center=False",
            "gamma_initializer='zeros', moving_mean_initializer='ones', gamma_constraint='non_neg'",
            "trainable=False",
            "renorm=True, renorm_momentum=0.8",
            "renorm=True, renorm_clipping={'rmax': 1.5, 'rmin': 0.5, 'dmax': 0.3}, scale=False",
            "synchronized=True",
        )
    ],
    Case("BatchNormalization()", (16, 4), trains=True, length=200),
    Case("BatchNormalization()", PLANE, trains=True, length=200),
    Case("LayerNormalization()", (3, 5, 4), length=50),
    Case("LayerNormalization(axis=[1, 2], epsilon=1e-5)", (3, 5, 4), length=50),
    Case("LayerNormalization(axis=(-1, -2))", (3, 5, 4), length=50),
    Case("LayerNormalization(axis=1, center=False)", (3, 5, 4), length=50),
    Case("LayerNormalization(scale=False, beta_initializer='ones')", (3, 5, 4), length=50),
    Case("RMSNormalization()", (3, 5, 4), length=50),
    Case("RMSNormalization(axis=[1, 2], epsilon=1e-3)", (3, 5, 4), length=50),
    Case("GroupNormalization(2)", (3, 5, 4), length=100),
    Case("GroupNormalization(-1, center=False)", (3, 5, 4), length=100),
    Case("GroupNormalization(5, axis=1, scale=False)", (3, 5, 4), length=100),
    Case("GroupNormalization(1, epsilon=1e-5)", PLANE, length=200),
    Case("UnitNormalization()", (3, 5, 4)),
    Case("UnitNormalization(axis=[1, 2])", (3, 5, 4), length=20),
    # Merging
    *[
        Case(f"{name}()", shapes)
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")
        for shapes in ([(2, 3), (2, 3), (2, 3)], [(2, 4), (2, 3, 4)], [(2, 3, 1), (2, 1, 4)])
    ],
    Case("Subtract()", [(2, 3), (2, 3)]),
    Case("Subtract()", [(2, 3, 4), (2, 4)]),
    Case("Add(name='sum')", [(2, 3)]),
    Case("Concatenate()", [(2, 3), (2, 1), (2, 4)]),
    Case("Concatenate(axis=1)", [(2, 3, 4), (2, 1, 4)]),
    Case("Dot(1)", [(2, 3), (2, 3)]),
    Case("Dot(axes=(2, 1))", [(2, 3, 4), (2, 4, 5)]),
    Case("Dot(-1, normalize=True)", [(2, 3, 4), (2, 5, 4)], length=10),
    Case("Dot([1, 2])", [(2, 3, 4, 5), (2, 4, 3)]),
    # Attention
    *[
        Case(f"{source}", shapes, trains="dropout" in source, length=20)
        for source in (
            "Attention()",
            "Attention(use_scale=True, score_mode='concat')",
            "Attention(True, 'dot', 0.3, 4)",
            "Attention(dropout=0.3)",
            "AdditiveAttention()",
            "AdditiveAttention(use_scale=False)",
            "AdditiveAttention(dropout=0.3, seed=4)",
        )
        for shapes in ([(2, 3, 4), (2, 5, 4)], [(2, 3, 4), (2, 5, 6), (2, 5, 4)])
    ],
    # Reshaping
    Case("Flatten()", (2, 3, 4)),
    Case("Flatten()", (2,)),
    Case("Flatten('channels_first')", PLANE),
    Case("Reshape((6, -1))", (2, 3, 4)),
    Case("Reshape([4, 3])", (2, 12)),
    Case("Reshape(())", (2, 1)),
    Case("Permute((2, 1))", (2, 3, 4)),
    Case("Permute([3, 1, 2])", PLANE),
    Case("RepeatVector(3)", (2, 4)),
    *windows("ZeroPadding{}", ["1D", "2D", "3D"], ["", "2", "1, 'channels_first'"]),
    Case("ZeroPadding1D((1, 3))", LINE),
    Case("ZeroPadding2D(((1, 2), (0, 3)))", PLANE),
    *windows("Cropping{}", ["1D", "2D", "3D"], ["1"]),
    Case("Cropping1D((1, 3))", LINE),
    Case("Cropping2D(((1, 2), (0, 3)))", PLANE),
    Case("Cropping2D((1, 1), 'channels_first')", (2, 3, 6, 7)),
    Case("Cropping3D(data_format='channels_first')", (1, 2, 4, 5, 3)),
    Case("UpSampling1D(3)", LINE),
    Case("UpSampling2D((2, 3))", PLANE),
    Case("UpSampling2D(2, 'channels_first')", PLANE),
    Case("UpSampling2D((2, 3), interpolation='bilinear')", PLANE, single=True),
    Case("UpSampling2D(3, 'channels_first', 'bilinear')", PLANE, single=True),
    Case("UpSampling3D(2)", SPACE),
    Case("UpSampling3D((1, 2, 3), 'channels_first')", SPACE),
    # Regularization
    Case("Dropout(0.4, seed=3)", (5, 6), trains=True),
    Case("Dropout(0.4)", (5, 6), trains=True),
    Case("Dropout(0)", (5, 6), trains=True),
    Case("Dropout(1.0)", (5, 6), trains=True),
    Case("Dropout(0.4, noise_shape=(None, 1), seed=3)", (5, 6), trains=True),
    *[
        Case(f"{name}({options})", shape, trains=True)
        for name, shape in (("SpatialDropout1D", LINE),)
        for options in ("0.5, 3", "0.5", "0.0")
    ],
    Case("SpatialDropout2D(0.5, seed=3)", PLANE, trains=True),
    Case("SpatialDropout2D(0.5, 'channels_first', 3, 'drop')", PLANE, trains=True),
    Case("SpatialDropout3D(0.5, seed=3)", SPACE, trains=True),
    Case("GaussianNoise(0.3, seed=3)", (5, 6), trains=True),
    Case("GaussianNoise(0)", (5, 6), trains=True),
    Case("GaussianDropout(0.3, seed=3)", (5, 6), trains=True),
    Case("AlphaDropout(0.3, seed=3)", (5, 6), trains=True),
    Case("AlphaDropout(0.3, (5, 1), seed=3)", (5, 6), trains=True),
    Case("ActivityRegularization(0.1, 0.2)", (5, 6)),
]
every_layer = pytest.mark.parametrize("case", LAYERS, ids=str)


def unknown(shape, axes=(0,)):
    """A shape, or each of a list, with some sizes unknown."""
    if isinstance(shape, list):
        return [unknown(s, axes) for s in shape]
    return tuple(None if i in axes else n for i, n in enumerate(shape))


def as_json(saved):
    """What a saved form is in a file."""
    return json.loads(json.dumps(saved))


def called(case, dtype="float32"):
    """Both layers after a call, with the same weights, and their tensors."""
    ours, theirs = both(case.make)
    x = case.data(dtype)
    a, b = converted(minikeras, x), converted(keras, x)
    ours(a), theirs(b)
    share_weights(ours, theirs)
    return ours, theirs, a, b


@every_layer
def test_config(case):
    ours, theirs = both(case.make)
    saved = theirs.get_config()
    assert ours.get_config() == saved
    assert type(ours).from_config(saved).get_config() == saved
    assert ours.built == theirs.built
    assert ours.supports_masking == theirs.supports_masking


@every_layer
def test_names_weights_and_saved_form_after_a_call(case):
    ours, theirs, _, _ = called(case)
    for kind in ("variables", "weights", "trainable_weights", "non_trainable_weights"):
        mine = [(v.path, tuple(v.shape), v.trainable) for v in getattr(ours, kind)]
        assert mine == [(v.path, tuple(v.shape), v.trainable) for v in getattr(theirs, kind)]
    saved = as_json(keras.layers.serialize(theirs))
    assert as_json(minikeras.layers.serialize(ours)) == saved
    assert as_json(minikeras.layers.serialize(minikeras.layers.deserialize(saved))) == saved


@every_layer
def test_shapes(case):
    fresh_names()
    ours, theirs = both(case.make)
    for axes in ((0,), (0, 2), (0, 1)):
        shape = unknown(case.shape, axes)
        try:
            expected = tuple(theirs.compute_output_shape(shape))
        except (ValueError, TypeError):
            continue  # Keras cannot tell, as where a channel count is unknown
        assert ours.compute_output_shape(shape) == expected


@every_layer
def test_symbolic_call(case):
    shape = unknown(case.shape)
    y, z = (
        layer([engine.Input(batch_shape=s) for s in shape])
        if isinstance(shape, list)
        else layer(engine.Input(batch_shape=shape))
        for engine, layer in zip((minikeras, keras), both(case.make), strict=True)
    )
    assert (y.shape, y.dtype) == (z.shape, z.dtype)


def gradients(engine, tape_of, layer, x, direction, options):
    """Output, and the gradients of a linear function of it by inputs and weights, as arrays."""
    tensors = converted(engine, x)
    sources = tensors if isinstance(tensors, list) else [tensors]
    sources = [t for t in sources if "float" in str(t.dtype)]
    weights = [getattr(w, "value", w) if engine is keras else w for w in layer.trainable_weights]
    with tape_of() as tape:
        for source in sources:
            tape.watch(source)
        y = layer(tensors, **options)
        loss = engine.ops.sum(y * engine.ops.convert_to_tensor(direction))
        for penalty in layer.losses:
            loss = loss + penalty
    found = tape.gradient(loss, [*sources, *weights])
    return [y.numpy()] + [None if g is None else dense(g).numpy() for g in found]


def dense(gradient):
    """A gradient w.r.t. an embedding table as one array."""
    return tf.convert_to_tensor(gradient) if hasattr(gradient, "indices") else gradient


def last(x):
    return np.moveaxis(x, 1, -1)


def first(x):
    return np.moveaxis(x, -1, 1)


def compare(case, dtype, options):
    """Compare outputs, gradients and changed state of one call."""
    their_dtype = "float32" if case.single else dtype
    x = case.data(dtype)
    with policy(dtype):
        ours, _ = both(case.make)
        shape = ours(converted(minikeras, x)).shape
    with policy(their_dtype):
        _, theirs = both(case.make_swapped)
        z = trees.map_structure(lambda v: v.astype(their_dtype) if v.dtype.kind == "f" else v, x)
        theirs(converted(keras, last(z) if case.swaps else z))
    share_weights(ours, theirs)
    g = normal(shape, dtype, seed=5)
    mine = gradients(minikeras, minikeras.GradientTape, ours, x, g, options)
    if case.swaps:
        their = gradients(keras, tf.GradientTape, theirs, last(z), last(g), options)
        their[:2] = map(first, their[:2])
    else:
        their = gradients(keras, tf.GradientTape, theirs, z, g.astype(their_dtype), options)
    for i, (a, b) in enumerate(zip(mine, their, strict=True)):
        if b is None:
            assert a is None or not np.any(a)
        else:
            what = f"gradient {i}" if i else "output"
            assert_close(a, b.astype(dtype), case.length, what, their_dtype)
    for v, w in zip(ours.variables, theirs.variables, strict=True):
        assert_close(v.numpy(), w.numpy().astype(v.numpy().dtype), case.length, v.path, their_dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@every_layer
def test_values_and_gradients(case, dtype):
    compare(case, dtype, {"training": False} if case.trains else {})
    if case.trains:
        compare(case, dtype, {"training": True})
