"""Files from the network, kept in Keras's cache folder: what one engine has downloaded serves both.

The cache is `~/.keras`, or the folder that the environment variable `KERAS_HOME` names.
"""

import os
import tempfile
import warnings
from collections.abc import Iterator
from urllib.parse import urlsplit

from minikeras.core import console
from minikeras.saving import guard
from minikeras.utils.download import Checksum, download

_FORMATS = ("tar", "zip")


def get_file(
    fname=None,
    origin=None,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
    force_download=False,
):
    """Downloads a file, unless it is in the cache already.

    A file appears in the cache when it is complete and has the right checksum; one that is there
    stays as it is until then. An archive is unpacked each time, so that files which are missing
    come back; its members may be plain files and folders only.

    Args:
        fname: name of the file in the cache, without a folder; by default the name in `origin`.
        origin: URL of the file: http, https, ftp or file.
        untar: older name of `extract` for tar files.
        md5_hash: older name of `file_hash` for MD5.
        file_hash: checksum that the file must have, as hexadecimal digits. A file in the cache
            that has another one is downloaded again.
        cache_subdir: folder below the cache; an absolute path stands alone.
        hash_algorithm: `"md5"`, `"sha256"`, or `"auto"`, which tells them apart by their lengths.
        extract: whether to unpack the file, a zip or tar archive (also `.gz`, `.bz2`, `.xz`).
        archive_format: `"tar"`, `"zip"`, a list of these, `"auto"` for both, or None for neither.
        cache_dir: the cache; by default `KERAS_HOME` or `~/.keras`. Where it can't be written,
            `.keras` in the folder for temporary files takes its place.
        force_download: whether to download what is in the cache again.

    Returns:
        Path of the file as a string; of the folder with its content, if it is unpacked:
        `NAME_extracted` for an `fname` with an extension, else of the name itself, beside the
        archive `NAME_archive`.

    Raises:
        ValueError: if `origin` is missing, `fname` is a path, an option is none of the above, or
            the checksum differs.
        OSError: if the file can't be downloaded.
        FileError: if an archive is damaged or holds anything but files and folders of its own.

    Example:
        >>> import minikeras as keras, pathlib
        >>> words = pathlib.Path("words.txt").absolute()
        >>> size = words.write_text("one two")
        >>> path = keras.utils.get_file(origin=words.as_uri(), cache_dir="cache", cache_subdir="")
        Downloading data from file:...
        >>> pathlib.Path(path).read_text()
        'one two'
    """
    if origin is None:
        raise ValueError(
            "`get_file` needs `origin`, the URL to download from. Received: origin=None"
        )
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    checksum = Checksum(file_hash, hash_algorithm)
    formats = _formats("tar" if untar else archive_format)
    name = _file_name(fname, origin)
    folder = _cache_folder(cache_dir, cache_subdir)
    archive, unpacked = _archive_names(name, is_named=bool(fname))
    is_archive = extract or untar
    target = os.path.join(folder, archive if is_archive else name)
    if force_download or not _is_cached(target, checksum):
        download(origin, target, checksum)
    if not is_archive:
        return target
    unpack(target, os.path.join(folder, unpacked), formats)
    return os.path.join(folder, unpacked)


def _formats(archive_format) -> tuple[str, ...]:
    """The formats to try."""
    if archive_format is None:
        return ()
    if archive_format == "auto":
        return _FORMATS
    formats = (archive_format,) if isinstance(archive_format, str) else tuple(archive_format)
    if not set(formats) <= set(_FORMATS):
        raise ValueError(
            '`archive_format` must be "auto", "tar", "zip", a list of the latter, or None. '
            f"Received: archive_format={archive_format!r}"
        )
    return formats


def _file_name(fname, origin) -> str:
    """The name in the cache: one without a folder, so that it stays in there."""
    name = os.fspath(fname) if fname else os.path.basename(urlsplit(origin).path)
    if not fname and name in ("", ".", ".."):
        raise ValueError(f"The URL {origin!r} does not end in a file's name: give one as `fname`.")
    if os.path.basename(name) != name or name in (".", ".."):
        raise ValueError(
            "`fname` is a name without folders; the folder is given by `cache_dir` and "
            f"`cache_subdir`. Received: fname={fname}"
        )
    return name


def _archive_names(name: str, is_named: bool) -> tuple[str, str]:
    """What an archive and the folder of its content are called, as in Keras."""
    if is_named and "." in name:
        return name, f"{name[: name.find('.')]}_extracted"
    return f"{name}_archive", name


def _cache_folder(cache_dir, cache_subdir) -> str:
    """The folder for a file, which is made if need be."""
    root = cache_dir or os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    folder = os.path.join(os.path.expanduser(root), cache_subdir)
    try:
        os.makedirs(folder, exist_ok=True)
        is_writable = os.access(folder, os.W_OK)
    except OSError:
        is_writable = False
    if not is_writable:
        root = "/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()
        folder = os.path.join(root, ".keras", cache_subdir)
        os.makedirs(folder, exist_ok=True)
    return folder


def _is_cached(target: str, checksum: Checksum) -> bool:
    """Whether the right file is in the cache."""
    if not os.path.exists(target):
        return False
    is_right = checksum.is_of_file(target)
    if not is_right:
        console.print_message(
            f"The file {target} is incomplete or outdated, since its {checksum.name} hash is not "
            f"{checksum.digits}: it is downloaded again."
        )
    return is_right


def unpack(archive: str, target: str, formats: tuple[str, ...]) -> None:
    """Unpack an archive into a folder, beside what is in there; files of it are replaced.

    Args:
        archive: path of the archive.
        target: path of the folder.
        formats: those of `"tar"` and `"zip"` that are unpacked. A file of another format is left
            alone, with a warning.

    Raises:
        FileError: if the archive is damaged or has a member that is no file or folder below the
            target, or if the target, or a folder in it, is a link. Nothing has changed then.
    """
    form = guard.archive_format(archive) if formats else None
    if form is None or form.split(".")[0] not in formats:
        warnings.warn(
            f"Could not extract archive. {archive!r} has none of the formats {list(formats)}.",
            stacklevel=3,
        )
        return
    parent = os.path.dirname(target)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".unpacked-") as temporary:
        new = os.path.join(temporary, "new")
        guard.extract_archive(archive, new, form)
        moves = list(_moves(new, target))
        for source, place in moves:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.replace(source, place)
        os.makedirs(target, exist_ok=True)


def _moves(new: str, target: str) -> Iterator[tuple[str, str]]:
    """The files of a folder, and where they go: never by way of a link that is there."""
    for folder, _, names in os.walk(new):
        place = os.path.normpath(os.path.join(target, os.path.relpath(folder, new)))
        if os.path.islink(place) or (os.path.exists(place) and not os.path.isdir(place)):
            raise guard.FileError(f"{place}: the folder to unpack into is a link or a file")
        for name in names:
            file = os.path.join(place, name)
            if os.path.isdir(file):
                raise guard.FileError(f"{file}: a folder is there, where a file is to be unpacked")
            yield os.path.join(folder, name), file
