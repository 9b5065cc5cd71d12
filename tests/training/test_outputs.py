"""What is assigned to a model's outputs: messages where it does not fit."""

import numpy as np
import pytest

import minikeras as keras

X = np.ones((4, 3), "float32")
Y = np.ones((4, 1), "float32")


def model(arrange):
    x = keras.Input((3,))
    heads = [keras.layers.Dense(1, name=name)(x) for name in ("u", "v")]
    return keras.Model(x, arrange(*heads))


ARRANGED = {
    "single": lambda u, v: u,
    "list": lambda u, v: [u, v],
    "dict": lambda u, v: {"p": u, "q": v},
    "nested": lambda u, v: [u, {"k": v}],
}


@pytest.mark.parametrize(
    ("arranged", "arguments", "named"),
    [
        ("single", {"loss": ["mse", "mae"]}, r"`loss` argument.*1 output.*'u'"),
        ("single", {"loss": {"v": "mse"}}, r"`loss` argument.*1 output.*'u'"),
        ("list", {"loss": ["mse"]}, r"`loss` argument.*2 output.*'u', 'v'"),
        ("list", {"loss": {"u": "mse"}}, r"`loss` argument.*2 output.*'u', 'v'"),
        ("list", {"loss": {"u": "mse", "w": "mse"}}, r"`loss` argument.*2 output.*'u', 'v'"),
        ("list", {"loss": "mse", "loss_weights": [1.0, 2.0]}, "one entry of `loss_weights`"),
        ("list", {"loss": "mse", "metrics": ["mse", "mae", "mse"]}, r"`metrics`.*2 output"),
        ("list", {"loss": "mse", "metrics": {"w": "mse"}}, r"`metrics`.*2 output"),
        ("list", {"loss": "mse", "metrics": [[None], "mae"]}, "received None"),
        ("dict", {"loss": {"u": "mse", "v": "mse"}}, r"`loss` argument.*'p', 'q'"),
        ("dict", {"loss": {"p": "mse"}, "loss_weights": {"q": 1.0}}, "one entry of `loss_weights`"),
        ("nested", {"loss": ["mse", {"j": "mae"}]}, r"`loss` argument.*'X'.*'k': 'X'"),
    ],
)
def test_what_does_not_fit_is_named(arranged, arguments, named):
    m = model(ARRANGED[arranged])
    m.compile("sgd", **arguments)
    before = m.get_weights()
    with pytest.raises(ValueError, match=f"(?s){named}"):
        m.fit(X, ARRANGED[arranged](Y, Y), verbose=0)
    for a, b in zip(before, m.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
