"""Made-up data to try models on."""

import numpy as np

from minikeras.keras2.finder import elsewhere

__getattr__ = elsewhere(__name__)

__all__ = ["get_test_data"]


def get_test_data(
    num_train=1000,
    num_test=500,
    input_shape=(10,),
    output_shape=(2,),
    classification=True,
    num_classes=2,
):
    """Return normal samples around their class, or around a number that is to be told.

    Args:
        num_train: int, samples for training.
        num_test: int, samples for testing.
        input_shape: tuple, the shape of a sample.
        output_shape: tuple, the shape of a target, if it is no class.
        classification: whether targets are classes.
        num_classes: int, how many.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, from NumPy's global random numbers.

    Example:
    from minikeras.keras2.finder import elsewhere
        >>> from minikeras.keras2.utils.test_utils import get_test_data
        >>> (x, y), _ = get_test_data(20, 10, input_shape=(3,))
        >>> x.shape, y.shape
        ((20, 3), (20,))
    """
    samples = num_train + num_test

    def around(centers, shape):
        centers = centers.reshape(-1, *[1] * len(shape))
        return np.random.normal(centers, 0.7, (samples, *shape)).astype(np.float32)

    if classification:
        y = np.random.randint(0, num_classes, samples)
        x = around(y, tuple(input_shape))
    else:
        centers = np.random.random(samples)
        x, y = around(centers, tuple(input_shape)), around(centers, tuple(output_shape))
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:])
