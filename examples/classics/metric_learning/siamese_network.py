"""A siamese network learns a distance: near for two pictures of one digit, far for different ones.

You learn how two inputs share the layers of one network, and how a loss of your own, the
contrastive loss, trains on pairs.

R. Hadsell, S. Chopra, Y. LeCun, 2006: Dimensionality Reduction by Learning an Invariant Mapping.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import Dense, Dropout, Flatten, Input, Lambda
from minikeras.keras2.models import Model, Sequential

MARGIN = 1.0  # how far apart different digits shall be


def build_base():
    """The network that both inputs share: a picture becomes a point with 32 coordinates."""
    base = Sequential()
    base.add(Flatten(input_shape=(8, 8)))
    base.add(Dense(128, activation="relu"))
    base.add(Dropout(0.1))
    base.add(Dense(32))
    return base


def euclidean_distance(points):
    """d = sqrt(sum((a - b)^2)); epsilon keeps its gradient finite where a equals b."""
    a, b = points
    return K.sqrt(K.maximum(K.sum(K.square(a - b), axis=1, keepdims=True), K.epsilon()))


def contrastive_loss(is_same, d):
    """L = s d^2 + (1 - s) max(0, m - d)^2, with s = 1 for two pictures of the same digit."""
    return K.mean(
        is_same * K.square(d) + (1 - is_same) * K.square(K.maximum(MARGIN - d, 0)), axis=-1
    )


def accuracy(is_same, d):
    """The share of pairs on the right side of half the margin."""
    return K.mean(K.equal(is_same, K.cast(d < MARGIN / 2, "float32")))


def make_pairs(x, y, count):
    """Draw pairs, of the same digit and of different digits in turn."""
    by_class = [np.where(y == digit)[0] for digit in range(10)]
    first, second, is_same = [], [], []
    for _ in range(count // 2):
        one, other = np.random.choice(10, size=2, replace=False)
        a, b = np.random.choice(by_class[one], size=2, replace=False)
        first += [a, a]
        second += [b, np.random.choice(by_class[other])]
        is_same += [1.0, 0.0]
    return [x[first], x[second]], np.array(is_same)


def draw(before, after, is_same, picture):
    """Save the distances of test pairs as histograms, before and after training."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, d, title in zip(
        figure.subplots(1, 2), (before, after), ("before training", "after training"), strict=True
    ):
        bins = np.linspace(0, d.max(), 40)
        axes.hist(d[is_same == 1], bins, alpha=0.7, label="the same digit")
        axes.hist(d[is_same == 0], bins, alpha=0.7, label="different digits")
        axes.set(
            title=title, xlabel="distance of the two pictures", ylabel="pairs of test pictures"
        )
        axes.legend()
    axes.axvline(MARGIN / 2, color="black", linestyle=":")
    figure.savefig(picture, dpi=100)


def main(picture="siamese_network.png"):
    """Train on pairs, measure distances of pairs of test pictures, and draw them."""
    np.random.seed(1)
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    pairs, is_same = make_pairs(x_train / 16.0, y_train, 8000)
    test_pairs, test_is_same = make_pairs(x_test / 16.0, y_test, 2000)

    base = build_base()
    left, right = Input(shape=(8, 8)), Input(shape=(8, 8))
    distance = Lambda(euclidean_distance, output_shape=(1,))([base(left), base(right)])
    model = Model([left, right], distance)
    before = model.predict(test_pairs)[:, 0]

    model.compile(loss=contrastive_loss, optimizer="rmsprop", metrics=[accuracy])
    model.fit(pairs, is_same, batch_size=64, epochs=10, verbose=0)
    after = model.predict(test_pairs)[:, 0]

    print(f"{'mean distance':16}{'same digit':>12}{'different':>12}{'ratio':>8}")
    ratios = []
    for name, d in (("before training", before), ("after", after)):
        same, different = d[test_is_same == 1].mean(), d[test_is_same == 0].mean()
        ratios.append(different / same)
        print(f"{name:16}{same:12.3f}{different:12.3f}{ratios[-1]:8.2f}")
    right_side = model.evaluate(test_pairs, test_is_same, verbose=0)[1]
    print(f"pairs of test pictures on the right side of {MARGIN / 2}: {right_side:.1%}")
    assert right_side > 0.87
    assert ratios[1] > 1.7 * ratios[0]
    draw(before, after, test_is_same, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
