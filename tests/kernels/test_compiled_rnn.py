"""Compiled recurrent kernels against those of NumPy calls."""

import numpy as np
import pytest

pytest.importorskip("numba")

from minikeras.kernels.compiled.rnn import rnn as compiled
from minikeras.kernels.shared.rnn import gru, lstm, rnn

GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
SHARED = {"simple_rnn": rnn, "lstm": lstm, "gru": gru}
SIZES = [(1, 1, 1, 1), (3, 5, 7, 2), (19, 4, 3, 17), (16, 3, 8, 40)]
TOLERANCE = {"float32": 3e-6, "float64": 1e-13}


def _arrays(network, sizes, dtype="float32", masked=False, biased=True):
    batch, steps, features, units = sizes
    rng, width = np.random.default_rng(0), GATES[network] * units

    def draw(*shape):
        return (rng.standard_normal(shape) * 0.3).astype(dtype)

    bias = draw(2, width) if network == "gru" else draw(width)
    states = [draw(batch, units) for _ in range(2 if network == "lstm" else 1)]
    mask = rng.random((batch, steps)) > 0.4 if masked else None
    kernels = draw(features, width), draw(units, width)
    return [draw(batch, steps, features), *kernels, bias if biased else None, *states, mask]


def _check(in_numpy, network, arrays, **options):
    """Compare results and gradients."""
    dtype = arrays[0].dtype.name
    shared = SHARED[network]
    forward, backward = getattr(shared, network), getattr(shared, f"{network}_backward")
    needs = tuple(a is not None and a.dtype != bool for a in arrays)
    expected, saved = in_numpy(forward, np, *arrays, save=True, **options)
    gradients = [np.cos(np.arange(y.size, dtype=dtype)).reshape(y.shape) for y in expected]
    slopes = in_numpy(backward, np, gradients, arrays, saved, needs, **options)
    actual, saved = getattr(compiled, network)(np, *arrays, save=True, **options)
    slopes_found = backward(np, gradients, arrays, saved, needs, **options)
    unkept, nothing = getattr(compiled, network)(np, *arrays, **options)
    assert nothing is None
    pairs = [*zip(expected, actual, strict=True), *zip(expected, unkept, strict=True)]
    pairs += zip(slopes, slopes_found, strict=True)
    for a, b in pairs:
        assert (a is None) == (b is None)
        if a is not None:
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            scale = max(np.abs(a).max(initial=0), 1e-3)
            np.testing.assert_allclose(b, a, rtol=0, atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("network", GATES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("masked", [False, True])
def test_like_numpy(in_numpy, threads, network, sizes, dtype, masked):
    arrays = _arrays(network, sizes, dtype, masked)
    for sequences in (True, False):
        _check(in_numpy, network, arrays, return_sequences=sequences)


@pytest.mark.parametrize("network", GATES)
@pytest.mark.parametrize("masked", [False, True])
def test_backwards_and_zeros_at_masked_steps(in_numpy, network, masked):
    arrays = _arrays(network, (5, 6, 3, 9), masked=masked)
    options = {"go_backwards": True, "zero_output_for_mask": masked}
    for sequences in (True, False):
        _check(in_numpy, network, arrays, return_sequences=sequences, **options)


@pytest.mark.parametrize("network", GATES)
def test_no_bias_and_inputs_in_another_order(in_numpy, network):
    arrays = _arrays(network, (4, 6, 5, 3), biased=False)
    arrays[0] = np.asfortranarray(arrays[0])
    _check(in_numpy, network, arrays)


@pytest.mark.parametrize("network", GATES)
def test_nan_and_infinity_stay_in_their_sample(network):
    arrays = _arrays(network, (3, 4, 2, 5))
    arrays[0][0, 1], arrays[0][1, 2] = np.nan, np.inf
    with np.errstate(all="ignore"):
        (y, *_), _ = getattr(compiled, network)(np, *arrays)
    assert np.isnan(y[0, 1:]).all() and np.isfinite(y[0, 0]).all()
    assert np.isfinite(y[2]).all()


@pytest.mark.parametrize("network", GATES)
def test_steps_back_where_it_was_not_made_for_the_case(network):
    half = [a if a is None else a.astype("float16") for a in _arrays(network, (2, 3, 4, 5))]
    empty = _arrays(network, (0, 3, 4, 5))
    strided = _arrays(network, (2, 3, 4, 5))
    strided[2] = np.asfortranarray(strided[2])
    for arrays in (half, empty, strided) if GATES[network] > 1 else (half, empty):
        assert getattr(compiled, network)(np, *arrays) is NotImplemented


@pytest.mark.parametrize("network", GATES)
def test_same_again_for_the_same_number_of_threads(network, threads):
    arrays = _arrays(network, (7, 5, 6, 8))
    once, again = (getattr(compiled, network)(np, *arrays, save=True) for _ in range(2))
    gradients, needs = [np.ones_like(y) for y in once[0]], (True,) * len(arrays)
    for a, b in zip(
        once[1](gradients, arrays, needs), again[1](gradients, arrays, needs), strict=True
    ):
        assert a is b is None or np.array_equal(a, b)


def test_a_forward_pass_compiled_and_a_backward_pass_not(in_numpy):
    arrays = _arrays("lstm", (2, 3, 4, 5))
    y, saved = compiled.lstm(np, *arrays, save=True)
    needs = (True,) * 6 + (False,)
    arguments = [np.ones_like(v) for v in y], arrays, saved, needs
    with_switch_off = in_numpy(lstm.lstm_backward, np, *arguments)
    assert np.array_equal(with_switch_off[0], lstm.lstm_backward(np, *arguments)[0])
