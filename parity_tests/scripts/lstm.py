import keras
import numpy as np

keras.utils.set_random_seed(3)
rng = np.random.default_rng(0)
x = rng.integers(0, 20, (200, 9))
y = (x[:, -3:].sum(axis=1) > 28).astype("int32")

model = keras.Sequential(
    [
        keras.layers.Embedding(20, 8, mask_zero=True),
        keras.layers.LSTM(16, dropout=0.2, recurrent_dropout=0.2, return_sequences=True),
        keras.layers.Bidirectional(keras.layers.GRU(8, dropout=0.1)),
        keras.layers.Dense(2, activation="softmax"),
    ]
)
model.build((None, 9))
start = model.get_weights()
model.compile(
    keras.optimizers.RMSprop(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
)
history = model.fit(x, y, epochs=4, validation_split=0.2, class_weight={0: 1.0, 1: 1.5}, verbose=0)
