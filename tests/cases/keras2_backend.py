"""Rows of the backend of Keras 2: a call of a function, its tensors, and the value by NumPy."""

import numpy as np

from tests.cases import keras2_networks, keras2_windows
from tests.cases.keras2_row import BELOW, POSITIVE, X23, X234, Row, distinct, floats, softmax


def _unary():
    table = {
        "square": np.square,
        "abs": np.abs,
        "exp": np.exp,
        "sin": np.sin,
        "cos": np.cos,
        "tanh": np.tanh,
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
        "softplus": lambda x: np.log1p(np.exp(x)),
        "softsign": lambda x: x / (1 + np.abs(x)),
        "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
        "relu": lambda x: np.maximum(x, 0),
        "softmax": softmax,
        "flatten": np.ravel,
        "transpose": np.transpose,
        "zeros_like": np.zeros_like,
        "ones_like": np.ones_like,
    }
    for name, formula in table.items():
        smooth = not name.endswith("_like")
        yield Row(name, lambda K, x, n=name: getattr(K, n)(x), [X234], formula, smooth)
    for name, formula in {"round": np.round, "sign": np.sign}.items():
        yield Row(name, lambda K, x, n=name: getattr(K, n)(x), [X23], formula, smooth=False)
    for name, formula in {"log": np.log, "sqrt": np.sqrt}.items():
        yield Row(name, lambda K, x, n=name: getattr(K, n)(x), [POSITIVE], formula)
    yield Row("identity", lambda K, x: K.identity(x, name="same"), [X23], lambda x: x)
    yield Row("sqrt", lambda K, x: K.sqrt(x), [-POSITIVE], np.zeros_like, smooth=False)


def _reductions():
    table = {
        "sum": np.sum,
        "mean": np.mean,
        "prod": np.prod,
        "max": np.max,
        "min": np.min,
        "var": np.var,
        "std": np.std,
        "logsumexp": lambda x, **k: np.log(np.sum(np.exp(x), **k)),
    }
    for name, formula in table.items():
        for axis, keepdims in [(None, False), (-1, False), ([0, 2], False), (1, True)]:
            options = {"axis": tuple(axis) if isinstance(axis, list) else axis}
            yield Row(
                name,
                lambda K, x, n=name, a=axis, k=keepdims: getattr(K, n)(x, axis=a, keepdims=k),
                [distinct(2, 3, 4)],
                lambda x, f=formula, o=options, k=keepdims: f(x, keepdims=k, **o),
            )
    for name, formula in {"any": np.any, "all": np.all}.items():
        yield Row(
            name,
            lambda K, x, n=name: getattr(K, n)(x > 0, axis=1),
            [X23],
            lambda x, f=formula: f(x > 0, axis=1),
            smooth=False,
        )
    for name, formula in {"argmax": np.argmax, "argmin": np.argmin}.items():
        yield Row(
            name,
            lambda K, x, n=name: getattr(K, n)(x),
            [distinct(2, 3, 4)],
            lambda x, f=formula: f(x, axis=-1),
            smooth=False,
        )
    for name, formula in {"cumsum": np.cumsum, "cumprod": np.cumprod}.items():
        yield Row(
            name,
            lambda K, x, n=name: getattr(K, n)(x, axis=1),
            [X23],
            lambda x, f=formula: f(x, axis=1),
        )


def _binary():
    for name, formula in {"maximum": np.maximum, "minimum": np.minimum}.items():
        yield Row(name, lambda K, x, y, n=name: getattr(K, n)(x, y), [X23, BELOW[::-1]], formula)
    for name in ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"]:
        yield Row(
            name,
            lambda K, x, y, n=name: getattr(K, n)(x, y),
            [np.round(X23), np.round(X23[::-1])],
            getattr(np, name),
            smooth=False,
        )
    yield Row("pow", lambda K, x: K.pow(x, 3), [X23], lambda x: x**3)
    yield Row("clip", lambda K, x: K.clip(x, -0.5, 1.0), [X23], lambda x: np.clip(x, -0.5, 1))
    yield Row("cast", lambda K, x: K.cast(x, "int32"), [X23], np.trunc, smooth=False)
    yield Row(
        "l2_normalize",
        lambda K, x: K.l2_normalize(x, axis=-1),
        [X234],
        lambda x: x / np.sqrt(np.sum(x**2, -1, keepdims=True)),
    )


def _relus():
    def formula(x, alpha=0.0, max_value=None, threshold=0.0):
        y = np.where(x > threshold, x, alpha * (x - threshold))
        return y if max_value is None else np.minimum(y, max_value)

    for options in [
        {"alpha": 0.125},  # TensorFlow holds the slope in float32
        {"max_value": 0.75},
        {"threshold": 0.5},
        {"alpha": 0.3, "max_value": 0.75, "threshold": 0.25},
    ]:
        yield Row(
            "relu",
            lambda K, x, o=options: K.relu(x, **o),
            [X234],
            lambda x, o=options: formula(x, **o),
        )
    yield Row(
        "elu", lambda K, x: K.elu(x, 0.5), [X23], lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))
    )
    yield Row("softmax", lambda K, x: K.softmax(x, axis=1), [X234], lambda x: softmax(x, 1))


def _shapes():
    yield Row("reshape", lambda K, x: K.reshape(x, (-1, 6)), [X234], lambda x: x.reshape(-1, 6))
    yield Row(
        "permute_dimensions",
        lambda K, x: K.permute_dimensions(x, (0, 2, 1)),
        [X234],
        lambda x: x.transpose(0, 2, 1),
    )
    yield Row("expand_dims", lambda K, x: K.expand_dims(x, 1), [X23], lambda x: x[:, None])
    yield Row("squeeze", lambda K, x: K.squeeze(x, 1), [floats(2, 1, 3)], lambda x: x[:, 0])
    yield Row("batch_flatten", lambda K, x: K.batch_flatten(x), [X234], lambda x: x.reshape(2, -1))
    yield Row("repeat", lambda K, x: K.repeat(x, 3), [X23], lambda x: np.stack([x] * 3, 1))
    yield Row(
        "repeat_elements",
        lambda K, x: K.repeat_elements(x, 2, axis=1),
        [X234],
        lambda x: np.repeat(x, 2, 1),
    )
    yield Row("tile", lambda K, x: K.tile(x, [1, 2]), [X23], lambda x: np.tile(x, [1, 2]))
    yield Row("reverse", lambda K, x: K.reverse(x, 1), [X23], lambda x: x[:, ::-1])
    yield Row("reverse", lambda K, x: K.reverse(x, [0, 1]), [X23], lambda x: x[::-1, ::-1])
    yield Row(
        "concatenate",
        lambda K, x, y: K.concatenate([x, y]),
        [X23, BELOW],
        lambda x, y: np.concatenate([x, y], -1),
    )
    yield Row(
        "stack",
        lambda K, x, y: K.stack([x, y], axis=1),
        [X23, BELOW],
        lambda x, y: np.stack([x, y], 1),
    )
    yield Row("slice", lambda K, x: K.slice(x, [0, 1], [2, 2]), [X23], lambda x: x[:, 1:3])
    yield Row(
        "slice", lambda K, x: K.slice(x, [0, 1, 2], [2, -1, 1]), [X234], lambda x: x[:, 1:, 2:3]
    )
    yield Row(
        "gather",
        lambda K, x: K.gather(x, K.constant([2, 0], dtype="int32")),
        [floats(3, 2)],
        lambda x: x[[2, 0]],
    )
    yield Row(
        "one_hot",
        lambda K, x: K.one_hot(K.cast(x, "int32"), 4),
        [np.array([[0.0, 3], [1, 2]])],
        lambda x: np.eye(4)[x.astype(int)],
        smooth=False,
    )
    yield Row("shape", lambda K, x: K.shape(x), [X234], lambda x: np.array(x.shape), smooth=False)


def _padding():
    yield Row(
        "temporal_padding",
        lambda K, x: K.temporal_padding(x, (1, 2)),
        [X234],
        lambda x: np.pad(x, [(0, 0), (1, 2), (0, 0)]),
    )
    for layout in ("channels_last", "channels_first"):
        first = 1 if layout == "channels_last" else 2
        pairs = [(1, 2), (0, 1), (2, 0)]

        def padded(x, first=first, pairs=pairs):
            widths = [(0, 0)] * x.ndim
            widths[first : first + x.ndim - 2] = pairs[: x.ndim - 2]
            return np.pad(x, widths)

        yield Row(
            "spatial_2d_padding",
            lambda K, x, f=layout, p=pairs: K.spatial_2d_padding(x, p[:2], f),
            [floats(2, 3, 2, 3)],
            padded,
        )
        yield Row(
            "spatial_3d_padding",
            lambda K, x, f=layout, p=pairs: K.spatial_3d_padding(x, p, f),
            [floats(2, 2, 3, 2, 2)],
            padded,
        )
        yield Row(
            "resize_images",
            lambda K, x, f=layout: K.resize_images(x, 2, 3, f),
            [floats(2, 3, 2, 3)],
            lambda x, a=first: np.repeat(np.repeat(x, 2, a), 3, a + 1),
        )
        yield Row(
            "resize_volumes",
            lambda K, x, f=layout: K.resize_volumes(x, 2, 1, 3, f),
            [floats(1, 2, 2, 2, 2)],
            lambda x, a=first: np.repeat(np.repeat(x, 2, a), 3, a + 2),
        )
    yield Row(
        "resize_images",
        lambda K, x: K.resize_images(x, 2, 1, "channels_last", interpolation="bilinear"),
        [floats(1, 3, 2, 1)],
        lambda x: np.stack([x, (x + x[:, [1, 2, 2]]) / 2], 2).reshape(1, 6, 2, 1),
        later="interpolates between the centres of pixels, as TensorFlow 2 does",
    )


def _products():
    def einsum(name, pattern, *shapes, later=None, **options):
        arrays = [floats(*shape) for shape in shapes]

        def formula(x, y):
            z = np.einsum(pattern, x, y)
            return z[:, None] if z.ndim == 1 and name == "batch_dot" else z

        return Row(
            name, lambda K, x, y: getattr(K, name)(x, y, **options), arrays, formula, later=later
        )

    heads = "gives each axis of `y` beside each of `x`, as Keras does since 2.3"
    yield einsum("dot", "ij,jk->ik", (2, 3), (3, 4))
    yield einsum("dot", "bij,jk->bik", (2, 3, 4), (4, 5))
    yield einsum("dot", "bij,cjk->bick", (2, 3, 4), (3, 4, 2))
    yield einsum("batch_dot", "bi,bi->b", (2, 3), (2, 3), axes=1)
    yield einsum("batch_dot", "bi,bi->b", (2, 3), (2, 3))
    yield einsum("batch_dot", "bij,bjk->bik", (2, 3, 4), (2, 4, 5))
    yield einsum("batch_dot", "bij,bkj->bik", (2, 3, 4), (2, 5, 4), axes=[2, 2])
    yield einsum("batch_dot", "bij,bik->bjk", (2, 3, 4), (2, 3, 5), axes=1)
    yield einsum("batch_dot", "bij,bj->bi", (2, 3, 4), (2, 4), axes=[2, 1])
    yield einsum("batch_dot", "bi,bij->bj", (2, 3), (2, 3, 4), axes=[1, 1])
    yield einsum(
        "batch_dot", "bhij,bhkj->bhik", (2, 3, 4, 5), (2, 3, 2, 5), axes=[3, 3], later=heads
    )
    yield einsum(
        "batch_dot", "bhij,bhjk->bhik", (2, 3, 4, 5), (2, 3, 5, 2), axes=[3, 2], later=heads
    )


ROWS = [
    *_unary(),
    *_reductions(),
    *_binary(),
    *_relus(),
    *_shapes(),
    *_padding(),
    *_products(),
    *keras2_networks.ROWS,
    *keras2_windows.ROWS,
]
