"""Boston housing: prices of houses in the suburbs of Boston, around 1978.

D. Harrison, D. L. Rubinfeld, Hedonic prices and the demand for clean air, Journal of Environmental
Economics and Management 5, 1978. One of its features, `B`, was computed from the share of Black
people in a town, on the assumption that segregation raises prices: use the data to study such
faults, and `california_housing` for anything else.
"""

from minikeras.datasets import npz
from minikeras.datasets.catalog import fetch
from minikeras.datasets.split import check_fraction, shuffled, split


def load_data(path="boston_housing.npz", test_split=0.2, seed=113):
    """Loads the Boston housing data: 506 places with 13 features each.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.
        test_split: fraction of the samples for testing, in [0, 1).
        seed: seed of the order of the samples, before they are split.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float64 arrays, the features of shape (n, 13), the
        median prices in thousands of dollars of shape (n,).

    Raises:
        ValueError: if `test_split` is not in [0, 1).
        OSError: if the file is not in the cache and can't be downloaded.
        FileError: if it is damaged.

    Example:
        >>> import minikeras as keras
        >>> (x_train, y_train), (x_test, y_test) = keras.datasets.boston_housing.load_data()
        >>> x_train.shape[1:], y_train.ndim
        ((13,), 1)
    """
    check_fraction(test_split)
    x, y = npz.read(fetch("boston_housing.npz", path), "x", "y")
    x, y = shuffled(seed, x, y)
    return split(x, y, test_split)
