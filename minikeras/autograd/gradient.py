"""The walk backwards along the tape, and the tapes that users open.

Reverse-mode differentiation: every node turns the gradient by its outputs into gradients by its
inputs. Nodes wait in a heap and leave it in falling order of their numbers, so that a node is
visited when all its users have been. See Baydin et al., "Automatic Differentiation in Machine
Learning: a Survey" (2018), section 3.2.
"""

import heapq
from collections.abc import Sequence
from typing import Any

from minikeras.arrays import device
from minikeras.autograd.families import elementwise
from minikeras.autograd.node import Leaf, Place, next_serial, paused, recording
from minikeras.autograd.primitive import primitive, reshaped, stacked
from minikeras.autograd.tensor import Tensor, array_from
from minikeras.core import trees
from minikeras.core.types import Array, ArrayModule, Nest


def walk(
    seeds: Sequence[tuple[Any, Tensor]], sources: Sequence[Any], release: bool = False
) -> list[Any]:
    """Return the gradient by every source, None where nothing leads to it.

    Args:
        seeds: list of `((node, index), gradient tensor)`.
        sources: list of `(node, index)`, None for a source that is on no tape.
        release: whether nodes drop what they kept as soon as they have been visited.

    Returns:
        A list of tensors or None, one for each source.
    """
    wanted = {(node.serial, index) for node, index in filter(None, sources)}
    if not wanted:
        return [None] * len(sources)
    earliest = min(serial for serial, _ in wanted)
    waiting: dict[int, tuple[Any, list[Any]]] = {}
    heap: list[int] = []
    found: dict[tuple[int, int], Tensor] = {}
    for place, g in seeds:
        _deliver(waiting, heap, place, g, earliest)
    while heap:
        serial = -heapq.heappop(heap)
        node, gradients = waiting.pop(serial)
        for index, g in enumerate(gradients):
            if (serial, index) in wanted:
                found[serial, index] = g
        if node.primitive is None or serial <= earliest:
            continue
        for parent, g in zip(node.parents, node.pull(gradients), strict=True):
            if parent is not None and g is not None:
                _deliver(waiting, heap, parent, g, earliest)
        if release:
            node.forget()
    return [None if place is None else found.get((place[0].serial, place[1])) for place in sources]


def _deliver(
    waiting: dict[int, tuple[Any, list[Any]]],
    heap: list[int],
    place: tuple[Any, int],
    g: Tensor,
    earliest: int,
) -> None:
    """Add `g` to what waits for a node."""
    node, index = place
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


def pull_back(
    results: Sequence[Tensor], inputs: Sequence[Tensor | None], gradients: Sequence[Tensor | None]
) -> list[Any]:
    """Return the gradients by `inputs` of results that were just computed from them.

    Args:
        results: list of tensors.
        inputs: list of tensors, None where no gradient is wanted.
        gradients: list of the gradients by the results, None for zero.
    """
    seeds = [
        ((y.node, y.index), g)
        for y, g in zip(results, gradients, strict=True)
        if g is not None and y.node is not None
    ]
    places = [None if x is None or x.node is None else (x.node, x.index) for x in inputs]
    return walk(seeds, places)


class GradientTape:
    """Record what is computed inside a `with` block, to differentiate it afterwards.

    Trainable variables are watched by themselves; other tensors when `watch` names them. Tapes
    nest: what an inner tape's `gradient` computes is recorded by the outer one.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched without being named.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.convert_to_tensor(3.0)
        >>> with keras.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> float(tape.gradient(y, x))
        6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self.persistent = persistent
        self.start = next_serial()
        self._watches_variables = watch_accessed_variables
        self._watched: set[Any] = set()
        self._used = False
        self._shared = False

    def __enter__(self):
        if self in recording.tapes:
            raise ValueError("Tape is already recording.")
        self._begin()
        return self

    def _begin(self) -> None:
        if recording.tapes:
            self._shared = True
            for tape in recording.tapes:
                tape._shared = True
        recording.open(self)

    def __exit__(self, *_: object) -> None:
        recording.close(self)

    def watch(self, tensor: Nest) -> None:
        """Record what is computed from `tensor`, too.

        Args:
            tensor: a float tensor or variable, or a nest of them.

        Raises:
            ValueError: for anything else.
        """
        for leaf in trees.flatten(tensor):
            place = leaf.watch() if hasattr(leaf, "watch") else _watch_tensor(leaf)
            self._watched.add(place)

    def stop_recording(self) -> paused:
        """Return a context in which nothing is recorded."""
        return paused()

    def reset(self) -> None:
        """Forget everything recorded so far."""
        self.start = next_serial()
        self._watched.clear()
        self._used = False
        if self in recording.tapes:
            recording.close(self)
            recording.open(self)

    def watched_variables(self) -> None:
        """Raise: variables are not listed, each one knows by itself whether it is trainable."""
        raise AttributeError("Pass the variables that you want gradients by to `gradient`.")

    def gradient(
        self,
        target: Nest,
        sources: Nest,
        output_gradients: Nest = None,
        unconnected_gradients: str = "none",
    ) -> Nest:
        """Return the gradients of the sum of `target` by `sources`.

        Args:
            target: tensor, or a nest of them.
            sources: nest of tensors and variables.
            output_gradients: nest like `target` that weighs its elements; ones by default.
            unconnected_gradients: `"none"` or `"zero"`, what stands for a gradient by a source
                that the target does not depend on.

        Returns:
            A nest like `sources` of tensors with the sources' shapes.

        Raises:
            RuntimeError: on the second call, unless the tape is persistent.
            ValueError: if `unconnected_gradients` is unknown.
        """
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients}")
        if self._used and not self.persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients "
                "(or jacobians)"
            )
        if self in recording.tapes and not self.persistent:
            recording.close(self)
        self._used = True
        leaves = trees.flatten(sources)
        seeds, places = _seeds(target, output_gradients), [self._place(s) for s in leaves]
        release = not (self.persistent or self._shared)
        if seeds and device.in_use:
            with device.place_of(seeds[0][1].data):
                found = walk(seeds, places, release)
        else:
            found = walk(seeds, places, release)
        if unconnected_gradients == "zero":
            found = [_zeros_like(s) if g is None else g for s, g in zip(leaves, found, strict=True)]
        return trees.pack_sequence_as(sources, found)

    def jacobian(self, target: Tensor, sources: Nest) -> Nest:
        """Return the derivative of every element of `target` by every element of `sources`.

        Args:
            target: tensor.
            sources: nest of tensors and variables.

        Returns:
            A nest like `sources` of tensors of shape `target.shape + source.shape`.
        """
        if not self.persistent:
            self._used, self.persistent = False, True
        rows: list[list[Any]] = []
        for i in range(target.size):
            with device.place_of(target.data):
                seed = device.namespace(target.data).zeros(target.shape, target.data.dtype)
                seed.reshape(-1)[i] = 1
            rows.append(trees.flatten(self.gradient(target, sources, Tensor(seed))))
        columns = [
            _stacked(column, target.shape, source)
            for column, source in zip(zip(*rows, strict=True), trees.flatten(sources), strict=True)
        ]
        return trees.pack_sequence_as(sources, columns)

    def _place(self, source: Any) -> Place | None:
        """Where on this tape a source is, or None."""
        if hasattr(source, "as_leaf"):
            leaf = source.as_leaf()
            on_tape = self._watches_variables and source.trainable
            return (leaf, 0) if leaf is not None and (on_tape or leaf in self._watched) else None
        node = getattr(source, "node", None)
        if node is None:
            return None
        if node.primitive is None:
            return (node, source.index) if node in self._watched else None
        return (node, source.index) if node.serial >= self.start else None


def _watch_tensor(tensor: Any) -> Any:
    if not isinstance(tensor, Tensor):
        raise ValueError(
            f"Passed in object {tensor} of type {type(tensor).__name__}, not a Tensor or Variable."
        )
    if tensor.data.dtype.kind != "f":
        raise ValueError(
            f"Only float tensors have gradients, but a tensor of dtype {tensor.dtype} came to "
            "`watch`. Cast it first."
        )
    if tensor.node is None or tensor.node.alive < recording.since:
        tensor.node, tensor.index = Leaf(), 0
    return tensor.node


def _seeds(target: Nest, output_gradients: Nest) -> list[tuple[Any, Tensor]]:
    targets = trees.flatten(target)
    given: list[Any] = [None] * len(targets)
    if output_gradients is not None:
        given = trees.flatten(output_gradients)
    seeds: list[tuple[Any, Tensor]] = []
    for y, g in zip(targets, given, strict=True):
        y = y.as_operand() if hasattr(y, "as_operand") else y
        if getattr(y, "node", None) is None:
            continue
        if g is None:
            g = Tensor(device.made_beside(y.data, "ones", y.shape, y.data.dtype))
        elif not isinstance(g, Tensor):
            with device.place_of(y.data):
                g = Tensor(array_from(g, y.dtype))
        seeds.append(((y.node, y.index), g))
    return seeds


def _zeros_like(source: Any) -> Tensor:
    array = source.as_operand().data if hasattr(source, "as_operand") else source.data
    return Tensor(device.made_beside(array, "zeros_like", array))


def _stacked(column: Sequence[Any], shape: tuple[int, ...], source: Any) -> Any:
    if column[0] is None:
        return None
    return reshaped(stacked(list(column)), shape=(*shape, *source.shape))


@primitive(elementwise)
def stop_gradient(xp: ArrayModule, variable: Array) -> Array:
    """Return the same values, through which no gradient flows.

    Args:
        variable: tensor or variable.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> x = keras.Variable(2.0)
        >>> with keras.GradientTape() as tape:
        ...     y = x * keras.ops.stop_gradient(x)
        >>> float(tape.gradient(y, x))
        2.0
    """
    return variable
