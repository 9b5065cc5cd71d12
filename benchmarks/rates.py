"""What a kernel's time says: its rates, and its share of what the machine allows."""

import spread

SHARE_BAR = 0.7
"""The share of its limit that a kernel is asked to reach."""


def of(figures, limits):
    """Return the rates of a pass, and the share of its limit.

    The share is the least time that the limits allow over the median of the times taken.

    Args:
        figures: `ms`, the turns of a pass; `flop` and `bytes`, what it computes and moves.
        limits: `sgemm_gflops` and `copy_gb_s`, what was measured beside it.
    """
    seconds = spread.of(figures["ms"]).median / 1e3
    gflops, gb_s = (figures[what] / seconds / 1e9 for what in ("flop", "bytes"))
    arithmetic, memory = gflops / limits["sgemm_gflops"], gb_s / limits["copy_gb_s"]
    return {
        "gflops": gflops,
        "gb_s": gb_s,
        "share": max(arithmetic, memory),
        "bound_by": "arithmetic" if arithmetic > memory else "memory",
    }


def line(name, which, figures, limits):
    """Return a pass as a line of text."""
    reached = of(figures, limits)
    return (
        f"{name:46s} {which:9s}{spread.of(figures['ms']).median:9.4f} ms "
        f"{reached['gflops']:9.1f} GFLOP/s{reached['gb_s']:8.1f} GB/s "
        f"{reached['share']:6.1%} of {reached['bound_by']}"
    )
