"""Train a convolutional network and an LSTM on handwritten digits, and draw how it went.

The digits come with the package; the test images are from forms of which no image is trained on.
The program is what a user of the package would write: it imports the public modules, and besides
them the sentence that says how to install what is missing, and the page that explains a network.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import minikeras as keras
from minikeras.core.distribution import how_to_install
from minikeras.tools.explain import explain

layers = keras.layers

PACKAGE = Path(keras.__file__).parent

READ = {
    "autograd/tape.py": "what is recorded, and the backward pass",
    "layers/rnn/lstm.py": "the layer that has just been trained",
    "optimizers/rules.py": "the update rules of all optimizers",
}
"""Files of the package to begin reading with."""

IN_A_CLONE = {
    "python examples/00_a_tape_in_forty_lines.py": "the first of eight pages on the engine",
    "make test": "every number against real Keras",
    "docs/house.md": "where each thing is",
}


def add_arguments(parser):
    """Declare the options of `minikeras demo`.

    Args:
        parser: an `argparse.ArgumentParser`.
    """
    parser.add_argument(
        "--out", type=Path, default=Path("demo-output"), help="folder for the plots"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same run")


def run(arguments):
    """Train both networks, draw the plots and say what was reached.

    Args:
        arguments: namespace with `out`, a Path, and `seed`, an int.

    Returns:
        0 if both networks reached their bar, 1 otherwise.
    """
    start = time.perf_counter()
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"Cannot write to --out {arguments.out}: {error.strerror}.", file=sys.stderr)
        return 1
    data = load()
    outcomes = [train(plan, data, arguments.seed) for plan in PLANS]
    print()
    plots = draw(outcomes, data, arguments.out)
    for outcome in outcomes:
        print(
            f"The {outcome.plan.name} reads {outcome.accuracy:.2%} of {len(data.y_test)} test "
            f"images correctly; at least {outcome.plan.bar:.0%} was expected."
        )
    for path in plots:
        print(f"Drawn: {path}")
    print(f"It took {time.perf_counter() - start:.0f} seconds.")
    missed = [outcome.plan.name for outcome in outcomes if outcome.accuracy < outcome.plan.bar]
    if missed:
        print(f"Below what was expected: the {' and the '.join(missed)}.", file=sys.stderr)
        return 1
    print(next_steps())
    page = arguments.out / "explained.html"
    explain(outcomes[0].model, data.x_test[:1], data.y_test[:1]).save(page)
    print(f"\nHow the {outcomes[0].plan.name} reads one digit, number by number: {page}")
    return 0


def next_steps():
    """Say what to do next: what is named exists where the package is installed.

    Returns:
        A string of some lines.
    """
    steps = {"minikeras compile": "compile all fast kernels, so that no run waits for it"}
    steps |= {str(PACKAGE / file): about for file, about in READ.items()}
    if (PACKAGE.parent / "examples").is_dir():
        steps |= IN_A_CLONE
    width = max(map(len, steps)) + 2
    return "\n".join(["\nNext:", *(f"  {step:{width}}{about}" for step, about in steps.items())])


# --- The data ------------------------------------------------------------------------------------


@dataclass
class Digits:
    """The images, float32 of shape (n, 8, 8) from 0 for paper to 1 for ink, and their labels."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load():
    """Return the digits that come with the package.

    Example:
        >>> from minikeras.tools import demo
        >>> demo.load().x_train.shape
        (1415, 8, 8)
    """
    (x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
    full_ink = np.float32(16)
    return Digits(x_train / full_ink, y_train, x_test / full_ink, y_test)


# Each entry of the matrix that bends an image differs by at most this from the identity's.
BEND = 0.2

# The furthest that an image is moved along either axis, in pixels.
SHIFT = 0.6


def distort(images, rng):
    """Bend each image by a matrix near the identity and move it, both at random.

    Different hands write with different slants and sizes, and the few hands in the training
    images do not show all of them; see Simard et al., "Best Practices for Convolutional Neural
    Networks Applied to Visual Document Analysis" (2003).

    Args:
        images: array (n, 8, 8).
        rng: NumPy's random generator.

    Returns:
        A float32 array (n, 8, 8), interpolated bilinearly.
    """
    n, size, _ = images.shape
    matrix = np.eye(2) + rng.uniform(-BEND, BEND, (n, 2, 2))
    shift = rng.uniform(-SHIFT, SHIFT, (n, 2, 1))
    centre = (size - 1) / 2
    pixels = np.indices((size, size)).reshape(2, -1) - centre
    # Every pixel fetches its value from a place between four pixels of the image, or of the border
    # of paper around it, which is one pixel wide: hence + 1.
    places = (matrix @ pixels + shift + centre + 1).clip(0, size + 0.999)
    corner = places.astype(int)
    row, column = corner[:, 0], corner[:, 1]
    down, right = (places - corner).swapaxes(0, 1)
    bordered = np.pad(images, ((0, 0), (1, 1), (1, 1))).reshape(n, -1)
    values = 0.0
    for i, vertical in ((0, 1 - down), (1, down)):
        for j, horizontal in ((0, 1 - right), (1, right)):
            index = (row + i) * (size + 2) + column + j
            values += vertical * horizontal * np.take_along_axis(bordered, index, axis=1)
    return values.astype("float32").reshape(images.shape)


class DistortedDigits(keras.utils.PyDataset):
    """Batches of the training images, in a new order and deformed again in each epoch."""

    def __init__(self, x, y, batch_size, seed):
        super().__init__()
        self.x, self.y, self.batch_size = x, y, batch_size
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.x) // self.batch_size)  # rounded up: the last batch may be smaller

    def __getitem__(self, index):
        """Return batch number `index`: images and labels."""
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.distorted[rows], self.y[rows]

    def on_epoch_end(self):
        """Draw the next epoch's order and images."""
        self.order = self.rng.permutation(len(self.x))
        self.distorted = distort(self.x, self.rng)


# --- The networks --------------------------------------------------------------------------------


def convolutional_network():
    """Return a network that looks for strokes, and for strokes made of strokes."""
    return keras.Sequential(
        [
            keras.Input((8, 8)),
            layers.Reshape((8, 8, 1)),
            layers.Conv2D(24, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Conv2D(48, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="convolutional_network",
    )


def recurrent_network():
    """Return a network that reads an image row by row: eight steps of eight features."""
    return keras.Sequential(
        [
            keras.Input((8, 8)),
            layers.LSTM(64, return_sequences=True),
            layers.LSTM(64),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ],
        name="row_by_row",
    )


@dataclass(frozen=True)
class Plan:
    """How one of the networks is trained, and the share of the test images it must get right."""

    name: str
    label: str
    build: Callable[[], keras.Model]
    epochs: int
    batch_size: int
    learning_rate: float
    bar: float


PLANS = (
    Plan("convolutional network", "conv", convolutional_network, 16, 32, 3e-3, bar=0.97),
    Plan("LSTM", "LSTM", recurrent_network, 25, 32, 6e-3, bar=0.94),
)


@dataclass
class Outcome:
    """The outcome of a plan: metrics by epoch, and the digit read in every test image."""

    plan: Plan
    model: keras.Model
    history: dict
    read: np.ndarray
    accuracy: float


def train(plan, data, seed):
    """Train a network, showing its summary and its progress.

    Args:
        plan: the Plan.
        data: the Digits.
        seed: int; the same seed gives the same network.

    Returns:
        An Outcome.
    """
    keras.utils.set_random_seed(seed)
    batches = DistortedDigits(data.x_train, data.y_train, plan.batch_size, seed)
    # The learning rate falls to zero along a cosine, so that the last steps are small.
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate, decay_steps=plan.epochs * len(batches)
    )
    model = plan.build()
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.summary()
    fitted = model.fit(batches, epochs=plan.epochs, validation_data=(data.x_test, data.y_test))
    read = model.predict(data.x_test, verbose=0).argmax(axis=-1)
    return Outcome(plan, model, fitted.history, read, float(np.mean(read == data.y_test)))


# --- The plots -----------------------------------------------------------------------------------

TRAIN_COLOUR, TEST_COLOUR = "#9aa5b1", "#1f6feb"
RIGHT_COLOUR, WRONG_COLOUR = "#1a7f37", "#cf222e"


def draw(outcomes, data, folder):
    """Write the learning curves and some test images as PNG.

    Args:
        outcomes: list of Outcome.
        data: the Digits.
        folder: Path of a folder that exists.

    Returns:
        A list of the files' paths; empty, with a hint printed, where matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print(f"No plots: matplotlib is missing. {how_to_install('plot')}")
        return []
    figures = {
        "learning-curves.png": _learning_curves(outcomes, Figure(figsize=(11, 7))),
        "predictions.png": _predictions(outcomes, data, Figure(figsize=(11, 8))),
    }
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=120)
    return [folder / name for name in figures]


def _learning_curves(outcomes, figure):
    """Loss and accuracy by epoch, one column for each network."""
    figure.set_layout_engine("constrained")
    figure.suptitle("Learning to read handwritten digits", fontsize=15)
    axes = figure.subplots(2, len(outcomes), sharey="row", sharex="col")
    for (top, bottom), outcome in zip(axes.T, outcomes, strict=True):
        top.set_title(f"{outcome.plan.name}: {outcome.accuracy:.1%} of the test images right")
        _curve(top, outcome, "loss")
        _curve(bottom, outcome, "accuracy")
        bottom.axhline(outcome.plan.bar, color=RIGHT_COLOUR, linewidth=1, linestyle="--")
        bottom.annotate(
            f"expected: {outcome.plan.bar:.0%}",
            (outcome.plan.epochs, outcome.plan.bar),
            xytext=(0, -4),
            textcoords="offset points",
            color=RIGHT_COLOUR,
            ha="right",
            va="top",
        )
        bottom.set_ylim(0.6, 1.005)
        bottom.set_xlabel("epoch")
        bottom.xaxis.get_major_locator().set_params(integer=True)
        bottom.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        top.set_ylim(0, 1.5)
        top.legend(frameon=False)
    figure.supxlabel(
        "With batch normalization the test curve comes later: the moving statistics that it uses "
        "need some hundred batches to converge.",
        fontsize=9,
        color="#57606a",
    )
    axes[0, 0].set_ylabel("cross-entropy loss")
    axes[1, 0].set_ylabel("accuracy")
    figure.align_ylabels()
    return figure


def _curve(axes, outcome, metric):
    values = outcome.history
    epochs = np.arange(1, len(values[metric]) + 1)
    axes.plot(epochs, values[metric], color=TRAIN_COLOUR, label="training images, distorted")
    axes.plot(epochs, values[f"val_{metric}"], color=TEST_COLOUR, label="test images")
    axes.grid(color="#e6e8eb")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


ROWS, COLUMNS = 5, 10


def _predictions(outcomes, data, figure):
    """Test images with what each network read: first the mistakes, then the first images."""
    wrong = np.any([outcome.read != data.y_test for outcome in outcomes], axis=0)
    shown = np.argsort(~wrong, kind="stable")[: ROWS * COLUMNS]
    mistakes = "All" if wrong.sum() <= len(shown) else f"{len(shown)} of"
    figure.suptitle(
        f"{mistakes} {wrong.sum()} test images that a network misread, then others in their order\n"
        "above: the digit that was meant; below: what each network read",
        fontsize=13,
    )
    figure.subplots_adjust(left=0.03, right=0.97, bottom=0.06, top=0.86, hspace=0.75)
    for axes, i in zip(figure.subplots(ROWS, COLUMNS).flat, shown, strict=True):
        axes.imshow(data.x_test[i], cmap="Greys", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"{data.y_test[i]}", fontsize=13)
        axes.spines[:].set_color(WRONG_COLOUR if wrong[i] else "#c4cad1")
        for line, outcome in enumerate(outcomes):
            right = outcome.read[i] == data.y_test[i]
            axes.annotate(
                f"{outcome.plan.label} {outcome.read[i]}",
                (0.5, 0),
                xytext=(0, -4 - 11 * line),
                xycoords="axes fraction",
                textcoords="offset points",
                ha="center",
                va="top",
                color=RIGHT_COLOUR if right else WRONG_COLOUR,
                weight="normal" if right else "bold",
                fontsize=9,
            )
    return figure
