"""Tracing a model: the run that counts, each call alone, and the optimizer's step."""

import numpy as np

import minikeras as keras
from minikeras.layers.base.call_spec import signature_of
from minikeras.tools.trace.flops import flops_of
from minikeras.tools.trace.records import Record, Step, Trace
from minikeras.tools.trace.running import functions_run
from minikeras.tools.trace.state import kept, slots_of, twin, weight_names
from minikeras.tools.worker.engines import Engine
from minikeras.tools.worker.recording import tensors_of, watched


def trace(model, x, y=None, *, training=True):
    """Run a model on a batch, and write down what its layers do.

    Args:
        model: a model that can be called on `x`.
        x: array, or list of arrays.
        y: targets for the loss that the model was compiled with, an array or a list; None to
            differentiate the sum of the outputs.
        training: whether layers run as in training.

    Returns:
        A `Trace`. The model's variables, its optimizer and its seeds are as they were.

    Raises:
        ValueError: if there are targets, but the model was not compiled with a loss.

    Example:
        >>> import numpy as np
        >>> import minikeras as keras
        >>> from minikeras.tools.trace.tracing import trace
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
        >>> [(r.key, r.flops) for r in trace(model, np.ones((1, 3), "float32")).records]
        [('dense#0', 14)]
    """
    if y is not None and getattr(model, "loss", None) is None:
        raise ValueError(
            "There are targets, but the model has no loss: `compile` it with one, or leave the "
            "targets out to differentiate the sum of its outputs."
        )
    return _Tracer(
        model, _as_taken(model, _arrays(x)), [] if y is None else _arrays(y), training
    ).run()


def _arrays(nest):
    """One array, or a list of them; numbers in lists are an array, too."""
    many = isinstance(nest, (list, tuple)) and all(hasattr(a, "shape") for a in nest)
    return [np.asarray(a) for a in (nest if many else [nest])]


def _as_taken(model, arrays):
    """Cast numbers as the model's inputs would, so that they are what the first layers get."""
    taken = getattr(model, "inputs", None) or []
    if len(taken) != len(arrays):
        return arrays
    return [
        a.astype(t.dtype) if a.dtype.kind in "fiub" and t.dtype != "string" else a
        for a, t in zip(arrays, taken, strict=True)
    ]


class _Tracer:
    def __init__(self, model, inputs, targets, training):
        self.engine = Engine("minikeras", keras)
        self.model, self.inputs, self.targets, self.training = model, inputs, targets, training
        self.calls = []  # (record, call, outputs, values of the layer's variables before)
        self.places = {}  # by a tensor's identity, what made it
        self.passing = {}  # by key of a call that returns an input as it is: who gave it before

    def run(self):
        if not self.model.built:
            self.model(self._batch([self.engine.tensor(x) for x in self.inputs]), training=False)
        with kept(self.model):
            result, gradients = self._whole()
            for one in self.calls:
                if one[0].key not in self.passing:
                    self._alone(*one)
            for one in reversed(self.calls):
                if one[0].key in self.passing:
                    self._leave_to_others(one[0], one[2])
                    self._alone(*one)
        with kept(self.model):
            self._step(result, gradients)
        return result

    def _batch(self, tensors):
        return tensors[0] if len(tensors) == 1 else tensors

    # ---- the run that counts

    def _whole(self):
        variables = self.model.trainable_variables
        inputs = [self.engine.tensor(x) for x in self.inputs]
        self.places.update((id(t), ("input", i)) for i, t in enumerate(inputs))
        with keras.GradientTape() as tape:
            tape.watch([t for t in inputs if _is_float(t)])
            with watched(self.engine, self.model, lambda call, run: self._around(tape, call, run)):
                outputs = self.model(self._batch(inputs), training=self.training)
            flat = tensors_of(self.engine, outputs)
            loss, penalties = self._loss(inputs, outputs, flat)
        watched_tensors = [t for _, _, tensors, _ in self.calls for t in _with_logits(tensors)]
        sources = [*variables, *inputs, *watched_tensors]
        gradients_of = dict(zip(map(id, sources), tape.gradient(loss, sources), strict=True))
        for record, _, tensors, _ in self.calls:
            record.d_outputs = [self._gradient(gradients_of, t) for t in tensors]
            record.d_logits = [  # of what the loss reads: the output, or what it was made of
                self._gradient(gradients_of, _logits(t)) if g is None else None
                for t, g in zip(tensors, record.d_outputs, strict=True)
            ]
        result = Trace(
            self.model,
            self.training,
            self.inputs,
            self.targets,
            [self.engine.array(t) for t in flat],
            [self.places.get(id(t)) for t in flat],
            float(loss),
            float(penalties),
            [record for record, *_ in self.calls],
            [self._gradient(gradients_of, t) for t in inputs],
        )
        return result, [(gradients_of[id(v)], v) for v in variables]

    def _loss(self, inputs, outputs, flat):
        losses = self.model.losses
        penalties = sum(losses) if losses else 0.0
        if not self.targets:
            floats = [keras.ops.sum(t) for t in flat if _is_float(t)]
            return sum(floats) + penalties, penalties
        y = self._batch([self.engine.tensor(t) for t in self.targets])
        x = self._batch(inputs)
        return self.model.compute_loss(x, y, outputs, None, training=True), penalties

    def _around(self, tape, call, run):
        layer = call.layer
        before = [(v, self.engine.array(v)) for v in getattr(layer, "variables", [])]
        inputs = tensors_of(self.engine, call.arguments)
        masks = [self.engine.mask_of(t) for t in inputs]
        outputs = run(call.arguments)
        tensors = tensors_of(self.engine, outputs)
        tape.watch([t for t in _with_logits(tensors) if _is_float(t)])
        array = self.engine.array
        names = weight_names(layer)
        record = Record(
            call.key,
            call.path,
            call.index,
            layer,
            [array(t) for t in inputs],
            [array(t) for t in tensors],
            [None if _logits(t) is None else array(_logits(t)) for t in tensors],
            [None if mask is None else array(mask) for mask in masks],
            [self._place(t) for t in inputs],
            _named(layer, call.arguments, inputs),
            {names[id(v)]: values for v, values in before if id(v) in names},
            before,
            self._trains(call),
        )
        record.states = {
            names[id(v)]: array(v)
            for v, values in before
            if id(v) in names and not np.array_equal(array(v), values, equal_nan=True)
        }
        for i, t in enumerate(tensors):
            if id(t) in self.places:
                former = self.places[id(t)]
                self.passing[call.key] = [former, *self.passing.get(former[0], [])]
            self.places[id(t)] = (call.key, i)
        self.calls.append((record, call, tensors, before))
        return outputs

    def _place(self, tensor):
        """What made a tensor; a model casts inputs of another dtype, known by value."""
        place = self.places.get(id(tensor))
        if place is None:
            values = self.engine.array(tensor)
            for i, x in enumerate(self.inputs):
                if np.array_equal(x, values):
                    return ("input", i)
        return place

    def _trains(self, call):
        explicit = call.arguments[1].get("training")
        return self.training if explicit is None else bool(explicit)

    def _gradient(self, gradients_of, tensor):
        gradient = None if tensor is None else gradients_of.get(id(tensor))
        return None if gradient is None else self.engine.array(gradient)

    # ---- each call alone

    def _alone(self, record, call, outputs, before):
        """What a call passes back to its inputs and weights; and what it runs."""
        layer = call.layer
        for variable, values in before:
            variable.assign(values)
        copies = iter([self._copy(t) for t in tensors_of(self.engine, call.arguments)])
        inputs = []

        def replace(leaf):
            if not self.engine.is_tensor(leaf):
                return leaf
            inputs.append(next(copies))
            return inputs[-1]

        args, kwargs = keras.tree.map_structure(replace, call.arguments)
        if signature_of(type(layer).call).has("training") and kwargs.get("training") is None:
            kwargs = {**kwargs, "training": self.training}
        variables = [v for v in getattr(layer, "trainable_variables", []) if _is_float(v)]
        with keras.GradientTape() as tape:
            tape.watch([t for t in inputs if _is_float(t)])
            with functions_run(record.forward):
                result = tensors_of(self.engine, layer(*args, **kwargs))
        record.flops = flops_of(_with_logits(result))
        pairs = [
            (target, g)
            for t, r in zip(outputs, result, strict=True)
            for target, g in self._seeds(record, outputs, t, r)
        ]
        sources = [*variables, *[t for t in inputs if _is_float(t)]]
        gradients = [None] * len(sources)
        if pairs and sources:
            targets, seeds = zip(*pairs, strict=True)
            with functions_run(record.backward):
                gradients = tape.gradient(list(targets), sources, output_gradients=list(seeds))
        gradients_of = dict(zip(map(id, sources), gradients, strict=True))
        names = weight_names(layer)
        record.d_inputs = [self._gradient(gradients_of, t) for t in inputs]
        record.d_weights = {names[id(v)]: self._gradient(gradients_of, v) for v in variables}

    def _leave_to_others(self, record, outputs):
        """Take from the gradient of a tensor that passed a call what belongs before the call.

        The tensor that went in is the one that comes out, and the tape knows but one gradient of
        it: also of those layers that read what went in.
        """
        for i, t in enumerate(outputs):
            if self.places[id(t)][0] != record.key and record.d_outputs[i] is None:
                continue
            for other, *_ in self.calls:
                if other.key == record.key or other.key in self.passing:
                    continue
                for place, g in zip(other.origins, other.d_inputs, strict=True):
                    if place in self.passing[record.key] and g is not None:
                        record.d_outputs[i] = record.d_outputs[i] - g

    def _seeds(self, record, outputs, tensor, result):
        """The gradients with which the way back begins at an output, and at its logits."""
        place = next(i for i, t in enumerate(outputs) if t is tensor)
        both = [(result, record.d_outputs[place]), (_logits(result), record.d_logits[place])]
        return [(t, self.engine.tensor(g)) for t, g in both if t is not None and g is not None]

    def _copy(self, tensor):
        copy, mask = self.engine.tensor(self.engine.array(tensor)), self.engine.mask_of(tensor)
        if mask is not None:
            self.engine.set_mask(copy, mask)
        return copy

    # ---- the optimizer

    def _step(self, result, gradients):
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is None or not self.targets:
            return
        gradients = [(g, v) for g, v in gradients if g is not None]
        if not gradients:
            return
        variables = [v for _, v in gradients]
        copy = twin(optimizer, self.model.trainable_variables)
        state = [(v, self.engine.array(v)) for v in copy.variables]
        before = [self.engine.array(v) for v in variables]
        result.optimizer = copy
        result.scalars = {
            "learning_rate": float(copy.learning_rate),
            "iterations": int(copy.iterations),
        }
        with functions_run(result.step_source):
            copy.apply_gradients(gradients)
        after = {id(v): self.engine.array(v) for v, _ in state}
        slots = slots_of(copy, self.model.trainable_variables)
        for (g, variable), values in zip(gradients, before, strict=True):
            mine = {
                name: (next(old for v, old in state if v is slot), after[id(slot)])
                for name, slot in slots.get(id(variable), {}).items()
            }
            now = self.engine.array(variable)
            result.steps.append(Step(variable, self.engine.array(g), values, now, mine))


def again(record, inputs):
    """Run a call once more on other inputs, with the seeds that it had.

    Args:
        record: its `Record`.
        inputs: list of arrays.

    Returns:
        The outputs, a list of arrays. The layer's variables are as they were.
    """
    variables = [(v, np.array(keras.ops.convert_to_numpy(v))) for v, _ in record.before]
    tensors = [keras.ops.convert_to_tensor(x) for x in inputs]
    try:
        for variable, values in record.before:
            variable.assign(values)
        result = record.layer(*tensors, training=record.training)
    finally:
        for variable, values in variables:
            variable.assign(values)
    return [np.array(keras.ops.convert_to_numpy(y)) for y in keras.tree.flatten(result)]


def _named(layer, arguments, tensors):
    """The arguments by name, tensors as their places among the inputs."""
    args, kwargs = arguments
    named = signature_of(type(layer).call).named(args, kwargs) if _has_call(layer) else {}
    left = {id(t): i for i, t in enumerate(tensors)}
    return keras.tree.map_structure(lambda leaf: left.get(id(leaf), leaf), named)


def _has_call(layer):
    return hasattr(type(layer), "call")


def _logits(tensor):
    return getattr(tensor, "_keras_logits", None)


def _with_logits(tensors):
    return [t for tensor in tensors for t in (tensor, _logits(tensor)) if t is not None]


def _is_float(tensor):
    return "float" in str(tensor.dtype)
