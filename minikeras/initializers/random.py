"""Initializers that draw: plain distributions, variance scaling, and orthogonal matrices.

Glorot: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
networks" (2010). He: K. He et al., "Delving Deep into Rectifiers" (2015). Lecun: Y. LeCun et al.,
"Efficient BackProp" (1998). Orthogonal: A. Saxe et al., "Exact solutions to the nonlinear dynamics
of learning in deep linear neural networks" (2014).
"""

import math
from typing import TYPE_CHECKING, Annotated, Any

from minikeras.arrays import device
from minikeras.autograd.tensor import Tensor
from minikeras.core import dims, dtypes, registry
from minikeras.core.checks import choice, one_of
from minikeras.core.constructors import Field
from minikeras.initializers.initializer import Initializer, initializer, with_fields
from minikeras.ops.random import draws
from minikeras.ops.random.seeds import SeedGenerator, is_seed, make_default_seed, refused_seed

_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")

# The standard deviation that is left of 1 when a normal is cut off at two deviations.
_TRUNCATED_DEVIATION = 0.87962566103423978

# A seed is kept twice: as it was received, for the config, and as draws take it.
Seed = Annotated[Any, Field(serialize=registry.serialize, attribute="_init_seed")]


@with_fields
class RandomInitializer(Initializer):
    """The base of initializers that draw.

    Args:
        seed: int (the same values at every call), `SeedGenerator` (other values at every call), its
            config, or None for an int drawn from Python's `random` here and now.

    Raises:
        ValueError: if the seed is none of these.
    """

    seed: Seed = None
    if TYPE_CHECKING:
        _init_seed: Any

    def _setup(self):
        """Turn the seed received into one that draws take."""
        seed = self._init_seed
        if seed is None:
            seed = make_default_seed()
        elif isinstance(seed, dict):
            seed = registry.deserialize(seed)
        if not is_seed(seed) and not isinstance(seed, SeedGenerator):
            raise refused_seed(seed)
        self.seed = seed

    def get_config(self):
        """Return the arguments, the seed first and as it was received, as Keras writes them."""
        config = super().get_config()
        return {"seed": config.pop("seed"), **config}


@initializer("normal")
class RandomNormal(RandomInitializer):
    """Draw from a normal distribution.

    Args:
        mean: mean.
        stddev: standard deviation.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.RandomNormal(stddev=1.0, seed=1)((2, 3)).shape
        (2, 3)
    """

    _draw = staticmethod(draws.normal)

    mean: float = 0.0
    stddev: float = 0.05
    seed: Seed = None

    def __call__(self, shape, dtype=None):
        """Return a tensor of a shape and float dtype."""
        return self._draw(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)


@initializer()
class TruncatedNormal(RandomNormal):
    """Draw from a normal distribution, again where a number is beyond two deviations.

    Args:
        mean: mean before truncation.
        stddev: standard deviation before truncation.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.TruncatedNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    _draw = staticmethod(draws.truncated_normal)


@initializer("uniform")
class RandomUniform(RandomInitializer):
    """Draw from a uniform distribution.

    Args:
        minval: lower bound.
        maxval: upper bound, itself never drawn.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.RandomUniform(0.0, 1.0, seed=1)((2,)).tolist()
        [0.878488, 0.459980]
    """

    minval: float = -0.05
    maxval: float = 0.05
    seed: Seed = None

    def __call__(self, shape, dtype=None):
        """Return a tensor of a shape and float or integer dtype."""
        return _uniform(shape, self.minval, self.maxval, dtype, self.seed)


def _positive_scale(scale, name):
    if scale <= 0.0:
        raise ValueError(f"`scale` must be a float greater than 0. Received: scale={scale}")
    return scale


def _known_distribution(distribution, name):
    distribution = str(distribution).lower()
    if distribution == "normal":
        return "truncated_normal"
    return one_of("distribution", distribution, _DISTRIBUTIONS)


@initializer()
class VarianceScaling(RandomInitializer):
    """Draw with a variance that keeps the size of signals from layer to layer.

    The variance is `scale / n`, where n is the number of inputs of a unit, of outputs of an input,
    or the mean of the two. Without axes the last two axes are inputs and outputs, and the sizes of
    those before them count as a factor of both, as in a convolution kernel.

    Args:
        scale: positive float.
        mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"` (also `"normal"`), `"untruncated_normal"`, `"uniform"`.
        input_axes: the axes that count as inputs; heeded if `output_axes` is given too.
        output_axes: the axes that count as outputs.

    Raises:
        ValueError: if an argument is none of these.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.VarianceScaling(2.0, seed=1)((3, 4)).shape
        (3, 4)
    """

    scale: Annotated[float, Field(_positive_scale)] = 1.0
    mode: Annotated[str, Field(choice(*_MODES))] = "fan_in"
    distribution: Annotated[str, Field(_known_distribution)] = "truncated_normal"
    seed: Seed = None
    input_axes: Any = None
    output_axes: Any = None

    def __call__(self, shape, dtype=None):
        """Return a tensor of a shape and dtype."""
        shape = dims.as_sizes(shape)
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return _uniform(shape, -limit, limit, dtype, self.seed)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return draws.normal(shape, 0.0, stddev, dtype=dtype, seed=self.seed)
        stddev /= _TRUNCATED_DEVIATION
        return draws.truncated_normal(shape, 0.0, stddev, dtype=dtype, seed=self.seed)


@with_fields
class _NamedScaling(VarianceScaling):
    """Variance scaling with fixed numbers, which a subclass names.

    Args:
        input_axes: the axes that count as inputs, as in `VarianceScaling`.
    """

    seed: Seed = None
    input_axes: Any = None
    output_axes: Any = None


@initializer()
class GlorotUniform(_NamedScaling):
    """Draw from a uniform distribution of variance `2 / (inputs + outputs)`, Glorot's rule.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.GlorotUniform(seed=1)((2, 3)).shape
        (2, 3)
    """

    scale, mode, distribution = 1.0, "fan_avg", "uniform"


@initializer()
class GlorotNormal(_NamedScaling):
    """Draw from a truncated normal of variance `2 / (inputs + outputs)`, Glorot's rule.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.GlorotNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    scale, mode, distribution = 1.0, "fan_avg", "truncated_normal"


@initializer()
class HeUniform(_NamedScaling):
    """Draw from a uniform distribution of variance `2 / inputs`, He's rule.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.HeUniform(seed=1)((2, 3)).shape
        (2, 3)
    """

    scale, mode, distribution = 2.0, "fan_in", "uniform"


@initializer()
class HeNormal(_NamedScaling):
    """Draw from a truncated normal of variance `2 / inputs`, He's rule.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.HeNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    scale, mode, distribution = 2.0, "fan_in", "truncated_normal"


@initializer()
class LecunUniform(_NamedScaling):
    """Draw from a uniform distribution of variance `1 / inputs`, LeCun's rule.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.LecunUniform(seed=1)((2, 3)).shape
        (2, 3)
    """

    scale, mode, distribution = 1.0, "fan_in", "uniform"


@initializer()
class LecunNormal(_NamedScaling):
    """Draw from a truncated normal of variance `1 / inputs`, LeCun's rule.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.LecunNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    scale, mode, distribution = 1.0, "fan_in", "truncated_normal"


@initializer("OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """Draw matrices whose rows, or columns if these are fewer, are orthonormal.

    It is the Q of the QR decomposition of a matrix of normals, its signs chosen so that R has a
    positive diagonal. More than two axes: those before the last are taken together.

    Args:
        gain: factor of the matrix.

    Raises:
        ValueError: when called, if the shape has fewer than two axes.

    Example:
        >>> import minikeras as keras
        >>> q = keras.initializers.Orthogonal(seed=1)((3, 2))
        >>> keras.ops.round(keras.ops.matmul(keras.ops.transpose(q), q), 4).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """

    gain: float = 1.0
    seed: Seed = None

    def __call__(self, shape, dtype=None):
        """Return a tensor of a shape and float dtype."""
        shape = dims.as_sizes(shape)
        if len(shape) < 2:
            raise ValueError(
                "An orthogonal weight is a matrix of rows and columns, and needs two axes or more. "
                f"Received: shape={shape} of rank {len(shape)}"
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = max(rows, columns), min(rows, columns)
        sample: Any = draws.normal(tall, dtype=dtype, seed=self.seed)
        drawn = sample.data
        xp = device.namespace(drawn)
        # LAPACK knows no half precision.
        q, r = xp.linalg.qr(drawn.astype("float32") if drawn.itemsize == 2 else drawn)
        q = q * xp.sign(xp.diagonal(r))
        q = q.T if rows < columns else q
        return Tensor((self.gain * q.reshape(shape)).astype(drawn.dtype))


def compute_fans(shape, input_axes=None, output_axes=None):
    """Return how many inputs a unit has, and how many outputs an input, for a weight of a shape."""
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        return (shape * 2) or (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def _uniform(shape, minval, maxval, dtype, seed):
    """Uniform numbers of a float or an integer dtype."""
    if dtypes.is_integer(dtypes.standardize(dtype)):
        return draws.randint(shape, minval, maxval, dtype=dtype, seed=seed)
    return draws.uniform(shape, minval, maxval, dtype=dtype, seed=seed)
