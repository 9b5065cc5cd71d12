"""Gradients of look-ups, as Keras on TensorFlow sees them: rows, and the places they belong to.

The gradient of a table by which an Embedding looked up `n` vectors is a sum of `n` rows. Keras's
optimizers square it row by row, before the rows of one place are added; so the squared gradient of
a vector that a batch used twice is `a**2 + b**2`, not `(a + b)**2`. To take Keras's steps, this
class keeps the rows beside their sum.
"""

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.kernels.per_device import scatter_add_rows


class RowGradient:
    """A gradient that is a sum of rows at places that may repeat.

    Args:
        rows: array `(count, width)`.
        places: integer array `(count,)`.
        shape: the shape of the weight, `(size, ...)`.
        total: the sum as a dense array, where it is known already.
    """

    def __init__(self, rows, places, shape, total=None):
        self.rows = rows
        self.places = places
        self.shape = shape
        self._total = total

    @property
    def dtype(self):
        """The dtype of the rows."""
        return self.rows.dtype

    def dense(self):
        """Return the sum of the rows as an array of the weight's shape."""
        if self._total is None:
            self._total = self._scattered(self.rows)
        return self._total

    def squared(self):
        """Return the sum of the squared rows."""
        return self._scattered(self.rows * self.rows)

    def magnitude(self):
        """Return the sum of the rows' absolute values."""
        return self._scattered(abs(self.rows))

    def square_sum(self):
        """Return the sum over all elements of all squared rows."""
        flat = self.rows.reshape(-1)
        return flat @ flat

    def _scattered(self, rows):
        xp = device.namespace(rows)
        table = xp.zeros((self.shape[0], rows.shape[1]), rows.dtype)
        return scatter_add_rows(xp, table, self.places, rows).reshape(self.shape)

    def __mul__(self, factor):
        return RowGradient(self.rows * factor, self.places, self.shape)

    def __truediv__(self, divisor):
        return RowGradient(self.rows / divisor, self.places, self.shape)

    def clip(self, low, high):
        """Clip every row's elements to a range."""
        return RowGradient(self.rows.clip(low, high), self.places, self.shape)


def gradient_array(gradient):
    """Return what optimizers compute with: the array of a tensor, or its rows if it has them."""
    rows = getattr(gradient, "rows", None)
    if rows is not None:
        values, places = _joined(rows)
        return RowGradient(values, places, gradient.shape, gradient.data)
    return gradient.data if isinstance(gradient, Tensor) else device.asarray(gradient)


def _joined(look_ups):
    """The rows `(count, width)` and places `(count,)` of all look-ups in one table."""
    rows = [values.reshape(places.size, -1) for values, places in look_ups]
    places = [places.reshape(-1) for _, places in look_ups]
    if len(rows) == 1:
        return rows[0], places[0]
    xp = device.namespace(rows[0])
    return xp.concatenate(rows), xp.concatenate(places)


def dense(gradient):
    """Return a gradient as one array."""
    return gradient.dense() if isinstance(gradient, RowGradient) else gradient


def square_sum(gradient):
    """Return the sum of the squares of all elements."""
    if isinstance(gradient, RowGradient):
        return gradient.square_sum()
    flat = gradient.reshape(-1)
    return flat @ flat
