"""Learning curves: how losses and metrics changed during a training."""

import math

from minikeras.core.distribution import how_to_install

_VALIDATION = "val_"
_COLUMNS = 3
_WIDTH, _HEIGHT = 4.2, 3.2  # of a diagram, in inches


def plot_history(history, to_file=None, dpi=120):
    """Draw losses and metrics by epoch, a diagram for each, training and validation together.

    Args:
        history: the `History` that `fit` returns, or its dict of lists of numbers.
        to_file: path of a picture to write, or None. Its extension says the format: `png`, `svg`,
            `pdf`.
        dpi: int, dots per inch of the picture.

    Returns:
        A `matplotlib.figure.Figure`; a notebook shows it.

    Raises:
        ValueError: if nothing was recorded.
        ImportError: if matplotlib is missing.

    Example:
        >>> import minikeras as keras
        >>> figure = keras.utils.plot_history({"loss": [0.9, 0.5], "val_loss": [1.0, 0.7]})
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['loss']
    """
    values = dict(getattr(history, "history", history))
    if not any(len(numbers) for numbers in values.values()):
        raise ValueError(f"There must be numbers of one epoch at least. Received: {values}")
    count = max(len(numbers) for numbers in values.values())
    epochs = [epoch + 1 for epoch in getattr(history, "epoch", None) or range(count)]
    names = dict.fromkeys(name.removeprefix(_VALIDATION) for name in values)
    names = sorted(names, key=lambda name: name != "loss")  # the loss first
    columns = min(len(names), _COLUMNS)
    rows = math.ceil(len(names) / columns)
    figure = _figure(figsize=(_WIDTH * columns, _HEIGHT * rows), layout="constrained")
    for i, name in enumerate(names, start=1):
        axes = figure.add_subplot(rows, columns, i)
        _draw(axes, epochs, name, values)
    if to_file is not None:
        figure.savefig(to_file, dpi=dpi)
    return figure


def _figure(**options):
    try:
        from matplotlib.figure import Figure
    except ImportError:
        message = f"Learning curves need the package `matplotlib`. {how_to_install('plot')}"
        raise ImportError(message) from None
    return Figure(**options)


def _draw(axes, epochs, name, values):
    """The curve of a metric in training and, where there is one, in validation."""
    for key, label in ((name, "training"), (_VALIDATION + name, "validation")):
        numbers = values.get(key, ())
        if len(numbers):
            marker = "o" if len(numbers) < 2 else ""  # one point is no line
            axes.plot(_places(epochs, len(numbers)), numbers, label=label, marker=marker)
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    if len(axes.lines) > 1:
        axes.legend(frameon=False)


def _places(epochs, count):
    """The epochs of fewer values than epochs: `validation_freq` in `fit` takes every n-th."""
    for every in range(1, epochs[-1] + 1):
        chosen = [epoch for epoch in epochs if epoch % every == 0]
        if len(chosen) == count:
            return chosen
    return epochs[:count]  # no n says which
