"""Lengths of signals that end the process in TensorFlow are refused here."""

import pytest

from minikeras import ops


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.rfft([1.0, 2.0], fft_length=0),
        lambda: ops.irfft(([1.0], [0.0]), fft_length=-1),
        lambda: ops.extract_sequences([1, 2, 3], 2, 0),
        lambda: ops.extract_sequences([1, 2, 3], 0, 1),
    ],
)
def test_lengths_are_positive(call):
    with pytest.raises(ValueError, match="must be a positive int"):
        call()
