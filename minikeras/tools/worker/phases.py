"""What a model does, written down: forward, alone layer by layer, backward, and steps.

Each function leaves the model as it was, its variables, seeds and optimizer included.
"""

from contextlib import contextmanager, nullcontext

import numpy as np

from .models import as_inputs, assign, optimizer_variables
from .recording import tensors_of, watched, with_tensors


class Phases:
    """Runs a model and hands on what it sees.

    Args:
        engine: the `Engine`.
        model: the model, built.
        seed: int; every run begins with seeds made of it.
        still: whether layers that draw random numbers run as in inference.
    """

    def __init__(self, engine, model, seed=0, still=False):
        self.engine = engine
        self.model = model
        self.seed = seed
        self.still = still

    # ---- whole runs

    def forward(self, batch, training, put):
        """Run the model on a batch, and hand on what every call got and gave.

        Args:
            batch: list of arrays.
            training: bool.
            put: function of `(call, arrays)`, where the arrays have the names `in0`, `in1`, ...,
                `out0`, ...

        Returns:
            The model's outputs, a list of arrays.
        """
        engine = self.engine

        def around(call, run):
            call.outputs = run(call.arguments)
            put(call, self._arrays(call))
            return call.outputs

        with self._kept(), watched(engine, self.model, around, self.still):
            outputs = self.model(as_inputs(engine, batch), training=training)
        return [engine.array(y) for y in tensors_of(engine, outputs)]

    def untouched(self, batch, training):
        """Run the model without looking at its layers; return its outputs, a list of arrays."""
        with self._kept():
            outputs = self.model(as_inputs(self.engine, batch), training=training)
        return [self.engine.array(y) for y in tensors_of(self.engine, outputs)]

    def backward(self, batch, targets, weights, put):
        """Differentiate the loss with respect to all that is on the way to it.

        Args:
            batch: list of arrays.
            targets: list of arrays for the model's loss, or None for the probe's.
            weights: list of arrays, weights of the outputs in the probe's loss.
            put: function of `(call, arrays)`, where the arrays have the names `dout0`, ...

        Returns:
            The loss; a dict of the gradients by the trainable variables' places; and a list of
            those with respect to the batch.
        """
        engine, calls, places = self.engine, [], []

        def loss_of(mark):
            calls.clear()
            places.clear()

            def marked(tensor, place):
                if not _is_float(tensor):
                    return tensor
                places.append(place)
                other, mask = mark(tensor), engine.mask_of(tensor)
                if mask is not None and other is not tensor:
                    engine.set_mask(other, mask)
                return other

            def around(call, run):
                outputs = run(call.arguments)
                number = len(calls)
                calls.append(call)
                tensors = tensors_of(engine, outputs)
                new = [marked(t, (number, i)) for i, t in enumerate(tensors)]
                return with_tensors(engine, outputs, new)

            inputs = [marked(engine.tensor(x), (None, i)) for i, x in enumerate(batch)]
            with watched(engine, self.model, around, self.still):
                outputs = self.model(inputs[0] if len(inputs) == 1 else inputs, training=True)
            return self._loss(inputs, targets, outputs, weights), None

        with self._kept():
            variables = self.model.trainable_variables
            loss, _, marked, gradients = engine.differentiate(
                loss_of, variables, self._state_beside(variables)
            )
        of_inputs = [None] * len(batch)
        by_call = [{} for _ in calls]
        for (number, i), gradient in zip(places, marked):
            if number is None:
                of_inputs[i] = gradient
            elif gradient is not None:
                by_call[number][f"dout{i}"] = gradient
        for call, arrays in zip(calls, by_call):
            put(call, arrays)
        return loss, dict(enumerate(gradients)), of_inputs

    def _loss(self, inputs, targets, outputs, weights):
        flat = tensors_of(self.engine, outputs)
        if targets is None:
            return self.engine.weighted_sum(flat, weights)
        y = [self.engine.tensor(t) for t in targets]
        y = y[0] if len(y) == 1 else y
        x = inputs[0] if len(inputs) == 1 else inputs
        return self.engine.loss(self.model, x, y, outputs)

    # ---- each layer alone

    def alone(self, batch, training, arrays_of, put, targets=None, shaken=None):
        """Run every layer on inputs that are given, and differentiate each alone.

        Args:
            batch: list of arrays.
            training: bool.
            arrays_of: function of a call's key that returns its arrays `in0`, ... and, for the
                gradients, `dout0`, ...; None to leave the layer alone.
            put: function of `(call, arrays)`, where the arrays have the names `out0`, ...; `got0`,
                ..., what the code between the layers made of the outputs before; and, if there were
                gradients, `din0`, ... and `dweight0`, ...
            targets: list of arrays for the model's loss, or None.
            shaken: None, or the seed with which all that a layer computes from is changed by a
                rounding of float32: what comes out shows how much roundings grow in it.

        Returns:
            What the model makes of the layers' outputs: a list of arrays; and the loss of that,
            None without targets.
        """

        def around(call, run):
            arrays = arrays_of(call.key)
            if arrays is None:
                return run(call.arguments)
            with self._shaken_weights(call.layer, shake):
                put(call, self._alone(call, run, arrays, shake))
            return call.outputs

        shake = _left if shaken is None else _shaking(shaken)
        with self._kept():
            inputs = [self.engine.tensor(x) for x in batch]
            with watched(self.engine, self.model, around, self.still):
                outputs = self.model(inputs[0] if len(inputs) == 1 else inputs, training=training)
            loss = None if targets is None else self._loss(inputs, targets, outputs, None)
            arrays = [self.engine.array(y) for y in tensors_of(self.engine, outputs)]
            return arrays, None if loss is None else float(self.engine.array(loss))

    @contextmanager
    def _shaken_weights(self, layer, shake):
        """Change what a layer's variables hold inside the `with` block."""
        variables = [] if shake is _left else getattr(layer, "variables", [])
        before = [(variable, self.engine.array(variable)) for variable in variables]
        for variable, value in before:
            assign(self.engine, variable, shake(value))
        try:
            yield
        finally:
            for variable, value in before:
                assign(self.engine, variable, value)

    def _alone(self, call, run, arrays, shake):
        """What a layer gives for inputs, and for gradients with respect to its outputs."""
        engine = self.engine
        tensors = tensors_of(engine, call.arguments)
        inputs = [shake(self._given(arrays.get(f"in{i}"), t)) for i, t in enumerate(tensors)]
        wanted = sorted(int(name[4:]) for name in arrays if name.startswith("dout"))
        places = []

        def loss_of(mark):
            places.clear()
            tensors = [engine.tensor(x) for x in inputs]
            for i, tensor in enumerate(tensors):
                if _is_float(tensor):
                    places.append(i)
                    tensors[i] = mark(tensor)
            outputs = run(with_tensors(engine, call.arguments, tensors))
            flat = tensors_of(engine, outputs)
            seeds = [shake(_as_dtype(arrays[f"dout{i}"], flat[i].dtype)) for i in wanted]
            loss = engine.weighted_sum([flat[i] for i in wanted], seeds) if wanted else None
            return loss, outputs

        result = {}
        if wanted:
            variables = trainable_of(call.layer)
            _, call.outputs, dins, dweights = engine.differentiate(
                loss_of, variables, self._state_beside(variables)
            )
            result.update((f"din{i}", g) for i, g in zip(places, dins))
            result.update((f"dweight{i}", g) for i, g in enumerate(dweights))
        else:
            _, call.outputs = loss_of(lambda tensor: tensor)
        outputs = tensors_of(engine, call.outputs)
        result.update((f"got{i}", engine.array(x)) for i, x in enumerate(tensors))
        result.update((f"out{i}", engine.array(y)) for i, y in enumerate(outputs))
        return {name: array for name, array in result.items() if array is not None}

    def _given(self, array, tensor):
        """An input of a layer as it is given; what else it gets (a mask, say) as it is."""
        if array is None or array.shape != tuple(tensor.shape):
            return self.engine.array(tensor)
        return _as_dtype(array, tensor.dtype)

    # ---- steps of the optimizer

    def steps(self, batches, put):
        """Train on batches, one after another, and hand on the state after each.

        Args:
            batches: list of `(inputs, targets)`, lists of arrays.
            put: function of `(step, logs, weights, slots)`.
        """
        with self._kept(), self._stilled():
            self.model.run_eagerly = True
            for step, (inputs, targets) in enumerate(batches):
                x = inputs[0] if len(inputs) == 1 else inputs
                y = targets[0] if len(targets) == 1 else targets
                logs = self.model.train_on_batch(x, y, return_dict=True)
                put(step, {k: float(v) for k, v in logs.items()}, *self.state())

    def state(self):
        """Return the values of the model's weights and of the optimizer's variables."""
        array = self.engine.array
        weights = [array(v) for v in self.model.weights]
        return weights, [array(v) for v in optimizer_variables(self.engine, self.model)]

    def update(self, weights, slots, gradients):
        """Take one step of the optimizer from a state, on gradients that are given.

        Args:
            weights: list of the values of the model's weights before the step.
            slots: list of those of the optimizer's.
            gradients: dict of place to array, for the trainable variables.

        Returns:
            Both lists after the step.
        """
        with self._kept():
            self.set_state(weights, slots)
            pairs = [
                (self.engine.tensor(_as_dtype(gradients[i], v.dtype)), v)
                for i, v in enumerate(self.model.trainable_variables)
                if gradients.get(i) is not None
            ]
            if pairs:
                self.model.optimizer.apply_gradients(pairs)
            return self.state()

    def set_state(self, weights, slots):
        """Set the model's weights, and the optimizer's variables."""
        for variable, value in zip(self.model.weights, weights):
            assign(self.engine, variable, value)
        for variable, value in zip(optimizer_variables(self.engine, self.model), slots):
            assign(self.engine, variable, value)

    # ---- what all share

    def _stilled(self):
        """Let layers that draw run as in inference, if that is asked for."""
        if not self.still:
            return nullcontext()
        return watched(self.engine, self.model, lambda call, run: run(call.arguments), True)

    def _state_beside(self, variables):
        own = set(map(id, variables))
        return [v for v in self.model.variables if id(v) not in own]

    @contextmanager
    def _kept(self):
        """Begin with the same seeds, and leave everything as it was."""
        changing = list(self.model.variables) + optimizer_variables(self.engine, self.model)
        before = [(variable, self.engine.array(variable)) for variable in changing]
        for variable in changing:
            if "seed_generator" in str(getattr(variable, "path", variable.name)):
                assign(self.engine, variable, np.array([self.seed, 1], "uint32"))
        try:
            yield
        finally:
            for variable, value in before:
                assign(self.engine, variable, value)

    def _arrays(self, call):
        engine = self.engine
        inputs = tensors_of(engine, call.arguments)
        outputs = tensors_of(engine, call.outputs)
        arrays = {f"in{i}": engine.array(x) for i, x in enumerate(inputs)}
        arrays.update((f"out{i}", engine.array(y)) for i, y in enumerate(outputs))
        return arrays


def _left(array):
    """The array as it is."""
    return array


def _shaking(seed):
    """A function that changes each float of an array by one rounding of float32, up or down."""
    draw = np.random.RandomState(seed)
    rounding = float(np.finfo("float32").eps)

    def shake(array):
        if array.dtype.kind != "f":
            return array
        return array * (1 + rounding * (2 * draw.randint(0, 2, array.shape) - 1))

    return shake


def trainable_of(layer):
    """Return the trainable variables of a layer that hold floats; ops have none."""
    return [v for v in getattr(layer, "trainable_variables", []) if _is_float(v)]


def _is_float(tensor):
    return "float" in str(tensor.dtype)


def _as_dtype(array, dtype):
    name = getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]  # PyTorch's have none
    return np.asarray(array).astype(name)
