"""What a foreign model file may not do: every file is checked here before anything believes it.

A model file comes from anywhere. Here it can say something wrong, but it can't make the reader open
other files, wait, run code, or take more memory than a few times the bytes that it really has. All
that is refused raises `FileError`, which names the file, the part of it, and the reason.
"""

from minikeras.saving.guard.archive import Archive, open_archive
from minikeras.saving.guard.errors import FileError, NoModelFileError
from minikeras.saving.guard.extraction import archive_format, extract_archive
from minikeras.saving.guard.files import regular_file
from minikeras.saving.guard.hdf5 import dtype_when_read, open_hdf5, read_array
from minikeras.saving.guard.json_text import parse_json

__all__ = [
    "Archive",
    "FileError",
    "NoModelFileError",
    "archive_format",
    "dtype_when_read",
    "extract_archive",
    "open_archive",
    "open_hdf5",
    "parse_json",
    "read_array",
    "regular_file",
]
