"""Answering requests: one line of JSON in, one line of JSON out, arrays in files beside them.

What a model prints goes to the standard error: the answers have the standard output alone.
"""

import contextlib
import json
import os
import queue
import sys
import threading
import traceback
import warnings

import numpy as np

from . import exchange, models, script, single
from .choosing import engine_of
from .kinks import arrays_of, watched_kinks
from .phases import Phases, trainable_of
from .sources import meaning_of, source_of


class Server:
    """The models of one process, and the requests that it knows.

    Args:
        name: of the engine; see `choosing.engine_of`.
    """

    def __init__(self, name):
        self.engine = engine_of(name)
        self.phases = {}
        self.source = None
        self.seed = 0
        self.trusted = self.still = False

    def settings(self, request):
        """The `with` block in which a request is answered: a script makes its own settings."""
        if request["do"] == "script":
            return contextlib.nullcontext()
        return self.engine.floats(request.get("dtype", "float32"))

    def versions(self):
        """Say what computes."""
        return {"versions": self.engine.versions(), "package": self.engine.package}

    def load(self, source, seed=0, trusted=False, still=False):
        """Load the model.

        Args:
            source: see `models.load`.
            seed: int, what the seeds of every run are made of.
            trusted: whether code in a file may run.
            still: whether layers that draw random numbers run as in inference.

        Returns:
            A dict that describes the model, with notes on what could not be read.
        """
        self.source, self.seed, self.trusted = source, seed, trusted
        self.still = still
        self.engine.keras.utils.set_random_seed(seed)
        model, notes = models.load(self.engine, source, trusted)
        self.phases = {"float32": Phases(self.engine, model, seed, still)}
        return dict(self._described(model), notes=notes)

    def build(self, batch):
        """Make the model's variables, as the first call on a batch would."""
        model = self.phases["float32"].model
        models.build(self.engine, model, read_list(batch))
        return self._described(model)

    def write(self, to, suffix):
        """Write the model for the other engine; see `exchange.written`."""
        return exchange.written(self.phases["float32"].model, to, suffix)

    def read(self, form, path, batch, to):
        """Read what an engine has written, run it, and write its outputs and slots."""
        model = self.phases["float32"].model
        try:
            outputs, slots = exchange.read(
                self.engine, model, form, path, read_list(batch), self.trusted
            )
        except Exception as error:  # which is a result as well
            return {"failed": f"{type(error).__name__}: {models.first_line(error)}"}
        write(to, "outputs", {str(i): y for i, y in enumerate(outputs)})
        write(to, "slots", {str(i): s for i, s in enumerate(slots)})
        return {"failed": None}

    def inputs(self):
        """Say which inputs the model takes: shapes, None where unknown, and dtypes."""
        model = self.phases["float32"].model
        try:
            tensors = model.inputs
        except (AttributeError, ValueError):
            tensors = None
        if not tensors:
            return {"inputs": None}
        values = [[list(t.shape), _dtype_name(t.dtype)] for t in tensors]
        return {"inputs": values}

    def twin(self, dtype, batch):
        """Make a twin of the model in another dtype, for later requests to name."""
        model = self.phases["float32"].model
        if dtype == "float32":
            return self._described(model)
        other = models.twin(self.engine, model, self.source, dtype, read_list(batch))
        self.phases[dtype] = Phases(self.engine, other, self.seed, self.still)
        return self._described(other)

    def weights(self, dtype, to):
        """Write the model's weights, and the optimizer's variables."""
        weights, slots = self.phases[dtype].state()
        write(to, "weights", {str(i): w for i, w in enumerate(weights)})
        write(to, "slots", {str(i): s for i, s in enumerate(slots)})
        return {}

    def set_weights(self, dtype, at):
        """Set the model's weights from a file with the arrays `0`, `1`, ..."""
        self.phases[dtype].set_state(read_list(at), [])
        return {}

    def forward(self, dtype, batch, training, to):
        """Run the model; see `Phases.forward`."""
        calls = []
        outputs = self.phases[dtype].forward(read_list(batch), training, _writing(to, calls))
        write(to, "outputs", {str(i): y for i, y in enumerate(outputs)})
        return {"calls": calls, "outputs": os.path.join(to, "outputs.npz")}

    def untouched(self, dtype, batch, training, to):
        """Run the model; see `Phases.untouched`."""
        outputs = self.phases[dtype].untouched(read_list(batch), training)
        write(to, "outputs", {str(i): y for i, y in enumerate(outputs)})
        return {}

    def backward(self, dtype, batch, targets, probe, to):
        """Differentiate; see `Phases.backward`."""
        calls = []
        loss, gradients, of_inputs = self.phases[dtype].backward(
            read_list(batch), read_list(targets), read_list(probe), _writing(to, calls)
        )
        write(to, "gradients", {str(i): g for i, g in gradients.items() if g is not None})
        write(to, "inputs", {str(i): g for i, g in enumerate(of_inputs) if g is not None})
        return {"calls": calls, "loss": float(loss)}

    def alone(self, dtype, batch, training, fed, to, targets=None, shaken=None):
        """Run each layer on inputs that are given; see `Phases.alone`.

        `fed` is a dict of a call's key to the files whose arrays it gets.
        """
        calls = []

        def arrays(key):
            if key not in fed:
                return None
            return {name: a for path in fed[key] for name, a in read(path).items()}

        outputs, loss = self.phases[dtype].alone(
            read_list(batch), training, arrays, _writing(to, calls), read_list(targets), shaken
        )
        write(to, "outputs", {str(i): y for i, y in enumerate(outputs)})
        return {"calls": calls, "loss": loss, "outputs": os.path.join(to, "outputs.npz")}

    def kinks(self, dtype, batch, training, fed, to):
        """Say how near each layer's numbers are to kinks, on inputs that are given."""
        calls, inputs = [], {}
        phases = self.phases[dtype]
        with watched_kinks(self.engine, phases.model) as met:

            def arrays(key):
                met.take()
                inputs.clear()
                inputs.update(read(fed[key]) if key in fed else {})
                return dict(inputs) if key in fed else None

            def put(call, result):
                received = [a for name, a in inputs.items() if name.startswith("in")]
                distances, described = arrays_of(met.take(), received, result)
                if described:
                    name = str(len(calls))
                    write(to, name, distances)
                    file = os.path.join(to, name + ".npz")
                    calls.append({"key": call.key, "kinks": described, "file": file})

            phases.alone(read_list(batch), training, arrays, put)
        return {"calls": calls}

    def steps(self, dtype, batches, to):
        """Train; see `Phases.steps`."""
        logs = []

        def put(step, values, weights, slots):
            logs.append(values)
            write(to, f"weights{step}", {str(i): w for i, w in enumerate(weights)})
            write(to, f"slots{step}", {str(i): s for i, s in enumerate(slots)})

        pairs = [(read_list(x), read_list(y)) for x, y in batches]
        self.phases[dtype].steps(pairs, put)
        return {"logs": logs}

    def update(self, dtype, weights, slots, gradients, to):
        """Take one step of the optimizer; see `Phases.update`."""
        values = {int(name): g for name, g in read(gradients).items()}
        after = self.phases[dtype].update(read_list(weights), read_list(slots), values)
        write(to, "weights", {str(i): w for i, w in enumerate(after[0])})
        write(to, "slots", {str(i): s for i, s in enumerate(after[1])})
        return {}

    def _layers(self, model):
        layers = self.engine.all_layers(model)
        return [layer for layer in layers if not self.engine.is_container(layer)]

    def layer_part(self, key, batch, training, to):
        """Write what a call of a layer is made of; see `single.layer_part`."""
        phases = self.phases["float32"]
        part, arrays = single.layer_part(self.engine, phases, key, read_list(batch), training)
        write(to, "part", arrays)
        return part

    def update_part(self, place, weights, slots, gradients, to):
        """Write what a step takes of one weight; see `single.update_part`."""
        values = {int(name): g for name, g in read(gradients).items()}
        state = read_list(weights), read_list(slots), values
        part, arrays = single.update_part(
            self.engine, self.phases["float32"].model, place, *state
        )
        write(to, "part", arrays)
        return part

    def single(self, kind, part, arrays, dtype, to):
        """Run one layer, or one step; see `single.RUN`."""
        engine = self.engine
        arrays = dict(part, arrays=read(arrays))
        write(to, "single", single.RUN[kind](engine.keras, engine._tape, engine._source, arrays))
        return {}

    def script(self, path, arguments, steps, to, seed=0, shaken=None, whole=None, forced=None):
        """Run a script that trains, and write down its steps; see `script.Recorder`."""
        forced = read(forced) if forced else None

        def put(name, arrays):
            write(to, name, arrays)

        recorder = script.Recorder(self.engine, steps, put, shaken, whole, forced)
        self.engine.keras.utils.set_random_seed(seed)
        with script.recorded(self.engine, recorder):
            script.run(path, arguments)
        return recorder.described()

    def _described(self, model):
        optimizer = getattr(model, "optimizer", None)
        slots = models.optimizer_variables(self.engine, model)
        return {
            "name": model.name,
            "weights": models.names_of(model.weights),
            "trainable": models.names_of(model.trainable_weights),
            "shapes": [list(w.shape) for w in model.weights],
            "slots": models.names_of(slots),
            "optimizer": type(optimizer).__name__ if optimizer is not None else None,
            "optimizer source": source_of(optimizer) if optimizer is not None else "",
            "loss": _loss_names(model),
            "layers": len(model.layers),
            "draws": [layer.name for layer in self._layers(model) if self.engine.draws(layer)],
        }


def _loss_names(model):
    """The name of a model's loss, a list of names for several, None without one."""
    loss = getattr(model, "loss", None)
    if isinstance(loss, dict):
        loss = [loss.get(name) for name in model.output_names]
    if isinstance(loss, (list, tuple)):
        return [_name_of(one) for one in loss]
    return None if loss is None else _name_of(loss)


def _name_of(loss):
    return loss if isinstance(loss, str) else str(getattr(loss, "name", "loss"))


def _activation_of(layer):
    """The name of the activation that a layer applies, or is."""
    activation = getattr(layer, "activation", None) or type(layer)
    return str(getattr(activation, "__name__", "")).lower()


def _number_or_none(value):
    return float(value) if isinstance(value, (int, float)) else None


def _dtype_name(dtype):
    return getattr(dtype, "name", str(dtype))


def _writing(folder, calls):
    """A function that writes the arrays of each call, and notes the call in a list."""

    def put(call, arrays):
        name = str(len(calls))
        write(folder, name, arrays)
        calls.append(
            {
                "key": call.key,
                "path": call.path,
                "class": type(call.layer).__name__,
                "activation": _activation_of(call.layer),
                "epsilon": _number_or_none(getattr(call.layer, "epsilon", None)),
                "source": source_of(call.layer),
                "meaning": meaning_of(call.layer),
                "weights": models.names_of(trainable_of(call.layer)),
                "shapes": [list(v.shape) for v in trainable_of(call.layer)],
                "file": os.path.join(folder, name + ".npz"),
            }
        )

    return put


def write(folder, name, arrays):
    """Write arrays into a folder, which is made."""
    os.makedirs(folder, exist_ok=True)
    np.savez(os.path.join(folder, name + ".npz"), **arrays)


def read(path):
    """Return the arrays of a file, by name."""
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def read_list(path):
    """Return the arrays `0`, `1`, ... of a file as a list; None of None."""
    if path is None:
        return None
    arrays = read(path)
    return [arrays[str(i)] for i in range(len(arrays))]


def serve(name):
    """Answer requests until the standard input ends.

    Args:
        name: of the engine.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    warnings.simplefilter("ignore")
    requests = queue.Queue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    server = None
    while True:
        try:
            request = json.loads(requests.get())
            if server is None:
                server = Server(name)
            with server.settings(request), np.errstate(all="ignore"):
                answer = getattr(server, request.pop("do"))(**request)
        except KeyboardInterrupt:
            return
        except BaseException as error:  # SystemExit of a script as well: the other side is told
            answer = {
                "error": f"{type(error).__name__}: {error}",
                "traceback": traceback.format_exc(),
            }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _read_requests(requests):
    """Hand on the lines of the standard input; at its end nobody waits for this process."""
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)
