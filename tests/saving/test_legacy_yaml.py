"""The YAML of old models is read as their JSON is, and can do no more."""

import sys
import time

import pytest

import minikeras as keras
from minikeras.saving.guard import FileError
from minikeras.saving.legacy.texts import model_from_yaml
from minikeras.saving.legacy.yaml_text import parse_yaml
from tests.saving.old_files import layer, sequential

yaml = pytest.importorskip("yaml")

STACK = sequential(
    layer("Dense", "first", units=3, batch_input_shape=(None, 2), activation="relu"),
    layer("Dense", "second", units=3, activation="relu"),
)


@pytest.mark.parametrize("version", [None, "1.2.2", "2.2.4"])
def test_models(version):
    text = yaml.dump(STACK | ({"keras_version": version} if version else {}))
    assert "!!python/tuple" in text
    model = model_from_yaml(text)
    assert model.output_shape == (None, 3)
    assert [one.name for one in model.layers] == ["first", "second"]


def test_aliases_stand_for_what_they_name():
    shape = [None, 2]
    text = yaml.dump({"a": shape, "b": shape})
    assert "*" in text
    assert parse_yaml(text, "it") == {"a": shape, "b": shape}


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 30)
)
REFUSED = {
    "empty": ("", "object"),
    "a list": ("[1, 2]", "object"),
    "broken": ("a: [", "expected"),
    "a function": ("a: !!python/object/apply:os.system ['true']", "os.system"),
    "a name": ("a: !!python/name:os.system", "os.system"),
    "an object": ("a: !!python/object:subprocess.Popen {}", "Popen"),
    "a module": ("a: !!python/module:os", "os"),
    "an unknown tag": ("a: !thing 3", "thing"),
    "laughs": (LAUGHS, "stands for more than"),
    "merges": (MERGES, "stands for more than"),
    "itself": ("a: &a [*a]", "part of what it stands for"),
    "no anchor": ("a: *b", "b"),
    "too deep": ("a: " + "[" * 300 + "]" * 300, "nested more than"),
    "very deep": ("[" * 100_000, "nested more than"),
    "too long": ("a: " + "x" * (5 << 20), "characters"),
    "a key twice": ("a: 1\na: 2", "occurs twice"),
    "two texts": ("a: 1\n---\nb: 2", "single document"),
    "a date": ("a: 2001-01-01", "date"),
    "a set": ("a: !!set {x, y}", "set"),
    "a key that is a list": ("? [1, 2]\n: 3", "key"),
    "a long number": ("a: " + "1" * 10_000, "digits"),
    "bytes": ("a: !!binary aGk=", "bytes"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_no_model_holds_is_refused(text, reason):
    start = time.perf_counter()
    with pytest.raises(FileError, match="the model's YAML") as error:
        model_from_yaml(text)
    assert reason in str(error.value)
    assert time.perf_counter() - start < 5


def test_without_pyyaml_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match=r"Install the extra `yaml`"):
        model_from_yaml("a: 1")


def test_models_go_through_yaml():
    x = keras.Input((4, 2), name="x")
    h = keras.layers.LSTM(3)(x)
    model = keras.Model(x, keras.layers.Dense(2, kernel_regularizer="l2")(h))
    again = keras.models.model_from_yaml(model.to_yaml())
    assert again.get_config() == model.get_config()
