"""Initializers against Keras: values, saved forms, names, errors."""

import random

import keras
import numpy as np
import pytest

from minikeras import initializers
from minikeras.ops.random.seeds import SeedGenerator
from parity_tests.support import said, spaced

pytestmark = pytest.mark.parity

SHAPES = [(7,), (3, 5), (5, 3), (3, 3, 2, 4), (1, 1), (0, 3)]
DTYPES = ["float16", "float32", "float64"]
EXACT = [
    ("Zeros", {}),
    ("Ones", {}),
    ("Constant", {"value": 2.5}),
    ("RandomUniform", {"minval": -1.0, "maxval": 3.0, "seed": 11}),
    ("GlorotUniform", {"seed": 12}),
    ("HeUniform", {"seed": 2**40}),
    ("LecunUniform", {"seed": -4}),
    ("VarianceScaling", {"scale": 3.0, "distribution": "uniform", "mode": "fan_out", "seed": 1}),
]
CLOSE = [
    ("RandomNormal", {"mean": 1.0, "stddev": 2.0, "seed": 13}),
    ("TruncatedNormal", {"stddev": 0.5, "seed": 14}),
    ("GlorotNormal", {"seed": 15}),
    ("HeNormal", {"seed": 16}),
    ("LecunNormal", {"seed": 17}),
    ("VarianceScaling", {"distribution": "untruncated_normal", "seed": 18}),
    ("VarianceScaling", {"distribution": "normal", "mode": "fan_avg", "seed": 19}),
]
# One rounding of the dtype, times the few that a logarithm and a sine may differ by.
ULPS = 4


def both(name, options):
    return getattr(initializers, name)(**options), getattr(keras.initializers, name)(**options)


def values(ours, theirs, shape, dtype):
    a, b = ours(shape, dtype=dtype), theirs(shape, dtype=dtype)
    assert a.dtype == dtype and a.shape == tuple(b.shape)
    return a.numpy(), b.numpy()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "options"), EXACT, ids=lambda v: str(v)[:24])
def test_constants_and_uniforms_are_equal(name, options, shape, dtype):
    a, b = values(*both(name, options), shape, dtype)
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "options"), CLOSE, ids=lambda v: str(v)[:24])
def test_normals_are_equal_to_a_few_last_places(name, options, shape, dtype):
    a, b = values(*both(name, options), shape, dtype)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(a, b, rtol=ULPS * eps, atol=ULPS * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(3, 5), (5, 3), (4, 4), (2, 3, 4), (3, 3, 2, 30), (1, 4)], ids=str
)
def test_orthogonal(shape, dtype):
    a, b = values(*both("Orthogonal", {"gain": 1.5, "seed": 3}), shape, dtype)
    np.testing.assert_allclose(a, b, atol=40 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("inputs", "outputs"), [([0], [1]), ([0, -1], [1]), ([0, 1], None), (None, [0]), ((), [2])]
)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_axes_of_variance_scaling(mode, inputs, outputs):
    options = {
        **{"scale": 2.0, "mode": mode, "distribution": "uniform", "seed": 5},
        **{"input_axes": inputs, "output_axes": outputs},
    }
    a, b = values(*both("VarianceScaling", options), (2, 3, 4), "float32")
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers(dtype):
    for name, options in [
        ("Zeros", {}),
        ("Ones", {}),
        ("Constant", {"value": 2.7}),
        ("Identity", {"gain": 2}),
        ("RandomUniform", {"minval": 0, "maxval": 10, "seed": 3}),
    ]:
        a, b = values(*both(name, options), (3, 2), dtype)
        np.testing.assert_array_equal(a, b)


def test_constants_that_broadcast():
    a, b = values(*both("Constant", {"value": [1, 2, 3]}), (2, 3), "float32")
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize("window", ["hann", "hamming", "boxcar", "blackman", "flattop", None])
@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
@pytest.mark.parametrize("periodic", [True, False])
def test_fourier_kernels(side, window, scaling, periodic):
    options = {"side": side, "window": window, "scaling": scaling, "periodic": periodic}
    for shape in [(8, 1, 5), (5, 1, 9), (8, 2, 4), (1, 1, 3)]:
        if window == "hann" and shape[0] == 1 and not periodic:
            continue
        a, b = values(*both("STFT", options), shape, "float64")
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_fourier_kernels_in_float32_are_nearer_to_float64():
    ours, theirs = both("STFT", {})
    exact = theirs((64, 1, 33), dtype="float64").numpy()
    a, b = values(ours, theirs, (64, 1, 33), "float32")
    assert abs(a - exact).max() <= abs(b - exact).max()
    np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("name", sorted(keras.src.initializers.ALL_OBJECTS_DICT))
def test_every_name_of_keras_is_known(name):
    if name in ("Initializer", "initializer", "Constant", "constant"):
        pytest.skip("an abstract class, or one whose name alone Keras cannot make an object of")
    ours, theirs = initializers.get(name), keras.initializers.get(name)
    assert initializers.serialize(ours) == keras.initializers.serialize(theirs)


def test_public_names():
    public = {name for name in dir(keras.initializers) if not name.startswith("_")}
    assert public <= set(dir(initializers))


@pytest.mark.parametrize(("name", "options"), EXACT + CLOSE + [("STFT", {"side": "imag"})])
def test_saved_forms(name, options):
    ours, theirs = both(name, options)
    saved = keras.initializers.serialize(theirs)
    assert initializers.serialize(ours) == saved
    assert ours.get_config() == theirs.get_config()
    again = initializers.deserialize(saved)
    assert type(again) is type(ours)
    a, b = values(again, keras.initializers.deserialize(saved), (4, 1, 5), "float32")
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_saved_form_of_a_generator():
    ours = initializers.GlorotUniform(seed=SeedGenerator(3, name="g"))
    theirs = keras.initializers.GlorotUniform(seed=keras.random.SeedGenerator(3, name="g"))
    assert initializers.serialize(ours) == keras.initializers.serialize(theirs)
    for _ in range(3):
        np.testing.assert_array_equal(ours((2, 3)).numpy(), theirs((2, 3)).numpy())
    again = initializers.deserialize(keras.initializers.serialize(theirs))
    np.testing.assert_array_equal(again((2, 3)).numpy(), ours.clone()((2, 3)).numpy())


def test_saved_form_of_an_array():
    ours, theirs = both("Constant", {"value": np.arange(3.0)})
    saved = keras.initializers.serialize(theirs)
    assert initializers.serialize(ours) == saved
    assert initializers.deserialize(saved)((2, 3)).tolist() == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize("make", ["GlorotNormal", "Orthogonal", "RandomUniform"])
def test_unset_seeds_come_from_pythons_random(make):
    seeds = []
    for module in (initializers, keras.initializers):
        random.seed(8)
        first = getattr(module, make)()
        seeds.append((first.seed, first.clone().seed, module.get(make).seed, random.random()))
    assert seeds[0] == seeds[1]


BAD = [
    ("VarianceScaling", {"scale": 0}, "`scale` must be a float greater than 0. Received: scale=0"),
    ("VarianceScaling", {"mode": "fan"}, "`mode` must be one of"),
    ("VarianceScaling", {"distribution": "gamma"}, "`distribution` must be one of"),
    ("GlorotUniform", {"seed": "a"}, "Received: seed='a'"),
    ("GlorotUniform", {"seed": 1.5}, "Received: seed=1.5"),
    ("STFT", {"side": "left"}, "`side` must be one of 'real', 'imag'. Received: side='left'"),
    ("STFT", {"window": "none such"}, "window='none such'"),
    ("STFT", {"scaling": "power"}, "Received: scaling='power'"),
]


@pytest.mark.parametrize(("name", "options", "words"), BAD, ids=str)
def test_bad_arguments(name, options, words):
    for module in (keras.initializers, initializers):
        with pytest.raises(ValueError, match=said(module, spaced(words))):
            getattr(module, name)(**options)


@pytest.mark.parametrize(("name", "shape"), [("Orthogonal", (3,)), ("Identity", (2, 2, 2))])
def test_bad_shapes(name, shape):
    for module in (keras.initializers, initializers):
        with pytest.raises(ValueError, match="Received: shape="):
            getattr(module, name)()(shape)


@pytest.mark.parametrize("identifier", ["nothing", 3, [1, 2], {"class_name": "L2", "config": {}}])
def test_bad_identifiers(identifier):
    for module in (keras.initializers, initializers):
        with pytest.raises(ValueError, match="Could not interpret initializer identifier"):
            module.get(identifier)


def test_identifiers():
    for identifier in (np.arange(3.0), len, keras.initializers.Zeros, None):
        expected = keras.initializers.get(identifier)
        ours = initializers.Zeros if isinstance(identifier, type) else identifier
        assert (initializers.get(ours) is None) == (expected is None)
    assert initializers.get(np.arange(3.0))((3,), "float32").tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="sets weights of its own shape"):
        initializers.get(np.arange(3.0))((4,))
