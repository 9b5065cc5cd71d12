"""Settings of the tests against Keras: those of the others, for both engines."""

import keras
import pytest
import tensorflow as tf

from tests.conftest import fresh_state  # noqa: F401 - a fixture of every test here as well


@pytest.fixture(autouse=True)
def fresh_keras(fresh_state):  # noqa: F811 - asks for the fixture
    """Give Keras, too, the same random numbers and settings for every test."""
    tf.random.set_seed(0)
    before = (
        keras.config.floatx(),
        keras.config.epsilon(),
        keras.config.image_data_format(),
        keras.config.dtype_policy(),
    )
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_epsilon(before[1])
    keras.config.set_image_data_format(before[2])
    keras.config.set_dtype_policy(before[3])
