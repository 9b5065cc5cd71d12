"""`fit_generator` and its kin: the methods of a model that take batches from a generator."""

from typing import Any

from minikeras.keras2.engine import generators
from minikeras.keras2.engine.generators import Batches
from minikeras.keras2.engine.settings import FitSettings, in_keras_2


class ByGenerator:
    """The part of Model that takes generators and `Sequence`s."""

    _arrays: Any

    def fit_generator(
        self,
        generator,
        steps_per_epoch=None,
        epochs=1,
        verbose=1,
        callbacks=None,
        validation_data=None,
        validation_steps=None,
        class_weight=None,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
        shuffle=True,
        initial_epoch=0,
        **kwargs,
    ):
        """Train on the batches of a generator or of a `Sequence`.

        Args:
            generator: iterator of tuples `(x, y)` or `(x, y, sample_weight)`, or a `Sequence`.
            steps_per_epoch: batches of an epoch; the length of a `Sequence` by default.
            epochs: number of the epoch to stop before (`nb_epoch` in Keras 1).
            verbose: 0 for silence, 1 for a progress bar, 2 for a line per epoch.
            callbacks: list of callbacks.
            validation_data: arrays `(x, y)` or `(x, y, sample_weight)`, or as `generator`.
            validation_steps: batches of a validation.
            class_weight: dict of class to weight.
            max_queue_size: accepted: batches are asked for when they are needed.
            workers: accepted.
            use_multiprocessing: accepted.
            shuffle: whether the order of a `Sequence`'s batches is drawn again each epoch.
            initial_epoch: the first epoch's number.
            **kwargs: arguments of Keras 1; an epoch of `samples_per_epoch` ends when so many
                samples have been seen.

        Returns:
            A `History`.

        Example:
            >>> import numpy as np
            >>> from minikeras.keras2.layers import Dense
            >>> from minikeras.keras2.models import Sequential
            >>> def batches():
            ...     while True:
            ...         yield np.ones((4, 2)), np.zeros((4, 1))
            >>> model = Sequential([Dense(1, input_dim=2, init="one")])
            >>> model.compile("sgd", "mse")
            >>> history = model.fit_generator(batches(), steps_per_epoch=3, verbose=0)
            >>> history.epoch
            [0]
        """
        old = in_keras_2(kwargs, ("epochs",), "fit_generator")
        samples = kwargs.get("samples_per_epoch")
        source = Batches(generator, steps_per_epoch, shuffle, samples)
        settings = FitSettings(
            epochs=old.get("epochs", epochs), verbose=int(verbose), initial_epoch=initial_epoch
        )
        validation = validation_data
        if isinstance(validation_data, tuple):
            validation = self._arrays(*validation_data)
        elif validation_data is not None:
            count = kwargs.get("nb_val_samples")
            validation = Batches(validation_data, validation_steps, samples=count)
        return generators.fit(self, source, validation, settings, callbacks, class_weight)

    def evaluate_generator(
        self,
        generator,
        steps=None,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
        verbose=0,
        **kwargs,
    ):
        """Return the loss and the metrics on the batches of a generator or of a `Sequence`.

        Args:
            generator: iterator of tuples `(x, y)` or `(x, y, sample_weight)`, or a `Sequence`.
            steps: number of batches; the length of a `Sequence` by default.
            max_queue_size: accepted.
            workers: accepted.
            use_multiprocessing: accepted.
            verbose: accepted.
            **kwargs: arguments of Keras 1, such as `val_samples`, the number of samples.

        Returns:
            A number, or a list of them in the order of `metrics_names`.

        Example:
            >>> import numpy as np
            >>> from minikeras.keras2.layers import Dense
            >>> from minikeras.keras2.models import Sequential
            >>> def batches():
            ...     while True:
            ...         yield np.ones((4, 2)), np.zeros((4, 1))
            >>> model = Sequential([Dense(1, input_dim=2, init="one")])
            >>> model.compile("sgd", "mse")
            >>> model.evaluate_generator(batches(), steps=2)
            4.0
        """
        in_keras_2(kwargs, (), "evaluate_generator")
        source = Batches(generator, steps, samples=kwargs.get("val_samples"))
        return generators.evaluate(self, source)

    def predict_generator(
        self,
        generator,
        steps=None,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
        verbose=0,
        **kwargs,
    ):
        """Return the outputs for the batches of a generator or of a `Sequence`.

        Args:
            generator: iterator of inputs, alone or as the first of a tuple, or a `Sequence`.
            steps: number of batches; the length of a `Sequence` by default.
            max_queue_size: accepted.
            workers: accepted.
            use_multiprocessing: accepted.
            verbose: accepted.
            **kwargs: arguments of Keras 1, such as `val_samples`, the number of samples.

        Returns:
            An array, or a list of them.

        Example:
            >>> import numpy as np
            >>> from minikeras.keras2.layers import Dense
            >>> from minikeras.keras2.models import Sequential
            >>> model = Sequential([Dense(1, input_dim=2)])
            >>> inputs = iter([np.ones((4, 2)), np.ones((3, 2))])
            >>> model.predict_generator(inputs, steps=2).shape
            (7, 1)
        """
        in_keras_2(kwargs, (), "predict_generator")
        source = Batches(generator, steps, samples=kwargs.get("val_samples"))
        return generators.predict(self, source)
