"""A training loop by hand.

You learn what `fit` does: shuffle, take a batch, run the model under a tape, ask for gradients, let
the optimizer step, measure. The loop below trains on the handwritten digits of the package, and in
the end its weights are compared with those that `fit` gives.

To see what the optimizer makes of each gradient: `minikeras explain --steps 0,1,10`, the tab Step.
"""

import numpy as np

import minikeras as keras

EPOCHS, BATCH = 12, 32

(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train = x_train.reshape(-1, 64).astype("float32") / 16  # from 0 (paper) to 1 (full ink)
x_test = x_test.reshape(-1, 64).astype("float32") / 16


def build():
    """A network of one hidden layer, its initial weights fixed by the seed."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10),  # scores; the softmax is inside the loss, where it is exact
        ]
    )


loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def train_step(model, optimizer, x, y):
    """One step of gradient descent; returns the loss before it and the scores."""
    with keras.GradientTape() as tape:
        scores = model(x, training=True)
        loss = loss_function(y, scores)
    gradients = tape.gradient(loss, model.trainable_variables)
    # Adam keeps running means of the gradients and of their squares, and steps by their ratio.
    optimizer.apply(gradients, model.trainable_variables)
    return loss, scores


def accuracy_on(model, x, y):
    """The share of the images whose highest score is that of the right digit."""
    return float(np.mean(np.argmax(model(x, training=False), axis=-1) == y))


# --- The loop ------------------------------------------------------------------------------------

model = build()
optimizer = keras.optimizers.Adam(3e-3)
optimizer.build(model.trainable_variables)
mean_loss = keras.metrics.Mean()
accuracy = keras.metrics.SparseCategoricalAccuracy()

order = np.random.default_rng(1)
for epoch in range(1, EPOCHS + 1):
    mean_loss.reset_state()
    accuracy.reset_state()
    shuffled = order.permutation(len(x_train))  # a new order, or the network learns the order too
    for start in range(0, len(x_train), BATCH):
        rows = shuffled[start : start + BATCH]
        loss, scores = train_step(model, optimizer, x_train[rows], y_train[rows])
        # The last batch is smaller: weighing by the batch's size gives the mean over all images.
        mean_loss.update_state(loss, sample_weight=len(rows))
        accuracy.update_state(y_train[rows], scores)
    print(
        f"epoch {epoch:2}: loss {float(mean_loss.result()):.4f}, "
        f"accuracy {float(accuracy.result()):.1%}, "
        f"on the test images {accuracy_on(model, x_test, y_test):.1%}"
    )

# The test images are from forms that the network has not seen, so it does worse on them. A network
# that knows nothing of neighbouring pixels gets this far; `minikeras demo` goes further.
assert accuracy_on(model, x_test, y_test) > 0.88

# --- `fit` does the same -------------------------------------------------------------------------

# Same initial weights, same order (none is shuffled here), one epoch each.
by_loop = build()
optimizer = keras.optimizers.Adam(3e-3)
optimizer.build(by_loop.trainable_variables)
for start in range(0, len(x_train), BATCH):
    batch = slice(start, start + BATCH)
    train_step(by_loop, optimizer, x_train[batch], y_train[batch])

by_fit = build()
by_fit.compile(keras.optimizers.Adam(3e-3), loss_function)
by_fit.fit(x_train, y_train, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)

for mine, theirs in zip(by_loop.get_weights(), by_fit.get_weights(), strict=True):
    np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
print("\nAfter an epoch without shuffling, the loop and `fit` have arrived at the same weights.")
