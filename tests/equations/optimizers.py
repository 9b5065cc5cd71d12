"""Update rules of optimizers: what a step does with one weight, as the papers' algorithm boxes say.

`w` is the weight, `g` the gradient of the loss with respect to it, `t = 1, 2, ...` counts the
steps. States (`m`, `v`, ...) have the shape of `w` and begin at zero unless said otherwise; each
function returns the new weight, then the new states. What happens around a rule (clipping, decay,
averages) is not here; weight decay stands in `decoupled_weight_decay`.

SGD: Robbins and Monro (1951); momentum in the form of Sutskever et al., "On the importance of
initialization and momentum in deep learning" (2013). Adagrad: Duchi, Hazan and Singer (2011).
RMSprop: Hinton, lecture 6e (2012); centered: Graves (2013), section 4.2. Adadelta: Zeiler (2012),
algorithm 1. Adam: Kingma and Ba (2015), algorithm 1; Adamax: algorithm 2. AMSGrad: Reddi, Kale and
Kumar (2018), algorithm 2. AdamW: Loshchilov and Hutter (2019), algorithm 2. Nadam: Dozat (2016),
algorithm 2. Ftrl: McMahan et al. (2013), algorithm 1. Lion: Chen et al. (2023), algorithm 2.
"""

from numpy import abs, clip, maximum, sign, sqrt


def decoupled_weight_decay(w, lr, weight_decay):
    """Before the rule, and not through the gradient."""
    w = w - lr * weight_decay * w
    return w


def moving_average(a, w, momentum):
    """Of the weights; with `momentum` zero in the first step."""
    a = momentum * a + (1 - momentum) * w
    return a


def sgd(w, g, lr):
    """Gradient descent."""
    w = w - lr * g
    return w


def sgd_momentum(w, g, v, lr, momentum):
    """Gradient descent with momentum; `v` is the velocity."""
    v = momentum * v - lr * g
    w = w + v
    return w, v


def sgd_nesterov(w, g, v, lr, momentum):
    """The same with Nesterov's look ahead: the gradient counts once more."""
    v = momentum * v - lr * g
    w = w + momentum * v - lr * g
    return w, v


def adagrad(w, g, v, lr, epsilon):
    """`v` begins at `initial_accumulator_value`."""
    v = v + g**2
    w = w - lr * g / sqrt(v + epsilon)
    return w, v


def rmsprop(w, g, v, lr, rho, epsilon):
    """`v` is a moving average of squared gradients."""
    v = rho * v + (1 - rho) * g**2
    w = w - lr * g / sqrt(v + epsilon)
    return w, v


def rmsprop_centered(w, g, v, m, lr, rho, epsilon):
    """With the variance of the gradients in place of their mean square."""
    v = rho * v + (1 - rho) * g**2
    m = rho * m + (1 - rho) * g
    w = w - lr * g / sqrt(v - m**2 + epsilon)
    return w, v, m


def rmsprop_momentum(w, g, v, b, lr, rho, epsilon, momentum):
    """With momentum, whose velocity `b` gathers the steps."""
    v = rho * v + (1 - rho) * g**2
    b = momentum * b + lr * g / sqrt(v + epsilon)
    w = w - b
    return w, v, b


def adadelta(w, g, v, d, lr, rho, epsilon):
    """`v` and `d` are moving averages of squared gradients and of squared steps."""
    v = rho * v + (1 - rho) * g**2
    step = sqrt(d + epsilon) / sqrt(v + epsilon) * g
    d = rho * d + (1 - rho) * step**2
    w = w - lr * step
    return w, v, d


def adam(w, g, m, v, t, lr, beta_1, beta_2, epsilon):
    """Keras's `epsilon` is the paper's `epsilon` with a hat, after its algorithm 1."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**t)  # averages that begin at zero are too small: corrected
    v_hat = v / (1 - beta_2**t)
    w = w - lr * m_hat / (sqrt(v_hat) + epsilon / sqrt(1 - beta_2**t))
    return w, m, v


def adam_rearranged(w, g, m, v, t, lr, beta_1, beta_2, epsilon):
    """The same with one division less: numerator and denominator times `sqrt(1 - beta_2**t)`."""
    m = m + (g - m) * (1 - beta_1)
    v = v + (g**2 - v) * (1 - beta_2)
    alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)
    w = w - alpha * m / (sqrt(v) + epsilon)
    return w, m, v


def amsgrad(w, g, m, v, v_max, t, lr, beta_1, beta_2, epsilon):
    """Adam, divided by the root of the largest `v` so far."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    v_max = maximum(v_max, v)
    alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)
    w = w - alpha * m / (sqrt(v_max) + epsilon)
    return w, m, v, v_max


def adamw(w, g, m, v, t, lr, weight_decay, beta_1, beta_2, epsilon):
    """Adam with decoupled weight decay."""
    w = w - lr * weight_decay * w
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**t)
    v_hat = v / (1 - beta_2**t)
    w = w - lr * m_hat / (sqrt(v_hat) + epsilon / sqrt(1 - beta_2**t))
    return w, m, v


def adamax(w, g, m, u, t, lr, beta_1, beta_2, epsilon):
    """`u` is the largest gradient so far, fading."""
    m = beta_1 * m + (1 - beta_1) * g
    u = maximum(beta_2 * u, abs(g))
    m_hat = m / (1 - beta_1**t)
    w = w - lr * m_hat / (u + epsilon)
    return w, m, u


def nadam(w, g, m, v, product, t, lr, beta_1, beta_2, epsilon):
    """`product`, a number that begins at one, multiplies the `mu` of all steps so far."""
    mu = beta_1 * (1 - 0.5 * 0.96**t)
    mu_next = beta_1 * (1 - 0.5 * 0.96 ** (t + 1))
    product = product * mu
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
    v_hat = v / (1 - beta_2**t)
    w = w - lr * m_hat / (sqrt(v_hat) + epsilon)
    return w, m, v, product


def ftrl(w, g, n, z, lr, power, l1, l2, shrinkage, beta):
    """`n` sums squared gradients, from `initial_accumulator_value` on.

    `power` is `-learning_rate_power`, a half by default, `shrinkage` the L2 penalty's.
    """
    n_new = n + g**2
    sigma = (n_new**power - n**power) / lr
    z = z + g + 2 * shrinkage * w - sigma * w
    w = (clip(z, -l1, l1) - z) / (n_new**power / lr + 2 * (l2 + beta / (2 * lr)))
    return w, n_new, z


def lion(w, g, m, lr, beta_1, beta_2):
    """Every step has one size."""
    w = w - lr * sign(beta_1 * m + (1 - beta_1) * g)
    m = beta_2 * m + (1 - beta_2) * g
    return w, m
