"""What a view writes on: the arrays of one call by the names that formulas give them.

Names in a formula are short, as in a textbook: `x, y` are the input and the output of the call,
`dx, dy` the gradients of the loss with respect to them; a weight has its own name, `kernel`, and a
`d` in front for its gradient. Several inputs are `x0, x1`. Arrays inside the layer get the names
that the view gives them.
"""

import re

import numpy as np

from minikeras.tools.explain.formulas import Formula, cells_in, plain
from minikeras.tools.explain.proof import NoView, Unproved, prove
from minikeras.tools.explain.whole import evaluate


class Sheet:
    """One call, and the formulas of what happens in it.

    Args:
        key: the call's name in the document.
        record: its `Record`, or whatever has `layer` for views of other things.
        arrays: dict of the document's arrays, which grows.
        dtype: in which arrays inside a layer are kept.

    Attributes:
        formulas: list of `Formula`.
        entries: the document's `arrays` of the node.
        names: dict of a short name to the name of an array in the document.
        written: the same, with what views have added.
    """

    def __init__(self, key, record, arrays, dtype="float32"):
        self.key = key
        self.record = record
        self.arrays = arrays
        self.dtype = dtype
        self.formulas = []
        self.entries = []
        self.names = {}
        self.written = {}
        self._computed = []

    def attempt(self, write):
        """Let a function write formulas, and keep them only if they give what the run computed.

        Args:
            write: function of a `Sheet` like this one; the short names that it adds are its own.

        Returns:
            None, or the reason why nothing was kept: a `NoView` or an `Unproved`.
        """
        draft = Sheet(self.key, self.record, dict(self.arrays), self.dtype)
        draft.entries, draft.names = [dict(e) for e in self.entries], dict(self.names)
        try:
            write(draft)
            draft._finish()
            prove(draft.formulas, draft.arrays)
        except (NoView, Unproved) as reason:
            return reason
        self.arrays.update(draft.arrays)
        self.entries = draft.entries
        self.formulas += draft.formulas
        self.written |= draft.names
        return None

    def put(self, local, name, array, role, *, of=None, says="", axes=None):
        """Let a short name stand for an array of the document, which is added if it is new."""
        self.names[local] = name
        self.arrays.setdefault(name, array)
        if any(entry["name"] == name and entry["role"] == role for entry in self.entries):
            return
        entry = {"name": name, "role": role, "label": local, "axes": axes or []}
        if of is not None:
            entry["of"] = of
        if says:
            entry["says"] = says
        self.entries.append(entry)

    def has(self, local):
        """Whether a short name stands for an array."""
        return local in self.names

    def array(self, local):
        """Return the array that a short name stands for."""
        return self.arrays[self.names[local]]

    def shape(self, local):
        """Return the sizes of the array that a short name stands for."""
        return self.array(local).shape

    def alias(self, local, other):
        """Let a short name stand for what another one stands for."""
        self.names[local] = self.names[other]

    def inside(self, local, values, says=""):
        """Add an array inside the layer that no formula gives, as the mask of a Dropout."""
        self.put(local, f"{self.key}/{local}", values, "inside", says=says)

    def forward(self, local, indices, text, shape=None, *, says="", along=None, **constants):
        """Write how an array follows from others on the way forward.

        Args:
            local: short name of the array, a new one for an array inside the layer.
            indices: names of the index variables, with spaces between.
            text: the right side.
            shape: sizes of a new array.
            says: one sentence.
            along: the index variable of a recurrence; see `Formula`.
            **constants: numbers by name.
        """
        self._add("forward", local, indices, text, shape, says, along, constants, "inside")

    def backward(self, local, indices, text, shape=None, *, says="", along=None, **constants):
        """Write how a gradient follows from others on the way back; see `forward`.

        Nothing is written where the array is no part of the run: an input without a gradient.
        """
        missing = local not in self.names and shape is None
        if not missing and self._knows(text, constants, along, local):
            self._add("backward", local, indices, text, shape, says, along, constants, "gradient")

    def step(self, local, indices, text, shape=None, *, says="", **constants):
        """Write a line of the optimizer's step; see `forward`."""
        self._add("step", local, indices, text, shape, says, None, constants, "step")

    def _knows(self, text, constants, along, local):
        """Whether all arrays in a formula are there; those of a recurrence may come later."""
        used = {cell[1] for cell in cells_in(Formula("", "", [], text, {}).tree)}
        return along is not None or used <= {*self.names, local, *constants}

    def new(self, local, name, shape, role, *, of=None, axes=None):
        """Add an array that a formula will give, under a name of its own."""
        self.put(local, name, np.zeros(shape, self.dtype), role, of=of, axes=axes)
        self._computed.append(name)

    def _add(self, phase, local, indices, text, shape, says, along, constants, role):
        indices = indices.split()
        if local not in self.names:
            of = None
            if role == "gradient" and local[1:] in self.names:
                of = self.names[local[1:]]
            self.new(local, f"{self.key}/{_long(local)}", shape, role, of=of, axes=indices)
        else:
            self._set_axes(self.names[local], indices)
        formula = Formula(self.names[local], phase, indices, _tidy(text), {}, says, along)
        formula.names = constants
        self.formulas.append(formula)

    def _set_axes(self, name, indices):
        for entry in self.entries:
            if entry["name"] == name and not entry["axes"]:
                entry["axes"] = indices

    def _finish(self):
        """Find what the names in the formulas stand for, and compute the arrays inside."""
        for formula in self.formulas:
            used = {cell[1] for cell in cells_in(formula.tree)}
            formula.names = {
                **{name: self.names[name] for name in sorted(used)},
                **{n: plain(v) for n, v in formula.names.items() if _mentions(formula.text, n)},
            }
        for group in _groups(self.formulas):
            self._compute(group)

    def _compute(self, group):
        """Compute the arrays of formulas, together step by step where they are a recurrence."""
        mine = [f for f in group if f.array in self._computed]
        if not mine:
            return
        along = group[0].along
        if along is None:
            for formula in mine:
                shape = self.arrays[formula.array].shape
                values = evaluate(formula, self.arrays, shape)
                self.arrays[formula.array] = values.astype(self.dtype)
            return
        recorded = {f.array: self.arrays[f.array] for f in group if f.array not in self._computed}
        name, back = along.strip("-"), along.startswith("-")
        length = self.arrays[group[0].array].shape[group[0].indices.index(name)]
        for t in reversed(range(length)) if back else range(length):
            for formula in group:
                axis = formula.indices.index(name)
                array = self.arrays[formula.array]
                values = evaluate(formula, self.arrays, array.shape, {name: t})
                if formula.array in self._computed:
                    array[(*[slice(None)] * axis, slice(t, t + 1))] = values
        self.arrays.update(recorded)


def _groups(formulas):
    """Formulas one by one, and those of one recurrence together."""
    groups = []
    for formula in formulas:
        if groups and formula.along is not None and groups[-1][-1].along == formula.along:
            groups[-1].append(formula)
        else:
            groups.append([formula])
    return groups


def _long(local):
    """`dz` is called `d_z` in the document, as the gradients of outputs and weights are."""
    is_gradient = re.fullmatch(r"d[a-z]\w*", local) is not None and local not in NO_GRADIENTS
    return f"d_{local[1:]}" if is_gradient else local


NO_GRADIENTS = ("decayed", "deviation", "denominator", "distance", "d")


def _mentions(text, name):
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def _tidy(text):
    return " ".join(text.split())


# ---- pieces of text that views share


def cell(name, *indices):
    """Return `name[i, j]`."""
    return f"{name}[{', '.join(str(i) for i in indices)}]"


def loops(**sizes):
    """Return `for u in range(3) for v in range(3)`."""
    return " ".join(f"for {name} in range({size})" for name, size in sizes.items())


def moved(variable, factor=1, other=None, other_factor=1, offset=0):
    """Return an index: `2 * i + u - 1`."""
    text = variable if factor == 1 else f"{factor} * {variable}"
    if other is not None:
        text += f" + {other}" if other_factor == 1 else f" + {other_factor} * {other}"
    if offset:
        text += f" {'+' if offset > 0 else '-'} {abs(offset)}"
    return text


def window_start(variable, other, other_factor, padding, stride):
    """Return the index of the window whose tap `other` lies at a place: `(i - u + 1) / 2`."""
    text = (
        f"{variable} - {other}" if other_factor == 1 else f"{variable} - {other_factor} * {other}"
    )
    if padding:
        text += f" + {padding}"
    return text if stride == 1 else f"({text}) / {stride}"


def letters(rank, last=None):
    """Return names of the axes of an array: `n`, then `i j k ...`, and another for the last."""
    names = ["n", *"ijklabe"][:rank]
    if last is not None and rank:
        names[-1] = last
    return names
