"""Batches of images: from arrays, from directories, from tables."""

import itertools

import numpy as np
import pytest

from minikeras import Sequential, layers, utils
from minikeras.preprocessing.image import (
    DataFrameIterator,
    ImageDataGenerator,
    Iterator,
    NumpyArrayIterator,
)

X = np.arange(7 * 4 * 4 * 3, dtype="float32").reshape(7, 4, 4, 3) % 256
Y = np.arange(7)


def firsts(batches):
    """The first value of each image of each batch, which tells which image it is."""
    return [x[:, 0, 0, 0].tolist() for x in batches]


def test_batches_without_end():
    batches = ImageDataGenerator().flow(X, batch_size=3, shuffle=False)
    numbers = X[:, 0, 0, 0].tolist()
    parts = [numbers[:3], numbers[3:6], numbers[6:]]
    assert firsts(itertools.islice(batches, 7)) == [*parts, *parts, parts[0]]
    assert len(batches) == 3
    batches.reset()
    assert firsts([next(batches), batches[2]]) == [parts[0], parts[2]]


def test_each_epoch_has_an_order():
    np.random.seed(0)
    batches = ImageDataGenerator().flow(X, Y, batch_size=3)
    epochs = [[next(batches)[1].tolist() for _ in range(3)] for _ in range(2)]
    assert epochs[0] != epochs[1]
    for epoch in epochs:
        assert sorted(sum(epoch, [])) == Y.tolist()
    before = [batches[i][1].tolist() for i in range(3)]
    batches.on_epoch_end()
    assert before != [batches[i][1].tolist() for i in range(3)]


def test_the_same_seed_for_images_and_masks():
    options = {"rotation_range": 40, "horizontal_flip": True}
    first, second = (ImageDataGenerator(**options).flow(X, seed=3, batch_size=2) for _ in "ab")
    for _ in range(5):
        assert np.array_equal(next(first), next(second))


def test_no_such_batch():
    batches = ImageDataGenerator().flow(X, batch_size=3)
    for number in (3, -1):
        with pytest.raises(ValueError, match=f"3 batches, from 0. Received: batch {number}"):
            batches[number]
    with pytest.raises(ValueError, match="`batch_size` must be positive"):
        ImageDataGenerator().flow(X, batch_size=0)


def test_a_base_asks_for_its_method():
    with pytest.raises(TypeError, match="must define `_get_batches_of_transformed_samples"):
        next(Iterator(3, 2, False, None, workers=2))


def test_what_comes_beside_the_images():
    weights, others = Y / 10, [Y * 2, np.ones((7, 2))]
    flow = ImageDataGenerator().flow((X, others), Y, 4, False, weights)
    (x, double, ones), y, w = flow[0]
    assert x.shape == (4, 4, 4, 3)
    assert (double.tolist(), ones.shape) == ([0, 2, 4, 6], (4, 2))
    assert (y.tolist(), w.tolist()) == ([0, 1, 2, 3], weights[:4].tolist())
    x, y = ImageDataGenerator().flow((X, Y), batch_size=2, shuffle=False)[1]
    assert y.tolist() == [2, 3]


@pytest.mark.parametrize(("subset", "part"), [("validation", slice(2)), ("training", slice(2, 7))])
def test_subsets_of_arrays(subset, part):
    """Weights are divided with the images."""
    flow = ImageDataGenerator(validation_split=0.3).flow(
        (X, Y), Y, 9, False, sample_weight=Y, subset=subset, ignore_class_split=True
    )
    (x, other), y, w = flow[0]
    np.testing.assert_array_equal(x, X[part])
    assert other.tolist() == y.tolist() == w.tolist() == Y[part].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": Y[:3]}, "`y` must have as many rows.*3 rows for 7 images"),
        ({"sample_weight": Y[:3]}, "`sample_weight` must have as many rows"),
        ({"x": (X, [Y, Y[:3]])}, r"`x\[1\]\[1\]` must have as many rows"),
        ({"x": X[0]}, r"rank 4. Received: x of shape \(4, 4, 3\)"),
        (
            {"subset": "test"},
            "`subset` must be 'training' or 'validation'. Received: subset='test'",
        ),
        ({"subset": "training", "y": Y}, "different labels"),
    ],
)
def test_arrays_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        ImageDataGenerator(validation_split=0.5).flow(**{"x": X} | options)


def test_numbers_of_channels():
    with pytest.warns(UserWarning, match="Received: 2 channels"):
        NumpyArrayIterator(X[..., :2], None, ImageDataGenerator())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_fits_changed_images(workers):
    model = Sequential([layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    generator = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True, validation_split=0.4)
    flows = [generator.flow(X, Y * 1.0, 2, subset=s, ignore_class_split=True) for s in PARTS]
    for flow in flows:
        flow.workers = workers
    history = model.fit(flows[0], validation_data=flows[1], epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    assert len(history["val_loss"]) == 2
    pairs = zip(generator.flow(X, seed=1), generator.flow(X[..., :1], seed=1), strict=True)
    model.compile("sgd", lambda y, z: z)
    model.fit(pairs, steps_per_epoch=3, verbose=0)


PARTS = ("training", "validation")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five images of cats, two of dogs; the red of an image is its number."""
    folder = tmp_path_factory.mktemp("pets")
    for number in range(7):
        kind = folder / ("cats" if number < 5 else "dogs")
        path = kind / ("more" if number == 0 else "") / f"{number}.{'PNG' if number % 2 else 'bmp'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        utils.save_img(path, np.full((3, 4, 3), number), scale=False)
    (folder / "cats" / "notes.txt").write_text("no image")
    return folder


def flow_of(folder, generator=None, **options):
    options = {"target_size": (2, 5), "shuffle": False, "batch_size": 9} | options
    return (generator or ImageDataGenerator()).flow_from_directory(folder, **options)


def test_what_a_directory_has(folder, capsys):
    flow = flow_of(folder)
    assert capsys.readouterr().out == "Found 7 images belonging to 2 classes.\n"
    assert (flow.samples, flow.num_classes, flow.n) == (7, 2, 7)
    assert flow.class_indices == {"cats": 0, "dogs": 1}
    assert flow.classes.tolist() == flow.labels.tolist() == [0] * 5 + [1] * 2
    assert flow.filenames == [
        *(f"cats/{name}" for name in ("1.PNG", "2.bmp", "3.PNG", "4.bmp", "more/0.bmp")),
        *("dogs/5.PNG", "dogs/6.bmp"),
    ]
    assert flow.filepaths[0] == str(folder / "cats/1.PNG")


@pytest.mark.parametrize(
    ("class_mode", "expected"),
    [
        ("categorical", [[1, 0]] * 5 + [[0, 1]] * 2),
        ("binary", [0] * 5 + [1] * 2),
        ("sparse", [0] * 5 + [1] * 2),
    ],
)
def test_targets_of_directories(folder, class_mode, expected):
    x, y = flow_of(folder, class_mode=class_mode)[0]
    assert firsts([x]) == [[1, 2, 3, 4, 0, 5, 6]]
    assert (x.shape, y.dtype, y.tolist()) == ((7, 2, 5, 3), "float32", expected)


def test_images_as_their_own_targets(folder):
    x, y = flow_of(folder, class_mode="input")[0]
    assert np.array_equal(x, y)
    assert x is not y
    assert isinstance(flow_of(folder, class_mode=None)[0], np.ndarray)


@pytest.mark.parametrize(
    ("color_mode", "data_format", "shape"),
    [
        ("grayscale", "channels_last", (2, 5, 1)),
        ("rgba", "channels_last", (2, 5, 4)),
        ("rgb", "channels_first", (3, 2, 5)),
    ],
)
def test_shapes_of_images(folder, color_mode, data_format, shape):
    generator = ImageDataGenerator(data_format=data_format)
    flow = flow_of(folder, generator, color_mode=color_mode)
    assert flow.image_shape == shape
    assert next(flow)[0].shape == (7, *shape)


def test_classes_and_subsets_of_directories(folder):
    generator = ImageDataGenerator(validation_split=0.5)
    names = [
        flow_of(folder, generator, classes=["dogs", "cats"], subset=subset).filenames
        for subset in ("validation", "training")
    ]
    assert names[0] == ["dogs/5.PNG", "cats/1.PNG", "cats/2.bmp"]
    assert names[1] == ["dogs/6.bmp", "cats/3.PNG", "cats/4.bmp", "cats/more/0.bmp"]


@pytest.mark.parametrize("follow_links", [True, False])
def test_links_to_directories(folder, tmp_path, follow_links):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "link").symlink_to(folder / "dogs")
    assert flow_of(tmp_path, follow_links=follow_links).samples == 2 * follow_links


def test_saved_images(folder, tmp_path):
    flow = flow_of(folder, save_to_dir=tmp_path, save_prefix="pet", save_format="jpeg")
    next(flow)
    names = sorted(path.name.split("_")[:2] for path in tmp_path.glob("*.jpeg"))
    assert names == [["pet", str(i)] for i in range(7)]
    next(ImageDataGenerator().flow(X, save_to_dir=tmp_path))
    assert len(list(tmp_path.glob("*.png"))) == 7


@pytest.mark.parametrize(
    "options", [{"color_mode": "hsv"}, {"class_mode": "raw"}, {"subset": "test"}]
)
def test_unknown_options(folder, options):
    (name,) = options
    with pytest.raises(ValueError, match=f"`{name}` must be one of .* Received: {name}="):
        flow_of(folder, **options)


def test_files_with_several_bands(tmp_path):
    (tmp_path / "class").mkdir()
    utils.save_img(tmp_path / "class" / "image.tiff", X[0])
    with pytest.warns(UserWarning, match="'.tiff' files with several bands"):
        flow_of(tmp_path)


NAMES = ["dogs/5.PNG", "cats/1.PNG", "cats/missing.png", "cats/2.bmp"]
COLUMNS = {
    "filename": NAMES,
    "class": ["dog", "cat", "cat", "cat"],
    "several": [["dog", "pet"], ("cat",), "cat", []],
    "a": [0.5, 1.5, 2.5, 3.5],
    "b": [0, 1, 2, 3],
}


@pytest.fixture(params=["dict", "pandas"])
def table(request):
    """The same table in two forms."""
    if request.param == "dict":
        return COLUMNS
    return pytest.importorskip("pandas").DataFrame(COLUMNS, index=[7, 3, 3, 0])


@pytest.fixture
def flow_from(folder, table):
    """Make an iterator over the table, which warns of the missing file."""

    def flow_from(generator=None, **options):
        options = {"target_size": (2, 2), "shuffle": False} | options
        generator = generator or ImageDataGenerator()
        with pytest.warns(UserWarning, match="1 of the files in the column 'filename' are missing"):
            return generator.flow_from_dataframe(table, folder, **options)

    return flow_from


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 1], [1, 0], [1, 0]]),
        ({"class_mode": "binary"}, [1, 0, 0]),
        ({"class_mode": "sparse", "classes": ["dog", "cat"]}, [0, 1, 1]),
        ({"y_col": "several"}, [[0, 1, 1], [1, 0, 0], [0, 0, 0]]),
        ({"y_col": "several", "classes": ["pet", "cat"]}, [[1, 0], [0, 1]]),
        ({"y_col": "a", "class_mode": "raw"}, [0.5, 1.5, 3.5]),
        ({"y_col": ["a", "b"], "class_mode": "raw"}, [[0.5, 0], [1.5, 1], [3.5, 3]]),
    ],
)
def test_targets_of_tables(flow_from, options, expected):
    flow = flow_from(**options)
    _, y = flow[0]
    assert y.tolist() == expected
    assert flow.filenames[:2] == [NAMES[0], NAMES[1]]


def test_several_targets_and_weights(flow_from):
    x, (a, kinds), weights = flow_from(
        y_col=["a", "class"], class_mode="multi_output", weight_col="b"
    )[0]
    assert firsts([x]) == [[5, 1, 2]]
    assert (a.tolist(), kinds.tolist(), weights.tolist()) == (
        [0.5, 1.5, 3.5],
        ["dog", "cat", "cat"],
        [0, 1, 3],
    )


def test_tables_without_targets(flow_from):
    assert firsts([flow_from(class_mode=None)[0]]) == [[5, 1, 2]]
    x, y = flow_from(class_mode="input")[0]
    assert np.array_equal(x, y)


def test_what_is_reported(flow_from, folder, table, capsys):
    flow_from()
    flow_from(class_mode=None)
    DataFrameIterator(table, folder, validate_filenames=False)
    assert capsys.readouterr().out.splitlines() == [
        "Found 3 validated image filenames belonging to 2 classes.",
        "Found 3 validated image filenames.",
        "Found 4 non-validated image filenames belonging to 2 classes.",
    ]


def test_subsets_of_tables(flow_from):
    generator = ImageDataGenerator(validation_split=0.4)
    parts = [flow_from(generator, subset=part).filenames for part in ("validation", "training")]
    assert parts == [["dogs/5.PNG"], ["cats/1.PNG", "cats/2.bmp"]]


def test_whole_paths_and_no_generator(folder):
    paths = {"path": [str(folder / "dogs/5.PNG")]}
    flow = DataFrameIterator(paths, x_col="path", class_mode=None, target_size=(1, 1))
    assert next(flow).tolist() == [[[[5, 5, 5]]]]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"x_col": "a"}, TypeError, "'a' must have values of type str. Received: 0.5 in row 0"),
        ({"y_col": "a"}, TypeError, "'a' must have values of type str or list or tuple"),
        ({"y_col": "several", "class_mode": "sparse"}, TypeError, "type str. Received: \\['dog'"),
        ({"class_mode": "multi_output"}, TypeError, "`y_col` must be a list.*y_col='class'"),
        ({"weight_col": "class"}, TypeError, "weights must be numbers.*in the column 'class'"),
        ({"class_mode": "binary", "classes": ["cat"]}, ValueError, "needs two classes.*1 in"),
        ({"class_mode": "labels"}, ValueError, "`class_mode` must be one of"),
    ],
)
def test_tables_that_do_not_fit(folder, table, options, error, message):
    with pytest.raises(error, match=message):
        DataFrameIterator(table, folder, validate_filenames=False, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sort": True}, "`sort` is of old scripts: it does nothing"),
        ({"class_mode": "other"}, "write `class_mode='raw'`"),
    ],
)
def test_arguments_of_old_scripts(folder, options, message):
    options = {"y_col": "a", "class_mode": "raw", "validate_filenames": False} | options
    with pytest.warns(DeprecationWarning, match=message):
        ImageDataGenerator().flow_from_dataframe(COLUMNS, folder, **options)


def test_classes_that_are_not_used(flow_from):
    with pytest.warns(UserWarning, match="`class_mode=None` does not use `classes`"):
        flow_from(class_mode=None, classes=["cat"])
