"""Which source files a compiled function is made of, so that what is kept on disk is never stale.

Numba compiles a function anew when the file that it stands in has changed. But it contains the
functions that it calls and the constants that it reads, and many of these stand in other files.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
_IMPORT = re.compile(
    r"^from minikeras\.kernels\.compiled((?:\.\w+)*) import (?:\(([^)]*)\)|(.+))$", re.M
)


@cache
def stamp_of(path: str) -> int:
    """Return a number that changes when the sources of a file's functions change.

    Args:
        path: path of a file of Python.

    Returns:
        An int, made of the times and sizes of `files_of` the path.
    """
    states = [(str(file), file.stat()) for file in sorted(files_of(Path(path)))]
    text = repr([(name, state.st_mtime_ns, state.st_size) for name, state in states])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


def files_of(path: Path) -> set[Path]:
    """Return a file and all files of this package that it imports, directly or not.

    Args:
        path: path of a file of Python.

    Returns:
        A set of paths.
    """
    found, new = set[Path](), {path}
    while new:
        found |= new
        new = {file for path in new for file in _imported_by(path)} - found
    return found


@cache
def _imported_by(path: Path) -> list[Path]:
    """Files of this package that a file imports: modules, or modules that it takes names from."""
    files: list[Path] = []
    for module, several, one in _IMPORT.findall(path.read_text()):
        base = _PACKAGE.joinpath(*module.split(".")[1:])
        names = [name.split()[0] for name in (several or one).split(",") if name.strip()]
        files += [base / f"{name}.py" for name in names] if base.is_dir() else [Path(f"{base}.py")]
    return files
