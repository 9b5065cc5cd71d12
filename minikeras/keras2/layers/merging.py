"""Functions that make layers: those that join tensors, and Keras 1's dilated convolutions."""

import inspect


def merging_function(layer):
    """Return the function that calls a new merging layer on a list of tensors.

    Args:
        layer: the layer's class; the function takes its arguments after the tensors.

    Returns:
        A function of `(inputs, ..., **kwargs)`.
    """

    def merge(inputs, *args, **kwargs):
        return layer(*args, **kwargs)(inputs)

    parameters = inspect.signature(layer).parameters.values()
    inputs = inspect.Parameter("inputs", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    merge.__signature__ = inspect.Signature([inputs, *parameters])
    merge.__name__ = merge.__qualname__ = layer.__name__.lower()
    merge.__doc__ = f"""Call a `{layer.__name__}` layer on a list of tensors and return its output.

    Example:
        >>> from minikeras.keras2.layers import Input, {merge.__name__}
        >>> tensors = [Input((2, 3)), Input((2, 3))]
        >>> {merge.__name__}(tensors{", 1" if merge.__name__ == "dot" else ""}).ndim
        3
    """
    return merge


def dilated_function(name, layer, order):
    """Return the function that makes a convolution with Keras 1's `atrous_rate`.

    Args:
        name: the function's name.
        layer: the convolution's class.
        order: the arguments of Keras 1 in their order, separated by spaces.

    Returns:
        A function of `(*args, **kwargs)` that returns the layer.
    """
    names = order.split()

    def dilated(*args, **kwargs):
        if len(args) > names.index("init"):  # further arguments are in the order of Keras 1
            args, kwargs = (), {**dict(zip(names, args, strict=False)), **kwargs}
        return layer(*args, **kwargs)

    dilated.__name__ = dilated.__qualname__ = name
    dilated._old_arguments = set(names)
    dilated.__doc__ = f"""Make a `{layer.__name__}`, whose `dilation_rate` is `atrous_rate` here.

    Example:
        >>> from minikeras.keras2.layers import {name}
        >>> set({name}(8, 3, atrous_rate=2).dilation_rate)
        {{2}}
    """
    return dilated
