import keras
import numpy as np

keras.utils.set_random_seed(2)
rng = np.random.default_rng(0)
x = rng.normal(size=(200, 10, 10, 3)).astype("float32")
y = rng.integers(0, 4, 200)
x[np.arange(200), y, y] += 2.0

inputs = keras.Input((10, 10, 3))
t = keras.layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
t = keras.layers.BatchNormalization()(t)
t = keras.layers.ReLU()(t)
t = keras.layers.SpatialDropout2D(0.2)(t)
t = keras.layers.MaxPooling2D()(t)
shortcut = keras.layers.Conv2D(32, 1, strides=2)(t)
t = keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(t)
t = keras.layers.BatchNormalization(momentum=0.9)(t)
t = keras.layers.add([t, shortcut])
t = keras.layers.GlobalAveragePooling2D()(t)
model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(t))
start = model.get_weights()
model.compile(
    keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    x, y, epochs=4, batch_size=25, validation_data=(x[:50], y[:50]), shuffle=True, verbose=0
)
