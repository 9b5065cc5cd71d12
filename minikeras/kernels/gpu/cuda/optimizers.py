"""Update rules in one launch each, by the equations of `kernels/shared/optimizers.py`."""

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous

_source = Source("optimizers")


def sgd(xp, w, g, lr):
    """Gradient descent."""
    return _update(xp, "sgd", w, g, (), lr)


def sgd_momentum(xp, w, g, v, lr, momentum, nesterov):
    """Gradient descent with momentum."""
    return _update(xp, "sgd_momentum", w, g, (v,), lr, momentum, nesterov)


def adagrad(xp, w, g, v, lr, epsilon, square=None):
    """Adagrad."""
    return _update(xp, "adagrad", w, g, (v,), lr, epsilon, _Maybe(square))


def adam(
    xp, w, g, m, v, alpha, one_minus_beta_1, one_minus_beta_2, epsilon, v_max=None, square=None
):
    """Adam, and AMSGrad with `v_max`."""
    scalars = alpha, one_minus_beta_1, one_minus_beta_2, epsilon
    return _update(xp, "adam", w, g, (m, v), *scalars, _Maybe(v_max), _Maybe(square))


def rmsprop(
    xp, w, g, v, lr, rho, one_minus_rho, epsilon, m=None, b=None, momentum=None, square=None
):
    """RMSprop, centered with `m`, with momentum with `b`."""
    scalars = lr, rho, one_minus_rho, epsilon
    optional = _Maybe(m), _Maybe(b), momentum or 0, _Maybe(square)
    return _update(xp, "rmsprop", w, g, (v,), *scalars, *optional)


def adadelta(xp, w, g, v, d, lr, rho, one_minus_rho, epsilon, square=None):
    """Adadelta."""
    scalars = lr, rho, one_minus_rho, epsilon
    return _update(xp, "adadelta", w, g, (v, d), *scalars, _Maybe(square))


def adamax(
    xp, w, g, m, u, lr, one_minus_beta_1, beta_2, bias_correction_1, epsilon, magnitude=None
):
    """Adamax."""
    scalars = lr, one_minus_beta_1, beta_2, bias_correction_1, epsilon
    return _update(xp, "adamax", w, g, (m, u), *scalars, _Maybe(magnitude))


def nadam(
    xp,
    w,
    g,
    m,
    v,
    lr,
    one_minus_beta_1,
    one_minus_beta_2,
    m_factor,
    g_factor,
    bias_correction_2,
    epsilon,
    square=None,
):
    """Nadam."""
    factors = *m_factor, *g_factor, bias_correction_2, epsilon
    scalars = lr, one_minus_beta_1, one_minus_beta_2, *factors
    return _update(xp, "nadam", w, g, (m, v), *scalars, _Maybe(square))


def ftrl(xp, w, g, n, z, lr, power, l1, l2, shrinkage, square=None):
    """Follow the regularized leader."""
    scalars = lr, power, l1, l2, shrinkage
    return _update(xp, "ftrl", w, g, (n, z), *scalars, _Maybe(square))


def lion(xp, w, g, m, lr, beta_1, beta_2):
    """Lion."""
    return _update(xp, "lion", w, g, (m,), lr, beta_1, beta_2)


class _Maybe:
    """An array that may be missing: passed as an array and a flag that says whether to read it."""

    def __init__(self, array):
        self.array = array


def _update(xp, name, w, g, states, *others):
    """Launch a rule; it changes the weight and its states in place."""
    optional = [other.array for other in others if isinstance(other, _Maybe)]
    written = [array for array in (w, *states, *optional) if array is not None]
    if not are_floats(g, *written) or not all(array.flags.c_contiguous for array in written):
        return NotImplemented
    arguments = [w, *contiguous(xp, g), *states]
    for other in others:
        if isinstance(other, _Maybe):
            arguments += [w if other.array is None else other.array, other.array is not None]
        else:
            arguments.append(other)
    _source.launch(xp, name, w.size, *arguments, w.size)
    return None
