"""Names of archive members: paths that stay below the folder of the archive."""

import re

from minikeras.saving.guard.errors import refuse

MAX_MEMBERS = 100_000

# File systems and the formats themselves take no longer ones.
_LONGEST = 4096
_LONGEST_PART = 255

_DRIVE = re.compile(r"[A-Za-z]:")


def check_name(where: str, name: str) -> None:
    """Refuse a member's name that leads elsewhere, on whatever system it is used.

    Args:
        where: the archive and the member.
        name: the name, as it is stored.
    """
    if not name or len(name) > _LONGEST:
        refuse(where, f"a name of {len(name)} characters")
    if any(ord(character) < 32 for character in name):
        refuse(where, "the name holds a control character")
    if "\\" in name:
        refuse(where, "the name holds a backslash")
    if name.startswith("/") or _DRIVE.match(name):
        refuse(where, "the name is absolute; names within the archive are expected")
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        refuse(where, "the name leads out of the archive by '..'")
    if any(len(part.encode(errors="replace")) > _LONGEST_PART for part in parts):
        refuse(where, f"a part of the name is longer than {_LONGEST_PART} bytes")
    if "" in parts or "." in parts:
        refuse(where, "the name has an empty part or '.'")


def check_names(where: str, names: list[str]) -> None:
    """Refuse names that are too many, that lead elsewhere, or that occur twice.

    Args:
        where: the archive.
        names: the names of its members.
    """
    if len(names) > MAX_MEMBERS:
        refuse(where, f"{len(names)} members; at most {MAX_MEMBERS} are read")
    seen: set[str] = set()
    for name in names:
        member = f"{where}: {name[:200]!r}"
        check_name(member, name)
        if name in seen:
            refuse(member, "the name occurs twice")
        seen.add(name)
