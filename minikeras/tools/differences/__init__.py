"""Where minikeras differs from Keras on purpose, as data.

Each `.toml` beside this file is one table of docs/numerics.md: its title, an introduction, the
heads of its columns, and a row for every difference. `minikeras check` looks here for what it
finds; `python -m minikeras.tools.differences` writes the tables into the page.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = "docs/numerics.md"
TABLES = ("ops", "layers", "models", "preprocessing", "files", "engines")

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Match:
    """Which measurements show a difference; what is empty fits any.

    Attributes:
        classes: names of classes of layers or optimizers.
        ops: names of ops.
        phases: phases of `minikeras check`.
        arrays: pattern of the whole name of an array, `"gradient of .*"` for example.
        keys: pattern of the whole key of a call or variable.
        engines: names of the engines that differ so.
        below: how far the two are apart in float64 at most.
    """

    classes: Sequence[str] = ()
    ops: Sequence[str] = ()
    phases: Sequence[str] = ()
    arrays: str = ".*"
    keys: str = ".*"
    engines: Sequence[str] = ("keras",)
    below: float = float("inf")

    def fits(self, item, engine):
        """Whether a measurement is one of these.

        Args:
            item: what `check` has measured, an `Item`.
            engine: name of the other engine.
        """
        return bool(
            engine in self.engines
            and self._names(item)
            and (not self.phases or item.phase in self.phases)
            and item.apart <= self.below
            and re.fullmatch(self.arrays, item.what)
            and re.fullmatch(self.keys, item.key)
        )

    def _names(self, item):
        """Whether the layer, or the op, is one of those that are named."""
        if not self.classes and not self.ops:
            return True
        op = re.search(r"([^/#]*?)(_\d+)?(#\d+)?$", item.key)
        return item.layer in self.classes or (op is not None and op[1] in self.ops)


@dataclass(frozen=True)
class Difference:
    """One row of a table.

    Attributes:
        name: what it is called, and its anchor on the page where it has a `match`.
        place: what differs.
        here: what minikeras does.
        there: what Keras does.
        why: the reason.
        match: which measurements show it, None if none can.
        proof: the test that sees that it holds, `"file::name"`; empty where a program of
            `parity_tests/shown_differences/` does.
    """

    name: str
    place: str
    here: str
    there: str
    why: str
    match: Match | None = None
    proof: str = ""

    @property
    def link(self):
        """Where the page tells of it."""
        return f"{PAGE}#{self.name}"

    @property
    def sentence(self):
        """The row as one sentence, without a full stop."""
        return f"{self.place}: {self.here} here, {self.there} there ({self.why})"


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        title: its heading.
        intro: text before it.
        columns: heads of the four columns.
        rows: the `Difference`s.
    """

    title: str
    intro: str
    columns: tuple[str, ...]
    rows: tuple[Difference, ...]


@cache
def table(name):
    """Return one of the `TABLES`.

    Args:
        name: name of the file, without its suffix.

    Example:
        >>> from minikeras.tools.differences import table
        >>> table("ops").rows[1].place
        '`hypot`'
    """
    with open(_FOLDER / f"{name}.toml", "rb") as file:
        data = tomllib.load(file)
    rows = (_row(key, value) for key, value in data.items() if isinstance(value, dict))
    return Table(data["title"], data.get("intro", ""), tuple(data["columns"]), tuple(rows))


def _row(name, values):
    match = Match(**values["match"]) if "match" in values else None
    return Difference(name, **{**values, "match": match})


def all_differences():
    """Return the rows of all tables."""
    return [row for name in TABLES for row in table(name).rows]


def known(item, engine="keras"):
    """Return the difference that a measurement shows, None if it is not known.

    A row that names layers or ops goes before one that fits any.

    Args:
        item: what `check` has measured, an `Item`.
        engine: name of the other engine.
    """
    matches = [(row.match, row) for row in all_differences() if row.match is not None]
    fitting = [(match, row) for match, row in matches if match.fits(item, engine)]
    named = [row for match, row in fitting if match.classes or match.ops]
    return next(iter(named or [row for _, row in fitting]), None)
