"""Random tensors. In a graph they are drawn again in each run.

Without a seed, the seed comes from NumPy's global generator, as in Keras 2: after `np.random.seed`
a script draws the same numbers.
"""

import numpy as np

from minikeras import ops
from minikeras.autograd.symbolic import any_symbolic
from minikeras.core import settings as engine
from minikeras.keras2.backend.shapes import sizes
from minikeras.keras2.backend.spelling import keras_1
from minikeras.keras2.backend.tensors import is_building, record
from minikeras.keras2.backend.variables import variable
from minikeras.ops.random import draws
from minikeras.ops.random.dropout import dropout as random_dropout
from minikeras.ops.random.seeds import SeedGenerator

_MOST = 10_000_000
"""Seeds that Keras 2 draws are smaller than this."""


def seed_of(seed):
    """Return a seed: the given one, or one from NumPy's global generator."""
    return int(np.random.randint(_MOST)) if seed is None else int(seed)


def _drawn(draw, shape, dtype, seed, **options):
    """Draw now, or in each run of the graph, from a generator that begins at the seed."""
    source = SeedGenerator(seed_of(seed))

    def run(shape):
        return draw(sizes(shape), dtype=dtype or engine.floatx(), seed=source, **options)

    if is_building() or any_symbolic([shape], None):
        return record(run, (shape,))
    return run(shape)


@keras_1(std="stddev")
def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draw from a normal distribution.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.random_normal((2, 3)))
        (2, 3)
    """
    return _drawn(draws.normal, shape, dtype, seed, mean=mean, stddev=stddev)


@keras_1(low="minval", high="maxval")
def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Draw from a uniform distribution.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.random_uniform((2, 3)))
        (2, 3)
    """
    return _drawn(draws.uniform, shape, dtype, seed, minval=minval, maxval=maxval)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draw from a normal distribution, without values beyond two standard deviations.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.truncated_normal((2, 3)))
        (2, 3)
    """
    return _drawn(draws.truncated_normal, shape, dtype, seed, mean=mean, stddev=stddev)


def random_binomial(shape, p=0.0, dtype=None, seed=None):
    """Draw ones with probability `p`, else zeros.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.random_binomial((2,), p=1.0)).tolist()
        [1.0, 1.0]
    """

    def draw(shape, dtype, seed):
        return ops.cast(draws.uniform(shape, seed=seed) <= p, dtype)

    return _drawn(draw, shape, dtype, seed)


def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    """Return a variable drawn from a uniform distribution.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.random_uniform_variable((2, 3), 0.0, 1.0))
        (2, 3)
    """
    values = np.random.RandomState(seed_of(seed)).uniform(low, high, tuple(shape))
    return variable(values, dtype=dtype, name=name)


def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    """Return a variable drawn from a normal distribution.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.int_shape(K.random_normal_variable((2, 3), 0.0, 1.0))
        (2, 3)
    """
    values = np.random.RandomState(seed_of(seed)).normal(mean, scale, tuple(shape))
    return variable(values, dtype=dtype, name=name)


def dropout(x, level, noise_shape=None, seed=None):
    """Set elements to zero with probability `level`, and scale the others up.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.eval(K.dropout(K.constant([-1.0, 0.5]), 0.0)).tolist()
        [-1.0, 0.5]
    """
    source = SeedGenerator(seed_of(seed))

    def run(x):
        return random_dropout(x, level, noise_shape=noise_shape, seed=source)

    return record(run, (x,)) if is_building() or any_symbolic([x], None) else run(x)
