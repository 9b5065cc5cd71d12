"""The variables of a model as a nest of dicts: what is no such nest changes nothing."""

import numpy as np
import pytest

import minikeras as keras


@pytest.mark.parametrize("tree", [None, [], [1, 2], "weights", 5, np.zeros(3), ({},)])
def test_what_is_no_dict_is_refused(tree):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    before = model.get_weights()
    with pytest.raises(ValueError, match="Expected a dict with keys among"):
        model.set_state_tree(tree)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_what_was_got_can_be_set():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    tree = model.get_state_tree("numpy_array")
    kept = model.get_weights()
    model.set_weights([w + 1 for w in kept])
    model.set_state_tree(tree)
    np.testing.assert_array_equal(model.get_weights()[0], kept[0])
