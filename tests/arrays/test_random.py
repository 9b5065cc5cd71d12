"""The random draws against golden numbers, which TensorFlow 2.21 drew on a CPU from seed (1, 2)."""

import numpy as np
import pytest

from minikeras.arrays import order, philox, random, rejection

SEED = (1, 2)

UNIFORM = {
    "float16": [0.54296875, 0.2353515625, 0.060546875, 0.8935546875, 0.1435546875],
    "float32": [
        0.8440604209899902, 0.19204533100128174, 0.9962232112884521, 0.16038739681243896,
        0.27199018001556396],
    "float64": [
        0.7524837538451801, 0.9697857725627486, 0.17592233912897481, 0.8555556648693279,
        0.514811871731222],
}  # fmt: skip
NORMAL = {
    "float16": [0.5439453125, 0.2073974609375, 0.07354736328125, 0.04644775390625, -1.3017578125],
    "float32": [
        0.544110119342804, 0.20738030970096588, 0.0735643208026886, 0.04643455147743225,
        -1.301589846611023],
    "float64": [
        -0.1423118100189212, 0.7406072461585091, -1.469047669443883, 1.147747453689489,
        -0.7218813856153005],
}  # fmt: skip
TRUNCATED = {
    "float16": [0.5439453125, 0.2073974609375, 0.07354736328125, 0.04644775390625, 0.168212890625],
    "float32": [
        0.544110119342804, 0.20738030970096588, 0.0735643208026886, 0.04643455147743225,
        0.16820591688156128],
    "float64": [
        -0.1423118100189212, 0.7406072461585091, -0.552387756244845, -0.734450092480207,
        -0.39842023956588357],
}  # fmt: skip
DTYPES = ["float16", "float32", "float64"]
DRAWS = [
    (random.uniform,),
    (random.normal,),
    (random.truncated_normal,),
    (random.randint, 0, 5),
    (rejection.gamma, 2.0),
    (rejection.beta, 2.0, 3.0),
    (rejection.binomial, 9.0, 0.5),
]


def close(actual, expected):
    """Equal to a last place or two of the dtype: log, sin and pow differ between libraries."""
    expected = np.asarray(expected, actual.dtype)
    np.testing.assert_array_max_ulp(actual, expected, maxulp=4)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_answers(counter, key, expected):
    number = np.array([counter[0] | counter[1] << 32], "uint64")
    block = philox.blocks(np, philox.Stream(key, counter[2:]), number)
    assert philox.words(np, *block).tolist() == [list(expected)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform(dtype):
    drawn = random.uniform(np, SEED, (5,), dtype=dtype)
    assert drawn.dtype == dtype
    assert drawn.tolist() == UNIFORM[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal(dtype):
    drawn = random.normal(np, SEED, (5,), dtype=dtype)
    assert drawn.dtype == dtype
    close(drawn, NORMAL[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_truncated_normal(dtype):
    drawn = random.truncated_normal(np, SEED, (5,), dtype=dtype)
    assert drawn.dtype == dtype
    close(drawn, TRUNCATED[dtype])


def test_scale_and_offset_may_be_arrays():
    offset = np.array([[0.0], [10.0]])
    drawn = random.uniform(np, SEED, (2, 3), offset, offset + 1.0, dtype="float64")
    unit = random.uniform(np, SEED, (2, 3), dtype="float64")
    np.testing.assert_array_equal(drawn, unit + offset)


def test_randint():
    assert random.randint(np, SEED, (5,), -3, 1000).tolist() == [97, 284, 647, 168, 310]
    assert random.randint(np, SEED, (5,), -3, 10**12, "int64").tolist() == [
        146258219801, 637753188140, 318111882239, 515999429111, 327625373258]  # fmt: skip


def test_randint_refuses_an_empty_range():
    with pytest.raises(ValueError, match="minval=3, maxval=3"):
        random.randint(np, SEED, (2,), 3, 3)


def test_dropout_mask():
    mask = random.dropout_mask(np, (1, 0), (12,), 0.5)
    assert mask.astype(int).tolist() == [1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0]


def test_shuffle():
    assert random.shuffle(np, (1, 0), np.arange(8)).tolist() == [4, 6, 3, 5, 1, 2, 7, 0]
    columns = random.shuffle(np, (1, 0), np.arange(16).reshape(2, 8), axis=1)
    assert columns[1].tolist() == [12, 14, 11, 13, 9, 10, 15, 8]


def test_categorical():
    logits = np.log([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]])
    drawn = random.categorical(np, SEED, logits, 6, "int32")
    assert drawn.dtype == "int32"
    assert drawn.tolist() == [[2, 2, 1, 2, 2, 2], [2, 0, 2, 2, 1, 0]]


def test_gamma():
    drawn = rejection.gamma(np, SEED, (2, 4), np.array([0.3, 1, 2.5, 50.0]), "float64")
    close(drawn, [
        [0.005774907744860199, 2.2487352006448047, 2.8368528938621314, 56.292450199523614],
        [0.31249719092632783, 1.89350913788573, 1.9701487370173971, 51.17055707742559],
    ])  # fmt: skip


def test_beta():
    drawn = rejection.beta(np, (1, 0), (3,), 2.0, 3.0, "float64")
    close(drawn, [0.4241443853226416, 0.46459265020504875, 0.24712885656320493])


def test_binomial():
    counts = np.array([4.0, 40, 0, 1e6], "float32")
    chances = np.array([0.3, 0.6, 0.5, 0.25], "float32")
    drawn = rejection.binomial(np, SEED, (2, 4), counts, chances)
    assert drawn.tolist() == [[3.0, 19.0, 0.0, 250023.0], [1.0, 16.0, 0.0, 250500.0]]


def test_impossible_parameters_give_nan():
    assert np.isnan(rejection.gamma(np, SEED, (2,), -1.0)).all()
    counts, chances = np.array([-1.0, np.nan, np.inf, 4.0]), np.array([0.5, 0.5, 0.5, 1.5])
    assert np.isnan(rejection.binomial(np, SEED, (4,), counts, chances)).all()


@pytest.mark.parametrize("draw", [rejection.gamma, lambda *a: rejection.binomial(*a, 0.5)])
def test_shape_must_end_with_the_parameters(draw):
    with pytest.raises(ValueError, match=r"shape=\(3, 2\)"):
        draw(np, SEED, (3, 2), np.ones(3))


def test_epoch_order():
    assert order.epoch_order(1, 8).tolist() == [0, 4, 1, 5, 7, 6, 2, 3]
    assert order.epoch_order(0, 8).tolist() == [6, 4, 7, 3, 2, 1, 5, 0]
    assert order.epoch_order(2**31, 8).tolist() == order.epoch_order(1, 8).tolist()


def test_batch_order_stays_inside_batches():
    assert order.batch_order(5, 20, 6).tolist() == [
        1, 3, 5, 2, 4, 0, 6, 7, 9, 8, 10, 11, 14, 13, 17, 12, 15, 16, 19, 18]  # fmt: skip


def test_order_without_a_seed_is_fresh():
    first, second = order.epoch_order(None, 100), order.epoch_order(None, 100)
    assert sorted(first.tolist()) == list(range(100))
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("size", [0, 1])
def test_smallest_sizes(size):
    assert order.epoch_order(1, size).tolist() == list(range(size))
    assert order.batch_order(1, size, 4).tolist() == list(range(size))
    for draw in (random.uniform, random.normal, random.truncated_normal):
        assert draw(np, SEED, (size, 3)).shape == (size, 3)
    for draw, *parameters in DRAWS:
        assert draw(np, SEED, (size,), *parameters).shape == (size,)


@pytest.mark.parametrize(("draw", "parameters"), [(draw, rest) for draw, *rest in DRAWS])
def test_a_single_number_is_an_array_too(draw, parameters):
    """NumPy's arithmetic makes scalars of arrays without axes; a recorded step needs arrays."""
    drawn = draw(np, SEED, (), *parameters)
    assert isinstance(drawn, np.ndarray)
    assert drawn.shape == ()


def test_chunks_do_not_change_the_numbers(monkeypatch):
    whole = [draw(np, SEED, (1001,)) for draw in (random.uniform, random.truncated_normal)]
    monkeypatch.setattr(philox, "CPU_CHUNK", 16)
    parts = [draw(np, SEED, (1001,)) for draw in (random.uniform, random.truncated_normal)]
    np.testing.assert_array_equal(whole, parts)


def test_block_numbers_reach_the_second_counter_word():
    source = philox.stream(SEED)
    far = np.array([2**32 + 7], "uint64")
    near = philox.words(np, *philox.blocks(np, source, far & np.uint64(philox.LOW32)))
    assert philox.words(np, *philox.blocks(np, source, far)).tolist() != near.tolist()


def test_moments():
    sample = random.normal(np, (9, 9), (400_000,), 1.0, 2.0, "float64")
    assert abs(sample.mean() - 1.0) < 0.02
    assert abs(sample.std() - 2.0) < 0.02
    gamma = rejection.gamma(np, (9, 9), (100_000,), 2.5, "float64")
    assert abs(gamma.mean() - 2.5) < 0.03
    assert abs(gamma.var() - 2.5) < 0.1
