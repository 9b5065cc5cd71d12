"""`keras.tree` against Keras: random nests, and those that it refuses."""

import random
from collections import OrderedDict, defaultdict, deque, namedtuple

import keras
import pytest

import minikeras

pytestmark = pytest.mark.parity

Pair = namedtuple("Pair", ["x", "y"])
Other = namedtuple("Other", ["x", "y"])


def nest(rng, depth=3):
    """A random nest of all kinds of containers."""
    kind = rng.randrange(9) if depth else 0
    parts = [nest(rng, depth - 1) for _ in range(rng.randrange(4) if depth else 0)]
    keyed = dict(zip(rng.sample("abcdef", len(parts)), parts, strict=True))
    pair = [nest(rng, depth - 1) for _ in range(2)] if depth else []
    return [
        lambda: rng.choice([None, 1, 2.5, "text"]),
        lambda: rng.choice([None, 3, ()]),
        lambda: parts,
        lambda: tuple(parts),
        lambda: keyed,
        lambda: OrderedDict(keyed),
        lambda: defaultdict(list, keyed),
        lambda: Pair(*pair),
        lambda: deque(parts),
    ][kind]()


def outcome(function):
    try:
        return function()
    except ValueError:
        return "ValueError"


def visits(tree, structure, top_down, replace):
    seen = []

    def function(part):
        seen.append(repr(part))
        if replace and part == 1:
            return tree.MAP_TO_NONE
        return "two" if replace and part == 2.5 else None

    return seen, tree.traverse(function, structure, top_down=top_down)


CALLS = {
    "is_nested": lambda t, a, b: t.is_nested(a),
    "flatten": lambda t, a, b: t.flatten(a),
    "flatten_with_path": lambda t, a, b: t.flatten_with_path(a),
    "map_structure": lambda t, a, b: t.map_structure(repr, a),
    "map_structure, None": lambda t, a, b: t.map_structure(repr, a, none_is_leaf=False),
    "map_structure, two": lambda t, a, b: t.map_structure(lambda x, y: (x, y), a, b),
    "map_structure, itself": lambda t, a, b: t.map_structure(lambda x, y: [x, y], a, a),
    # Keras refuses None as a leaf of the first nest, also in the example of its documentation.
    "map_structure_up_to": lambda t, a, b: (
        t.map_structure_up_to(t.map_structure(lambda _: 0, b), repr, a)
    ),
    "assert_same_structure": lambda t, a, b: t.assert_same_structure(a, b),
    "assert_same_paths": lambda t, a, b: t.assert_same_paths(a, b),
    "pack_sequence_as": lambda t, a, b: t.pack_sequence_as(a, range(len(t.flatten(a)))),
    "pack_sequence_as, more": lambda t, a, b: t.pack_sequence_as(a, range(20)),
    "lists_to_tuples": lambda t, a, b: t.lists_to_tuples(a),
    "map_shape_structure": lambda t, a, b: t.map_shape_structure(repr, a),
    **{
        f"traverse, {top_down}, {replace}": (
            lambda t, a, b, d=top_down, r=replace: visits(t, a, d, r)
        )
        for top_down in (True, False)
        for replace in (True, False)
    },
}


@pytest.mark.parametrize("name", CALLS)
def test_functions_of_nests(name):
    rng = random.Random(0)
    call, agreed = CALLS[name], set()
    for _ in range(300):
        a = nest(rng)
        b = rng.choice([nest(rng), nest(rng, 1), a])
        ours = outcome(lambda a=a, b=b: call(minikeras.tree, a, b))
        theirs = outcome(lambda a=a, b=b: call(keras.tree, a, b))
        assert repr(ours) == repr(theirs), (a, b)
        agreed.add(repr(theirs)[:10])
    assert len(agreed) > 1 or name == "pack_sequence_as, more"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1], (1,)),
        (Pair(1, 2), Other(1, 2)),
        (Pair(1, 2), (1, 2)),
        ({"a": 1}, OrderedDict(a=1)),
        ({"a": 1}, {"b": 1}),
        (deque([1]), [1]),
        ([1], [[1]]),
        ([None], [1]),
    ],
)
def test_which_structures_are_the_same(a, b):
    for name in ("assert_same_structure", "assert_same_paths"):
        ours, theirs = (
            outcome(lambda e=e, n=name: getattr(e.tree, n)(a, b)) for e in (minikeras, keras)
        )
        assert ours == theirs, name
