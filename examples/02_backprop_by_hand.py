"""Backpropagation by hand.

You learn that backpropagation is nothing but the chain rule, applied from the last line of the
computation to the first. Every formula for a two-layer network is written out in NumPy and compared
with what the tape finds.

To click through these formulas with their numbers: `minikeras explain`, the tab Backward.

The network, for a batch X of n rows (sizes in brackets):

    Z = X W1 + b1          (n, hidden)
    H = max(Z, 0)          (n, hidden)
    S = H W2 + b2          (n, classes)   the scores, also called logits
    P = softmax(S)         (n, classes)   the probabilities
    loss = mean over the batch of -log P[row, label]
"""

import numpy as np

import minikeras as keras

ops = keras.ops

n, features, hidden, classes = 16, 5, 8, 3
rng = np.random.default_rng(1)
X = rng.normal(size=(n, features))
labels = rng.integers(0, classes, n)
W1, b1 = rng.normal(size=(features, hidden)), rng.normal(size=hidden)
W2, b2 = rng.normal(size=(hidden, classes)), rng.normal(size=classes)

# --- Forward, saving what the backward pass will need --------------------------------------------

Z = X @ W1 + b1
H = np.maximum(Z, 0)
S = H @ W2 + b2
# Subtracting the row's largest score changes no probability and keeps exp from overflowing.
E = np.exp(S - S.max(axis=1, keepdims=True))
P = E / E.sum(axis=1, keepdims=True)
loss = -np.log(P[np.arange(n), labels]).mean()

# --- Backward: dA stands for the gradient of the loss with respect to A, and has A's shape --------

# Softmax and cross-entropy together have a gradient so simple that nobody computes them apart:
# the probability minus one at the right class, minus nothing elsewhere. The mean brings 1/n.
Y = np.eye(classes)[labels]
dS = (P - Y) / n

# S = H W2 + b2. An entry of W2 joins one hidden unit with one score in every row, so its gradient
# sums over the rows: that is a product with the transpose. The bias is added to all rows: a sum.
dW2 = H.T @ dS
db2 = dS.sum(axis=0)
dH = dS @ W2.T

# max(Z, 0) lets the gradient through where Z is positive and stops it elsewhere.
dZ = dH * (Z > 0)

# Z = X W1 + b1 is the same kind of line as S = H W2 + b2, and so are its gradients.
dW1 = X.T @ dZ
db1 = dZ.sum(axis=0)
dX = dZ @ W1.T  # what a layer before this network would receive

# --- The same network on the tape ----------------------------------------------------------------

weights = [keras.Variable(w) for w in (W1, b1, W2, b2)]
x = ops.convert_to_tensor(X)
with keras.GradientTape() as tape:
    tape.watch(x)
    w1, c1, w2, c2 = weights
    scores = ops.relu(x @ w1 + c1) @ w2 + c2
    losses = keras.losses.sparse_categorical_crossentropy(labels, scores, from_logits=True)
    tape_loss = ops.mean(losses)
gradients = tape.gradient(tape_loss, [x, *weights])

print(f"loss by hand {loss:.12f}, on the tape {float(tape_loss):.12f}\n")
np.testing.assert_allclose(loss, tape_loss, rtol=1e-12)

names = ["X", "W1", "b1", "W2", "b2"]
for name, mine, theirs in zip(names, [dX, dW1, db1, dW2, db2], gradients, strict=True):
    difference = np.abs(mine - theirs.numpy()).max()
    print(f"dL/d{name:2}  shape {mine.shape!s:8}  largest difference {difference:.1e}")
    np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-14)

# --- What the gradient is for --------------------------------------------------------------------

# One small step against the gradient lowers the loss by the step times the gradient's squared
# length, up to terms of second order: that is what "gradient" means.
step = 1e-4
for weight, gradient in zip(weights, gradients[1:], strict=True):
    weight.assign_sub(step * gradient)
w1, c1, w2, c2 = weights
scores = ops.relu(x @ w1 + c1) @ w2 + c2
losses = keras.losses.sparse_categorical_crossentropy(labels, scores, from_logits=True)
after = ops.mean(losses)
promised = step * sum(float(ops.sum(g * g)) for g in gradients[1:])
gained = loss - float(after)
print(f"\na step of {step} promised to lower the loss by {promised:.3e}: it fell by {gained:.3e}")
np.testing.assert_allclose(gained, promised, rtol=1e-2)
