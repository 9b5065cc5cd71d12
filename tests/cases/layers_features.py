"""Rows of the layers that turn raw data into what a network takes: numbers, categories, words."""

from functools import partial

from tests.cases.layer_case import Case

WORDS = ("a", "b", "dog", "the dog", "A dog, a cat!", "", "über")

_raw = partial(Case, raw=True)

LAYERS = [
    Case("Normalization()", (3, 4)),
    Case("Normalization(axis=(1, 2), invert=True)", (2, 3, 4)),
    Case("Normalization(axis=None, mean=0.5, variance=2.0)", (3, 4)),
    Case("Normalization(mean=[0.5, 1.0, 2.0, 0.0], variance=[1.0, 0.25, 0.0, 4.0])", (2, 3, 4)),
    _raw("Discretization(bin_boundaries=[-1.0, 0.0, 0.5])", (3, 4)),
    _raw("Discretization([-1.0, 0.5], output_mode='one_hot')", (3, 1)),
    _raw("Discretization([-1.0, 0.5], output_mode='multi_hot')", (3, 4)),
    _raw("Discretization([-1.0, 0.5], output_mode='count')", (3, 4)),
    _raw("CategoryEncoding(num_tokens=4)", (3, 5), integers=6),
    _raw("CategoryEncoding(4, 'one_hot')", (3, 1), integers=4),
    _raw("CategoryEncoding(num_tokens=4, output_mode='count', sparse=False)", (3, 5), integers=6),
    _raw("Hashing(num_bins=3)", (3, 4), integers=9),
    _raw("Hashing(3, mask_value=1, salt=[1, 2], dtype='int32')", (3, 4), integers=9),
    _raw("Hashing(5, output_mode='multi_hot', salt=7)", (3, 4), integers=9),
    _raw("Hashing(4, mask_value='a')", (3, 4), words=WORDS),
    _raw("HashedCrossing(num_bins=5)", [(4, 1), (4, 1)], integers=9),
    _raw("HashedCrossing(5, output_mode='one_hot')", [(4, 1), (4, 1)], words=WORDS),
    _raw("IntegerLookup(vocabulary=[3, 1, 4])", (3, 4), integers=6),
    _raw("IntegerLookup(mask_token=0, vocabulary=[3, 1], num_oov_indices=2)", (3, 4), integers=9),
    _raw("IntegerLookup(vocabulary=[3, 1, 4], invert=True)", (3, 4), integers=6),
    _raw("StringLookup(vocabulary=['dog', 'a', 'über'])", (3, 4), words=WORDS),
    _raw("StringLookup(mask_token='', vocabulary=['b'], num_oov_indices=3)", (3, 4), words=WORDS),
    _raw(
        "StringLookup(vocabulary=['dog', 'a'], idf_weights=[0.5, 2.0], output_mode='tf_idf')",
        (3, 4),
        words=WORDS,
    ),
    _raw("TextVectorization(vocabulary=['a'], output_sequence_length=3)", (5, 1), words=WORDS),
    _raw(
        "TextVectorization(vocabulary=['dog', 'a', 'a cat'], ngrams=2, standardize='lower', "
        "output_mode='int', output_sequence_length=6)",
        (6,),
        words=WORDS,
    ),
    *[
        Case(f"MelSpectrogram({options})", (2, 150), single=True, length=64)
        for options in (
            "64, 16, num_mel_bins=6",
            "64, 20, 48, 'hamming', 8000, 5, 100.0, 3000, False",
            "63, 16, window=None, num_mel_bins=4, top_db=6.0, mag_exp=1.0, ref_power=3.0",
            "32, 7, 4, window=[0.5, 1.0, 1.0, 0.5], num_mel_bins=4, min_power=0.5",
        )
    ],
    *[
        Case(f"STFTSpectrogram('{mode}', frame_length=8)", (2, 30, 3), length=8)
        for mode in ("log", "magnitude", "psd", "real", "imag", "stft")
    ],
    *[
        Case(f"STFTSpectrogram({options})", (2, 30, 9), length=10)
        for options in (
            "'log', 8, 3, 16, 'hamming', True, 'spectrum', 'same'",
            "'stft', 10, window=None, scaling=None, expand_dims=True, trainable=False",
            "'psd', 4, 4, window=[0.5, 1.0, 1.0, 0.5], data_format='channels_first'",
            "'stft', 9, padding='same', expand_dims=True, data_format='channels_first'",
        )
    ],
]
