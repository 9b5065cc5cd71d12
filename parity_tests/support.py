"""Both engines side by side: the same object on each, with the same weights."""

import contextlib
import re

import keras
import numpy as np

import minikeras
from minikeras.core.policy import set_dtype_policy


@contextlib.contextmanager
def policy(name):
    """Set the dtype policy of both engines inside the `with` block."""
    outer = keras.config.dtype_policy().name
    setters = (keras.config.set_dtype_policy, set_dtype_policy)
    for setter in setters:
        setter(name)
    try:
        yield
    finally:
        for setter in setters:
            setter(outer)


def fresh_names():
    """Reset automatic names on both sides; Keras forgets the dtype policy with them."""
    outer = keras.config.dtype_policy().name
    keras.utils.clear_session(free_memory=False)
    minikeras.utils.clear_session()
    keras.config.set_dtype_policy(outer)


def both(make, seed=1):
    """Make the same object of each engine.

    Args:
        make: function of an engine (`keras` or `minikeras`).
        seed: what both engines' random numbers start from.

    Returns:
        Ours, then Keras's.
    """
    fresh_names()
    objects = []
    for engine in (minikeras, keras):
        engine.utils.set_random_seed(seed)
        objects.append(make(engine))
    return tuple(objects)


def share_weights(ours, theirs, seed=0):
    """Give two layers the same random weights, all of them positive, so that roots exist."""
    rng = np.random.default_rng(seed)
    values = [
        rng.uniform(0.2, 1.0, tuple(w.shape)).astype(np.asarray(w).dtype)
        for w in theirs.get_weights()
    ]
    ours.set_weights(values)
    theirs.set_weights(values)


def normal(shape, dtype="float64", seed=0):
    """Return normal numbers; for a list of shapes a list of arrays."""
    rng = np.random.default_rng(seed)
    if isinstance(shape, list):
        return [rng.normal(size=s).astype(dtype) for s in shape]
    return rng.normal(size=shape).astype(dtype)


def converted(engine, value):
    """Return arrays as tensors of an engine, one by one in a list."""
    if isinstance(value, list):
        return [engine.ops.convert_to_tensor(v) for v in value]
    return engine.ops.convert_to_tensor(value)


def spaced(words):
    """Return the pattern of words in a message that may break its lines elsewhere than Keras."""
    return r"\s+".join(map(re.escape, words.split()))


def said(module, pattern):
    """Return the pattern of an error's message: our own words from us, any from Keras.

    Args:
        module: a module of either engine.
        pattern: what our message must match.

    Returns:
        `pattern`, or for a module of Keras one that any message matches.
    """
    return pattern if module.__name__.startswith("minikeras") else "."
