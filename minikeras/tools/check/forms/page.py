"""A report as one HTML page, without scripts, which needs no network."""

from html import escape

from minikeras.tools.check import verdict
from minikeras.tools.check.forms.report import also_compared, cells_of, columns, conclusion, head
from minikeras.tools.check.forms.tree import tree_of

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --dim: #5c6370; --line: #d5d9e0; --mark: #a33b20;
  --page: #fdfdfc; --soft: #f2f3f5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6ea; --dim: #9aa2af; --line: #3a3f47;
  --mark: #f0906e; --page: #17191c; --soft: #22252a; } }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.dim, .source { color: var(--dim); } .verdict { font-size: 1.15rem; }
.differs { color: var(--mark); }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
ol.tree { list-style: none; padding: 0; } ol.tree li { padding: .1rem .4rem; }
ol.tree li.mark { border-left: 3px solid var(--mark); background: var(--soft); }
pre { white-space: pre-wrap; margin: .4rem 0; }
"""


def as_html(report):
    """Return a report as the text of an HTML page.

    Args:
        report: the `checking.Report`.
    """
    name = escape(report.model["name"])
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{name}: {'the same' if report.same else 'differs'}</title>",
        f"<style>{_STYLE}</style></head><body><main>",
        f"<h1>{name}</h1>",
        *[f'<p class="dim">{escape(line)}</p>' for line in head(report)],
        *_conclusion(report),
        *_table(report),
        *_tree(report),
        "</main></body></html>",
    ]
    return "\n".join(lines) + "\n"


def _conclusion(report):
    """The verdict, findings and notes, as the terminal has them."""
    kind = "verdict" if report.same else "verdict differs"
    yield "<h2>Result</h2>"
    for line in conclusion(report):
        text = escape(line.strip())
        if line.startswith("Part first") or line.startswith("The same"):
            yield f'<p class="{kind}">{text}</p>'
        else:
            yield f"<p{_dim(line)}>{text}</p>"


def _dim(line):
    return ' class="dim"' if line.startswith("Note") else ""


def _table(report):
    rows = verdict.rows(report.items)
    if not rows:
        return
    yield '<h2>Figures</h2><div class="wide"><table>'
    yield "<thead><tr>" + _cells("th", columns(report.options.against)) + "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + _cells("td", cells_of(row)) + "</tr>"
    yield "</tbody></table></div>"
    for line in also_compared(report):
        yield f'<p class="dim">{escape(line)}</p>'


def _cells(tag, texts):
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)


def _tree(report):
    lines = tree_of(report)
    if not lines:
        return
    yield '<h2>The model</h2><ol class="tree">'
    for line in lines:
        indent = f' style="margin-left:{1.5 * line.depth:g}rem"' if line.depth else ""
        text = f"<code>{escape(line.name)}</code> {escape(line.layer)}"
        if not line.marks:
            yield f"<li{indent}>{text}</li>"
            continue
        marks = escape(", ".join(line.marks))
        source = f'<span class="source">{escape(line.source)}</span>'
        yield f'<li class="mark"{indent}>{text} <strong class="differs">{marks}</strong> {source}'
        yield f"<pre>{escape(line.meaning)}</pre></li>" if line.meaning else "</li>"
    yield "</ol>"
