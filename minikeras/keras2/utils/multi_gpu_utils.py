"""A model whose batches are cut into parts, one for each GPU."""

from typing import Any

from minikeras.arrays import gpu
from minikeras.keras2 import backend as K
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.layers import Lambda, concatenate
from minikeras.keras2.models import Model
from minikeras.keras2.utils.generic_utils import to_list

__getattr__ = elsewhere(__name__)

__all__ = ["multi_gpu_model"]


def multi_gpu_model(model, gpus=None, cpu_merge=True, cpu_relocation=False):
    """Return a model that computes equal parts of a batch, one for each GPU, and joins the outputs.

    The parts are computed one after another, where the weights are. The model shares its weights
    with `model`, so that either can be saved.

    Args:
        model: the model.
        gpus: int, how many GPUs, or a list of their numbers; None for all.
        cpu_merge: accepted, and without effect: outputs are where the weights are.
        cpu_relocation: accepted, and without effect.

    Raises:
        ValueError: if this machine has not at least two such GPUs; it names the devices there are.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.models import Sequential
        >>> from minikeras.keras2.utils import multi_gpu_model
        >>> multi_gpu_model(Sequential([Dense(2, input_dim=3)]), gpus=1)
        Traceback (most recent call last):
        ValueError: `multi_gpu_model` needs two GPUs or more...
    """
    count = _count()
    wanted = list(gpus) if isinstance(gpus, (list, tuple)) else list(range(gpus or count))
    available = ["/cpu:0", *(f"/gpu:{i}" for i in range(count))]
    if len(wanted) < 2:
        raise ValueError(
            f"`multi_gpu_model` needs two GPUs or more. This machine has {available}. "
            f"Received: gpus={gpus}"
        )
    devices = ["/cpu:0", *(f"/gpu:{i}" for i in wanted)]
    if not set(devices) <= set(available):
        raise ValueError(
            f"`multi_gpu_model` with gpus={gpus} needs the devices {devices}. This machine only "
            f"has {available}. Try fewer gpus."
        )
    return _in_parts(model, len(wanted))


def _count():
    """The number of GPUs, 0 where they cannot be used."""
    try:
        return gpu.count()
    except (ImportError, RuntimeError):
        return 0


def _in_parts(model, parts):
    """Return a model that calls another for each part of a batch."""
    outputs = [to_list(model([_part(x, i, parts) for x in model.inputs])) for i in range(parts)]
    merged = [
        concatenate(list(same), axis=0, name=name)
        for name, same in zip(
            _distinct(model.output_names), zip(*outputs, strict=True), strict=True
        )
    ]
    return Model(model.inputs, merged)


def _part(x, i, parts):
    shape: Any = K.int_shape(x)
    return Lambda(_rows, output_shape=shape[1:], arguments={"i": i, "parts": parts})(x)


def _rows(x, i, parts):
    """The rows of one part of a batch; the last one has what is left over."""
    size = K.shape(x)[0]
    step = size // parts
    places = K.arange(i * step, size if i == parts - 1 else (i + 1) * step)
    return K.gather(x, places)


def _distinct(names):
    """Names of outputs, numbered where several are of one layer."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        yield f"{name}_{counts[name]}" if names.count(name) > 1 else name
