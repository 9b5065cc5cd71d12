"""How many times longer the other engines take, by workload and over all of them.

In each round the engines take their turns one after the other; a ratio is the median over the
rounds of the other's turn over that of minikeras. The first round, in which engines compile, does
not count.
"""

import math

import spread

METRICS = {"fit_steps_ms": "training", "predict_steps_ms": "prediction"}
BACK_ENDS = ("tensorflow", "jax", "torch")

# What is asked of the ratios: the least over all workloads, and the geometric mean.
BARS = {
    "tensorflow": {"least": 1.3, "mean": 2.0},
    "fastest": {"least": 1.0},
    "dezero": {"least": 4.0},
    "neuralnetlib": {"least": 4.0},
}
FIRST_STEP_BAR = 3.0
"""How many later steps the first one may take."""


def turns(row, metric):
    """Return the turns of an engine that count: all but the first."""
    return row[metric][1:]


def of(engines, metric):
    """Return for every other engine its turns over those of minikeras, round by round.

    Engines that failed have no entry; if minikeras failed, nobody has one.

    Args:
        engines: what each engine measured, by its name.
        metric: a name of `METRICS`.
    """
    good = {engine: turns(row, metric) for engine, row in engines.items() if "error" not in row}
    ours = good.pop("minikeras", None)
    return {engine: spread.ratios(t, ours) for engine, t in good.items()} if ours else {}


def fastest(by_engine):
    """Return the back end of Keras with the least ratio, or None, of what `of` returns."""
    measured = [engine for engine in BACK_ENDS if engine in by_engine]
    keras = {engine: spread.of(by_engine[engine]).median for engine in measured}
    return min(keras, key=keras.get) if keras else None


def spreads(workloads, metric):
    """Return for every other engine its ratio in each workload that it ran, with the range.

    The entry `fastest` is the least of Keras's back ends in each workload.
    """
    result = {}
    for name, workload in workloads.items():
        by_engine = of(workload["engines"], metric)
        for engine, by_round in by_engine.items():
            result.setdefault(engine, {})[name] = spread.of(by_round)
        if (engine := fastest(by_engine)) is not None:
            result.setdefault("fastest", {})[name] = result[engine][name]
    return dict(sorted(result.items(), key=lambda item: item[0] == "fastest"))


def summary(workloads, metric):
    """Return the geometric mean, the least ratio and its workload, for every other engine."""
    result = {}
    for engine, by_name in spreads(workloads, metric).items():
        at = min(by_name, key=lambda name: by_name[name].median)
        result[engine] = {
            "mean": mean(by_name.values()).median,
            "least": by_name[at].median,
            "at": at,
            "workloads": len(by_name),
        }
    return result


def mean(spreads):
    """Return the geometric means of the medians, of the least and of the greatest ratios."""
    columns = zip(*spreads, strict=True)
    return spread.Spread(*(math.exp(sum(map(math.log, c)) / len(c)) for c in columns))


def below(engine, kind, value):
    """Return the bar that a ratio misses, or None."""
    bar = BARS.get(engine, {}).get(kind)
    return bar if bar is not None and value < bar else None


def lines(workloads):
    """Return a summary as lines of text, one for each metric and engine."""
    out = []
    for metric, kind in METRICS.items():
        for engine, over in summary(workloads, metric).items():
            text = f"{kind:12s} {engine:16s} / minikeras: geometric mean {over['mean']:5.2f}"
            text += f", least {over['least']:5.2f} ({over['at']})"
            missed = [k for k in ("mean", "least") if below(engine, k, over[k])]
            bars = ", ".join(f"{k} {BARS[engine][k]}" for k in missed)
            out.append(f"{text}   below the bar: {bars}" if missed else text)
    return out
