"""What of Keras 1.2.2's and 2.2.4's surface `minikeras.keras2` leaves out on purpose, and why.

A row is a path, in which `*` stands for anything; the first row that matches gives the reason.
`parity_tests/test_keras2_api.py` fails on what is missing without a row, and on a row without a
need.
"""

from parity_tests.surface import reason

_BACKEND_INNER = "is a piece of Keras's own look-up of a back end"
_TENSORFLOW = "is of TensorFlow, or of Keras's work with it"

_HANDED_IN = "hands Keras's modules to another package, which computes with them"
LEFT_OUT = {
    "keras.applications*.keras_modules_injection": _HANDED_IN,
    "keras.backend.backend_module": _BACKEND_INNER,
    "keras.backend.entries": _BACKEND_INNER,
    "keras.backend.namespace": _BACKEND_INNER,
    "keras.backend.required_entries": _BACKEND_INNER,
    "keras.backend*.tf_major_version": _TENSORFLOW,
    "keras.backend*.tf_minor_version": _TENSORFLOW,
    "keras.applications.*_WEIGHTS_PATH*": "is the address of a file that Keras 1 fetched",
    "keras.backend*.py_*": "is a function of Python under another name",
    "keras.*interfaces*": "rewrites Keras 1's arguments by decorators; here tables do",
}
"""Modules and names that are not there."""

OTHER_PARAMETERS: dict[str, str] = {}
"""Functions and classes with other parameters, and arguments of Keras 1 that are not taken."""

OTHER_METHODS: dict[str, str] = {}
"""Methods that are missing or cannot be called in every way, by the class that defines them."""

TABLES = {
    ("module", "name"): LEFT_OUT,
    ("parameters", "argument"): OTHER_PARAMETERS,
    ("method",): OTHER_METHODS,
}
"""The table of each kind of gap."""


def why(gap) -> str | None:
    """Return the reason that the tables give for a gap, or None."""
    table = next(table for kinds, table in TABLES.items() if gap.kind in kinds)
    return reason(table, gap.path)
