"""Sums of products of arrays with lettered axes, two at a time, each as a product of matrices.

For two arrays a letter is one of four kinds: in both and in the result (the matrices are stacked
along it), in both only (summed over by the product), or in one of them and the result (the rows or
the columns). Source of the order for more than two: `numpy.einsum_path`, greedy.
"""

import numpy as np

from minikeras.kernels.shared.products import matrix_product


def contract_all(xp, arrays, inputs, output):
    """Multiply arrays and sum over the letters that the output lacks.

    Args:
        xp: array module.
        arrays: list of arrays of one dtype.
        inputs: a string of different letters for the axes of every array.
        output: the letters of the result's axes.

    Returns:
        An array.
    """
    arrays, inputs = list(arrays), list(inputs)
    for places in _order(arrays, inputs, output):
        chosen = [(arrays.pop(i), inputs.pop(i)) for i in sorted(places, reverse=True)][::-1]
        wanted = set(output).union(*inputs)
        array, letters = chosen[0]
        for other, other_letters in chosen[1:]:
            array, letters = _contract(xp, array, letters, other, other_letters, wanted)
        arrays.append(array)
        inputs.append(letters)
    return _reduced(xp, arrays[0], inputs[0], output)


def _order(arrays, inputs, output):
    """Which arrays to join, step by step."""
    if len(arrays) == 1:
        return []
    if len(arrays) == 2:
        return [(0, 1)]
    spec = f"{','.join(inputs)}->{output}"
    return np.einsum_path(spec, *[np.broadcast_to(0, a.shape) for a in arrays])[0][1:]


def _reduced(xp, array, letters, output):
    """Sum over letters that are not wanted, and put the others in order."""
    gone = tuple(i for i, letter in enumerate(letters) if letter not in output)
    if gone:
        array = array.sum(axis=gone, dtype=array.dtype)
        letters = "".join(letter for letter in letters if letter in output)
    order = [letters.index(letter) for letter in output]
    return array if order == sorted(order) else array.transpose(order)


def _contract(xp, a, a_letters, b, b_letters, wanted):
    """Join two arrays; return the result with its letters."""
    both = [c for c in a_letters if c in b_letters]
    batch = "".join(c for c in both if c in wanted)
    summed = "".join(c for c in both if c not in wanted)
    rows = "".join(c for c in a_letters if c not in both and c in wanted)
    columns = "".join(c for c in b_letters if c not in both and c in wanted)
    sizes = dict(zip(a_letters + b_letters, a.shape + b.shape, strict=True))
    a = _reduced(xp, a, a_letters, batch + rows + summed)
    b = _reduced(xp, b, b_letters, batch + summed + columns)
    a = a.reshape(_grouped(sizes, batch, rows, summed))
    b = b.reshape(_grouped(sizes, batch, summed, columns))
    y = a * b if not summed else matrix_product(xp, a, b, a.dtype)
    letters = batch + rows + columns
    return y.reshape([sizes[c] for c in letters]), letters


def _grouped(sizes, batch, *groups):
    """A shape with every letter of the batch apart and one size for each other group."""
    joined = [int(np.prod([sizes[c] for c in group], dtype=int)) for group in groups]
    return [sizes[c] for c in batch] + joined
