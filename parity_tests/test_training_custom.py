"""Training steps, losses and metrics of a user's own, against Keras."""

import numpy as np
import pytest

from parity_tests.scenario import same
from parity_tests.support import both
from parity_tests.test_training import LENGTH, ONE_HOT, X, Y, fit, mlp

pytestmark = pytest.mark.parity


def test_a_model_without_a_training_argument():
    def scenario(k):
        class Plain(k.Model):
            def __init__(self):
                super().__init__()
                self.hidden = k.layers.Dense(4)
                self.drop = k.layers.Dropout(0.5)
                self.head = k.layers.Dense(2)

            def call(self, x):
                return self.head(self.drop(self.hidden(x)))

        m = Plain()
        m.compile("adam", "mse")
        return fit(m, X, Y, epochs=2, batch_size=8), m.evaluate(X, Y, verbose=0)

    same(scenario, LENGTH)


def test_overridden_loss_and_metrics():
    def scenario(k):
        class Own(k.Model):
            def __init__(self):
                super().__init__()
                self.hidden = k.layers.Dense(4)
                self.drop = k.layers.Dropout(0.5)
                self.head = k.layers.Dense(2)
                self.tracker = k.metrics.Mean(name="mine")

            def call(self, x, training=False):
                y = self.hidden(x)
                self.add_loss(k.ops.mean(y * y) * 0.1)
                return self.head(self.drop(y, training=training))

            def compute_metrics(self, x, y, y_pred, sample_weight=None):
                self.tracker.update_state(y_pred)
                return super().compute_metrics(x, y, y_pred, sample_weight)

            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                return 2.0 * super().compute_loss(x, y, y_pred, sample_weight, training)

        m = Own()
        m.compile("adam", "mse", metrics=["mae"])
        history = fit(m, X, Y, epochs=2, batch_size=8)
        return history, m.metrics_names, m.evaluate(X, Y, verbose=0)

    same(scenario, LENGTH)


def test_overridden_steps():
    def scenario(k):
        class Own(k.Model):
            def train_step(self, data):
                logs = super().train_step(data)
                return {"twice": logs["loss"] * 2.0, "three": k.ops.convert_to_tensor(3.0)}

            def test_step(self, data):
                x, y = data[:2]
                return {"bias": k.ops.mean(self(x, training=False) - y)}

        inputs = k.Input((6,))
        m = Own(inputs, k.layers.Dense(2)(inputs))
        m.compile("sgd", "mse", metrics=["mae"])
        history = fit(m, X, Y, epochs=2, validation_data=(X, Y))
        return history, m.evaluate(X, Y, verbose=0), m.train_on_batch(X, Y)

    same(scenario, LENGTH)


def test_losses_that_layers_add():
    def scenario(k):
        class Energy(k.layers.Layer):
            def call(self, x):
                self.add_loss(k.ops.mean(x * x, axis=0))
                return x

        m = k.Sequential([k.Input((6,)), k.layers.Dense(3), Energy()])
        m.compile("sgd")
        alone = fit(m, X, epochs=2), m.evaluate(X, verbose=0), m.metrics_names
        m.compile("sgd", "mse")
        return alone, fit(m, X, ONE_HOT)

    same(scenario, LENGTH)


def test_metrics_inside_layers():
    def scenario(k):
        class Watch(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.mean = k.metrics.Mean(name="activity")

            def call(self, x):
                self.mean.update_state(x)
                return x

        m = k.Sequential([k.Input((6,)), k.layers.Dense(3), Watch()])
        m.compile("sgd", "mse")
        return fit(m, X, ONE_HOT, epochs=2), m.metrics_names

    same(scenario, LENGTH)


def test_half_precision():
    """float16 rounds at a thousandth; both engines round, at places of their own."""

    def run(k):
        layers = [k.layers.Dense(5, "tanh", dtype="mixed_float16"), k.layers.Dense(2)]
        m = k.Sequential([k.Input((6,)), *layers])
        m.compile("adam", "mse")
        return fit(m, X, Y, epochs=2)["loss"]

    ours, theirs = both(run, seed=7)
    np.testing.assert_allclose(ours, theirs, rtol=2 * np.finfo("float16").eps)


OPTIMIZERS = [
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"clipnorm": 0.01}),
    ("SGD", {"global_clipnorm": 0.01}),
    ("SGD", {"clipvalue": 0.001}),
    ("Adam", {}),
    ("Adam", {"clipnorm": 0.01, "amsgrad": True}),
    ("Adam", {"gradient_accumulation_steps": 2}),
    ("RMSprop", {"centered": True}),
    ("Adagrad", {}),
    ("Nadam", {}),
    ("Adamax", {}),
    ("Adadelta", {}),
    ("Ftrl", {}),
]


@pytest.mark.sampled(rows=4)
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=str)
def test_optimizers_of_embeddings(name, options):
    """Gradients of look-ups are rows, which the rules square before they add up repeated ones."""
    tokens = (np.abs(X[:, :4]) * 3).astype("int32") % 7

    def scenario(k):
        layers = [k.layers.Embedding(7, 3), k.layers.Flatten(), k.layers.Dense(2)]
        m = k.Sequential([k.Input((4,), dtype="int32"), *layers])
        m.compile(getattr(k.optimizers, name)(0.01, **options), "mse")
        return fit(m, tokens, Y, epochs=2, batch_size=8), m.get_weights()

    same(scenario, LENGTH)


def test_embeddings_and_masks():
    tokens = (np.abs(X[:, :4]) * 3).astype("int32") % 7

    def scenario(k):
        layers = k.layers
        embedding = layers.Embedding(7, 3, mask_zero=True)
        pooling = layers.GlobalAveragePooling1D()
        m = k.Sequential([k.Input((4,), dtype="int32"), embedding, pooling, layers.Dense(2)])
        m.compile("sgd", "mse")
        return fit(m, tokens, Y, epochs=2), m.predict(tokens, verbose=0)

    same(scenario, LENGTH)


def test_a_model_inside_a_model():
    def scenario(k):
        inner = mlp(k, 4)
        a = k.Input((6,))
        m = k.Model(a, k.layers.Dense(2)(inner(a)))
        m.compile("adam", "mse")
        inner.trainable = False
        return fit(m, X, Y, epochs=2), m.get_weights()

    same(scenario, LENGTH)


def guided(k, base):
    """Steps as Keras's guides write them: over all of `self.metrics`, compiled ones among them."""

    class Guided(base):
        def test_step(self, data, training=False):
            x, y = data[:2]
            y_pred = self(x, training=training)
            loss = self.compute_loss(x, y, y_pred)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {m.name: m.result() for m in self.metrics}

        def train_step(self, data):
            return self.test_step(data, training=True)

    return Guided


def test_steps_over_all_metrics():
    def scenario(k):
        x = k.Input((6,))
        m = guided(k, k.Model)(x, k.layers.Dense(2)(x))
        m.compile("sgd", "mse", metrics=["mae", "mse"])
        history = fit(m, X, Y, epochs=2, batch_size=8, validation_data=(X[:10], Y[:10]))
        results = [m.evaluate(X, Y, verbose=0, return_dict=d) for d in (False, True)]
        batch = [m.test_on_batch(X, Y, return_dict=d) for d in (False, True)]
        return history, results, batch, m.train_on_batch(X, Y), m.metrics_names

    same(scenario, LENGTH)


def test_results_inside_results():
    def scenario(k):
        class Nested(k.Model):
            def test_step(self, data):
                x, y = data[:2]
                loss = self.compute_loss(x, y, self(x, training=False))
                zero = loss * 0
                return {"z": {"b": loss, "a": {"c": zero}}, "loss": loss + 1, "an": [zero, loss]}

            train_step = test_step

        x = k.Input((6,))
        m = Nested(x, k.layers.Dense(2)(x))
        m.compile("sgd", "mse")
        heard = []
        hear = k.callbacks.LambdaCallback(
            on_train_batch_end=lambda _, logs: heard.append(list(logs)),
            on_epoch_end=lambda _, logs: heard.append(list(logs)),
        )
        history = fit(m, X, Y, callbacks=[hear], validation_data=(X, Y))
        logs = m.evaluate(X, Y, verbose=0, return_dict=True)
        logs.pop("an"), history.pop("an"), history.pop("val_an")
        return history, heard, logs

    same(scenario, LENGTH)


def test_a_metric_of_several_numbers():
    def scenario(k):
        class Columns(k.metrics.Metric):
            def __init__(self, size):
                super().__init__(name=f"columns_{size}")
                self.total = self.add_variable((size,), "zeros", name="total")

            def update_state(self, y_true, y_pred, sample_weight=None):
                self.total.assign_add(k.ops.sum(y_true, axis=0)[: self.total.shape[0]])

            def result(self):
                return self.total / 2

        m = mlp(k)
        m.compile("sgd", "mse", metrics=[Columns(1), Columns(2)])
        heard = []
        hear = k.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: heard.append(logs))
        history = fit(m, X, Y, epochs=3, callbacks=[hear], validation_data=(X, Y))
        evaluated = m.evaluate(X, Y, verbose=0, return_dict=True)
        return (
            history,
            [logs["columns_1"] for logs in heard],
            [np.asarray(v) for v in evaluated.values()],
        )

    same(scenario, LENGTH)
