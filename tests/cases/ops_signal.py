"""Rows for signals: Fourier transforms, frames, spectrograms, differences, choices."""

import numpy as np

from tests.cases.case import Case, bools, f32, i32


def pair(*shape):
    return [f32(*shape), f32(*shape)]


PAIRS = [pair(2, 5), pair(3, 8), pair(7)]
WINDOW = np.array([0.5, 1.0, 1.0, 0.5], "float32")

CASES = [
    Case("diff", [f32(3, 5)]),
    Case("diff", [i32(3, 5)], {"n": 2, "axis": 0}),
    Case("diff", [bools(6)]),
    Case("diff", [f32(4)], {"n": 0}),
    Case("diff", [f32()], raises=ValueError),
    Case("diff", [f32(4), -1], raises=ValueError),
    Case("trapezoid", [f32(3, 5)], {"dx": 0.5}, reduction=4),
    Case("trapezoid", [f32(3, 5), f32(3, 5)], {"axis": 0}, reduction=2, symbolic=False),
    Case("trapezoid", [f32(3, 5), f32(5)], reduction=4, symbolic=False),
    Case("trapezoid", [i32(5)]),
    Case("cdist", [f32(3, 4), f32(5, 4)], reduction=4),
    Case("cdist", [f32(2, 3, 4), f32(2, 1, 4)], reduction=4),
    Case("cdist", [f32(3, 4), f32(5, 3)], raises=ValueError),
    Case("isin", [i32(3, 4), i32(5)]),
    Case("isin", [i32(7), i32(5)], {"invert": True}),
    Case("select", [[bools(3, 4), bools(3, 4)], [f32(3, 4), f32(3, 4)]]),
    Case("select", [[bools(4), bools(4)], [f32(4), f32(4)], 2.5]),
    Case("select", [[bools(4)], [i32(4), i32(4)]], raises=ValueError),
    *[Case("fft", [x], reduction=8) for x in PAIRS],
    *[Case(name, [pair(2, 3, 4)], reduction=12) for name in ("fft2", "ifft2")],
    *[
        Case(name, [x], raises=ValueError)
        for name in ("fft", "fft2", "ifft2", "irfft")
        for x in ([f32(4, 4)], [f32(4, 4), f32(4, 3)], [i32(4, 4), i32(4, 4)])
    ],
    *[Case("rfft", [x], reduction=8) for x in (f32(2, 6), f32(2, 7), f32(5))],
    *[Case("rfft", [f32(2, 6)], {"fft_length": n}, reduction=8) for n in (3, 4, 9)],
    *[Case("irfft", [x], reduction=8) for x in (pair(2, 4), pair(5))],
    *[Case("irfft", [pair(2, 4)], {"fft_length": n}, reduction=8) for n in (4, 5, 7, 9)],
    Case("rfft", [f32()], raises=ValueError),
    Case("extract_sequences", [f32(2, 9), 3, 2]),
    Case("extract_sequences", [i32(10), 4, 1]),
    Case("extract_sequences", [f32(2, 3, 9), 2, 3]),
    Case("extract_sequences", [f32(2, 3), 4, 3], note="none fits"),
    *[
        Case("stft", [f32(2, 12), *lengths], {"window": window, "center": center}, reduction=8)
        for lengths in ((4, 2, 4), (5, 3, 8))
        for window in ("hann", "hamming", None)
        for center in (True, False)
    ],
    Case("stft", [f32(12), 4, 2, 6], {"window": WINDOW}, reduction=8, symbolic=False),
    *[
        Case("istft", [pair(2, 5, 5), *lengths], {"window": window, "center": center}, reduction=16)
        for lengths in ((4, 2, 8), (5, 3, 8))
        for window in ("hamming", None)
        for center in (True, False)
    ],
    *[
        Case("istft", [pair(5, 5), 8, 3, 8], {"length": n, "window": "hamming"}, reduction=16)
        for n in (6, 11)
    ],
    *[
        Case("stft", [x, *arguments], raises=error)
        for x, arguments, error in (
            (i32(12), (4, 2, 4), TypeError),
            (f32(12), (4, 0, 4), ValueError),
            (f32(12), (4, 2, 3), ValueError),
            (f32(12), (4, 2, 4, "bartlett"), ValueError),
            (f32(12), (4, 2, 4, WINDOW[:3]), ValueError),
        )
    ],
    Case("signal.frames.overlap_added", [f32(2, 3, 4)], {"size": 9, "stride": 2}, reduction=2),
    Case("signal.frames.overlap_added", [f32(2, 3, 4)], {"size": 15, "stride": 5}, note="apart"),
]
