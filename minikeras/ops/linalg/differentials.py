"""Derivatives along a direction."""

from minikeras.autograd.composite import convert_to_tensor
from minikeras.autograd.gradient import GradientTape
from minikeras.core import trees
from minikeras.ops.creation.filled import zeros_like
from minikeras.ops.reductions.sums import sum as sum_


def jvp(fun, primals, tangents, has_aux=False):
    """Compute a function and its derivative along a direction.

    The gradient with respect to the inputs is linear in `w`, the gradient with respect to the
    output; differentiating it with respect to `w`, along the direction, gives the derivative
    forward. (See Townsend, "A new trick for calculating Jacobian vector products", 2017.)

    Args:
        fun: function of float tensors that returns a nest of them.
        primals: tuple of tensors, the inputs.
        tangents: tuple of tensors of the same shapes, the direction.
        has_aux: bool, whether `fun` returns `(result, aux)`, `aux` not being differentiated.

    Returns:
        `(result, derivative)`, or `(result, derivative, aux)`.

    Raises:
        ValueError: if the shapes of inputs and direction differ.

    Example:
        >>> import minikeras as keras
        >>> y, dy = keras.ops.jvp(lambda x: x * x, (3.0,), (1.0,))
        >>> float(y), float(dy)
        (9.0, 6.0)
    """
    primals = [convert_to_tensor(x) for x in primals]
    tangents = [convert_to_tensor(t) for t in tangents]
    if [x.shape for x in primals] != [t.shape for t in tangents]:
        raise ValueError(
            "`primals` and `tangents` must have the same shapes. Received: "
            f"{[x.shape for x in primals]} and {[t.shape for t in tangents]}"
        )
    with GradientTape() as outer:
        with GradientTape() as inner:
            inner.watch(primals)
            result = fun(*primals)
            result, aux = result if has_aux else (result, None)
        weights = trees.map_structure(zeros_like, result)
        outer.watch(weights)
        products = inner.gradient(result, primals, weights, unconnected_gradients="zero")
        along = [sum_(g * t) for g, t in zip(products, tangents, strict=True)]
    derivative = outer.gradient(along, weights, unconnected_gradients="zero")
    return (result, derivative, aux) if has_aux else (result, derivative)
