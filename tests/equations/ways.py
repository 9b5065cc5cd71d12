"""The ways in which the engine computes one thing, and its gradients with given weights."""

import numpy as np

from minikeras import config, ops
from minikeras.autograd.gradient import GradientTape
from minikeras.autograd.tensor import Tensor
from minikeras.kernels import providers

WAYS = "reference", "numpy", "compiled"
"""Written in ops; kernels in calls of NumPy; compiled kernels, where Numba is installed."""

TOLERANCE = 1e-10


def draw(seed, *shape):
    """Normal numbers in float64."""
    return np.random.default_rng(seed).normal(size=shape)


def computed(way, monkeypatch, op, inputs, upstream, **options):
    """Compute a function of tensors and its gradients.

    Args:
        way: one of `WAYS`.
        monkeypatch: pytest's.
        op: function of tensors; a fused op, or a composite of ops.
        inputs: list of arrays, None among them.
        upstream: list of arrays, the gradients with respect to the results; None for none.
        **options: further arguments.

    Returns:
        The results, and the gradients with respect to the float inputs (None for the others).
    """
    monkeypatch.setattr(providers, "always_compiled", way == "compiled")
    before = config.compiled_kernels()
    config.set_compiled_kernels(way == "compiled")
    try:
        function = getattr(op, "reference", op) if way == "reference" else op
        return _computed(function, inputs, upstream, options)
    finally:
        config.set_compiled_kernels(before)


def _computed(function, inputs, upstream, options):
    tensors = [None if a is None else Tensor(np.asarray(a)) for a in inputs]
    sources = [t for t in tensors if t is not None and t.dtype == "float64"]
    with GradientTape() as tape:
        tape.watch(sources)
        results = function(*tensors, **options)
        results = list(results) if isinstance(results, (tuple, list)) else [results]
        pairs = zip(results, upstream, strict=True)
        total = sum(ops.sum(y * Tensor(g)) for y, g in pairs if g is not None)
    gradients = iter(tape.gradient(total, sources))
    return [y.numpy() for y in results], [
        next(gradients).numpy() if t is not None and t.dtype == "float64" else None for t in tensors
    ]


def assert_near(actual, expected):
    """Compare lists of arrays, each to `TOLERANCE` of its largest number."""
    for a, b in zip(actual, expected, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype == "float64"
        scale = max(1, np.abs(b).max(initial=0))
        np.testing.assert_allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE * scale)
