"""Errors that say which file they are about."""

from collections.abc import Iterator
from contextlib import contextmanager

from minikeras.core.registry import MALFORMED
from minikeras.saving.guard import FileError


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Let errors in a `with` block name the file and the part of it that was read.

    Args:
        where: both, such as `model.keras (config.json)`.

    Raises:
        ValueError, TypeError: as inside, with `where` in front if it does not occur in the text.
        FileError: for what a class raises whose config is not what it expects.
    """
    try:
        yield
    except FileError:
        raise
    except (ValueError, TypeError) as error:
        if where in str(error):
            raise
        kind = TypeError if isinstance(error, TypeError) else FileError
        raise kind(f"{where}: {error}") from error
    except MALFORMED as error:
        raise FileError(f"{where}: {type(error).__name__}: {error}") from error
