"""The names of `keras.optimizers.legacy`, which say what to use: Keras 3 has none of them."""


class LegacyOptimizerWarning:
    """What stands for an optimizer of old; making one raises an error.

    Args:
        *args: of the optimizer that was meant.
        **kwargs: of the optimizer that was meant.

    Raises:
        ImportError: always.

    Example:
        >>> import minikeras as keras
        >>> keras.optimizers.legacy.Adam()
        Traceback (most recent call last):
        ...
        ImportError: `keras.optimizers.legacy` is not supported in Keras 3, nor here. ...
    """

    def __init__(self, *args, **kwargs):
        raise ImportError(
            "`keras.optimizers.legacy` is not supported in Keras 3, nor here. Use the optimizer of "
            "the same name in `keras.optimizers`: `learning_rate` for `lr`, and a schedule of "
            "`keras.optimizers.schedules` for `decay`."
        )


Adagrad = Adam = Ftrl = Optimizer = RMSprop = SGD = LegacyOptimizerWarning

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]
