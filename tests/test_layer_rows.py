"""The table of layers is complete, so that every test generated from it reaches every layer."""

import re

import pytest

from minikeras import layers
from minikeras.core.registry import public_home
from tests.cases.layers import FIRST, LAYERS, NO_ROW


def public_name(cls):
    """The name under which a class is offered, without its aliases."""
    home = public_home(cls)
    return home[1] if home else cls.__name__


OFFERED = (getattr(layers, name) for name in layers.__all__)
CLASSES = {public_name(thing) for thing in OFFERED if isinstance(thing, type)}
MADE = {name for case in LAYERS for name in re.findall(r"(\w+)\(", case.source)}


@pytest.mark.parametrize("name", sorted(CLASSES - {*NO_ROW}))
def test_a_row_makes_every_layer(name):
    assert name in MADE


def test_what_has_no_row_is_public_and_has_none():
    assert {*NO_ROW} <= CLASSES - MADE


def test_no_two_rows_are_the_same():
    rows = [(case.source, str(case.shape)) for case in LAYERS]
    assert len(rows) == len(set(rows))


def test_rows_are_of_layers():
    assert {*FIRST} <= CLASSES
