"""Keras on JAX and on PyTorch: how their numbers are differentiated."""

import importlib

from .engines import Engine


class TorchEngine(Engine):
    """Keras on PyTorch, whose tensors record what they are made of."""

    def __init__(self, name, keras):
        super().__init__(name, keras)
        self.torch = importlib.import_module("torch")

    def versions(self):
        """Return the versions of what computes, by name."""
        return dict(super().versions(), torch=self.torch.__version__)

    def differentiate(self, loss_of, variables, state=()):
        """See `Engine.differentiate`."""
        marked = []

        def mark(tensor):
            if not tensor.requires_grad:
                tensor = tensor.detach().requires_grad_()
            marked.append(tensor)
            return tensor

        loss, nest = loss_of(mark)
        sources = marked + [v.value for v in variables]
        gradients = [None] * len(sources)
        if sources and loss.requires_grad:
            gradients = self.torch.autograd.grad(loss, sources, allow_unused=True)
        arrays = [None if g is None else self.array(g) for g in gradients]
        return self.array(loss), nest, arrays[: len(marked)], arrays[len(marked) :]


class JaxEngine(Engine):
    """Keras on JAX, where only functions are differentiated: what is marked has a zero added."""

    def __init__(self, name, keras):
        super().__init__(name, keras)
        self.jax = importlib.import_module("jax")
        self.jax.config.update("jax_enable_x64", True)
        self._masking = importlib.import_module("keras.src.backend.common.masking")

    def versions(self):
        """Return the versions of what computes, by name."""
        return dict(super().versions(), jax=self.jax.__version__)

    def mask_of(self, tensor):
        """Return the mask that a tensor carries, or None."""
        return self._masking.get_keras_mask(tensor)

    def set_mask(self, tensor, mask):
        """Let a tensor carry a mask; JAX's take no attributes, so Keras keeps them beside."""
        self._masking.set_keras_mask(tensor, mask)

    def differentiate(self, loss_of, variables, state=()):
        """See `Engine.differentiate`; the function runs twice.

        The first time it runs on numbers, which are handed on, and the second time on what stands
        for them, with every variable as it was.
        """
        before = [(v, v.value) for v in list(variables) + list(state)]
        shapes = []

        def mark(tensor):
            shapes.append((tensor.shape, tensor.dtype))
            return tensor

        loss, nest = loss_of(mark)
        zeros = [self.jax.numpy.zeros(*shape) for shape in shapes]

        def loss_with(zeros, values):
            left = iter(zeros)
            scope = self.keras.StatelessScope(
                state_mapping=list(zip(variables, values)) + before[len(variables) :],
                collect_losses=True,
            )
            with scope:
                return loss_of(lambda tensor: tensor + next(left))[0]

        gradient = self.jax.grad(loss_with, argnums=(0, 1))
        marked, weights = gradient(zeros, [value for _, value in before[: len(variables)]])
        arrays = [list(map(self.array, gradients)) for gradients in (marked, weights)]
        return (self.array(loss), nest, *arrays)
