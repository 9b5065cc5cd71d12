"""Draw the kernels against the machine's limits: rate over arithmetic intensity, both logarithmic.

The slanted roof is the rate of a large copy, the flat one that of a large product of matrices, both
from the same run. A kernel above the slanted roof found its data in a cache.
"""

import matplotlib.pyplot as plt

MARKS = {"forward": "o", "backward": "s"}


def draw(result, path, where=None):
    """Draw a result of `kernels.py` into a file; `where` the kernels ran, if not on some cores."""
    limits = result["limits"]
    peak, bandwidth = limits["sgemm_gflops"], limits["copy_gb_s"]
    figure, axes = plt.subplots(figsize=(11, 7), layout="constrained")
    ridge = peak / bandwidth
    reach = [1 / 64, ridge, 4096]
    axes.loglog(reach, [reach[0] * bandwidth, peak, peak], color="black")
    axes.text(reach[-1], peak * 1.05, f"sgemm {peak:.0f} GFLOP/s", ha="right")
    axes.text(ridge / 20, peak / 12, f"copy {bandwidth:.0f} GB/s", ha="right")
    colours = plt.get_cmap("tab20").colors
    drawn = {name: p for name, p in result["kernels"].items() if p["forward"]["flop"]}
    for place, (name, passes) in enumerate(drawn.items()):
        for which, figures in passes.items():
            axes.plot(
                figures["flop"] / figures["bytes"],
                figures["gflops"],
                MARKS[which],
                color=colours[place % len(colours)],
                markeredgecolor="black" if place >= len(colours) else "none",
                label=name if which == "forward" else None,
            )
    axes.set_xlabel("arithmetic intensity in operations for each byte moved")
    axes.set_ylabel("GFLOP/s")
    cores = result["stamp"]["cores"]
    where = where or f"on {cores} core{'s' * (cores > 1)}"
    axes.set_title(f"Kernels {where}: circles forward, squares backward")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right center", fontsize="small")
    figure.savefig(path)
    plt.close(figure)
