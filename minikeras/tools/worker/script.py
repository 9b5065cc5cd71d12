"""A script that trains, run step by step: what is written down whenever an optimizer has stepped.

Every way to train ends in `optimizer.apply`: `fit`, `train_on_batch`, and loops of a user's own. So
that it is called with numbers in each step, nothing is compiled: both engines run eagerly.
"""

import os
import runpy
import sys
import traceback
from contextlib import contextmanager

import numpy as np

from .models import assign, names_of

BUCKETS = 64


class Enough(BaseException):
    """Ends a script whose steps have all been taken; scripts catch no such thing."""


class _Cached(dict):
    """The bucket and the sign of each number of an array, by the array's size."""

    def __missing__(self, size):
        draw = np.random.RandomState(size % 2**32)
        self[size] = draw.randint(0, BUCKETS, size), 2.0 * draw.randint(0, 2, size) - 1
        return self[size]


_BUCKETS_OF = _Cached()


def sketch(array):
    """Return few numbers that stand for an array.

    Each number of the array is added, with a random sign, to a random one of 64 buckets. So the
    distance of two sketches is about that of the arrays, to a tenth (Charikar, Chen, Farach-Colton:
    Finding frequent items in data streams, 2002). A small array is its own sketch.
    """
    flat = np.asarray(array, "float64").ravel()
    if flat.size <= BUCKETS:
        return flat
    places, signs = _BUCKETS_OF[flat.size]
    return np.bincount(places, signs * flat, BUCKETS)


class Recorder:
    """Sees the steps of all optimizers of a script.

    Args:
        engine: the `Engine`.
        steps: after how many the script is ended.
        put: function of `(name, arrays)` that writes arrays.
        shaken: None, or the seed with which weights and gradients are changed by roundings.
        whole: None, or the number of a step whose arrays are written as they are.
        forced: None, or the arrays that another run has written of that step: the step starts from
            them, and takes its gradients.
    """

    def __init__(self, engine, steps, put, shaken=None, whole=None, forced=None):
        self.engine = engine
        self.steps = steps
        self.put = put
        self.whole, self.forced = whole, forced
        self.optimizers, self.taken, self.models = [], [], []
        self.loss = None  # of the step that is under way
        self._draw = None if shaken is None else np.random.RandomState(shaken)
        self._inside = 0

    # ---- what a step goes through

    def apply(self, optimizer, original, gradients, variables=None):
        """Take a step, and write down what it did."""
        if self._inside:  # an optimizer that wraps another
            return original(optimizer, gradients, variables)
        if variables is None:
            variables = optimizer._trainable_variables
        variables = list(variables)
        place = self._place_of(optimizer, variables)
        gradients = [None if g is None else self.engine._dense(g) for g in gradients]
        arrays = {f"gradient/{i}": g for i, g in enumerate(gradients) if g is not None}
        number = len(self.taken) + 1
        before = self._before(number, place, variables)
        if number == self.whole:
            self.put("whole before", dict(self._states(), **arrays))
            gradients = self._forced_gradients(gradients)
        self._inside += 1
        try:
            tensors = [None if g is None else self.engine.tensor(self._near(g)) for g in gradients]
            result = original(optimizer, tensors, variables)
        finally:
            self._inside -= 1
        self._after(number, place, dict(arrays, **before))
        return result

    def _before(self, number, place, variables):
        if number == self.whole:
            self._force()
        if place in self.taken:
            return {}
        arrays = {f"before/{i}": self.engine.array(v) for i, v in enumerate(variables)}
        for variable, array in zip(variables, arrays.values()):
            assign(self.engine, variable, self._near(array))
        return arrays

    def _after(self, number, place, arrays):
        optimizer, variables = self.optimizers[place]
        array = self.engine.array
        arrays.update((f"weight/{i}", array(v)) for i, v in enumerate(variables))
        arrays.update((f"slot/{i}", array(v)) for i, v in enumerate(optimizer.variables))
        arrays.update((f"state/{i}", array(v)) for i, v in enumerate(self._other_states()))
        if self.loss is not None:
            arrays["loss"] = self.loss
        self.loss = None
        self.put(f"step{number}", {name: sketch(a) for name, a in arrays.items()})
        self.taken.append(place)
        if number == self.whole:
            self.put("whole after", self._states())
        if number + 1 == self.whole:
            self._force()
        if number == self.steps:
            raise Enough

    # ---- states

    def _place_of(self, optimizer, variables):
        for place, (known, _) in enumerate(self.optimizers):
            if known is optimizer:
                return place
        if not optimizer.built:
            optimizer.build(variables)
        self.optimizers.append((optimizer, variables))
        return len(self.optimizers) - 1

    def _variables(self):
        """Yield all that steps change, with a name for each."""
        for place, (optimizer, variables) in enumerate(self.optimizers):
            for i, variable in enumerate(variables):
                yield f"{place}/weight/{i}", variable
            for i, variable in enumerate(optimizer.variables):
                yield f"{place}/slot/{i}", variable

    def _states(self):
        return {name: self.engine.array(variable) for name, variable in self._variables()}

    def _other_states(self):
        """What models change beside their optimizers, such as moving statistics."""
        variables = [v for model in self.models for v in model.non_trainable_variables]
        return [v for v in variables if "float" in str(v.dtype)]

    def _force(self):
        """Set all that the other run has written of the time before the step.

        But for rates of learning, which are settings of an optimizer rather than its state.
        """
        forced = self.forced or {}
        for name, variable in self._variables():
            value = forced.get(name)
            is_rate = str(getattr(variable, "path", variable.name)).endswith("learning_rate")
            if value is not None and value.shape == tuple(variable.shape) and not is_rate:
                assign(self.engine, variable, value)

    def _forced_gradients(self, gradients):
        if not self.forced:
            return gradients
        return [self.forced.get(f"gradient/{i}", g) for i, g in enumerate(gradients)]

    def _near(self, array):
        """An array, in a shaken run with other roundings."""
        if self._draw is None or array.dtype.kind != "f" or not array.size:
            return array
        noise = self._draw.uniform(-1, 1, array.shape) * np.finfo("float32").eps
        return (array + 4 * noise * np.abs(array).max()).astype(array.dtype)

    def described(self):
        """Say which optimizers there were, and which of them took each step."""
        return {
            "taken": self.taken,
            "state": names_of(self._other_states()),
            "optimizers": [
                {
                    "class": type(optimizer).__name__,
                    "weight": names_of(variables),
                    "slot": names_of(optimizer.variables),
                    "shapes": [list(v.shape) for v in variables],
                }
                for optimizer, variables in self.optimizers
            ],
        }


@contextmanager
def recorded(engine, recorder):
    """Let a `Recorder` see all steps inside the `with` block, and let nothing be compiled."""
    keras, before = engine.keras, []

    def replace(name, base, around):
        kinds = [base] + [kind for kind in vars(keras.optimizers).values() if _is_below(kind, base)]
        for cls in {cls for kind in kinds for cls in kind.__mro__ if name in vars(cls)}:
            before.append((cls, name, vars(cls)[name]))
            setattr(cls, name, around(vars(cls)[name]))

    def apply(original):
        def apply(optimizer, grads, trainable_variables=None):
            return recorder.apply(optimizer, original, grads, trainable_variables)

        return apply

    def compile_(original):
        def compile(model, *args, **kwargs):
            result = original(model, *args, **kwargs)
            model.run_eagerly = True
            if not any(known is model for known in recorder.models):
                recorder.models.append(model)
            return result

        return compile

    def compute_loss(original):
        def compute_loss(model, *args, **kwargs):
            loss = original(model, *args, **kwargs)
            if engine.is_tensor(loss):
                recorder.loss = engine.array(loss)
            return loss

        return compute_loss

    replace("apply", keras.optimizers.Optimizer, apply)
    replace("compile", keras.Model, compile_)
    replace("compute_loss", keras.Model, compute_loss)
    engine.run_eagerly()
    try:
        yield
    finally:
        for cls, name, value in before:
            setattr(cls, name, value)


def _is_below(kind, base):
    return isinstance(kind, type) and issubclass(kind, base)


def run(path, arguments):
    """Run a script as `python PATH ARGUMENTS` would; it may end early, by `Enough`.

    Raises:
        RuntimeError: if it fails, or ends with another exit status than 0; it says where.
    """
    before = sys.argv, list(sys.path), sys.stdin
    sys.argv = [path] + list(arguments)
    sys.path.insert(0, os.path.dirname(path))
    try:
        with open(os.devnull) as sys.stdin:  # the requests are not for the script
            runpy.run_path(path, run_name="__main__")
    except Enough:
        pass
    except SystemExit as error:
        if error.code not in (None, 0):
            raise RuntimeError(f"the script ended with exit({error.code!r})") from None
    except Exception as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
        where = f"line {lines[-1]}: " if lines else ""
        text = f"{os.path.basename(path)}, {where}{type(error).__name__}: {error}"
        raise RuntimeError(text) from error
    finally:
        sys.argv, sys.path[:], sys.stdin = before
