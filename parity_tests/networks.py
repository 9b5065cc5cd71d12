"""Random functional models, as recipes that either side can build.

A recipe is plain data: the inputs, and a list of steps, each a layer with its arguments and the
places it reads from. The strategy keeps the symbolic tensors of minikeras beside the recipe while
it draws, so that every step fits the shapes that are there.
"""

import random
from dataclasses import dataclass, field

from hypothesis import assume
from hypothesis import strategies as st

import minikeras
from minikeras.core import names

# Constants that Keras rounds to float32 even in float64 (gelu, a slope of 0.2) would hide what we
# look for here; the tables of ops and layers compare those.
SAFE_ACTIVATIONS = ["relu", "tanh", "sigmoid", "elu", "selu", "softplus", "linear", None]
MAX_SIZE = 3000


@dataclass(frozen=True)
class Step:
    """One layer call: class name, arguments, the places of its inputs."""

    layer: str
    arguments: dict
    sources: tuple
    inner: tuple = ()


@dataclass
class Recipe:
    """Inputs as `(shape, dtype, largest integer)`, and the steps that follow."""

    inputs: list
    steps: list = field(default_factory=list)


def build(keras, recipe):
    """Build a recipe with a Keras module; every tensor that nothing reads is an output."""
    tensors = [keras.Input(shape, dtype=dtype) for shape, dtype, _ in recipe.inputs]
    used = set()
    for step in recipe.steps:
        layer = make_layer(keras, step)
        sources = [tensors[i] for i in step.sources]
        used.update(step.sources)
        tensors.append(layer(sources[0] if len(sources) == 1 else sources))
    count = len(recipe.inputs)
    outputs = [t for i, t in enumerate(tensors) if i >= count and i not in used]
    return keras.Model(tensors[:count], outputs)


def make_layer(keras, step):
    """Make the layer of a step, wrapping its inner layer where it has one."""
    cls = getattr(keras.layers, step.layer)
    if step.inner:
        inner = make_layer(keras, step.inner[0])
        return cls(inner, **step.arguments)
    return cls(**step.arguments)


# Each row: the ranks it takes, whether the shape suits, and a strategy for its arguments.

_sizes = st.integers(1, 4)
_activations = st.sampled_from(SAFE_ACTIVATIONS)
_flags = st.booleans()
_seeds = st.integers(0, 99)


def _arguments(**strategies):
    return st.fixed_dictionaries(strategies)


def _window(rank, largest=3):
    return st.tuples(*[st.integers(1, largest)] * rank)


@st.composite
def _conv(draw, shape, rank, transposed=False):
    arguments = {
        "kernel_size": draw(_window(rank)),
        "padding": draw(st.sampled_from(["same", "valid"])),
        "use_bias": draw(_flags),
        "activation": draw(_activations),
        "filters": draw(_sizes),
    }
    strided = draw(_flags)
    if strided:
        arguments["strides"] = draw(st.integers(1, 3))
    elif not transposed:
        arguments["dilation_rate"] = draw(st.integers(1, 2))
    if not transposed and draw(_flags):
        groups = draw(st.sampled_from([g for g in (1, 2, 3) if shape[-1] % g == 0]))
        arguments["groups"] = groups
        arguments["filters"] = groups * draw(st.integers(1, 2))
    if rank == 1 and not transposed and draw(_flags):
        arguments["padding"] = "causal"
    return arguments


def _depthwise(rank, **more):
    options = {
        "kernel_size": _window(rank),
        "padding": st.sampled_from(["same", "valid"]),
        "depth_multiplier": st.integers(1, 2),
        "use_bias": _flags,
        "activation": _activations,
        **more,
    }
    strided = _arguments(strides=st.integers(1, 3), **options)
    return st.one_of(strided, _arguments(dilation_rate=st.integers(1, 2), **options))


def _pool(rank):
    return _arguments(
        pool_size=_window(rank),
        strides=st.one_of(st.none(), st.integers(1, 3)),
        padding=st.sampled_from(["same", "valid"]),
    )


def _recurrent(layer):
    strategies = {
        "units": _sizes,
        "return_sequences": _flags,
        "go_backwards": _flags,
        "use_bias": _flags,
        "activation": st.sampled_from(["tanh", "relu", "sigmoid"]),
        "dropout": st.sampled_from([0.0, 0.3]),
        "recurrent_dropout": st.sampled_from([0.0, 0.0, 0.25]),
        "seed": _seeds,
    }
    if layer == "GRU":
        strategies["reset_after"] = _flags
    if layer == "LSTM":
        strategies["unit_forget_bias"] = _flags
    return _arguments(**strategies)


def _same(rank):
    return lambda shape: True


_norm = {"epsilon": st.sampled_from([1e-3, 1e-2]), "center": _flags, "scale": _flags}

ROWS = {
    "Dense": (
        (2, 3, 4),
        lambda s: _arguments(units=_sizes, activation=_activations, use_bias=_flags),
    ),
    "EinsumDense": (
        (3,),
        lambda s: _arguments(
            equation=st.just("abc,cd->abd"),
            output_shape=_sizes.map(lambda n: (s[1], n)),
            bias_axes=st.sampled_from(["d", "bd", None]),
            activation=_activations,
        ),
    ),
    "Activation": (
        (2, 3, 4),
        lambda s: _arguments(
            activation=st.sampled_from(
                [
                    "relu",
                    "tanh",
                    "softplus",
                    "softmax",
                    "silu",
                    "relu6",
                    "hard_sigmoid",
                    "log_sigmoid",
                ]
            )
        ),
    ),
    "ReLU": (
        (2, 3, 4),
        lambda s: _arguments(
            max_value=st.sampled_from([None, 1.5]), negative_slope=st.sampled_from([0.0, 0.25])
        ),
    ),
    "Softmax": ((2, 3), lambda s: _arguments(axis=st.just(-1))),
    "BatchNormalization": (
        (2, 3, 4),
        lambda s: _arguments(
            axis=st.integers(1, len(s) - 1), momentum=st.sampled_from([0.9, 0.99]), **_norm
        ),
    ),
    "LayerNormalization": ((2, 3, 4), lambda s: _arguments(axis=st.just(-1), **_norm)),
    "Dropout": ((2, 3, 4), lambda s: _arguments(rate=st.sampled_from([0.2, 0.5]), seed=_seeds)),
    "GaussianNoise": ((2, 3, 4), lambda s: _arguments(stddev=st.just(0.125), seed=_seeds)),
    "SpatialDropout1D": ((3,), lambda s: _arguments(rate=st.just(0.5), seed=_seeds)),
    "SpatialDropout2D": ((4,), lambda s: _arguments(rate=st.just(0.5), seed=_seeds)),
    "RepeatVector": ((2,), lambda s: _arguments(n=_sizes)),
    "Flatten": ((3, 4), lambda s: _arguments()),
    "Permute": ((3, 4), lambda s: _arguments(dims=st.permutations(range(1, len(s))).map(tuple))),
    "Reshape": ((2, 3, 4), lambda s: _arguments(target_shape=_reshaped(s))),
    "Conv1D": ((3,), lambda s: _conv(s, 1)),
    "Conv2D": ((4,), lambda s: _conv(s, 2)),
    "Conv1DTranspose": ((3,), lambda s: _conv(s, 1, transposed=True)),
    "Conv2DTranspose": ((4,), lambda s: _conv(s, 2, transposed=True)),
    "DepthwiseConv1D": ((3,), lambda s: _depthwise(1)),
    "DepthwiseConv2D": ((4,), lambda s: _depthwise(2)),
    "SeparableConv1D": ((3,), lambda s: _depthwise(1, filters=_sizes)),
    "SeparableConv2D": ((4,), lambda s: _depthwise(2, filters=_sizes)),
    "MaxPooling1D": ((3,), lambda s: _pool(1)),
    "AveragePooling1D": ((3,), lambda s: _pool(1)),
    "MaxPooling2D": ((4,), lambda s: _pool(2)),
    "AveragePooling2D": ((4,), lambda s: _pool(2)),
    "GlobalMaxPooling1D": ((3,), lambda s: _arguments(keepdims=_flags)),
    "GlobalAveragePooling1D": ((3,), lambda s: _arguments(keepdims=_flags)),
    "GlobalMaxPooling2D": ((4,), lambda s: _arguments(keepdims=_flags)),
    "GlobalAveragePooling2D": ((4,), lambda s: _arguments(keepdims=_flags)),
    "SimpleRNN": ((3,), lambda s: _recurrent("SimpleRNN")),
    "GRU": ((3,), lambda s: _recurrent("GRU")),
    "LSTM": ((3,), lambda s: _recurrent("LSTM")),
    "ELU": ((2, 3, 4), lambda s: _arguments(alpha=st.sampled_from([0.5, 1.0]))),
    "LeakyReLU": ((2, 3, 4), lambda s: _arguments(negative_slope=st.just(0.25))),
    "PReLU": ((2, 3, 4), lambda s: _arguments(alpha_initializer=st.just("ones"))),
    "GroupNormalization": ((3, 4), lambda s: _arguments(groups=st.sampled_from([1, -1]), **_norm)),
    "RMSNormalization": ((2, 3, 4), lambda s: _arguments(epsilon=st.sampled_from([1e-3, 1e-2]))),
    "UnitNormalization": ((2, 3), lambda s: _arguments(axis=st.just(-1))),
    "GaussianDropout": ((2, 3, 4), lambda s: _arguments(rate=st.just(0.5), seed=_seeds)),
    "ActivityRegularization": ((2, 3, 4), lambda s: _arguments(l2=st.just(0.125))),
    "ZeroPadding1D": ((3,), lambda s: _arguments(padding=_window(2))),
    "ZeroPadding2D": ((4,), lambda s: _arguments(padding=_window(2))),
    "Cropping1D": ((3,), lambda s: _arguments(cropping=_window(2, 2))),
    "Cropping2D": ((4,), lambda s: _arguments(cropping=_window(2, 2))),
    "UpSampling1D": ((3,), lambda s: _arguments(size=st.integers(1, 3))),
    "UpSampling2D": ((4,), lambda s: _arguments(size=_window(2))),
    "AdaptiveAveragePooling2D": ((4,), lambda s: _arguments(output_size=_window(2))),
    "Masking": ((3,), lambda s: _arguments(mask_value=st.just(0.0))),
}


def _reshaped(shape):
    size = 1
    for n in shape[1:]:
        size *= n
    halves = [(size,), (-1, size), (size, 1)]
    halves += [(n, size // n) for n in (2, 3) if size % n == 0]
    return st.sampled_from(halves)


MERGES = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]


@st.composite
def recipes(draw, max_steps=6):
    """Draw a recipe of one or two inputs and a handful of layers."""
    names.clear()
    inputs = [draw(_input()) for _ in range(draw(st.integers(1, 2)))]
    recipe = Recipe(inputs)
    tensors = [minikeras.Input(shape, dtype=dtype) for shape, dtype, _ in inputs]
    for i, (_, dtype, largest) in enumerate(inputs):
        if dtype == "int32":
            arguments = {
                "input_dim": largest + 1,
                "output_dim": draw(_sizes),
                "mask_zero": draw(_flags),
            }
            _append(recipe, tensors, Step("Embedding", arguments, (i,)))
    for _ in range(draw(st.integers(1, max_steps))):
        _append(recipe, tensors, draw(_step(tensors)))
    assume(recipe.steps)
    return recipe


def _append(recipe, tensors, step):
    """Add a step if it fits, that is, if its output has at least one and not too many elements."""
    sources = [tensors[i] for i in step.sources]
    state = random.getstate()  # initializers draw seeds from it; hypothesis owns it
    try:
        output = make_layer(minikeras, step)(sources[0] if len(sources) == 1 else sources)
    except ValueError:
        return
    finally:
        random.setstate(state)
    size = 1
    for n in output.shape[1:]:
        size *= n
    if 0 < size <= MAX_SIZE and output.ndim <= 4:
        recipe.steps.append(step)
        tensors.append(output)


@st.composite
def _input(draw):
    kind = draw(st.sampled_from(["vector", "sequence", "image", "words"]))
    if kind == "vector":
        return (draw(st.integers(1, 6)),), "float64", None
    if kind == "sequence":
        return (draw(st.integers(1, 7)), draw(st.integers(1, 6))), "float64", None
    if kind == "image":
        return (draw(st.integers(2, 8)), draw(st.integers(2, 8)), draw(_sizes)), "float64", None
    return (draw(st.integers(2, 7)),), "int32", 9


@st.composite
def _step(draw, tensors):
    floats = [i for i, t in enumerate(tensors) if t.dtype != "int32"]
    source = draw(st.sampled_from(floats))
    tensor = tensors[source]
    partners = [i for i in floats if tensors[i].shape == tensor.shape and i != source]
    if partners and draw(st.integers(0, 2)) == 0:
        other = draw(st.sampled_from(partners))
        name = draw(st.sampled_from([*MERGES, "Concatenate"]))
        arguments = {"axis": draw(st.integers(1, tensor.ndim - 1))} if name == "Concatenate" else {}
        return Step(name, arguments, (source, other))
    wrapped = draw(_wrapped(tensor.shape)) if tensor.ndim >= 3 and draw(_flags) else None
    if wrapped is not None:
        return Step(*wrapped[:2], (source,), wrapped[2])
    fitting = [name for name, (ranks, _) in ROWS.items() if tensor.ndim in ranks]
    name = draw(st.sampled_from(fitting))
    return Step(name, draw(ROWS[name][1](tensor.shape)), (source,))


@st.composite
def _wrapped(draw, shape):
    """A Bidirectional or TimeDistributed layer around a plain one, or None."""
    if len(shape) == 3 and draw(_flags):
        name = draw(st.sampled_from(["SimpleRNN", "GRU", "LSTM"]))
        inner = draw(_recurrent(name)) | {
            "go_backwards": False,
            "dropout": 0.0,
            "recurrent_dropout": 0.0,
        }
        mode = draw(st.sampled_from(["concat", "sum", "mul", "ave"]))
        return "Bidirectional", {"merge_mode": mode}, (Step(name, inner, ()),)
    inner = Step("Dense", draw(ROWS["Dense"][1](shape)), ())
    return "TimeDistributed", {}, (inner,)
