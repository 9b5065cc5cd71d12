"""California housing: prices of houses by block group, from the census of 1990.

R. K. Pace, R. Barry, Sparse spatial autoregressions, Statistics and Probability Letters 33, 1997.
"""

from minikeras.core.checks import one_of
from minikeras.datasets import npz
from minikeras.datasets.catalog import fetch
from minikeras.datasets.split import check_fraction, shuffled, split

_SIZES = {"small": 600, "large": None}


def load_data(version="large", path="california_housing.npz", test_split=0.2, seed=113):
    """Loads the California housing data: 20,640 block groups with 8 features each.

    The features are those of scikit-learn's table: MedInc, HouseAge, AveRooms, AveBedrms,
    Population, AveOccup, Latitude, Longitude (medians and means of a block group).

    Args:
        version: `"large"` for all samples, `"small"` for the first 600.
        path: name of the file in the cache, `~/.keras/datasets`.
        test_split: fraction of the samples for testing, in [0, 1).
        seed: seed of the order of the samples, before they are split.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays, the features of shape (n, 8), the median
        prices in dollars of shape (n,).

    Raises:
        ValueError: if `test_split` is not in [0, 1), or `version` is neither.
        OSError: if the file is not in the cache and can't be downloaded.
        FileError: if it is damaged.

    Example:
        >>> import minikeras as keras
        >>> (x_train, y_train), (x_test, y_test) = keras.datasets.california_housing.load_data()
        >>> x_train.shape[1:], y_train.ndim
        ((8,), 1)
    """
    check_fraction(test_split)
    one_of("version", version, _SIZES)
    x, y = npz.read(fetch("california_housing.npz", path), "x", "y")
    count = _SIZES[version]
    x, y = shuffled(seed, x[:count], y[:count])
    return split(x, y, test_split)
