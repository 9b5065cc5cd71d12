"""The backward pass: from gradients with respect to results to those with respect to sources.

Reverse-mode differentiation: every node turns the gradient with respect to its outputs into
gradients with respect to its inputs. A tensor x that several nodes `y1, y2, ...` take as an input
gets the sum of what their vjps return, which is the chain rule:

    dL/dx = vjp_1(dL/dy1) + vjp_2(dL/dy2) + ...        where vjp_k(g) = g (dy_k/dx)

Nodes wait in a heap and leave it in falling order of their serials, so that a node is visited when
all nodes that take its outputs have been, and the sum is complete. See Baydin et al., "Automatic
Differentiation in Machine Learning: a Survey" (2018), section 3.2.
"""

import heapq
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from minikeras.autograd.node import Edge, recording
from minikeras.autograd.tensor import Tensor

Spans: TypeAlias = Sequence[tuple[int, float]]
"""The serials of the nodes that a tape recorded: `(first, last)`, one pair for each time it did."""


def recorded(serial: int, spans: Spans) -> bool:
    """Return whether a node of that serial was recorded in one of the spans."""
    for first, last in spans:  # in rising order, and nearly always one
        if serial <= last:
            return serial >= first
    return False


def backpropagate(
    seeds: Sequence[tuple[Edge, Tensor]],
    sources: Sequence[Edge | None],
    spans: Spans | None = None,
    release: bool = False,
) -> list[Any]:
    """Return the gradient with respect to every source, None where nothing leads to it.

    Args:
        seeds: list of `((node, index), gradient tensor)`, where the backward pass begins.
        sources: list of `(node, index)`, None for a source that is on no tape.
        spans: what the tape recorded; other nodes are constants to it. None for all nodes.
        release: whether nodes drop what they saved as soon as they have been visited.

    Returns:
        A list of tensors or None, one for each source.
    """
    wanted = {(edge[0].serial, edge[1]) for edge in sources if edge is not None}
    if not wanted:
        return [None] * len(sources)
    earliest = min(serial for serial, _ in wanted)
    waiting: dict[int, tuple[Any, list[Any]]] = {}
    heap: list[int] = []
    sums: dict[tuple[int, int], Tensor] = {}
    for edge, g in seeds:
        _accumulate(waiting, heap, edge, g, earliest)
    while heap:
        serial = -heapq.heappop(heap)
        node, gradients = waiting.pop(serial)
        for index, g in enumerate(gradients):
            if (serial, index) in wanted:
                sums[serial, index] = g
        if node.primitive is None or serial <= earliest:
            continue
        if spans is not None and not recorded(serial, spans):
            continue
        for parent, g in zip(node.parents, node.vjp(gradients), strict=True):
            if parent is not None and g is not None:
                _accumulate(waiting, heap, parent, g, earliest)
        if release:
            node.release()
    return [None if edge is None else sums.get((edge[0].serial, edge[1])) for edge in sources]


def _accumulate(
    waiting: dict[int, tuple[Any, list[Any]]],
    heap: list[int],
    edge: Edge,
    g: Tensor,
    earliest: int,
) -> None:
    """Add `g` to the gradient with respect to an output of a node that waits to be visited."""
    node, index = edge
    serial = node.serial
    if serial < earliest:
        return
    if serial not in waiting:
        outputs = 1 if node.primitive is None else len(node.outputs)
        waiting[serial] = (node, [None] * outputs)
        heapq.heappush(heap, -serial)
    gradients = waiting[serial][1]
    gradients[index] = g if gradients[index] is None else _sum(gradients[index], g)


def _sum(a: Tensor, b: Tensor) -> Tensor:
    total = a + b
    if not recording.tapes and hasattr(a, "rows") and hasattr(b, "rows"):
        total.rows = a.rows + b.rows
    return total


def vjp_through(
    results: Sequence[Tensor], inputs: Sequence[Tensor | None], gradients: Sequence[Tensor | None]
) -> list[Any]:
    """Return the gradients with respect to `inputs` of results that were just computed from them.

    Args:
        results: list of tensors.
        inputs: list of tensors, None where no gradient is wanted.
        gradients: list of the gradients with respect to the results, None for zero.
    """
    seeds = [
        ((y.node, y.index), g)
        for y, g in zip(results, gradients, strict=True)
        if g is not None and y.node is not None
    ]
    edges = [None if x is None or x.node is None else (x.node, x.index) for x in inputs]
    return backpropagate(seeds, edges)


def release(edges: Iterable[Edge], spans: Spans) -> None:
    """Release what the nodes that lead to these edges saved, as far as the tape recorded them."""
    pending = [node for node, _ in edges]
    while pending:
        node = pending.pop()
        if node.primitive is not None and recorded(node.serial, spans):
            pending.extend([edge[0] for edge in node.parents if edge is not None])
            node.release()
