"""What every architecture takes besides its own arguments, and what is made of it.

A builder gets an `Arguments`, asks it for the input, adds its own layers, and gives the last tensor
back for the top and the model.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from minikeras import activations, layers
from minikeras.applications.shared.inputs import obtain_input_shape
from minikeras.autograd.symbolic import is_keras_tensor
from minikeras.autograd.symbolic.history import get_source_inputs
from minikeras.models import Functional

_CLASSES_OF_IMAGENET = 1000


@dataclass(kw_only=True)
class Arguments:
    """The arguments that all architectures have in common, checked.

    Args:
        name: name of the model.
        include_top: bool, whether the classifier is part of the model.
        weights: None, `"imagenet"` or a path.
        input_tensor: symbolic tensor or None.
        input_shape: tuple of three sizes or None.
        pooling: None, `"avg"` or `"max"`.
        classes: int.
        classifier_activation: activation function, its name, or None.

    Raises:
        ValueError: if `weights` is no file, or does not fit the number of classes.
    """

    name: str
    include_top: bool = True
    weights: Any = "imagenet"
    input_tensor: Any = None
    input_shape: tuple[int | None, ...] | None = None
    pooling: str | None = None
    classes: int = _CLASSES_OF_IMAGENET
    classifier_activation: str | Callable[..., Any] | None = "softmax"
    inputs: Any = field(init=False)

    def __post_init__(self):
        if not (self.weights in ("imagenet", None) or os.path.exists(self.weights)):
            raise ValueError(
                "`weights` must be None for random weights, 'imagenet', or the path of a file with "
                f"weights. Received: weights={self.weights}"
            )
        if self.for_imagenet and self.include_top and self.classes != _CLASSES_OF_IMAGENET:
            raise ValueError(
                f"With `weights='imagenet'` and `include_top=True`, `classes` must be "
                f"{_CLASSES_OF_IMAGENET}. Received: classes={self.classes}"
            )

    @property
    def for_imagenet(self):
        """Whether the weights are those trained on ImageNet."""
        return self.weights == "imagenet"

    def image(self, default_size, min_size):
        """Return the tensor at which the network begins.

        Args:
            default_size: int, height and width if `input_shape` does not say them.
            min_size: int, the least height and width.
        """
        self.input_shape = obtain_input_shape(
            self.input_shape, default_size, min_size, self.include_top, self.weights
        )
        return self.input()

    def input(self):
        """Return the given `input_tensor`, or a new input of shape `input_shape`."""
        if is_keras_tensor(self.input_tensor):
            self.inputs = get_source_inputs(self.input_tensor)
            return self.input_tensor
        self.inputs = layers.Input(tensor=self.input_tensor, shape=self.input_shape)
        return self.inputs

    def pooled(self, x, **names):
        """Return features without their height and width if `pooling` asks for it.

        Args:
            x: symbolic tensor, a batch of features by row and column.
            **names: names of the layers, by `avg` and `max`; automatic ones without.
        """
        kinds = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}
        if self.pooling not in kinds:
            return x
        return kinds[self.pooling](name=names.get(self.pooling))(x)

    def classified(self, x, **options):
        """Return the probability of each class by a dense layer.

        Args:
            x: symbolic tensor of shape (batch, features).
            **options: more arguments of `Dense`.
        """
        options = {"name": "predictions", **options}
        return layers.Dense(self.classes, activation=self.top_activation(), **options)(x)

    def top_activation(self):
        """Return `classifier_activation`, checked: trained weights give logits of a softmax."""
        if self.weights is not None:
            activation = activations.get(self.classifier_activation)
            if activation not in (activations.softmax, activations.linear):
                raise ValueError(
                    "With trained weights and `include_top=True`, `classifier_activation` must be "
                    f"None or 'softmax'. Received: {self.classifier_activation}"
                )
        return self.classifier_activation

    def model(self, x, trained):
        """Return the model from the input to `x`, with its weights.

        Args:
            x: symbolic tensor.
            trained: `TrainedWeights`, the files of weights for ImageNet.
        """
        model = Functional(self.inputs, x, name=self.name)
        if self.for_imagenet:
            model.load_weights(trained.path(self.include_top))
        elif self.weights is not None:
            model.load_weights(self.weights)
        return model
