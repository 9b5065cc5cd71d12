"""Constraints against Keras: values, saved forms, names, errors."""

import keras
import numpy as np
import pytest

from minikeras import constraints

pytestmark = pytest.mark.parity

CASES = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": [0, 1]}),
    ("MaxNorm", {"max_value": 1.1, "axis": -1}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 0.9, "max_value": 1.1, "rate": 0.3, "axis": 1}),
]


def both(name, options):
    return getattr(constraints, name)(**options), getattr(keras.constraints, name)(**options)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_values(name, options, dtype):
    ours, theirs = both(name, options)
    w = np.random.default_rng(3).normal(size=(4, 3)).astype(dtype)
    w[:, 1] *= 10
    w[:, 2] = 0
    a, b = ours(w), theirs(w)
    assert a.dtype == b.dtype.name
    # Keras rounds the fuzz factor and the limits to float32, also where the weights are float64.
    rtol = 1e-7 if dtype == "float64" else 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=rtol)


def test_special_values():
    w = np.array([-0.0, -np.inf, np.inf, np.nan, 2.0], "float32")
    ours, theirs = both("NonNeg", {})
    np.testing.assert_array_equal(ours(w).numpy(), theirs(w).numpy())
    np.testing.assert_array_equal(ours(np.array([-1, 2])).numpy(), [0, 2])


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_saved_forms(name, options):
    ours, theirs = both(name, options)
    saved = keras.constraints.serialize(theirs)
    assert constraints.serialize(ours) == saved
    assert constraints.serialize(constraints.deserialize(saved)) == saved


@pytest.mark.parametrize("name", sorted(keras.src.constraints.ALL_OBJECTS_DICT))
def test_every_name_of_keras_is_known(name):
    if name in ("Constraint", "constraint"):
        pytest.skip("an abstract class")
    theirs = keras.constraints.serialize(keras.constraints.get(name))
    assert constraints.serialize(constraints.get(name)) == theirs


def test_public_names():
    public = {name for name in dir(keras.constraints) if not name.startswith("_")}
    assert public <= set(dir(constraints))


def test_base_and_identifiers():
    assert constraints.Constraint()(3) == keras.constraints.Constraint()(3) == 3
    assert constraints.get(None) is None
    assert constraints.get(len) is len
    for identifier in ("nothing", 3, {"class_name": "L2", "config": {}}):
        for module in (keras.constraints, constraints):
            with pytest.raises(ValueError, match="Could not interpret constraint identifier"):
                module.get(identifier)
    for module in (keras.constraints, constraints):
        with pytest.raises(TypeError, match=r"NonNeg\(\) takes no arguments"):
            module.NonNeg.from_config({"a": 1})
