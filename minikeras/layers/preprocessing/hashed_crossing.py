"""HashedCrossing: combinations of features by the bin into which a hash of them falls."""

from typing import Any

import numpy as np

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.core import dtypes, policy
from minikeras.layers.base.declare import PositiveInt, layer
from minikeras.layers.preprocessing.encoding import (
    Sparse,
    encode,
    encoded_shape,
    output_mode,
    refuse_sparse,
)
from minikeras.layers.preprocessing.fingerprints import crossed, farmhash
from minikeras.layers.preprocessing.host import _HostLayer, as_tensor
from minikeras.layers.preprocessing.tokens import token_array

_SEED = 0xDECAFCAFFE
"""The fingerprint with which TensorFlow's crossing begins."""


@layer
class HashedCrossing(_HostLayer):
    """Turn combinations of integers and strings into the numbers of bins.

    The fingerprint of a combination is that of the fingerprints of its parts, one after the other:
    an integer is its own, a string has FarmHash's.

    Args:
        num_bins: int, how many bins there are.
        output_mode: `"int"` for the bin, `"one_hot"` for a vector.

    Call arguments: a list of at least two tensors of one shape, `()`, `(batch,)` or `(batch, 1)`.

    Raises:
        ValueError: if an argument is invalid.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.HashedCrossing(num_bins=5)
        >>> layer((["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102])).tolist()
        [1, 4, 1, 1, 3]
    """

    num_bins: PositiveInt
    output_mode: str = "int"
    sparse: Sparse = False
    name: Any = None
    dtype: Any = None

    def setup(self):
        """Choose the dtype and check the arguments."""
        kind = type(self).__name__
        self.output_mode = output_mode(self.output_mode, ("int", "one_hot"), kind)
        refuse_sparse(self.sparse, kind)
        self.autocast = False
        args, kwargs = self._arguments
        is_free = kwargs.get("dtype") is None and len(args) <= list(self._fields).index("dtype")
        if self.output_mode == "int" and is_free:
            self.dtype_policy = policy.get("int64")

    def _as_tensors(self, inputs):
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ValueError(
                "`HashedCrossing` should be called on a list or tuple of at least two inputs. "
                f"Received: inputs={inputs}"
            )
        return [as_tensor(x) for x in inputs]

    def computed(self, inputs):
        """Hash the combinations, and write the bins in the output mode."""
        shape = inputs[0].shape
        self._check_shapes([x.shape for x in inputs])
        if not all(x.dtype == dtypes.STRING or dtypes.is_integer(x.dtype) for x in inputs):
            raise ValueError(
                "`HashedCrossing` takes integers and strings. Received: dtypes "
                f"{[x.dtype for x in inputs]}"
            )
        hashes = np.full(int(np.prod(shape)), _SEED, np.uint64)
        for x in inputs:
            hashes = crossed(hashes, _own_fingerprints(x))
        bins = (hashes % np.uint64(self.num_bins)).astype(np.int64).reshape(shape)
        indices = Tensor(device.asarray(bins))
        return encode(indices, self.output_mode, self.num_bins, self.compute_dtype)

    def _check_shapes(self, shapes):
        rank = len(shapes[0])
        if rank > 2 or (rank == 2 and shapes[0][-1] not in (1, None)):
            raise ValueError(
                "`HashedCrossing` takes one value for each sample: shapes (), (batch,) or (batch, "
                f"1). Received: shapes {shapes}"
            )
        if any(tuple(shape) != tuple(shapes[0]) for shape in shapes):
            raise ValueError(
                f"`HashedCrossing` takes features of one shape. Received: shapes {shapes}"
            )

    def compute_output_shape(self, input_shape):
        """Return the shape of the bins, or of the vectors that stand for them."""
        shapes = [tuple(shape) for shape in input_shape]
        self._check_shapes(shapes)
        return encoded_shape(shapes[0], self.output_mode, self.num_bins)

    def get_config(self):
        """Return the constructor's arguments, and no others."""
        config = super().get_config()
        return {**{name: config[name] for name in self._fields}, "dtype": self.dtype}


def _own_fingerprints(x):
    if x.dtype == dtypes.STRING:
        return farmhash(token_array(x, "string").ravel().tolist())
    return token_array(x, "int64").ravel().view(np.uint64)
