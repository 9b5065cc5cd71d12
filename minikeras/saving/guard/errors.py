"""The one error of all files that are refused, and the bound on what stands for more."""

import contextlib
from collections.abc import Iterator
from typing import NoReturn

# What stands for more than this may take at most `MAX_RATIO` times the bytes that are stored.
# Weights compress to a half or a third, text to a tenth; below, nobody can do harm.
ALWAYS_ALLOWED = 1 << 20
MAX_RATIO = 200


class FileError(ValueError):
    """A model file is damaged, or holds something that a model file may not hold."""


class NoModelFileError(FileNotFoundError, FileError):
    """There is no model file at a path: an `OSError`, and a `ValueError` as Keras raises it."""


def refuse(where: str, reason: str) -> NoReturn:
    """Raise a `FileError`.

    Args:
        where: the file, and after a colon the part of it.
        reason: what is wrong.
    """
    raise FileError(f"{where}: {reason}")


def check_ratio(where: str, size: int, stored: int) -> None:
    """Refuse what would take far more memory than it takes in the file.

    Args:
        where: the file and the part of it.
        size: the bytes that the part declares.
        stored: the bytes that it has in the file.
    """
    if size > ALWAYS_ALLOWED and size > MAX_RATIO * stored:
        refuse(where, f"declares {size} bytes where {stored} are stored")


@contextlib.contextmanager
def damaged(where: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn what a library raises about a file into a `FileError`.

    Args:
        where: the file and the part of it.
        kinds: the exceptions that say that the file is damaged.
    """
    try:
        yield
    except FileError:
        raise
    except kinds as error:
        raise FileError(f"{where}: damaged: {type(error).__name__}: {error}") from error
