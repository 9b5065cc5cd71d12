"""Running the same user code on both engines, from the same seed, and comparing all it returns.

A scenario is a function of an engine that returns a nest: numbers and arrays are compared with the
tolerances, everything else (keys and their order, names, shapes, texts, types) must be equal.
"""

import warnings

import numpy as np

from minikeras.tools.tolerances import assert_close
from parity_tests.support import both

SEED = 7
OUT_OF_DATA = "Your input ran out of data"


def same(scenario, length=1):
    """Fail unless a scenario gives the same on both engines.

    Args:
        scenario: function of an engine (`keras` or `minikeras`).
        length: how many roundings enter the numbers, as for `tolerances.bound`.
    """
    heard = []

    def run(engine):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = scenario(engine)
        heard.append(sum(str(w.message).startswith(OUT_OF_DATA) for w in caught))
        return result

    ours, theirs = both(run, seed=SEED)
    compare(ours, theirs, length)
    assert heard[0] == heard[1], f"warnings of data that ran out: {heard[0]}, Keras {heard[1]}"


def compare(ours, theirs, length=1, place="result"):
    """Fail at the first place where two nests differ."""
    if _is_number(theirs):
        assert _is_number(ours), f"{place}: {ours!r}, Keras {theirs!r}"
        assert_close(np.asarray(ours), np.asarray(theirs), length, place, dtype="float32")
        return
    assert type(ours) is type(theirs), f"{place}: {type(ours)}, Keras {type(theirs)}"
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), f"{place}: keys {list(ours)}, Keras {list(theirs)}"
        for key in theirs:
            compare(ours[key], theirs[key], length, f"{place}.{key}")
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), f"{place}: {ours}, Keras {theirs}"
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            compare(a, b, length, f"{place}[{i}]")
    else:
        assert ours == theirs, f"{place}: {ours!r}, Keras {theirs!r}"


def _is_number(value):
    return isinstance(value, (float, np.ndarray, np.floating))
