"""Settings of all tests that need minikeras alone."""

import gc
import os
import random

import numpy as np
import pytest
from hypothesis import settings

import minikeras

# The same draws on every run; `make fuzz` asks for more of them, and for new ones.
settings.register_profile("fixed", deadline=None, derandomize=True, database=None, max_examples=30)
FUZZ_EXAMPLES = os.environ.get("MINIKERAS_FUZZ_EXAMPLES")
if FUZZ_EXAMPLES:
    settings.register_profile("fuzz", deadline=None, database=None, max_examples=int(FUZZ_EXAMPLES))
settings.load_profile("fuzz" if FUZZ_EXAMPLES else "fixed")


def pytest_collection_finish():
    """Leave modules and tests out of what Python's collector visits: they stay anyway."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def fresh_state():
    """Give every test the same random numbers and settings, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)
    before = (
        minikeras.config.floatx(),
        minikeras.config.epsilon(),
        minikeras.config.image_data_format(),
        minikeras.config.dtype_policy(),
    )
    yield
    minikeras.config.set_floatx(before[0])
    minikeras.config.set_epsilon(before[1])
    minikeras.config.set_image_data_format(before[2])
    minikeras.config.set_dtype_policy(before[3])
    minikeras.utils.clear_session()
