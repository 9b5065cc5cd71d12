"""A class-conditional GAN draws the digit that one asks for, by a discriminator that names it.

You learn a model with two outputs and two losses: the discriminator says whether a picture is real
and which digit it shows, and the generator, given noise and a digit, has to satisfy both answers.

A. Odena, C. Olah, J. Shlens, 2016: Conditional Image Synthesis with Auxiliary Classifier GANs.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2.datasets import digits
from minikeras.keras2.initializers import RandomNormal
from minikeras.keras2.layers import Dense, Dropout, Embedding, Flatten, Input, LeakyReLU, multiply
from minikeras.keras2.models import Model, Sequential
from minikeras.keras2.optimizers import Adam

NOISE, BATCH, STEPS = 32, 64, 2000
LOSSES = ["binary_crossentropy", "sparse_categorical_crossentropy"]


def build_generator():
    """(noise, digit) -> picture with 64 pixels from 0 to 1."""
    z, digit = Input(shape=(NOISE,)), Input(shape=(1,), dtype="int32")
    # One learned vector for each digit; noise scales its coordinates.
    vector = Embedding(10, NOISE, embeddings_initializer=RandomNormal(stddev=1.0))(digit)
    x = multiply([z, Flatten()(vector)])
    x = Dense(128, activation="relu")(x)
    x = Dense(128, activation="relu")(x)
    return Model([z, digit], Dense(64, activation="sigmoid")(x))


def build_discriminator():
    """Picture -> (probability that it is real, probabilities of the ten digits)."""
    picture = Input(shape=(64,))
    x = picture
    for _ in range(2):
        x = Dense(128)(x)
        x = LeakyReLU(0.2)(x)
        x = Dropout(0.3)(x)
    is_real = Dense(1, activation="sigmoid", name="is_real")(x)
    digit = Dense(10, activation="softmax", name="digit")(x)
    return Model(picture, [is_real, digit])


def build_judge():
    """A classifier that takes no part in the game, and judges its result."""
    judge = Sequential()
    judge.add(Dense(128, activation="relu", input_dim=64))
    judge.add(Dense(10, activation="softmax"))
    judge.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return judge


def compile_both(generator, discriminator):
    """Compile the discriminator, then the generator through the frozen discriminator."""
    discriminator.compile(optimizer=Adam(lr=5e-4, beta_1=0.5), loss=LOSSES)
    discriminator.trainable = False
    z, digit = Input(shape=(NOISE,)), Input(shape=(1,), dtype="int32")
    combined = Model([z, digit], discriminator(generator([z, digit])))
    combined.compile(optimizer=Adam(lr=5e-4, beta_1=0.5), loss=LOSSES)
    return combined


def ask(count):
    """Draw noise and digits for the generator."""
    return np.random.normal(size=(count, NOISE)), np.random.randint(10, size=(count, 1))


def train_step(generator, discriminator, combined, x_train, y_train):
    """One step of each player.

    With S = log P(is real or not) and C = log P(digit), the discriminator raises C + S, the
    generator C - S. Real pictures count as 0.9 real, so that D does not become too sure.
    """
    rows = np.random.randint(len(x_train), size=BATCH)
    z, digit = ask(BATCH)
    x = np.concatenate([x_train[rows], generator.predict_on_batch([z, digit])])
    is_real = np.repeat([0.9, 0.0], BATCH)
    discriminator.train_on_batch(x, [is_real, np.concatenate([y_train[rows], digit])])
    z, digit = ask(BATCH)
    combined.train_on_batch([z, digit], [np.full(BATCH, 0.9), digit])


def spread(x, y):
    """The standard deviation of a pixel among pictures of one digit, mean over the digits."""
    return np.mean([x[y[:, 0] == digit].std(axis=0).mean() for digit in range(10)])


def draw(generator, picture):
    """Save four generated pictures of each digit."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    places = figure.subplots(4, 10)
    wanted = np.tile(np.arange(10), 4)[:, np.newaxis]
    images = generator.predict([ask(40)[0], wanted]).reshape(40, 8, 8)
    for place, image in zip(places.flat, images, strict=True):
        place.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        place.set(xticks=[], yticks=[])
    for digit, place in enumerate(places[0]):
        place.set_title(f"asked: {digit}", fontsize=9)
    figure.savefig(picture, dpi=100)


def main(picture="class_conditional_gan.png"):
    """Train judge, discriminator and generator; print what the judge says; draw."""
    np.random.seed(1)
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    x_train, x_test = (x.reshape(-1, 64) / 16.0 for x in (x_train, x_test))
    y_train, y_test = y_train[:, np.newaxis], y_test[:, np.newaxis]
    judge = build_judge()
    judge.fit(x_train, y_train, batch_size=32, epochs=20, verbose=0)

    generator, discriminator = build_generator(), build_discriminator()
    combined = compile_both(generator, discriminator)
    z, digit = ask(1000)
    print(f"{'':32}{'judge agrees':>13}{'spread':>8}")
    real = spread(x_test, y_test)
    print(f"{'test digits':32}{judge.evaluate(x_test, y_test, verbose=0)[1]:13.1%}{real:8.3f}")
    for step in range(STEPS + 1):
        if step in (0, STEPS // 5, STEPS):
            images = generator.predict([z, digit])
            agrees = judge.evaluate(images, digit, verbose=0)[1]
            varied = spread(images, digit)
            print(f"{f'generated, after {step} steps':32}{agrees:13.1%}{varied:8.3f}")
        train_step(generator, discriminator, combined, x_train, y_train)
    assert agrees > 0.8
    assert varied > 0.4 * real  # not one picture again and again
    draw(generator, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
