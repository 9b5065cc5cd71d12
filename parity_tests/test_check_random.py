"""`minikeras check` finds nothing in random models: against Keras and against itself."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

import minikeras
from minikeras.tools.check.checking import Options, compare
from minikeras.tools.check.forms.report import as_text
from minikeras.tools.check.session import Session
from parity_tests.networks import build, recipes

pytestmark = pytest.mark.parity

# The everyday run draws a few models; a slow test so many.
DRAWS = int(os.environ.get("MINIKERAS_CHECK_MODELS", "1000"))
OPTIMIZERS = ["sgd", "adam", "rmsprop", "nadam", "adagrad", "adamw", "lion", "adadelta"]


class Engines:
    """Processes of several engines that compare model after model.

    Args:
        folder: a `Path` for files.
    """

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.ours = Session("minikeras", folder / "ours")
        self.others = [Session(name, folder / name) for name in ("keras", "minikeras")]

    def close(self):
        """End all of them."""
        for session in (self.ours, *self.others):
            session.close()

    def compared(self, recipe, optimizer, seed):
        """Compare a model in minikeras with Keras, some with minikeras; return the reports."""
        self.count += 1
        path = str(self.folder / "model.keras")
        saved(recipe, optimizer, seed, path)
        options = {"batches": 1, "steps": 1, "seed": seed}
        return [
            compare(
                Options({"path": path}, against=other.engine, **options),
                self.ours,
                other,
                self.folder / f"{self.count}-{other.engine}",
            )
            for other in self.others[: 1 if self.count % 4 else 2]
        ]


def saved(recipe, optimizer, seed, path):
    """Write a recipe's model in float32, with weights that are no initial ones."""
    draw = np.random.default_rng(seed)
    minikeras.utils.set_random_seed(seed)
    recipe.inputs = [(s, "int32" if d == "int32" else "float32", n) for s, d, n in recipe.inputs]
    model = build(minikeras, recipe)
    model.set_weights([w + 0.1 * np.abs(draw.normal(size=w.shape)) for w in model.get_weights()])
    model.compile(optimizer, "mse")
    model.save(path)


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """The processes, for all models."""
    processes = Engines(Path(tmp_path_factory.mktemp("check")))
    yield processes
    processes.close()


def nothing_found(draws):
    """A test of so many models."""

    @pytest.mark.filterwarnings("ignore::UserWarning")  # of lost masks and the like
    @given(recipes(), st.sampled_from(OPTIMIZERS), st.integers(0, 2**32 - 1))
    @settings(
        max_examples=draws,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def test(engines, recipe, optimizer, seed):
        note(recipe)
        for report in engines.compared(recipe, optimizer, seed):
            assert report.same, as_text(report)

    return test


test_a_few_models = nothing_found(5)
test_many_models = pytest.mark.slow(nothing_found(DRAWS))
