"""The weights of layers under the names of Keras 1, and those of single gates.

In Keras 1 a layer held `W`, `U` and `b`, and a recurrent one the weights of each gate, such as
`U_f`. Here the gates of a recurrent layer share their variables, of which these are parts.
"""

from minikeras.keras2.backend.tensors import symbolic_function

_NAMES = {
    "W": ("kernel", "embeddings", "depthwise_kernel"),
    "U": ("recurrent_kernel",),
    "b": ("bias",),
    "running_mean": ("moving_mean",),
    "running_std": ("moving_variance",),
    "alphas": ("alpha",),
    "kernel": ("kernel",),
    "recurrent_kernel": ("recurrent_kernel",),
    "bias": ("bias",),
}
GATES = {3: "zrh", 4: "ifco"}
"""The gates of a GRU and of an LSTM by their number, in the order of the weights."""


def old_weight(layer, name):
    """Return the weight that Keras 1 or 2.0 had under a name.

    Args:
        layer: a layer.
        name: the name, such as `"W"`, `"U_f"` or `"kernel_f"`.

    Returns:
        A variable; a tensor of the graph, if it is the part of one gate; or None if there is none.
    """
    stem, _, gate = name.rpartition("_")
    if name in _NAMES:
        return _found(layer, name)
    if stem in _NAMES and len(gate) == 1:
        return _of_gate(_found(layer, stem), layer, gate)
    return None


def _found(layer, name):
    """A weight of the layer or of its cell, None if it has none."""
    cell = vars(layer).get("cell", layer)
    held = (vars(holder) for holder in (layer, cell))
    return next((h[new] for h in held for new in _NAMES[name] if new in h), None)


def _of_gate(weight, layer, gate):
    gates = GATES.get(getattr(layer.cell, "gates", 0), "") if "cell" in vars(layer) else ""
    if weight is None or gate not in gates:
        return None
    return _columns(weight, gates.index(gate) * layer.units, layer.units)


@symbolic_function
def _columns(weight, start, count):
    return weight[..., start : start + count]
