"""JSON that a model file may hold, and JSON that it may not."""

import json
import math
import sys

import pytest

from minikeras.saving.guard import FileError, parse_json
from minikeras.saving.guard.json_text import MAX_DEPTH, MAX_JSON, MAX_OBJECTS
from tests.saving.hostile import bounded

REFUSED = {
    "null": "null",
    "a number": "3",
    "a string": '"model"',
    "a list": "[]",
    "nothing": "",
    "cut": '{"a": 1',
    "more than one": "{}{}",
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "half a character": r'{"a": "\ud800"}',
    "half a character in a list": r'{"a": ["\udfff"]}',
    "a key twice": '{"a": 1, "b": {"c": 1, "c": 2}}',
    "too large a number": '{"a": 1e400}',
    "too small a number": '{"a": -1e400}',
    "too many digits": '{"a": ' + "1" * 4301 + "}",
    "nested lists": '{"a": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "nested objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "never closed": '{"a": ' + "[" * 1_000_000,
    "many lists": '{"a": [' + "[]," * MAX_OBJECTS + "[]]}",
    "too long": '{"a": "' + " " * MAX_JSON + '"}',
    "a string without end": '{"a": "' + "\\\\" * 1_000_000,
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind):
    with bounded(), pytest.raises(FileError, match=r"^model\.keras: config\.json: "):
        parse_json(REFUSED[kind], "model.keras: config.json")


def test_too_many_digits_where_python_has_no_limit():
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        with pytest.raises(FileError, match="4301 digits"):
            parse_json(REFUSED["too many digits"], "file")
    finally:
        sys.set_int_max_str_digits(limit)


def test_what_keras_writes_is_read():
    value = {
        "inf": math.inf,
        "minus": -math.inf,
        "text": 'quote " brackets [[{{ \\ é 😀',
        "large": 2**70,
        "small": 1e-300,
        "none": None,
    }
    assert parse_json(json.dumps(value), "file") == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode(), "file") == value
    assert math.isnan(parse_json('{"a": NaN}', "file")["a"])


def test_depth_is_counted_outside_strings():
    depth = MAX_DEPTH - 1
    assert parse_json('{"a": ' + "[" * depth + "]" * depth + "}", "file")
    assert parse_json('{"a": "' + "[" * 10_000 + r"\"" + "[" * 10_000 + '"}', "file")
    assert parse_json('{"a": [' + "[]," * 1000 + "[]]}", "file")
