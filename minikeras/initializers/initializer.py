"""What all initializers share, and the table in which they are found by name."""

from typing import Any

from minikeras.core import names, registry
from minikeras.core.constructors import Fields, constructor, declared_fields, defaults_of
from minikeras.core.docstrings import describe_class

table = registry.Table("initializer", "keras.initializers")


def initializer(*aliases):
    """Give a class its constructor and config from its annotated fields, and register it.

    Args:
        *aliases: names under which it is found besides its own and that in snake_case.

    Returns:
        A decorator of subclasses of `Initializer`.
    """

    def register(cls):
        with_fields(cls)
        describe_class(cls, {})
        return table.add(cls, names.to_snake_case(cls.__name__), *aliases)

    return register


def with_fields(cls):
    """Give a subclass of `Initializer` its constructor and config from its annotated fields.

    They take the place of all fields of the base class; a class without annotations keeps those.
    The constructor calls `_setup` once the fields are set.
    """
    fields = declared_fields(cls)
    if fields:
        cls._fields, cls.__init__ = fields, _constructor(fields)
    return cls


def _constructor(fields: Fields) -> Any:

    def initialize(self, values):
        for name, value in values.items():
            fields[name][0].set(self, name, value)
        self._setup()

    return constructor(defaults_of(fields), initialize)


class Initializer:
    """The base of initializers: callables that make a tensor of the shape asked for.

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

    _fields: Fields = {}  # replaced by `with_fields`, never changed in place

    def _setup(self):
        """Do what remains once a declared constructor has set the fields; nothing by default."""

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
        return {name: field.saved(self, name) for name, (field, _) in self._fields.items()}

    @classmethod
    def from_config(cls, config):
        """Make an initializer of what `get_config` returned."""
        return cls(**config)

    def clone(self):
        """Return a fresh initializer with the same arguments; an unset seed is drawn again."""
        return type(self).from_config(self.get_config())
