"""Captions for pictures: a convolutional network beside an LSTM that knows the words so far.

You learn to join two branches. One sees the picture and gives one vector, which is repeated for
each word; the other reads the words of the caption so far; an LSTM over both says which word is
next. In training it is told the right words so far, at all steps at once. A new picture is
described by beginning with nothing and taking the likeliest word, again and again.

O. Vinyals, A. Toshev, S. Bengio, D. Erhan, 2015: Show and Tell: A Neural Image Caption Generator.
"""

import sys

import numpy as np
from _shapes import COLOURS, SHAPES, blank, paint
from matplotlib.figure import Figure

from minikeras.keras2.layers import (
    LSTM,
    Activation,
    Convolution2D,
    Dense,
    Embedding,
    Flatten,
    Input,
    MaxPooling2D,
    RepeatVector,
    TimeDistributedDense,
    merge,
)
from minikeras.keras2.models import Model
from minikeras.keras2.optimizers import Adam

SIZE, LENGTH, EPOCHS = 20, 8, 18
BEGIN, END = "<begin>", "<end>"
VOCABULARY = [BEGIN, END, "a", *COLOURS, *SHAPES, "above", "beside"]


def make(random, count):
    """Pictures of two shapes, and their captions as rows of numbers of words."""
    pictures, captions = [], []
    for _ in range(count):
        first, second = (
            (random.choice(SHAPES), random.choice([*COLOURS]), random.uniform(2.6, 4))
            for _ in range(2)
        )
        relation = random.choice(["above", "beside"])
        at = np.array([[5, 10], [14, 10]] if relation == "above" else [[10, 5], [10, 14]])
        at = at + random.uniform(-1, 1, size=(2, 2))
        picture = blank(SIZE)
        for (shape, colour, radius), (row, column) in zip((first, second), at, strict=True):
            paint(picture, shape, colour, row, column, radius)
        pictures.append(picture)
        text = f"{BEGIN} a {first[1]} {first[0]} {relation} a {second[1]} {second[0]} {END}"
        captions.append([VOCABULARY.index(word) for word in text.split()])
    return np.array(pictures), np.array(captions)


def build():
    """p(word t + 1 | picture, words 1 to t), for all t at once."""
    picture = Input(shape=(SIZE, SIZE, 3))
    seen = Convolution2D(16, 3, 3, activation="relu", dim_ordering="tf")(picture)
    seen = MaxPooling2D((2, 2))(seen)
    seen = Convolution2D(32, 3, 3, activation="relu", dim_ordering="tf")(seen)
    seen = MaxPooling2D((2, 2))(seen)
    seen = Dense(64, activation="relu")(Flatten()(seen))
    words = Input(shape=(LENGTH,), dtype="int32")
    said = Embedding(input_dim=len(VOCABULARY), output_dim=16, input_length=LENGTH)(words)
    both = merge([RepeatVector(LENGTH)(seen), said], mode="concat", concat_axis=-1)
    following = LSTM(output_dim=64, return_sequences=True)(both)
    following = TimeDistributedDense(len(VOCABULARY))(following)
    model = Model(input=[picture, words], output=Activation("softmax")(following))
    model.compile(loss="sparse_categorical_crossentropy", optimizer=Adam(lr=0.003))
    return model


def describe(model, pictures):
    """Captions, word by word: the likeliest one that follows those before it."""
    words = np.zeros((len(pictures), LENGTH + 1), dtype="int32")  # VOCABULARY[0] begins
    for t in range(LENGTH):
        p = model.predict([pictures, words[:, :LENGTH]])[:, t]
        words[:, t + 1] = p.argmax(axis=-1)
    return words


def as_text(words):
    """A caption without its begin and end."""
    return " ".join(VOCABULARY[i] for i in words if VOCABULARY[i] not in (BEGIN, END))


def draw(picture, pictures, captions):
    """New pictures over what the network says of them."""
    figure = Figure(figsize=(9, 2.25), layout="constrained")
    for axes, image, words in zip(figure.subplots(1, 6), pictures, captions, strict=False):
        axes.imshow(image)
        axes.set(xticks=[], yticks=[])
        lines = as_text(words).replace(" above ", "\nabove\n").replace(" beside ", "\nbeside\n")
        axes.set_xlabel(lines, fontsize=9)
    figure.savefig(picture)


def main(picture="caption_generator.png"):
    np.random.seed(1)
    random = np.random.RandomState(1)
    pictures, captions = make(random, 1500)
    model = build()
    history = model.fit(
        [pictures, captions[:, :-1]],
        captions[:, 1:, None],
        batch_size=32,
        nb_epoch=EPOCHS,
        verbose=0,
    ).history["loss"]

    new_pictures, true_captions = make(random, 300)
    written = describe(model, new_pictures)
    for words, true in [*zip(written, true_captions, strict=True)][:6]:
        print(
            f"{as_text(words):40} {'' if np.array_equal(words, true) else as_text(true)}".rstrip()
        )
    right = np.mean((written == true_captions).all(axis=1))
    print(f"loss {history[0]:.2f} in the first epoch, {history[-1]:.2f} in the last")
    print(f"captions without any fault: {right:.0%} of {len(written)} new pictures")
    assert right > 0.75, right
    draw(picture, new_pictures, written)


if __name__ == "__main__":
    main(*sys.argv[1:])
