"""What layers add to the loss, one inside another and called twice, against Keras."""

import numpy as np
import pytest

import minikeras
from parity_tests.scenario import same

pytestmark = pytest.mark.parity

FLAT = np.linspace(0.1, 1, 12, dtype="float32").reshape(4, 3)
STEPS = np.linspace(0.1, 1, 60, dtype="float32").reshape(4, 5, 3)
ONES = {"kernel_initializer": "ones"}
CELL = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}


def dense(k, units=2):
    return k.layers.Dense(units, activity_regularizer=k.regularizers.L2(0.3), **ONES)


def adding(k):
    class Adding(k.layers.Layer):
        def compute_output_shape(self, input_shape):
            return input_shape

        def call(self, x):
            self.add_loss(k.ops.mean(x))
            return x

    return Adding()


def stack(k):
    return k.Sequential([k.Input((3,)), dense(k, 3), dense(k)])


def graph(k):
    i = k.Input((3,))
    return k.Model(i, dense(k)(dense(k, 3)(i)))


def twice(k, layer, shape=(3,)):
    i = k.Input(shape)
    return k.Model(i, layer(i) + layer(i * 2.0))


def subclass(k, layer, calls=2):
    class Own(k.Model):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def call(self, x):
            for _ in range(calls):
                y = self.layer(x)
            return y

    return Own()


def l2(k):
    return {"activity_regularizer": k.regularizers.L2(0.3)}


MODELS = {
    "dense": (dense, FLAT),
    "dense, steps": (dense, STEPS),
    "sequential": (stack, FLAT),
    "functional": (graph, FLAT),
    "sequential in sequential": (
        lambda k: k.Sequential([k.Input((3,)), stack(k), dense(k, 1)]),
        FLAT,
    ),
    "functional, twice": (lambda k: twice(k, graph(k)), FLAT),
    "dense, twice": (lambda k: twice(k, dense(k)), FLAT),
    "add_loss, twice": (lambda k: twice(k, adding(k)), FLAT),
    "subclass": (lambda k: subclass(k, dense(k)), FLAT),
    "subclass of a stack": (lambda k: subclass(k, stack(k)), FLAT),
    "time distributed": (lambda k: k.layers.TimeDistributed(dense(k), **l2(k)), STEPS),
    "time distributed, penalty of the layer": (
        lambda k: k.Sequential([k.layers.TimeDistributed(dense(k)), dense(k)]),
        STEPS,
    ),
    "time distributed stack": (lambda k: k.layers.TimeDistributed(stack(k)), STEPS),
    "time distributed graph": (lambda k: k.layers.TimeDistributed(graph(k)), STEPS),
    "time distributed add_loss": (lambda k: k.layers.TimeDistributed(adding(k)), STEPS),
    "bidirectional": (lambda k: k.layers.Bidirectional(k.layers.LSTM(2, **l2(k), **CELL)), STEPS),
    "bidirectional, both": (
        lambda k: k.layers.Bidirectional(
            k.layers.GRU(2, return_sequences=True, **l2(k), **CELL), merge_mode=None, **l2(k)
        ),
        STEPS,
    ),
    "unrolled cell": (
        lambda k: k.layers.RNN(k.layers.SimpleRNNCell(2, **l2(k), **CELL), unroll=True),
        STEPS,
    ),
    "attention": (
        lambda k: k.Sequential([k.layers.EinsumDense("abc,cd->abd", (None, 2), **ONES, **l2(k))]),
        STEPS,
    ),
}


@pytest.mark.sampled(rows=8)
@pytest.mark.parametrize("name", MODELS)
def test_losses(name):
    make, x = MODELS[name]

    def scenario(k):
        layer = make(k)
        i = k.Input(x.shape[1:])
        y = layer(i)
        model = layer if isinstance(layer, k.Model) else k.Model(i, y)
        declared = len(model.losses)
        for _ in range(2):
            model(x)
        called = [float(loss) for loss in model.losses]
        model.compile(k.optimizers.SGD(0.0), run_eagerly=name != "time distributed stack")
        history = model.fit(x, verbose=0, epochs=2, batch_size=2, shuffle=False).history
        return declared, called, history["loss"], float(model.evaluate(x, verbose=0))

    same(scenario, length=32)


@pytest.mark.parametrize("shape", [(4,), (3, 5), (4, 6)])
def test_time_distributed_refuses_masks_of_other_shapes(shape):
    def scenario(k):
        layer = k.layers.TimeDistributed(k.layers.LSTM(2))
        with pytest.raises(ValueError, match="mask"):
            layer(STEPS[..., None], mask=np.ones(shape, bool))

    same(scenario)


def test_add_loss_wants_tensors_with_values():
    def scenario(k):
        i = k.Input((3,))
        layer = k.layers.Dense(2)
        y = layer(i)
        for term in (k.ops.mean(y), [k.ops.mean(y)], 0.5, None, np.float32(0.5), lambda: 1.0):
            for taker in (layer, stack(k), subclass(k, layer)):
                with pytest.raises(ValueError, match=r"(?s)`add_loss\(\)` .* Received"):
                    taker.add_loss(term)
        layer.add_loss(k.ops.convert_to_tensor(0.5))
        return [float(loss) for loss in layer.losses]

    same(scenario)


def test_add_loss_of_a_graph_outside_of_a_call():
    def scenario(k):
        model = graph(k)
        # Keras's has no message.
        words = "outside of a call. Let a layer of the graph do it" if k is minikeras else "^$"
        for term in (k.ops.mean(model.output), k.ops.convert_to_tensor(0.5), 0.5):
            with pytest.raises(NotImplementedError, match=words):
                model.add_loss(term)

    same(scenario)
