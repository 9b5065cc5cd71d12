"""Indexing says what NumPy says, for every mix of keys; its gradient counts what was read."""

import numpy as np
import pytest

from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.symbolic import Abstract
from minikeras.core.dims import Dim
from minikeras.ops.core.tensors import convert_to_tensor
from minikeras.ops.indexing.lookup import get_item, take
from minikeras.ops.reductions.sums import sum as sum_

SHAPE = (3, 4, 5)
_PARTS = [
    0,
    -1,
    slice(None),
    slice(1, None),
    slice(None, None, -2),
    slice(-2, None),
    None,
    Ellipsis,
    [0, 2, 0],
    [[0], [1]],
    np.array(1),
    np.array([True, False, True]),
]
_WHOLE_MASK = np.arange(60).reshape(SHAPE) % 7 == 0


def _keys():
    """Every mix of up to three parts that NumPy takes for a tensor of this shape."""
    x = np.zeros(SHAPE)
    singles = [(part,) for part in _PARTS] + [(_WHOLE_MASK,), (_WHOLE_MASK[:, :, 0], 2)]
    pairs = [(a, b) for a in _PARTS for b in _PARTS]
    triples = [(a, b, c) for a in _PARTS for b in _PARTS[:9] for c in _PARTS[2:10]]
    for key in singles + pairs + triples:
        try:
            x[key]
        except IndexError:
            continue
        yield key


KEYS = list(_keys())


def test_there_are_many_keys():
    assert len(KEYS) > 500


def test_values_are_those_of_numpy():
    x = np.arange(60.0).reshape(SHAPE)
    for key in KEYS:
        np.testing.assert_array_equal(get_item(x, key).numpy(), x[key], err_msg=str(key))


def test_gradient_counts_how_often_an_element_was_read():
    weights = np.random.default_rng(0).normal(size=60)
    for key in KEYS:
        x = convert_to_tensor(np.arange(60.0).reshape(SHAPE))
        with GradientTape() as tape:
            tape.watch(x)
            y = get_item(x, key)
            w = weights[: y.size].reshape(y.shape)
            total = sum_(y * w)
        expected = np.zeros(SHAPE)
        np.add.at(expected, key, w)
        np.testing.assert_allclose(
            tape.gradient(total, x).numpy(), expected, rtol=0, atol=1e-13, err_msg=str(key)
        )


def test_shape_rule_says_what_comes_out():
    x = np.zeros(SHAPE)
    for key in KEYS:
        if any(getattr(getattr(part, "dtype", None), "kind", "") == "b" for part in key):
            continue
        assert get_item(Abstract(SHAPE), key).shape == x[key].shape, key


def test_unknown_sizes_stay_what_they_are():
    n = Dim()
    x = Abstract((n, 4))
    assert x[:, 0].shape == (n,)
    assert x[1:].shape == (n - 1, 4)
    assert x[:-1].shape == x[1:].shape
    assert x[::-1].shape == (n, 4)
    assert x[[0, 1]].shape == (2, 4)
    assert isinstance(x[:3].shape[0], Dim)


@pytest.mark.parametrize(
    ("key", "error", "words"),
    [
        (3, IndexError, "Index 3 is out of range for an axis of size 3"),
        ((0, 4), IndexError, "Index 4 is out of range for an axis of size 4"),
        ((0, 0, 0, 0), IndexError, "Too many indices: 4 for a tensor of rank 3"),
        (([5],), IndexError, r"indices must lie in \[-3, 3\) to take from axis 0"),
        (([0], [9]), IndexError, r"outside \[-4, 4\) on indexed axis 1"),
        ((..., ...), IndexError, "only a single ellipsis"),
        ("a", IndexError, "must be integer or bool, not string"),
    ],
    ids=str,
)
def test_a_wrong_key_is_refused(key, error, words):
    with pytest.raises(error, match=words):
        get_item(np.zeros(SHAPE), key)


@pytest.mark.parametrize("index", [4, -5])
def test_a_look_up_outside_the_table_is_refused(index):
    with pytest.raises(IndexError, match=r"indices must lie in \[-4, 4\)"):
        take(np.zeros((4, 2)), [0, index], axis=0)
