"""Differences of preprocessing, pictures, files and data sets."""

import os
import random
import subprocess
import sys
import tarfile

import numpy as np

from parity_tests.shown_differences import shows


def _image(folder, name, mode="RGB", size=(4, 4)):
    from PIL import Image

    path = folder / name
    Image.new(mode, size, 7).save(path)
    return str(path)


def _legacy(keras):
    """Keras 2's preprocessing: here its own package, there tf-keras's."""
    if hasattr(keras, "preprocessing") and hasattr(keras.preprocessing, "text"):
        return keras.preprocessing
    import tf_keras

    return tf_keras.preprocessing


def _of_images(keras):
    return _legacy(keras).image.ImageDataGenerator


@shows("load_img-unknown-interpolation")
def unknown_interpolation(keras, folder):
    path = _image(folder, "a.png")
    return keras.utils.load_img(path, target_size=(4, 4), interpolation="cubicest").size


@shows("save_img-file_format-jpeg")
def tif(keras, folder):
    keras.utils.save_img(str(folder / "a.tif"), np.zeros((2, 2, 3)))


@shows("smart_resize-float64")
def resized(keras):
    image = np.random.default_rng(0).uniform(size=(5, 5, 3))
    smart_resize = keras.preprocessing.image.smart_resize
    return np.asarray(smart_resize(image, (3, 3))).dtype.name


@shows("pad_sequences")
def no_columns(keras):
    return keras.utils.pad_sequences([[1, 2], [3]], maxlen=0).shape


@shows("imagedatagenerator-flow-sample_weight")
def weights_of_a_subset(keras):
    images = np.zeros((4, 2, 2, 1))
    flow = _of_images(keras)(validation_split=0.5).flow(
        images, np.arange(4) % 2, sample_weight=np.arange(4.0), subset="training", shuffle=False
    )
    return next(flow)[2]


@shows("brightness_range-data_format-channels_first")
def brighter(keras):
    generator = _of_images(keras)(brightness_range=(2.0, 2.0), data_format="channels_first")
    images = np.random.default_rng(0).uniform(0, 99, (1, 3, 5, 4))
    return round(float(next(generator.flow(images, shuffle=False)).sum()))


@shows("flow_from_dataframe")
def table_of_lists(keras, folder):
    _image(folder, "a.png")
    table = {"filename": ["a.png"], "class": ["x"]}
    return _of_images(keras)().flow_from_dataframe(table, str(folder)).n


@shows("flips-get_random_transform")
def flips(keras):
    np.random.seed(0)
    transform = _of_images(keras)(horizontal_flip=True).get_random_transform((4, 4, 3))
    return type(transform["flip_horizontal"]).__name__


@shows("tokenizer-oov_token-was")
def unfitted(keras):
    tokenizer = _legacy(keras).text.Tokenizer(num_words=3, oov_token="?")
    return tokenizer.texts_to_sequences(["a b"])


@shows("draw_bounding_boxes")
def boxes_with_channels_first(keras):
    images, boxes = np.zeros((1, 3, 20, 30), "float32"), np.array([[[4.0, 2.0, 20.0, 10.0]]])
    boxes = {"boxes": boxes, "labels": np.array([[1]])}
    drawn = keras.visualization.draw_bounding_boxes(
        images, boxes, "xyxy", color=(255, 0, 0), data_format="channels_first"
    )
    return np.asarray(drawn).shape


@shows("melspectrogram-compute_output_shape-shapes")
def frames(keras):
    layer = keras.layers.MelSpectrogram(fft_length=64, sequence_stride=16, sequence_length=64)
    return layer.compute_output_shape((1, 159))


@shows("melspectrogram-min_freq-not")
def frequencies(keras):
    layer = keras.layers.MelSpectrogram(min_freq=900, max_freq=100, sampling_rate=2000)
    return layer.name != ""


@shows("arrays-window-melspectrogram")
def window_from_a_config(keras):
    layer = keras.layers.STFTSpectrogram(window=np.ones(8, "float32"), frame_length=8)
    config = keras.saving.serialize_keras_object(layer)
    other = keras.saving.deserialize_keras_object(config)
    return np.asarray(other(np.ones((1, 32, 1), "float32"))).shape


@shows("stftspectrogram-cpu")
def channels_first(keras):
    code = (
        f"import numpy as np; from {keras.__name__} import layers;"
        "layer = layers.STFTSpectrogram(frame_length=8, data_format='channels_first');"
        "layer(np.ones((1, 2, 32), 'float32'))"
    )
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    return done.returncode


@shows("get_file-no-folder")
def cache_folder(keras, folder):
    source = folder / "s.txt"
    source.write_text("a")
    cache = folder / "deep" / "cache"
    keras.utils.get_file("s.txt", source.as_uri(), cache_dir=str(cache))
    return cache.exists()


@shows("archive-links-names")
def linked_archive(keras, folder):
    path = folder / "a.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("../out.txt")
        archive.addfile(member)
    uri = path.as_uri()
    keras.utils.get_file("a.tar", uri, cache_dir=str(folder), extract=True)


@shows("validation_split-leaves-no")
def empty_part(keras, folder):
    (folder / "x").mkdir()
    _image(folder / "x", "a.png")
    data = keras.utils.image_dataset_from_directory(
        str(folder), validation_split=0.2, subset="validation", seed=1, image_size=(4, 4)
    )
    return len(list(data))


@shows("pad_to_aspect_ratio-leaves-less")
def long_image(keras, folder):
    (folder / "x").mkdir()
    _image(folder / "x", "a.png", size=(300, 1))
    data = keras.utils.image_dataset_from_directory(
        str(folder), image_size=(1, 300), pad_to_aspect_ratio=True
    )
    (folder / "x" / "a.png").unlink()
    _image(folder / "x", "a.png", size=(1, 300))
    return [np.asarray(x).shape for x, _ in data]


@shows("format-grain")
def grain(keras, folder):
    (folder / "x").mkdir()
    (folder / "x" / "a.txt").write_text("a")
    data = keras.utils.text_dataset_from_directory(str(folder), format="grain", verbose=False)
    return [type(text).__name__ for texts, _ in data for text in texts]


@shows("timeseries_dataset_from_array-targets-end")
def early_targets(keras):
    data = keras.utils.timeseries_dataset_from_array(
        np.arange(10.0), np.arange(6.0), 3, start_index=2
    )
    return [np.asarray(x).shape[0] for x, _ in data]


@shows("data-sets-without")
def no_batches(keras):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return len(model.fit(_empty(keras), verbose=0).history)


def _empty(keras):
    if keras.__name__ == "keras":
        import tensorflow as tf

        ones = np.ones((3, 2), "float32")
        return tf.data.Dataset.from_tensor_slices((ones, ones)).batch(2).take(0)
    data = keras.utils.timeseries_dataset_from_array(np.ones((5, 2)), np.ones(5), 2)
    return data.take(0)


def _windows(keras, count=5):
    return keras.utils.timeseries_dataset_from_array(
        np.arange(float(count)), None, 1, batch_size=1, shuffle=False
    )


@shows("number-elements-unbatch")
def count_of_elements(keras):
    part, _ = keras.utils.split_dataset(np.ones((8, 2)), left_size=4)
    return int(np.asarray(part.batch(2, drop_remainder=True).unbatch().cardinality()))


@shows("repeat-after-shuffle")
def no_repeats(keras):
    return len(list(_windows(keras).shuffle(3, seed=1).repeat(0)))


@shows("split_dataset-one-array")
def dtype_of_parts(keras):
    left, _ = keras.utils.split_dataset(np.arange(4), left_size=2)
    return np.asarray(next(iter(left))).dtype.name


@shows("split_dataset")
def seed_of_random(keras):
    random.seed(5)
    keras.utils.split_dataset(np.ones((4, 2)), left_size=2, shuffle=True, seed=3)
    return random.random()
