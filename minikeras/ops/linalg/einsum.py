"""Einstein's summation: products and sums of tensors whose axes are named by letters.

The notation is first brought to a plain form: every axis of an input has a letter of its own, and
equal letters have equal sizes. In that form the gradient with respect to an input is again such a
sum, with the gradient of the output in the input's place.
"""

import string

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, same, to_common
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.kernels.shared.contraction import contract_all
from minikeras.ops.shapes.diagonals import diagonal
from minikeras.ops.shapes.shaping import broadcast_to, moveaxis, reshape
from minikeras.ops.shapes.sizes import known_of, may_agree


@op
def einsum(subscripts, *operands, **kwargs):
    """Multiply tensors and sum over axes, as letters for the axes say.

    Args:
        subscripts: string such as `"ij,jk->ik"`: letters for the axes of every input, then those
            of the result. Letters that the result lacks are summed over; `...` stands for any
            number of axes; without `->` the result has the letters that occur once, sorted.
        *operands: tensors of any dtype and shape, with an axis for each letter of their term.
        **kwargs: `optimize`, a bool or str, accepted for compatibility; the order is always
            optimized.

    Returns:
        A tensor of the promoted (common) dtype of the inputs (int32 for int8).

    Raises:
        ValueError: if the letters do not fit the inputs.

    Example:
        >>> import minikeras as keras
        >>> keras.ops.einsum("ij,j->i", [[1, 2], [3, 4]], [1, 10]).tolist()
        [21, 43]
    """
    unknown = set(kwargs) - {"optimize"}
    if unknown:
        raise TypeError(f"einsum() got unexpected keyword arguments {sorted(unknown)}")
    tensors = [convert_to_tensor(x) for x in operands]
    inputs, output = _parsed(subscripts, [x.ndim for x in tensors])
    pairs = [_without_repeats(x, letters) for x, letters in zip(tensors, inputs, strict=True)]
    sizes = _sizes([x.shape for x, _ in pairs], [letters for _, letters in pairs], subscripts)
    pairs = [_without_ones(x, letters, sizes) for x, letters in pairs]
    return summed([x for x, _ in pairs], inputs=tuple(p[1] for p in pairs), output=output)


def _parsed(subscripts, ranks):
    """Return the letters of every input and of the output, `...` spelled out."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ranks):
        raise ValueError(f"'{subscripts}' has {len(inputs)} inputs, but received {len(ranks)}.")
    free = [letter for letter in string.ascii_letters if letter not in subscripts]
    counts = [
        rank - len(letters.replace("...", "")) if "..." in letters else 0
        for letters, rank in zip(inputs, ranks, strict=True)
    ]
    dots = "".join(free[: max(counts)])
    inputs = [
        letters.replace("...", dots[len(dots) - count :])
        for letters, count in zip(inputs, counts, strict=True)
    ]
    if not arrow:
        joined = "".join(inputs)
        once = sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots)
        output = "..." * bool(dots) + "".join(once)
    output = output.replace("...", dots)
    _check(subscripts, inputs, output, ranks)
    return inputs, output


def _check(subscripts, inputs, output, ranks):
    for letters, rank in zip(inputs, ranks, strict=True):
        if len(letters) != rank:
            raise ValueError(f"'{subscripts}' does not fit an input of rank {rank}.")
    if len(set(output)) != len(output) or not set(output) <= set("".join(inputs)):
        raise ValueError(
            f"'{subscripts}': the letters of the result must differ and occur in an input."
        )


def _without_repeats(x, letters):
    """Take the diagonal of two axes that have one letter."""
    for letter in letters:
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            x = moveaxis(diagonal(x, axis1=first, axis2=second), -1, first)
            letters = letters[:second] + letters[second + 1 :]
    return x, letters


def _sizes(shapes, inputs, subscripts):
    """The size of every letter; 1 gives way to any other."""
    sizes = {}
    for shape, letters in zip(shapes, inputs, strict=True):
        for letter, size in zip(letters, shape, strict=True):
            known = sizes.get(letter, 1)
            if known != 1 and size != 1 and not may_agree((known,), (size,)):
                raise ValueError(
                    f"'{subscripts}': the axis '{letter}' has the sizes {known} and {size}."
                )
            sizes[letter] = size if known == 1 else known if size == 1 else known_of((known, size))
    return sizes


def _without_ones(x, letters, sizes):
    """Drop axes of size 1 that meet a larger size elsewhere: they are broadcast."""
    axes = [i for i, letter in enumerate(letters) if not (x.shape[i] == 1 and sizes[letter] != 1)]
    if len(axes) == len(letters):
        return x, letters
    return reshape(x, [x.shape[i] for i in axes]), "".join(letters[i] for i in axes)


_sums = Family(to_common, same, None)


@primitive(_sums, name="einsum", variadic=True)
def summed(xp, *xs, inputs, output):
    """The sum in plain form: `inputs` and `output` are strings of letters."""
    wide = xp.dtype("int32") if xs[0].dtype == "int8" else xs[0].dtype
    return contract_all(xp, [x.astype(wide, copy=False) for x in xs], inputs, output)


@summed.shape_rule
def _(xs, *, inputs, output):
    sizes = _sizes([x.shape for x in xs], inputs, f"{','.join(inputs)}->{output}")
    dtype = "int32" if xs[0].dtype == "int8" else xs[0].dtype
    return Abstract([sizes[letter] for letter in output], dtype)


@summed.vjp_all
def _(g, xs, inputs, output, needs):
    return [
        _gradient(g, xs, inputs, output, i) if needed else None for i, needed in enumerate(needs)
    ]


def _gradient(g, xs, inputs, output, i):
    """The gradient with respect to input `i`: the sum with `g` in its place."""
    others = [x for j, x in enumerate(xs) if j != i]
    letters = [letters for j, letters in enumerate(inputs) if j != i]
    present = set(output).union(*letters)
    summand = "".join(letter for letter in inputs[i] if letter in present)
    y = summed([g, *others], inputs=(output, *letters), output=summand)
    if summand == inputs[i]:
        return y
    shape = xs[i].shape
    spread = [size if c in present else 1 for c, size in zip(inputs[i], shape, strict=True)]
    return broadcast_to(reshape(y, spread), shape=shape)
