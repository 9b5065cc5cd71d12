"""Turn the result files into the tables and pictures of docs/performance.md.

What stands between the two marker comments is written anew; all other text stays as it is.

Usage: python benchmarks/report.py
"""

import json
import os
from itertools import chain

import gpu_tables
import matplotlib.pyplot as plt
import roofline
import tables
from engines import HERE, RESULTS

DOCS = HERE.parent / "docs"
PAGE = DOCS / "performance.md"
PICTURES = DOCS / "performance"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def main():
    """Write the tables and the pictures."""
    text = PAGE.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SystemExit(f"{PAGE} must hold {BEGIN} and {END} once each")
    PICTURES.mkdir(exist_ok=True)
    plt.rcParams["svg.hashsalt"] = "minikeras"  # the same figures give the same file
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    found = list(chain.from_iterable(map(_section, _files())))
    body = "\n\n".join(found) if found else "No results yet: `make bench`."
    PAGE.write_text(f"{before}{BEGIN}\n\n{body}\n\n{after}")
    print(f"written: {PAGE}")


def _files():
    """The result files that belong on the page, in its order."""
    order = ("engines-*", "threads", "kernels-*", "tricks-*", "overhead", "memory", "gpu-*")
    return [path for name in order for path in sorted(RESULTS.glob(f"{name}.json"))]


def _section(path):
    """The paragraphs of one result file."""
    result = json.loads(path.read_text())
    kind = path.stem.split("-")[0]
    picture = PICTURES / f"{path.stem}.svg"
    title, parts = SECTIONS[kind](result)
    drawn = []
    if kind in DRAWINGS and result.get("kernels", True):
        DRAWINGS[kind](result, picture)
        drawn = [f"![{title}]({os.path.relpath(picture, DOCS)})"]
    return [f"### {title}", tables.stamped(result["stamp"], path.name), *drawn, *parts]


def _draw_ratios(result, path):
    """Bars: how many times longer each engine takes for a training step."""
    workloads = {n: w for n, w in result["workloads"].items() if w["ratios"]["fit_step_ms"]}
    titles = tables.titles(result)
    engines = [e for e in titles if e != "minikeras"]
    figure, axes = plt.subplots(figsize=(11, 5), layout="constrained")
    width = 0.8 / max(len(engines), 1)
    for place, engine in enumerate(engines):
        ratios = [w["ratios"]["fit_step_ms"].get(engine) for w in workloads.values()]
        places = [i + place * width for i, r in enumerate(ratios) if r]
        heights = [r - 1 for r in ratios if r]  # bars stand on 1, where both take as long
        axes.bar(places, heights, width, bottom=1, label=titles[engine], align="edge")
    axes.axhline(1, color="black", linewidth=1)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks([i + 0.4 for i in range(len(workloads))], workloads, rotation=30, ha="right")
    axes.set_ylabel("time of a training step, minikeras = 1")
    axes.legend()
    figure.savefig(path)
    plt.close(figure)


SECTIONS = {**tables.SECTIONS, "gpu": gpu_tables.section}
DRAWINGS = {"engines": _draw_ratios, "kernels": roofline.draw, "gpu": gpu_tables.draw}


if __name__ == "__main__":
    main()
