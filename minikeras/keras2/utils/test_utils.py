"""What tests of layers and models use: made-up data, and a check of a layer."""

import functools
from types import MappingProxyType
from typing import Any

import numpy as np

from minikeras.keras2 import backend as K
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.layers import Input
from minikeras.keras2.models import Model
from minikeras.keras2.spelling import spelled
from minikeras.keras2.utils.generic_utils import has_arg

__getattr__ = elsewhere(__name__)

_NO_ARGUMENTS = MappingProxyType({})

__all__ = ["get_test_data", "keras_test", "layer_test"]


def _get_test_data(num_train, num_test, input_shape, output_shape, classification, num_classes):
    """Return normal samples around their class, or around a number that is to be told.

    Args:
        num_train: int, samples for training.
        num_test: int, samples for testing.
        input_shape: tuple, the shape of a sample.
        output_shape: tuple, the shape of a target, if it is no class.
        classification: whether targets are classes.
        num_classes: int, how many.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, from NumPy's global random numbers.

    Example:
        >>> from minikeras.keras2.utils.test_utils import get_test_data
        >>> (x, y), _ = get_test_data(20, 10, input_shape=(3,))
        >>> x.shape, y.shape
        ((20, 3), (20,))
    """
    samples = num_train + num_test

    def around(centers, shape):
        centers = centers.reshape(-1, *[1] * len(shape))
        return np.random.normal(centers, 0.7, (samples, *shape)).astype(np.float32)

    if classification:
        y = np.random.randint(0, num_classes, samples)
        x = around(y, tuple(input_shape))
    else:
        centers = np.random.random(samples)
        x, y = around(centers, tuple(input_shape)), around(centers, tuple(output_shape))
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:])


_get_test_data.__name__ = "get_test_data"
get_test_data = spelled(
    _get_test_data,
    "num_train=1000, num_test=500, input_shape=(10,), output_shape=(2,), classification=True, "
    "num_classes=2",
    keras1={"nb_train": "num_train", "nb_test": "num_test", "nb_class": "num_classes"},
)


def keras_test(func):
    """Return a test after which layers are numbered from 1 again.

    Args:
        func: the test, a function.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.utils.test_utils import keras_test
        >>> @keras_test
        ... def name_of_layer():
        ...     return Dense(1).name
        >>> before = name_of_layer()
        >>> name_of_layer()
        'dense_1'
    """

    @functools.wraps(func)
    def tested(*args, **kwargs):
        result = func(*args, **kwargs)
        K.clear_session()
        return result

    return tested


def layer_test(
    layer_cls,
    kwargs=_NO_ARGUMENTS,
    input_shape=None,
    input_dtype=None,
    input_data=None,
    expected_output=None,
    expected_output_dtype=None,
    fixed_batch_size=False,
):
    """Check a layer of one input and one output: shapes, dtype, weights, config, training.

    Args:
        layer_cls: the layer's class.
        kwargs: dict of its arguments.
        input_shape: shape of the input, batch included; sizes of None are drawn.
        input_dtype: dtype of the input; the default float type if None.
        input_data: array, in place of numbers from 0 to 10 that are drawn.
        expected_output: array that the layer returns, or None for any.
        expected_output_dtype: dtype of the output; that of the input if None.
        fixed_batch_size: whether the model is made for the batch's size.

    Returns:
        The output, an array.

    Raises:
        AssertionError: if the layer does something else than it tells.
        ValueError: if there is neither data nor a shape.

    Example:
        >>> from minikeras.keras2.layers import Dense
        >>> from minikeras.keras2.utils.test_utils import layer_test
        >>> layer_test(Dense, {"units": 2}, input_shape=(4, 3)).shape
        (4, 2)
    """
    if input_data is None:
        input_data = _drawn(input_shape, input_dtype or K.floatx())
    shape = tuple(input_shape or input_data.shape)
    dtype = str(input_dtype or input_data.dtype)
    layer = layer_cls(**kwargs)
    layer.set_weights(layer.get_weights())
    x = Input(batch_shape=shape if fixed_batch_size else (None, *shape[1:]), dtype=dtype)
    y = layer(x)
    assert K.dtype(y) == str(expected_output_dtype or dtype)
    again = layer_cls(**kwargs, weights=layer.get_weights() or None)
    again(x)
    for one, other in zip(layer.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    model = Model(x, y)
    output: Any = model.predict(input_data)
    _same_shape(layer.compute_output_shape(shape), output.shape)
    if expected_output is not None:
        np.testing.assert_allclose(output, expected_output, rtol=1e-3)
    copied = Model.from_config(model.get_config())
    copied.set_weights(model.get_weights())
    np.testing.assert_allclose(copied.predict(input_data), output, rtol=1e-3)
    if has_arg(layer.call, "training"):
        model.compile("rmsprop", "mse")
        model.train_on_batch(input_data, output)
    layer_cls.from_config({**layer.get_config(), "batch_input_shape": shape})
    return output


def _drawn(shape, dtype):
    if shape is None:
        raise ValueError("`layer_test` needs `input_data` or an `input_shape`.")
    sizes = [np.random.randint(1, 4) if size is None else size for size in shape]
    return (10 * np.random.random(sizes)).astype(dtype)


def _same_shape(expected, shape):
    sizes = zip(expected, shape, strict=True)
    differ = [i for i, (size, real) in enumerate(sizes) if size is not None and size != real]
    assert not differ, f"The layer tells the shape {tuple(expected)}, and returns {shape}."
