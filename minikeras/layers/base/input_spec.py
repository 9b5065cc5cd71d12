"""What a layer demands of its inputs, checked before it computes anything."""

from minikeras.core import trees


class InputSpec:
    """The rank, shape and dtype that a layer expects of one input.

    Args:
        dtype: dtype name, or None for any.
        shape: sizes, `None` for any; or None.
        ndim: the exact rank, or None.
        max_ndim: the largest rank, or None.
        min_ndim: the smallest rank, or None.
        axes: dict of axis to the size that it must have.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing or surplus.
        name: the key of the input where inputs come as a dict.
        optional: whether the input may be None.

    Example:
        >>> import minikeras as keras
        >>> keras.InputSpec(min_ndim=2, axes={-1: 3})
        InputSpec(min_ndim=2, axes={-1: 3})
    """

    def __init__(
        self,
        dtype=None,
        shape=None,
        ndim=None,
        max_ndim=None,
        min_ndim=None,
        axes=None,
        allow_last_axis_squeeze=False,
        name=None,
        optional=False,
    ):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def __repr__(self):
        fields = {
            key: value
            for key in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
            if (value := getattr(self, key)) not in (None, {}) and (key != "ndim" or not self.shape)
        }
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in fields.items())})"

    def get_config(self):
        """Return the constructor's arguments."""
        keys = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return {key: getattr(self, key) for key in keys}

    @classmethod
    def from_config(cls, config):
        """Make a spec from what `get_config` returned."""
        return cls(**config)


def check_inputs(specs, inputs, layer_name):
    """Raise a ValueError if inputs do not satisfy a layer's specs.

    Args:
        specs: an InputSpec, or a nest of them.
        inputs: the layer's first argument.
        layer_name: for the message.
    """
    if specs is None:
        return
    specs = trees.flatten(specs)
    if isinstance(inputs, dict) and all(spec.name for spec in specs):
        missing = [spec.name for spec in specs if spec.name not in inputs and not spec.optional]
        if missing:
            raise ValueError(
                f"The dict of inputs has nothing for '{missing[0]}'. Expected keys: "
                f"{[spec.name for spec in specs]}. Received keys: {list(inputs)}"
            )
        inputs = [inputs.get(spec.name) for spec in specs]
    inputs = trees.flatten(inputs)
    check_count(layer_name, len(specs), inputs)
    for i, (spec, x) in enumerate(zip(specs, inputs, strict=True)):
        if x is None and spec.optional:
            continue
        if not hasattr(x, "shape"):
            raise ValueError(
                f"Layer '{layer_name}' takes tensors or arrays. Received as input {i}: {x!r} (of "
                f"type {type(x).__name__})"
            )
        _check_one(spec, x, f"Input {i} of layer '{layer_name}' does not fit: ")


def check_count(layer_name, count, inputs):
    """Raise a ValueError unless a layer got as many inputs as it takes."""
    if len(inputs) != count:
        raise ValueError(
            f"The number of inputs of layer '{layer_name}' is {count}. Received: {len(inputs)}"
        )


def _check_one(spec, x, prefix):
    shape = tuple(x.shape)
    rank = len(shape)
    full = f"Full shape received: {_shown(shape)}"
    if spec.ndim is not None and rank != spec.ndim and not spec.allow_last_axis_squeeze:
        raise ValueError(f"{prefix}expected ndim={spec.ndim}, found ndim={rank}. {full}")
    if spec.max_ndim is not None and rank > spec.max_ndim:
        raise ValueError(f"{prefix}expected max_ndim={spec.max_ndim}, found ndim={rank}")
    if spec.min_ndim is not None and rank < spec.min_ndim:
        raise ValueError(f"{prefix}expected min_ndim={spec.min_ndim}, found ndim={rank}. {full}")
    if spec.dtype is not None and x.dtype != spec.dtype:
        raise ValueError(f"{prefix}expected dtype={spec.dtype}, found dtype={x.dtype}")
    for axis, size in spec.axes.items():
        if size is not None and isinstance(shape[axis], int) and shape[axis] != size:
            raise ValueError(
                f"{prefix}expected size {size} along axis {axis}. Received: shape={_shown(shape)}"
            )
    if spec.shape is not None:
        _check_shape(spec, shape, prefix)


def _check_shape(spec, shape, prefix):
    wanted = spec.shape
    if spec.allow_last_axis_squeeze:
        wanted = wanted[:-1] if wanted and wanted[-1] == 1 else wanted
        shape = shape[:-1] if shape and shape[-1] == 1 else shape
    fits = len(wanted) == len(shape) and all(
        want is None or not isinstance(size, int) or want == size
        for want, size in zip(wanted, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{prefix}expected shape={spec.shape}, found shape={_shown(shape)}")


def _shown(shape):
    return tuple(size if isinstance(size, int) else None for size in shape)
