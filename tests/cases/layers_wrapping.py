"""Rows of the layers that hold another layer."""

from tests.cases.layer_case import Case

LAYERS = [
    Case("SpectralNormalization(engine.layers.Dense(3))", (4, 5), trains=True, length=50),
    Case(
        "SpectralNormalization(engine.layers.Dense(3, use_bias=False), power_iterations=4)",
        (2, 4, 5),
        trains=True,
        length=50,
    ),
]
