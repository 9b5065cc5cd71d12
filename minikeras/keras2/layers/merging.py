"""Functions that join tensors: each calls a layer of its own."""


def merging_function(layer, arguments=""):
    """Return the function that calls a new merging layer on a list of tensors.

    Args:
        layer: the layer's class.
        arguments: names of the layer's arguments that the function takes by position.
    """
    names = arguments.split()

    def merge(inputs, *args, **kwargs):
        return layer(**dict(zip(names, args, strict=False)), **kwargs)(inputs)

    merge.__name__ = layer.__name__.lower()
    merge.__doc__ = f"Call a `{layer.__name__}` layer on a list of tensors and return its output."
    return merge
