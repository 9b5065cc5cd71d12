"""What layers promise beside their values: signatures, masks, moving averages, dtypes, errors."""

import inspect
import warnings

import keras
import numpy as np
import pytest

import minikeras
from minikeras.tools.tolerances import assert_close
from parity_tests.support import both, converted, normal, policy, said, share_weights, spaced
from tests.cases.layers import FIRST

pytestmark = pytest.mark.parity

ENGINES = (minikeras, keras)
# Low-rank adaptation and quantization are not part of this engine.
ABSENT = ("lora_rank", "lora_alpha", "quantization_config", "gptq_unpacked_column_size")
# Keras takes it from `**kwargs`.
BY_NAME = ("rms_scaling",)
CELLS = ("SimpleRNNCell", "GRUCell", "LSTMCell", "StackedRNNCells")
CLASSES = sorted({*FIRST, *CELLS})


@pytest.mark.parametrize("name", CLASSES)
def test_signature(name):
    def arguments(function):
        parameters = list(inspect.signature(function).parameters.values())[1:]
        return [(p.name, p.default) for p in parameters if p.kind != p.VAR_KEYWORD]

    theirs = arguments(getattr(keras.layers, name).__init__)
    ours = arguments(getattr(minikeras.layers, name).__init__)
    assert [pair for pair in ours if pair[0] not in BY_NAME] == [
        pair for pair in theirs if pair[0] not in ABSENT
    ]


def test_aliases():
    for name in dir(keras.layers):
        theirs = getattr(keras.layers, name)
        original = getattr(theirs, "__name__", name)
        if original in CLASSES:
            assert getattr(minikeras.layers, name) is getattr(minikeras.layers, original)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "average", "maximum", "minimum"])
def test_merging_functions(name):
    x = normal([(2, 3), (2, 3)], "float32")
    y, z = (getattr(e.layers, name)(converted(e, x), name="joined") for e in ENGINES)
    assert_close(y.numpy(), z.numpy())


@pytest.mark.parametrize(
    ("name", "options"),
    [("concatenate", {}), ("concatenate", {"axis": 1}), ("dot", {}), ("dot", {"axes": 1})],
)
def test_joining_functions(name, options):
    x = normal([(2, 3, 3), (2, 3, 3)], "float32")
    y, z = (getattr(e.layers, name)(converted(e, x), **options) for e in ENGINES)
    assert_close(y.numpy(), z.numpy())


# Moving averages over several steps


@pytest.mark.parametrize("dtype", ["float64", "float32", "mixed_float16", "float16"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.5, "epsilon": 1e-2},
        {"axis": 1},
        {"momentum": 0.7, "renorm": True, "renorm_momentum": 0.6},
        {"renorm": True, "renorm_clipping": {"rmax": 2.0, "rmin": 0.5, "dmax": 1.0}},
        {"trainable": False},
        {"masked": True},
        {"masked": True, "renorm": True},
        {"masked": True, "axis": 1},
    ],
    ids=str,
)
def test_batch_norm_over_steps(options, dtype):
    options = dict(options)
    masked = options.pop("masked", False)
    mask = np.random.default_rng(1).uniform(size=(8, 5)) < 0.7 if masked else None
    with policy(dtype):
        ours, theirs = both(lambda engine: engine.layers.BatchNormalization(**options))
        for step in range(3):
            x = 2 + 3 * normal((8, 5, 4), "float32", seed=step)
            y, z = (
                layer(converted(engine, x), training=True, mask=mask)
                for engine, layer in zip(ENGINES, (ours, theirs), strict=True)
            )
            assert_close(y.numpy(), z.numpy(), length=100, what=f"step {step}")
    narrow = "float64" if dtype == "float64" else "float16" if dtype == "float16" else "float32"
    for v, w in zip(ours.variables, theirs.variables, strict=True):
        assert_close(v.numpy(), w.numpy(), 100, v.path, narrow)
    y, z = (
        layer(converted(engine, x)) for engine, layer in zip(ENGINES, (ours, theirs), strict=True)
    )
    assert_close(y.numpy(), z.numpy(), length=100, what="inference")


def test_frozen_batch_norm_runs_as_in_inference():
    x = normal((8, 4), "float32")
    for engine in ENGINES:
        layer = engine.layers.BatchNormalization()
        layer(converted(engine, x), training=True)
        layer.trainable = False
        before = layer.get_weights()
        y = layer(converted(engine, x), training=True)
        assert_close(y.numpy(), layer(converted(engine, x)).numpy())
        for a, b in zip(before, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


# Masks

MASK = np.array([[True, True, False, False, False], [True, False, True, False, True]])
OTHER = np.array([[True, False, True, False, False], [False, True, True, False, True]])


def with_mask(engine, x, mask):
    x = engine.ops.convert_to_tensor(x)
    if mask is not None:
        x._keras_mask = engine.ops.convert_to_tensor(mask)
    return x


@pytest.mark.parametrize(
    "source",
    [
        "Activation('relu')",
        "PReLU()",
        "LeakyReLU()",
        "LayerNormalization()",
        "BatchNormalization()",
        "GroupNormalization(4)",
        "UnitNormalization()",
        "RMSNormalization()",
        "Dropout(0.5)",
        "SpatialDropout1D(0.5)",
        "GaussianNoise(0.5)",
        "ActivityRegularization(0.1)",
        "GlobalAveragePooling1D()",
        "GlobalAveragePooling1D(keepdims=True)",
        "GlobalMaxPooling1D()",
        "Conv1D(2, 2)",
        "MaxPooling1D()",
        "Flatten()",
        "Permute((2, 1))",
    ],
)
def test_masks_pass_or_end(source):
    x = normal((2, 5, 4), "float32")
    ours, theirs = both(lambda engine: eval(f"engine.layers.{source}", {"engine": engine}))
    ours(converted(minikeras, x)), theirs(converted(keras, x))
    share_weights(ours, theirs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = ours(with_mask(minikeras, x, MASK))
        noted = len(caught)
        z = theirs(with_mask(keras, x, MASK))
    assert noted * 2 == len(caught)
    assert_close(y.numpy(), z.numpy(), length=50)
    mine, their = (getattr(t, "_keras_mask", None) for t in (y, z))
    assert (mine is None) == (their is None)
    if their is not None:
        np.testing.assert_array_equal(mine.numpy(), their.numpy())


@pytest.mark.parametrize(
    "masks",
    [
        *((MASK, OTHER), (MASK, None), (None, None), (None, OTHER)),
        *((MASK, OTHER, ~MASK), (MASK, None, OTHER), (None, MASK, OTHER), (MASK, OTHER, MASK)),
    ],
)
@pytest.mark.parametrize(
    "source",
    [
        *("Add()", "Multiply()", "Maximum()", "Minimum()", "Average()"),
        *("Concatenate()", "Concatenate(1)", "Dot(2)"),
    ],
)
def test_masks_of_merging_layers(source, masks):
    masks = masks[:2] if source.startswith("Dot") else masks
    arrays = normal([(2, 5, 3)] * len(masks), "float32")
    outputs = []
    for engine in ENGINES:
        layer = eval(f"engine.layers.{source}", {"engine": engine})
        inputs = [with_mask(engine, x, m) for x, m in zip(arrays, masks, strict=True)]
        y = layer(inputs)
        outputs.append((y.numpy(), getattr(y, "_keras_mask", None)))
    (y, mine), (z, their) = outputs
    assert_close(y, z, length=3)
    assert (mine is None) == (their is None)
    if their is not None:
        np.testing.assert_array_equal(mine.numpy(), their.numpy())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("axis", "mask"),
    [
        (-1, np.array([[True, False, True], [False, False, False]])),
        (1, np.array([[True, False, True]])),
        ([0, 1], np.array([[True, False, True], [True, True, True]])),
        (-1, np.array([[1, 0, 1], [1, 1, 1]])),
    ],
)
def test_masked_softmax(axis, mask, dtype):
    x = normal((2, 3), dtype)
    y, z = (
        e.layers.Softmax(axis=axis, dtype=dtype)(converted(e, x), mask=converted(e, mask))
        for e in ENGINES
    )
    assert_close(y.numpy(), z.numpy())


# Narrow dtypes

NARROW = [
    ("Conv2D(3, 2, padding='same', activation='relu')", (2, 6, 7, 4)),
    ("DepthwiseConv2D(2)", (2, 6, 7, 4)),
    ("SeparableConv2D(3, 2)", (2, 6, 7, 4)),
    ("MaxPooling2D()", (2, 6, 7, 4)),
    ("AveragePooling2D(2)", (2, 6, 7, 4)),
    ("GlobalAveragePooling2D()", (2, 6, 7, 4)),
    ("LayerNormalization()", (3, 5, 4)),
    ("RMSNormalization()", (3, 5, 4)),
    ("GroupNormalization(2)", (3, 5, 4)),
    ("UnitNormalization()", (3, 5, 4)),
    ("PReLU()", (3, 4)),
    ("Softmax()", (3, 4)),
    ("Dense(3)", (3, 4)),
    ("Flatten()", (3, 4, 2)),
    ("Dropout(0.5, seed=1)", (3, 4)),
    ("GaussianNoise(0.5, seed=1)", (3, 4)),
    ("GaussianDropout(0.5, seed=1)", (3, 4)),
    ("AlphaDropout(0.5, seed=1)", (3, 4)),
    ("Add()", [(2, 3), (2, 3)]),
    ("Dot(1)", [(2, 3), (2, 3)]),
]


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16"])
@pytest.mark.parametrize(("source", "shape"), NARROW, ids=str)
def test_narrow_dtypes(source, shape, dtype):
    with policy(dtype):
        ours, theirs = both(lambda engine: eval(f"engine.layers.{source}", {"engine": engine}))
        x = normal(shape, "float32")
        ours(converted(minikeras, x)), theirs(converted(keras, x))
        share_weights(ours, theirs)
        options = {"training": True} if "seed" in source else {}
        y, z = ours(converted(minikeras, x), **options), theirs(converted(keras, x), **options)
    assert [w.numpy().dtype for w in ours.weights] == [w.numpy().dtype for w in theirs.weights]
    assert_close(y.numpy(), z.numpy(), length=16)


@pytest.mark.parametrize(
    "source",
    [
        "Activation('relu')",
        "ReLU()",
        "Flatten()",
        "MaxPooling1D()",
        "GlobalAveragePooling1D()",
        "GlobalMaxPooling1D()",
        "ZeroPadding1D()",
        "UpSampling1D()",
        "Permute((2, 1))",
        "BatchNormalization()",
        "ActivityRegularization(0.1)",
    ],
)
def test_integers(source):
    x = np.arange(24, dtype="int32").reshape(2, 4, 3) - 9
    ours, theirs = both(lambda engine: eval(f"engine.layers.{source}", {"engine": engine}))
    assert_close(ours(converted(minikeras, x)).numpy(), theirs(converted(keras, x)).numpy())


# Errors: both raise one kind, ours with these words


def ones(engine, *shape):
    return engine.ops.ones(shape)


ERRORS = [
    ("Conv2D(0, 3)", "`filters` must be greater than 0"),
    ("Conv2D(2, 0)", "`kernel_size` must be an int or a tuple of 2 ints, each 1"),
    ("Conv2D(2, (3,))", "a tuple of 2 ints, each 1 or greater. Received: kernel_size=(3,)"),
    ("Conv2D(2, 3, strides=(1, 2, 3))", "`strides` must be an int or a tuple of 2 ints"),
    ("Conv2D(2, 3, dilation_rate=0)", "each 1 or greater. Received: dilation_rate=0"),
    ("Conv2D(2, 3, strides=2, dilation_rate=2)", "`strides` and `dilation_rate` cannot both"),
    ("Conv2D(2, 3, padding='causal')", "The `padding` argument must be"),
    ("Conv1D(2, 3, padding='foo')", "Received: foo"),
    ("Conv2D(3, 3, groups=2)", "is a multiple of `groups`. Received: groups=2"),
    ("Conv2D(3, 3, groups=0)", "`groups` must be greater than 0. Received: groups=0"),
    ("Conv2D(2, 3, data_format='foo')", "`data_format` must be one of 'channels_last', 'channels"),
    ("Conv2D(2, 3, foo=1)", "Conv2D has no arguments of these names: {'foo': 1}"),
    ("Conv2D(4, 3, groups=2)(ones(1, 5, 5, 3))", "groups=2 and 3 channels, in input_shape="),
    ("Conv2D(4, 3)(ones(1, 5, 5))", "expected min_ndim=4, found ndim=3"),
    ("Conv2D(4, 3)(ones(1, 2, 2, 3))", "Computed output size would be zero or negative"),
    ("Conv2D(4, 3).compute_output_shape((1, 2, 3))", "Kernel shape must have the same length as"),
    ("DepthwiseConv2D(3, depth_multiplier=0)", "`depth_multiplier` must be greater than 0"),
    ("SeparableConv1D(2, 3, padding='causal')", "Received: causal"),
    ("Conv2DTranspose(2, 3, strides=2, output_padding=2)", "along axis 0 they are 2 and 2"),
    ("Conv2DTranspose(2, 3, output_padding=-1)", "each 0 or greater"),
    ("EinsumDense('ab,bc,ac->a', 2)(ones(2, 3))", "The equation 'ab,bc,ac->a' cannot be read"),
    ("EinsumDense('ab,bc->ad', 2)(ones(2, 3))", "The outputs 'ad' have an axis 'd'"),
    ("EinsumDense('ab,xc->ac', 2)(ones(2, 3))", "The kernel's axis 'x' is neither"),
    ("EinsumDense('ab,bc->ac', 2, bias_axes='x')(ones(2, 3))", "`bias_axes` names the axis 'x'"),
    ("EinsumDense('abc,cd->abd', (4, 2))(ones(2, 3, 3))", "'b' has size 3 in the inputs and 4"),
    ("Attention(score_mode='foo')", "`score_mode` must be one of 'dot', 'concat'. Received:"),
    ("Attention()(ones(2, 3, 4))", "Attention takes a list of tensors"),
    ("Attention()([ones(2, 3, 4)])", "Attention takes two or three tensors"),
    ("AdditiveAttention()([ones(2, 3, 4)])", "AdditiveAttention takes two or three tensors"),
    ("Attention()([ones(2, 3, 4)] * 2, mask=ones(2, 3))", "Attention takes its masks as a list"),
    ("Attention()([ones(2, 3, 4)] * 2, mask=[None])", "Attention takes two or three masks"),
    ("MaxPooling2D(0)", "`pool_size` must be an int or a tuple of 2 ints"),
    ("MaxPooling2D(2)(ones(1, 4, 4))", "expected ndim=4, found ndim=3"),
    ("MaxPooling2D(5).compute_output_shape((1, 4, 4, 1))", "output size would be zero or negative"),
    ("AdaptiveMaxPooling2D((1, 2, 3))", "`output_size` must be"),
    ("BatchNormalization()(ones(4, 3), mask=ones(4, 3))", "the inputs' axes but the last one"),
    (
        "BatchNormalization(renorm=True, renorm_clipping={'a': 1})",
        "a dict with keys among ['rmax',",
    ),
    (
        "BatchNormalization(renorm=True, renorm_clipping={'dmax': -1})",
        "must be 0 or greater. Received: dmax",
    ),
    ("LayerNormalization(axis='a')", "`axis` must be an int, or a list or tuple of ints"),
    ("GroupNormalization(8)(ones(2, 4))", "more groups than channels"),
    ("GroupNormalization(3)(ones(2, 4))", "Number of groups (3) must"),
    ("UnitNormalization('a')", "int, or a list or tuple of ints. Received: axis='a'"),
    ("Add()(ones(2, 3))", "Add takes a list of tensors"),
    ("Add()([ones(2, 3), ones(2, 4)])", "or 1, along each axis. Received: shapes of samples (3,)"),
    ("Add()([ones(2, 3), ones(3, 3)])", "The tensors to be merged need one batch size"),
    ("Subtract()([ones(2, 3)])", "`Subtract` takes two tensors"),
    ("Concatenate()(ones(2, 3))", "`Concatenate` takes a list of tensors"),
    ("Concatenate()([ones(2, 3), ones(3, 3)])", "sizes agree along all axes but -1"),
    ("Dot('a')", "`axes` must be an int for both inputs, or two ints"),
    ("Dot((1, 2, 3))", "or two ints. Received: axes=(1, 2, 3)"),
    ("Dot((1, 'a'))", "or two ints. Received: axes=(1, 'a')"),
    ("Dot(1)([ones(2, 3)])", "`Dot` takes a list of two tensors"),
    ("Dot(1)([ones(2, 3), ones(2, 4)])", "whose sizes must be equal"),
    ("Dot(0)([ones(2, 3), ones(2, 3)])", "over axis 0"),
    ("Add().compute_mask(ones(2), [None, None])", "`inputs` should be a list"),
    ("Add().compute_mask([1, 2], ones(2))", "`mask` should be a list"),
    ("Add().compute_mask([1, 2], [None])", "There must be a mask, or None, for each input"),
    ("ReLU(max_value=-1)", "max_value of a ReLU layer cannot be a negative value"),
    ("ReLU(negative_slope=None)", "negative_slope of a ReLU layer cannot be None or a negative"),
    ("LeakyReLU(-1)", "Expected a float. Received: negative_slope=-1"),
    ("Activation('foo')", "Could not interpret activation function identifier: foo"),
    ("Softmax()(ones(2, 3), mask=ones(2, 2))", "`mask` must have the inputs' sizes, or 1"),
    ("Flatten('foo')", "`data_format` must be one of"),
    ("Reshape((2, 4))(ones(2, 6))", "A sample keeps its number of elements"),
    ("Reshape((2, -1))(ones(2, 7))", "A sample keeps its number of elements"),
    ("Reshape((-1, -1))", "-1 may stand in `target_shape` once"),
    ("Reshape((-2, 3))", "`target_shape` holds a sample's sizes"),
    ("Permute((0, 1))", "must be consecutive and start from 1. Received dims=(0, 1)"),
    ("Permute((2, 1))(ones(2, 3))", "expected ndim=3, found ndim=2"),
    ("RepeatVector(0)", "Argument `n` should be a positive integer. Received: n=0"),
    ("RepeatVector(1.5)", "Expected an integer value for `n`, got <class 'float'>"),
    ("ZeroPadding1D(-1)", "each 0 or greater"),
    ("ZeroPadding2D((1, 2, 3))", "`padding` should have two elements"),
    ("ZeroPadding2D(((1, 2), (3, -1)))", "`2nd entry of padding` must be an int or a tuple of 2"),
    ("ZeroPadding3D((1, 2))", "`padding` should have 3 elements"),
    ("ZeroPadding2D(1.5)", "`padding` should be either an int, a tuple of 2 ints"),
    ("Cropping1D((2, 1))(ones(1, 3, 2))", "inputs.shape=(1, 3, 2), cropping=(2, 1)"),
    ("Cropping2D(3)(ones(1, 3, 9, 1))", "`cropping` takes away all of an axis"),
    ("UpSampling1D(0)", "Argument `size` should be a positive integer"),
    ("UpSampling2D((1, 2, 3))", "`size` must be an int or a tuple of 2 ints"),
    ("UpSampling2D(interpolation='foo')(ones(1, 2, 2, 1))", "`interpolation` must be one of"),
    ("Dropout(1.5)", "`rate` must be a number from 0 to 1. Received: rate=1.5"),
    ("Dropout(0.5, noise_shape=(0, 1))", "Received: noise_shape=(0, 1), with 0 at index 0"),
    ("Dropout(0.5, noise_shape='ab')", "a tuple or list of integers. Received: noise_shape=ab"),
    ("Dropout(0.5, seed='a')", "Argument `seed` must be an integer"),
    ("SpatialDropout1D(0.5)(ones(2, 3))", "expected ndim=3, found ndim=2"),
    ("GaussianNoise(-1)", "`stddev` must be a number from 0 to 1"),
    ("GaussianDropout(1.5)", "`rate` must be a number from 0 to 1"),
    ("ActivityRegularization(-1)", "`l1` must be a finite number, 0 or greater"),
]


@pytest.mark.parametrize(("source", "words"), ERRORS, ids=lambda v: v[:50])
def test_errors(source, words):
    kinds = []
    for engine in ENGINES:
        scope = {"engine": engine, "ones": lambda *shape, engine=engine: ones(engine, *shape)}
        expected = said(engine, spaced(words))
        with pytest.raises((ValueError, TypeError), match=expected) as caught:
            eval(f"engine.layers.{source}", scope)
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]
