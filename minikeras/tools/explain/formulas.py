"""The language of the formulas: Python's expressions in index notation, as trees of lists.

    sum(x[n, i + u - 1, j + v - 1, c] * kernel[u, v, c, f]
        for u in range(3) for v in range(3) for c in range(1)) + bias[f]

is the value of the cell `[n, i, j, f]` of an array. Names before square brackets are arrays, the
others index variables or numbers. A cell outside its array, or with an index that is no whole
number, is absent: so is what is computed from it, `sum` and `max` leave such a term out, and a
whole formula that is absent is 0.

A tree is a number, a name, or a list whose first item says what the others are:

    ["cell", name, [index, ...]]   ["+", a, b] and so on   ["neg", a]   ["not", a]
    ["if", condition, a, b]   ["call", function, a, ...]
    ["sum" or "max", body, [[variable, start, stop], ...], condition or None]
"""

import ast
from dataclasses import dataclass, field
from typing import Any

BINARY = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.And: "and",
    ast.Or: "or",
}

FUNCTIONS = (
    "abs", "cos", "erf", "exp", "expm1", "floor", "log", "log1p", "maximum", "minimum", "relu",
    "sigmoid", "sin", "softplus", "sqrt", "tanh",
)  # fmt: skip


@dataclass
class Formula:
    """How each cell of an array follows from others.

    Attributes:
        array: name of the array.
        phase: `"forward"`, `"backward"` or `"step"`.
        indices: the index variables of the cell.
        text: the right side.
        names: what the names in the text stand for: names of arrays, or numbers.
        says: one sentence.
        along: the index variable along which a recurrence runs, `"t"`, or `"-t"` backwards.
        tree: the parsed text.
    """

    array: str
    phase: str
    indices: list[str]
    text: str
    names: dict[str, Any]
    says: str = ""
    along: str | None = None
    tree: Any = field(init=False)

    def __post_init__(self):
        self.tree = parse(self.text)

    def as_data(self):
        """Return the formula as the page reads it."""
        return {
            "array": self.array,
            "phase": self.phase,
            "indices": self.indices,
            "text": self.text,
            "node": self.tree,
            "names": self.names,
            "says": self.says,
        }


def plain(number):
    """Return a whole number as an int, as JSON knows but one kind of number."""
    whole = isinstance(number, float) and number.is_integer() and abs(number) < 2**53
    return int(number) if whole else number


def parse(text):
    """Return the tree of a formula.

    Args:
        text: the right side.

    Raises:
        ValueError: if the text is no formula.

    Example:
        >>> from minikeras.tools.explain.formulas import parse
        >>> parse("2 * x[n, i + 1]")
        ['*', 2, ['cell', 'x', ['n', ['+', 'i', 1]]]]
    """
    try:
        return _tree(ast.parse(text, mode="eval").body)
    except SyntaxError as error:
        raise ValueError(f"Not a formula: {text!r} ({error.msg})") from None


def _tree(node):
    kind = type(node)
    if kind is ast.Constant and isinstance(node.value, (int, float)):
        return plain(node.value)
    if kind is ast.Name:
        return node.id
    if kind in _FORMS:
        return _FORMS[kind](node)
    raise ValueError(f"Not part of a formula: {ast.unparse(node)!r}")


def _binary(node):
    return [BINARY[type(node.op)], _tree(node.left), _tree(node.right)]


def _unary(node):
    if isinstance(node.op, ast.USub):
        return ["neg", _tree(node.operand)]
    return ["not", _tree(node.operand)]


def _compare(node):
    parts = [node.left, *node.comparators]
    tests = [
        [BINARY[type(op)], _tree(a), _tree(b)]
        for op, a, b in zip(node.ops, parts, parts[1:], strict=False)
    ]
    return _joined("and", tests)


def _joined(word, trees):
    result = trees[0]
    for tree in trees[1:]:
        result = [word, result, tree]
    return result


def _boolean(node):
    return _joined(BINARY[type(node.op)], [_tree(value) for value in node.values])


def _cell(node):
    indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]  # [()] too
    return ["cell", node.value.id, [_tree(index) for index in indices]]


def _choice(node):
    return ["if", _tree(node.test), _tree(node.body), _tree(node.orelse)]


def _call(node):
    name = node.func.id
    if name in ("sum", "max"):
        return _loop(name, node.args[0])
    if name not in FUNCTIONS:
        raise ValueError(f"Formulas know no function {name!r}; they know {', '.join(FUNCTIONS)}.")
    return ["call", name, *map(_tree, node.args)]


def _loop(name, generator):
    loops, conditions = [], []
    for part in generator.generators:
        bounds = [_tree(bound) for bound in part.iter.args]
        start, stop = bounds if len(bounds) == 2 else (0, bounds[0])
        loops.append([part.target.id, start, stop])
        conditions += map(_tree, part.ifs)
    return [name, _tree(generator.elt), loops, _joined("and", conditions) if conditions else None]


_FORMS = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.Subscript: _cell,
    ast.IfExp: _choice,
    ast.Call: _call,
}


def cells_in(tree):
    """Yield the cells in a tree, in the order in which they stand: `["cell", name, indices]`."""
    if not isinstance(tree, list):
        return
    parts = tree[1:]
    if tree[0] == "cell":
        yield tree
        parts = tree[2]
    elif tree[0] in ("sum", "max"):
        parts = [tree[1], tree[3]]
    for part in parts:
        yield from cells_in(part)
