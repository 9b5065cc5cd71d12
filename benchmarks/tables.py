"""The result files as tables in Markdown."""

from engines import ENGINES
from overhead import CALLS
from ratios import below

# What is told of each workload: its title, the key, a unit, and the format of a figure.
METRICS = (
    ("A training step (`fit`)", "fit_step_ms", "ms", "{:.2f}"),
    ("A step of prediction (`predict`)", "predict_step_ms", "ms", "{:.2f}"),
    ("From the imported library to the end of the first step", "first_step_s", "s", "{:.2f}"),
    ("Peak memory of the process", "peak_mb", "MB", "{:.0f}"),
)


def table(head, rows):
    """Return a table in Markdown; numbers are set to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))


def stamped(stamp, name):
    """Return the line that says where a result comes from."""
    blas, load = stamp["blas"], ", ".join(f"{x:.2f}" for x in stamp["load_average"])
    versions = {p: v for found in stamp["versions"].values() for p, v in found.items()}
    installed = ", ".join(f"{package} {version}" for package, version in versions.items())
    return (
        f"`{name}`: {stamp['date']}, {stamp['cpu']}, {stamp['cores']} of "
        f"{stamp['machine_cores']} cores, {stamp['memory_gb']} GB, {stamp['system']}, Python "
        f"{stamp['python']}, minikeras {stamp['minikeras']}, {blas['library']} {blas['version']} "
        f"with {blas['threads']} threads, {installed}. Load average before: {load}."
    )


def titles(result):
    """Return the titles of the engines that a result tells of."""
    return {e: title for e, (title, _) in ENGINES.items() if e in result["stamp"]["versions"]}


def _engines(result):
    parts = []
    if result["missing"]:
        names = ", ".join(ENGINES[engine][0] for engine in result["missing"])
        parts.append(f"Not installed in this run: {names}.")
    parts.append(_summary(result))
    for title, key, unit, form in METRICS:
        parts.append(f"{title}, in {unit}:\n\n{_by_workload(result, key, form)}")
    parts.append(_imports(result))
    failed = [
        f"- `{name}` on {ENGINES[engine][0]}: {row['error']}"
        for name, found in result["workloads"].items()
        for engine, row in found["engines"].items()
        if "error" in row
    ]
    if failed:
        parts.append("Failed:\n\n" + "\n".join(failed))
    return f"Engines side by side, {_counted(result['stamp']['cores'])}", parts


def _counted(cores):
    return f"{cores} core{'s' * (cores > 1)}"


def _by_workload(result, key, form):
    """Each engine's figure, and how many times that of minikeras it is."""
    names = titles(result)
    head = ["workload", *names.values(), "least ratio"]
    rows = []
    for name, w in result["workloads"].items():
        ratios = w["ratios"][key]
        cells = [_cell(w["engines"].get(e), key, form, ratios.get(e)) for e in names]
        fastest = f"{ratios['fastest']:.2f}" if ratios else ""
        rows.append([f"`{name}`", *cells, fastest])
    return table(head, rows)


def _cell(row, key, form, ratio):
    if row is None:
        return ""
    if "error" in row:
        return "failed"
    return form.format(row[key]) + (f" ({ratio:.2f}x)" if ratio else "")


def _summary(result):
    """Means and least ratios, each with the bar that it misses."""
    head = ["against", "step of", "geometric mean", "least", "at", "workloads"]
    rows = []
    for key, kind in (("fit_step_ms", "training"), ("predict_step_ms", "prediction")):
        for engine, over in result["summary"][key].items():
            name = "the fastest back end" if engine == "fastest" else ENGINES[engine][0]
            mean, least = (_judged(key, engine, k, over[k]) for k in ("mean", "least"))
            rows.append([name, kind, mean, least, f"`{over['at']}`", over["workloads"]])
    return "Time of the other over time of minikeras:\n\n" + table(head, rows)


def _judged(key, engine, kind, value):
    bar = below(key, engine, kind, value)
    return f"{value:.2f}" + (f" (below the bar of {bar})" if bar else "")


def _imports(result):
    rows = [[titles(result)[e], f"{s:.2f}"] for e, s in result["imports"].items()]
    return "Import, in s:\n\n" + table(["engine", "time"], rows)


def _threads(result):
    rows = [
        [f"`{name}`", f"{w['one_core_ms']:.2f}", f"{w['two_cores_ms']:.2f}", f"{w['ratio']:.2f}x"]
        for name, w in result["workloads"].items()
    ]
    told = (
        "A training step in ms, the best epoch; the ratio is the median of those of all rounds, in "
        "each of which both take their turns."
    )
    head = ["workload", "one core", "two cores", "ratio"]
    return "What a second core is worth", [told, table(head, rows)]


def _kernels(result):
    cores = result["stamp"]["cores"]
    limits = result["limits"]
    head = ["kernel", "pass", "ms", "GFLOP/s", "GB/s", "share of its limit", "bound by"]
    rows = [
        [
            name if which == "forward" else "",
            which,
            f"{f['ms']:.3f}",
            f"{f['gflops']:.1f}",
            f"{f['gb_s']:.1f}",
            f"{f['share']:.0%}",
            f["bound_by"],
        ]
        for name, passes in result["kernels"].items()
        for which, f in passes.items()
    ]
    measured = (
        f"Limits measured in the same run: sgemm {limits['sgemm_gflops']:.1f} GFLOP/s, copy "
        f"{limits['copy_gb_s']:.1f} GB/s."
    )
    return f"Kernels alone, {_counted(cores)}", [measured, table(head, rows)]


def _overhead(result):
    names = titles(result)
    found = result["microseconds"]
    rows = [
        [title, *(f"{us:.1f}" if (us := found[e].get(call)) else "" for e in names)]
        for call, title in CALLS.items()
    ]
    return "The cost of a call in microseconds, 1 core", [table(["call", *names.values()], rows)]


def _memory(result):
    found = {int(steps): mb for steps, mb in result["resident_mb"].items()}
    shown = [s for s in found if s in (500, 1000, 2000, 3000, 4000, 5000)]
    rows = [[steps, f"{found[steps]:.1f}"] for steps in shown]
    bound = (
        f"Resident memory while `{result['workload']}` trains; from 500 steps on it may grow by "
        f"{result['bound_mb']} MB."
    )
    return "Memory of a long run", [bound, table(["steps", "MB"], rows)]


def _tricks(result):
    """Each way's time over that with all tricks."""
    ways = list(next(iter(result["workloads"].values())))
    head = ["workload", f"{ways[0]}, ms a step", *ways[1:]]
    rows = [
        [f"`{name}`", f"{row[ways[0]]:.2f}", *[f"{row[w] / row[ways[0]]:.2f}x" for w in ways[1:]]]
        for name, row in result["workloads"].items()
    ]
    return f"What the tricks are worth, {_counted(result['stamp']['cores'])}", [table(head, rows)]


SECTIONS = {
    "engines": _engines,
    "threads": _threads,
    "kernels": _kernels,
    "tricks": _tricks,
    "overhead": _overhead,
    "memory": _memory,
}
