"""An LSTM that keeps its states from batch to batch, on streams that are cut into short pieces.

You learn what `stateful=True` keeps, when `reset_states` is needed, and how batches must be laid
out: row k of each batch continues row k of the batch before it. The task is a switch: sparse
signals turn it on and off, and the network says at each step how it stands. Most pieces begin long
after the last signal, so that a network without memory of earlier pieces can only guess there.

S. Hochreiter, J. Schmidhuber, 1997: Long Short-Term Memory.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from minikeras.keras2 import backend as K
from minikeras.keras2.layers import LSTM, Dense, TimeDistributed
from minikeras.keras2.models import Sequential
from minikeras.keras2.optimizers import Adam

STREAMS, PIECES, LENGTH, EPOCHS = 32, 40, 8, 25


def make_streams(random):
    """Signals (1: on, -1: off, mostly 0), and how the switch stands after each step."""
    shape = (STREAMS, PIECES * LENGTH, 1)
    signals = random.choice([-1.0, 0.0, 1.0], p=[0.04, 0.92, 0.04], size=shape)
    signals[:, 0] = random.choice([-1.0, 1.0], size=(STREAMS, 1))
    state = signals.copy()
    for t in range(1, shape[1]):
        state[:, t] = np.where(signals[:, t] == 0, state[:, t - 1], signals[:, t])
    return signals, (state + 1) / 2


def in_batches(streams):
    """Cut streams into pieces, in the order of batches: all first pieces, all second ones, ..."""
    pieces = streams.reshape(STREAMS, PIECES, LENGTH, 1)
    return pieces.transpose(1, 0, 2, 3).reshape(-1, LENGTH, 1)


def in_streams(pieces):
    """Join what `in_batches` has cut."""
    return pieces.reshape(PIECES, STREAMS, LENGTH).transpose(1, 0, 2).reshape(STREAMS, -1)


def build(stateful, length=LENGTH):
    """An LSTM, and the probability of "on" at each step."""
    model = Sequential()
    model.add(
        LSTM(
            output_dim=16,
            batch_input_shape=(STREAMS, length, 1),
            return_sequences=True,
            stateful=stateful,
        )
    )
    model.add(TimeDistributed(Dense(1, activation="sigmoid")))
    model.compile(loss="binary_crossentropy", optimizer=Adam(lr=0.01))
    return model


def train(model, x, y):
    """Each epoch begins at the beginning of the streams, so with states of zeros."""
    for _ in range(EPOCHS):
        model.reset_states()
        model.fit(x, y, batch_size=STREAMS, nb_epoch=1, shuffle=False, verbose=0)
    model.reset_states()


def check_states(model, x):
    """What the states do: a second piece continues the first, until they are reset."""
    first, second = x[:STREAMS], x[STREAMS : 2 * STREAMS]
    start, continued = model.predict_on_batch(first), model.predict_on_batch(second)
    h, c = (K.get_value(state) for state in model.layers[0].states)
    model.reset_states()
    again = model.predict_on_batch(first)
    model.reset_states()

    whole = build(False, 2 * LENGTH)
    whole.set_weights(model.get_weights())
    at_once = whole.predict_on_batch(np.concatenate([first, second], axis=1))
    difference = np.abs(np.concatenate([start, continued], axis=1) - at_once).max()
    print(f"states h {h.shape} and c {c.shape}, one row for each stream")
    print(f"two pieces in turn are one piece of both: {difference < 1e-5}")
    assert difference < 1e-5 and np.array_equal(start, again)
    assert np.all(np.abs(h) <= np.abs(np.tanh(c)) + 1e-6)  # h = o tanh(c), o from 0 to 1


def draw(picture, signals, state, outputs):
    """A stretch of one stream: signals, the switch, and what both networks say."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.5))
    upper.stem(signals, markerfmt=" ", basefmt="C7")
    upper.set(title="Signals, and p(on) of both networks; dotted: a piece begins", yticks=[])
    steps = range(len(state))
    lower.step(steps, state, where="mid", color="#bdbdbd", linewidth=5, label="the switch")
    for (name, values), colour in zip(outputs.items(), ("#08306b", "#e6550d"), strict=True):
        lower.plot(values, color=colour, label=name)
    for axes in (upper, lower):
        for begin in range(0, len(state), LENGTH):
            axes.axvline(begin, color="0.7", linestyle=":", linewidth=0.8)
    lower.set(xlabel="step", ylim=(-0.1, 1.6), yticks=(0, 0.5, 1), xlim=(0, len(state)))
    lower.legend(ncols=3, fontsize=8, loc="upper center")
    figure.savefig(picture)


def main(picture="stateful_lstm.png"):
    np.random.seed(1)
    random = np.random.RandomState(1)
    signals, state = make_streams(random)
    x, y = in_batches(signals), in_batches(state)
    new_signals, new_state = make_streams(random)
    before_any = in_streams(np.cumsum(np.abs(in_batches(new_signals)), axis=1) == 0)

    outputs, accuracies = {}, {}
    for name, stateful in (("with states", True), ("without", False)):
        model = build(stateful)
        train(model, x, y)
        if stateful:
            check_states(model, x)
        outputs[name] = in_streams(
            model.predict(in_batches(new_signals), batch_size=STREAMS, verbose=0)
        )
        right = (outputs[name] > 0.5) == new_state[..., 0]
        accuracies[name] = right.mean(), right[before_any].mean()
    print("\nright in new streams   at all steps   before the first signal of a piece")
    for name, (overall, before) in accuracies.items():
        print(f"{name:20}   {overall:12.0%}   {before:34.0%}")
    assert accuracies["with states"][1] > 0.9 and accuracies["without"][1] < 0.65
    shown = slice(0, 14 * LENGTH)
    draw(
        picture,
        new_signals[0, shown, 0],
        new_state[0, shown, 0],
        {name: values[0, shown] for name, values in outputs.items()},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
