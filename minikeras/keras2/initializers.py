"""Initializers of Keras 2 and of Keras 1, by name.

One without a seed gets it from NumPy's global generator when it is made, as in Keras 2: after
`np.random.seed` the same script starts from the same weights.
"""

from minikeras import initializers as engine
from minikeras.keras2.backend.randomness import seed_of
from minikeras.keras2.finder import elsewhere

Initializer = engine.Initializer

# Names of Keras 1 and short ones, and what they stand for.
OLD_NAMES = {
    "uniform": "random_uniform",
    "normal": "random_normal",
    "zero": "zeros",
    "one": "ones",
}


def _with_seed(cls):
    """A subclass of the engine's initializer whose seed comes from NumPy's generator."""

    def __init__(self, *args, **kwargs):
        cls.__init__(self, *args, **kwargs)
        if self._init_seed is None:
            self.seed = seed_of(None)

    namespace = {"__init__": __init__, "__doc__": cls.__doc__, "__module__": __name__}
    return type(cls.__name__, (cls,), namespace)


_SEEDED = (
    *("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal"),
    *("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"),
)
_classes = {name: _with_seed(getattr(engine, name)) for name in _SEEDED}
RandomNormal = _classes["RandomNormal"]
RandomUniform = _classes["RandomUniform"]
TruncatedNormal = _classes["TruncatedNormal"]
VarianceScaling = _classes["VarianceScaling"]
Orthogonal = _classes["Orthogonal"]
glorot_normal = _classes["GlorotNormal"]
glorot_uniform = _classes["GlorotUniform"]
he_normal = _classes["HeNormal"]
he_uniform = _classes["HeUniform"]
lecun_normal = _classes["LecunNormal"]
lecun_uniform = _classes["LecunUniform"]
Zeros, Ones, Constant = engine.Zeros, engine.Ones, engine.Constant
Identity = engine.Identity
zero = zeros = Zeros
one = ones = Ones
constant, identity, orthogonal = Constant, Identity, Orthogonal
uniform = random_uniform = RandomUniform
normal = random_normal = RandomNormal
truncated_normal = TruncatedNormal


def is_name(identifier):
    """Say whether a string is the name of an initializer of Keras 1 or 2."""
    return identifier in OLD_NAMES or isinstance(globals().get(identifier), type)


def get(identifier):
    """Return the initializer that a name, config, class or instance stands for.

    Args:
        identifier: name of Keras 1 or 2, dict, class, or function of a shape.

    Returns:
        A callable of a shape.

    Raises:
        ValueError: if the name is unknown.
    """
    if isinstance(identifier, dict):
        name, config = identifier["class_name"], dict(identifier.get("config") or {})
        config.pop("dtype", None)
        if config.get("distribution") == "normal":
            config["distribution"] = "truncated_normal"
        cls = globals().get(name)
        return cls(**config) if isinstance(cls, type) else engine.get(identifier)
    if isinstance(identifier, str):
        cls = globals().get(identifier)
        if isinstance(cls, type) and issubclass(cls, Initializer):
            return cls()
        return engine.get(OLD_NAMES.get(identifier, identifier))
    return identifier() if isinstance(identifier, type) else identifier


def serialize(initializer):
    """Return the class name and the config of an initializer."""
    config = dict(initializer.get_config())
    if isinstance(initializer, engine.VarianceScaling):  # Keras 2 names the scheme by its numbers
        distribution = initializer.distribution.replace("truncated_", "")
        config = {
            "scale": initializer.scale,
            "mode": initializer.mode,
            "distribution": distribution,
            "seed": config["seed"],
        }
        return {"class_name": "VarianceScaling", "config": config}
    return {"class_name": type(initializer).__name__, "config": config}


def deserialize(config, custom_objects=None):
    """Return the initializer that a config describes."""
    return get(config)


__getattr__ = elsewhere(__name__)
