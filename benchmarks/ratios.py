"""How many times longer the other engines take, by workload and over all of them."""

import math

METRICS = ("fit_step_ms", "predict_step_ms", "first_step_s", "peak_mb")
TIMES = METRICS[:2]
BACK_ENDS = ("tensorflow", "jax", "torch")

# What is asked of the ratios: the least over all workloads, and the geometric mean.
BARS = {
    "tensorflow": {"least": 1.3, "mean": 2.0},
    "fastest": {"least": 1.0},
    "dezero": {"least": 4.0},
    "neuralnetlib": {"least": 4.0},
}


def of(row):
    """Return for each metric every other engine's figure over that of minikeras.

    The entry `fastest` is the least of Keras's back ends. Engines that failed have no entry; if
    minikeras failed, nobody has one.
    """
    good = {engine: found for engine, found in row.items() if "error" not in found}
    ours = good.pop("minikeras", None)
    if ours is None:
        return {metric: {} for metric in METRICS}
    return {metric: _with_fastest(metric, good, ours) for metric in METRICS}


def _with_fastest(metric, others, ours):
    found = {engine: row[metric] / ours[metric] for engine, row in others.items()}
    keras = [ratio for engine, ratio in found.items() if engine in BACK_ENDS]
    return {**found, "fastest": min(keras)} if keras else found


def summary(workloads):
    """Return the geometric mean, the least ratio and its workload, for every other engine."""
    found = {}
    for metric in METRICS:
        engines = {e: None for w in workloads.values() for e in w["ratios"][metric]}
        found[metric] = {engine: _over_all(workloads, metric, engine) for engine in engines}
    return found


def _over_all(workloads, metric, engine):
    every = {
        name: w["ratios"][metric][engine]
        for name, w in workloads.items()
        if engine in w["ratios"][metric]
    }
    return {
        "mean": math.exp(sum(map(math.log, every.values())) / len(every)),
        "least": min(every.values()),
        "at": min(every, key=every.get),
        "workloads": len(every),
    }


def below(metric, engine, kind, value):
    """Return the bar that a ratio misses, or None."""
    bar = BARS.get(engine, {}).get(kind) if metric in TIMES else None
    return bar if bar is not None and value < bar else None


def lines(found):
    """Return a summary as lines of text, one for each metric of time and engine."""
    out = []
    for metric in TIMES:
        for engine, over in found[metric].items():
            text = f"{metric:16s} {engine:12s} / minikeras: geometric mean {over['mean']:5.2f}"
            text += f", least {over['least']:5.2f} ({over['at']})"
            missed = [k for k in ("mean", "least") if below(metric, engine, k, over[k])]
            bars = ", ".join(f"{k} {BARS[engine][k]}" for k in missed)
            out.append(f"{text}   below the bar: {bars}" if missed else text)
    return out
