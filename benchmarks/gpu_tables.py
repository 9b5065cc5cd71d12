"""The results of a GPU as tables in Markdown, and as a picture of its roofline."""

import roofline
from engines import ENGINES
from tables import table

HERE = "minikeras"
PRODUCTS = {
    "float32": "All engines multiply in float32, without TF32.",
    "tf32": "All engines multiply float32 matrices in TF32.",
}
TITLES = {"float32": "", "tf32": ", products in TF32"}


def section(result):
    """Return the title of a result of `gpu.py`, and its paragraphs."""
    limits = result["limits"]
    measured = (
        f"On {result['device']}. Limits measured in the same run: sgemm "
        f"{limits['sgemm_gflops']:.0f} GFLOP/s, with TF32 {limits['tf32_gflops']:.0f}, dgemm "
        f"{limits['dgemm_gflops']:.0f}, copy {limits['copy_gb_s']:.0f} GB/s. "
        f"{PRODUCTS[result['precision']]}"
    )
    missing = [f"{ENGINES[engine][0]}: {why}." for engine, why in result["missing"].items()]
    parts = [measured, *missing]
    if result["kernels"]:
        parts.append(_kernels(result))
    for title, key in (("A training step", "fit_step_ms"), ("Prediction", "predict_step_ms")):
        if result["workloads"]:
            parts.append(f"{title}, in ms:\n\n{_workloads(result, key)}")
    return f"On a GPU: {_name(result)}{TITLES[result['precision']]}", parts


def draw(result, path):
    """Draw the roofline of a result of `gpu.py` into a file."""
    roofline.draw(result, path, where=f"on {_name(result)}")


def _name(result):
    return result["device"].split(" (")[0]


def _kernels(result):
    head = ["kernel", "pass", "ms", "GFLOP/s", "GB/s", "share of its limit", "bound by", "CPU, ms"]
    rows = [
        [
            name if which == "forward" else "",
            which,
            f"{f['ms']:.4f}",
            f"{f['gflops']:.0f}",
            f"{f['gb_s']:.0f}",
            f"{f['share']:.0%}",
            f["bound_by"],
            f"{f['cpu_ms']:.3f} ({f['cpu_ms'] / f['ms']:.1f}x)",
        ]
        for name, passes in result["kernels"].items()
        for which, f in passes.items()
    ]
    return table(head, rows)


def _workloads(result, key):
    """Each engine's figure, and how many times that of minikeras on the GPU it is."""
    names = list(dict.fromkeys(e for w in result["workloads"].values() for e in w["engines"]))
    titles = [ENGINES[n][0] if n in ENGINES and n != HERE else n for n in names]
    titles = [f"{title} on the GPU" if title == HERE else title for title in titles]
    rows = []
    for name, found in result["workloads"].items():
        ratios = found["ratios"][key]
        cells = [_cell(found["engines"].get(n), key, ratios.get(n)) for n in names]
        rows.append([f"`{name}`", *cells])
    return table(["workload", *titles], rows)


def _cell(row, key, ratio):
    if row is None or "error" in row:
        return "failed" if row else ""
    return f"{row[key]:.2f}" + (f" ({ratio:.2f}x)" if ratio else "")
