"""Operations counted: what a tensor cost that was just computed, from the tape that made it.

The nodes of the tape name each op that ran, with the shapes of its inputs and outputs. A product of
matrices of `(n, k)` and `(k, m)` counts `2 n k m`: as many multiplications as additions. An op that
computes element by element counts one for each element of its output, and what only moves numbers
counts nothing.
"""

from math import prod


def flops_of(tensors):
    """Count the operations by which tensors were computed from what their tape watches.

    Args:
        tensors: list of tensors.

    Returns:
        An int.
    """
    seen, total, stack = set(), 0, [t.node for t in tensors]
    while stack:
        node = stack.pop()
        if node is None or node.primitive is None or id(node) in seen:
            continue
        seen.add(id(node))
        total += _of_node(node)
        stack += [edge[0] for edge in node.parents if edge is not None]
    return total


def _of_node(node):
    inputs = [spec[0] if spec is not None else None for spec in node.specs]
    outputs = [shape for shape, _ in node.outputs]
    name = node.primitive.name
    if name in MOVES:
        return 0
    rule = RULES.get(name)
    return rule(inputs, outputs, node.statics) if rule else sum(map(prod, outputs))


def _dense(inputs, outputs, statics):
    x, _, bias = inputs
    each = 2 * x[-1] + (bias is not None) + bool(statics.get("relu"))
    return prod(outputs[0]) * each


def _matmul(inputs, outputs, _statics):
    return 2 * prod(outputs[0]) * inputs[0][-1]


def _einsum(inputs, outputs, _statics):
    """Every index that the output lacks is summed over."""
    return 2 * round((prod(inputs[0]) * prod(inputs[1]) * prod(outputs[0])) ** 0.5)


def _convolution(inputs, outputs, statics):
    _, kernel, bias = inputs[:3]
    each = 2 * prod(kernel[:-1]) + (bias is not None) + bool(statics.get("relu"))
    return prod(outputs[0]) * each


def _transposed(inputs, outputs, _statics):
    x, kernel = inputs[:2]
    return 2 * prod(x) * prod(kernel[:-1]) + prod(outputs[0]) * (len(inputs) > 2)


def _depthwise(inputs, outputs, _statics):
    window = prod(inputs[1][:-2])
    bias = len(inputs) > 2 and inputs[2] is not None
    return prod(outputs[0]) * (2 * window + bias)


def _recurrent(elementwise):
    """A step takes two products with the kernels, and some operations for each unit."""

    def rule(inputs, _outputs, _statics):
        (batch, steps, features), (_, columns), (units, _), bias = inputs[:4]
        products = 2 * features * columns + 2 * units * columns + columns * (1 + (bias is not None))
        return batch * steps * (products + elementwise * units)

    return rule


def _reduction(inputs, _outputs, _statics):
    return prod(inputs[0])


MOVES = {
    "reshape", "transpose", "expand_dims", "squeeze", "cast", "stack", "concatenate", "split",
    "getitem", "slice", "pad", "flip", "roll", "repeat", "tile", "take", "broadcast_to", "moveaxis",
    "swapaxes", "identity", "gather",
}  # fmt: skip
"""Ops that copy or order numbers."""

RULES = {
    "dense": _dense,
    "matmul": _matmul,
    "dot": _matmul,
    "einsum": _einsum,
    "convolution": _convolution,
    "convolve": _convolution,
    "transposed_convolution": _transposed,
    "depthwise": _depthwise,
    "simple_rnn": _recurrent(1),
    "lstm": _recurrent(9),  # three sigmoids, two tanh, three products, a sum
    "gru": _recurrent(8),  # two sigmoids, a tanh, three products, a sum and a difference
    "sum": _reduction,
    "mean": _reduction,
    "max": _reduction,
}
"""How an op's operations follow from the shapes of its inputs and outputs."""
