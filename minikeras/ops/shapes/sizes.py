"""Arithmetic on the sizes of shapes, some of which may be unknown."""

from minikeras.core import dims
from minikeras.core.dims import Dim


def known_of(sizes):
    """Return the first known one of sizes that are equal, or the first, if none is known."""
    return next((size for size in sizes if not isinstance(size, Dim)), sizes[0])


def may_agree(shape, other):
    """Say whether two shapes are equal, as far as their sizes are known."""
    return len(shape) == len(other) and all(
        a == b or isinstance(a, Dim) or isinstance(b, Dim)
        for a, b in zip(shape, other, strict=True)
    )


def resolved_shape(shape, newshape):
    """Return `newshape` with -1 replaced by what is left of `shape`.

    Raises:
        ValueError: if the numbers of elements differ.
    """
    new = list(dims.as_shape(newshape))
    if new.count(-1) > 1:
        raise ValueError(f"There must be at most one unknown dimension (-1). Received: {newshape}")
    known = [size for size in new if size != -1]
    rest, known_rest = _unmatched(shape, known)
    asked, known_asked = _unmatched(known, shape)
    if -1 in new:
        new[new.index(-1)] = _quotient(rest, known_rest, asked, known_asked)
        fits = rest or asked or (known_asked and known_rest % known_asked == 0)
    else:
        fits = rest or asked or known_rest == known_asked
    if not fits:
        raise ValueError(
            "`reshape` keeps the number of elements: the sizes of the new shape must multiply to "
            f"the same. Received: x.shape={dims.to_public(shape)}, "
            f"newshape={dims.to_public(dims.as_shape(newshape))}"
        )
    return tuple(new)


def _unmatched(shape, other):
    """The unknown sizes in `shape` that `other` lacks, and the product of the known ones."""
    rest = [size for size in other if isinstance(size, Dim)]
    left, known = [], 1
    for size in shape:
        if not isinstance(size, Dim):
            known *= size
        elif size in rest:
            rest.remove(size)
        else:
            left.append(size)
    return left, known


def _quotient(left, known_left, asked, known_asked):
    """What -1 stands for."""
    exact = known_asked and known_left % known_asked == 0
    if not left and not asked:
        return known_left // known_asked if exact else 0
    if not left:
        return Dim(("share", known_left, tuple(size.origin for size in asked)))
    total = left[0]
    for size in left[1:]:
        total = total * size
    for size in asked:
        total = total // size
    return total * (known_left // known_asked) if exact else total * known_left // known_asked
