"""`call` of the engine's layers with the arguments of Keras 2, and on tensors of the graph.

A layer's `__call__` makes a node of the graph of layers. Scripts that wrap a layer, or derive one
of their own from it, call its `call` instead: that is a node, too, which runs the engine's.
"""

from minikeras.autograd import symbolic
from minikeras.keras2.backend.phases import learning_phase
from minikeras.keras2.backend.tensors import Call, is_building, pass_phase_on, record
from minikeras.keras2.spelling import parsed, shown_as
from minikeras.layers.base.call_spec import context, signature_of


class LayerCall(Call):
    """A layer's `call` as the operation of a node.

    Args:
        layer: the layer.
        function: function of tensors that runs the `call` of the engine's class.
    """

    def __init__(self, layer, function):
        super().__init__(function)
        self._layer = layer

    @property
    def weights(self):
        """The layer's weights, on which the result depends."""
        return self._layer.weights


def direct_call(engine, parameters=None):
    """Return the `call` of a layer of Keras 2.

    Args:
        engine: the engine's class, which computes.
        parameters: the arguments as Keras 2 has them, such as `"inputs, training=None"`; those of
            the engine's `call` by default.

    Returns:
        A method.
    """
    own = signature_of(engine.call)
    shown = f"self, {parameters or _in_keras_2(own)}"
    signature = parsed(shown)

    @shown_as(shown)
    def call(self, *args, **kwargs):
        values = dict(signature.bind(self, *args, **kwargs).arguments)
        del values["self"]
        more = values.pop("kwargs", {})
        inputs = values.pop(next(iter(values)))
        options = {key: v for key, v in {**values, **more}.items() if v is not None}
        options = {key: v for key, v in options.items() if own.has(key) or own.takes_any}
        if is_building() and symbolic.any_symbolic((inputs, options), None):
            return _recorded(self, engine, own, inputs, options)
        return engine.call(self, inputs, **options)

    call.__doc__ = engine.call.__doc__
    return call


def _in_keras_2(signature):
    first, *rest = signature.names
    inputs = "inputs" if first in ("inputs", "sequence", "sequences") else first
    named = [name if name == "states" else f"{name}=None" for name in rest]
    return ", ".join([inputs, *named])


def _recorded(layer, engine, signature, inputs, options):
    """The outputs of a node that runs the engine's `call`."""
    takes_phase = signature.has("training") and "training" not in options
    fixed = learning_phase()
    if takes_phase and isinstance(fixed, int):
        options, takes_phase = {**options, "training": bool(fixed)}, False

    def run(inputs, options):
        phase = {"training": bool(context.training)} if takes_phase else {}
        return engine.call(layer, inputs, **options, **phase)

    result = record(run, (inputs, options), operation=LayerCall(layer, run))
    outputs = list(result) if isinstance(result, tuple) else result
    first = outputs[0] if isinstance(outputs, list) else outputs
    pass_phase_on(first._keras_history.node, takes_phase and layer.uses_learning_phase)
    return outputs
