"""Seeing each call of a layer while a model runs, and giving it other inputs.

What counts as one call is a layer of Keras's own, whatever it does inside: an LSTM, a Bidirectional
around one, an attention. Models, and layers that users write out of other layers, are gone into.
The key of a call is the path of names that leads to the layer, and how often it was called before.
"""

from collections import Counter
from contextlib import contextmanager

from .engines import leaves, replaced


class Call:
    """One call of one layer.

    Attributes:
        layer: the layer.
        path: names of the layers around it and its own, with `/` between.
        index: how many calls of the same path there were before.
        arguments: nest of what it was called with, `(args, kwargs)`.
        outputs: nest of what it returned.
    """

    def __init__(self, layer, path, index, arguments):
        self.layer = layer
        self.path = path
        self.index = index
        self.arguments = arguments
        self.outputs = None

    @property
    def key(self):
        """Path and index as one text."""
        return f"{self.path}#{self.index}"


class Watch:
    """Stands between a model and its layers while it runs.

    Args:
        engine: the `Engine`.
        model: the model.
        around: function of a `Call` and a function that runs the layer on `(args, kwargs)`;
            returns the outputs.
        still: whether layers that draw random numbers run as in inference.
    """

    def __init__(self, engine, model, around, still=False):
        self.engine = engine
        self.around = around
        self.still = still
        self._open = [model]  # what is running, from the model inwards
        self._calls = Counter()

    def enter(self, layer, run, args, kwargs):
        """Run a layer that is called, and let it be seen if it counts as one call."""
        if self._passes(layer, args, kwargs):
            return run(*args, **kwargs)
        path = "/".join([outer.name for outer in self._open[1:]] + [layer.name])
        if self.still and not self.engine.is_container(layer) and self.engine.draws(layer):
            kwargs = dict(kwargs, training=False)
        self._open.append(layer)
        try:
            if self.engine.is_container(layer):
                return run(*args, **kwargs)
            call = Call(layer, path, self._calls[path], (args, kwargs))
            self._calls[path] += 1
            return self.around(call, lambda arguments: run(*arguments[0], **arguments[1]))
        finally:
            self._open.pop()

    def _passes(self, layer, args, kwargs):
        """Whether a call is none of its own: an outer one's, or on shapes alone."""
        inner = self._open[-1]
        if inner is layer or (inner is not self._open[0] and not self.engine.is_container(inner)):
            return True
        return any(map(self.engine.is_symbolic, leaves((args, kwargs))))


@contextmanager
def watched(engine, model, around, still=False):
    """Let a function see the calls of a model's layers inside the `with` block; see `Watch`."""
    watch = Watch(engine, model, around, still)
    own = [(cls, vars(cls)["__call__"]) for cls in _called_classes(engine, model)]
    for cls, original in own:
        cls.__call__ = _watching(watch, original)
    try:
        yield watch
    finally:
        for cls, original in own:
            cls.__call__ = original


def _called_classes(engine, model):
    """The classes whose `__call__` runs when the model's layers are called."""
    objects = [model] + list(engine.all_layers(model))
    classes = set(engine.bases).union(*[type(layer).__mro__ for layer in objects])
    for base in engine.bases:
        classes.update(base.__mro__)
    return [cls for cls in classes if cls is not object and "__call__" in vars(cls)]


def _watching(watch, original):
    def __call__(layer, *args, **kwargs):
        def run(*args, **kwargs):
            return original(layer, *args, **kwargs)

        return watch.enter(layer, run, args, kwargs)

    return __call__


def tensors_of(engine, nest):
    """Return the tensors in a nest, in order."""
    return [leaf for leaf in leaves(nest) if engine.is_tensor(leaf)]


def with_tensors(engine, nest, tensors):
    """Return a nest with others in the place of its tensors, which carry the same masks."""
    left = iter(tensors)

    def replace(leaf):
        if not engine.is_tensor(leaf):
            return leaf
        tensor, mask = next(left), engine.mask_of(leaf)
        if mask is not None and tensor is not leaf:
            engine.set_mask(tensor, mask)
        return tensor

    return replaced(nest, replace)
