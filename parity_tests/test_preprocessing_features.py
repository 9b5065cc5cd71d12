"""Layers for raw data against Keras on TensorFlow: values, vocabularies, configs, files both ways.

What one row of the table of layers says (`tests/cases/layers_features.py`) is in `test_layers.py`.
Here layers learn from data, and get data of other shapes and kinds.
"""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import minikeras
from minikeras.layers.preprocessing.fingerprints import crossed, farmhash, siphash
from parity_tests.support import both

pytestmark = pytest.mark.parity

DOCUMENTS = ["The quick, brown FOX!", "jumps\tover the  lazy dog\n", "Ünïcode ÀÉ Case's", ""]
ROWS = [["a", "b", "b", ""], ["c", "d", "e", "b"], ["[UNK]", "é", "a", "b"]]
NUMBERS = np.random.default_rng(0).normal(1, 3, size=(60, 3)).astype("float32")


def array(x):
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)


def assert_same(ours, theirs):
    """Fail unless two results agree: tensors in dtype, shape and values; nests of them."""
    if isinstance(theirs, (list, tuple)) and not hasattr(theirs, "dtype"):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b)
    elif isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            assert_same(ours[key], value)
    elif hasattr(theirs, "dtype") and not isinstance(theirs, str):
        a, b = array(ours), array(theirs)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if b.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6)
        else:
            np.testing.assert_array_equal(a, b)
    else:
        assert ours == theirs


def compare(function):
    """Compare what a function of the engine returns."""
    assert_same(*both(function))


def described(layer, x, plain=None):
    """What a layer gives and says of itself; its vocabulary as text."""
    vocabulary = [v if isinstance(v, int) else str(v) for v in map(item, layer.get_vocabulary())]
    return [layer(x), vocabulary, layer.vocabulary_size(), layer.get_config()]


def item(value):
    return value.item() if isinstance(value, np.generic) else value


STRINGS = [
    bytes(np.random.default_rng(n).integers(0, 256, n, dtype=np.uint8)) for n in range(201)
] + [("é日本語🎉" * n).encode() for n in range(30)]
BUCKETS = 2**62 + 57


def test_farmhash_of_lengths_up_to_200():
    theirs = tf.strings.to_hash_bucket_fast(STRINGS, BUCKETS).numpy()
    np.testing.assert_array_equal((farmhash(STRINGS) % np.uint64(BUCKETS)).astype(int), theirs)


@pytest.mark.parametrize("key", [(1, 2), (133, 133), (-1, 2**63 - 1)])
def test_siphash_of_lengths_up_to_200(key):
    theirs = tf.strings.to_hash_bucket_strong(STRINGS, BUCKETS, key=list(key)).numpy()
    ours = siphash(STRINGS, key) % np.uint64(BUCKETS)
    np.testing.assert_array_equal(ours.astype(int), theirs)


def test_crossed_fingerprints():
    x, y = np.arange(-20, 20) * 10**15, [f"s{i}" for i in range(40)]
    columns = [tf.constant(x)[:, None], tf.constant(y)[:, None]]
    sparse = tf.sparse.cross_hashed(columns, 10**9 + 7)
    ours = np.full(40, 0xDECAFCAFFE, np.uint64)
    for column in (x.view(np.uint64), farmhash([s.encode() for s in y])):
        ours = crossed(ours, column)
    theirs = tf.sparse.to_dense(sparse).numpy()[:, 0]
    np.testing.assert_array_equal((ours % np.uint64(10**9 + 7)).astype(int), theirs)


MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
OPTIONS = [
    {"output_mode": mode, "num_oov_indices": oov, "mask_token": mask, **size}
    for mode, oov, mask, size in itertools.product(
        MODES, (1, 3), (None, ""), ({}, {"max_tokens": 9, "pad_to_max_tokens": True})
    )
]


@pytest.mark.sampled(rows=6, by=lambda row: row["options"]["output_mode"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_vocabularies_that_are_learned(options):
    def strings(engine):
        layer = engine.layers.StringLookup(**options)
        layer.adapt(ROWS)
        return described(layer, [["a", "z", "", "é"], ["y", "b", "b", "[UNK]"]])

    def integers(engine):
        mask = None if options["mask_token"] is None else 0
        layer = engine.layers.IntegerLookup(**{**options, "mask_token": mask})
        layer.adapt(iter([np.array([[1, 2, 2, 0], [3, 4, 5, -1]]), [1, 1, 9]]))
        return described(layer, np.array([[1, 7, 0], [2, -1, -8]]))

    compare(strings)
    compare(integers)


TEXTS = [
    {},
    {"standardize": None},
    {"standardize": "lower"},
    {"standardize": "strip_punctuation"},
    {"split": None},
    {"split": "character"},
    {"ngrams": 2},
    {"ngrams": (1, 3)},
    {"output_sequence_length": 3},
    {"output_mode": "multi_hot"},
    {"output_mode": "tf_idf", "max_tokens": 40, "pad_to_max_tokens": True},
    {"output_mode": "count", "max_tokens": 6},
    {"split": None, "output_mode": "count"},
]


@pytest.mark.parametrize("options", TEXTS, ids=str)
def test_texts(options):
    def run(engine):
        layer = engine.layers.TextVectorization(**options)
        fresh = layer.get_config()
        layer.adapt(DOCUMENTS)
        inputs = (np.array(DOCUMENTS)[:, None], "the fox", np.array(DOCUMENTS, object))
        spec = layer(engine.Input((), dtype="string"))
        return [
            *described(layer, DOCUMENTS),
            fresh,
            [layer(x) for x in inputs],
            (spec.shape, spec.dtype),
        ]

    compare(run)


SHAPES = [(), (1,), (3,), (2, 1), (2, 3), (2, 3, 1), (2, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_ranks(shape):
    count = int(np.prod(shape))
    numbers = np.arange(count).reshape(shape)
    strings = np.array(["a", "b", "z", "é"] * 3)[:count].reshape(shape)

    def run(engine):
        layers, results = engine.layers, []
        for mode in MODES[:4]:
            results.append(layers.StringLookup(vocabulary=["a", "b"], output_mode=mode)(strings))
            results.append(layers.Discretization([1.0, 2.0], output_mode=mode)(numbers * 1.0))
            if mode != "int":
                results.append(layers.CategoryEncoding(4, mode)(numbers % 5))
            if shape or mode != "one_hot":  # Keras's Hashing fails there
                for options in ({}, {"salt": 5}, {"mask_value": 1}):
                    results.append(layers.Hashing(4, output_mode=mode, **options)(numbers))
                results.append(layers.Hashing(4, output_mode=mode, mask_value="a")(strings))
        return results

    compare(run)


VALUES = [
    [1.7, -1.2, 3e10],
    [True, False],
    np.array([1, 2], "uint8"),
    np.array([2**62, -(2**62)]),
    ["a", ""],
    np.array([b"a", b"\xff"]),
    "a",
]


@pytest.mark.parametrize("values", VALUES, ids=str)
def test_values_of_every_kind_are_hashed(values):
    for salt in (None, 7, (1, 2), (-1, 5)):
        compare(lambda k, salt=salt: k.layers.Hashing(11, salt=salt)(values))


@pytest.mark.parametrize("axis", [-1, None, 0, 1, (0, 1), (1, 2), ()], ids=str)
def test_normalization(axis):
    x = np.random.default_rng(1).normal(3, 2, (4, 3, 2)).astype("float32")

    def run(engine):
        results = []
        for invert in (False, True):
            layer = engine.layers.Normalization(axis=axis, invert=invert)
            layer.adapt(x)
            results += [layer(x), *layer.weights, layer.mean, layer.variance]
            results += [layer.get_config(), layer.get_build_config()]
        return results

    compare(run)


@pytest.mark.parametrize("bins", [1, 2, 3, 10])
@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.3])
def test_quantiles(bins, epsilon):
    def run(engine):
        layer = engine.layers.Discretization(num_bins=bins, epsilon=epsilon)
        layer.adapt(NUMBERS)
        once = [layer(NUMBERS), layer.get_config()]
        layer.adapt(np.split(NUMBERS, 6))
        return [*once, layer(NUMBERS), np.array(layer.bin_boundaries)]

    compare(run)


@pytest.mark.parametrize("dtype", ["int32", "int64", "float64"])
def test_floats_have_bins_whatever_the_dtype_of_the_layer(dtype):
    def run(engine):
        x = np.array([-1.5, -1, -0.99, -0.3, 0.49, 0.5, 0.9])
        make = engine.layers.Discretization
        return [make((-1.0, 0.5), output_mode=m, dtype=dtype)(x) for m in ("int", "one_hot")]

    compare(run)


@pytest.mark.parametrize("invert", [False, True])
def test_data_sets_of_tensorflow(invert):
    def run(engine):
        strings = tf.data.Dataset.from_tensor_slices(ROWS).batch(2)
        texts = tf.data.Dataset.from_tensor_slices(DOCUMENTS).batch(3)
        numbers = tf.data.Dataset.from_tensor_slices(NUMBERS).batch(7)
        results = []
        for name, data in (
            ("StringLookup", strings),
            ("TextVectorization", texts),
            ("Normalization", numbers),
        ):
            layer = getattr(engine.layers, name)()
            layer.adapt(data)
            if name == "Normalization":
                results.append(layer(NUMBERS))
            else:
                results.append([str(v) for v in layer.get_vocabulary()])
        return results

    compare(run)


def networks(engine):
    """A model of all these layers, and data for it."""
    layers = engine.layers
    text, string = engine.Input((), dtype="string"), engine.Input((1,), dtype="string")
    integer, number = engine.Input((1,), dtype="int64"), engine.Input((3,))
    words = layers.TextVectorization(output_mode="tf_idf")
    words.adapt(DOCUMENTS)
    indices = layers.TextVectorization(output_sequence_length=4, ngrams=(1, 2), max_tokens=7)
    indices.adapt(DOCUMENTS)
    strings = layers.StringLookup(num_oov_indices=2)
    strings.adapt([["a", "é"], ["a", "c"]])
    integers = layers.IntegerLookup(mask_token=0)
    integers.adapt([1, 1, 3])
    normal = layers.Normalization()
    normal.adapt(NUMBERS)
    bins = layers.Discretization(num_bins=3)
    bins.adapt(NUMBERS)
    outputs = [
        words(text),
        indices(text),
        strings(string),
        layers.StringLookup(vocabulary=["a", "b"], output_mode="count")(string),
        integers(integer),
        bins(normal(number)),
        layers.Hashing(3, salt=3)(string),
        layers.HashedCrossing(4)((string, integer)),
        layers.CategoryEncoding(4)(integers(integer)),
    ]
    return engine.Model([text, string, integer, number], outputs)


DATA = [np.array(DOCUMENTS[:2]), np.array([["a"], ["é"]]), np.array([[1], [9]]), NUMBERS[:2]]


@pytest.mark.parametrize("writer", [minikeras, keras], ids=["ours", "Keras"])
def test_files_go_both_ways(writer, tmp_path):
    model = networks(writer)
    expected = [array(y) for y in model(DATA)]
    model.save(tmp_path / "model.keras")
    for reader in (minikeras, keras):
        loaded = reader.models.load_model(tmp_path / "model.keras")
        assert_same([array(y) for y in loaded(DATA)], expected)


TABLE = {"f": [0.0, 0.1, 0.2, 0.3], "s": ["z", "o", "z", "t"], "i": [0, 1, 2, 3]}


@pytest.mark.parametrize("writer", [minikeras, keras], ids=["ours", "Keras"])
def test_feature_spaces(writer, tmp_path):
    def make(engine):
        space = engine.utils.FeatureSpace(
            {"f": "float_normalized", "s": "string_categorical", "i": "integer_categorical"},
            crosses=[("s", "i")],
        )
        space.adapt(TABLE)
        return space

    compare(lambda engine: make(engine)(TABLE))
    space = make(writer)
    space.save(tmp_path / "space.keras")
    for reader in (minikeras, keras):
        loaded = reader.models.load_model(tmp_path / "space.keras")
        assert_same(array(loaded(TABLE)), array(space(TABLE)))
