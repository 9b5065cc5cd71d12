"""`python -m minikeras.tools.differences`: write the tables of docs/numerics.md.

Run it in the root of the repository, after a change of the tables beside this file.
"""

import re
from pathlib import Path

from minikeras.tools.differences import PAGE, TABLES, table

_PART = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end of table -->)", re.S)


def written(page):
    """Return the text of the page with the tables as they are now.

    Args:
        page: text that has a comment before and after each table.

    Raises:
        ValueError: if the page lacks one of the tables.
    """
    places = [name for _, name, _ in _PART.findall(page)]
    if sorted(places) != sorted(TABLES):
        raise ValueError(f"{PAGE} should have the tables {TABLES}. It has: {places}")
    return _PART.sub(lambda part: part[1] + _markdown(table(part[2])) + part[3], page)


def _markdown(one):
    lines = [f"### {one.title}", ""]
    if one.intro:
        lines += [*one.intro.splitlines(), ""]
    lines += [_line(one.columns), "|" + "---|" * len(one.columns)]
    for row in one.rows:
        anchor = f'<a id="{row.name}"></a>' if row.match is not None else ""
        lines.append(_line([anchor + row.place, row.here, row.there, row.why]))
    return "\n".join([*lines, ""])


def _line(cells):
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return "| " + " | ".join(escaped).rstrip() + " |"


if __name__ == "__main__":
    path = Path(PAGE)
    path.write_text(written(path.read_text()))
