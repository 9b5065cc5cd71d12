"""The results of a GPU as tables in Markdown."""

import ratios
import tables

PRODUCTS = {
    "float32": "All engines multiply in float32, without TF32.",
    "tf32": "All engines multiply float32 matrices in TF32.",
}
TITLES = {"float32": "", "tf32": ", products in TF32"}
SINGLE = (
    "These results keep one figure for each kernel, the median on the GPU and the shortest on the "
    "CPU; a new run keeps all turns."
)


def section(result):
    """Return the title of a result of `gpu.py`, and its paragraphs."""
    missing = [f"{tables.title(engine)}: {why}." for engine, why in result["missing"].items()]
    parts = [tables.filled(_measured(result)), *missing]
    if result["kernels"]:
        parts.append(tables.kernels(result, decimals=4, beside=("CPU, ms", "cpu_ms")))
    if result["workloads"]:
        engines = dict.fromkeys(e for w in result["workloads"].values() for e in w["engines"])
        titles = ["minikeras on the GPU", *map(tables.title, list(engines)[1:])]
        for metric in ratios.METRICS:
            parts += tables.steps(result["workloads"], metric, list(engines), titles)
    return f"On a GPU: {name(result)}{TITLES[result['precision']]}", parts


def _measured(result):
    """On what, and in which precision."""
    limits = result["limits"]
    told = [
        f"On {result['device']}. Limits measured in the same run: sgemm "
        f"{limits['sgemm_gflops']:.0f} GFLOP/s, with TF32 {limits['tf32_gflops']:.0f}, dgemm "
        f"{limits['dgemm_gflops']:.0f}, copy {limits['copy_gb_s']:.0f} GB/s. "
        f"{PRODUCTS[result['precision']]}"
    ]
    if result["kernels"]:
        told.append(tables.reached(result))
        times = [f["ms"] for passes in result["kernels"].values() for f in passes.values()]
        told += [] if isinstance(times[0], list) else [SINGLE]
    return " ".join(told)


def name(result):
    """Return the name of the GPU."""
    return result["device"].split(" (")[0]
