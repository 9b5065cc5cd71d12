"""A variational autoencoder places the digits in a plane, where every point decodes to a picture.

You learn two idioms for a loss that needs more than targets and outputs: a loss function that
closes over inner tensors, and `model.add_loss(tensor)`. Both train the same network.

D. Kingma, M. Welling, 2013: Auto-Encoding Variational Bayes.
"""

import sys

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2 import losses
from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import Dense, Input, Lambda
from minikeras.keras2.models import Model, Sequential

EPOCHS, BATCH = 120, 64


def sampling(parameters):
    """z = m + exp(log_var / 2) e with e ~ N(0, 1): random, yet differentiable in m and log_var."""
    mean, log_var = parameters
    return mean + K.exp(log_var / 2) * K.random_normal(K.shape(mean))


def build():
    """Encoder to a mean and a variance for each of two coordinates, sampling, decoder."""
    x = Input(shape=(64,))
    hidden = Dense(128, activation="relu")(x)
    z_mean, z_log_var = Dense(2)(hidden), Dense(2)(hidden)
    z = Lambda(sampling)([z_mean, z_log_var])
    decoder = Sequential()
    decoder.add(Dense(128, activation="relu", input_shape=(2,)))
    decoder.add(Dense(64, activation="sigmoid"))
    return x, z_mean, z_log_var, decoder, decoder(z)


def negative_elbo(x, decoded, z_mean, z_log_var):
    """-log p(x | z) + KL(q(z | x) || N(0, 1)), the bound on -log p(x), in nats a picture."""
    reconstruction = 64 * losses.binary_crossentropy(x, decoded)
    # KL = -1/2 sum(1 + log_var - m^2 - exp(log_var))
    kl = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
    return reconstruction + kl


def train_by_closure(x_train, x_test):
    """The first idiom: the loss gets target and output, and closes over the inner tensors."""
    x, z_mean, z_log_var, decoder, decoded = build()

    def loss(target, output):
        return negative_elbo(target, output, z_mean, z_log_var)

    vae = Model(x, decoded)
    vae.compile(optimizer="rmsprop", loss=loss)
    vae.fit(x_train, x_train, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return vae.evaluate(x_test, x_test, verbose=0), Model(x, z_mean), decoder


def train_by_add_loss(x_train, x_test):
    """The second idiom: the loss is a tensor of the graph, and there are no targets."""
    x, z_mean, z_log_var, decoder, decoded = build()
    vae = Model(x, decoded)
    vae.add_loss(K.mean(negative_elbo(x, decoded, z_mean, z_log_var)))
    vae.compile(optimizer="rmsprop")
    vae.fit(x_train, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return vae.evaluate(x_test, None, verbose=0), Model(x, z_mean), decoder


def crossentropy(x, p):
    """What pictures cost that are known to be drawn by p: -sum(x log p + (1 - x) log(1 - p))."""
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -np.mean(np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1))


def neighbor_accuracy(codes, labels, test_codes, test_labels):
    """How often the nearest training picture in the plane shows the same digit."""
    distance = np.sum(np.square(test_codes[:, np.newaxis] - codes), axis=-1)
    return np.mean(labels[distance.argmin(axis=1)] == test_labels)


def draw(codes, labels, decoder, picture):
    """Save where the test digits lie, and what a grid of points decodes to."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    gray = colormaps["gray_r"].resampled(16)
    left, right = figure.subplots(1, 2)
    points = left.scatter(*codes.T, c=labels, cmap="tab10", s=8, antialiaseds=False)
    figure.colorbar(points, ax=left, ticks=range(10), label="digit")
    left.set(title="Test digits in the plane", xlabel="z1", ylabel="z2", xlim=(-3, 3), ylim=(-3, 3))
    steps = np.linspace(-2, 2, 11)
    grid = np.array([(z1, z2) for z2 in steps[::-1] for z1 in steps])
    images = np.pad(decoder.predict(grid).reshape(-1, 8, 8), [(0, 0), (2, 2), (2, 2)])
    rows = images.reshape(11, 11, 12, 12).transpose(0, 2, 1, 3)
    right.imshow(
        rows.reshape(132, 132), cmap=gray, interpolation="nearest", extent=(-2.2, 2.2, -2.2, 2.2)
    )
    right.set(title="What points decode to", xlabel="z1", ylabel="z2")
    figure.savefig(picture, dpi=100)


def main(picture="variational_autoencoder.png"):
    """Train by both idioms, compare them, and draw the plane of the second."""
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    x_train, x_test = (x.reshape(-1, 64) / 16.0 for x in (x_train, x_test))

    baseline = crossentropy(x_test, x_train.mean(axis=0))
    print(f"{'':20}{'nats a picture':>15}{'nearest neighbor':>18}")
    print(f"{'the mean picture':20}{baseline:15.2f}")
    print(f"{'the picture itself':20}{crossentropy(x_test, x_test):15.2f}")
    results = []
    for train in (train_by_closure, train_by_add_loss):
        np.random.seed(1)
        loss, encoder, decoder = train(x_train, x_test)
        codes = encoder.predict(x_test)
        nearest = neighbor_accuracy(encoder.predict(x_train), y_train, codes, y_test)
        print(f"{train.__name__:20}{loss:15.2f}{nearest:18.1%}")
        results.append(loss)
        assert loss < baseline - 1
        assert nearest > 0.5
    assert abs(results[0] - results[1]) < 0.1
    draw(codes, y_test, decoder, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
