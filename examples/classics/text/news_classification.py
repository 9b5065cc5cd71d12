"""News sorted by topic with vectors of words that were learned without labels.

You learn to give an `Embedding` its matrix by `weights=` and to keep it as it is. The matrix comes
from counts: words that occur in the same headlines get vectors that are alike. Two labelled
headlines of each topic are then enough for convolutions over time: a word that none of them has is
near to one that some have. With random vectors, the same network learns little.

O. Levy, Y. Goldberg, 2014: Neural Word Embedding as Implicit Matrix Factorization.
Y. Kim, 2014: Convolutional Neural Networks for Sentence Classification.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2.layers import Convolution1D, Dense, Dropout, Embedding, GlobalMaxPooling1D
from minikeras.keras2.models import Sequential
from minikeras.keras2.preprocessing.sequence import pad_sequences
from minikeras.keras2.preprocessing.text import Tokenizer
from minikeras.keras2.utils import np_utils

# Of each topic: who, does what, with what, and where.
TOPICS = {
    "sport": (
        "goalkeeper striker coach sprinter team referee swimmer champion",
        "wins loses trains outruns defends tackles",
        "match trophy medal final league penalty relay marathon",
        "stadium arena pool track gym pitch",
    ),
    "money": (
        "bank investor trader treasurer broker lender minister shareholder",
        "buys sells taxes borrows audits insures",
        "bond loan share currency mortgage budget dividend debt",
        "market exchange vault ministry branch auction",
    ),
    "weather": (
        "storm frost breeze fog blizzard drought thunder sunshine",
        "soaks freezes clears darkens floods warms",
        "valley coast hill river meadow shore orchard forest",
        "north south mountains lowlands islands plains",
    ),
    "space": (
        "astronaut probe telescope comet rocket satellite rover astronomer",
        "orbits photographs launches approaches circles measures",
        "moon planet asteroid crater galaxy ring nebula star",
        "orbit observatory launchpad capsule vacuum eclipse",
    ),
}
OPENINGS = ["again", "they say", "this week", "at last", "once more", "today"]
LENGTH, SIZE, LABELLED = 12, 16, 2


def write(random, topic):
    """A headline of a topic; one word in seven is of any."""
    topics = np.where(random.rand(4) < 0.15, random.choice([*TOPICS], 4), topic)
    words = [random.choice(TOPICS[t][role].split()) for role, t in enumerate(topics)]
    return "{} the {} {} the {} near the {}".format(random.choice(OPENINGS), *words)


def embedding_matrix(rows, words):
    """Vectors of words from how often two of them are in one headline."""
    counts = np.zeros((words, words))
    for row in rows:
        counts[np.ix_(row, row)] += 1 - np.eye(len(row))
    counts[0] = counts[:, 0] = 0  # 0 stands for no word
    single = counts.sum(axis=0, keepdims=True)
    # Positive pointwise mutual information: m_ij = max(0, log(p(i, j) / (p(i) p(j))))
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts * counts.sum() / (single * single.T))
    information = np.where(counts > 0, np.maximum(information, 0), 0)
    u, s, _ = np.linalg.svd(information)  # m = U S V^T
    vectors = u[:, :SIZE] * np.sqrt(s[:SIZE])  # the best of this size: U S^(1/2)
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)


def build(words, matrix=None):
    """Convolutions over time, on the vectors of a matrix or on vectors that are learned."""
    known = {} if matrix is None else {"weights": [matrix], "trainable": False}
    model = Sequential()
    model.add(Embedding(words, SIZE, input_length=LENGTH, **known))
    model.add(Convolution1D(nb_filter=64, filter_length=3, activation="relu"))
    model.add(GlobalMaxPooling1D())
    model.add(Dropout(p=0.3))
    model.add(Dense(len(TOPICS), activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def draw(picture, likeness, accuracies):
    """How alike the vectors are, topic by topic, and both accuracies."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1))
    image = left.imshow(likeness.round(1), cmap="viridis", interpolation="nearest")
    ticks = (np.arange(len(TOPICS)) + 0.5) * len(likeness) / len(TOPICS)
    left.set_yticks(ticks, TOPICS)
    left.set(title="cos of the vectors of two words", xticks=[])
    figure.colorbar(image, ax=left)
    right.bar(accuracies.keys(), accuracies.values(), color=["#08306b", "#9ecae1"])
    right.set(title="Right on new headlines", ylim=(0, 1))
    figure.savefig(picture)


def compare(models, read, random):
    """Train on few headlines of each topic; on new ones, print and return what is right."""
    names, accuracies = [*TOPICS], {}
    y = np.arange(len(names)).repeat(LABELLED)
    x = read([write(random, names[i]) for i in y])
    new_y = random.randint(len(names), size=300)
    texts = [write(random, names[i]) for i in new_y]
    for name, model in models.items():
        model.fit(x, np_utils.to_categorical(y), batch_size=5, nb_epoch=60, verbose=0)
        _, accuracies[name] = model.evaluate(read(texts), np_utils.to_categorical(new_y), verbose=0)
    chosen = models["from counts"].predict_classes(read(texts[:6]))
    for text, i, true in zip(texts, chosen, new_y, strict=False):
        print(f"{names[i]:8} {text} {'' if i == true else f'(it is {names[true]})'}".rstrip())
    for name, accuracy in accuracies.items():
        print(f"vectors {name:11}: right for {accuracy:.0%} of 300 new headlines")
    return accuracies


def main(picture="news_classification.png"):
    np.random.seed(1)
    random = np.random.RandomState(1)
    unlabelled = [write(random, random.choice([*TOPICS])) for _ in range(2000)]
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(unlabelled)
    size = len(tokenizer.word_index) + 1
    matrix = embedding_matrix(tokenizer.texts_to_sequences(unlabelled), size)
    words = " ".join(role for roles in TOPICS.values() for role in roles).split()
    vectors = matrix[[tokenizer.word_index[word] for word in words]]
    likeness = vectors @ vectors.T
    for word in ("goalkeeper", "loan", "fog"):
        nearest = np.argsort(-likeness[words.index(word)])[1:5]
        print(f"nearest to {word:10}: {', '.join(words[i] for i in nearest)}")

    def read(texts):
        return pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=LENGTH)

    models = {"from counts": build(size, matrix), "random": build(size)}
    accuracies = compare(models, read, random)
    kept = models["from counts"].layers[0].get_weights()[0]
    assert np.array_equal(kept, matrix.astype("float32"))
    assert accuracies["from counts"] > 0.8 > accuracies["random"] + 0.1
    draw(picture, likeness, accuracies)


if __name__ == "__main__":
    main(*sys.argv[1:])
