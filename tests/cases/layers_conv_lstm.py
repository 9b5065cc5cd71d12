"""Rows of the convolutional LSTM layers."""

from functools import partial

from tests.cases.layer_case import Case

_case = partial(Case, length=100)
_LINES, _IMAGES, _VOLUMES = (2, 3, 5, 2), (2, 3, 5, 4, 2), (2, 2, 3, 4, 3, 2)

LAYERS = [
    _case("ConvLSTM1D(2, 3)", _LINES),
    _case("ConvLSTM1D(3, (2,), padding='same', dilation_rate=2, go_backwards=True)", _LINES),
    _case("ConvLSTM2D(2, 2, return_sequences=True)", _IMAGES),
    _case("ConvLSTM2D(2, (3, 2), (2, 1), 'same', recurrent_activation='hard_sigmoid')", _IMAGES),
    _case(
        "ConvLSTM2D(2, 2, dropout=0.2, recurrent_dropout=0.3, seed=1, unroll=True)",
        _IMAGES,
        trains=True,
    ),
    _case(
        "ConvLSTM2D(2, 2, 1, 'valid', None, 1, 'relu', 'sigmoid', True, 'he_normal', 'zeros', "
        "'ones', False, 'l1', 'l2', 'l1', 'l2', 'max_norm', None, 'non_neg')",
        _IMAGES,
    ),
    _case("ConvLSTM3D(2, 2, use_bias=False)", _VOLUMES),
]
