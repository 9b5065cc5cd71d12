"""Differences of models, training and copies."""

import copy

import numpy as np

from parity_tests.shown_differences import shows

ONES = np.ones((4, 2), "float32")


def _dense(keras, loss="mse", outputs=1, **options):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(outputs)])
    model.compile("sgd", loss, **options)
    return model


def _fitted(keras, *data, loss="mse", outputs=1, **options):
    history = _dense(keras, loss, outputs).fit(*data, verbose=0, **options)
    return len(history.history["loss"])


@shows("learning_rate-1")
def rate_of_int(keras):
    return float(np.asarray(keras.optimizers.SGD(learning_rate=1).learning_rate))


@shows("labels-outside-classes")
def label_outside(keras):
    loss = "sparse_categorical_crossentropy"
    return _fitted(keras, ONES, np.array([0, 1, 2, 7]), loss=loss, outputs=3)


@shows("nan-targets-loss")
def missing_targets(keras):
    return _fitted(keras, ONES, np.array([1.0, np.nan, 1, 1]))


@shows("surplus-keys-dict")
def surplus_keys(keras):
    x = keras.Input((2,), name="a")
    model = keras.Model({"a": x}, keras.layers.Dense(1)(x))
    return model.predict({"a": ONES, "b": ONES}, verbose=0).shape


@shows("empty-arrays-empty")
def no_samples(keras):
    return str(_dense(keras).evaluate(ONES[:0], ONES[:0, :1], verbose=0))


@shows("validation_split-outside-0")
def negative_epochs(keras):
    return _dense(keras).fit(ONES, ONES[:, :1], epochs=-1, verbose=0).epoch


@shows("generator-refills-arrays")
def refilled(keras):
    def batches():
        x = np.zeros((1, 2), "float32")
        for i in range(3):
            x[:] = i
            yield x, x[:, :1]

    seen = []

    class Model(keras.Sequential):
        def train_step(self, data):
            seen.append(float(np.asarray(data[0])[0, 0]))
            return {"loss": 0.0}

        def _symbolic_build(self, *args, **kwargs):
            pass

    model = Model([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    if keras.__name__ == "keras":
        adapter = _adapter(batches())
        return [float(np.asarray(batch[0])[0, 0]) for batch in adapter.get_numpy_iterator()]
    model.fit(batches(), verbose=0)
    return seen


def _adapter(generator):
    from keras.src.trainers.data_adapters.generator_data_adapter import GeneratorDataAdapter

    return GeneratorDataAdapter(generator)


@shows("one-output-several")
def two_losses(keras):
    return _fitted(keras, ONES, ONES[:, :1], loss=["mse", "mae"])


@shows("class_weight-generator")
def weights_of_classes(keras):
    loss = "sparse_categorical_crossentropy"
    data = ((ONES, np.array([0, 1, 1, 0])) for _ in range(2))
    return _fitted(keras, data, loss=loss, outputs=2, class_weight={0: 1.0, 1: 2.0})


@shows("second-epoch-over")
def restarted(keras):
    return _fitted(keras, _Again(), epochs=2)


class _Again:
    def __iter__(self):
        return iter([(ONES, ONES[:, :1])] * 2)


@shows("nested-lists-numbers")
def nested_lists(keras):
    return _fitted(keras, ONES.tolist(), [[1.0]] * 4)


@shows("complex-numbers")
def complex_inputs(keras):
    return _fitted(keras, ONES.astype("complex64"), ONES[:, :1])


@shows("memory-maps-datasets")
def shuffled_by_batch(keras, folder):
    import h5py

    with h5py.File(folder / "x.h5", "w") as file:
        data = file.create_dataset("x", data=np.arange(8.0, dtype="float32").reshape(4, 2))
        reads = []

        class Watched(type(data)):
            def __getitem__(self, key):
                reads.append(getattr(key, "stop", None) or 0)
                return super().__getitem__(key)

        _fitted(keras, Watched(data.id), ONES[:, :1], batch_size=2, shuffle="batch")
        return max(reads) <= 4 and len(reads) > 1


@shows("bfloat16-float8-int4")
def short_floats(keras):
    import ml_dtypes

    return str(keras.ops.convert_to_tensor(np.ones(2, ml_dtypes.bfloat16)).dtype)[-9:]


@shows("tree-map_structure_up_to")
def up_to_none(keras):
    return keras.tree.map_structure_up_to([None, None], lambda x: x, [1, [2, 3]])


@shows("metric-names-ce")
def short_names(keras):
    return type(_compiled_metric(keras)).__name__


def _compiled_metric(keras):
    model = _dense(keras, "categorical_crossentropy", 3, metrics=["ce"])
    model.fit(ONES, np.eye(3)[[0, 1, 2, 0]], verbose=0)
    return model


@shows("masks-graph")
def ops_of_masks(keras):
    x = keras.Input((3,), dtype="int32")
    y = keras.layers.LSTM(2)(keras.layers.Embedding(4, 2, mask_zero=True)(x))
    return len(keras.Model(x, y).get_config()["layers"])


@shows("settings-op-tensors")
def settings_of_tensors(keras):
    x, low = keras.Input((2,)), keras.Input((2,))
    model = keras.Model([x, low], keras.ops.clip(x, low, 1.0))
    return len(keras.models.model_from_json(model.to_json()).layers)


@shows("numpy-number-beside")
def number_beside_half(keras):
    x = keras.Input((2,), dtype="float16")
    model = keras.Model(x, x * np.float32(0.1))
    return keras.models.model_from_json(model.to_json()).output.dtype


@shows("node-kwargs-call")
def kwargs_of_nodes(keras):
    x = keras.Input((3, 2))
    config = keras.Model(x, keras.layers.LSTM(2)(x)).get_config()
    return config["layers"][1]["inbound_nodes"][0]["kwargs"]


@shows("registered_name-class-outside")
def registered_names(keras):
    return keras.saving.serialize_keras_object(
        keras.Model(x := keras.Input((2,)), keras.layers.Dense(1)(x))
    )["registered_name"]


@shows("lossscaleoptimizer-built-by")
def path_of_a_slot(keras):
    rule = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(momentum=0.9))
    weight = keras.Variable([1.0], name="w")
    rule.apply([keras.ops.convert_to_tensor([1.0])], [weight])
    return [v.path for v in rule.variables]


@shows("sublayers-made-call")
def made_in_call(keras):
    class Outer(keras.layers.Layer):
        def call(self, x):
            if not hasattr(self, "inner"):
                self.inner = keras.layers.Dense(2)
            return self.inner(x)

    return Outer()(keras.Input((3,))).shape


@shows("add_loss-graph-model")
def loss_of_a_graph(keras):
    class Model(keras.Model):
        def call(self, x):
            y = super().call(x)
            self.add_loss(keras.ops.sum(y))
            return y

    x = keras.Input((2,))
    model = Model(x, keras.layers.Dense(1)(x))
    model(ONES)
    return len(model.losses)


@shows("functional-input_names-sequential")
def names_of_inputs(keras):
    x = keras.Input((2,), name="a")
    return keras.Model(x, keras.layers.Dense(1)(x)).input_names


@shows("gradienttape-watched_variables")
def watched_variables(keras):
    import tensorflow as tf

    tape_of = keras.GradientTape if hasattr(keras, "GradientTape") else tf.GradientTape
    return len(tape_of().watched_variables())


@shows("copy-copy-copy")
def copied_metric(keras):
    metric = keras.metrics.Mean()
    metric.update_state([2.0, 4.0])
    return float(np.asarray(copy.deepcopy(metric).result()))


@shows("copies-models-attributes")
def attribute_of_a_copy(keras):
    model = _dense(keras)
    model.note = [1]
    return getattr(copy.deepcopy(model), "note", None)


@shows("copies-what-has")
def copied_function(keras):
    x = keras.Input((2,))
    function = keras.Function(x, keras.ops.tanh(x))
    return copy.deepcopy(function)(ONES).shape


@shows("copy-copy")
def copied_variable(keras):
    variable = keras.Variable([1.0])
    other = copy.copy(variable)
    other.assign([2.0])
    return np.asarray(variable).tolist()


@shows("warnings-shuffle-ignored")
def warned(keras):
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    return len([w for w in caught if "input_shape" in str(w.message)])


@shows("modelcheckpoint-first-epoch")
def checkpoints_of_batches(keras, folder):
    path = str(folder / "c{batch}.keras")
    save = keras.callbacks.ModelCheckpoint(path, "loss", save_freq=1, save_best_only=True)
    _dense(keras).fit(ONES, ONES[:, :1], batch_size=1, callbacks=[save], verbose=0)


@shows("applications-nasnetlarge-without")
def image_of_any_size(keras):
    return keras.applications.NASNetLarge(include_top=False, weights=None).input_shape
