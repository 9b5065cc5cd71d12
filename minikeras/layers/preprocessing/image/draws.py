"""What image layers draw: numbers for each image, and in shapes that broadcast to images."""

from minikeras import ops
from minikeras.ops.random import draws as random


def each_image(shape):
    """Return the shape of one number for each image of images of a shape."""
    return (*shape[:-3], 1, 1, 1)


def by_image(x):
    """Return one number for each image in a shape that broadcasts to images."""
    return ops.reshape(x, (-1, 1, 1, 1))


def chosen(batch, probability, seed):
    """Draw which images of a batch are transformed.

    Args:
        batch: how many images.
        probability: `(lower, upper)`, the range from which each image's probability is drawn.
        seed: what to draw with.

    Returns:
        A tensor of booleans of shape `(batch,)`.
    """
    probability = random.uniform((batch,), *probability, seed=seed)
    return random.uniform((batch,), 0.0, 1.0, seed=seed) < probability


def signs(shape, seed, dtype=None):
    """Draw -1 and 1, each with a probability of one half."""
    draws = random.uniform(shape, seed=seed, dtype=dtype)
    return ops.where(draws > 0.5, -ops.ones_like(draws), ops.ones_like(draws))
