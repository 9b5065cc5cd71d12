"""What layers with a window over space share: paddings, and the text of indices."""

from minikeras.tools.explain.sheet import letters, moved, window_start


class Window:
    """The geometry of a window over one, two or three axes.

    Args:
        layer: the layer, for its layout.
        sizes: spatial sizes of the larger side, which the window moves over.
        kernel: sizes of the window.
        strides, dilation: ints for each axis.
        padding: `"valid"`, `"same"` or `"causal"`.
    """

    def __init__(self, layer, sizes, kernel, strides, padding, dilation=None):
        self.rank = len(kernel)
        self.kernel, self.strides = list(kernel), list(strides)
        self.dilation = list(dilation or [1] * self.rank)
        self.first = getattr(layer, "data_format", None) == "channels_first"
        self.before = [
            _before(padding, *axis)
            for axis in zip(sizes, self.kernel, self.strides, self.dilation, strict=True)
        ]
        self.outer = letters(self.rank + 1)[1:]  # i, j, k: places
        self.taps = list("uvw"[: self.rank])

    def at(self, name, places, channel):
        """Return `name[n, i, j, c]` in the layer's layout."""
        inner = [channel, *places] if self.first else [*places, channel]
        return f"{name}[{', '.join(['n', *inner])}]"

    def indices(self, channel):
        """Return the index variables of an array in the layer's layout."""
        inner = [channel, *self.outer] if self.first else [*self.outer, channel]
        return " ".join(["n", *inner])

    def under(self):
        """Where the taps of the window at `i, j` lie: `2 * i + u - 1`."""
        axes = zip(self.outer, self.strides, self.taps, self.dilation, self.before, strict=True)
        return [moved(o, s, t, d, -b) for o, s, t, d, b in axes]

    def over(self):
        """The windows whose tap `u, v` lies at `i, j`: `(i - u + 1) / 2`."""
        axes = zip(self.outer, self.taps, self.dilation, self.before, self.strides, strict=True)
        return [window_start(*axis) for axis in axes]

    def each_tap(self):
        """Return the loops over the window."""
        pairs = zip(self.taps, self.kernel, strict=True)
        return " ".join(f"for {tap} in range({size})" for tap, size in pairs)

    def each_place(self, batch, sizes):
        """Return the loops over samples and places."""
        pairs = zip(["n", *self.outer], [batch, *sizes], strict=True)
        return " ".join(f"for {name} in range({size})" for name, size in pairs)

    def spatial(self, shape):
        """Return the spatial sizes of an array in the layer's layout."""
        return shape[2:] if self.first else shape[1:-1]


def _before(padding, size, kernel, stride, dilation):
    reach = (kernel - 1) * dilation + 1
    if padding == "causal":
        return reach - 1
    if padding == "valid":
        return 0
    windows = -(-size // stride)
    return max((windows - 1) * stride + reach - size, 0) // 2
