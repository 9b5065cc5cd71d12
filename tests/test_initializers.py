"""Initializers by their own properties."""

import inspect
import pickle
import re

import numpy as np
import pytest

from minikeras import initializers
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable

NAMES = sorted(set(initializers.table.entries) - {"STFT", "stft", "STFTInitializer"})


@pytest.mark.parametrize("name", NAMES)
def test_called_twice_gives_the_same_tensor(name):
    make = initializers.get(name)
    first, second = make((3, 4)), make((3, 4))
    assert isinstance(first, Tensor) and first.dtype == "float32" and first.shape == (3, 4)
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_variables_can_be_written(name):
    make = initializers.get(name)
    variable = Variable(make, shape=(3, 4))
    expected = make((3, 4)).numpy() + 1
    np.testing.assert_array_equal(variable.assign_add(np.ones((3, 4))).numpy(), expected)
    np.testing.assert_array_equal(make((3, 4)).numpy() + 1, expected)


@pytest.mark.parametrize(
    ("name", "scale"), [("Glorot", 2 / 700), ("He", 2 / 400), ("Lecun", 1 / 400)]
)
@pytest.mark.parametrize("distribution", ["Uniform", "Normal"])
def test_variances(name, scale, distribution):
    drawn = getattr(initializers, name + distribution)(seed=1)((400, 300)).numpy()
    # 120 000 draws: the variance is known to about half a percent.
    assert abs(drawn.mean()) < 0.01 * np.sqrt(scale)
    np.testing.assert_allclose(drawn.var(), scale, rtol=0.02)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2, 6)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape, dtype="float64").numpy()
    q = q.reshape(-1, shape[-1])
    product = q @ q.T if len(q) < q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-14)


def test_identity_saves_its_gain():
    saved = initializers.serialize(initializers.Identity(gain=3.0))
    assert initializers.deserialize(saved)((1, 1)).tolist() == [[3.0]]


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "words"),
    [
        ("RandomNormal", (2,), "int32", "floating point `dtype`. Received: dtype=int32"),
        ("STFT", (4, 1, 1), None, r"at least 2 bins. Received: shape=\(4, 1, 1\)"),
        ("STFT", (4, 5), None, r"at least 2 bins. Received: shape=\(4, 5\)"),
        ("STFT", (4, 1, 3), "int32", r"are float tensors .* dtype=int32"),
        ("Zeros", (2,), "floaty", "Invalid dtype: floaty. Expected one of"),
    ],
)
def test_bad_calls(name, shape, dtype, words):
    with pytest.raises((ValueError, TypeError), match=words):
        initializers.get(name)(shape, dtype=dtype)


@pytest.mark.parametrize("name", sorted(initializers.table.entries))
@pytest.mark.parametrize("shape", [(None, 2), (2, 2.5), ("a", 2), "ab", (2, "a", 2)], ids=str)
def test_shapes_that_are_none(name, shape):
    expected = "Expected a shape, an int or a tuple of ints such as `(2, 3)`. Received: "
    with pytest.raises(TypeError, match=re.escape(f"{expected}{shape!r}")):
        initializers.get(name)(shape)


@pytest.mark.parametrize("name", sorted(initializers.table.entries))
def test_sizes_that_are_negative(name):
    with pytest.raises(ValueError, match=r"not be negative. Received: shape=\(4, -1, 3\)"):
        initializers.get(name)((4, -1, 3))


ARGUMENTS = {
    "Constant": {"value": 2.5},
    "Identity": {"gain": 2.0},
    "Orthogonal": {"gain": 2.0, "seed": 3},
    "RandomNormal": {"mean": 1.0, "stddev": 2.0, "seed": 3},
    "RandomUniform": {"minval": 1.0, "maxval": 2.0, "seed": 3},
    "STFT": {"side": "imag", "window": "hamming", "scaling": None, "periodic": True},
    "TruncatedNormal": {"mean": 1.0, "stddev": 2.0, "seed": 3},
    "VarianceScaling": {"scale": 2.0, "mode": "fan_out", "distribution": "uniform", "seed": 3},
}
CLASSES = {cls.__name__: cls for cls in initializers.table.entries.values()}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_copies_are_equal(name):
    """By the config, by `clone` and by pickle: the same arguments and the same values."""
    cls = CLASSES[name]
    draws = "seed" in inspect.signature(cls).parameters
    options = ARGUMENTS.get(name, {"seed": 3} if draws else {})
    first = cls(**options)
    config = first.get_config()
    assert {key: config[key] for key in options} == options
    shape = (4, 1, 5) if name == "STFT" else (4, 5)
    for copied in (cls.from_config(config), first.clone(), pickle.loads(pickle.dumps(first))):
        assert type(copied) is cls and vars(copied) == vars(first)
        assert copied.get_config() == config
        assert copied(shape).tolist() == first(shape).tolist()


def test_a_config_writes_its_arguments_in_the_order_of_keras():
    assert list(initializers.RandomNormal().get_config()) == ["seed", "mean", "stddev"]
    assert list(initializers.STFT().get_config()) == ["side", "window", "periodic", "scaling"]


class Scaled(initializers.GlorotUniform):
    """What a user writes over a declared initializer: a constructor with an argument more."""

    def __init__(self, factor, seed=None):
        super().__init__(seed=seed)
        self.factor = factor

    def __call__(self, shape, dtype=None):
        return self.factor * super().__call__(shape, dtype)

    def get_config(self):
        return {"factor": self.factor, "seed": super().get_config()["seed"]}


def test_a_subclass_with_a_written_constructor():
    drawn = initializers.GlorotUniform(seed=1)((2, 3)).numpy()
    ours = Scaled(2.0, seed=1)
    np.testing.assert_array_equal(ours((2, 3)).numpy(), 2 * drawn)
    np.testing.assert_array_equal(ours.clone()((2, 3)).numpy(), 2 * drawn)
    with pytest.raises(TypeError, match="factor"):
        Scaled(seed=1)


def test_fourier_kernels_compute_the_transform():
    signal = np.random.default_rng(0).normal(size=16)
    real, imag = (
        initializers.STFT(side, window=None)((16, 1, 9), dtype="float64").numpy()[:, 0]
        for side in ("real", "imag")
    )
    expected = np.fft.rfft(signal)
    np.testing.assert_allclose(signal @ real, expected.real, atol=1e-13)
    np.testing.assert_allclose(signal @ imag, expected.imag, atol=1e-13)


def test_a_spectrum_is_scaled_by_the_absolute_values_of_the_window():
    kernels = initializers.STFT("real", window=[-1.0, 2.0, -1.0], scaling="spectrum")((3, 1, 2))
    assert kernels.numpy()[:, 0, 0].tolist() == [-0.25, 0.5, -0.25]
