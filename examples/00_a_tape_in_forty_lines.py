"""Automatic differentiation in forty lines.

You learn that automatic differentiation needs four parts: a tensor that knows which call computed
it, a node for each call, a vjp for each op, and a loop that visits the nodes from last to first.
Here are all four, in plain Python and NumPy; then the same four in `minikeras/autograd/`.

A vjp is a vector-Jacobian product. For an op y = f(x) on the way to a number L, it takes g = dL/dy,
the gradient with respect to the output, to dL/dx, the gradient with respect to the input. It never
forms the Jacobian dy/dx: for tanh, which works element by element, dL/dx = g * (1 - y**2).
"""

import heapq
import inspect
import itertools
from pathlib import Path

import numpy as np

import minikeras as keras
from minikeras.autograd.backward import backpropagate
from minikeras.autograd.node import Node as EngineNode
from minikeras.autograd.primitive import Primitive

# --- The forty lines -----------------------------------------------------------------------------

serials = itertools.count()


class Tensor:
    """An array, and the node that computed it."""

    def __init__(self, data, node=None):
        self.data = np.asarray(data)
        self.node = node or Node(None, ())  # no op: the backward pass ends here

    def __add__(self, other):
        return add(self, other)

    def __mul__(self, other):
        return multiply(self, other)


class Node:
    """One call of an op, and what its vjp will need: the inputs and the output `y`."""

    def __init__(self, op, inputs):
        self.serial, self.op, self.inputs, self.y = next(serials), op, inputs, None


class Op:
    """A kernel, which computes with arrays, and a vjp, which is written in ops."""

    def __init__(self, kernel, vjp):
        self.kernel, self.vjp = kernel, vjp

    def __call__(self, *inputs):
        node = Node(self, inputs)
        node.y = Tensor(self.kernel(*[x.data for x in inputs]), node)
        return node.y


add = Op(np.add, lambda g, y, a, b: (g, g))
negative = Op(np.negative, lambda g, y, x: (negative(g),))
multiply = Op(np.multiply, lambda g, y, a, b: (g * b, g * a))
transpose = Op(np.transpose, lambda g, y, x: (transpose(g),))
matmul = Op(np.matmul, lambda g, y, a, b: (matmul(g, transpose(b)), matmul(transpose(a), g)))
tanh = Op(np.tanh, lambda g, y, x: (g + negative(g * y * y),))


def gradient(target, sources):
    """Return dL/dx for every source x, where L is the sum of all entries of the target."""
    gradients = {target.node: Tensor(np.ones_like(target.data))}
    heap = [(-target.node.serial, target.node)]
    while heap:
        _, node = heapq.heappop(heap)  # the last call first: all its users have been visited
        if node.op is None:
            continue
        dxs = node.op.vjp(gradients[node], node.y, *node.inputs)
        for x, dx in zip(node.inputs, dxs, strict=True):
            if x.node in gradients:  # x was used more than once: its gradients add up
                gradients[x.node] = gradients[x.node] + dx
            else:
                gradients[x.node] = dx
                heapq.heappush(heap, (-x.node.serial, x.node))
    return [gradients.get(x.node) for x in sources]


# --- A gradient, and what the engine says --------------------------------------------------------

# L = sum(h * h) with h = tanh(x @ w): a layer of a network, and a loss. `h` is used twice.
rng = np.random.default_rng(1)
x, w = Tensor(rng.normal(size=(4, 3))), Tensor(rng.normal(size=(3, 2)))
h = tanh(matmul(x, w))
loss = h * h
dw, dx = gradient(loss, [w, x])


def engine_gradients():
    """The same with minikeras: dL/dw, dL/dx, and the gradient of sum(dL/dw) with respect to w."""
    a, b = keras.ops.convert_to_tensor(x.data), keras.ops.convert_to_tensor(w.data)
    with keras.GradientTape() as outer:
        outer.watch(b)
        with keras.GradientTape() as inner:
            inner.watch([a, b])
            h = keras.ops.tanh(a @ b)
            loss = h * h
        db, da = inner.gradient(loss, [b, a])
    return db, da, outer.gradient(db, b)


engine_dw, engine_dx, engine_ddw = engine_gradients()
print("dL/dw by the forty lines", dw.data.round(4).tolist())
print("dL/dw by the engine     ", engine_dw.numpy().round(4).tolist())
np.testing.assert_allclose(dw.data, engine_dw, rtol=1e-12)
np.testing.assert_allclose(dx.data, engine_dx, rtol=1e-12)

# --- A gradient of the gradient, for nothing -----------------------------------------------------

# The vjps are written in ops, so the backward pass recorded nodes of its own: `dw` knows how it was
# computed. This is why no op of the engine needs a second derivative rule, or a third.
(ddw,) = gradient(dw, [w])
print("\nonce more, with respect to w:", ddw.data.round(4).tolist())
np.testing.assert_allclose(ddw.data, engine_ddw, rtol=1e-10)

# --- The same parts in the engine ----------------------------------------------------------------


def where(thing):
    """The file and the line where something is defined."""
    path = Path(inspect.getsourcefile(thing)).relative_to(Path(keras.__file__).parent.parent)
    return f"{path.as_posix()}:{inspect.getsourcelines(thing)[1]}"


print("\nhere       in the engine")
for ours, theirs in [
    (Tensor, keras.Tensor),
    (Node, EngineNode),
    (Op, Primitive),
    (gradient, backpropagate),
]:
    print(f"{ours.__name__:10} {theirs.__name__:14} {where(theirs)}")

# A kernel of the engine also takes `xp`, the module of its arrays: NumPy, or CuPy on a GPU.
kernel = inspect.unwrap(keras.ops.multiply)
vjps = [keras.ops.multiply.vjps[i].function for i in (0, 1)]
print(f"multiply   multiply       {where(kernel)}")

# A vjp of the engine asks for what it needs by the names of its parameters, and the node saves that
# and nothing else: one for `x1` asks for `x2`. Each input has a vjp of its own, so that a gradient
# that nobody wants is never computed. Broadcasting is undone by the mechanism, for all ops alike.
print("\nIts vjps, one for each input:\n")
print("\n".join(inspect.getsource(vjp) for vjp in vjps))

# The loop is the one above. It also takes ops of several outputs (`index`), stops at the earliest
# source, and releases what a node saved as soon as the node has been visited. And a node saves
# arrays, not tensors: else `node.y.node` would be the node, a cycle that holds its own memory.
_, loop, body = inspect.getsource(backpropagate).partition("    while heap:")
print("The loop over the nodes:\n")
print(loop + body)
assert "heappop" in body
