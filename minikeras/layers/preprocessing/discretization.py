"""Discretization: floats by the number of the bin between whose edges they lie.

The edges are given, or quantiles of data. These are estimated from a summary that stays small:
pairs of a value and the number of data up to it since the value before. Summaries of several
batches are merged, and thinned out by interpolating the cumulative numbers at multiples of
`epsilon`.
"""

from typing import Annotated, Any

import numpy as np

from minikeras import ops
from minikeras.autograd.symbolic import KerasTensor
from minikeras.core import settings
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.preprocessing.adapting import (
    batches_of,
    host_array_of,
    is_array,
    refuse_nothing,
)
from minikeras.layers.preprocessing.encoding import (
    Sparse,
    encode,
    encoded_shape,
    output_mode,
    refuse_sparse,
)
from minikeras.layers.preprocessing.host import _FeatureLayer


def _edges(value, name):
    return np.asarray(value).tolist() if isinstance(value, (list, tuple, np.ndarray)) else value


def _plain(value):
    return None if value is None else list(value)


@layer
class Discretization(_FeatureLayer):
    """Turn floats into the numbers of the bins in which they lie.

    Bin `i` reaches from edge `i - 1`, which belongs to it, to edge `i`.

    Args:
        bin_boundaries: list of floats that rise, the edges between the bins; or None.
        num_bins: int, how many bins `adapt` makes, each of equally many data; or None.
        epsilon: float, the error of the quantiles that `adapt` allows, relative to all data.
        output_mode: `"int"` for the bin; `"one_hot"` for a vector for each value; `"multi_hot"` or
            `"count"` for one for each sample, the last axis.

    Raises:
        ValueError: if not just one of `bin_boundaries` and `num_bins` is given, or an argument is
            invalid.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0])
        >>> layer([[-1.5, 1.0, 3.4, 0.5]]).tolist()
        [[0, 2, 3, 1]]
    """

    bin_boundaries: Annotated[Any, Field(_edges, _plain)] = None
    num_bins: Any = None
    epsilon: float = 0.01
    output_mode: str = "int"
    sparse: Sparse = False
    dtype: Any = None
    name: Any = None

    def setup(self):
        """Check the arguments."""
        kind = type(self).__name__
        modes = ("int", "one_hot", "multi_hot", "count")
        self.output_mode = output_mode(self.output_mode, modes, kind)
        refuse_sparse(self.sparse, kind)
        if self.num_bins is not None and self.num_bins < 0:
            raise ValueError(f"`num_bins` must be 0 or greater. Received: num_bins={self.num_bins}")
        if (self.num_bins is None) == (self.bin_boundaries is None):
            raise ValueError(
                "You need to set either `num_bins` or `bin_boundaries`, and not both. Received: "
                f"`num_bins={self.num_bins}` and `bin_boundaries={self.bin_boundaries}`"
            )
        self.summary = _NOTHING

    @property
    def input_dtype(self):
        """The dtype in which inputs arrive in `call`."""
        return settings.floatx()

    @property
    def output_dtype(self):
        """The dtype of the outputs."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def adapt(self, data, steps=None):
        """Estimate the edges between bins of equally many data.

        Args:
            data: array, or iterable of batches, such as a list of arrays.
            steps: int, how many batches are taken; None for all.

        Raises:
            ValueError: if the layer was given its edges, or there are no data.
        """
        if self.num_bins is None:
            raise ValueError(
                "`adapt` finds the boundaries of `num_bins` bins, and this layer has its own: give "
                "`num_bins` instead of `bin_boundaries`."
            )
        self.reset_state()
        for batch in [data] if is_array(data) else batches_of(data, steps):
            self.update_state(batch)
        if not self.summary.size:
            refuse_nothing(self)
        self.finalize_state()

    def update_state(self, data):
        """Add a batch of floats to the summary."""
        values = host_array_of(data) if is_array(data) else np.array(data)
        added = summarized(values.astype("float32"), self.epsilon)
        merged = np.concatenate([added, self.summary], axis=1)
        order = np.argsort(merged[0])
        self.summary = thinned(merged[:, order], self.epsilon)

    def reset_state(self):
        """Forget the data."""
        if self.num_bins is not None:
            self.summary = _NOTHING

    def finalize_state(self):
        """Make the edges of the summary."""
        if self.num_bins is not None:
            self.bin_boundaries = thinned(self.summary, 1 / self.num_bins)[0, :-1].tolist()

    def call(self, inputs):
        """Find the bins, and write them in the output mode."""
        if self.bin_boundaries is None:
            raise ValueError(
                "`Discretization` has no boundaries yet: give `bin_boundaries`, or call "
                "`adapt(data)` first."
            )
        bins = ops.digitize(inputs, list(self.bin_boundaries))
        return encode(bins, self.output_mode, self._depth(), self.output_dtype)

    def _depth(self):
        edges = self.bin_boundaries
        return self.num_bins if edges is None else len(edges) + 1

    def compute_output_shape(self, input_shape):
        """Return the shape of the bins, or of the vectors that stand for them."""
        return encoded_shape(input_shape, self.output_mode, self._depth())

    def compute_output_spec(self, inputs):
        """Return a symbolic tensor like the outputs."""
        return KerasTensor(self.compute_output_shape(inputs.shape), self.output_dtype)

    def load_own_variables(self, store):
        """Take the summary from a store, which older files have."""
        if len(store.keys()) == 1:
            self.summary = np.asarray(store["0"])

    def get_config(self):
        """Return the constructor's arguments, and the edges that were learned."""
        config = super().get_config()
        return {**{name: config[name] for name in self._fields}, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """Make the layer from what `get_config` returned; an adapted one has edges as well."""
        learned = config.get("bin_boundaries") if config.get("num_bins") is not None else None
        if learned is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer.bin_boundaries = list(learned)
        return layer


_NOTHING = np.zeros((2, 0), "float32")


def summarized(values, epsilon):
    """Return the summary of values: every n-th of them, and how many each stands for.

    Args:
        values: float array of any shape.
        epsilon: float, about the reciprocal of how many values are kept.

    Returns:
        An array `(2, count)`.
    """
    values = np.sort(values, axis=None)
    step = max(values.size * epsilon, 1)
    kept = values[int(step - 1) :: int(step)]
    return np.stack([kept, np.full_like(kept, step)])


def thinned(summary, epsilon):
    """Return a summary with about `1 / epsilon` pairs, of one that has more.

    Args:
        summary: array `(2, count)`: values that rise, and how many each stands for.
        epsilon: float, the part of all data for which a value shall stand.
    """
    if summary.shape[1] * epsilon < 1:
        return summary
    fractions = epsilon + np.arange(0.0, 1.0, epsilon)
    cumulative = summary[1].cumsum()
    values = np.interp(fractions, cumulative / cumulative[-1], summary[0])
    counts = np.interp(fractions, cumulative / cumulative[-1], cumulative)
    return np.stack([values, np.diff(counts, prepend=0)]).astype("float32")
