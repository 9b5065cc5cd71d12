"""Whatever is done to a model in whatever order: a recorded one is what an eager one is."""

import copy
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import minikeras as keras
from tests.training.machine import OPTIMIZERS, Eager, Script, scaled

EXAMPLES = int(os.environ.get("MINIKERAS_FUZZ_EXAMPLES", 15))

Scaled = scaled(keras)
Scaled.__module__, Scaled.__qualname__ = __name__, "Scaled"

steps = st.sampled_from(["train", "test", "predict"])
sizes = st.sampled_from([1, 4, 5])


class Recorded(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.recorded, self.eager = Script(keras, Scaled), Eager(keras, Scaled)

    @property
    def both(self):
        return self.recorded, self.eager

    @rule(step=steps, size=sizes)
    def take(self, step, size):
        a, b = [script.take(step, size) for script in self.both]
        assert type(a) is type(b), (a, b)
        np.testing.assert_equal(a, b)

    @rule(step=steps, size=sizes)
    def loop(self, step, size):
        a, b = [script.loop(step, size) for script in self.both]
        assert type(a) is type(b), (a, b)
        np.testing.assert_equal(a, b)

    @rule(rate=st.sampled_from([0.0, 1.0, 2.0]))
    def set_rate(self, rate):
        for script in self.both:
            script.set("rate", rate)

    @rule(name=st.sampled_from(["bends", "fails", "trainable"]), value=st.booleans())
    def switch(self, name, value):
        for script in self.both:
            script.set(name, value)

    @rule(optimizer=st.sampled_from(sorted(OPTIMIZERS)))
    def compile(self, optimizer):
        for script in self.both:
            script.compile(optimizer)

    @rule(value=st.sampled_from([0.0, 0.01, 0.2]))
    def set_learning_rate(self, value):
        for script in self.both:
            script.set_learning_rate(value)

    @rule(seed=st.integers(0, 9))
    def set_weights(self, seed):
        for script in self.both:
            script.set_weights(seed)

    @rule(how=st.sampled_from([copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]))
    def go_on_with_a_copy(self, how):
        """The copy reads again; what happens to the original afterwards is none of its business."""
        original = self.recorded.model
        self.recorded.model = how(original)
        self.eager.forget()
        for v in original.variables:
            v.assign(np.zeros(v.shape))

    @rule()
    def build_another_model(self):
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).predict(
            np.ones((1, 2)), verbose=0
        )

    @precondition(lambda self: not self.eager._live["fails"])
    @rule()
    def predict_in_threads(self):
        sizes = [1, 4, 5, 4]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda size: self.recorded.take("predict", size), sizes))
        for size, answer in zip(sizes, answers, strict=True):
            np.testing.assert_equal(answer, self.eager.take("predict", size))

    @invariant()
    def states_are_equal(self):
        for a, b in zip(self.recorded.state(), self.eager.state(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.fuzz
class TestRecorded(Recorded.TestCase):
    settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
