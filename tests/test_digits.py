"""The digits that come with the package: what they are, an honest split, a reproducible file."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from minikeras.datasets import digits

SCRIPT = Path(__file__).parents[1] / "scripts" / "pack_digits.py"


@pytest.fixture(scope="module")
def packer():
    """The packing script as a module: it is no part of the package."""
    spec = importlib.util.spec_from_file_location("pack_digits", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_shapes_dtypes_and_ranges():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape) == ((1415, 8, 8), (1415,))
    assert (x_test.shape, y_test.shape) == ((382, 8, 8), (382,))
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    for x, y in ((x_train, y_train), (x_test, y_test)):
        assert (x.min(), x.max()) == (0, 16)
        assert (y.min(), y.max()) == (0, 9)


def test_each_call_returns_arrays_of_its_own():
    (x_first, _), _ = digits.load_data()
    before = x_first.copy()
    x_first += 1
    (x_second, _), _ = digits.load_data()
    np.testing.assert_array_equal(x_second, before)


def test_both_parts_hold_every_class_in_balance():
    (_, y_train), (_, y_test) = digits.load_data()
    for y in (y_train, y_test):
        counts = np.bincount(y, minlength=10)
        np.testing.assert_allclose(counts, len(y) / 10, rtol=0.1)


def test_no_image_is_in_both_parts():
    (x_train, _), (x_test, _) = digits.load_data()
    assert not {x.tobytes() for x in x_train} & {x.tobytes() for x in x_test}


def test_the_split_falls_between_two_forms():
    """Whole forms run through the same 130 labels; the test part starts with such a form."""
    (_, y_train), (_, y_test) = digits.load_data()
    first_form = y_train[:130]
    np.testing.assert_array_equal(y_test[:130], first_form)
    np.testing.assert_array_equal(y_test[-130:], first_form)


def test_labels_belong_to_their_images():
    """The nearest training image has the same label for most test images, or order was lost."""
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    a, b = x_train.reshape(-1, 64).astype(np.int64), x_test.reshape(-1, 64).astype(np.int64)
    squared_distance = (b * b).sum(1)[:, None] + (a * a).sum(1) - 2 * b @ a.T
    assert np.mean(y_train[squared_distance.argmin(1)] == y_test) > 0.95


def test_the_file_names_source_authors_and_licence():
    with np.load(digits.PATH, allow_pickle=False) as archive:
        about = archive["ABOUT.txt"].decode()
    for expected in ("E. Alpaydin, C. Kaynak", "10.24432/C50P49", "CC BY 4.0", "Changes:"):
        assert expected in about


def test_packing_again_gives_the_same_bytes(packer):
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    assert packer.pack(x, y) == digits.PATH.read_bytes()


def test_the_file_holds_what_scikit_learn_ships(packer):
    pytest.importorskip("sklearn", reason="scikit-learn is the source of the file, not a need")
    assert packer.pack(*packer.read_source()) == digits.PATH.read_bytes()
