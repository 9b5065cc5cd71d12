"""Files that are replaced whole: a save that fails or is killed leaves the old file as it was.

A file is written beside its target, in a folder of its own, flushed to the disk, and then moved
over the target by one `rename`, which POSIX makes atomic: whoever opens the target finds the old
content or the new. The temporary folder is named `.NAME.PID-RANDOM.tmp`. As long as it is in use it
is locked (`flock`), and the system drops the lock when the process ends, however it ends. So the
next save to the same path can tell what a killed process has left, and remove that alone.

The lock is on the folder and not on the file, because HDF5 locks the files that it writes itself.
"""

import contextlib
import dataclasses
import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from minikeras.saving.exchange import exchange

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# Within a temporary folder, the place of an old folder while the new one takes its name.
_ASIDE = "previous"

# File systems take names of 255 bytes; what is added to a name needs 30.
_LONGEST_NAME = 200


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, suffix: str = "") -> Iterator[Path]:
    """Write a file that takes the place of another only when it is complete.

    A link at `path` stays, and what it points to is replaced. The permissions of a file that is
    replaced are kept. Several files that belong together are written one after the other, the one
    that names the others last, and the others under names that were not used before.

    Args:
        path: the file to write. Its folder must exist and be writable.
        suffix: what to add to the name of the temporary file, for a writer that chooses the format
            by the name.

    Yields:
        The path at which to write: `path`'s own name, with `suffix`, in a temporary folder. When
        the block ends normally, this file takes the place of `path`; on any exception it is
        removed.

    Raises:
        IsADirectoryError: if a folder is at `path`.
        OSError: if the file can't be written. Its notes say what is now at `path`.

    Example:
        >>> with replacing("weights.bin") as temporary:
        ...     size = temporary.write_bytes(b"new weights")
        >>> Path("weights.bin").read_bytes()
        b'new weights'
    """
    target = _target(path)
    with _explained(path, target) as save, _temporary_folder(target) as folder:
        mode = _replaceable_file(target)
        new = folder / (target.name + suffix)
        yield new
        if mode is not None:
            os.chmod(new, mode)
        _flush(new)
        os.replace(new, target)
        save.moved = True
        _flush_folder(target.parent)


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a folder that takes the place of another only when it is complete.

    Where the system can exchange two names in one step (Linux), a reader finds the old folder or
    the new one at any moment. Elsewhere there is a moment at which nothing has the name: readers
    ask `readable_folder`, and the next save puts back what a killed one has moved away.

    Args:
        path: the folder to write.

    Yields:
        The path of an empty temporary folder. When the block ends normally, it takes the place of
        `path`; on any exception it is removed.

    Raises:
        NotADirectoryError: if something else than a folder is at `path`.
        OSError: if the folder can't be written. Its notes say what is now at `path`.

    Example:
        >>> with replacing_folder("model") as temporary:
        ...     size = (temporary / "config.json").write_text("{}")
        >>> os.listdir("model")
        ['config.json']
    """
    target = _target(path)
    with _explained(path, target) as save, _temporary_folder(target) as folder:
        if target.exists() and not target.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a folder is to be written here", str(target))
        new = folder / target.name
        new.mkdir()
        yield new
        if target.exists():
            shutil.copymode(target, new)
        _flush_tree(new)
        _move_folder(new, target, folder / _ASIDE)
        save.moved = True
        _flush_folder(target.parent)


def readable_folder(path: str | os.PathLike[str]) -> Path:
    """The folder to read for a path: the folder itself, or where a save has put it for a moment.

    Args:
        path: a folder that `replacing_folder` writes.

    Returns:
        The path of a complete folder.

    Raises:
        FileNotFoundError: if there is none.
    """
    target = _target(path)
    for _ in range(2):  # what is found aside may be back in its place a moment later
        if target.exists():
            return target
        for folder in _temporary_folders(target):
            if (folder / _ASIDE).exists():
                return folder / _ASIDE
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))


def _target(path: str | os.PathLike[str]) -> Path:
    """What is replaced: where a link at `path` leads."""
    return Path(os.path.realpath(path))


def _replaceable_file(target: Path) -> int | None:
    """The permissions of the file that is replaced, or None if there is none."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file, so it is not replaced", str(target))
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        # A rename needs the right to write the folder only: who protects a file means the file.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    return stat.S_IMODE(mode)


def _move_folder(new: Path, target: Path, aside: Path) -> None:
    """Give the folder `new` the name `target`; what had it ends in the temporary folder."""
    if not target.exists():
        os.rename(new, target)
    elif not exchange(new, target):
        os.rename(target, aside)
        os.rename(new, target)


# ---- the temporary folder and its lock


@contextlib.contextmanager
def _temporary_folder(target: Path) -> Iterator[Path]:
    """A locked folder beside the target, and its removal with all that is left in it."""
    _remove_leftovers(target)
    folder, lock = _locked_folder(target)
    try:
        yield folder
    finally:
        _put_back(folder, target)
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _prefix(target: Path) -> str:
    """How the names of the target's temporary folders begin."""
    short = os.fsencode(target.name)[:_LONGEST_NAME].decode(errors="ignore")
    return f".{short}."


def _locked_folder(target: Path) -> tuple[Path, int | None]:
    """A new temporary folder, and the descriptor that holds its lock."""
    while True:
        folder = target.parent / f"{_prefix(target)}{os.getpid()}-{secrets.token_hex(4)}.tmp"
        folder.mkdir(mode=0o700)
        if fcntl is None:
            return folder, None
        # Between `mkdir` and the lock, another save may have taken the folder for a leftover: it
        # has locked it and is about to remove it, or has done so.
        try:
            lock = _lock(folder)
        except BlockingIOError:
            continue
        if folder.exists():
            return folder, lock
        if lock is not None:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder; None if it is gone, or has a file system without locks.

    Raises:
        BlockingIOError: if it is locked already.
    """
    assert fcntl is not None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return descriptor


def _temporary_folders(target: Path) -> Iterator[Path]:
    """The temporary folders of a target, whoever made them."""
    pattern = re.compile(re.escape(_prefix(target)) + r"\d+-[0-9a-f]{8}\.tmp")
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if pattern.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)


def _remove_leftovers(target: Path) -> None:
    """Remove the temporary folders of processes that are gone."""
    if fcntl is None:
        return  # without locks, nothing tells a leftover from a save that goes on
    for folder in _temporary_folders(target):
        try:
            lock = _lock(folder)
        except BlockingIOError:  # a save that goes on
            continue
        if lock is not None:
            _put_back(folder, target)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _put_back(folder: Path, target: Path) -> None:
    """Undo half an exchange: the old folder lies aside, and nothing has its name."""
    aside = folder / _ASIDE
    if aside.exists() and not target.exists():
        os.rename(aside, target)


# ---- flushing to the disk


def _flush(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    # Windows flushes only what is open for writing.
    with open(path, "r+b" if os.name == "nt" else "rb") as file:
        if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: `fsync` leaves it in the disk's own memory
            with contextlib.suppress(OSError):
                fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)  # type: ignore[union-attr]
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can say so."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _flush_tree(folder: Path) -> None:
    """Wait until a folder with all that is in it is on the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            _flush(Path(parent, name))
        _flush_folder(Path(parent))


# ---- what an error says


@dataclasses.dataclass
class _Save:
    """How far a save has come."""

    existed: bool
    moved: bool = False

    def outcome(self) -> str:
        """What is at the target after an error."""
        if self.moved:
            return "the new content is in place, but may not be on the disk yet"
        if self.existed:
            return "what was there before is still there, unchanged"
        return "nothing is there, as before"


@contextlib.contextmanager
def _explained(path: str | os.PathLike[str], target: Path) -> Iterator[_Save]:
    """Let an `OSError` say which file could not be written, and what is there now."""
    save = _Save(existed=target.exists())
    try:
        yield save
    except OSError as error:
        if error.errno is not None and _is_unnamed(error, target):
            error.filename = os.fspath(path)
        error.add_note(f"{os.fspath(path)!r} could not be written: {save.outcome()}.")
        raise


def _is_unnamed(error: OSError, target: Path) -> bool:
    """Whether an error names no file, or one in a temporary folder of the target."""
    return error.filename is None or _prefix(target) in str(error.filename)
