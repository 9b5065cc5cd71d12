"""What the results say, in three sentences."""

import gpu_tables
import rates
import ratios
import tables
from spread import figure

TRAINING = "fit_steps_ms"
WORDS = {1: "one core", 2: "two cores"}


def sentences(results):
    """Return a sentence each on training, on training on a GPU, and on kernels.

    Args:
        results: the content of the result files, by their names; a sentence whose results are
            missing is left out.
    """
    engines, kernels, gpus = (_of_kind(results, kind) for kind in ("engines", "kernels", "gpu"))
    gpus = [gpu for gpu in gpus if gpu["precision"] == "float32"]
    told = [_training(engines)] if engines else []
    told += [_on_gpu(gpu) for gpu in gpus if gpu["workloads"]]
    if kernels:
        told.append(_kernels(kernels, [gpu for gpu in gpus if gpu["kernels"]]))
    return told


def _of_kind(results, kind):
    """The results of a kind, that of most cores first."""
    of_kind = [result for name, result in results.items() if name.startswith(f"{kind}-")]
    return sorted(of_kind, key=lambda result: -result["stamp"]["cores"])


def _training(results):
    """Training beside Keras on the CPU."""
    parts = []
    for result in results:
        spreads = ratios.spreads(result["workloads"], TRAINING)
        parts.append(
            f"on {_cores(result)} {_mean(spreads['tensorflow'])} times as fast as Keras on "
            f"TensorFlow and {_mean(spreads['fastest'])} times as fast as the fastest of Keras's "
            f"three back ends{_slower_networks(spreads['fastest'])}"
        )
    return f"**On a CPU** minikeras trains {'; '.join(parts)}."


def _on_gpu(result):
    """Training beside Keras on the same GPU."""
    by_engine = ratios.spreads(result["workloads"], TRAINING)
    parts = [
        f"{_mean(by_network)} times as fast as {tables.title(engine)}{_slower_networks(by_network)}"
        for engine in reversed(ratios.BACK_ENDS)
        if (by_network := by_engine.get(engine)) is not None
    ]
    return (
        f"**On a GPU** ({gpu_tables.name(result)}) it trains {' and '.join(parts)}: what limits it "
        "there is the time that Python takes between launches."
    )


def _kernels(results, gpus):
    """How many kernels come near their limits."""
    places = [(_cores(result), result) for result in results]
    places += [(f"the {gpu_tables.name(gpu)}", gpu) for gpu in gpus]
    parts = []
    for place, result in places:
        near, every = tables.near_their_limit(result)
        parts.append(f"{near} of {every} passes on {place}")
    return (
        f"**Kernels alone** reach {rates.SHARE_BAR:.0%} of what the machine's own rates of matrix "
        f"products and of copies allow in {', in '.join(parts)}."
    )


def _cores(result):
    cores = result["stamp"]["cores"]
    return WORDS.get(cores, tables.counted(cores))


def _mean(spreads):
    """The geometric mean of ratios, and those of the least and of the greatest."""
    mean, least, most = ratios.mean(spreads.values())
    return f"{figure(mean, 1)} ({figure(least, 1)}–{figure(most, 1)})"


def _slower_networks(spreads):
    """In which networks the other one is faster, in words."""
    names = [f"`{name}`" for name, ratio in spreads.items() if ratio.median < 1]
    if not names:
        return ""
    which = f": {', '.join(names)}" if len(names) < 4 else ""
    return f" (which is faster in {len(names)} of {len(spreads)} networks{which})"
