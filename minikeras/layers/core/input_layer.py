"""Where data enter a model: InputLayer, and `Input`, which returns its symbolic tensor."""

import operator

from minikeras.autograd.symbolic import KerasTensor, SymbolicNode
from minikeras.core import dtypes, registry
from minikeras.core.docstrings import described
from minikeras.core.old_names import explains_old_arguments
from minikeras.layers.base.layer import Layer


@described()
class InputLayer(Layer):
    """Where data enter a model; `Input` makes one and returns its symbolic tensor.

    Args:
        shape: tuple of ints, the sizes without the batch axis, None where unknown.
        batch_size: int, the batch size, or None for any.
        dtype: dtype name of the data; the default float type if None.
        sparse: must be falsy.
        ragged: must be falsy.
        batch_shape: tuple of ints, the sizes with the batch axis, instead of `shape` and
            `batch_size`.
        input_tensor: an existing symbolic tensor to use.
        optional: whether None may be passed for the data.
        **kwargs: `input_shape` and `batch_input_shape`, old names of `shape` and `batch_shape`.

    Raises:
        ValueError: if the shape is missing or no tuple of sizes, or `input_tensor` does not fit.

    Example:
        >>> import minikeras as keras
        >>> keras.layers.InputLayer(shape=(3,)).output.shape
        (None, 3)
    """

    def __init__(
        self,
        shape=None,
        batch_size=None,
        dtype=None,
        sparse=None,
        ragged=None,
        batch_shape=None,
        input_tensor=None,
        optional=False,
        name=None,
        **kwargs,
    ):
        super().__init__(name=name)
        if sparse or ragged:
            raise ValueError("Sparse and ragged inputs are not supported: pass dense arrays.")
        shape = kwargs.pop("input_shape", shape)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        if input_tensor is None:
            batch_shape = _full_shape(shape, batch_size, batch_shape)
            input_tensor = KerasTensor(batch_shape, dtype=dtype, name=name)
        elif not isinstance(input_tensor, KerasTensor):
            raise ValueError(
                "`input_tensor` must be a KerasTensor, which `keras.Input` makes. Received: "
                f"{input_tensor} (of type {type(input_tensor).__name__})"
            )
        else:
            _check_fits(input_tensor, shape, batch_size, batch_shape, dtype)
        self.batch_shape = input_tensor.shape
        self._dtype = input_tensor.dtype
        self.optional = optional
        self.built = True
        SymbolicNode(self, outputs=input_tensor)

    def call(self):
        """Do nothing: data enter here."""

    @property
    def dtype(self):
        """The dtype of the data."""
        return self._dtype

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }

    @classmethod
    def from_config(cls, config):
        """Make the layer from what `get_config` returned."""
        config = dict(config)
        config["batch_shape"] = tuple(registry.deserialize(config["batch_shape"]))
        return cls(**config)


def _full_shape(shape, batch_size, batch_shape):
    if batch_shape is not None:
        if shape is not None or batch_size is not None:
            raise ValueError(
                "You cannot pass `shape` or `batch_size` together with `batch_shape`. Received: "
                f"shape={shape}, batch_size={batch_size}, batch_shape={batch_shape}"
            )
        return _sizes(batch_shape)
    if shape is None:
        raise ValueError(
            "`Input` needs a `shape`, a sample's sizes without the batch, such as `shape=(28, 28, "
            "1)`, or a `batch_shape`."
        )
    return (*_sizes((batch_size,)), *_sizes(shape))


def _sizes(shape):
    """A shape as a tuple of Python ints and None."""
    try:
        sizes = tuple(None if size is None else operator.index(size) for size in shape)
    except TypeError:
        sizes = (-1,)
    if any(size is not None and size < 0 for size in sizes):
        raise ValueError(
            "Cannot convert this value to a shape: expected a tuple of non-negative integers or "
            f"None, such as `(28, 28)`. Received: shape={shape!r}"
        )
    return sizes


def _check_fits(tensor, shape, batch_size, batch_shape, dtype):
    """Demand that whatever is said of an existing tensor be true of it."""
    actual = tensor.shape
    told = {
        "shape": (shape, actual[1:]),
        "batch_size": (batch_size, actual[0] if actual else None),
        "batch_shape": (batch_shape, actual),
    }
    wrong = [name for name, (said, real) in told.items() if said is not None and said != real]
    if dtype is not None and dtypes.standardize(dtype) != tensor.dtype:
        wrong.append("dtype")
    if wrong:
        raise ValueError(f"Arguments {wrong} do not fit the given tensor {tensor}: leave them out.")


@described(InputLayer)
@explains_old_arguments
def Input(  # the public name is Keras's
    shape=None,
    batch_size=None,
    dtype=None,
    sparse=None,
    ragged=None,
    batch_shape=None,
    name=None,
    tensor=None,
    optional=False,
):
    """Return a symbolic tensor where data will enter a model.

    Args:
        name: the input's name, or None for an automatic one.
        tensor: an existing symbolic tensor to use.

    Returns:
        A `KerasTensor`.

    Raises:
        ValueError: if the shape is missing or no tuple of sizes.

    Example:
        >>> import minikeras as keras
        >>> keras.Input((28, 28)).shape
        (None, 28, 28)
    """
    input_layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return input_layer.output
