"""Sessions, which nothing needs here, and the names that last as long as one."""

from minikeras.core import names
from minikeras.keras2.backend import phases, settings


def clear_session():
    """Forget all automatic names, and that a learning phase was set.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.clear_session()
    """
    settings.reset_uids()
    names.clear()
    phases.clear_learning_phase()


class name_scope(names.name_scope):
    """Put a name in front of the paths of variables that are made inside the `with` block.

    Args:
        name: a string.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> with K.name_scope("block"):
        ...     v = K.variable(1.0, name="gain")
        >>> v.path
        'block/gain'
    """

    def __init__(self, name, **kwargs):
        super().__init__(str(name).replace("/", "_"))


def get_session():
    """Return None: there are no sessions.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.get_session() is None
        True
    """


def set_session(session):
    """Accept a session, which nothing needs.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.set_session(None)
    """


def manual_variable_initialization(value):
    """Accept: variables have values from the beginning.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.manual_variable_initialization(True)
    """
