"""Errors of layers speak of arguments as they were spelled: also in the words of Keras 1."""

import pytest

from minikeras.keras2 import layers


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: layers.Dense(), "`units` is `output_dim` in Keras 1"),
        (lambda: layers.Convolution2D(3), "`kernel_size` is `nb_row` and `nb_col` in Keras 1"),
        (lambda: layers.Convolution2D(3, 2, 2, border_mode="x"), "`padding` is `border_mode`"),
        (
            lambda: layers.Convolution2D(3, 2, 2, dim_ordering="x"),
            "`data_format` is `dim_ordering`",
        ),
        (lambda: layers.Dropout(p=-1), "`rate` is `p` in Keras 1"),
        (lambda: layers.LSTM(3, consume_less="x"), "`consume_less` must be one of"),
    ],
)
def test_errors_name_arguments_as_keras_1_does(make, told):
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert told in str(caught.value)


def test_errors_keep_to_keras_2_where_nothing_is_of_keras_1():
    with pytest.raises(ValueError, match="rate=-1$"):
        layers.Dropout(rate=-1)
    with pytest.raises(TypeError, match="spread"):
        layers.Layer().add_weight("w", (2,), spread=1)
