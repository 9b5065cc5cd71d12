"""Initializers by their own properties."""

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
        ("GlorotUniform", (None, 2), None, "'NoneType'"),
        ("STFT", (4, 1, 1), None, r"at least 2 bins. Received: shape=\(4, 1, 1\)"),
        ("STFT", (4, 5), None, r"at least 2 bins. Received: shape=\(4, 5\)"),
        ("STFT", (4, 1, 3), "int32", r"are float tensors .* dtype=int32"),
        ("Zeros", (2,), "floaty", "Invalid dtype: floaty. Expected one of"),
    ],
)
def test_bad_calls(name, shape, dtype, words):
    with pytest.raises((ValueError, TypeError), match=words):
        initializers.get(name)(shape, dtype=dtype)


def test_fourier_kernels_compute_the_transform():
    signal = np.random.default_rng(0).normal(size=16)
    real, imag = (
        initializers.STFT(side, window=None)((16, 1, 9), dtype="float64").numpy()[:, 0]
        for side in ("real", "imag")
    )
    expected = np.fft.rfft(signal)
    np.testing.assert_allclose(signal @ real, expected.real, atol=1e-13)
    np.testing.assert_allclose(signal @ imag, expected.imag, atol=1e-13)
