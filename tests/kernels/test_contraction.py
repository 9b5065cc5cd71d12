"""Pairwise contraction gives what `numpy.einsum` gives, whatever the letters."""

import numpy as np
import pytest

from minikeras.kernels.shared.contraction import contract_all

SIZES = dict(zip("abcdef", (2, 3, 4, 5, 1, 2), strict=True))
SPECS = [
    "ab,bc->ac",
    "ab,bc->ca",
    "ab,cd->",
    "ab,cd->dacb",
    "abc,cbd->da",
    "abc,acd->abd",
    "abcd,adbe->bcea",
    "ab,bc,cd->ad",
    "ab,bc,cd,de,ef->fa",
    "abc,abc->b",
    "abc->",
    "abc->cab",
    "a,b,c->bca",
    "aef,fe->a",
]


@pytest.mark.parametrize("spec", SPECS)
def test_same_as_numpy(spec):
    rng = np.random.default_rng(0)
    inputs, output = spec.split("->")
    inputs = inputs.split(",")
    arrays = [rng.normal(size=[SIZES[c] for c in letters]) for letters in inputs]
    y = contract_all(np, arrays, inputs, output)
    np.testing.assert_allclose(y, np.einsum(spec, *arrays), rtol=0, atol=1e-12)
