"""Where data enter a model: `Input`, and the layer that it makes."""

from minikeras.autograd.variable import Variable as EngineVariable
from minikeras.keras2.backend.settings import automatic_name
from minikeras.keras2.backend.tensors import SymbolicTensor, producer_of
from minikeras.keras2.backend.variables import as_tensor
from minikeras.keras2.engine.base.nodes import Node
from minikeras.keras2.engine.layer import Layer
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import shown_as
from minikeras.layers.core.input_layer import InputLayer as EngineInputLayer


class InputLayer(EngineInputLayer, Layer):
    """Where data enter a model.

    Args:
        input_shape: sizes without the batch.
        batch_size: the batch size, or None for any.
        batch_input_shape: sizes with the batch, instead.
        dtype: dtype name; the default float type if None.
        input_tensor: tensor of the graph that gives the data, or None for data that are fed.
        sparse: accepted; tensors are dense, and sparse matrices that are fed become so.
        name: a name, or None for an automatic one.
        **old: `input_dtype`, which was the name of `dtype` in Keras 1.

    Example:
        >>> from minikeras.keras2.layers import InputLayer
        >>> InputLayer(input_shape=(3,)).output_shape
        (None, 3)
    """

    @shown_as(
        "self, input_shape=None, batch_size=None, batch_input_shape=None, dtype=None, "
        "input_tensor=None, sparse=False, name=None"
    )
    def __init__(
        self,
        input_shape=None,
        batch_size=None,
        batch_input_shape=None,
        dtype=None,
        input_tensor=None,
        sparse=False,
        name=None,
        **old,
    ):
        dtype = old.pop("input_dtype", dtype)
        if old:
            raise TypeError(f"Keyword argument not understood by InputLayer: {sorted(old)}")
        Layer.__init__(self, name=name or automatic_name("input"))
        if isinstance(input_tensor, EngineVariable):
            input_tensor = as_tensor(input_tensor)
        self.is_placeholder = input_tensor is None
        if input_tensor is None:
            shape = batch_input_shape
            if shape is None:
                shape = (batch_size, *(() if input_shape is None else input_shape))
            input_tensor = SymbolicTensor(tuple(shape), dtype=dtype, name=self.name)
        elif isinstance(input_tensor, SymbolicTensor):
            input_tensor.producer = producer_of(input_tensor)
        self.batch_input_shape = self.batch_shape = input_tensor.shape
        self._dtype = input_tensor.dtype
        self.sparse = self.optional = False
        self.built = True
        Node.of_call(self, outputs=input_tensor)

    _old_arguments = ("input_dtype",)

    def call(self, inputs, **kwargs):
        """Return the inputs as they are."""
        return inputs

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "batch_input_shape": self.batch_input_shape,
            "dtype": self.dtype,
            "sparse": False,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        """Make the layer from what `get_config` returned."""
        config = dict(config)
        config["batch_input_shape"] = tuple(config["batch_input_shape"])
        return cls(**config)


def Input(shape=None, batch_shape=None, name=None, dtype=None, sparse=False, tensor=None):
    """Return a symbolic tensor where data enter a model.

    Args:
        shape: sizes without the batch.
        batch_shape: sizes with the batch, instead.
        name: a name, or None for an automatic one.
        dtype: dtype name; the default float type if None.
        sparse: accepted; tensors are dense, and sparse matrices that are fed become so.
        tensor: tensor of the graph that gives the data, or None for data that are fed.

    Returns:
        A symbolic tensor.

    Raises:
        ValueError: if there is no shape.

    Example:
        >>> from minikeras.keras2.layers import Input
        >>> Input((3,)).shape
        (None, 3)
    """
    if shape is None and batch_shape is None and tensor is None:
        raise ValueError("`Input` needs a `shape`, a `batch_shape` or a `tensor`; received none.")
    if batch_shape is None and shape is not None:
        batch_shape = (None, *((shape,) if isinstance(shape, int) else shape))
    layer = InputLayer(
        batch_input_shape=batch_shape, name=name, dtype=dtype, sparse=sparse, input_tensor=tensor
    )
    return layer._inbound_nodes[0].outputs[0]


__getattr__ = elsewhere(__name__)
