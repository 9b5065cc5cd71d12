"""NumPy's numbers as arguments of layers: the same layer, the same config, and JSON holds it."""

import json

import numpy as np
import pytest

import minikeras as keras
from minikeras.core.registry import public_home
from tests.cases import layers_image

SIZES = {"filters": 2, "kernel_size": 3, "strides": 2, "groups": 2}
SHARED = {"filters": 2, "kernel_size": (3, 2), "strides": (1, 2), "depth_multiplier": 2}
POOLS = ("Average", "Max")
UNITS = {"units": 3, "dropout": 0.25, "recurrent_dropout": 0.5, "seed": 4}
HEADS = {"num_heads": 2, "key_dim": 3, "value_dim": 2, "output_shape": (3,), "attention_axes": 1}

# The arguments that are numbers, of every layer that has any.
NUMBERS = [
    ("ActivityRegularization", {"l1": 0.5, "l2": 1}),
    *((f"Adaptive{kind}Pooling{d}D", {"output_size": 2}) for d in "123" for kind in POOLS),
    *((name, {"rate": 0.5, "seed": 3}) for name in ("AlphaDropout", "Dropout", "GaussianDropout")),
    *((f"SpatialDropout{d}D", {"rate": 0.5, "seed": 3}) for d in "123"),
    ("GaussianNoise", {"stddev": 1, "seed": 3}),
    ("Dropout", {"rate": 1, "noise_shape": (2, 1)}),
    ("Attention", {"dropout": 0.5, "seed": 3}),
    ("AdditiveAttention", {"dropout": 0.5, "seed": 3}),
    *((f"{kind}Pooling{d}D", {"pool_size": 3, "strides": 2}) for d in "123" for kind in POOLS),
    ("BatchNormalization", {"axis": 1, "momentum": 0.5, "epsilon": 1}),
    ("GroupNormalization", {"groups": 2, "axis": 1, "epsilon": 0.5}),
    *((name, {"axis": (1, 2)}) for name in ("LayerNormalization", "UnitNormalization", "Softmax")),
    ("RMSNormalization", {"axis": 1, "epsilon": 0.5}),
    ("Concatenate", {"axis": 1}),
    *((f"Conv{d}D", SIZES) for d in "123"),
    *((f"Conv{d}DTranspose", {"filters": 2, "kernel_size": 3, "output_padding": 0}) for d in "123"),
    ("Conv2D", {"filters": 2, "kernel_size": (3, 2), "dilation_rate": (1, 2)}),
    *((f"Cropping{d}D", {"cropping": 1}) for d in "123"),
    ("Cropping2D", {"cropping": ((1, 2), (0, 1))}),
    ("Dense", {"units": 3}),
    *((f"DepthwiseConv{d}D", {"kernel_size": 3, "depth_multiplier": 2}) for d in "12"),
    ("SeparableConv1D", {"filters": 2, "kernel_size": 3, "depth_multiplier": 2}),
    ("SeparableConv2D", SHARED),
    ("Dot", {"axes": (1, 1)}),
    ("ELU", {"alpha": 1}),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3}),
    ("Embedding", {"input_dim": 5, "output_dim": 3}),
    *((f"{name}{cell}", UNITS) for name in ("LSTM", "GRU", "SimpleRNN") for cell in ("", "Cell")),
    ("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2}),
    ("MultiHeadAttention", HEADS),
    ("LeakyReLU", {"negative_slope": 1}),
    ("Masking", {"mask_value": 1}),
    ("PReLU", {"shared_axes": (1,)}),
    ("Permute", {"dims": (2, 1)}),
    ("ReLU", {"max_value": 3, "negative_slope": 0.5, "threshold": 1}),
    ("RepeatVector", {"n": 3}),
    ("Reshape", {"target_shape": (2, 3)}),
    *((f"UpSampling{d}D", {"size": 2}) for d in "123"),
    *((f"ZeroPadding{d}D", {"padding": 1}) for d in "123"),
    ("InputLayer", {"shape": (3, 2), "batch_size": 4}),
    *(
        (f"ConvLSTM{d}D", {"filters": 3, "kernel_size": 2, "strides": 2, "dropout": 0.5, "seed": 3})
        for d in "123"
    ),
    ("Normalization", {"axis": 1, "mean": 2, "variance": 0.5}),
    ("Discretization", {"num_bins": 3, "epsilon": 0.5}),
    ("CategoryEncoding", {"num_tokens": 3}),
    ("Hashing", {"num_bins": 3, "mask_value": 1, "salt": (1, 2)}),
    ("HashedCrossing", {"num_bins": 5}),
    ("IntegerLookup", {"max_tokens": 9, "mask_token": 0, "oov_token": -2, "vocabulary": (1, 2)}),
    ("StringLookup", {"max_tokens": 9, "num_oov_indices": 2, "salt": 3}),
    ("TextVectorization", {"max_tokens": 9, "ngrams": (1, 2), "output_sequence_length": 3}),
    ("MelSpectrogram", {"fft_length": 64, "sequence_length": 32, "min_freq": 1, "top_db": 0.5}),
    ("STFTSpectrogram", {"frame_length": 8, "frame_step": 3, "fft_length": 16}),
    *layers_image.NUMBERS,
]
NUMBERS = [row for row in NUMBERS if hasattr(keras.layers, row[0])]
WITHOUT = {
    *("Activation", "Add", "Average", "Bidirectional", "Flatten", "Identity", "Lambda", "Layer"),
    *("Maximum", "Minimum", "Multiply", "RNN", "StackedRNNCells", "Subtract", "TimeDistributed"),
    *(f"Global{kind}Pooling{d}D" for d in "123" for kind in POOLS),
    *("Pipeline", "SpectralNormalization", "Wrapper", "InputSpec"),
}


def _layers():
    exported = (getattr(keras.layers, name) for name in keras.layers.__all__)
    return {
        (public_home(x) or ("", x.__name__))[1]
        for x in exported
        if isinstance(x, type) and issubclass(x, keras.Layer)
    }


def _converted(value, kind):
    if isinstance(value, tuple):
        return tuple(_converted(item, kind) for item in value)
    if isinstance(value, str):
        return value
    return kind(value)


def test_every_layer_is_here():
    assert _layers() == {name for name, _ in NUMBERS} | (WITHOUT & _layers())


@pytest.mark.parametrize(("name", "arguments"), NUMBERS, ids=[row[0] for row in NUMBERS])
@pytest.mark.parametrize("kind", [lambda v: np.array([v])[0], np.array], ids=["scalar", "array"])
def test_numbers_of_numpy(name, arguments, kind):
    cls = getattr(keras.layers, name)
    plain = cls(**arguments, name="a").get_config()
    converted = {key: _converted(value, kind) for key, value in arguments.items()}
    config = cls(**converted, name="a").get_config()
    assert config == plain
    assert json.loads(json.dumps(config)) == json.loads(json.dumps(plain))


def test_arrays_of_integers_are_tuples():
    layer = keras.layers.Conv2D(2, np.array([3, 2]))
    assert layer.get_config()["kernel_size"] == (3, 2)
    assert keras.layers.Reshape(np.array([2, 3])).target_shape == (2, 3)
    assert keras.layers.MaxPooling2D((2.0, 1.0)).pool_size == (2, 1)


def test_the_message_tells_the_type():
    with pytest.raises(ValueError, match=r"units=3\.0 \(of type float\)"):
        keras.layers.Dense(3.0)
    with pytest.raises(ValueError, match=r"units='3' \(of type str\)"):
        keras.layers.Dense("3")


def test_shapes_of_numpy_numbers():
    three = np.int64(3)
    assert keras.Input((three, None), batch_size=np.array(2)).shape == (2, 3, None)
    assert keras.Input(np.array([4, 3])).shape == (None, 4, 3)
    assert keras.Variable("zeros", shape=(three,)).shape == (3,)
    model = keras.Sequential([keras.layers.Dense(2)])
    model.build((None, three))
    assert model.input_shape == (None, 3)


@pytest.mark.parametrize("shape", [3, "ab", (2.0,), (-1,), ("2",), None])
def test_what_is_no_shape(shape):
    with pytest.raises(ValueError, match="shape"):
        keras.Input(shape)
    with pytest.raises(ValueError, match="shape"):
        keras.Variable("zeros", shape=shape)
