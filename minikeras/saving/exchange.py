"""The exchange of two names in one step, which Python's `os` does not offer."""

import ctypes
import errno
import os
from pathlib import Path

# From Linux's <fcntl.h> and <linux/fs.h>.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

# A kernel or a file system that can't do it.
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)


def exchange(first: Path, second: Path) -> bool:
    """Let two files or folders of one file system exchange their names, atomically.

    Args:
        first: a path that exists.
        second: another one.

    Returns:
        Whether it was done: False where the system has no such call, and then nothing has changed.

    Raises:
        OSError: if the system has it and refuses.
    """
    if os.name == "nt":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    names = os.fsencode(first), os.fsencode(second)
    if libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_HERE:
        return False
    raise OSError(code, os.strerror(code), str(second))
