"""Questions about a picture: what colour, what shape, how many.

You learn to let two inputs of different kinds meet. An LSTM reads the question; convolutions read
the picture; then, at each place of the picture, a small network sees what is there beside what is
asked. The sum over the places answers: a sum can count, and does not mind where a shape stands.

S. Antol et al., 2015: VQA: Visual Question Answering.
A. Santoro et al., 2017: A Simple Neural Network Module for Relational Reasoning.
"""

import sys

import numpy as np
from _shapes import COLOURS, SHAPES, blank, paint
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2.layers import (
    LSTM,
    Conv2D,
    Dense,
    Embedding,
    Input,
    Lambda,
    MaxPooling2D,
    RepeatVector,
    Reshape,
    TimeDistributed,
    concatenate,
)
from minikeras.keras2.models import Model
from minikeras.keras2.optimizers import Adam
from minikeras.keras2.preprocessing.sequence import pad_sequences
from minikeras.keras2.preprocessing.text import Tokenizer

SIZE, LENGTH, EPOCHS = 16, 6, 10
CELLS = [(3.5, 3.5), (3.5, 11.5), (11.5, 3.5), (11.5, 11.5)]
ANSWERS = [*COLOURS, *SHAPES, "0", "1", "2", "3"]


def questions_about(things):
    """All questions about a list of shapes and colours that have one answer, by kind."""
    for shape in SHAPES:
        colours = [c for s, c in things if s == shape]
        yield "how many", f"how many of them are a {shape}", str(len(colours))
        if len(colours) == 1:
            yield "colour", f"what colour is the {shape}", colours[0]
    for colour in COLOURS:
        shapes = [s for s, c in things if c == colour]
        yield "how many", f"how many of them are {colour}", str(len(shapes))
        if len(shapes) == 1:
            yield "shape", f"what shape is {colour}", shapes[0]


def make(random, count):
    """Pictures of some shapes, and of each a question: lists of its kind, words and answer."""
    pictures, asked = [], []
    for _ in range(count):
        picture, things = blank(SIZE), []
        for i in random.permutation(4)[: random.randint(1, 4)]:
            shape, colour = random.choice(SHAPES), random.choice([*COLOURS])
            things.append((shape, colour))
            paint(picture, shape, colour, *(CELLS[i] + random.uniform(-0.6, 0.6, 2)), 3.2)
        by_kind = {}
        for kind, question, answer in questions_about(things):
            by_kind.setdefault(kind, []).append((kind, question, answer))
        choices = by_kind[random.choice(sorted(by_kind))]
        pictures.append(picture)
        asked.append(choices[random.randint(len(choices))])
    return np.array(pictures), *map(list, zip(*asked, strict=True))


def build(words):
    """The probabilities of the answers to a question about a picture."""
    picture = Input(shape=(SIZE, SIZE, 3))
    seen = Conv2D(16, 3, padding="same", activation="relu")(picture)
    seen = MaxPooling2D(2)(seen)
    seen = Conv2D(24, 3, padding="same", activation="relu")(seen)
    seen = MaxPooling2D(2)(seen)
    places = SIZE // 4 * (SIZE // 4)
    seen = Reshape((places, 24))(seen)
    question = Input(shape=(LENGTH,), dtype="int32")
    asked = LSTM(24)(Embedding(words, 16, mask_zero=True)(question))
    # The same network at each place: h_i = relu(W [picture_i, question] + b)
    both = concatenate([seen, RepeatVector(places)(asked)])
    both = TimeDistributed(Dense(64, activation="relu"))(both)
    both = Dense(64, activation="relu")(Lambda(lambda h: K.sum(h, axis=1))(both))
    answer = Dense(len(ANSWERS), activation="softmax")(both)
    model = Model(inputs=[picture, question], outputs=answer)
    model.compile(Adam(lr=0.004), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def draw(picture, pictures, questions, p):
    """New pictures, what is asked, and the likeliest answers."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots(2, 5, height_ratios=(1.6, 1))
    for i, (image, bars) in enumerate(axes.T):
        image.imshow(pictures[i])
        image.set(xticks=[], yticks=[])
        words = questions[i].split()
        image.set_title(" ".join(words[:3]) + "\n" + " ".join(words[3:]) + "?", fontsize=9)
        best = np.argsort(p[i])[-3:]
        bars.barh(range(3), p[i, best], color="#9ecae1")
        for row, j in enumerate(best):
            bars.text(0.04, row, ANSWERS[j], verticalalignment="center")
        bars.set(xlim=(0, 1), xticks=[0, 1], yticks=[])
    figure.savefig(picture)


def main(picture="visual_question_answering.png"):
    np.random.seed(1)
    random = np.random.RandomState(1)
    pictures, _, questions, answers = make(random, 4000)
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(questions)

    def read(texts):
        return pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=LENGTH)

    model = build(len(tokenizer.word_index) + 1)
    y = np.array([ANSWERS.index(a) for a in answers])
    model.fit([pictures, read(questions)], y, batch_size=32, epochs=EPOCHS, verbose=0)

    pictures, kinds, questions, answers = make(random, 500)
    p = model.predict([pictures, read(questions)])
    blind = model.predict([np.roll(pictures, 1, axis=0), read(questions)])
    right, guessed = (
        np.array([ANSWERS[i] for i in scores.argmax(axis=1)]) == answers for scores in (p, blind)
    )
    print("asked      right   right if the picture is another one")
    for kind in ("colour", "shape", "how many"):
        of_kind = np.array(kinds) == kind
        print(f"{kind:10} {right[of_kind].mean():5.0%}   {guessed[of_kind].mean():5.0%}")
    assert right.mean() > 0.8 and guessed.mean() < 0.6, (right.mean(), guessed.mean())
    draw(picture, pictures, questions, p)


if __name__ == "__main__":
    main(*sys.argv[1:])
