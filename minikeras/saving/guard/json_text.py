"""JSON of a model file: checked before Python's parser, which recurses, sees it.

What Keras writes is accepted, `NaN` and `Infinity` among it: a constraint or a layer may have
`max_value=inf`, and `json.dumps` writes that as `Infinity`. A number such as `1e400`, which no
`json.dumps` writes and which would silently become infinite, is refused.
"""

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from minikeras.saving.guard.errors import damaged, refuse

# The configuration of a large model has a few MiB.
MAX_JSON = 64 << 20

# A model in a model takes about four levels. The parser, and what reads its result, recurse.
MAX_DEPTH = 256

# An empty list is two bytes of JSON and 64 of memory. A thousand layers are some 50,000 objects.
MAX_OBJECTS = 1 << 20

# Python's own limit, which a program may have lifted; the time to convert grows with the square.
_MAX_DIGITS = 4300

# Strings are skipped as a whole; `++` and `*+` never go back, so the time is linear.
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{\]}]', re.S)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes | bytearray, where: str) -> dict[str, Any]:
    """Parse the JSON object of a model file.

    Args:
        text: the JSON, as bytes in UTF-8; at most 64 MiB, nested at most 256 deep.
        where: the file and the part of it, for errors.

    Returns:
        The object at the top level.

    Raises:
        FileError: if it is no valid JSON, is too large or too deep, names a key twice, holds a
            number that is too large, or has something else than an object at the top level.

    Example:
        >>> parse_json(b'{"units": 3}', "config.json")
        {'units': 3}
    """
    if len(text) > MAX_JSON:
        refuse(where, f"{len(text)} bytes of JSON; at most {MAX_JSON} are read")
    with damaged(where, ValueError, RecursionError):
        string = text if isinstance(text, str) else text.decode("utf-8")
        _check_nesting(string, where)
        value = json.loads(
            string, object_pairs_hook=_object, parse_int=_integer, parse_float=_number
        )
        if _SURROGATE.search(string):
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # no half characters
    if not isinstance(value, dict):
        refuse(where, f"a JSON object is expected at the top level, not {type(value).__name__}")
    return value


def _check_nesting(string: str, where: str) -> None:
    """Count the brackets outside strings, without recursion."""
    depth = objects = 0
    for match in _BRACKET.finditer(string):
        token = match[0]
        if token in "[{":
            depth, objects = depth + 1, objects + 1
            if objects > MAX_OBJECTS:
                refuse(where, f"JSON has more than {MAX_OBJECTS} lists and objects")
            if depth > MAX_DEPTH:
                refuse(where, f"JSON is nested more than {MAX_DEPTH} deep")
        elif token in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        _wrong(f"the key {counts.most_common(1)[0][0]!r} occurs twice")
    return result


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        _wrong(f"an integer of {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        _wrong(f"the number {digits[:40]} is too large")
    return value


def _wrong(reason: str) -> NoReturn:
    raise ValueError(reason)
