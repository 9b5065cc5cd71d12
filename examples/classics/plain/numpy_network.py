"""A network of two layers in plain NumPy, beside the same network here.

You learn what `model.fit` computes: the forward pass, the chain rule backward through a softmax, a
matrix product and a tanh, and the step of gradient descent. Both networks start from the same
weights and see the same batches in the same order; after training, their weights are the same.

D. Rumelhart, G. Hinton, R. Williams, 1986: Learning Representations by Back-propagating Errors.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import minikeras.keras2 as keras
from minikeras.keras2 import backend as K
from minikeras.keras2.layers import Dense
from minikeras.keras2.models import Sequential
from minikeras.keras2.optimizers import SGD
from minikeras.keras2.utils import np_utils

HIDDEN, BATCH, EPOCHS, RATE = 36, 32, 30, 0.2


def load():
    """Digits as rows of 64 numbers from 0 to 1, and their classes as rows of ten."""
    (x, y), (x_test, y_test) = keras.datasets.digits.load_data()
    x, x_test = x.reshape(-1, 64) / 16.0, x_test.reshape(-1, 64) / 16.0
    return x, np_utils.to_categorical(y, 10), x_test, y_test


def forward(weights, x):
    """The values of the hidden units and the probabilities of the classes."""
    w1, b1, w2, b2 = weights
    h = np.tanh(x @ w1 + b1)  # h = tanh(x W1 + b1)
    z = h @ w2 + b2  # z = h W2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return h, e / e.sum(axis=1, keepdims=True)  # p = softmax(z)


def loss_of(p, y):
    """The mean over the batch of -log p of the right class."""
    return -np.mean(np.sum(y * np.log(p), axis=1))


def backward(weights, x, h, p, y):
    """The gradients of the loss, from the last layer to the first."""
    _, _, w2, _ = weights
    dz = (p - y) / len(x)  # dL/dz = (p - y) / n: softmax and cross-entropy together
    dw2, db2 = h.T @ dz, dz.sum(axis=0)  # dL/dW2 = h^T dL/dz
    dh = dz @ w2.T  # dL/dh = dL/dz W2^T
    da = dh * (1 - h**2)  # tanh' = 1 - tanh^2
    dw1, db1 = x.T @ da, da.sum(axis=0)
    return [dw1, db1, dw2, db2]


def train(weights, x, y):
    """Gradient descent in NumPy; returns the weights, and the loss of each epoch."""
    losses = []
    for _ in range(EPOCHS):
        total = 0.0
        for start in range(0, len(x), BATCH):
            part, target = x[start : start + BATCH], y[start : start + BATCH]
            h, p = forward(weights, part)
            total += loss_of(p, target) * len(part)
            gradients = backward(weights, part, h, p, target)
            weights = [w - RATE * g for w, g in zip(weights, gradients, strict=True)]
        losses.append(total / len(x))
    return weights, losses


def build():
    """The same network of layers."""
    model = Sequential()
    model.add(Dense(HIDDEN, input_dim=64, init="glorot_uniform", activation="tanh"))
    model.add(Dense(10, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=SGD(lr=RATE))
    return model


def draw(picture, losses, history, kernel):
    """Both learning curves, and what the hidden units look for."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.6))
    axes = left.subplots()
    axes.semilogy(history, color="#9ecae1", linewidth=6, label="model.fit")
    axes.semilogy(losses, color="#08306b", linewidth=1.5, label="NumPy")
    axes.set(title="Loss of both", xlabel="epoch")
    axes.legend()
    right.suptitle("Weights of the hidden units (blue: ink speaks for it)", fontsize=11)
    limit = np.abs(kernel).max()
    for cell, column in zip(right.subplots(4, 9).flat, kernel.T, strict=True):
        cell.imshow(column.reshape(8, 8), cmap="RdBu", vmin=-limit, vmax=limit)
        cell.set_axis_off()
    figure.savefig(picture)


def main(picture="numpy_network.png"):
    np.random.seed(1)
    K.set_floatx("float64")  # so that rounding cannot pass for a difference
    x, y, x_test, y_test = load()
    model = build()
    weights, losses = train(model.get_weights(), x, y)
    fitted = model.fit(x, y, batch_size=BATCH, nb_epoch=EPOCHS, shuffle=False, verbose=0)
    history = fitted.history["loss"]

    print("epoch   loss in NumPy   loss of fit")
    for epoch in (1, 2, 5, 10, EPOCHS):
        print(f"{epoch:5}   {losses[epoch - 1]:13.10f}   {history[epoch - 1]:13.10f}")
    pairs = zip(weights, model.get_weights(), strict=True)
    difference = max(np.abs(a - b).max() for a, b in pairs)
    right = np.mean(forward(weights, x_test)[1].argmax(axis=1) == y_test)
    alike = np.mean(forward(weights, x_test)[1].argmax(axis=1) == model.predict_classes(x_test))
    print(f"right on the test images: {right:.1%}; both say the same on {alike:.0%} of them")
    print(f"no weight differs by more than 1e-10: {difference < 1e-10}")

    assert difference < 1e-10, difference
    assert alike == 1 and right > 0.85
    draw(picture, losses, history, weights[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
