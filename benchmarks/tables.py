"""The result files as tables in Markdown."""

import textwrap

import rates
import ratios
import spread
from engines import ENGINES
from overhead import CALLS

WIDTH = 116
"""Of a line of text on the page."""
KINDS = {"fit_steps_ms": "A training step (`fit`)", "predict_steps_ms": "Prediction (`predict`)"}
# The engines that stand in one table; of the second only what those engines ran.
TABLES = {
    "": ("minikeras", "minikeras_numpy", "tensorflow", "jax", "torch"),
    " beside NumPy engines": ("minikeras", "dezero", "neuralnetlib"),
}
SINGLE = "These results keep one figure of each, the shortest; a new run keeps all turns."


def table(head, rows):
    """Return a table in Markdown; numbers are set to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))


def filled(text):
    """Return a paragraph in lines that are not too long."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def stamped(stamp, name):
    """Return the paragraph that says where a result comes from."""
    blas, load = stamp["blas"], ", ".join(f"{x:.2f}" for x in stamp["load_average"])
    versions = {p: v for of_engine in stamp["versions"].values() for p, v in of_engine.items()}
    installed = ", ".join(f"{package} {version}" for package, version in versions.items())
    return filled(
        f"`{name}`: {stamp['date']}, {stamp['cpu']}, {stamp['cores']} of "
        f"{stamp['machine_cores']} cores, {stamp['memory_gb']} GB, {stamp['system']}, Python "
        f"{stamp['python']}, minikeras {stamp['minikeras']}, {blas['library']} {blas['version']} "
        f"with {blas['threads']} threads, {installed}. Load average before: {load}."
    )


def counted(cores):
    """Return a number of cores in words."""
    return f"{cores} core{'s' * (cores > 1)}"


def title(engine):
    """Return the title of an engine, as it stands in the head of a table."""
    return ENGINES[engine][0] if engine in ENGINES else engine


def steps(workloads, metric, engines, titles, group=""):
    """Return two tables: the times of the engines in ms, and their ratios round by round.

    Args:
        workloads: the workloads of a result; those which one engine alone ran are left out.
        metric: a name of `ratios.METRICS`.
        engines: the engines that the tables tell of, minikeras first.
        titles: their titles.
        group: what to add to the title of the tables.
    """
    times, over = [], []
    for name, workload in workloads.items():
        rows = {e: workload["engines"][e] for e in engines if e in workload["engines"]}
        by_engine = ratios.of(rows, metric)
        if len(rows) < 2:
            continue
        times.append([f"`{name}`", *(_time(rows.get(e), metric) for e in engines)])
        over.append([f"`{name}`", *(_ratio(by_engine.get(e)) for e in engines[1:])])
    return [
        f"{KINDS[metric]}{group}, in ms:\n\n{table(['workload', *titles], times)}",
        f"The time of each over that of {titles[0]}:\n\n{table(['workload', *titles[1:]], over)}",
    ]


def _time(row, metric):
    if row is None:
        return ""
    return "failed" if "error" in row else spread.text(ratios.turns(row, metric))


def _ratio(by_round):
    return "" if by_round is None else spread.text(by_round, unit="x")


def summary(workloads):
    """Return a table of mean and least ratios, each with the bar that it misses."""
    head = ["against", "step of", "geometric mean", "least", "at", "workloads"]
    rows = []
    for metric, kind in ratios.METRICS.items():
        for engine, over in ratios.summary(workloads, metric).items():
            name = "the fastest back end" if engine == "fastest" else title(engine)
            mean, least = (_judged(engine, k, over[k]) for k in ("mean", "least"))
            rows.append([name, kind, mean, least, f"`{over['at']}`", over["workloads"]])
    return table(head, rows)


def _judged(engine, kind, value):
    bar = ratios.below(engine, kind, value)
    return f"{value:.2f}" + (f" (below the bar of {bar})" if bar else "")


def bars():
    """Return what is asked of the ratios as a table."""
    names = {"fastest": "the fastest of Keras's back ends"}
    head = ["against", "geometric mean", "least"]
    return table(
        head,
        [
            [names.get(engine) or title(engine), asked.get("mean", ""), asked["least"]]
            for engine, asked in ratios.BARS.items()
        ],
    )


def _engines(result):
    present = result["stamp"]["versions"]
    parts = []
    if result["missing"]:
        parts.append(f"Not installed in this run: {', '.join(map(title, result['missing']))}.")
    parts.append(f"Time of the other over time of minikeras:\n\n{summary(result['workloads'])}")
    parts += _steps(result)
    parts.append(_first_steps(result, present))
    parts.append(
        "Peak memory of the process, in MB:\n\n"
        + _figures(result["workloads"], present, lambda row: f"{row['peak_mb']:.0f}")
    )
    parts.append(_imports(result))
    failed = [
        f"- `{name}` on {title(engine)}: {row['error']}"
        for name, workload in result["workloads"].items()
        for engine, row in workload["engines"].items()
        if "error" in row
    ]
    if failed:
        parts.append("Failed:\n\n" + "\n".join(failed))
    return f"Engines side by side, {counted(result['stamp']['cores'])}", parts


def _recheck(result):
    """Some workloads measured once more."""
    name = f"Some of them measured once more, {counted(result['stamp']['cores'])}"
    return name, _steps(result)


def _steps(result):
    """The steps of training and prediction in every group of engines."""
    present = result["stamp"]["versions"]
    groups = {name: [e for e in group if e in present] for name, group in TABLES.items()}
    return [
        part
        for metric in ratios.METRICS
        for name, group in groups.items()
        if len(group) > 1
        for part in steps(result["workloads"], metric, group, list(map(title, group)), name)
    ]


def _first_steps(result, engines):
    """Import and compilation apart, how long a first step takes; and against a later one."""
    rows = [w["engines"]["minikeras"] for w in result["workloads"].values()]
    later = [
        1e3 * row["first_step_s"] / spread.of(ratios.turns(row, "fit_steps_ms")).median
        for row in rows
        if "error" not in row
    ]
    kept = sum(times <= ratios.FIRST_STEP_BAR for times in later)
    return (
        "From the imported library to the end of the first step, in s:\n\n"
        + _figures(result["workloads"], engines, lambda row: f"{row['first_step_s']:.2f}")
        + "\n\n"
        + filled(
            f"The first step of minikeras takes {spread.figure(min(later))} to "
            f"{spread.figure(max(later))} times as long as a later one; at most "
            f"{ratios.FIRST_STEP_BAR:g} times, as is asked, in {kept} of {len(later)} networks."
        )
    )


def _figures(workloads, engines, shown):
    """A table of what is measured once for each engine and workload."""
    rows = []
    for name, workload in workloads.items():
        cells = (workload["engines"].get(engine) for engine in engines)
        rows.append([f"`{name}`", *(_figure(row, shown) for row in cells)])
    short = {"minikeras_numpy": "not compiled"}
    titles = (short.get(engine) or title(engine).removeprefix("Keras ") for engine in engines)
    return table(["workload", *titles], rows)


def _figure(row, shown):
    if row is None:
        return ""
    return "failed" if "error" in row else shown(row)


def _imports(result):
    rows = [[title(e), spread.text(seconds)] for e, seconds in result["imports"].items()]
    return f"Import, in s{_kept(result['imports'])}:\n\n{table(['engine', 'time'], rows)}"


def _kept(times):
    """What older results keep of several turns."""
    return "" if any(isinstance(t, list) for t in times.values()) else ", the shortest of three"


def _singles(figures):
    """The paragraph that says which figure stands alone, if any does."""
    return [] if any(isinstance(figure, list) for figure in figures) else [SINGLE]


def _threads(result):
    rows = [
        [
            f"`{name}`",
            spread.text(w["one_core_ms"]),
            spread.text(w["two_cores_ms"]),
            _ratio(w.get("ratio") or spread.ratios(w["one_core_ms"], w["two_cores_ms"])),
        ]
        for name, w in result["workloads"].items()
    ]
    singles = _singles(w["one_core_ms"] for w in result["workloads"].values())
    told = "A training step in ms; one core and two take turns, and the ratio is that of each round"
    told += ", its median." if singles else "."
    head = ["workload", "one core", "two cores", "one over two"]
    return "What a second core is worth", [filled(" ".join([told, *singles])), table(head, rows)]


def _kernels(result):
    cores, limits = result["stamp"]["cores"], result["limits"]
    told = f"Limits measured in the same run: sgemm {limits['sgemm_gflops']:.1f} GFLOP/s, copy "
    told += f"{limits['copy_gb_s']:.1f} GB/s. {reached(result)}"
    singles = _singles(f["ms"] for passes in result["kernels"].values() for f in passes.values())
    told = filled(" ".join([told, *singles]))
    return f"Kernels alone, {counted(cores)}", [told, kernels(result)]


def reached(result):
    """Return how many passes come near their limit."""
    near, every = near_their_limit(result)
    return f"{near} of {every} passes reach {rates.SHARE_BAR:.0%} of their limit."


def near_their_limit(result):
    """Return how many passes of kernels reach the bar, and how many there are."""
    shares = [
        rates.of(figures, result["limits"])["share"]
        for passes in result["kernels"].values()
        for figures in passes.values()
    ]
    return sum(share >= rates.SHARE_BAR for share in shares), len(shares)


def kernels(result, decimals=3, beside=None):
    """Return the kernels of a result as a table.

    Args:
        result: the result of `kernels.py` or `gpu.py`.
        decimals: the most digits of a time after the point.
        beside: the head and the key of another column of times, if there is one.
    """
    head = ["kernel", "pass", "ms", "GFLOP/s", "GB/s", "share of its limit", "bound by"]
    rows = []
    for name, passes in result["kernels"].items():
        for which, figures in passes.items():
            reached = rates.of(figures, result["limits"])
            gflops, gb_s = (spread.figure(reached[rate], 1) for rate in ("gflops", "gb_s"))
            time, share = spread.text(figures["ms"], decimals), f"{reached['share']:.0%}"
            kernel = name if which == "forward" else ""
            rows.append([kernel, which, time, gflops, gb_s, share, reached["bound_by"]])
            if beside:
                rows[-1].append(spread.text(figures[beside[1]], decimals))
    return table([*head, beside[0]] if beside else head, rows)


def _overhead(result):
    names = list(result["stamp"]["versions"])
    costs = result["microseconds"]
    rows = [
        [text, *(spread.text(costs[e][call], 1) if costs[e].get(call) else "" for e in names)]
        for call, text in CALLS.items()
    ]
    singles = _singles(costs["minikeras"].values())
    head = ["call", *map(title, names)]
    return "The cost of a call in microseconds, 1 core", [*singles, table(head, rows)]


def _memory(result):
    by_steps = {int(steps): mb for steps, mb in result["resident_mb"].items()}
    shown = [s for s in by_steps if s in (500, 1000, 2000, 3000, 4000, 5000)]
    rows = [[steps, f"{by_steps[steps]:.1f}"] for steps in shown]
    bound = (
        f"Resident memory while `{result['workload']}` trains; from 500 steps on it may grow by "
        f"{result['bound_mb']} MB."
    )
    return "Memory of a long run", [bound, table(["steps", "MB"], rows)]


def _tricks(result):
    """Each way's time, and that over the time of the first way, which has all of them."""
    head = ["workload, way", "ms a step", "over the first"]
    rows = []
    for name, ways in result["workloads"].items():
        first = next(iter(ways.values()))
        for way, turns in ways.items():
            label = f"`{name}`, {way}" if turns is first else way
            over = "" if turns is first else _ratio(_over(turns, first))
            rows.append([label, spread.text(turns), over])
    singles = _singles(turns for ways in result["workloads"].values() for turns in ways.values())
    name = f"What each optimization is worth, {counted(result['stamp']['cores'])}"
    return name, [*singles, table(head, rows)]


def _over(turns, first):
    return spread.ratios(turns, first) if isinstance(turns, list) else turns / first


SECTIONS = {
    "engines": _engines,
    "recheck": _recheck,
    "threads": _threads,
    "kernels": _kernels,
    "tricks": _tricks,
    "overhead": _overhead,
    "memory": _memory,
}
