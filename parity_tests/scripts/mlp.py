import keras
import numpy as np

keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
x = rng.normal(size=(300, 12)).astype("float32")
y = (x[:, 0] * x[:, 1] > 0).astype("float32")

layers = keras.layers
model = keras.Sequential(
    [
        keras.Input((12,)),
        layers.Dense(32, activation="relu", kernel_initializer="he_normal"),
        layers.Dropout(0.3),
        layers.GaussianNoise(0.1),
        layers.Dense(
            16,
            activation="tanh",
            kernel_initializer="orthogonal",
            bias_initializer=keras.initializers.RandomNormal(stddev=0.1),
            kernel_regularizer="l2",
        ),
        layers.GaussianDropout(0.2),
        layers.AlphaDropout(0.1),
        layers.Dense(1, activation="sigmoid", kernel_initializer="lecun_uniform"),
    ]
)
start = model.get_weights()
model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])
history = model.fit(x, y, epochs=6, batch_size=32, validation_split=0.25, verbose=0)
