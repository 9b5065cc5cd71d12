"""TimeDistributed: one layer for every step of a sequence."""

from typing import Annotated, Any

from minikeras import ops
from minikeras.autograd import symbolic
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, registry, trees
from minikeras.layers.base.arguments import checked_layer
from minikeras.layers.base.call_spec import signature_of
from minikeras.layers.base.declare import Field, layer
from minikeras.layers.base.marks import default
from minikeras.layers.core.wrapper import Wrapper

# Layers that treat every sample separately and draw no random numbers: all steps of all samples may
# go through them as one large batch.
_SAMPLE_BY_SAMPLE = frozenset(
    {
        *("Activation", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "Conv1D"),
        *("Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose"),
        *("Cropping1D", "Cropping2D", "Cropping3D", "Dense", "DepthwiseConv1D"),
        *("DepthwiseConv2D", "ELU", "Embedding", "Flatten", "GlobalAveragePooling1D"),
        *("GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D"),
        *("GlobalMaxPooling2D", "GlobalMaxPooling3D", "Identity", "LayerNormalization"),
        *("LeakyReLU", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "PReLU", "Permute"),
        *("ReLU", "RepeatVector", "Reshape", "SeparableConv1D", "SeparableConv2D", "Softmax"),
        *("UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D", "ZeroPadding2D"),
        *("ZeroPadding3D", "Sequential", "InputLayer"),
    }
)


@layer
class TimeDistributed(Wrapper):
    """Call one layer on every step of a sequence, with the same weights.

    Args:
        layer: the layer, for inputs `(batch, ...)`.

    Input shape: `(batch, steps, ...)`; output shape: `(batch, steps, ...)`.

    Raises:
        ValueError: if `layer` is none.

    Example:
        >>> import minikeras as keras
        >>> frames = keras.ops.ones((2, 5, 3))
        >>> keras.layers.TimeDistributed(keras.layers.Dense(4))(frames).shape
        (2, 5, 4)
    """

    layer: Annotated[Any, Field(checked_layer, registry.serialize)]

    def setup(self):
        """Masks pass."""
        self.supports_masking = True

    def build(self, input_shape):
        """Build the layer for one step."""
        super().build(_one_step(input_shape))

    def call(self, inputs, training=None, mask=None):
        """Run the layer's `call` on every step.

        As in Keras it is `call` that runs, so a regularizer of the wrapped layer's own output has
        no effect; give `activity_regularizer` to TimeDistributed.

        Args:
            inputs: tensor `(batch, steps, ...)`.
            training: passed to the layer.
            mask: tensor `(batch, steps, ...)`, passed to the layer step by step; or None.

        Returns:
            A tensor `(batch, steps, ...)`.
        """
        if mask is not None:
            _check_mask(mask, inputs, self.name)
        takes = signature_of(type(self.layer).call)
        options = {"training": training} if takes.has("training") else {}
        masks = mask if takes.has("mask") else None
        if isinstance(inputs, Abstract) or symbolic.in_abstract_scope():
            return self._declared(inputs, masks, options)
        if masks is None and _works_sample_by_sample(self.layer):
            return self._at_once(inputs, options)
        steps = ops.unstack(inputs, axis=1)
        own = [None] * len(steps) if masks is None else ops.unstack(masks, axis=1)
        outputs = [
            self.layer.call(x, **options, **({} if m is None else {"mask": m}))
            for x, m in zip(steps, own, strict=True)
        ]
        return trees.map_structure(lambda *ys: ops.stack(ys, axis=1), *outputs)

    def _at_once(self, inputs, options):
        batch, steps = inputs.shape[:2]
        y = self.layer.call(ops.reshape(inputs, (batch * steps, *inputs.shape[2:])), **options)
        return ops.reshape(y, (batch, steps, *y.shape[1:]))

    def _declared(self, inputs, masks, options):
        batch, steps = inputs.shape[:2]
        first = Abstract((batch, *inputs.shape[2:]), inputs.dtype)
        if masks is not None:
            options = {**options, "mask": Abstract((batch, *masks.shape[2:]), masks.dtype)}
        return trees.map_structure(
            lambda y: Abstract((y.shape[0], steps, *y.shape[1:]), y.dtype),
            self.layer(first, **options),
        )

    @default
    def compute_output_shape(self, input_shape):
        """Return the layer's output shape for one step, with the number of steps put in."""
        batch, *rest = self.layer.compute_output_shape(_one_step(input_shape))
        return (batch, input_shape[1], *rest)


def _one_step(shape):
    """The shape that the layer sees."""
    if not isinstance(shape, (tuple, list)) or len(shape) < 3:
        raise ValueError(
            "`TimeDistributed` takes (batch, time, ...), at least three axes. Received: "
            f"input_shape={shape}"
        )
    return (shape[0], *shape[2:])


def _check_mask(mask, inputs, name):
    """Demand a mask of the inputs' batch size and number of steps, as far as these are known."""
    known = zip(mask.shape[:2], inputs.shape[:2], strict=False)
    differ = any(isinstance(m, int) and isinstance(n, int) and m != n for m, n in known)
    if len(mask.shape) < 2 or differ:
        raise ValueError(
            f"The `mask` of TimeDistributed layer '{name}' must have the shape (batch, steps, ...) "
            f"of the inputs, {dims.to_public(inputs.shape)}. Received: a mask of shape "
            f"{dims.to_public(mask.shape)} and dtype {mask.dtype}"
        )


def _works_sample_by_sample(layer):
    """Whether steps and samples may go through the layer as one batch.

    A penalty of an inner layer's output is divided by the batch size at each step, so it may not;
    that of the layer itself does not count here.
    """
    return all(
        type(part).__name__ in _SAMPLE_BY_SAMPLE
        and type(part).__module__.startswith("minikeras.")
        and (part is layer or part.activity_regularizer is None)
        for part in layer._flatten_layers()
    )
