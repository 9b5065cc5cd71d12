"""Hashing: integers and strings by the bin into which a hash of them falls."""

from typing import Annotated, Any

import numpy as np

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.core import policy
from minikeras.core.settings import floatx
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.preprocessing.adapting import host_array_of
from minikeras.layers.preprocessing.encoding import (
    Sparse,
    encode,
    encoded_shape,
    output_mode,
    refuse_sparse,
)
from minikeras.layers.preprocessing.fingerprints import buckets, salt_pair
from minikeras.layers.preprocessing.host import _HostLayer


def _bins(value, name):
    if not isinstance(value, int) or value <= 0:
        raise ValueError(
            f"The `{name}` for `Hashing` cannot be `None` or non-positive values. Received: "
            f"{name}={value}."
        )
    return value


@layer
class Hashing(_HostLayer):
    """Turn integers and strings into the numbers of bins, by a hash of their text.

    Numbers are hashed as their decimal digits, floats after being cut off to integers. The hash is
    FarmHash; with a salt SipHash-2-4, whose bins nobody can predict who does not know the salt.

    Args:
        num_bins: int, how many bins there are; bin 0 is that of the mask value, if there is one.
        mask_value: the number or string that falls into bin 0 alone, or None.
        salt: int, or two of them: the key of SipHash; None for FarmHash.
        output_mode: `"int"` for the bin; `"one_hot"` for a vector for each value; `"multi_hot"` or
            `"count"` for one for each sample, the last axis.
        **kwargs: `name`, `dtype` (int64, or the default float type for vectors), `trainable`; see
            `Layer`.

    Raises:
        ValueError: if an argument is invalid.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).tolist()
        [[1], [0], [1], [1], [2]]
    """

    num_bins: Annotated[int, Field(_bins)]
    mask_value: Any = None
    salt: Any = None
    output_mode: str = "int"
    sparse: Sparse = False

    def setup(self):
        """Choose the dtype and check the arguments."""
        kind = type(self).__name__
        modes = ("int", "one_hot", "multi_hot", "count")
        self.output_mode = output_mode(self.output_mode, modes, kind)
        refuse_sparse(self.sparse, kind)
        self.salt = salt_pair(self.salt, kind)
        self.autocast = False
        if self._arguments[1].get("dtype") is None:
            self.dtype_policy = policy.get("int64" if self.output_mode == "int" else floatx())
        if self.output_mode == "int" and self.dtype not in ("int32", "int64"):
            raise ValueError(
                "When `output_mode=\"int\"`, `dtype` should be an integer type, 'int32' or "
                f"'int64'. Received: dtype={self.dtype}"
            )

    def computed(self, inputs):
        """Hash all values, and write the bins in the output mode."""
        values = host_array_of(inputs)
        bins = self.bins_of(values)
        indices = Tensor(device.asarray(bins.reshape(values.shape)))
        return encode(indices, self.output_mode, self.num_bins, self.dtype)

    def bins_of(self, values):
        """Return the bin of each value of an array, as an int64 array of one axis."""
        if values.dtype == bool:
            values = np.where(values, b"true", b"false").astype(object)
        flat = values.ravel()
        numbers = flat if flat.dtype == object else flat.astype(np.int64)
        count = self.num_bins
        if self.mask_value is None or count == 1:
            return buckets(numbers.tolist(), count, self.salt)
        bins = buckets(numbers.tolist(), count - 1, self.salt) + 1
        bins[np.asarray(flat == self._mask(flat), bool)] = 0
        return bins

    def _mask(self, values):
        is_text = isinstance(self.mask_value, (str, bytes))
        if is_text != (values.dtype == object):
            raise TypeError(
                f"Layer '{self.name}' was made with mask_value={self.mask_value!r}, and cannot "
                f"find it among inputs of dtype {'string' if not is_text else values.dtype}."
            )
        return self.mask_value.encode() if isinstance(self.mask_value, str) else self.mask_value

    def compute_output_shape(self, input_shape):
        """Return the shape of the bins, or of the vectors that stand for them."""
        return encoded_shape(input_shape, self.output_mode, self.num_bins)
