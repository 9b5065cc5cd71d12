"""Mean teacher: a few labels and many pictures without, by agreement with an average of oneself.

You learn a training step written in the backend: a student trains by `K.gradients` through an
optimizer's `get_updates`, and in the same `K.function` the teacher's weights follow the student's
as a moving average.

A. Tarvainen, H. Valpola, 2017: Mean Teachers Are Better Role Models: Weight-averaged Consistency
Targets Improve Semi-supervised Deep Learning Results.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import Dense, Dropout, Flatten
from minikeras.keras2.losses import sparse_categorical_crossentropy
from minikeras.keras2.models import Sequential
from minikeras.keras2.optimizers import Adam

LABELED = 3  # pictures of each digit whose label we may use
BATCH, STEPS, SHOW = 50, 1000, 50
DECAY = 0.98  # of the moving average
CONSISTENCY = 3.0  # weight of the agreement, reached after the first part of the training


def build():
    """A small classifier."""
    model = Sequential()
    model.add(Flatten(input_shape=(8, 8, 1)))
    model.add(Dense(128, activation="relu"))
    model.add(Dropout(0.2))
    model.add(Dense(128, activation="relu"))
    model.add(Dropout(0.2))
    model.add(Dense(10, activation="softmax"))
    return model


def build_step(student, teacher):
    """A function of (labeled x, labels, one view of other x, another view of it, weight)."""
    x, y = K.placeholder((None, 8, 8, 1)), K.placeholder((None, 1))
    view, other_view = K.placeholder((None, 8, 8, 1)), K.placeholder((None, 8, 8, 1))
    weight = K.placeholder(())

    # L = crossentropy + weight * mean((student(view) - teacher(other view))^2)
    supervised = K.mean(sparse_categorical_crossentropy(y, student(x)))
    target = K.stop_gradient(teacher(other_view))
    consistency = K.mean(K.sum(K.square(student(view) - target), axis=-1))
    loss = supervised + weight * consistency

    updates = Adam(lr=3e-3).get_updates(loss=loss, params=student.trainable_weights)
    # t <- decay t + (1 - decay) s
    for t, s in zip(teacher.weights, student.weights, strict=True):
        updates.append(K.moving_average_update(t, s, DECAY))
    inputs = [x, y, view, other_view, weight, K.learning_phase()]
    return K.function(inputs, [supervised, consistency], updates=updates)


def jittered(x):
    """Another view of pictures: moved by up to a pixel, with a little noise."""
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    views = [
        image[row : row + 8, column : column + 8]
        for image, (row, column) in zip(padded, np.random.randint(3, size=(len(x), 2)), strict=True)
    ]
    return np.array(views) + 0.05 * np.random.normal(size=x.shape)


def accuracy(model, x, y):
    """The share of pictures whose digit is the most probable one."""
    return np.mean(model.predict(x).argmax(axis=-1) == y)


def train(weight, labeled, x_all, test):
    """Train student and teacher.

    Args:
        weight: of the consistency; 0 uses the labeled pictures alone.
        labeled: the pictures that have labels, and these.
        x_all: all pictures.
        test: pictures and labels to measure the accuracy.

    Returns:
        The accuracies of student and teacher every `SHOW` steps, of shape (..., 2).
    """
    np.random.seed(1)
    student, teacher = build(), build()
    teacher.set_weights(student.get_weights())
    step, history = build_step(student, teacher), []
    x, y = labeled
    for number in range(1, STEPS + 1):
        views = x_all[np.random.randint(len(x_all), size=BATCH)]
        ramp = weight * min(1.0, 2 * number / STEPS)  # early targets know little
        step([jittered(x), y[:, np.newaxis], jittered(views), jittered(views), ramp, 1])
        if number % SHOW == 0:
            history.append([accuracy(student, *test), accuracy(teacher, *test)])
    return np.array(history)


def draw(histories, picture):
    """Save the accuracies during training."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    axes = figure.subplots()
    steps = SHOW * np.arange(1, STEPS // SHOW + 1)
    for (name, history), color in zip(histories.items(), ("tab:gray", "tab:blue"), strict=True):
        axes.plot(steps, history[:, 0], ":", color=color, label=f"{name}: student")
        axes.plot(steps, history[:, 1], "-", color=color, label=f"{name}: teacher")
    axes.set(title=f"{10 * LABELED} labels", xlabel="step", ylabel="accuracy on test digits")
    axes.legend()
    figure.savefig(picture, dpi=100)


def main(picture="mean_teacher.png"):
    """Train on the labels alone and as mean teacher; compare and draw the accuracies."""
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    x_train, x_test = (x[..., np.newaxis] / 16.0 for x in (x_train, x_test))
    rows = np.concatenate([np.where(y_train == digit)[0][:LABELED] for digit in range(10)])
    labeled, test = (x_train[rows], y_train[rows]), (x_test, y_test)

    histories = {
        "labels alone": train(0.0, labeled, x_train, test),
        "mean teacher": train(CONSISTENCY, labeled, x_train, test),
    }
    print(f"{'accuracy with ' + str(len(rows)) + ' labels':26}{'student':>9}{'teacher':>9}")
    last = {name: history[-5:].mean(axis=0) for name, history in histories.items()}
    for name, (student, teacher) in last.items():
        print(f"{name:26}{student:9.1%}{teacher:9.1%}")
    assert last["mean teacher"][1] > last["labels alone"].max() + 0.02
    draw(histories, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
