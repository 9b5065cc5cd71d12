"""The tapes that users open, and the derivatives of what they recorded."""

import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from minikeras.arrays import device
from minikeras.autograd.backward import backpropagate, recorded, release
from minikeras.autograd.base_ops import reshaped, stacked
from minikeras.autograd.ends import (
    Seed,
    edges_of,
    is_tensor,
    seeds_for,
    zeros_beside,
)
from minikeras.autograd.node import Edge, Leaf
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tape import RecordingTape
from minikeras.autograd.tensor import Tensor
from minikeras.core import trees
from minikeras.core.types import Nest


class GradientTape(RecordingTape):
    """Record what is computed inside a `with` block, to differentiate it afterwards.

    Variables that are trainable when they are read are watched automatically; other tensors when
    `watch` names them. Tapes nest: what an inner tape's `gradient` computes is recorded by the
    outer one, and each tape treats what it did not record itself as a constant.

    A tape may be entered again: it then goes on recording, or begins again if it has been used up.

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

    def gradient(
        self,
        target: Nest,
        sources: Nest,
        output_gradients: Nest = None,
        unconnected_gradients: str = "none",
    ) -> Nest:
        """Return the gradients of the sum of `target` with respect to `sources`.

        With targets y, their weights v (`output_gradients`) and a source x that is `dL/dx` of
        `L = sum(v * y)`, over all elements of all targets. The backward pass begins with
        `dL/dy = v`.

        Args:
            target: tensor, or a nest of them.
            sources: nest of tensors and variables.
            output_gradients: nest with as many tensors as `target` that weigh its elements, each
                of the target's shape or broadcast to it; None for ones.
            unconnected_gradients: `"none"` or `"zero"`, what stands for a gradient with respect to
                a source that the target does not depend on.

        Returns:
            A nest like `sources` of tensors with the sources' shapes.

        Raises:
            RuntimeError: if the tape was never entered, or on the second call, unless it is
                persistent.
            TypeError: if `target` or `sources` hold anything but tensors and variables.
            ValueError: if `unconnected_gradients` is unknown, or `output_gradients` do not fit.
        """
        leaves, targets = trees.flatten(sources), trees.flatten(target)
        self._check(targets, leaves, unconnected_gradients)
        if any(isinstance(y, Abstract) for y in targets):
            shapes = [Abstract(source.shape, source.dtype) for source in leaves]
            return trees.pack_sequence_as(sources, shapes)
        seeds = seeds_for(targets, output_gradients)
        with self._use(targets):
            releases = not (self.persistent or self._shared)
            gradients = self._backpropagate(seeds, leaves, unconnected_gradients, releases)
        return trees.pack_sequence_as(sources, gradients)

    def jacobian(self, target: Tensor, sources: Nest, unconnected_gradients: str = "none") -> Nest:
        """Return the derivatives of the elements of `target` w.r.t. the elements of `sources`.

        `J[i, j] = dy[i] / dx[j]`, where i and j are indices of several axes. Row i is a gradient:
        with `dL/dy` one at i and zero elsewhere, `dL/dx = J[i]`. So the backward pass runs once for
        each element of `target`; to a tape that is not persistent they count as one.

        Args:
            target: tensor.
            sources: nest of tensors and variables.
            unconnected_gradients: `"none"` or `"zero"`, see `gradient`.

        Returns:
            A nest like `sources` of tensors of shape `target.shape + source.shape`.

        Raises:
            RuntimeError: if the tape was never entered, or is used up.
            TypeError: if `target` is not one tensor, or `sources` hold anything else.
            ValueError: if `unconnected_gradients` is unknown.

        Example:
            >>> import minikeras as keras
            >>> v = keras.Variable([1.0, 2.0])
            >>> with keras.GradientTape() as tape:
            ...     y = v * v
            >>> tape.jacobian(y, v).tolist()
            [[2.0, 0.0], [0.0, 4.0]]
        """
        leaves = trees.flatten(sources)
        self._check([target], leaves, unconnected_gradients)
        if isinstance(target, Abstract):
            whole = [Abstract((*target.shape, *s.shape), s.dtype) for s in leaves]
            return trees.pack_sequence_as(sources, whole)
        columns = self._derivatives(target, leaves, 0, unconnected_gradients)
        gradients = [
            None if column is None else reshaped(column, shape=(*target.shape, *source.shape))
            for column, source in zip(columns, leaves, strict=True)
        ]
        return trees.pack_sequence_as(sources, gradients)

    def batch_jacobian(
        self, target: Tensor, source: Tensor, unconnected_gradients: str = "none"
    ) -> Any:
        """Return for each sample the derivatives of its targets with respect to its sources.

        `J[b, i, j] = dy[b, i] / dx[b, j]`. Every sample's targets must depend on its own sources
        alone, so that `dy[b, i] / dx[c, j]` is zero for other samples c: then one backward pass,
        with `dL/dy` one at i in every sample, gives `J[:, i]` for the whole batch.

        Args:
            target: tensor of shape (batch, ...).
            source: tensor or variable of shape (batch, ...).
            unconnected_gradients: `"none"` or `"zero"`. In both cases the result holds zeros where
                `target` does not depend on `source`.

        Returns:
            A tensor of shape `target.shape + source.shape[1:]`.

        Raises:
            RuntimeError: if the tape was never entered, or is used up.
            TypeError: if `target` or `source` is not a tensor.
            ValueError: if their first sizes differ or there is nothing but those, or
                `unconnected_gradients` is unknown.

        Example:
            >>> import minikeras as keras
            >>> x = keras.Variable([[1.0, 2.0], [3.0, 4.0]])
            >>> with keras.GradientTape() as tape:
            ...     y = x * x
            >>> tape.batch_jacobian(y, x).tolist()
            [[[2.0, 0.0], [0.0, 4.0]], [[6.0, 0.0], [0.0, 8.0]]]
        """
        self._check([target], [source], unconnected_gradients)
        shape, source_shape = target.shape, source.shape
        if min(len(shape), len(source_shape)) < 2 or shape[0] != source_shape[0]:
            raise ValueError(
                "`batch_jacobian` expected a target and a source of shapes (batch, ...) with the "
                f"same first size, but received shapes {shape} and {source_shape}."
            )
        result = (*shape, *source_shape[1:])
        if isinstance(target, Abstract):
            return Abstract(result, source.dtype)
        return reshaped(self._derivatives(target, [source], 1, "zero")[0], shape=result)

    def _derivatives(
        self, target: Any, sources: list[Any], axis: int, unconnected: str
    ) -> list[Any]:
        """The gradients of each element of `target`, stacked along an axis; one list for sources.

        After the axes before that one, which are taken together, elements are numbered through.
        """
        data = device.array_of(target)
        front = data.shape[:axis]
        count = math.prod(data.shape[axis:])
        rows: list[list[Any]] = []
        with self._use([target]):
            for i in range(count):
                with device.place_of(data):
                    seed = device.namespace(data).zeros((*front, count), data.dtype)
                    seed[..., i] = 1
                seeds = [(target, Tensor(seed.reshape(data.shape)))]
                rows.append(self._backpropagate(seeds, sources, unconnected))
        if not rows:
            return [zeros_beside(source, (*front, 0, *source.shape[axis:])) for source in sources]
        return [
            None if column[0] is None else stacked(list(column), axis=axis)
            for column in zip(*rows, strict=True)
        ]

    @contextmanager
    def _use(self, targets: Sequence[Any]) -> Generator[None]:
        """A context for backward passes: the only one, unless the tape is persistent."""
        if self.persistent:
            yield
            return
        self._close()
        try:
            yield
        finally:
            self._used = True
            self.watched.clear()
            if not self._shared:
                release([edge for y in targets for edge in edges_of(y)], self._spans)

    def _backpropagate(
        self, seeds: Sequence[Seed], sources: list[Any], unconnected: str, releases: bool = False
    ) -> list[Any]:
        """The gradient with respect to each source, in a list."""
        edges = [self._edge_of(source) for source in sources]
        # A source that is not on the tape may still be a target: then it stands for itself.
        own_edges = {id(s): (Leaf(), 0) for s, p in zip(sources, edges, strict=True) if p is None}
        wanted = [p or own_edges[id(s)] for s, p in zip(sources, edges, strict=True)]
        starts: list[tuple[Edge, Tensor]] = []
        for y, g in seeds:
            starts.extend([(edge, g) for edge in edges_of(y)])
            if id(y) in own_edges:
                starts.append((own_edges[id(y)], g))
        if starts and device.in_use:
            with device.place_of(starts[0][1].data):
                gradients = backpropagate(starts, wanted, self._spans, releases)
        else:
            gradients = backpropagate(starts, wanted, self._spans, releases)
        if unconnected == "zero":
            return [
                zeros_beside(source, source.shape) if g is None else g
                for source, g in zip(sources, gradients, strict=True)
            ]
        return gradients

    def _edge_of(self, source: Any) -> Edge | None:
        """The edge to a source on this tape, or None."""
        for edge in edges_of(source):
            if self._depends_on_watched(edge):
                return edge
        return None

    def _depends_on_watched(self, edge: Edge) -> bool:
        """Whether an edge is watched, or this tape recorded its computation from one that is."""
        pending, seen = [edge], {edge[0].serial}
        while pending:
            edge = pending.pop()
            node = edge[0]
            if edge in self.watched:
                return True
            if isinstance(node, Leaf):
                if node.automatic and self._watches_variables:
                    return True
            elif recorded(node.serial, self._spans):
                parents = [p for p in node.parents if p is not None and p[0].serial not in seen]
                seen.update([parent[0].serial for parent in parents])
                pending.extend(parents)
        return False

    def _check(self, targets: list[Any], sources: list[Any], unconnected: str) -> None:
        """Refuse what cannot be differentiated, before anything changes."""
        if unconnected not in ("none", "zero"):
            raise ValueError(
                "`unconnected_gradients` is expected to be 'none' or 'zero', but "
                f"received {unconnected!r}."
            )
        self._refuse_empty("compute gradients")
        for role, values in (("target", targets), ("sources", sources)):
            for value in values:
                if not is_tensor(value):
                    raise TypeError(
                        f"Expected tensors and variables as `{role}`, but received {value!r} of "
                        f"type {type(value).__name__}."
                    )
