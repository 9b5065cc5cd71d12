"""A rank correlation as a loss: a small network learns to rank, and then trains another network.

You learn to use a trained model inside a loss. Ranks are steps, whose derivative is zero wherever
there is one; so a comparator, applied to all pairs, is trained on random numbers to tell how many
are smaller. It is smooth: fixed, it stands inside the loss of a second model, which learns from
ranks alone. Targets with a long tail and gross errors, which spoil a squared error, do not matter.

C. Spearman, 1904: The Proof and Measurement of Association between Two Things.
M. Engilberge, L. Chevallier, P. Pérez, M. Cord, 2019: SoDeep: A Sorting Deep Net to Learn Ranking
Loss Surrogates.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2.layers import Convolution2D, Dense, Input, Lambda, TimeDistributed
from minikeras.keras2.models import Model
from minikeras.keras2.optimizers import Adam

ITEMS, FEATURES = 16, 6


def ranks(x):
    """How many items of each row are smaller, item by item: from 0 to n - 1."""
    return x.argsort(axis=-1).argsort(axis=-1).astype("float32")


def spearman(x, y):
    """The mean over the rows of rho = 1 - 6 sum_i (rank x_i - rank y_i)^2 / (n (n^2 - 1))."""
    n = x.shape[-1]
    distance = np.square(ranks(x) - ranks(y)).sum(axis=-1)
    return np.mean(1 - 6 * distance / (n * (n**2 - 1)))


def build_sorter():
    """From scores to ranks that have a gradient: rank_i = sum_j f(x_i - x_j), f is learned."""
    scores = Input(shape=(ITEMS,))

    def differences(x):
        x = (x - K.mean(x, axis=1, keepdims=True)) / (K.std(x, axis=1, keepdims=True) + 1e-6)
        return K.expand_dims(K.expand_dims(x, 2) - K.expand_dims(x, 1), 3)

    d = Lambda(differences, output_shape=(ITEMS, ITEMS, 1))(scores)
    f = Convolution2D(8, 1, 1, activation="tanh")(d)  # the same for each pair
    f = Convolution2D(1, 1, 1, activation="sigmoid")(f)
    # f(x_i - x_i) = f(0) counts no item.
    ranking = Lambda(lambda f: K.sum(f, axis=[2, 3]) - 0.5, output_shape=(ITEMS,))(f)
    sorter = Model(input=scores, output=ranking)
    sorter.compile(optimizer=Adam(lr=0.01), loss="mae")
    return sorter


def rank_loss(sorter):
    """A loss of scores: n (n^2 - 1) / 6 (1 - rho) / n, with the ranks of the sorter."""

    def loss(y_true, y_pred):
        return K.mean(K.square(sorter(y_pred) - y_true), axis=-1)

    return loss


def build_scorer(loss):
    """A linear score of each item of a list, by the features of the item alone."""
    items = Input(shape=(ITEMS, FEATURES))
    score = TimeDistributed(Dense(1, use_bias=False))(items)
    score = Lambda(lambda s: K.squeeze(s, 2), output_shape=(ITEMS,))(score)
    model = Model(input=items, output=score)
    model.compile(optimizer=Adam(lr=0.01), loss=loss)
    return model


def make_lists(random, count, direction, errors):
    """Lists of items, and what they are worth: exp(2 s) of a score s; some values are wrong."""
    items = random.randn(count, ITEMS, FEATURES)
    worth = np.exp(2 * items @ direction)
    wrong = random.rand(*worth.shape) < errors
    return items, np.where(wrong, 1000 * random.rand(*worth.shape), worth)


def draw(picture, sorter, correlations):
    """The learned comparison, the ranks of the sorter, and both correlations."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.8))
    random = np.random.RandomState(2)
    x = np.sort(random.randn(1, ITEMS))
    grid = np.linspace(-2.5, 2.5, 200)
    others = np.repeat(x, len(grid), axis=0)
    others[:, 0] = grid
    left.plot(grid, ranks(others)[:, 0], color="#bdbdbd", linewidth=4, label="true rank")
    left.plot(grid, sorter.predict(others)[:, 0], color="#08306b", label="sorter")
    left.set(title="Rank of one score among others", xlabel="score")
    left.legend()
    x = random.randn(40, ITEMS)
    middle.plot(ranks(x).ravel(), sorter.predict(x).ravel(), ".", alpha=0.3, color="#08306b")
    middle.set(title="Ranks by the sorter", xlabel="true rank")
    right.bar(correlations.keys(), correlations.values(), color=["#9ecae1", "#08306b"])
    right.set(title="Spearman correlation", ylim=(0, 1))
    figure.savefig(picture)


def main(picture="spearman_loss.png"):
    np.random.seed(1)
    random = np.random.RandomState(1)
    sorter = build_sorter()
    x = random.randn(4000, ITEMS)
    sorter.fit(x, ranks(x), batch_size=32, nb_epoch=6, verbose=0)
    error = sorter.evaluate(x[:500], ranks(x[:500]), verbose=0)
    print(f"ranks from 0 to {ITEMS - 1}: the sorter is off by {error:.2f} in the mean")
    sorter.trainable = False
    fixed = sorter.get_weights()

    direction = random.randn(FEATURES) / np.sqrt(FEATURES)
    items, worth = make_lists(random, 60, direction, errors=0.05)
    new_items, new_worth = make_lists(random, 200, direction, errors=0)
    targets = {
        "squared error": ("mse", (worth - worth.mean()) / worth.std()),
        "rank loss": (rank_loss(sorter), ranks(worth)),
    }
    correlations = {}
    print("Spearman correlation on new lists")
    for name, (loss, target) in targets.items():
        scorer = build_scorer(loss)
        scorer.fit(items, target, batch_size=6, nb_epoch=50, verbose=0)
        correlations[name] = spearman(scorer.predict(new_items), new_worth)
        print(f"{name:14} {correlations[name]:.3f}")
    assert error < 0.7 and all(map(np.array_equal, fixed, sorter.get_weights()))
    assert correlations["rank loss"] > 0.97 > correlations["squared error"] + 0.05
    draw(picture, sorter, correlations)


if __name__ == "__main__":
    main(*sys.argv[1:])
