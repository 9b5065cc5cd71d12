"""Joining and parting tensors in the ways that have names of their own."""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.core.docstrings import described
from minikeras.core.work import spend
from minikeras.ops.shapes.shaping import (
    broadcast_to,
    concatenate,
    expand_dims,
    parts,
    ravel,
    reshape,
    split,
)


@op
def vstack(xs):
    """Join tensors along the first axis.

    Args:
        xs: list of tensors. (Vectors are joined end to end, as Keras does on TensorFlow.)

    Returns:
        A tensor of the inputs' rank.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.vstack([[[1, 2]], [[3, 4], [5, 6]]]).tolist()
        [[1, 2], [3, 4], [5, 6]]
    """
    return concatenate([_at_least_vector(x) for x in xs], axis=0)


@op
def hstack(xs):
    """Join tensors along the second axis, vectors along their only one.

    Args:
        xs: list of tensors.

    Returns:
        A tensor.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.hstack([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    tensors = [_at_least_vector(x) for x in xs]
    return concatenate(tensors, axis=0 if tensors[0].ndim == 1 else 1)


@op
@described(hstack)
def dstack(xs):
    """Join tensors along the third axis; vectors count as `(1, n, 1)`, matrices as `(n, m, 1)`.

    Returns:
        A tensor of rank 3 or more.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.dstack([[1, 2], [3, 4]]).tolist()
        [[[1, 3], [2, 4]]]
    """
    matrices = [_at_least_matrix(x) for x in xs]
    return concatenate([x if x.ndim > 2 else expand_dims(x, axis=2) for x in matrices], axis=2)


def _at_least_vector(x):
    x = convert_to_tensor(x)
    return x if x.ndim else reshape(x, (1,))


def _at_least_matrix(x):
    x = _at_least_vector(x)
    return x if x.ndim > 1 else expand_dims(x, axis=0)


@op
def append(x1, x2, axis=None):
    """Join two tensors.

    Args:
        x1: tensor of any shape and dtype.
        x2: tensor of any shape and dtype.
        axis: int; both are flattened first by default.

    Returns:
        A tensor of the promoted (common) dtype of the inputs.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.append([1, 2], [[3], [4]]).tolist()
        [1, 2, 3, 4]
    """
    if axis is None:
        return concatenate([ravel(x1), ravel(x2)], axis=0)
    return concatenate([x1, x2], axis=axis)


@op
@described(split)
def array_split(x, indices_or_sections, axis=0):
    """Part a tensor along an axis; parts differ by one in size if they cannot be equal.

    Args:
        indices_or_sections: int, the number of parts; the larger ones come first.

    Returns:
        A list of tensors.

    Raises:
        TypeError: if the number of parts is no int.

    Example:
        >>> import minikeras as keras
        >>> [part.tolist() for part in keras.ops.array_split([1, 2, 3], 2)]
        [[1, 2], [3]]
    """
    if not isinstance(indices_or_sections, int):
        raise TypeError(
            "`indices_or_sections` must be an int, the number of parts. Received: "
            f"indices_or_sections={indices_or_sections!r}"
        )
    x = convert_to_tensor(x)
    axis = dims.normalize_axis(axis, x.ndim)
    least, longer = x.shape[axis] // indices_or_sections, x.shape[axis] % indices_or_sections
    if isinstance(least, Dim):
        raise ValueError("The size of the axis to split must be known.")
    spend(indices_or_sections)
    return parts(x, [i * least + min(i, longer) for i in range(1, indices_or_sections)], axis)


@op
@described(split)
def vsplit(x, indices_or_sections):
    """Part a tensor along its first axis; see `split`.

    Args:
        x: tensor of rank 2 or more, of any dtype.

    Returns:
        A list of tensors.

    Example:
        >>> import minikeras as keras
        >>> [part.tolist() for part in keras.ops.vsplit([[1], [2]], 2)]
        [[[1]], [[2]]]
    """
    return split(x, indices_or_sections, axis=0)


@op
@described(split)
def hsplit(x, indices_or_sections):
    """Part a tensor along its second axis, a vector along its only one; see `split`.

    Returns:
        A list of tensors.

    Example:
        >>> import minikeras as keras
        >>> [part.tolist() for part in keras.ops.hsplit([[1, 2]], 2)]
        [[[1]], [[2]]]
    """
    x = convert_to_tensor(x)
    return split(x, indices_or_sections, axis=0 if x.ndim == 1 else 1)


@op
@described(split)
def dsplit(x, indices_or_sections):
    """Part a tensor along its third axis; see `split`.

    Args:
        x: tensor of rank 3 or more, of any dtype.

    Returns:
        A list of tensors.

    Example:
        >>> import minikeras as keras
        >>> [part.tolist() for part in keras.ops.dsplit([[[1, 2]]], 2)]
        [[[[1]]], [[[2]]]]
    """
    return split(x, indices_or_sections, axis=2)


@op
@described(split)
def unstack(x, num=None, axis=0):
    """Part a tensor into its slices along an axis, which they lack.

    Args:
        num: int, the size of the axis, for a symbolic tensor that does not know it.

    Returns:
        A list of tensors.

    Raises:
        ValueError: if the size is unknown, or is not `num`.

    Example:
        >>> import minikeras as keras
        >>> [part.tolist() for part in keras.ops.unstack([[1, 2], [3, 4]], axis=1)]
        [[1, 3], [2, 4]]
    """
    x = convert_to_tensor(x)
    axis = dims.normalize_axis(axis, x.ndim)
    size = x.shape[axis]
    if isinstance(size, Dim):
        if num is None:
            raise ValueError(
                f"The size of axis {axis} is unknown: say by `num` how many parts there are. "
                f"Received: x.shape={dims.to_public(x.shape)}"
            )
        size = num
    if num not in (None, size):
        raise ValueError(f"Axis {axis} of shape {x.shape} has size {size}; received num={num}.")
    spend(size)
    return [x[(*(slice(None),) * axis, i)] for i in range(size)]


@op
def meshgrid(*x, indexing="xy"):
    """Make a grid of coordinate tensors of vectors of coordinates.

    Args:
        *x: tensors of any dtype and of rank 1 (others are flattened).
        indexing: `"xy"` if the first vector runs along the second axis, as in images; `"ij"` if
            every vector runs along the axis of its own number.

    Returns:
        A list of tensors of one shape.

    Raises:
        ValueError: if `indexing` is neither.

    Example:
        >>> import minikeras as keras
        >>> [grid.tolist() for grid in keras.ops.meshgrid([1, 2], [3, 4, 5])]
        [[[1, 2], [1, 2], [1, 2]], [[3, 3], [4, 4], [5, 5]]]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(
            f"Valid values for `indexing` are 'xy' and 'ij', but received indexing={indexing!r}."
        )
    vectors = [ravel(v) for v in x]
    places = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        places[:2] = [1, 0]
    sizes = [0] * len(vectors)
    for place, vector in zip(places, vectors, strict=True):
        sizes[place] = vector.shape[0]
    return [
        broadcast_to(
            reshape(v, [1] * place + [v.shape[0]] + [1] * (len(sizes) - place - 1)),
            shape=tuple(sizes),
        )
        for place, v in zip(places, vectors, strict=True)
    ]
