"""Text written letter by letter: an LSTM that predicts the next character, and draws it.

You learn what the temperature of sampling does. The network reads sentences of a small grammar,
in which a noun in the plural wants its verb without an s, and gives a probability to each next
character. Drawn at a low temperature they are right and repeat themselves; at a high one there are
more of them, and fewer that the grammar knows.

A. Graves, 2013: Generating Sequences With Recurrent Neural Networks.
"""

import re
import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2.layers import LSTM, Dense, TimeDistributed
from minikeras.keras2.models import Sequential
from minikeras.keras2.optimizers import RMSprop

NOUNS = ["owl", "kitten", "sailor", "dragon", "miller"]
VERBS = ["sing", "wander", "dream", "wait"]
ADVERBS = ["alone", "again", "quietly", "happily"]
ENDINGS = ["at night", "in the rain", "by the river", "all day long"]
LENGTH, UNITS, EPOCHS = 40, 96, 15

NOUN, VERB, ADVERB, ENDING = map("|".join, (NOUNS, VERBS, ADVERBS, ENDINGS))
SENTENCE = re.compile(
    f"((the|every) ({NOUN}) ({VERB})s|(many|two) ({NOUN})s ({VERB})) ({ADVERB}) ({ENDING})"
)


def write(random, count):
    """Sentences of the grammar, one after the other."""
    sentences = []
    for _ in range(count):
        noun, verb, adverb, ending = map(random.choice, (NOUNS, VERBS, ADVERBS, ENDINGS))
        one, many = f"{noun} {verb}s", f"{noun}s {verb}"
        start = random.choice([f"the {one}", f"every {one}", f"many {many}", f"two {many}"])
        sentences.append(f"{start} {adverb} {ending}. ")
    return "".join(sentences)


def build(size):
    """The probabilities of the next character, after each character."""
    model = Sequential()
    model.add(LSTM(UNITS, return_sequences=True, input_shape=(None, size)))
    model.add(TimeDistributed(Dense(size, activation="softmax")))
    model.compile(loss="categorical_crossentropy", optimizer=RMSprop(lr=0.005))
    return model


def sample(random, probabilities, temperature):
    """Draw a number for each row of probabilities, made sharper or flatter."""
    scores = np.log(probabilities + 1e-12) / temperature  # q_i = p_i^(1/T) / sum_j p_j^(1/T)
    q = np.exp(scores - scores.max(axis=1, keepdims=True))
    q /= q.sum(axis=1, keepdims=True)
    return np.array([random.choice(len(row), p=row) for row in q])


def generate(model, random, starts, temperature, count):
    """Continue texts, given in numbers, by so many characters."""
    texts, one_hot = starts, np.eye(model.output_shape[-1])
    for _ in range(count):
        probabilities = model.predict(one_hot[texts[:, -LENGTH:]])[:, -1]
        texts = np.column_stack([texts, sample(random, probabilities, temperature)])
    return texts[:, starts.shape[1] :]


def draw(picture, text, probabilities, rows):
    """The probability of each character of a sentence, and what the temperature does."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2.2, 1))
    colours = ["#9ecae1" if before == " " else "#08306b" for before in " " + text[:-1]]
    left.bar(range(len(text)), probabilities, color=colours)
    left.set(title="p(character | those before it); light: a word begins")
    left.set_xticks(range(len(text)), text, fontfamily="monospace")
    temperatures, right_share, different = zip(*rows, strict=True)
    right.plot(temperatures, right_share, "o-", color="#08306b", label="right")
    right.plot(temperatures, different, "s--", color="#e6550d", label="different")
    right.set(title="Share of the sentences", xlabel="temperature", ylim=(-0.05, 1.05))
    right.legend()
    figure.savefig(picture)


def main(picture="text_generation.png"):
    np.random.seed(1)
    random = np.random.RandomState(1)
    text = write(random, 500)
    characters = sorted({*text})
    numbers = np.array([characters.index(c) for c in text])
    one_hot = np.eye(len(characters))
    steps = len(text) // LENGTH * LENGTH
    x = one_hot[numbers[: steps - LENGTH]].reshape(-1, LENGTH, len(characters))
    y = one_hot[numbers[1 : steps - LENGTH + 1]].reshape(x.shape)
    model = build(len(characters))
    model.fit(x, y, batch_size=16, nb_epoch=EPOCHS, verbose=0)

    starts = np.array([numbers[i : i + LENGTH] for i in range(0, 640, 20)])
    rows = []
    for temperature in (0.2, 0.5, 1.0, 1.5):
        written = generate(model, random, starts, temperature, 120)
        texts = ["".join(characters[i] for i in row) for row in written]
        # The first and the last sentence are not whole.
        sentences = [s for line in texts for s in line.split(". ")[1:-1]]
        right = np.mean([bool(SENTENCE.fullmatch(s)) for s in sentences])
        rows.append((temperature, right, len({*sentences}) / len(sentences)))
        print(
            f"T = {temperature}: {right:4.0%} right, {rows[-1][2]:4.0%} different: {sentences[0]}"
        )

    assert rows[0][1] > 0.8 and rows[0][1] > rows[-1][1] + 0.1, "low temperatures are right"
    assert rows[0][2] < rows[-1][2], "high temperatures bring more"
    begin = text.index(". ") + 2  # the second sentence, so that there is something before it
    end = text.index(". ", begin) + 1
    probabilities = model.predict(one_hot[numbers[: end - 1]][None])[0]
    following = probabilities[range(begin - 1, end - 1), numbers[begin:end]]
    draw(picture, text[begin:end], following, rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
