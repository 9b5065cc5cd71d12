"""Fingerprints of strings of every length, against numbers that others have published."""

import zlib

import numpy as np
import pytest

from minikeras.layers.preprocessing.fingerprints import buckets, crossed, farmhash, siphash

# One of each length, with all bytes among them.
STRINGS = [bytes((7 * n + 31 * i) % 256 for i in range(n)) for n in range(201)]

KEY = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
# The vectors of the paper's authors: of the messages 00 01 ... of 0 to 8 and of 15 bytes.
SIPHASH = {
    0: 0x726FDB47DD0E0E31,
    1: 0x74F839C593DC67FD,
    2: 0x0D6C8009D9A94F5A,
    7: 0xAB0200F58B01D137,
    8: 0x93F5F5799A932462,
    15: 0xA129CA6149BE45E5,
}


@pytest.mark.parametrize("length", SIPHASH)
def test_siphash_has_the_numbers_of_its_authors(length):
    assert siphash([bytes(range(length))], KEY)[0] == SIPHASH[length]


def test_farmhash_of_every_length_is_that_of_tensorflow():
    # The checksum is that of TensorFlow's numbers (parity_tests/test_preprocessing_features.py).
    assert zlib.crc32(farmhash(STRINGS).astype("<u8").tobytes()) == 1321699214


def test_strings_of_all_lengths_are_hashed_as_one_by_one():
    mixed = [*reversed(STRINGS), *STRINGS[:9]]
    for function in (farmhash, lambda strings: siphash(strings, KEY)):
        alone = np.concatenate([function([s]) for s in mixed])
        np.testing.assert_array_equal(function(mixed), alone)


def test_many_strings_are_hashed_in_pieces():
    strings = [b"%05d" % i for i in range(9000)]
    np.testing.assert_array_equal(farmhash(strings)[::1000], farmhash(strings[::1000]))


def test_of_nothing_there_are_no_fingerprints():
    assert farmhash([]).shape == (0,)


def test_integers_count_as_their_digits():
    np.testing.assert_array_equal(buckets([-12, 7], 9), buckets([b"-12", b"7"], 9))


def test_the_order_of_crossed_fingerprints_counts():
    a, b = farmhash([b"a"]), farmhash([b"b"])
    assert crossed(a, b)[0] != crossed(b, a)[0]
