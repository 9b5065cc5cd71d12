"""Masks in a graph: nodes that read them off the engine's tensors, and that put them on."""

from minikeras.autograd import symbolic
from minikeras.autograd.symbolic import KerasTensor
from minikeras.keras2.backend.tensors import record
from minikeras.keras2.backend.variables import as_tensor


def masks_of(inputs):
    """Return the mask of a symbolic tensor, or a list of those of several."""
    if isinstance(inputs, (list, tuple)):
        return [getattr(t, "_keras_mask", None) for t in inputs]
    return getattr(inputs, "_keras_mask", None)


def mask_of(x):
    """Return the mask that a tensor carries."""
    return x._keras_mask


def with_mask(x, mask):
    """Return the same values as a tensor of its own, which carries a mask, or none."""
    from_engine = type(x)
    if issubclass(from_engine, symbolic.Abstract):
        return symbolic.Abstract(x.shape, x.dtype)
    marked = from_engine(x.data, x.node, x.index)
    if mask is not None:
        marked._keras_mask = mask
    return marked


def output_of(result, mask, shape):
    """An output of a traced layer: the result under a name of its own, with its mask and shape."""
    if not isinstance(result, KerasTensor):
        result = as_tensor(result)
    output = record(with_mask, (result, mask))
    output.producer = output._keras_history.node
    output._keras_mask = mask
    if shape is not None and len(shape) == len(output.shape):
        sizes = zip(output.dims, shape, strict=True)
        output.dims = tuple(own if isinstance(own, int) or s is None else s for own, s in sizes)
    return output
