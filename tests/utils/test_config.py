"""Config: values by attribute and by key, frozen ones, copies."""

import copy
import pickle

import pytest

import minikeras as keras


@pytest.fixture
def config():
    return keras.utils.Config(units=4, activation="relu")


def test_attributes_are_entries(config):
    config.seed = 1
    config["rate"] = 0.5
    assert config.rate == 0.5 and config["seed"] == 1
    del config.seed, config["rate"]
    assert list(config) == ["units", "activation"] and len(config) == 2 and "units" in config
    assert config.get("rate", 3) == 3 and config.pop("units") == 4
    assert dict(config.items()) == config.as_dict() == {"activation": "relu"}


@pytest.mark.parametrize(
    "change",
    [
        lambda c: setattr(c, "units", 5),
        lambda c: c.update(units=5),
        lambda c: c.pop("units"),
        lambda c: delattr(c, "units"),
    ],
    ids=["set", "update", "pop", "delete"],
)
def test_a_frozen_config_stays(config, change):
    config.freeze()
    with pytest.raises(ValueError, match="frozen"):
        change(config)
    assert config.frozen and config.units == 4
    config.unfreeze()
    change(config)
    assert config.get("units") != 4


def test_what_is_missing(config):
    with pytest.raises(AttributeError, match="no 'rate'.*units"):
        _ = config.rate
    with pytest.raises(AttributeError, match="no 'rate'"):
        del config.rate
    with pytest.raises(KeyError, match="rate"):
        _ = config["rate"]


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda config: pickle.loads(pickle.dumps(config))}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_copies(config, copied):
    config.freeze()
    again = copied(config)
    assert again.frozen and again.as_dict() == config.as_dict()
    again.unfreeze()
    again.units = 5
    assert config.units == 4
