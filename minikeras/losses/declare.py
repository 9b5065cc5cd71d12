"""Losses and metrics that are a function with options: declared by one line each.

`class Huber(FunctionLoss, fn=huber, delta=1.0)` says all there is: the constructor takes the
options in this order (and `reduction`, `name`, `dtype` after them, where they are not placed
otherwise), the instance holds them as attributes, and the config saves them. The docstring says of
the options what that of the function says.
"""

from minikeras.core.constructors import constructor
from minikeras.core.docstrings import describe_class, texts_of
from minikeras.losses.base import Loss, LossFunctionWrapper


class FunctionLoss(LossFunctionWrapper):
    """A loss that passes its options on to a function.

    Class keywords:
        fn: function `(y_true, y_pred, **options)` that returns one value per sample.
        unsaved: names of options that a config holds only if they differ from their defaults.
        **defaults: the constructor's arguments in their order, with their defaults.
    """

    _unsaved = ()

    def __init_subclass__(cls, fn=None, unsaved=(), **defaults):
        super().__init_subclass__()
        if fn is None:
            return
        cls._fn, cls._unsaved = staticmethod(fn), unsaved
        cls._defaults = in_order(defaults, fn, {"reduction": "sum_over_batch_size"})
        cls.__init__ = declared_constructor(cls._defaults, _init_loss)
        describe_class(cls, texts_of(fn.__doc__))

    def __init__(self, *args, **kwargs):
        raise TypeError(f"{type(self).__name__} has no function: pass `fn=` where it is declared.")

    def _check_options(self, **options):
        """Raise a ValueError if an option cannot be."""

    def get_config(self):
        """Return the constructor's arguments."""
        return {**Loss.get_config(self), **saved_options(self, self._unsaved)}


def _init_loss(self, options, reduction, name, dtype):
    LossFunctionWrapper.__init__(
        self, self._fn, reduction=reduction, name=name, dtype=dtype, **options
    )


def saved_options(thing, unsaved):
    """Return the options that belong into the config of a declared loss or metric."""
    options = thing._fn_kwargs
    return {k: v for k, v in options.items() if k not in unsaved or v != thing._defaults[k]}


def in_order(own, fn, common):
    """Return a constructor's arguments and defaults in their order.

    Args:
        own: the options, and those of the common arguments that have another place or default.
        fn: the function, whose name is the default name.
        common: the common arguments before `name` and `dtype`, with their defaults.

    Returns:
        A dict: the options, then the common arguments. If `own` places one of these before an
        option, its order is kept.
    """
    common = {**common, "name": fn.__name__, "dtype": None}
    names = list(own)
    placed = any(name in common for name in names[:-1])
    if not placed:
        names = [name for name in names if name not in common]
    names += [name for name in common if name not in names]
    return {name: own.get(name, common.get(name)) for name in names}


def declared_constructor(defaults, initialize):
    """Make the `__init__` of a declared loss or metric.

    Args:
        defaults: dict of all arguments in their order, with their defaults.
        initialize: function `(self, options, **common)` that does the work.

    Returns:
        A method whose signature shows these arguments.
    """
    common = [name for name in ("reduction", "name", "dtype") if name in defaults]

    def initialize_checked(self, options):
        base = {name: options.pop(name) for name in common}
        self._check_options(**options)
        initialize(self, options, **base)
        for name, value in options.items():
            setattr(self, name, value)

    return constructor(defaults, initialize_checked)
