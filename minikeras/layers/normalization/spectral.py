"""Spectral normalization: a kernel divided by its largest singular value."""

from minikeras import initializers, ops
from minikeras.layers.base.declare import PositiveInt, layer
from minikeras.layers.base.input_spec import InputSpec
from minikeras.layers.core.wrapper import Wrapper


@layer
class SpectralNormalization(Wrapper):
    """Divide the kernel of a layer by its largest singular value before each step of training.

    So the layer cannot stretch differences of its inputs by more than a factor of one. Miyato et
    al., "Spectral Normalization for Generative Adversarial Networks" (2018), algorithm 1: with the
    kernel as a matrix `W` of shape `(inputs, units)`, each step of the power iteration is

        v = normalize(u @ W.T)  # (1, inputs)
        u = normalize(v @ W)  # (1, units)

    and then `W` becomes `W / sigma` with `sigma = v @ W @ u.T`. `u` goes on from step to step.

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: int, how many steps of the power iteration come before one of training.

    Raises:
        ValueError: if the layer has neither, or `power_iterations` is not positive.

    Example:
        >>> import minikeras as keras
        >>> layer = keras.layers.SpectralNormalization(keras.layers.Dense(1, use_bias=False))
        >>> y = layer(keras.ops.ones((1, 1)), training=True)
        >>> abs(float(y[0, 0]))
        1.0
    """

    power_iterations: PositiveInt = 1

    def build(self, input_shape):
        """Build the layer, and make the vector `u`, `(1, units)`."""
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if kernel is None:
            raise ValueError(
                f"The layer {self.layer.name!r} of class {type(self.layer).__name__} has neither a "
                "`kernel` nor `embeddings` that could be normalized."
            )
        self.kernel = kernel
        self.vector_u = self.add_weight(
            shape=(1, kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
            dtype=kernel.dtype,
        )

    def call(self, inputs, training=False):
        """Normalize the kernel if `training`, and call the layer."""
        if training:
            vector, kernel = self.normalized_weights()
            is_zero = ops.all(ops.equal(self.kernel, 0))
            self.vector_u.assign(ops.where(is_zero, self.vector_u, vector))
            self.kernel.assign(ops.where(is_zero, self.kernel, kernel))
        return ops.cast(self.layer(inputs), inputs.dtype)

    def normalized_weights(self):
        """Return what `u` and the kernel become, tensors of their shapes."""
        weights = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
        u = self.vector_u
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(weights)), axis=None)
            u = ops.normalize(ops.matmul(v, weights), axis=None)
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.matmul(ops.matmul(v, weights), ops.transpose(u))
        kernel = ops.reshape(ops.divide(self.kernel, sigma), self.kernel.shape)
        return ops.cast(u, self.vector_u.dtype), ops.cast(kernel, self.kernel.dtype)

    def compute_output_shape(self, input_shape):
        """Return the output shape of the layer."""
        return self.layer.compute_output_shape(input_shape)
