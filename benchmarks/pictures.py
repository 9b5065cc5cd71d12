"""The pictures of the page: training side by side, and kernels against the machine's limits."""

import matplotlib.pyplot as plt
import rates
import ratios
import spread
import tables
from matplotlib.lines import Line2D

TRAINING = "fit_steps_ms"
MARKS = {
    "minikeras_numpy": ("tab:gray", "o"),
    "tensorflow": ("tab:orange", "o"),
    "jax": ("tab:blue", "o"),
    "torch": ("tab:red", "o"),
    "dezero": ("tab:purple", "D"),
    "neuralnetlib": ("tab:brown", "D"),
    "minikeras on the CPU": ("tab:gray", "o"),
}
# Each family of kernels, known by a word of their names, in a colour of its own.
FAMILIES = {
    "depthwise": "tab:cyan",
    "conv": "tab:blue",
    "pooling": "tab:olive",
    "norm": "tab:green",
    "dense": "tab:red",
    "LSTM": "tab:purple",
    "GRU": "tab:purple",
    "attention": "tab:brown",
    "": "tab:gray",
}


def save(figure, path):
    """Write a picture; the same figures give the same file."""
    plt.rcParams["svg.hashsalt"] = "minikeras"
    figure.savefig(path, **({"metadata": {"Date": None}} if str(path).endswith("svg") else {}))
    plt.close(figure)


def draw_ratios(result, path, title):
    """Draw how many times longer each engine takes for a training step, with the range of rounds.

    Args:
        result: the result of `run.py` or `gpu.py`.
        path: the file to write.
        title: the title of the picture.
    """
    workloads = result["workloads"]
    engines = [e for e in MARKS if any(e in w["engines"] for w in workloads.values())]
    figure, axes = plt.subplots(figsize=(9, 0.55 * len(workloads) + 1.6), layout="constrained")
    for row, workload in enumerate(workloads.values()):
        by_engine = ratios.of(workload["engines"], TRAINING)
        if row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color="0.95", zorder=0)
        for place, engine in enumerate(engines):
            if engine in by_engine:
                _ratio(axes, spread.of(by_engine[engine]), _height(row, place, engines), engine)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(workloads)), workloads)
    axes.set_ylim(len(workloads) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    ours = "minikeras on the GPU" if "minikeras on the CPU" in engines else "minikeras"
    axes.set_xlabel(f"time of a training step, {ours} = 1 (left of it the other is faster)")
    axes.set_title(f"{title}: median and range of the rounds")
    handles = [
        Line2D([], [], color=MARKS[e][0], marker=MARKS[e][1], label=tables.title(e))
        for e in engines
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    save(figure, path)


def _height(row, place, engines):
    return row + 0.7 * (place - (len(engines) - 1) / 2) / len(engines)


def _ratio(axes, by_engine, height, engine):
    colour, mark = MARKS[engine]
    axes.plot([by_engine.least, by_engine.most], [height, height], color=colour, linewidth=1.5)
    axes.plot(by_engine.median, height, mark, color=colour, markersize=5)


def draw_roofline(result, path, title):
    """Draw kernels against the machine's limits: rate over arithmetic intensity.

    Both are logarithmic. The slanted roof is the rate of a large copy, the flat one that of a large
    product of matrices, both from the same run. A kernel above the slanted roof found its data in a
    cache.

    Args:
        result: the result of `kernels.py` or `gpu.py`.
        path: the file to write.
        title: the title of the picture.
    """
    figure, axes = plt.subplots(figsize=(11, 7), layout="constrained")
    _roof(axes, result["limits"])
    drawn = {name: p for name, p in result["kernels"].items() if p["forward"]["flop"]}
    labels = []
    for number, (name, passes) in enumerate(drawn.items(), start=1):
        colour = next(c for word, c in FAMILIES.items() if word in name)
        points = [
            (f["flop"] / f["bytes"], rates.of(f, result["limits"])["gflops"])
            for f in passes.values()
        ]
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=0.8, alpha=0.5)
        for point, mark in zip(points, "os", strict=False):
            axes.plot(*point, mark, color=colour, markersize=11.5, alpha=0.85)
            axes.annotate(str(number), point, color="white", ha="center", va="center", fontsize=7.5)
        labels.append(Line2D([], [], color=colour, marker="o", ls="", label=f"{number}  {name}"))
    axes.set_xlabel("arithmetic intensity in operations for each byte moved")
    axes.set_ylabel("GFLOP/s")
    axes.set_title(f"{title}: circles forward, squares backward")
    axes.grid(alpha=0.3)
    figure.legend(handles=labels, loc="outside right center", fontsize="small", frameon=False)
    save(figure, path)


def _roof(axes, limits):
    """The limits of memory and of arithmetic."""
    peak, bandwidth = limits["sgemm_gflops"], limits["copy_gb_s"]
    begin, ridge, end = 1 / 20, peak / bandwidth, 1000
    axes.loglog([begin, ridge, end], [begin * bandwidth, peak, peak], color="black")
    axes.fill_between([begin, ridge, end], [begin * bandwidth, peak, peak], color="0.97", zorder=0)
    middle = (begin * ridge) ** 0.5
    axes.text(ridge, peak * 1.15, f"matrix product: {peak:.0f} GFLOP/s", ha="right")
    axes.text(middle, middle * bandwidth * 1.6, f"copy: {bandwidth:.0f} GB/s", ha="right")
