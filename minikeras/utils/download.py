"""Downloads: a file takes its place when it is there whole and has the checksum that was asked for.

The checksum is computed while the bytes arrive, so nothing is read twice.
"""

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from minikeras.core import console
from minikeras.saving.durable import replacing
from minikeras.training.progbar import Progbar

ALGORITHMS = ("auto", "md5", "sha256")

_SHA256_DIGITS = 64
_PIECE = 1 << 18

# Seconds without a byte after which a server counts as gone.
_SILENCE = 60


@dataclasses.dataclass(frozen=True)
class Checksum:
    """The checksum that a file must have.

    Args:
        digits: the checksum, as hexadecimal digits; None if any file will do.
        algorithm: `"md5"`, `"sha256"`, or `"auto"`, which tells them apart by the number of digits.

    Raises:
        ValueError: if the algorithm is none of these.
    """

    digits: str | None = None
    algorithm: str = "auto"

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(
                f"`hash_algorithm` must be one of {ALGORITHMS}. "
                f"Received: hash_algorithm={self.algorithm!r}"
            )

    @property
    def name(self) -> str:
        """The algorithm: `"md5"` or `"sha256"`."""
        if self.algorithm == "auto":
            return "sha256" if len(self.digits or "") == _SHA256_DIGITS else "md5"
        return self.algorithm

    def new(self) -> Any:
        """An object of `hashlib` that computes such a checksum."""
        return hashlib.new(self.name, usedforsecurity=False)

    def is_of(self, hasher: Any) -> bool:
        """Whether what a `hashlib` object has seen has this checksum."""
        return self.digits is None or hasher.hexdigest() == self.digits.lower()

    def is_of_file(self, path: str) -> bool:
        """Whether a file has this checksum."""
        if self.digits is None:
            return True
        with open(path, "rb") as file:
            return self.is_of(hashlib.file_digest(file, self.new))


def download(origin: str, target: str, checksum: Checksum) -> None:
    """Download a file that takes the place of another only when it is complete.

    Args:
        origin: URL of the scheme http, https, ftp or file.
        target: path of the file to make.
        checksum: what the content must have.

    Raises:
        OSError: if the file can't be reached or does not come whole.
        ValueError: if `origin` is no URL, or the content has another checksum.
    """
    console.print_message(f"Downloading data from {origin}")
    with replacing(target) as temporary:
        hasher = checksum.new()
        with open(temporary, "wb") as file:
            _fetch(origin, target, file, hasher)
        if not checksum.is_of(hasher):
            raise ValueError(
                f"The download of {origin} is damaged: its {checksum.name} hash is "
                f"{hasher.hexdigest()}, and {checksum.digits} was expected. The file was not put "
                f"into {target!r}."
            )


def _fetch(origin: str, target: str, file: BinaryIO, hasher: Any) -> None:
    """Copy what lies at a URL into a file and a hash, with a progress bar."""
    with _explained(origin, target):
        source = urlopen(origin, timeout=_SILENCE)
    with source:
        size = _declared_size(source)
        bar, received = Progbar(size), 0
        while True:
            with _explained(origin, target):
                piece = source.read(_PIECE)
                if not piece and size is not None and received < size:
                    raise URLError(f"the connection ended after {received} of {size} bytes")
            if not piece:
                break
            file.write(piece)
            hasher.update(piece)
            received += len(piece)
            bar.update(received)
        if not size:
            bar.update(received, finalize=True)


def _declared_size(source: Any) -> int | None:
    """The number of bytes that a server has declared, or None."""
    size = source.headers.get("Content-Length", "")
    return int(size) if size.isdigit() else None


@contextlib.contextmanager
def _explained(origin: str, target: str) -> Iterator[None]:
    """Let an error of the network say which address it was, and what to do without one."""
    try:
        yield
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            code, reason = error.code, error.msg
            error.close()
        else:
            code, reason = getattr(error, "errno", None), getattr(error, "reason", error)
        raise OSError(
            f"URL fetch failure on {origin}: {code} -- {reason}. Without a connection, put the "
            f"file that lies at this address into {os.path.abspath(target)!r} yourself: it is read "
            "from there."
        ) from error
