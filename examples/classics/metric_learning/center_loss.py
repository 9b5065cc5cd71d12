"""Center loss draws the features of a class together, around a center that is learned, too.

You learn how a second loss reaches an inner layer: the centers are an `Embedding` of the label, and
the squared distance to the center is a second output, whose loss is the output itself.

Y. Wen, K. Zhang, Z. Li, Y. Qiao, 2016: A Discriminative Feature Learning Approach for Deep Face
Recognition.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import Dense, Embedding, Flatten, Input, Lambda, PReLU
from minikeras.keras2.models import Model

EPOCHS, BATCH = 25, 32


def squared_distance(tensors):
    """|f - c|^2, a number for each picture."""
    features, center = tensors
    return K.sum(K.square(features - center), axis=1, keepdims=True)


def the_output_itself(_, output):
    """A loss without targets: L = |f - c|^2 is computed in the model."""
    return output


def build():
    """A model (picture, label) -> (probabilities, distance to the center), and its features."""
    x, label = Input(shape=(64,)), Input(shape=(1,), dtype="int32")
    hidden = PReLU()(Dense(128)(x))
    hidden = PReLU()(Dense(64)(hidden))
    features = Dense(2, name="features")(hidden)
    probabilities = Dense(10, activation="softmax", name="digit")(features)
    center = Flatten()(Embedding(10, 2, name="centers")(label))
    distance = Lambda(squared_distance, name="distance")([features, center])
    return Model([x, label], [probabilities, distance]), Model(x, features)


def train(weight, x, y):
    """Train with L = crossentropy + weight |f - c|^2."""
    np.random.seed(1)
    model, features = build()
    model.compile(
        optimizer="adam",
        loss=["sparse_categorical_crossentropy", the_output_itself],
        loss_weights=[1.0, weight],
        metrics={"digit": "accuracy"},
    )
    # The second target is not used; its shape must be that of the output.
    model.fit([x, y], [y, np.zeros_like(y)], batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return model, features


def tightness(features, y):
    """How far features lie from their class's middle, against how far the middles lie apart.

    The median passes over the pictures that are taken for another digit.
    """
    middles = np.array([np.median(features[y == digit], axis=0) for digit in range(10)])
    within = np.median(np.linalg.norm(features - middles[y], axis=1))
    apart = np.linalg.norm(middles[:, np.newaxis] - middles, axis=-1)
    return within / apart[np.triu_indices(10, k=1)].mean()


def draw(panels, y, picture):
    """Save the features of the test digits in the plane, for each weight."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, (weight, features) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        points = axes.scatter(*features.T, c=y, cmap="tab10", s=6, antialiaseds=False)
        axes.set(title=f"weight of the center loss: {weight}", xticks=[], yticks=[])
    figure.colorbar(points, ax=axes, ticks=range(10), label="digit")
    figure.supxlabel("two features of each test digit")
    figure.savefig(picture, dpi=100)


def main(picture="center_loss.png"):
    """Train with three weights, compare how tight the classes are, and draw the features."""
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    x_train, x_test = (x.reshape(-1, 64) / 16.0 for x in (x_train, x_test))
    labels, test_labels = y_train[:, np.newaxis], y_test[:, np.newaxis]

    panels, ratios = [], []
    print(f"{'weight':>7}{'accuracy':>10}{'spread in a class / between classes':>37}")
    for weight in (0.0, 0.003, 0.03):
        model, feature_model = train(weight, x_train, labels)
        scores = model.evaluate([x_test, test_labels], [test_labels, test_labels], verbose=0)
        accuracy = scores[model.metrics_names.index("digit_acc")]
        features = feature_model.predict(x_test)
        panels.append((weight, features))
        ratios.append(tightness(features, y_test))
        print(f"{weight:7}{accuracy:10.1%}{ratios[-1]:37.3f}")
        assert accuracy > 0.75
    assert ratios[2] < 0.85 * ratios[0]
    draw(panels, y_test, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
