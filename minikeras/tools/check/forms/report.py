"""A report as text for people, as Markdown, and as data."""

import dataclasses

from minikeras.tools.check import verdict
from minikeras.tools.check.forms.tree import as_lines, first_places

_TITLES = {
    "forward": "forward",
    "training": "training",
    "gradients": "gradients",
    "update": "step",
}


def as_text(report):
    """Return a report as lines for a terminal.

    Args:
        report: the `checking.Report`.
    """
    lines = list(head(report))
    rows = verdict.rows(report.items)
    if rows:
        table = [columns(report.options.against), *map(cells_of, rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines += ["", *[_aligned(cells, widths) for cells in table], "", *also_compared(report), ""]
    return "\n".join(lines + conclusion(report) + as_lines(report)) + "\n"


def _aligned(cells, widths):
    """Names to the left, numbers to the right."""
    last = len(cells) - 1
    texts = [
        cell.ljust(width) if i in (0, last) else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(texts).rstrip()


def head(report):
    """Return the lines that say what was compared."""
    model, options = report.model, report.options
    mine, other = [
        ", ".join(f"{name} {version}" for name, version in versions.items() if name != "python")
        for versions in report.versions
    ]
    count = sum(_size(shape) for shape in model["shapes"])
    yield f"{model['name']}: {model['layers']} layers, {count:,} weights"
    yield f"{mine} against {other}"
    if report.batches:
        yield (
            f"float32, seed {options.seed}, {report.batches} batches of {options.batch_size}; "
            f"in float64 the two agree to {verdict.agreement(report.items):.0e}"
        )
        if report.traced:
            yield f"Tracing changes the outputs ({report.traced:.2g} ulp)."
        else:
            yield "Tracing changes nothing (0 ulp)."


def _size(shape):
    count = 1
    for size in shape:
        count *= size
    return count


def columns(against):
    """Return the heads of the table's columns."""
    nearer = f"nearer: minikeras/equal/{against}"
    return ["", "arrays", "within bound", nearer, "worst (ulp of the largest)", "at"]


def cells_of(row):
    """Return the texts of a row of the table."""
    worst = " | ".join(f"{error:,.2g}" for error in row.worst)
    nearer = " / ".join(map(str, row.nearer))
    return [_TITLES[row.phase], str(row.count), str(row.within), nearer, worst, row.at]


def also_compared(report):
    """Return the line that says what was compared beside the rows of the table."""
    phases = {}
    for item in report.items:
        phases.setdefault(item.phase, []).append(item)
    parts = [text.format(len(phases[phase])) for phase, text in _ALSO.items() if phase in phases]
    metrics = [item.key for item in phases.get("logs", [])]
    parts += ["logs of training: " + ", ".join(metrics)] if metrics else []
    return ["Also compared: " + "; ".join(parts) + "."] if parts else []


_ALSO = {
    "loss": "the loss with its penalties",
    "gradients, whole": "{} gradients of the whole model",
    "first step": "{} weights and slots after a step of training",
    "saving": "{} readings of saved models",
}


def conclusion(report):
    """Return the lines that say what was found, and what was left out."""
    lines = []
    if report.same:
        lines.append("The same to rounding.")
    lines += _longest_sum(report)
    findings = sorted(report.findings, key=lambda finding: finding.kind == verdict.KINK)
    places = {}  # the first finding of each layer, or weight: its others follow from it
    for finding in findings:
        places.setdefault(finding.item.key, finding)
    for i, finding in enumerate(list(places.values())[:_MOST]):
        item = finding.item
        start = "Part first: " if i == 0 else "      then: "
        if finding.kind == verdict.KINK:
            start = " At a kink: "
        layer = f" ({item.layer})" if item.layer else ""
        lines.append(f"{start}{item.key}{layer}, {item.phase}, {item.what}.")
        lines.append(f"  class: {finding.kind}. {finding.text}.")
        if finding.known is not None:
            lines.append(f"  known: {finding.known.link}: {finding.known.sentence}.")
    if len(places) > _MOST:
        lines.append(f"  and {len(places) - _MOST} more.")
    return lines + [f"Note: {note}." for note in report.notes]


def _longest_sum(report):
    """Say whether rounding explains the layer that adds most; nothing if its sums are short."""
    item = verdict.longest_sum(report.items)
    if item is None or item.terms < _LONG:
        return []
    is_within = max(item.ours.largest, item.theirs.largest) <= item.allowed
    sides = "minikeras is nearer", "both are as near", f"{report.options.against} is nearer"
    return [
        f"Rounding of the longest sums: {item.key} {item.what}, {item.terms:,} terms a number, "
        f"{'within' if is_within else 'beyond'} the bound; {sides[verdict.nearer(*item.squares)]}."
    ]


_LONG = 1000
# So many findings are printed: those after the first often follow from it.
_MOST = 5


def as_markdown(report):
    """Return a report as Markdown, for an issue."""
    lines = [*head(report), ""]
    rows = verdict.rows(report.items)
    if rows:
        lines += [
            _line(columns(report.options.against)),
            _line(["---"] * 6),
            *[_line(cells_of(row)) for row in rows],
            "",
            *also_compared(report),
            "",
        ]
    return "\n".join(lines + conclusion(report)) + "\n"


def _line(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_data(report):
    """Return a report as plain values, for JSON."""
    return {
        "same": report.same,
        "model": report.model,
        "versions": report.versions,
        "options": dataclasses.asdict(report.options),
        "batches": report.batches,
        "first places": first_places(report),
        "seconds": report.seconds,
        "agreement in float64": verdict.agreement(report.items),
        "findings": [
            {
                "class": f.kind,
                "text": f.text,
                "known": f.known.link if f.known is not None else None,
                **dataclasses.asdict(f.item),
            }
            for f in report.findings
        ],
        "items": [dataclasses.asdict(item) for item in report.items],
        "notes": report.notes,
        "conclusion": conclusion(report),
    }
