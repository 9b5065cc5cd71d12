"""InputSpec of Keras 2, which also takes Keras 1's lower bounds of the rank."""

from minikeras import layers


class InputSpec(layers.InputSpec):
    """The rank, shape and dtype that a layer expects of one input.

    Args:
        dtype: dtype name, or None for any.
        shape: sizes, None for any; or None.
        ndim: the exact rank, or as in Keras 1 a text such as `"2+"` for a lower bound; or None.
        max_ndim: the largest rank, or None.
        min_ndim: the smallest rank, or None.
        axes: dict of axis to the size that it must have.

    Raises:
        ValueError: if `ndim` is a text of another form.

    Example:
        >>> from minikeras.keras2.layers import InputSpec
        >>> InputSpec(ndim="2+").min_ndim
        2
    """

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None):
        if isinstance(ndim, str):
            rank, plus, rest = ndim.partition("+")
            if not (rank.isdigit() and plus) or rest:
                raise ValueError(
                    f"`ndim` of an InputSpec is a number, or a text like '2+'. Received: {ndim!r}"
                )
            ndim, min_ndim = None, int(rank)
        super().__init__(dtype, shape, ndim, max_ndim, min_ndim, axes)
