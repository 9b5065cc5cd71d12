"""Initializers: how weights begin."""

from minikeras.autograd.composite import convert_to_tensor
from minikeras.core.first_use import on_first_use
from minikeras.initializers.constant import STFT, Constant, Identity, Ones, Zeros
from minikeras.initializers.initializer import Initializer as Initializer
from minikeras.initializers.initializer import table
from minikeras.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = IdentityInitializer = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
stft = STFTInitializer = STFT
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

__getattr__, __dir__ = on_first_use(__name__, {})  # old names are told what to use


def get(identifier):
    """Return the initializer that an identifier stands for.

    Args:
        identifier: name, config dict, class, callable, array with the very values, or None.

    Returns:
        A callable `(shape, dtype=None)`, or None for None.

    Raises:
        ValueError: if the identifier stands for none.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.get("zeros")((2,)).tolist()
        [0.0, 0.0]
    """
    if hasattr(identifier, "__array__") and not callable(identifier):
        return _values(identifier)
    return table.get(identifier)


def _values(array):
    """Make an initializer of the very values."""

    def initialize(shape, dtype=None):
        values = convert_to_tensor(array, dtype=dtype)
        if tuple(shape) != values.shape:
            raise ValueError(
                "A tensor used as an initializer sets weights of its own shape alone, "
                f"{values.shape}. Received: shape={tuple(shape)}"
            )
        return values

    return initialize


def serialize(initializer):
    """Return the saved form of an initializer: a dict of JSON types.

    Args:
        initializer: an instance.

    Returns:
        A dict with `module`, `class_name`, `config` and `registered_name`.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.serialize(keras.initializers.Zeros())["class_name"]
        'Zeros'
    """
    return table.serialize(initializer)


def deserialize(config, custom_objects=None):
    """Return the initializer that a saved form describes.

    Args:
        config: what `serialize` returned, or a name.
        custom_objects: dict of name to class, searched first.

    Returns:
        An initializer.

    Raises:
        ValueError: if the class is unknown.

    Example:
        >>> import minikeras as keras
        >>> saved = keras.initializers.serialize(keras.initializers.Constant(2.0))
        >>> keras.initializers.deserialize(saved).value
        2.0
    """
    return table.deserialize(config, custom_objects)
