"""Write the generated parts of docs/performance.md, and its pictures, from the result files.

What stands between the two marker comments of a block is written by this program; all other text
stays as it is, and holds no measured figure.

Usage: python benchmarks/report.py [--check]
"""

import argparse
import json
from pathlib import Path

import conclusion
import gpu_tables
import tables
from engines import HERE, RESULTS

DOCS = HERE.parent / "docs"
PAGE = DOCS / "performance.md"
PICTURES = DOCS / "performance"
ORDER = (
    "engines-*",
    "recheck-*",
    "threads",
    "kernels-*",
    "tricks-*",
    "overhead",
    "memory",
    "gpu-*",
)
SECTIONS = {**tables.SECTIONS, "gpu": gpu_tables.section}


def main(arguments=None):
    """Write the page and the pictures, or check that the page is what the results give."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if it would change")
    parser.add_argument("--page", type=Path, default=PAGE, help="another file than the page")
    options = parser.parse_args(arguments)
    old = options.page.read_text()
    results = {path.stem: json.loads(path.read_text()) for path in files()}
    new = page(old, results)
    if options.check:
        return int(new != old)
    options.page.write_text(new)
    PICTURES.mkdir(exist_ok=True)
    for name, result in results.items():
        for stem, about, function in drawings(name, result):
            _draw(function, result, about, PICTURES / f"{stem}.svg")
    print(f"written: {options.page}")
    return 0


def files():
    """Return the result files that belong on the page, in its order."""
    return [path for name in ORDER for path in sorted(RESULTS.glob(f"{name}.json"))]


def page(text, results):
    """Return the text of the page with its generated blocks written from results."""
    sections = [part for name, result in results.items() for part in section(name, result)]
    blocks = {
        "conclusion": _listed(conclusion.sentences(results)),
        "bars": tables.bars(),
        "results": "\n\n".join(sections) or "No results yet: `make bench`.",
    }
    for name, block in blocks.items():
        begin, end = (f"<!-- {name}: {which} -->" for which in ("begin", "end"))
        if text.count(begin) != 1 or text.count(end) != 1:
            raise SystemExit(f"the page must hold {begin} and {end} once each")
        before, after = text[: text.index(begin)], text[text.index(end) :]
        text = f"{before}{begin}\n\n{block}\n\n{after}"
    return text


def _listed(sentences):
    """Sentences as a numbered list."""
    lines = [tables.filled(f"{i}. {text}") for i, text in enumerate(sentences, start=1)]
    return "\n".join(line.replace("\n", "\n   ") for line in lines)


def section(name, result):
    """Return the paragraphs of one result file."""
    title, parts = SECTIONS[name.split("-")[0]](result)
    shown = [f"![{about}](performance/{stem}.svg)" for stem, about, _ in drawings(name, result)]
    return [f"### {title}", tables.stamped(result["stamp"], f"{name}.json"), *shown, *parts]


def drawings(name, result):
    """Return the pictures of a result file: the stem of each, its title, and what draws it."""
    kind = name.split("-")[0]
    where = gpu_tables.name(result) if kind == "gpu" else tables.counted(result["stamp"]["cores"])
    paths = []
    if kind in ("engines", "gpu") and result["workloads"]:
        stem = f"{name}-training" if kind == "gpu" else name
        paths.append((stem, f"Training on {where}", "draw_ratios"))
    if kind in ("kernels", "gpu") and result["kernels"]:
        paths.append((name, f"Kernels on {where}", "draw_roofline"))
    return paths


def _draw(function, result, about, path):
    import pictures  # takes matplotlib along, which the page itself does not need

    getattr(pictures, function)(result, path, about)


if __name__ == "__main__":
    raise SystemExit(main())
