"""Differences of layers, losses, metrics and optimizers."""

import numpy as np

from parity_tests.shown_differences import shows, slopes


def _f(keras, values, dtype="float32"):
    return keras.ops.convert_to_tensor(np.array(values, dtype))


@shows("max-pooling-3d")
def ties_in_3d(keras):
    pool = keras.layers.MaxPooling3D(2)
    return slopes(keras, pool, np.ones((1, 2, 2, 2, 1)), "float32")


@shows("convolutions-channels_first-cpu")
def channels_first(keras):
    layer = keras.layers.Conv1D(4, 2, data_format="channels_first", bias_initializer="ones")
    return layer(_f(keras, np.ones((1, 3, 5)))).shape


@shows("transposed-convolution-dilation")
def pooling_of_doubles(keras):
    return keras.layers.AveragePooling3D(2, dtype="float64")(_f(keras, np.ones((1, 2, 2, 2, 1))))


@shows("layer-normalization-integers")
def normalized_integers(keras):
    return keras.layers.LayerNormalization()(_f(keras, [[1, 2, 4]], "int32"))


@shows("huber-cosinesimilarity-sparsecategoricalcrossentropy")
def options_of_losses(keras):
    return "delta" in keras.losses.Huber(0.3).get_config()


@shows("auc-config")
def label_weights(keras):
    metric = keras.metrics.AUC(multi_label=True, num_labels=2, label_weights=[1.0, 2.0])
    return isinstance(metric.get_config()["label_weights"], list)


@shows("padding-interpolation-unknown")
def unknown_interpolation(keras):
    return keras.layers.UpSampling2D(interpolation="cubic").name.startswith("up")


@shows("randomshear-from-config")
def shear_from_config(keras):
    layer = keras.layers.RandomShear(0.4)
    return type(layer).from_config(layer.get_config()).name != ""


@shows("randomcontrast-integers")
def contrast_of_integers(keras):
    layer = keras.layers.RandomContrast(0.5, seed=1)
    return layer(_f(keras, np.ones((1, 2, 2, 3)), "int32"), training=True).shape


@shows("seed-randomgrayscale-fill")
def seed_in_a_config(keras):
    return keras.layers.RandomGrayscale(seed=3).get_config().get("seed")


@shows("dict-image-layer")
def dicts_stay(keras):
    data = {"images": _f(keras, np.arange(4.0).reshape(1, 2, 2, 1)), "labels": _f(keras, [1.0])}
    image = data["images"]
    keras.layers.RandomFlip(seed=1)(data, training=True)
    return data["images"] is image


@shows("image-layers-tf")
def in_a_graph(keras):
    import tensorflow as tf

    layer = keras.layers.RandomFlip(seed=1)
    data = tf.data.Dataset.from_tensor_slices(np.ones((2, 2, 2, 3), "float32"))
    return len(list(data.map(layer)))


@shows("multiheadattention-masks-eager")
def masks_stay(keras):
    words = keras.layers.Embedding(3, 4, mask_zero=True)(_f(keras, [[1, 0]], "int32"))
    keras.layers.MultiHeadAttention(1, 4)(words, words)
    return getattr(words, "_keras_mask", None) is not None


@shows("return_attention_scores-symbolic-inputs")
def shape_of_scores(keras):
    x, y = keras.Input((5, 4)), keras.Input((7, 4))
    return keras.layers.MultiHeadAttention(1, 4)(x, y, return_attention_scores=True)[1].shape


@shows("add_loss-activity-regularizers")
def losses_of_cells(keras):
    cell = keras.layers.SimpleRNNCell(2, kernel_initializer="ones", recurrent_initializer="ones")

    class Cell(type(cell)):
        def call(self, x, states, training=False):
            self.add_loss(keras.ops.sum(x))
            return super().call(x, states, training=training)

    layer = keras.layers.RNN(Cell(2))
    layer(_f(keras, np.ones((1, 3, 2))))
    return len(layer.losses)


@shows("numpy-s-numbers")
def numbers_of_numpy(keras):
    return keras.layers.Dense(np.int64(3)).get_config()["units"]


@shows("dtype-names-float")
def names_of_dtypes(keras):
    return keras.layers.Dense(3, dtype="double").compute_dtype


@shows("strings-fit-evaluate")
def texts(keras):
    layer = keras.layers.StringLookup(vocabulary=["a", "b"])
    return keras.Sequential([keras.Input((1,), dtype="string"), layer]).predict(
        np.array([["a"], ["b"]]), verbose=0
    )


@shows("strings-ops")
def strings_in_ops(keras):
    return keras.ops.add(keras.ops.convert_to_tensor(["a"]), keras.ops.convert_to_tensor(["b"]))


@shows("adapt-no-data")
def no_data(keras):
    layer = keras.layers.Normalization()
    layer.adapt(np.zeros((0, 3), "float32"))
    return layer(np.ones((1, 3), "float32"))


@shows("look-up-before")
def unadapted(keras):
    layer = keras.layers.StringLookup(vocabulary=["a"], num_oov_indices=0)
    return layer(keras.ops.convert_to_tensor(["z"]))


@shows("normalization-after-set_weights")
def set_statistics(keras):
    layer = keras.layers.Normalization()
    layer.adapt(np.array([[1.0], [3.0]], "float32"))
    weights = layer.get_weights()
    layer.set_weights([weights[0] + 5, *weights[1:]])
    return layer(np.ones((1, 1), "float32"))


@shows("normalization-variance")
def variance_of_batches(keras):
    draw = np.random.default_rng(0).normal(1e3, 1.0, (3000, 1)).astype("float32")
    layer = keras.layers.Normalization()
    batches = [draw[i : i + 7] for i in range(0, 3000, 7)]
    if keras.__name__ == "keras":
        import tensorflow as tf

        batches = tf.data.Dataset.from_tensor_slices(draw).batch(7)
    layer.adapt(batches)
    return abs(float(np.ravel(layer.variance)[0]) - draw.astype("float64").var()) < 1e-6


@shows("multi_hot-count-three")
def shape_of_three_axes(keras):
    layer = keras.layers.CategoryEncoding(4, output_mode="multi_hot")
    return layer(keras.Input((2, 3), dtype="int32")).shape


@shows("negative-categories-multi_hot")
def negative_categories(keras):
    layer = keras.layers.CategoryEncoding(4, output_mode="multi_hot")
    return layer(_f(keras, [[-1, 2]], "int32"))


@shows("sparse-true-ragged")
def sparse(keras):
    return type(keras.layers.CategoryEncoding(4, sparse=True)).__name__


@shows("functions-standardize-split")
def standardized(keras):
    kinds = []

    def function(texts):
        kinds.append(type(texts) is np.ndarray)
        return texts

    keras.layers.TextVectorization(standardize=function, vocabulary=["a"])(np.array(["a"]))
    return kinds[0]


@shows("tokens-line-break")
def broken_tokens(keras, folder):
    layer = keras.layers.StringLookup(vocabulary=["a\nb", "c"])
    layer.save_assets(str(folder))
    other = keras.layers.StringLookup()
    other.load_assets(str(folder))
    return other.vocabulary_size()


@shows("tf-idf-layer")
def padded_weights(keras, folder):
    layer = keras.layers.StringLookup(output_mode="tf_idf", pad_to_max_tokens=True, max_tokens=6)
    layer.adapt(np.array(["a", "b", "a"]))
    model = keras.Sequential([keras.Input((1,), dtype="string"), layer])
    model.save(folder / "m.keras")
    return len(keras.models.load_model(folder / "m.keras").layers)


@shows("utils-to_categorical-labels")
def labels_outside(keras):
    return keras.utils.to_categorical([0, -1], 3)


@shows("utils-normalize-numpy")
def along_axis_0(keras):
    return keras.utils.normalize(np.array([[3.0, 1.0], [4.0, 1.0]]), axis=0)


@shows("deprecated-arguments-leakyrelu")
def old_arguments(keras):
    return keras.layers.Dense(3, batch_input_shape=(4, 2)).units


@shows("groupqueryattention-symbolic-inputs")
def values_of_another_width(keras):
    layer = keras.layers.GroupQueryAttention(4, 2, 1)
    return layer(keras.Input((3, 6)), keras.Input((3, 5))).shape


@shows("given-statistics")
def constants_of_normalization(keras):
    layer = keras.layers.Normalization(mean=0.1, variance=0.3, dtype="float64")
    return layer(_f(keras, [1.0], "float64"))


@shows("attention-scale")
def scale_of_scores(keras):
    keras.utils.set_random_seed(0)
    layer = keras.layers.MultiHeadAttention(1, 3, dtype="float64")
    x = _f(keras, np.arange(8.0).reshape(1, 2, 4), "float64")
    layer.build(x.shape, x.shape)
    draw = np.random.default_rng(0)
    layer.set_weights([draw.normal(size=w.shape) for w in layer.weights])
    return np.round(layer(x, x), 12)


@shows("equalization-functional-model", "stringlookup-equalization-contrast")
def equalized_in_a_graph(keras):
    return keras.layers.Equalization()(keras.Input((4, 4, 3), dtype="uint8")).dtype


@shows("centercrop-randomcrop-images")
def cropped_integers(keras):
    layer = keras.layers.CenterCrop(4, 4, dtype="uint8")
    return str(layer(_f(keras, np.ones((1, 2, 2, 3)), "uint8")).dtype).rpartition("'")[0][-7:]


@shows("lists-boxes-various")
def lists_of_boxes(keras):
    layer = keras.layers.RandomFlip(seed=1, data_format="channels_last")
    layer.bounding_box_format = "xyxy"
    boxes = {"boxes": [[[0.0, 0, 1, 1]], [[0.0, 0, 1, 1], [1, 1, 2, 2]]], "labels": [[1], [1, 2]]}
    result = keras.layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")(
        {"images": _f(keras, np.ones((2, 4, 4, 3))), "bounding_boxes": boxes}
    )
    return result["bounding_boxes"]["labels"]


@shows("randaugment-another-number")
def five_channels(keras):
    layer = keras.layers.RandAugment(seed=1)
    return layer(_f(keras, np.ones((1, 4, 4, 5))), training=True).shape


@shows("autocontrast-randomcolorjitter-augmix")
def contrast_of_channels(keras):
    layer = keras.layers.AutoContrast(value_range=(0, 1), data_format="channels_first")
    return layer(_f(keras, np.random.default_rng(0).uniform(size=(1, 3, 4, 4))), training=True)
