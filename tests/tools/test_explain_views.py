"""Views of `minikeras explain`: in float64, every formula gives every number that the run computed.

One row is one layer. From it come the outputs, the gradients of the inputs and weights, and what a
layer changes in its own state; all cells of all arrays are computed by the formulas that the page
shows.
"""

import numpy as np
import pytest

import minikeras as keras
from minikeras.tools.explain.document import Document
from minikeras.tools.explain.whole import evaluate
from minikeras.tools.trace.tracing import trace

L = keras.layers


def one(layer, *shape, **options):
    """A model of one layer on inputs of a shape."""
    inputs = keras.Input(shape, **options)
    return keras.Model(inputs, layer(inputs))


def two(layer, *shape, count=2):
    inputs = [keras.Input(shape) for _ in range(count)]
    return keras.Model(inputs, layer(inputs))


def masked(layer):
    """A layer on a sequence of which a mask leaves out the end, or nothing."""
    inputs = keras.Input((5,), dtype="int32")
    return keras.Model(inputs, layer(L.Embedding(7, 3, mask_zero=True)(inputs)))


def attending(layer, **options):
    inputs = [keras.Input((4, 6)), keras.Input((5, 6))]
    return keras.Model(inputs, layer(*inputs, **options))


def itself(layer, **options):
    inputs = keras.Input((4, 6))
    return keras.Model(inputs, layer(inputs, inputs, **options))


def stated(layer, states):
    inputs = [keras.Input((4, 3)), *[keras.Input((2,)) for _ in range(states)]]
    return keras.Model(inputs, layer(inputs[0], initial_state=inputs[1:]))


ROWS = {
    "dense": lambda: one(L.Dense(4), 3),
    "dense 3d": lambda: one(L.Dense(4, activation="tanh"), 2, 3),
    "dense no bias": lambda: one(L.Dense(4, use_bias=False, activation="sigmoid"), 3),
    "dense softmax": lambda: one(L.Dense(4, activation="softmax"), 3),
    **{
        f"dense {name}": lambda name=name: one(L.Dense(4, activation=name), 3)
        for name in (
            "relu", "relu6", "elu", "selu", "softplus", "softsign", "silu", "exponential",
            "hard_sigmoid", "gelu", "leaky_relu",
        )
    },
    "activation": lambda: one(L.Activation("tanh"), 3, 2),
    "activation linear": lambda: one(L.Activation("linear"), 3),
    "activation softmax": lambda: one(L.Activation("softmax"), 3, 2),
    "relu": lambda: one(L.ReLU(), 3, 4),
    "relu options": lambda: one(L.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), 9),
    "leaky": lambda: one(L.LeakyReLU(0.3), 6),
    "elu layer": lambda: one(L.ELU(0.7), 6),
    "softmax layer": lambda: one(L.Softmax(), 2, 5),
    "conv1d": lambda: one(L.Conv1D(3, 3, activation="relu"), 7, 2),
    "conv1d causal": lambda: one(L.Conv1D(3, 2, padding="causal", dilation_rate=2), 7, 2),
    "conv2d": lambda: one(L.Conv2D(3, 3), 5, 6, 2),
    "conv2d same": lambda: one(L.Conv2D(3, (3, 2), padding="same", activation="tanh"), 5, 6, 2),
    "conv2d strides": lambda: one(L.Conv2D(3, 3, strides=2, padding="same"), 6, 7, 2),
    "conv2d strides valid": lambda: one(L.Conv2D(2, 2, strides=(2, 3)), 6, 7, 2),
    "conv2d dilation": lambda: one(L.Conv2D(2, 3, dilation_rate=2, padding="same"), 6, 6, 2),
    "conv2d groups": lambda: one(L.Conv2D(6, 2, groups=2, use_bias=False), 4, 4, 4),
    "conv2d channels first": lambda: one(L.Conv2D(3, 3, data_format="channels_first"), 2, 5, 5),
    "conv3d": lambda: one(L.Conv3D(2, 2), 3, 3, 3, 2),
    "depthwise": lambda: one(L.DepthwiseConv2D(3, padding="same", activation="relu"), 5, 5, 3),
    "depthwise more": lambda: one(L.DepthwiseConv2D(2, strides=2, depth_multiplier=2), 5, 5, 3),
    "depthwise 1d": lambda: one(L.DepthwiseConv1D(2, depth_multiplier=2), 5, 3),
    "separable": lambda: one(L.SeparableConv2D(4, 3, padding="same", activation="relu"), 5, 5, 3),
    "separable more": lambda: one(L.SeparableConv2D(4, 3, strides=2, depth_multiplier=2), 7, 7, 2),
    "separable 1d": lambda: one(L.SeparableConv1D(4, 3), 6, 2),
    "transposed": lambda: one(L.Conv2DTranspose(3, 3, strides=2, padding="same"), 3, 4, 2),
    "transposed valid": lambda: one(L.Conv2DTranspose(3, 2, activation="relu"), 3, 4, 2),
    "transposed 1d": lambda: one(L.Conv1DTranspose(3, 3, strides=2), 4, 2),
    "max": lambda: one(L.MaxPooling2D(), 5, 6, 2),
    "max same": lambda: one(L.MaxPooling2D(3, strides=2, padding="same"), 5, 6, 2),
    "max 1d": lambda: one(L.MaxPooling1D(2), 6, 3),
    "average": lambda: one(L.AveragePooling2D(2), 5, 6, 2),
    "average same": lambda: one(L.AveragePooling2D(3, strides=2, padding="same"), 5, 6, 2),
    "average 1d": lambda: one(L.AveragePooling1D(2), 6, 3),
    "global average": lambda: one(L.GlobalAveragePooling2D(), 3, 4, 2),
    "global average kept": lambda: one(L.GlobalAveragePooling1D(keepdims=True), 3, 4),
    "global average mask": lambda: masked(L.GlobalAveragePooling1D()),
    "global max": lambda: one(L.GlobalMaxPooling2D(), 3, 4, 2),
    "global max first": lambda: one(L.GlobalMaxPooling2D(data_format="channels_first"), 2, 4, 3),
    "batch norm": lambda: one(L.BatchNormalization(), 3, 4, 2),
    "batch norm plain": lambda: one(L.BatchNormalization(scale=False, center=False), 5),
    "batch norm axis": lambda: one(L.BatchNormalization(axis=1), 2, 4, 3),
    "layer norm": lambda: one(L.LayerNormalization(), 3, 4),
    "layer norm axes": lambda: one(L.LayerNormalization(axis=[1, 2], center=False), 3, 4),
    "embedding": lambda: masked(L.Identity()),
    "dropout": lambda: one(L.Dropout(0.4, seed=3), 6, 3),
    "spatial dropout": lambda: one(L.SpatialDropout1D(0.5, seed=3), 6, 3),
    "flatten": lambda: one(L.Flatten(), 3, 4, 2),
    "reshape": lambda: one(L.Reshape((4, 6)), 3, 4, 2),
    "permute": lambda: one(L.Permute((3, 1, 2)), 3, 4, 2),
    "repeat": lambda: one(L.RepeatVector(3), 4),
    "zero padding": lambda: one(L.ZeroPadding2D(((1, 2), (0, 3))), 3, 4, 2),
    "zero padding 1d": lambda: one(L.ZeroPadding1D((1, 2)), 3, 4),
    "cropping": lambda: one(L.Cropping2D(((1, 1), (0, 2))), 4, 5, 2),
    "upsampling": lambda: one(L.UpSampling2D((2, 3)), 2, 3, 2),
    "upsampling 1d": lambda: one(L.UpSampling1D(2), 3, 2),
    "rescaling": lambda: one(L.Rescaling(0.5, 1.0), 4),
    "add": lambda: two(L.Add(), 3, 2, count=3),
    "average of": lambda: two(L.Average(), 3),
    "subtract": lambda: two(L.Subtract(), 3),
    "multiply": lambda: two(L.Multiply(), 3, count=3),
    "maximum": lambda: two(L.Maximum(), 7),
    "minimum": lambda: two(L.Minimum(), 7),
    "concatenate": lambda: two(L.Concatenate(), 3, 2, count=3),
    "concatenate axis": lambda: two(L.Concatenate(axis=1), 3, 2),
    "simple rnn": lambda: one(L.SimpleRNN(3), 4, 2),
    "simple rnn all": lambda: masked(L.SimpleRNN(3, return_sequences=True, activation="relu")),
    "lstm": lambda: one(L.LSTM(3), 4, 2),
    "lstm all": lambda: one(L.LSTM(3, return_sequences=True, use_bias=False), 4, 2),
    "lstm mask": lambda: masked(L.LSTM(2, return_sequences=True)),
    "lstm mask last": lambda: masked(L.LSTM(2)),
    "lstm backwards": lambda: one(L.LSTM(2, go_backwards=True, return_sequences=True), 4, 2),
    "lstm backwards mask": lambda: masked(L.LSTM(2, go_backwards=True)),
    "lstm states": lambda: one(L.LSTM(2, return_state=True, return_sequences=True), 4, 2),
    "lstm from states": lambda: stated(L.LSTM(2), 2),
    "lstm hard": lambda: one(L.LSTM(2, recurrent_activation="hard_sigmoid"), 4, 2),
    "gru": lambda: one(L.GRU(3), 4, 2),
    "gru before": lambda: one(L.GRU(3, reset_after=False), 4, 2),
    "gru mask": lambda: masked(L.GRU(2, return_sequences=True)),
    "gru before mask": lambda: masked(L.GRU(2, reset_after=False)),
    "gru backwards mask": lambda: masked(L.GRU(2, go_backwards=True)),
    "gru states": lambda: one(L.GRU(2, return_state=True, use_bias=False), 4, 2),
    "gru from states": lambda: stated(L.GRU(2), 1),
    "attention": lambda: itself(L.MultiHeadAttention(2, 3)),
    "attention causal": lambda: itself(L.MultiHeadAttention(2, 3), use_causal_mask=True),
    "attention to": lambda: attending(L.MultiHeadAttention(2, 3, value_dim=2, use_bias=False)),
    "attention heads": lambda: itself(L.MultiHeadAttention(3, 2, output_shape=5)),
}  # fmt: skip


def _values(draw, tensor):
    shape = (2, *tensor.shape[1:])
    if tensor.dtype == "int32":
        values = draw.integers(1, 7, shape)
        values[0, -2:] = 0
        return values.astype("int32")
    return draw.normal(size=shape)


def document_of(build, training=True):
    """The document of a row's model in float64, and its trace."""
    former = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        keras.utils.set_random_seed(5)
        model = build()
        draw = np.random.default_rng(7)
        for weight in model.weights:  # biases and moments that are not 0
            if weight.dtype == "float64":
                weight.assign(draw.normal(size=weight.shape) * 0.5 + 0.6)
        x = [_values(draw, tensor) for tensor in model.inputs]
        y = [draw.normal(size=(2, *tensor.shape[1:])) for tensor in model.outputs]
        model.compile("adam", "mse" if len(y) == 1 else ["mse"] * len(y))
        return Document(trace(model, x, y, training=training))
    finally:
        keras.config.set_floatx(former[0])
        keras.config.set_dtype_policy(former[1])


def check(document):
    """All formulas of arrays against these arrays."""
    count = 0
    for sheet in document.sheets.values():
        for formula in sheet.formulas:
            array = document.arrays[formula.array]
            computed = evaluate(formula, document.arrays, array.shape)
            scale = max(np.abs(array).max(), 1e-3)
            np.testing.assert_allclose(computed, array, atol=1e-10 * scale, err_msg=str(formula))
            count += 1
    return count


def shown_without(document):
    """Layers without formulas; the loss of an output with a mask has none."""
    nodes = [node for node in document.nodes if node["key"] != "loss"]
    return [note for node in nodes for note in node["notes"] if "without" in note]


CASES = [
    *[(row, True) for row in ROWS],
    *[(row, False) for row in ROWS if row.startswith(("batch norm", "dropout"))],
]


@pytest.mark.sampled(rows=6, by=lambda parameters: parameters["row"].split()[0][:4])
@pytest.mark.parametrize(("row", "training"), CASES)
def test_every_formula_gives_what_was_computed(row, training):
    document = document_of(ROWS[row], training)
    assert not shown_without(document)
    assert check(document)
    covered = {formula.array for s in document.sheets.values() for formula in s.formulas}
    for sheet in document.sheets.values():
        for entry in sheet.entries:
            own = sheet.record is not None and entry["name"].startswith(f"{sheet.key}/")
            if own and entry["role"] in ("output", "gradient") and not _is_given(entry, sheet):
                assert entry["name"] in covered, entry


def _is_given(entry, sheet):
    """What the loss passes to the last layer, in models of several outputs."""
    return entry["label"].startswith("dy")
