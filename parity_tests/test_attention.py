"""Attention against Keras: values, gradients, masks, dropout, weights, configs, shapes, errors."""

import inspect
import json
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, field

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from minikeras.tools.tolerances import assert_close
from parity_tests.support import (
    both,
    converted,
    fresh_names,
    normal,
    policy,
    said,
    share_weights,
    spaced,
)

pytestmark = pytest.mark.parity

ENGINES = (minikeras, keras)

# Two samples, 3 targets, 5 sources. Sizes of keys are powers of 4: for others Keras rounds the
# factor of the scores to float32 in float64 as well.
SELF, OTHER, THREE = [(2, 3, 4)], [(2, 3, 4), (2, 5, 4)], [(2, 3, 4), (2, 5, 6), (2, 5, 4)]
PLANES = [(2, 3, 4, 5), (2, 3, 2, 5)]
TARGETS = np.array([[True, True, False], [True, False, True]])
SOURCES = np.array([[True, False, True, True, False], [False, True, False, False, False]])
PAIRS = np.array([[[1, 1, 0, 0, 1], [0, 1, 1, 0, 0], [1, 0, 0, 0, 0]], [[1, 0, 1, 0, 1]] * 3], bool)


def heedless(engine):
    """A context in which Keras may warn of masks that end at the parts of GroupQueryAttention."""
    return warnings.catch_warnings(action="ignore") if engine is keras else nullcontext()


@dataclass
class Case:
    """One call of a layer.

    Args:
        source: the constructor's call after `layers.`.
        shapes: shapes of query, value and key; a single one is all three.
        options: keyword arguments of the call, arrays being converted.
        masks: masks that the inputs carry, by their places.
    """

    source: str
    shapes: list
    options: dict = field(default_factory=dict)
    masks: dict = field(default_factory=dict)

    @property
    def name(self):
        """The class of the layer."""
        return self.source.partition("(")[0]

    def make(self, engine):
        return eval(f"engine.layers.{self.source}", {"engine": engine})

    def inputs(self, engine, dtype):
        tensors = converted(engine, normal(self.shapes, dtype))
        tensors = tensors * 2 if len(tensors) == 1 else tensors
        for place, mask in self.masks.items():
            tensors[place]._keras_mask = engine.ops.convert_to_tensor(mask)
        return tensors

    def called(self, engine, layer, tensors):
        options = {
            name: engine.ops.convert_to_tensor(value) if isinstance(value, np.ndarray) else value
            for name, value in self.options.items()
        }
        with heedless(engine):
            y = layer(*tensors, **options)
        return list(y) if isinstance(y, (tuple, list)) else [y]

    def __str__(self):
        shown = {k: "array" if isinstance(v, np.ndarray) else v for k, v in self.options.items()}
        return f"{self.source}{self.shapes}{shown or ''}{list(self.masks) or ''}"


WEIGHTS = {"return_attention_scores": True}
CAUSAL = {"use_causal_mask": True}
MULTI, GROUP = "MultiHeadAttention(2, 4", "GroupQueryAttention(4, 4, 2"

CASES = [
    *[
        Case(f"{layer}{arguments})", shapes, options)
        for layer in (MULTI, GROUP)
        for arguments, shapes, options in (
            ("", SELF, {}),
            ("", OTHER, {}),
            ("", THREE, {}),
            ("", OTHER, WEIGHTS),
            ("", OTHER, CAUSAL),
            ("", OTHER, {**CAUSAL, **WEIGHTS}),
            ("", OTHER, {"attention_mask": PAIRS}),
            ("", OTHER, {"attention_mask": PAIRS.astype("int32")}),
            ("", OTHER, {"attention_mask": PAIRS, **WEIGHTS}),
            ("", OTHER, {"attention_mask": PAIRS, **CAUSAL}),
            ("", OTHER, {"attention_mask": PAIRS[:1], **CAUSAL, **WEIGHTS}),
            ("", OTHER, {"attention_mask": PAIRS[:, None] & np.ones((1, 1, 1, 1), bool)}),
            ("", OTHER, {"query_mask": TARGETS, "value_mask": SOURCES}),
            ("", OTHER, {"key_mask": SOURCES, **WEIGHTS}),
            (", sliding_window=2", SELF, {}),
            (", sliding_window=2", OTHER, {**CAUSAL, **WEIGHTS}),
            (", use_bias=False, use_gate=True", OTHER, {}),
            (", use_gate=True, flash_attention=False", OTHER, WEIGHTS),
            (", dropout=0.4, seed=7", OTHER, {"training": True}),
            (", dropout=0.4, seed=7", OTHER, {"training": True, **WEIGHTS, **CAUSAL}),
            (", dropout=0.4", OTHER, {"training": True}),
            (", dropout=0.4, seed=7", OTHER, {"training": False}),
            (", kernel_regularizer='l2', bias_regularizer='l1'", OTHER, {}),
            (", activity_regularizer='l2', kernel_constraint='max_norm'", OTHER, {}),
            (", kernel_initializer='he_normal', bias_initializer='ones'", OTHER, {}),
            (", kernel_initializer='orthogonal', bias_constraint='non_neg'", OTHER, {}),
        )
    ],
    Case("MultiHeadAttention(1, 16, value_dim=3)", THREE),
    Case("MultiHeadAttention(3, 4, value_dim=5)", OTHER, WEIGHTS),
    Case("MultiHeadAttention(2, 4, output_shape=3)", OTHER),
    Case("MultiHeadAttention(2, 4, output_shape=(3, 2))", OTHER, WEIGHTS),
    Case("MultiHeadAttention(2, 4, output_shape=[6], use_bias=False)", OTHER),
    Case("MultiHeadAttention(2, 4)", PLANES),
    Case("MultiHeadAttention(2, 4, dropout=0.3, seed=2)", PLANES, {"training": True}),
    Case("MultiHeadAttention(2, 4, attention_axes=2)", PLANES),
    Case("MultiHeadAttention(2, 4, attention_axes=2)", PLANES, WEIGHTS),
    Case("MultiHeadAttention(2, 4, attention_axes=(1, 2), output_shape=(2, 3))", PLANES, WEIGHTS),
    Case("MultiHeadAttention(2, 4, attention_axes=-2)", PLANES, WEIGHTS),
    Case("MultiHeadAttention(2, 4, attention_axes=[1])", OTHER, WEIGHTS),
    Case(
        "MultiHeadAttention(2, 4, attention_axes=2)",
        PLANES,
        {"attention_mask": np.random.default_rng(2).random((2, 3, 4, 2)) < 0.6, **WEIGHTS},
    ),
    Case("GroupQueryAttention(4, 2, 2)", OTHER),
    Case("GroupQueryAttention(16, 3, 1)", OTHER, WEIGHTS),
    *[
        Case(f"{layer})", shapes, options, masks)
        for layer in (MULTI, GROUP, f"{MULTI}, dropout=0.4, seed=1")
        for shapes, masks in (
            (SELF, {0: TARGETS}),
            (OTHER, {0: TARGETS}),
            (OTHER, {1: SOURCES}),
            (OTHER, {0: TARGETS, 1: SOURCES}),
            (THREE, {0: TARGETS, 2: SOURCES}),
            (THREE, {1: SOURCES, 2: ~SOURCES}),
        )
        for options in ({}, {**CAUSAL, **WEIGHTS})
    ],
]


def every_case(test):
    """Run a test on all rows; in the everyday run, on an eighth of them, of every layer one."""
    some = pytest.mark.sampled(rows=len(CASES) // 8, by=lambda row: row["case"].name)
    return some(pytest.mark.parametrize("case", CASES, ids=str)(test))


def built(case, dtype):
    """Both layers after a call, with the same weights of both signs."""
    ours, theirs = both(case.make)
    for engine, layer in zip(ENGINES, (ours, theirs), strict=True):
        engine.utils.set_random_seed(1)  # a seed that is not given is drawn with the weights
        case.called(engine, layer, case.inputs(engine, dtype))
    share_weights(ours, theirs)
    values = [w - 0.6 for w in theirs.get_weights()]
    ours.set_weights(values), theirs.set_weights(values)
    return ours, theirs


def gradients(engine, tape_of, layer, case, dtype):
    """Outputs, their masks, and gradients of a linear function of them, as arrays."""
    tensors = case.inputs(engine, dtype)
    weights = [getattr(w, "value", w) if engine is keras else w for w in layer.trainable_weights]
    sources = [t for i, t in enumerate(tensors) if all(t is not s for s in tensors[:i])]
    with tape_of() as tape:
        for source in sources:
            tape.watch(source)
        outputs = case.called(engine, layer, tensors)
        loss = sum(
            engine.ops.sum(y * engine.ops.convert_to_tensor(normal(tuple(y.shape), dtype, seed=i)))
            for i, y in enumerate(outputs)
        )
        for penalty in layer.losses:
            loss = loss + penalty
    grads = tape.gradient(loss, [*sources, *weights])
    masks = [getattr(y, "_keras_mask", None) for y in outputs]
    return [y.numpy() for y in outputs], masks, grads


@every_case
def test_values_and_gradients(case):
    compare(case, "float64")


@pytest.mark.sampled(rows=6, by=lambda row: row["case"].name)
@pytest.mark.parametrize("case", CASES[::3], ids=str)
def test_values_and_gradients_in_float32(case):
    compare(case, "float32")


def compare(case, dtype):
    with policy(dtype):
        ours, theirs = built(case, dtype)
        assert len(ours.losses) == len(theirs.losses)
        mine, my_masks, actual = gradients(minikeras, minikeras.GradientTape, ours, case, dtype)
        their, their_masks, expected = gradients(keras, tf.GradientTape, theirs, case, dtype)
    for a, b in zip(mine, their, strict=True):
        assert_close(a, b, 100, "output")
    for a, b in zip(my_masks, their_masks, strict=True):
        assert (a is None) == (b is None)
        assert a is None or np.array_equal(a, b)
    scale = max(np.abs(g).max() for g in expected if g is not None)
    for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
        assert (a is None) == (b is None)
        if a is not None:  # those by the keys' biases are zero but for roundings
            assert_close(a.numpy(), b.numpy(), 100, f"gradient {i}", scale=scale)
    for v, w in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())


@every_case
def test_same_seed_same_weights_names_and_saved_form(case):
    fresh_names()
    layers = []
    for engine in ENGINES:
        engine.utils.set_random_seed(5)
        layer = case.make(engine)
        before = layer.get_config()
        case.called(engine, layer, case.inputs(engine, "float32"))
        layers.append((layer, before, layer.get_config()))
    (ours, *mine), (theirs, *their) = layers
    assert mine == their
    for kind in ("variables", "weights", "trainable_weights"):
        weights = [(v.path, tuple(v.shape), v.trainable) for v in getattr(ours, kind)]
        assert weights == [(v.path, tuple(v.shape), v.trainable) for v in getattr(theirs, kind)]
    for v, w in zip(ours.variables, theirs.variables, strict=True):
        # Orthogonal ones are what an elimination makes of the draws.
        assert_close(v.numpy(), w.numpy(), what=v.path)
    saved = json.loads(json.dumps(keras.layers.serialize(theirs)))
    assert json.loads(json.dumps(minikeras.layers.serialize(ours))) == saved
    again = minikeras.layers.deserialize(saved)
    assert [tuple(w.shape) for w in again.weights] == [tuple(w.shape) for w in theirs.weights]
    assert json.loads(json.dumps(minikeras.layers.serialize(again))) == saved
    assert ours.supports_masking == theirs.supports_masking
    assert [sub.name for sub in ours._flatten_layers()] == [
        sub.name for sub in theirs._flatten_layers()
    ]


@every_case
def test_shapes_and_symbolic_calls(case):
    ours, theirs = both(case.make)
    shapes = case.shapes * 2 if len(case.shapes) == 1 else case.shapes
    if case.source.startswith("Group") and shapes[0][-1] != shapes[1][-1]:
        with pytest.raises(ValueError, match=r"one number of features .* have \d+ and \d+"):
            ours.compute_output_shape(*shapes)
        with pytest.raises(ValueError, match="last dimension"):
            theirs.compute_output_shape(*shapes)
        return
    for unknown in (1, 2):
        open_shapes = [(*(None,) * unknown, *shape[unknown:]) for shape in shapes]
        expected = tuple(theirs.compute_output_shape(*open_shapes))
        assert ours.compute_output_shape(*open_shapes) == expected
    outputs = []
    for engine, layer in zip(ENGINES, (ours, theirs), strict=True):
        inputs = [engine.Input(batch_shape=(None, *shape[1:])) for shape in shapes]
        options = {k: v for k, v in case.options.items() if not isinstance(v, np.ndarray)}
        y = layer(*inputs, **options)
        outputs.append((y[0] if isinstance(y, (tuple, list)) else y, y, inputs))
    (a, mine, _), (b, _, _) = outputs
    assert (a.shape, a.dtype) == (tuple(b.shape), b.dtype)
    if case.options.get("return_attention_scores"):
        real = case.called(minikeras, ours, case.inputs(minikeras, "float32"))[1]
        assert mine[1].shape[1:] == real.shape[1:]


@pytest.mark.parametrize("name", ["MultiHeadAttention", "GroupQueryAttention"])
def test_signatures(name):
    for method in ("__init__", "call", "build", "compute_output_shape"):
        ours, theirs = (
            [
                (p.name, p.default)
                for p in inspect.signature(
                    inspect.unwrap(getattr(getattr(engine.layers, name), method))
                ).parameters.values()
            ]
            for engine in ENGINES
        )
        assert ours == theirs


@pytest.mark.sampled(rows=3)
@pytest.mark.parametrize("source", [f"{MULTI})", f"{GROUP})", f"{MULTI}, dropout=0.2, seed=1)"])
@pytest.mark.parametrize("length", [6, None])
def test_in_functional_models(source, length):
    outputs = []
    for engine in ENGINES:
        engine.utils.set_random_seed(3)
        words = engine.Input((length,), dtype="int32")
        x = engine.layers.Embedding(9, 4, mask_zero=True)(words)
        for _ in range(2):
            layer = eval(f"engine.layers.{source}", {"engine": engine})
            with heedless(engine):
                y = layer(x, x, use_causal_mask=True)
            x = engine.layers.Add()([x, y])
            x = engine.layers.LayerNormalization()(x)
        y = engine.layers.GlobalAveragePooling1D()(x)
        model = engine.Model(words, engine.layers.Dense(3)(y))
        model.compile("sgd", "mse")
        tokens = np.array([[3, 1, 4, 0, 0, 0], [2, 7, 1, 8, 2, 0], [5, 6, 0, 0, 0, 0]], "int32")
        target = normal((3, 3), "float32")
        with heedless(engine):
            losses = [model.train_on_batch(tokens, target) for _ in range(3)]
            outputs.append([np.array(losses, "float32"), np.asarray(model(tokens))])
    for a, b in zip(*outputs, strict=True):
        assert_close(a, b, 400)


@pytest.mark.parametrize("masks", [(TARGETS, SOURCES), (None, SOURCES), (TARGETS, None)])
@pytest.mark.parametrize("options", [{}, CAUSAL, WEIGHTS])
@pytest.mark.parametrize(
    "source",
    ["Attention()", "Attention(True, 'concat')", "AdditiveAttention()", "Attention(dropout=0.5)"],
)
def test_masks_of_attention_without_heads(source, options, masks):
    ours, theirs = both(lambda engine: eval(f"engine.layers.{source}", {"engine": engine}))
    outputs = []
    for engine, layer in zip(ENGINES, (ours, theirs), strict=True):
        tensors = [None if m is None else engine.ops.convert_to_tensor(m) for m in masks]
        inputs = converted(engine, normal(OTHER, "float32"))
        layer(inputs)
        layer.set_weights([np.full(w.shape, 0.7, "float32") for w in layer.get_weights()])
        carried = converted(engine, normal(OTHER, "float32"))
        for x, mask in zip(carried, tensors, strict=True):
            if mask is not None:
                x._keras_mask = mask
        for y in (layer(inputs, mask=tensors, **options), layer(carried, **options)):
            first = y[0] if options is WEIGHTS else y
            rest = [y[1].numpy()] if options is WEIGHTS else []
            outputs.append([first.numpy(), getattr(first, "_keras_mask", None), *rest])
    for mine, their in zip(outputs[:2], outputs[2:], strict=True):
        assert_close(mine.pop(0), their.pop(0), 20)
        a, b = mine.pop(0), their.pop(0)
        assert (a is None) == (b is None)
        assert a is None or np.array_equal(a, b)
        for a, b in zip(mine, their, strict=True):
            assert_close(a, b, 20)


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16"])
@pytest.mark.parametrize("options", [{}, WEIGHTS, {"attention_mask": PAIRS}], ids=str)
@pytest.mark.parametrize("source", [f"{MULTI})", f"{GROUP})"])
def test_narrow_dtypes(source, options, dtype):
    case = Case(source, OTHER, options)
    with policy(dtype):
        ours, theirs = built(case, "float32")
        y = case.called(minikeras, ours, case.inputs(minikeras, "float32"))
        z = case.called(keras, theirs, case.inputs(keras, "float32"))
    for a, b in zip(y, z, strict=True):
        assert_close(a.numpy(), b.numpy(), 50)


def x(engine, *shape):
    return engine.ops.ones(shape)


ERRORS = [
    ("MultiHeadAttention(0, 4)", "expected a positive integer. Received: num_heads=0"),
    ("MultiHeadAttention(2, 1.5)", "expected a positive integer. Received: key_dim=1.5"),
    ("MultiHeadAttention(2, 4, value_dim=-1)", "or `None`. Received: value_dim=-1"),
    ("MultiHeadAttention(2, 4, sliding_window=0)", "Received: sliding_window=0"),
    ("MultiHeadAttention(2, 4, attention_axes='a')", "`attention_axes` must be an int, list, or"),
    ("MultiHeadAttention(2, 4, output_shape=1.5)", "Invalid `output_shape`: 1.5"),
    (
        "MultiHeadAttention(2, 4, dropout=0.1, flash_attention=True)",
        "Flash attention has no dropout",
    ),
    ("MultiHeadAttention(2, 4, foo=1)", "{'foo': 1}"),
    (
        "MultiHeadAttention(2, 4, flash_attention=True)(x(2, 3, 4), x(2, 3, 4))",
        "lash attention is not supported",
    ),
    (
        "MultiHeadAttention(2, 4, flash_attention=True)"
        "(x(2, 3, 4), x(2, 3, 4), return_attention_scores=True)",
        "never holds the whole scores",
    ),
    (
        "MultiHeadAttention(2, 4)(x(2, 3, 4), x(2, 5, 4), x(2, 6, 4))",
        "same sizes along all axes but the last",
    ),
    (
        "MultiHeadAttention(2, 4)(x(2, 3, 4), x(2, 5, 4), 3.0)",
        "By position a layer takes tensors alone",
    ),
    ("GroupQueryAttention(4, 3, 2)", "`num_query_heads` is a multiple of"),
    ("GroupQueryAttention(4, 2, 2, sliding_window=1.5)", "Received: sliding_window=1.5"),
    ("GroupQueryAttention(4, 2, 2, 0.1, flash_attention=True)", "Flash attention has no dropout"),
]


@pytest.mark.parametrize(("source", "words"), ERRORS, ids=lambda v: v[:50])
def test_errors(source, words):
    kinds = []
    for engine in ENGINES:
        scope = {"engine": engine, "x": lambda *shape, engine=engine: x(engine, *shape)}
        with pytest.raises((ValueError, TypeError), match=said(engine, spaced(words))) as caught:
            eval(f"engine.layers.{source}", scope)
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]
