"""Answers to questions, chosen by similarity: a network trained on triplets of a question, its
answer and a wrong one.

You learn to train on a comparison in place of labels. One encoder turns questions and answers into
vectors; the loss asks that a question lie nearer to its answer than to a wrong one, by a margin.
Questions and answers share no word that matters ("doctor" is answered with "physician"), so that
the encoder has to learn which words belong together.

M. Feng, B. Xiang, M. Glass, L. Wang, B. Zhou, 2015: Applying Deep Learning to Answer Selection: A
Study and An Open Task.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2.layers import Convolution1D, Embedding, GlobalMaxPooling1D, Input, merge
from minikeras.keras2.models import Model, Sequential
from minikeras.keras2.preprocessing.sequence import pad_sequences
from minikeras.keras2.preprocessing.text import Tokenizer

# What a thing is called in questions and in answers.
THINGS = [
    *[("doctor", "physician"), ("car", "automobile"), ("kid", "child"), ("shop", "store")],
    *[("street", "road"), ("song", "tune"), ("ship", "vessel"), ("stone", "rock")],
    *[("bag", "sack"), ("picture", "image"), ("present", "gift"), ("rabbit", "hare")],
]
# What is asked: questions, the answer, and the words that fill it.
KINDS = {
    "where": (
        ["where is the {}", "do you know where they keep the {}"],
        "the {} waits in the {}",
        ["garden", "cellar", "harbour", "kitchen"],
    ),
    "how much": (
        ["how much is the {}", "what did you pay for the {}"],
        "this {} costs {} coins",
        ["four", "ninety", "two"],
    ),
    "why": (
        ["why do you need the {}", "for what reason did they bring the {}"],
        "we want the {} because of the {}",
        ["feast", "rain", "guests", "king"],
    ),
}
LENGTH, MARGIN, EPOCHS = 10, 0.5, 12


MEANINGS = [(thing, kind) for thing in THINGS for kind in KINDS.values()]


def ask(random, meaning):
    """A question with this meaning."""
    (thing, _), (questions, _, _) = meaning
    return questions[random.randint(len(questions))].format(thing)


def answer(random, meaning):
    """An answer with this meaning."""
    (_, thing), (_, text, fillings) = meaning
    return text.format(thing, fillings[random.randint(len(fillings))])


def build_encoder(words):
    """From the numbers of words to one vector."""
    encoder = Sequential()
    encoder.add(Embedding(input_dim=words, output_dim=32, input_length=LENGTH))
    encoder.add(Convolution1D(64, 3, border_mode="same", activation="tanh"))
    encoder.add(GlobalMaxPooling1D())
    return encoder


def build(encoder):
    """Two models: one of triplets and their losses, to train; one that scores a pair of texts."""
    question, right, wrong = (Input(shape=(LENGTH,), dtype="int32") for _ in range(3))
    q, r, w = encoder(question), encoder(right), encoder(wrong)
    right_score = merge([q, r], mode="cos", dot_axes=1)  # cos(q, r) = q.r / (|q| |r|)
    wrong_score = merge([q, w], mode="cos", dot_axes=1)
    loss = merge(
        [right_score, wrong_score],
        # L = max(0, margin - cos(q, r) + cos(q, w))
        mode=lambda scores: K.relu(MARGIN - scores[0] + scores[1]),
        output_shape=lambda shapes: shapes[0],
    )
    triplets = Model(input=[question, right, wrong], output=loss)
    triplets.compile(optimizer="adam", loss=lambda target, value: K.mean(value, axis=-1))
    return triplets, Model(input=[question, right], output=right_score)


def train(triplets, random, read, known):
    """Train on triplets of the known meanings, other ones in each epoch; returns the losses."""
    losses = []
    for _ in range(EPOCHS):
        chosen = random.randint(len(known), size=1000)
        others = (chosen + random.randint(1, len(known), size=1000)) % len(known)
        said = [(ask, chosen), (answer, chosen), (answer, others)]
        inputs = [read([say(random, known[i]) for i in which]) for say, which in said]
        fitted = triplets.fit(inputs, np.zeros(1000), batch_size=32, nb_epoch=1, verbose=0)
        losses += fitted.history["loss"]
    return losses


def draw(picture, losses, scores, at):
    """The loss, and the scores of all pairs of the questions and the answers."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.2))
    left.plot(losses, color="#08306b")
    left.set(title="Loss of the triplets", xlabel="epoch", ylim=(0, None))
    image = right.imshow(scores, cmap="viridis", aspect="auto")
    right.plot(at, range(len(at)), "s", markersize=9, markerfacecolor="none", color="white")
    right.set(title="cos(question, answer); white: the right answer")
    right.set(xlabel="answers", ylabel="new questions")
    figure.colorbar(image, ax=right)
    figure.savefig(picture)


def main(picture="question_answering.png"):
    np.random.seed(1)
    random = np.random.RandomState(1)
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts([say(random, m) for m in MEANINGS * 9 for say in (ask, answer)])

    def read(texts):
        return pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=LENGTH)

    # Of each thing, one kind of question is never seen in training.
    new = [thing * len(KINDS) + thing % len(KINDS) for thing in range(len(THINGS))]
    known = [meaning for i, meaning in enumerate(MEANINGS) if i not in new]
    triplets, scorer = build(build_encoder(len(tokenizer.word_index) + 1))
    losses = train(triplets, random, read, known)

    questions = [ask(random, MEANINGS[i]) for i in new]
    answers = [answer(random, meaning) for meaning in MEANINGS]
    grid = [read(questions).repeat(len(answers), axis=0), np.tile(read(answers), (len(new), 1))]
    scores = scorer.predict(grid).reshape(len(new), len(answers))
    best = scores.argmax(axis=1)
    for question, chosen in [*zip(questions, best, strict=True)][:6]:
        print(f"{question:48} {answers[chosen]}")
    right = np.mean(best == new)
    print(f"\nright for {right:.0%} of the new questions, among {len(answers)} answers")
    assert right > 0.7, right
    draw(picture, losses, scores, new)


if __name__ == "__main__":
    main(*sys.argv[1:])
