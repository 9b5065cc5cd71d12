"""Many images in one figure, by matplotlib."""

import math
from typing import Any

from minikeras.core.distribution import how_to_install
from minikeras.core.docstrings import described
from minikeras.ops.core.tensors import convert_to_numpy
from minikeras.visualization.images import as_bytes, as_channels_last

ARGUMENTS = {
    "images": "tensor or array `(batch, height, width, channels)`.",
    "value_range": "tuple of two floats, the values that stand for black and for white.",
    "rows": "int, the number of rows; by default the figure is about as high as wide.",
    "cols": "int, the number of columns; by default as many as all images need.",
    "data_format": 'str, `"channels_last"` or `"channels_first"`: the order of the axes of images; '
    "`keras.config.image_data_format()` by default.",
    "legend_handles": "list of patches of matplotlib, for a legend under the images.",
    "**kwargs": "arguments of `plot_image_gallery`, such as `path`.",
}
"""What is said of the arguments that galleries share."""


def pyplot() -> Any:
    """The module `matplotlib.pyplot`."""
    try:
        from matplotlib import pyplot as plt
    except ImportError:
        message = f"Galleries need the package `matplotlib`. {how_to_install('plot')}"
        raise ImportError(message) from None
    return plt


@described(ARGUMENTS)
def plot_image_gallery(
    images,
    y_true=None,
    y_pred=None,
    label_map=None,
    rows=None,
    cols=None,
    value_range=(0, 255),
    scale=2,
    path=None,
    show=None,
    transparent=True,
    dpi=60,
    legend_handles=None,
    data_format=None,
):
    """Plot images side by side, with their labels.

    Args:
        y_true: tensor or array `(batch,)`, the true labels.
        y_pred: tensor or array `(batch,)`, the predicted labels.
        label_map: dict from a label to the text that is shown for it.
        scale: float, the size of an image in inches.
        path: str or path of a file in which the figure is written.
        show: bool, whether the figure is shown in a window; by default if `path` is None.
        transparent: bool, whether the background in the file is transparent.
        dpi: int, the pixels of the file per inch.

    Raises:
        ImportError: if matplotlib is missing.
        ValueError: if `images` has not rank 4, or there are labels but no `label_map`, or both
            `path` and `show` are given.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> images = np.random.randint(0, 256, (4, 8, 8, 3))
        >>> keras.visualization.plot_image_gallery(
        ...     images, y_true=[0, 1, 1, 0], label_map={0: "cat", 1: "dog"}, path="gallery.png")
    """
    if path is not None and show:
        raise ValueError("Give either `path` or `show=True`. Received: both")
    titles = _titles({"Label": y_true, "Pred": y_pred}, label_map)
    x = as_bytes(as_channels_last(images, data_format), value_range)
    rows = rows or math.ceil(math.sqrt(len(x)))
    cols = cols or math.ceil(len(x) / rows)
    plt = pyplot()
    figure, axes = plt.subplots(
        rows,
        cols,
        figsize=(cols * scale, rows * scale),
        frameon=False,
        layout="tight",
        squeeze=False,
    )
    figure.subplots_adjust(wspace=0, hspace=0)
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    for i, axis in enumerate(axes.flat):
        axis.axis("off")
        if i < len(x):
            # An image of one channel is gray.
            axis.imshow(x[i], cmap="gray", vmin=0, vmax=255)
            axis.set_title(titles.get(i, ""), fontsize=8)
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
    elif show is not False:
        plt.show()
    plt.close(figure)


def _titles(labels, label_map):
    """The title of each image: what is known of its labels."""
    parts = {}
    for word, values in labels.items():
        if values is None:
            continue
        if label_map is None:
            raise ValueError("`label_map` must say what is shown for each label. Received: None")
        for i, label in enumerate(convert_to_numpy(values).tolist()):
            parts.setdefault(i, []).append(f"{word}: {label_map.get(label, 'Unknown')}")
    return {i: "  ".join(words) for i, words in parts.items()}
