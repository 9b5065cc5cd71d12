"""The layers of a model as a tree, with a mark where the two engines part first."""

from dataclasses import dataclass, field

from minikeras.tools.check import verdict

# So many lines around a mark are shown; what is further away is counted.
AROUND = 2


@dataclass
class Line:
    """One line of the tree.

    Attributes:
        name: of the layer, or of a model around layers.
        depth: how many models are around it.
        layer: name of its class, empty for a model around layers.
        source: where its code is, `"file:line"`.
        meaning: what its docstring says.
        marks: texts, where the two part first.
    """

    name: str
    depth: int
    layer: str = ""
    source: str = ""
    meaning: str = ""
    marks: list[str] = field(default_factory=list)


def tree_of(report):
    """Return the lines of a report's tree, the optimizer last.

    Args:
        report: the `checking.Report`.
    """
    marks = first_places(report)
    lines, around = [], []
    for call in report.calls:
        *outer, name = call["path"].split("/")
        shared = 0
        while shared < min(len(outer), len(around)) and outer[shared] == around[shared]:
            shared += 1
        lines += [Line(part, depth) for depth, part in enumerate(outer) if depth >= shared]
        around = outer
        number = call["key"].rpartition("#")[2]
        name = f"{name} (call {int(number) + 1})" if number != "0" else name
        line = Line(name, len(outer), call["class"], call["source"], call["meaning"])
        line.marks = marks.pop(call["key"], [])
        lines.append(line)
    if report.model.get("optimizer") and report.calls:
        line = Line("optimizer", 0, report.model["optimizer"], report.model["optimizer source"])
        line.marks = marks.pop("optimizer", [])
        lines.append(line)
    return lines


def first_places(report):
    """Return where the engines part first, going forward, going backward, and in the optimizer.

    Args:
        report: the `checking.Report`.

    Returns:
        A dict of the key of a call, or `"optimizer"`, to a list of texts.
    """
    order = {call["key"]: i for i, call in enumerate(report.calls)}
    findings = [f for f in report.findings if f.kind != verdict.KINK]
    own = [f for f in findings if f.item.key in order]
    forward = [f for f in own if f.item.phase in ("forward", "training")]
    backward = [f for f in own if f.item.phase == "gradients"]
    marks: dict[str, list[str]] = {}
    if forward:
        first = min(forward, key=lambda f: order[f.item.key])
        marks.setdefault(first.item.key, []).append(f"parts first ({first.item.phase})")
    if backward:
        first = max(backward, key=lambda f: order[f.item.key])
        marks.setdefault(first.item.key, []).append("parts first going backward")
    updates = [f for f in findings if f.item.phase == "update"]
    if updates:
        item = updates[0].item
        marks["optimizer"] = [f"parts first in the {item.what} {item.key}"]
    return marks


def as_lines(report):
    """Return the tree for a terminal; nothing where no layer parts first."""
    lines = tree_of(report)
    marked = [i for i, line in enumerate(lines) if line.marks]
    if not marked:
        return []
    shown = {i for i in range(len(lines)) for mark in marked if abs(i - mark) <= AROUND}
    width = max(2 * lines[i].depth + len(lines[i].name) for i in shown)
    result, left_out = ["", report.model["name"]], 0
    for i, line in enumerate(lines):
        if i not in shown:
            left_out += 1
            continue
        result += [f"    ... {left_out} more"] if left_out else []
        left_out = 0
        sign = ">" if line.marks else " "
        name = f"{'  ' * line.depth}{line.name}".ljust(width)
        text = f"{sign} {name}  {line.layer}"
        if line.marks:
            text += f"   {', '.join(line.marks)}   {line.source}"
        result.append(text.rstrip())
    return [*result, *([f"    ... {left_out} more"] if left_out else []), ""]
