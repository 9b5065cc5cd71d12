"""SwapEMAWeights: evaluation with the moving averages of the weights."""

from minikeras.autograd.tensor import Tensor
from minikeras.training.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Puts the optimizer's moving averages into the model while it is evaluated, or predicts.

    The optimizer has `use_ema=True`. Weights and averages trade places, so no memory is needed for
    a third set of them; what else changes either of them meanwhile counts for the other.

    Args:
        swap_on_epoch: whether the averages are in the model from the end of an epoch to the
            beginning of the next, too, so that callbacks after this one in the list, such as
            `ModelCheckpoint`, find them there.

    Raises:
        ValueError: when they are to be swapped and the optimizer keeps no averages.

    Example:
        >>> import minikeras as keras, numpy as np
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        >>> model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
        >>> x, y = np.ones((4, 1)), np.ones((4, 1))
        >>> swap = keras.callbacks.SwapEMAWeights()
        >>> history = model.fit(x, y, validation_data=(x, y), callbacks=[swap], verbose=0)
        >>> sorted(history.history)
        ['loss', 'val_loss']
    """

    _training_state = ("_averages_are_in_model",)

    def __init__(self, swap_on_epoch=False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._averages_are_in_model = False

    def on_epoch_begin(self, epoch, logs=None):
        """Put the weights back: after the last epoch, or an evaluation that was interrupted."""
        self._put_weights()

    def on_epoch_end(self, epoch, logs=None):
        """Put the averages into the model; after the last epoch they stay."""
        if not self.swap_on_epoch or self._averages_are_in_model:
            return
        self._put_averages()
        if epoch == self.params["epochs"] - 1:
            # At the end of training the optimizer makes the averages the weights: they are already.
            for weight, average in self._pairs():
                average.assign(weight)

    def on_test_begin(self, logs=None):
        """Put the averages into the model."""
        self._put_averages()

    def on_test_end(self, logs=None):
        """Put the weights back."""
        self._put_weights()

    def on_predict_begin(self, logs=None):
        """Put the averages into the model."""
        self._put_averages()

    def on_predict_end(self, logs=None):
        """Put the weights back."""
        self._put_weights()

    def _put_averages(self):
        if not self._averages_are_in_model:
            self._swap()
            self._averages_are_in_model = True

    def _put_weights(self):
        if self._averages_are_in_model:
            self._swap()
            self._averages_are_in_model = False

    def _swap(self):
        for weight, average in self._pairs():
            values = Tensor(weight.array.copy())
            weight.assign(average)
            average.assign(values)

    def _pairs(self):
        """The weights that have a moving average, each with it."""
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if getattr(optimizer, "_averages", None) is None:
            raise ValueError(
                "SwapEMAWeights needs averages of the weights, which an optimizer with "
                f"`use_ema=True` keeps. Received: optimizer={optimizer}, "
                f"use_ema={getattr(optimizer, 'use_ema', None)}"
            )
        pairs = zip(optimizer._trainable_variables, optimizer._averages, strict=True)
        return [(weight, average) for weight, average in pairs if average is not None]
