"""FeatureSpace: tables, their columns preprocessed and joined."""

import numpy as np
import pytest

import minikeras as keras

FeatureSpace = keras.utils.FeatureSpace
TABLE = {
    "size": [0.0, 1.0, 2.0, 3.0],
    "colour": ["red", "blue", "red", "green"],
    "count": np.array([5, 5, 7, 9]),
}
KINDS = {
    "size": "float_normalized",
    "colour": "string_categorical",
    "count": "integer_categorical",
}


def adapted(**options):
    space = FeatureSpace(**{"features": KINDS, "crosses": [("colour", "count")], **options})
    space.adapt(TABLE)
    return space


def test_columns_are_joined_in_the_order_of_their_names():
    space = adapted(crossing_dim=8)
    y = space(TABLE)
    assert y.shape == (4, 4 + 4 + 1 + 8)
    colours = space.preprocessors["colour"].get_vocabulary()
    assert colours == ["[UNK]", "red", "green", "blue"]
    np.testing.assert_array_equal(y.numpy()[:, :4].argmax(axis=1), [1, 3, 1, 2])
    np.testing.assert_allclose(y.numpy()[:, 8].mean(), 0, atol=1e-6)
    row = {name: column[1] for name, column in TABLE.items()}
    np.testing.assert_array_equal(space(row).numpy(), y.numpy()[1])


def test_a_dict_of_columns():
    space = FeatureSpace(
        {
            "size": FeatureSpace.float_discretized(num_bins=2),
            "colour": FeatureSpace.string_hashed(3, output_mode="int"),
            "count": FeatureSpace.float_rescaled(scale=2.0),
        },
        output_mode="dict",
    )
    space.adapt(TABLE)
    y = space(TABLE)
    assert {name: tuple(x.shape) for name, x in y.items()} == {
        "colour": (4, 1),
        "count": (4, 1),
        "size": (4, 2),
    }
    row = space({"size": 0.0, "colour": "red", "count": 1})
    assert (row["size"].tolist(), row["count"].tolist()) == ([1.0, 0.0], [2.0])


def test_a_model_takes_the_inputs_of_the_features():
    space = adapted()
    model = keras.Model(space.get_inputs(), space.get_encoded_features())
    data = {name: np.array(column).reshape(-1, 1) for name, column in TABLE.items()}
    np.testing.assert_allclose(model.predict(data, verbose=0), space(TABLE).numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    "source",
    [
        lambda: [{name: column[i] for name, column in TABLE.items()} for i in range(4)],
        lambda: [{name: np.array(column)[:, None] for name, column in TABLE.items()}],
    ],
    ids=["rows", "batches"],
)
def test_data_sets_of_rows_and_of_batches(source):
    space = FeatureSpace(KINDS)
    space.adapt(iter(source()))
    expected = FeatureSpace(KINDS)
    expected.adapt(TABLE)
    np.testing.assert_allclose(space(TABLE).numpy(), expected(TABLE).numpy(), rtol=1e-5, atol=1e-6)


def test_files(tmp_path):
    space = adapted()
    space.save(tmp_path / "space.keras")
    loaded = keras.saving.load_model(tmp_path / "space.keras")
    np.testing.assert_array_equal(loaded(TABLE).numpy(), space(TABLE).numpy())


LAYER = keras.layers.TextVectorization(output_mode="multi_hot")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FeatureSpace({}), "must name one feature or more"),
        (lambda: FeatureSpace({"a": "text"}), "Invalid feature type"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="list"), "output_mode"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "b")]), "`crosses` may join"),
        (lambda: FeatureSpace(KINDS, crosses=[("size",)], crossing_dim=0), "crossing_dim"),
        (lambda: FeatureSpace(KINDS)(TABLE), "call `.adapt"),
        (lambda: FeatureSpace(KINDS).adapt([1]), "dict of arrays"),
        (lambda: FeatureSpace(KINDS).adapt({**TABLE, "size": [1.0]}), "one length"),
        (lambda: adapted()([1.0]), "takes a dict from names"),
        (lambda: adapted()({"size": 1.0}), "Expected the features"),
        (
            lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, "int")})({"a": [1]}),
            "cannot be joined to the numbers",
        ),
        (
            lambda: FeatureSpace({"a": FeatureSpace.feature("string", LAYER, "one_hot")}).adapt(
                {"a": ["b c"]}
            ),
            "must return integers",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
