"""Large arrays in blocks and threads give what the function alone gives."""

import numpy as np
import pytest

from minikeras.arrays import threads
from minikeras.core import settings
from minikeras.kernels.shared import wide as module
from minikeras.kernels.shared.wide import wide

SHAPES = [
    ((7, 5), (7, 5)),
    ((7, 5), (5,)),
    ((7, 5), (1, 5)),
    ((7, 5), (7, 1)),
    ((7, 5), ()),
    ((5,), (7, 5)),
    ((1, 5), (7, 1)),
    ((0, 5), (0, 5)),
    ((5, 1, 3), (5, 4, 3)),
    ((), ()),
]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("function", [np.add, lambda a, b: a * (b > 0)], ids=["ufunc", "function"])
def test_blocks_and_threads_change_nothing(shapes, function, count, monkeypatch):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape).astype("float32") for shape in shapes)
    monkeypatch.setattr(module, "_LARGE", 1)
    monkeypatch.setattr(module, "_BLOCK", 10)
    monkeypatch.setattr(threads, "_LEAST_WORK", 1e-9)
    monkeypatch.setitem(settings._settings, "num_threads", count)
    for x in (a, np.asfortranarray(a), np.flip(a)):
        expected = function(x, b)
        result = wide(np, function, x, b)
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result, expected)
