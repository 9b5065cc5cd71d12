"""Update rules in one launch each; the definitions are those of `kernels/shared/optimizers.py`."""

from minikeras.kernels.gpu.launch import Source, are_floats, contiguous

_source = Source("optimizers")


def sgd(xp, p, g, lr):
    """Gradient descent."""
    return _update(xp, "sgd", p, g, (), lr)


def sgd_momentum(xp, p, g, m, lr, momentum, nesterov):
    """Gradient descent with momentum."""
    return _update(xp, "sgd_momentum", p, g, (m,), lr, momentum, nesterov)


def adagrad(xp, p, g, total, lr, epsilon, square=None):
    """Adagrad."""
    return _update(xp, "adagrad", p, g, (total,), lr, epsilon, _Maybe(square))


def adam(xp, p, g, m, v, alpha, share_1, share_2, epsilon, largest=None, square=None):
    """Adam, and AMSGrad with `largest`."""
    numbers = alpha, share_1, share_2, epsilon
    return _update(xp, "adam", p, g, (m, v), *numbers, _Maybe(largest), _Maybe(square))


def rmsprop(
    xp, p, g, v, lr, rho, share, epsilon, mean=None, velocity=None, momentum=None, square=None
):
    """RMSprop, centred with `mean`, with momentum with `velocity`."""
    states = _Maybe(mean), _Maybe(velocity), momentum or 0, _Maybe(square)
    return _update(xp, "rmsprop", p, g, (v,), lr, rho, share, epsilon, *states)


def adadelta(xp, p, g, mean, delta_mean, lr, rho, share, epsilon, square=None):
    """Adadelta."""
    numbers = lr, rho, share, epsilon
    return _update(xp, "adadelta", p, g, (mean, delta_mean), *numbers, _Maybe(square))


def adamax(xp, p, g, m, u, lr, share, beta_2, left, epsilon, magnitude=None):
    """Adamax."""
    numbers = lr, share, beta_2, left, epsilon
    return _update(xp, "adamax", p, g, (m, u), *numbers, _Maybe(magnitude))


def nadam(xp, p, g, m, v, lr, share_1, share_2, factor_m, factor_g, left, epsilon, square=None):
    """Nadam."""
    numbers = lr, share_1, share_2, *factor_m, *factor_g, left, epsilon
    return _update(xp, "nadam", p, g, (m, v), *numbers, _Maybe(square))


def ftrl(xp, p, g, total, linear, lr, power, l1, l2, shrinkage, square=None):
    """Follow the regularized leader."""
    numbers = lr, power, l1, l2, shrinkage
    return _update(xp, "ftrl", p, g, (total, linear), *numbers, _Maybe(square))


def lion(xp, p, g, m, lr, beta_1, beta_2):
    """Lion."""
    return _update(xp, "lion", p, g, (m,), lr, beta_1, beta_2)


class _Maybe:
    """An array that may be missing: passed as an array and a flag that says whether to read it."""

    def __init__(self, array):
        self.array = array


def _update(xp, name, p, g, states, *others):
    """Launch a rule; it changes the weight and its states in place."""
    optional = [other.array for other in others if isinstance(other, _Maybe)]
    given = [array for array in (p, *states, *optional) if array is not None]
    if not are_floats(g, *given) or not all(array.flags.c_contiguous for array in given):
        return NotImplemented
    given = [p, *contiguous(xp, g), *states]
    for other in others:
        if isinstance(other, _Maybe):
            given += [p if other.array is None else other.array, other.array is not None]
        else:
            given.append(other)
    _source.launch(xp, name, p.size, *given, p.size)
    return None
