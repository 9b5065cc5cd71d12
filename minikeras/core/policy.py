"""Dtype policies: in which dtype a layer keeps its weights, and in which it computes."""

from typing import Any

from minikeras.core import dtypes, settings
from minikeras.core.registry import Table
from minikeras.core.types import Config

policies = Table("dtype policy", "keras")
_state: dict[str, "DTypePolicy | None"] = {"policy": None}


class DTypePolicy:
    """The dtypes of a layer, by the name of the policy.

    Args:
        name: a float dtype for both weights and computation, or `"mixed_float16"` for float32
            weights and float16 computation; None for the global policy's name.

    Raises:
        ValueError: if the name is no policy.

    Example:
        >>> import minikeras as keras
        >>> policy = keras.DTypePolicy("mixed_float16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('float16', 'float32')
    """

    def __init__(self, name: Any = None):
        name = dtype_policy().name if name is None else name
        if not isinstance(name, str):
            raise TypeError(
                "A dtype policy is named by a str, such as 'mixed_float16' or 'float32'. Received: "
                f"name={name!r} (of type {type(name).__name__})"
            )
        self._name = name
        self.compute_dtype, self.variable_dtype = _parse(name)

    @property
    def name(self) -> str:
        """The name that the policy was made with."""
        return self._name

    def convert_input_dtype(self, dtype: str, autocast: bool) -> str:
        """Return the dtype in which a layer takes an input of `dtype`."""
        if autocast and dtypes.is_float(dtype):
            return self.compute_dtype
        return dtype

    def get_config(self) -> Config:
        """Return the constructor's arguments."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: Config) -> "DTypePolicy":
        """Make a policy from what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


policies.add(DTypePolicy, "FloatDTypePolicy")
FloatDTypePolicy = DTypePolicy


def _parse(name: str) -> tuple[str, str]:
    if name == "mixed_float16":
        return "float16", "float32"
    try:
        dtype = dtypes.standardize(name)
    except ValueError:
        raise ValueError(
            f"'{name}' names no dtype policy. Give the name of a float dtype, such as 'float32', "
            f"or 'mixed_float16'. Received: name={name!r}"
        ) from None
    return dtype, dtype


def dtype_policy() -> DTypePolicy:
    """Return the policy that layers get unless told otherwise.

    Returns:
        A `DTypePolicy`.

    Example:
        >>> import minikeras as keras
        >>> keras.config.dtype_policy().name
        'float32'
    """
    return _state["policy"] or DTypePolicy(settings.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers that are made from now on.

    Args:
        policy: a `DTypePolicy` or the name of one.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_dtype_policy("float32")
    """
    _state["policy"] = get(policy)


def get(identifier: Any) -> DTypePolicy:
    """Return the policy that a name, config, policy or None stands for.

    Example:
        >>> import minikeras as keras
        >>> keras.dtype_policies.get("mixed_float16").compute_dtype
        'float16'
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return policies.deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    return DTypePolicy(dtypes.standardize(identifier))


def serialize(dtype_policy: DTypePolicy) -> Config:
    """Return the saved form of a policy.

    Args:
        dtype_policy: a `DTypePolicy`.

    Returns:
        A dict for `deserialize`.

    Example:
        >>> import minikeras as keras
        >>> keras.dtype_policies.serialize(keras.DTypePolicy("float16"))["config"]
        {'name': 'float16'}
    """
    return policies.serialize(dtype_policy)


def deserialize(config: Config, custom_objects: Config | None = None) -> DTypePolicy:
    """Return the policy that a saved form describes.

    Args:
        config: what `serialize` returned.
        custom_objects: dict of name to class of your own.

    Returns:
        A `DTypePolicy`.

    Example:
        >>> import minikeras as keras
        >>> config = keras.dtype_policies.serialize(keras.DTypePolicy("float16"))
        >>> keras.dtype_policies.deserialize(config).compute_dtype
        'float16'
    """
    return policies.deserialize(config, custom_objects)
