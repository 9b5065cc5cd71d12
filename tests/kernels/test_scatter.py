"""Scattering rows agrees with `numpy.add.at`, across the borders of its blocks too."""

import numpy as np
import pytest

from minikeras.kernels.cpu import scatter


@pytest.mark.parametrize("count, size, width", [(7, 3, 2), (100, 9, 1), (50, 4, 0), (0, 3, 2)])
@pytest.mark.parametrize("block", [1, 8, 1 << 17])
def test_same_as_add_at(monkeypatch, block, count, size, width):
    monkeypatch.setattr(scatter, "_BLOCK", block)
    rng = np.random.default_rng(0)
    places = rng.integers(-size, size, count)
    rows = rng.normal(size=(count, width))
    expected = np.zeros((size, width))
    np.add.at(expected, places, rows)
    actual = scatter.scatter_add_rows(np.zeros((size, width)), places, rows)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("place", [3, -4])
def test_a_place_outside_is_refused_and_nothing_changes(place):
    table = np.zeros((3, 1))
    with pytest.raises(IndexError, match="outside the table of 3 rows"):
        scatter.scatter_add_rows(table, np.array([0, place]), np.ones((2, 1)))
    assert not table.any()
