"""Questions about a moving picture: what it is, what colour it has, which way it moves.

You learn to apply a whole network to each frame of a clip with `TimeDistributed`, and to read the
frames in their order with an LSTM. Colour and shape can be seen in any frame. The way cannot: a
clip that is played backward has the same frames, and another answer.

J. Donahue et al., 2015: Long-term Recurrent Convolutional Networks for Visual Recognition and
Description.
"""

import sys

import numpy as np
from _shapes import COLOURS, SHAPES, blank, paint
from matplotlib.figure import Figure

from minikeras.keras2.layers import (
    LSTM,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Input,
    MaxPooling2D,
    TimeDistributed,
    concatenate,
)
from minikeras.keras2.models import Model, Sequential
from minikeras.keras2.optimizers import Adam
from minikeras.keras2.preprocessing.sequence import pad_sequences
from minikeras.keras2.preprocessing.text import Tokenizer

SIZE, FRAMES, LENGTH, EPOCHS = 12, 5, 5, 17
WAYS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0), "nowhere": (0, 0)}
BACKWARD = {"left": "right", "right": "left", "up": "down", "down": "up", "nowhere": "nowhere"}
ANSWERS = [*COLOURS, *SHAPES, *WAYS, "yes", "no"]


def make(random, count):
    """Clips, and of each a question: its kind, its words, and the answer."""
    clips, asked = [], []
    for _ in range(count):
        shape, colour, way = map(random.choice, (SHAPES, [*COLOURS], [*WAYS]))
        frames = [blank(SIZE) for _ in range(FRAMES)]
        middle = random.uniform(5, 6, 2)
        for t, frame in enumerate(frames):
            at = middle + (t - FRAMES // 2) * np.array(WAYS[way])
            paint(frame, shape, colour, *at, 2.8)
        other = random.choice([way, random.choice([*WAYS])])
        questions = [
            ("colour", "what colour is it", colour),
            ("shape", "what shape is it", shape),
            ("which way", "which way does it move", way),
            ("yes or no", f"does it move {other}", "yes" if other == way else "no"),
        ]
        clips.append(frames)
        asked.append(questions[random.randint(len(questions))])
    return np.array(clips), *map(list, zip(*asked, strict=True))


def build(words):
    """The probabilities of the answers to a question about a clip."""
    eye = Sequential()
    eye.add(Conv2D(12, 3, activation="relu", input_shape=(SIZE, SIZE, 3)))
    eye.add(MaxPooling2D(2))
    eye.add(Conv2D(24, 3, activation="relu"))
    eye.add(Flatten())
    eye.add(Dense(32, activation="relu"))
    clip = Input(shape=(FRAMES, SIZE, SIZE, 3))
    seen = LSTM(32)(TimeDistributed(eye)(clip))  # the same network for each frame
    question = Input(shape=(LENGTH,), dtype="int32")
    asked = LSTM(16)(Embedding(words, 16, mask_zero=True)(question))
    both = Dense(64, activation="relu")(concatenate([seen, asked]))
    answer = Dense(len(ANSWERS), activation="softmax")(both)
    model = Model(inputs=[clip, question], outputs=answer)
    model.compile(Adam(lr=0.004), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def draw(picture, clips, questions, answers):
    """New clips, frame beside frame, with the question and the answer of the network."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    parts = zip(figure.subplots(3, 2).flat, clips, questions, answers, strict=False)
    for axes, clip, question, answer in parts:
        axes.imshow(np.hstack([np.pad(f, ((0, 0), (0, 1), (0, 0))) for f in clip])[:, :-1])
        axes.set_title(f"{question}? {answer}", fontsize=9)
        axes.set_axis_off()
    figure.savefig(picture)


def main(picture="video_question_answering.png"):
    np.random.seed(1)
    random = np.random.RandomState(1)
    clips, _, questions, answers = make(random, 2000)
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(questions)

    def read(texts):
        return pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=LENGTH)

    def ask(clips, questions):
        p = model.predict([clips, read(questions)])
        return np.array([ANSWERS[i] for i in p.argmax(axis=1)])

    model = build(len(tokenizer.word_index) + 1)
    y = np.array([ANSWERS.index(a) for a in answers])
    model.fit([clips, read(questions)], y, batch_size=32, epochs=EPOCHS, verbose=0)

    clips, kinds, questions, answers = make(random, 500)
    says = ask(clips, questions)
    right = says == answers
    for kind in ("colour", "shape", "which way", "yes or no"):
        print(f"{kind:10} right for {right[np.array(kinds) == kind].mean():4.0%} of the new clips")
    of_ways = np.array(kinds) == "which way"
    reversed_says = ask(clips[of_ways][:, ::-1], np.array(questions)[of_ways])
    turned = np.mean(reversed_says == [BACKWARD[way] for way in says[of_ways]])
    print(f"played backward, {turned:.0%} of the clips move the opposite way")
    assert right.mean() > 0.8 and turned > 0.8, (right.mean(), turned)
    draw(picture, clips, questions, says)


if __name__ == "__main__":
    main(*sys.argv[1:])
