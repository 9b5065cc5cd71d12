"""One cell in words and numbers: where it comes from, and what reads it."""

import re

import numpy as np

from minikeras.tools.explain.cells import COMPARISONS, Listener, compute_cell
from minikeras.tools.explain.numbers import LONG, LONGEST, apart, printed, short
from minikeras.tools.explain.readers import readers
from minikeras.tools.explain.sources import source_line as source_line_of

MOST_TERMS = 12
MOST_CELLS = 4


class BadCell(ValueError):
    """There is no such cell; the message says which there are."""


def text_of(document, cell):
    """Return the lines on one cell.

    Args:
        document: a `Document`.
        cell: its name, as `"conv2d[0,2,3,5]"` for an output, `"conv2d/kernel[0,0,0,5]"` for another
            array of a layer, `"d_conv2d[0,2,3,5]"` for the gradient of an output.

    Raises:
        BadCell: if there is none of that name.
    """
    name, place = _found(document, cell)
    array = document.arrays[name]
    stored = array[tuple(place)].item()
    lines = [f"{name}{_at(place)} = {short(stored)}"]
    for formula in _formulas(document, name):
        lines += _derivation(document, formula, place, stored)
        break
    lines += _readers(document, name, place)
    for other in _gradients(document, name):
        value = document.arrays[other][tuple(place)].item()
        lines.append(f"gradient {other}{_at(place)} = {short(value)}")
    return "\n".join(lines) + "\n"


def source_line(document, cell):
    """Return where the program computes a cell: `file:line` of a kernel, `""` if unknown."""
    name, _ = _found(document, cell)
    for sheet in document.sheets.values():
        for formula in sheet.formulas:
            if formula.array == name and sheet.record is not None:
                return source_line_of(sheet.record, formula.phase)
    return ""


def _at(place):
    return f"[{', '.join(map(str, place))}]" if place else ""


def _found(document, cell):
    """Return the name of the array that a cell is of, and its indices."""
    match = re.fullmatch(r"\s*([^\[\]]+?)\s*(?:\[([-\d,\s]*)\])?\s*", cell)
    if match is None:
        raise BadCell(f"Expected a cell such as 'conv2d[0,2,3,5]'. Received: {cell!r}")
    name = _array_name(document, match[1])
    shape = document.arrays[name].shape
    numbers = [n for n in (match[2] or "").split(",") if n.strip()]
    try:
        place = [int(n) for n in numbers]
    except ValueError:
        place = [None]
    if len(place) != len(shape) or any(
        i is None or not 0 <= i < size for i, size in zip(place, shape, strict=True)
    ):
        raise BadCell(
            f"{name} has the shape {tuple(shape)}: expected {len(shape)} indices from 0 to "
            f"{[size - 1 for size in shape]}. Received: {cell!r}"
        )
    return name, place


def _array_name(document, name):
    for choice in (name, f"{name}/out"):
        if choice in document.arrays:
            return choice
    if name.startswith("d_"):
        for choice in (f"{name[2:]}/d_out", f"{name[2:]}/d_z"):
            if choice in document.arrays:
                return choice
    owner = name.split("/")[0]
    near = [n for n in document.arrays if n.split("/")[0] == owner]
    some = near or list(document.sheets)
    raise BadCell(
        f"There is no layer or array {name!r}. There are: {', '.join(some[:20])}"
        + (", ..." if len(some) > 20 else "")
    )


def _formulas(document, name):
    return [f for sheet in document.sheets.values() for f in sheet.formulas if f.array == name]


def _gradients(document, name):
    """Arrays that are the gradient of an array."""
    shape = document.arrays[name].shape
    gradients = {}
    for sheet in document.sheets.values():
        for entry in sheet.entries:
            same = document.arrays[entry["name"]].shape == shape
            if entry.get("of") == name and entry["role"] == "gradient" and same:
                gradients[entry["name"]] = True
    return list(gradients)


def _label(document, formula):
    """The array's short name in the node that has the formula, or else in its own node."""
    name = formula.array
    holding = [s for s in document.sheets.values() if formula in s.formulas]
    own = [s for key, s in document.sheets.items() if name.startswith(f"{key}/")]
    entries = [e for sheet in [*holding, *own] for e in sheet.entries if e["name"] == name]
    return entries[0]["label"]


def _derivation(document, formula, place, stored):
    label = _label(document, formula)
    head = f"{label}[{', '.join(formula.indices)}]" if formula.indices else label
    lines = [f"{head} = {formula.text}"]
    if formula.indices:
        pairs = zip(formula.indices, place, strict=True)
        lines.append(", ".join(f"{name} = {i}" for name, i in pairs))
    writer = _Writer()
    narrow, _ = compute_cell(formula, document.arrays, place, narrow=True, listener=writer)
    wide, _ = compute_cell(formula, document.arrays, place)
    lines += writer.lines
    lines.append(
        f"recomputed {printed(narrow, LONG)} stored {printed(stored, LONG)} "
        f"float64 {printed(wide, LONGEST)} apart {apart(narrow, stored)} ulp"
    )
    return lines


def _readers(document, name, place):
    lines = []
    for sheet in document.sheets.values():
        for formula in sheet.formulas:
            if name not in formula.names.values():
                continue
            places = readers(formula, document.arrays, name, place)
            if not places:
                continue
            some = ", ".join(f"[{', '.join(map(str, cell))}]" for cell in places[:MOST_CELLS])
            more = ", ..." if len(places) > MOST_CELLS else ""
            cells = "cell" if len(places) == 1 else "cells"
            lines.append(f"read by {formula.array} in {len(places)} {cells}: {some}{more}")
    return lines


class _Writer(Listener):
    """Writes down a walk, a line for each thing that happens outside of sums."""

    def __init__(self):
        self.lines = []

    def operation(self, operator, values, result):
        """Write an operation, or whether a comparison holds."""
        if operator == "neg":
            self.lines.append(f"-({short(values[0])}) = {short(result)}")
            return
        text = f"{short(values[0])} {operator} {short(values[1])}"
        if operator in COMPARISONS:
            self.lines.append(f"{text} {'holds' if result else 'does not hold'}")
        else:
            self.lines.append(f"{text} = {short(result)}")

    def function(self, name, values, result):
        """Write a function of numbers."""
        self.lines.append(f"{name}({', '.join(map(short, values))}) = {short(result)}")

    def cell(self, name, place, value):
        """Write a cell."""
        self.lines.append(f"{name}{_at(place)} = {short(value)}")

    def number(self, name, value):
        """Write a number that has a name."""
        self.lines.append(f"{name} = {short(value)}")

    def loop(self, kind, terms, missing, result):
        """Write the terms of a sum or a maximum."""
        count = len(terms) + missing
        head = f"{kind} of {count} {'term' if count == 1 else 'terms'}"
        if missing:
            head += f", {len(terms)} present and {missing} in the padding"
        self.lines.append(head)
        shown, rest = terms, []
        if len(terms) > MOST_TERMS:
            order = sorted(range(len(terms)), key=lambda i: -abs(terms[i][2]))
            shown = [terms[i] for i in order[:MOST_TERMS]]
            rest = [terms[i] for i in sorted(order[MOST_TERMS:])]
        self.lines += [f"  {_term(*term)}" for term in shown]
        if rest:
            self.lines.append(f"  and {len(rest)} smaller ones{_rest(kind, rest)}")
        self.lines.append(
            f"  {kind} -> {'absent' if not terms and kind == 'max' else short(result)}"
        )


def _term(variables, cells, value):
    at = ", ".join(f"{name} = {i}" for name, i in variables)
    named = ", ".join(f"{name}{_at(place)} = {short(v)}" for name, place, v in cells)
    listed = f"{at}: {named}" if cells and len(cells) <= MOST_CELLS else at
    return f"{listed} -> {short(value)}"


def _rest(kind, terms):
    if kind == "max":
        return ""
    total = float(terms[0][2])
    for *_, value in terms[1:]:
        total = float(np.float32(total + value))
    return f" -> {short(total)}"
