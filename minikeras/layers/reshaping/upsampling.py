"""Layers that enlarge images and volumes by whole factors."""

from typing import Any

from minikeras import ops
from minikeras.core.work import spend
from minikeras.layers.base.arguments import DataFormat, int_tuple
from minikeras.layers.base.declare import layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer


class _UpSampling(Layer):
    size: Any
    data_format: Any
    _rank: int

    def setup(self):
        """Demand a batch, the enlarged axes and the channels."""
        self.size = int_tuple(self.size, self._rank, "size")
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs):
        """Enlarge one axis after the other."""
        first = 2 if self.data_format == "channels_first" else 1
        for axis, factor in enumerate(self.size, start=first):
            inputs = self._enlarged(inputs, factor, axis)
        return inputs

    def _enlarged(self, x, factor, axis):
        return ops.repeat(x, factor, axis=axis)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with the sizes multiplied."""
        first = 2 if self.data_format == "channels_first" else 1
        shape = list(input_shape)
        for axis, factor in enumerate(self.size, start=first):
            shape[axis] = None if shape[axis] is None else shape[axis] * factor
        return tuple(shape)


@layer
class UpSampling2D(_UpSampling):
    """Enlarge images by whole factors.

    Args:
        size: int or two ints, factors for height and width.
        interpolation: `"nearest"` (pixels are repeated) or `"bilinear"`.

    Input shape: `(batch, height, width, channels)`, or with the channels after the batch.

    Raises:
        ValueError: if the interpolation is another one.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.reshape([1.0, 2.0], (1, 1, 2, 1))
        >>> keras.layers.UpSampling2D((1, 2))(x)[0, 0, :, 0].tolist()
        [1.0, 1.0, 2.0, 2.0]
    """

    _rank = 2

    size: Any = (2, 2)
    data_format: DataFormat = None
    interpolation: str = "nearest"

    def setup(self):
        """Check the interpolation."""
        super().setup()
        self.interpolation = self.interpolation.lower()
        if self.interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                "Invalid value for argument `interpolation`. Expected of one ('nearest', "
                f"'bilinear'). Received: interpolation={self.interpolation}"
            )

    def _enlarged(self, x, factor, axis):
        if self.interpolation == "nearest" or factor == 1:
            return super()._enlarged(x, factor, axis)
        return _stretched(x, factor, axis)


def _stretched(x, factor, axis):
    """Repeat each element `factor` times, weighted linearly with its neighbours.

    Centres of old and new elements lie half an element after their edges: copy `k` of an element
    stands `(k + 1/2) / factor - 1/2` after its centre. Beyond the outer centres values stay.
    """
    whole, copies = (slice(None),) * axis, []
    before = ops.concatenate([x[(*whole, slice(0, 1))], x[(*whole, slice(0, -1))]], axis=axis)
    after = ops.concatenate([x[(*whole, slice(1, None))], x[(*whole, slice(-1, None))]], axis=axis)
    spend(factor)
    for k in range(factor):
        offset = (k + 0.5) / factor - 0.5
        start, stop, share = (before, x, 1 + offset) if offset < 0 else (x, after, offset)
        copies.append(start + (stop - start) * share)
    shape = (*x.shape[:axis], x.shape[axis] * factor, *x.shape[axis + 1 :])
    return ops.reshape(ops.stack(copies, axis=axis + 1), shape)


@layer
class UpSampling3D(_UpSampling):
    """Enlarge volumes by whole factors: each cell is repeated.

    Args:
        size: int or three ints, the factors.

    Input shape: `(batch, *spatial, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.UpSampling3D()(keras.ops.ones((1, 2, 3, 4, 1))).shape
        (1, 4, 6, 8, 1)
    """

    _rank = 3

    size: Any = (2, 2, 2)
    data_format: DataFormat = None
