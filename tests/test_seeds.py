"""Seed generators and draws where only shapes are known."""

import random
import subprocess
import sys

import numpy as np
import pytest

from minikeras.autograd import symbolic
from minikeras.autograd.symbolic import Abstract
from minikeras.core.dims import Dim
from minikeras.ops.random import draws, seeds
from minikeras.ops.random.dropout import dropout

DRAWS = {
    "uniform": (lambda s, g: draws.uniform(s, seed=g), "float32"),
    "normal": (lambda s, g: draws.normal(s, dtype="float64", seed=g), "float64"),
    "truncated_normal": (lambda s, g: draws.truncated_normal(s, seed=g), "float32"),
    "randint": (lambda s, g: draws.randint(s, 0, 5, seed=g), "int32"),
    "gamma": (lambda s, g: draws.gamma(s, 2.0, seed=g), "float32"),
    "beta": (lambda s, g: draws.beta(s, 2.0, 1.0, seed=g), "float32"),
    "binomial": (lambda s, g: draws.binomial(s, 5, 0.5, seed=g), "float32"),
    "dropout": (lambda s, g: dropout(Abstract(s), 0.5, seed=g), "float32"),
    "shuffle": (lambda s, g: draws.shuffle(Abstract(s, "int8"), seed=g), "int8"),
    "categorical": (lambda s, g: draws.categorical(Abstract((s[0], 9)), s[1], seed=g), "int32"),
}


@pytest.mark.parametrize("name", DRAWS)
def test_shapes_alone_step_no_generator(name):
    draw, dtype = DRAWS[name]
    generator = seeds.SeedGenerator(1)
    unknown = Dim()
    answer = draw((unknown, 3), generator)
    assert isinstance(answer, Abstract)
    assert answer.shape == (unknown, 3) and answer.dtype == dtype
    with symbolic.abstract_scope():
        assert draw((2, 3), generator).shape == (2, 3)
        assert generator.next().shape == (2,)
    assert generator.state.numpy().tolist() == [1, 0]


def test_no_unseeded_generator_for_shapes_alone():
    random.seed(1)
    before = random.getstate()
    seeds.clear_seeds()
    with symbolic.abstract_scope():
        draws.uniform((2,))
    assert random.getstate() == before


def test_clear_seeds_starts_anew():
    seeds.set_random_seed(3)
    first = draws.uniform((4,)).tolist()
    assert draws.uniform((4,)).tolist() != first
    seeds.clear_seeds()
    random.seed(3)
    assert draws.uniform((4,)).tolist() == first


def test_run_seed():
    seeds.set_random_seed(3)
    assert seeds.run_seed() == 3
    with pytest.raises(ValueError, match="between 0 and .* Received: seed=-1"):
        seeds.set_random_seed(-1)
    assert seeds.run_seed() == 3


def test_state_is_not_shared_with_what_was_read():
    generator = seeds.SeedGenerator(1)
    before = generator.state.value
    generator.next()
    assert before.tolist() == [1, 0] and generator.state.numpy().tolist() == [1, 1]


def test_a_failed_draw_steps_no_generator():
    generator = seeds.SeedGenerator(1)
    for rate, noise_shape, words in (
        (2.0, None, "`rate` must be .* Received: rate=2.0"),
        (0.5, (7,), r"\(7,\), \(2, 3\)"),
        (0.5, (2, 2, 3), r"Received: noise_shape=\(2, 2, 3\)"),
    ):
        with pytest.raises(ValueError, match=words):
            dropout(np.ones((2, 3), "float32"), rate, noise_shape, seed=generator)
    with pytest.raises(ValueError, match=r"not be negative. Received: shape=\(-1,\)"):
        draws.uniform((-1,), seed=generator)
    with pytest.raises(ValueError, match="Received: minval=5, maxval=5"):
        draws.randint((2,), 5, 5, seed=generator)
    assert generator.state.numpy().tolist() == [1, 0]


def test_rates_that_need_no_draw():
    generator = seeds.SeedGenerator(1)
    x = np.ones((2, 3), "float32")
    assert dropout(x, 0.0, seed=generator).tolist() == x.tolist()
    assert dropout(x, 1.0, seed=generator).tolist() == (0 * x).tolist()
    assert generator.state.numpy().tolist() == [1, 0]


USES = {
    "public names": "[getattr(m, name) for m in MODULES for name in dir(m)]",
    "summary": "model.summary()",
    "save": "model.save('m.keras')",
    "file editor": "model.save_weights(F); keras.saving.KerasFileEditor(F)",
}

PROGRAM = """
import random
import numpy as np
import minikeras as keras

F = "m.weights.h5"
NAMES = "applications layers models saving utils preprocessing initializers datasets"
MODULES = [getattr(keras, name) for name in NAMES.split()]
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
keras.utils.set_random_seed(0)
before = random.getstate(), np.random.get_state()[1].tolist()
{}
assert (random.getstate(), np.random.get_state()[1].tolist()) == before
"""


@pytest.mark.parametrize("use", USES)
def test_what_is_imported_late_leaves_the_seed_alone(use, tmp_path):
    program = [sys.executable, "-c", PROGRAM.format(USES[use])]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
