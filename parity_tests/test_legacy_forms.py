"""The saved form of Keras 2 against Keras: `keras.legacy.saving`, `keras.utils.legacy`."""

import pytest

from parity_tests.scenario import same

pytestmark = pytest.mark.parity


def triple(x):
    return 3 * x


class Inner:
    """An object with a config."""

    def __init__(self, size=1, function=None):
        self.size, self.function = size, function

    def get_config(self):
        return {"size": self.size, "function": self.function}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __repr__(self):
        return f"Inner({self.size}, {getattr(self.function, '__name__', self.function)})"


class Outer(Inner):
    """An object whose config holds an object."""

    def __init__(self, inner=None, name="triple"):
        self.inner, self.name = inner, name

    def get_config(self):
        return {"inner": self.inner, "name": self.name}

    def __repr__(self):
        return f"Outer({self.inner}, {self.name})"


OURS = {"Inner": Inner, "Outer": Outer, "triple": triple}


def outcome(function):
    try:
        return repr(function())
    except (ValueError, ImportError) as error:
        return type(error).__name__


def test_saved_forms():
    def scenario(k):
        legacy = k.legacy.saving
        things = [None, triple, Inner(2), Outer(Inner(3, triple)), k.regularizers.L2(0.5), 5, {}]
        return [outcome(lambda t=t: legacy.serialize_keras_object(t)) for t in things]

    same(scenario)


def test_objects_of_saved_forms():
    passive = {"class_name": "Inner", "config": {"size": 4}, "__passive_serialization__": True}
    forms = [
        None,
        triple,
        "triple",
        "Inner",
        5,
        {"class_name": "Inner"},
        {"class_name": "Unknown", "config": {}},
        {"class_name": "Inner", "config": {"size": 2, "function": "triple"}},
        {"class_name": "Inner", "config": {"function": "text"}},
        {"class_name": "Outer", "config": {"inner": passive}},
    ]

    # Keras fails with an AttributeError of its own for names that are not among custom objects.
    objects = [form for form in forms if not isinstance(form, str)]

    def scenario(k):
        read = k.utils.legacy.deserialize_keras_object
        return [
            [outcome(lambda f=f: read(f, module_objects=OURS)) for f in objects],
            [outcome(lambda f=f: read(f, {}, custom_objects=OURS)) for f in forms],
        ]

    same(scenario)


def test_optimizers_of_old():
    def scenario(k):
        names = ("Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop", "SGD")
        return [outcome(lambda n=n: getattr(k.optimizers.legacy, n)(0.1)) for n in names]

    same(scenario)
