"""Dropout.

Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (2014), in
its inverted form: what stays is scaled in training, and nothing is done in inference.
"""


def dropout(x, keep, rate):
    """Keep some elements; `keep` is 1 with probability `1 - rate`, else 0, for each of them."""
    y = x * keep / (1 - rate)  # its expectation is x
    return y


def dropout_backward(g, keep, rate):
    """Gradient of `dropout`."""
    dx = g * keep / (1 - rate)
    return dx
