"""What all initializers share, and the table in which they are found by name."""

from minikeras.core import names, registry

table = registry.Table("initializer", "keras.initializers")


def initializer(*aliases):
    """Register a class under its name, its name in snake_case, and further aliases."""
    return lambda cls: table.add(cls, names.to_snake_case(cls.__name__), *aliases)


class Initializer:
    """The base of initializers: callables that make a tensor of a given shape.

    A subclass defines `__call__(shape, dtype=None)` and, if its constructor takes arguments,
    `get_config`.

    Example:
        >>> import minikeras as keras
        >>> class Sevens(keras.initializers.Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return 7 * keras.ops.ones(shape, dtype)
        >>> Sevens()((2,)).tolist()
        [7.0, 7.0]
    """

    def __call__(self, shape, dtype=None):
        """Make a tensor; every subclass says how.

        Args:
            shape: tuple of ints.
            dtype: dtype name; the default float type if None.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement `__call__(shape, dtype=None)`."
        )

    def get_config(self):
        """Return the arguments that make an equal initializer, as a dict of JSON types."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Make an initializer of what `get_config` returned."""
        return cls(**config)

    def clone(self):
        """Return a fresh initializer with the same arguments; an unset seed is drawn again."""
        return type(self).from_config(self.get_config())
