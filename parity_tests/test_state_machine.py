"""Whatever is done to a model between steps: it goes on as a model of Keras does."""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

import minikeras
from minikeras.tools.tolerances import assert_close
from tests.training.machine import OPTIMIZERS, Script, scaled
from tests.training.test_state_machine import EXAMPLES

LAYERS = {engine: scaled(engine) for engine in (minikeras, keras)}

# Keras joins sizes of batches that differ; of one size both read at the same moment.
SIZE = 4
# Some twenty steps, each with sums over a few numbers, whose roundings the next ones take over.
LENGTH = 4096


class Both(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.ours, self.theirs = [Script(engine, LAYERS[engine]) for engine in (minikeras, keras)]
        self.theirs.model.set_weights(self.ours.model.get_weights())

    def do(self, name, *args):
        return [getattr(script, name)(*args) for script in (self.ours, self.theirs)]

    @rule(step=st.sampled_from(["train", "train", "test", "predict"]))
    def take(self, step):
        ours, theirs = self.do("take", step, SIZE)
        assert type(ours) is type(theirs), (ours, theirs)
        if step == "predict":
            assert_close(ours, theirs, LENGTH, "prediction")
            return
        assert list(ours) == list(theirs)
        for name in theirs:
            pair = np.float32(ours[name]), np.float32(theirs[name])
            assert_close(*pair, LENGTH, name, dtype="float32")

    @rule(rate=st.sampled_from([0.0, 1.0, 2.0]))
    def set_rate(self, rate):
        self.do("set", "rate", rate)

    @rule(name=st.sampled_from(["bends", "trainable"]), value=st.booleans())
    def switch(self, name, value):
        self.do("set", name, value)

    @rule(optimizer=st.sampled_from(sorted(OPTIMIZERS)))
    def compile(self, optimizer):
        self.do("compile", optimizer)

    @rule(value=st.sampled_from([0.0, 0.01, 0.2]))
    def set_learning_rate(self, value):
        self.do("set_learning_rate", value)

    @rule(seed=st.integers(0, 9))
    def set_weights(self, seed):
        self.do("set_weights", seed)

    def teardown(self):
        for ours, theirs in zip(*self.do("state"), strict=True):
            assert_close(ours, theirs, LENGTH, "state", scale=0.1)


@pytest.mark.fuzz
@pytest.mark.parity
class TestBoth(Both.TestCase):
    settings = settings(
        max_examples=max(4, EXAMPLES // 5),
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
