"""The page: a document, the program that shows it and the style sheet, in one HTML file.

The file asks for nothing from elsewhere. Its content policy forbids it: scripts and styles run only
if they have the hash that is written there.
"""

import base64
import hashlib
import html
import json
from functools import cache
from importlib.resources import files

SCRIPTS = (
    "numbers.js",
    "evaluate.js",
    "proof.js",
    "book.js",
    "mathml.js",
    "graph.js",
    "heat.js",
    "questions.js",
    "cell.js",
    "page.js",
)
"""The parts of the program, in the order in which they are put together."""


def page_of(document):
    """Return the page of a document.

    Args:
        document: the document as `Document.as_data` returns it.

    Returns:
        The text of an HTML file.
    """
    script = '"use strict";\n' + "\n".join(_read(name) for name in SCRIPTS)
    style = _read("page.css")
    parts = {
        "POLICY": _policy(script, style),
        "TITLE": html.escape(str(document.get("title", ""))),
        "STYLE": style,
        "DOCUMENT": _embedded(document),
        "SCRIPT": script,
    }
    # Split once, so that no part of the document is taken for a mark of the template.
    pieces = _read("page.html").split("@")
    return "".join(parts.get(piece, piece) for piece in pieces)


@cache
def _read(name):
    return (files(__name__) / name).read_text("utf-8")


def _policy(script, style):
    """Allow these very texts and nothing else."""
    rules = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _hash(text):
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _embedded(document):
    """Write a document as JSON in which no tag can begin or end.

    Numbers that JSON has no word for are written as strings, which the page takes as text.
    """
    text = json.dumps(_finite(document), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value):
    """Replace infinities and NaN by their names."""
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return value
