"""Layers that add zeros around each sample, or cut its border off."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.core import dims
from minikeras.core.dims import Dim
from minikeras.layers.base.arguments import DataFormat, int_pairs, int_tuple
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.base.layer import Layer

Pair = Annotated[Any, Field(lambda value, name: int_tuple(value, 2, name, least=0))]
TwoPairs = Annotated[Any, Field(lambda value, name: int_pairs(value, 2, name))]
ThreePairs = Annotated[Any, Field(lambda value, name: int_pairs(value, 3, name))]


class _ZeroPadding(Layer):
    """Zeros around tensors; the number of axes is up to subclasses.

    Args:
        padding: int, an int for each axis, or a pair `(before, after)` for each axis.
    """

    padding: Any
    data_format: Any
    _rank: int

    def setup(self):
        """Demand a batch, the padded axes and the channels."""
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs):
        """Pad with zeros."""
        pairs = (self.padding,) if self._rank == 1 else self.padding
        if self.data_format == "channels_first":
            return ops.pad(inputs, ((0, 0), (0, 0), *pairs))
        return ops.pad(inputs, ((0, 0), *pairs, (0, 0)))


@layer
class ZeroPadding1D(_ZeroPadding):
    """Add zeros before and after sequences.

    Args:
        padding: int, or two ints, how many steps before and after.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, padded_steps, channels)`.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.ZeroPadding1D((1, 2))(keras.ops.ones((1, 3, 2))).shape
        (1, 6, 2)
    """

    _rank = 1

    padding: Pair = 1
    data_format: DataFormat = None


@layer
class ZeroPadding2D(_ZeroPadding):
    """Add rows and columns of zeros around images.

    Input shape: `(batch, height, width, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.ZeroPadding2D((1, 2))(keras.ops.ones((1, 3, 3, 2))).shape
        (1, 5, 7, 2)
    """

    _rank = 2

    padding: TwoPairs = (1, 1)
    data_format: DataFormat = None


@layer
class ZeroPadding3D(_ZeroPadding):
    """Add zeros around volumes.

    Input shape: `(batch, *spatial, channels)`, or with the channels after the batch.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.ZeroPadding3D()(keras.ops.ones((1, 3, 3, 3, 2))).shape
        (1, 5, 5, 5, 2)
    """

    _rank = 3

    padding: ThreePairs = ((1, 1), (1, 1), (1, 1))
    data_format: DataFormat = None


class _Cropping(Layer):
    """Borders cut off; the number of axes is up to subclasses.

    Args:
        cropping: int, an int for each axis, or a pair `(before, after)` for each axis.
    """

    cropping: Any
    _rank: int

    def setup(self):
        """Demand a batch, the cut axes and the channels."""
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs):
        """Cut the border off."""
        pairs = (self.cropping,) if self._rank == 1 else self.cropping
        first = 2 if getattr(self, "data_format", None) == "channels_first" else 1
        sizes = inputs.shape[first : first + self._rank]
        self._check(inputs.shape, sizes, pairs)
        kept = [slice(a, -b or None) for a, b in pairs]
        return inputs[(*(slice(None),) * first, *kept)]

    def _check(self, shape, sizes, pairs):
        for size, (before, after) in zip(sizes, pairs, strict=True):
            if not isinstance(size, Dim) and before + after >= size:
                raise ValueError(
                    "`cropping` takes away all of an axis: less than its size must be cut off. "
                    f"Received: inputs.shape={dims.to_public(shape)}, cropping={self.cropping}"
                )


@layer
class Cropping1D(_Cropping):
    """Cut steps off the ends of sequences.

    Args:
        cropping: int, or two ints, how many steps before and after.

    Input shape: `(batch, steps, channels)`; output shape: `(batch, fewer_steps, channels)`.

    Raises:
        ValueError: if nothing would be left.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Cropping1D((1, 2))(keras.ops.ones((1, 5, 2))).shape
        (1, 2, 2)
    """

    _rank = 1

    cropping: Pair = (1, 1)


@layer
class Cropping2D(_Cropping):
    """Cut rows and columns off the borders of images.

    Input shape: `(batch, height, width, channels)`, or with the channels after the batch.

    Raises:
        ValueError: if nothing would be left.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Cropping2D((1, 2))(keras.ops.ones((1, 5, 7, 2))).shape
        (1, 3, 3, 2)
    """

    _rank = 2

    cropping: TwoPairs = ((0, 0), (0, 0))
    data_format: DataFormat = None


@layer
class Cropping3D(_Cropping):
    """Cut the borders of volumes off.

    Input shape: `(batch, *spatial, channels)`, or with the channels after the batch.

    Raises:
        ValueError: if nothing would be left.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Cropping3D()(keras.ops.ones((1, 5, 4, 3, 2))).shape
        (1, 3, 2, 1, 2)
    """

    _rank = 3

    cropping: ThreePairs = ((1, 1), (1, 1), (1, 1))
    data_format: DataFormat = None
