"""Tensors in old configs, named by layer, call and output, and what stands beside them."""

from typing import Any

# In place of a layer's name it says that the third item is no tensor, but a value.
CONSTANT = "_CONSTANT_VALUE"


def is_reference(value: Any) -> bool:
    """Say whether a value names a tensor: `[layer, node, tensor]`, perhaps with keywords."""
    if not isinstance(value, (list, tuple)) or not 3 <= len(value) <= 4:
        return False
    name, node, index = value[:3]
    if not isinstance(name, str) or isinstance(node, bool) or not isinstance(node, int):
        return False
    return name == CONSTANT or (isinstance(index, int) and not isinstance(index, bool))


def reference(value: Any, shifts: dict[str, int]) -> Any:
    """Return the tensor in the form that today's configs have, or the value of a constant.

    Args:
        value: a reference.
        shifts: by how much the node indices of models inside are too large.

    Returns:
        A dict, or the constant.

    Raises:
        ValueError: if an index is negative.
    """
    name, node, index = value[:3]
    if name == CONSTANT:
        return index
    node -= shifts.get(name, 0)
    if node < 0 or index < 0:
        raise ValueError(f"Expected indices of at least 0 in a graph. Received: {list(value[:3])}")
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, node, index]}}


def resolved(value: Any, shifts: dict[str, int]) -> Any:
    """Return a nest with every reference in it in today's form."""
    if is_reference(value):
        return reference(value, shifts)
    if isinstance(value, dict):
        return {key: resolved(item, shifts) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolved(item, shifts) for item in value]
    return value


def tensors_in(node: Any, shifts: dict[str, int]) -> tuple[Any, dict[str, Any]]:
    """Return what a call takes first, a tensor or a nest of them, and its keywords.

    Args:
        node: the call as older releases wrote it.
        shifts: by how much the node indices of models inside are too large.

    Returns:
        The nest and a dict, with tensors in today's form.
    """
    keywords: dict[str, Any] = {}

    def taken(part: Any) -> Any:
        if is_reference(part):
            if len(part) == 4 and isinstance(part[3], dict):
                keywords.update(part[3])
            return reference(part, shifts)
        if isinstance(part, dict):
            return {key: taken(item) for key, item in part.items()}
        if isinstance(part, (list, tuple)):
            return [taken(item) for item in part]
        raise ValueError(f"Expected a tensor of a graph. Received: {part!r:.200}")

    tensors = taken(node)
    return tensors, resolved(keywords, shifts)
