"""Checks that the data fit the model, before anything changes.

The model and its losses are run on the shapes of the first batch alone, which also makes the
weights, and the metrics are made, so that the first step can be recorded; then the labels and
targets of all samples are searched for what no step could use.
"""

import numpy as np

from minikeras.arrays.strings import is_strings
from minikeras.autograd.symbolic import Abstract, abstract_scope, to_abstract, to_symbolic
from minikeras.core import dtypes, trees
from minikeras.layers import Embedding
from minikeras.layers.base import tracking
from minikeras.losses import sparse_categorical_crossentropy
from minikeras.training.data.unpack import unpack_x_y_sample_weight
from minikeras.training.outputs import Outputs

# What code raises that wants values where there are only shapes: it cannot be checked beforehand.
_NEEDS_VALUES = (TypeError, AttributeError, NotImplementedError)

# Batches of ever new lengths would keep ever more results; these are cheap to compute again.
_MOST_KINDS = 64


def prepare(model, batch, step, whole=None):
    """Build what is not built yet, and check that data fit, before anything changes.

    Args:
        model: a model.
        batch: a batch like the first one.
        step: the name of the step to be taken; a user's own may take its data as it likes.
        whole: all data at once, whose indices and targets are checked, or None.
    """
    own_step = model._has_own(step)
    unbuilt = not _is_built(model)
    checks_loss = not own_step and not model._has_own("compute_loss")
    if unbuilt or not own_step:
        y_pred = _prediction_specs(model, batch, checks_loss)
        if whole is not None and y_pred is not None:
            x, y, _ = unpack_x_y_sample_weight(whole)
            check_indices(model, x)
            if checks_loss:
                check_targets(model, y, y_pred)
        unbuilt = not _is_built(model)
    # What only the step itself can build, it builds before it first applies gradients.
    optimizer = model.optimizer
    if optimizer is not None and not optimizer.built and not unbuilt:
        optimizer.build(model.trainable_variables)


def _is_built(model):
    return all(layer.built for layer in model._flatten_layers())


def _prediction_specs(model, batch, checks_loss):
    """What `abstract_eval` returns, which runs once for each kind of batch."""
    kinds = tuple(
        (path, None if a is None else (a.shape, a.dtype.str))
        for path, a in trees.flatten_with_path(batch)
    )
    key = (kinds, tracking.version(), checks_loss)
    specs = model._training.prediction_specs
    if key not in specs:
        while len(specs) >= _MOST_KINDS:
            del specs[next(iter(specs))]
        specs[key] = abstract_eval(model, batch, checks_loss)
    return specs[key]


def abstract_eval(model, batch, checks_loss):
    """Run a model and its losses on the shapes of a batch, and make the metrics for them.

    Args:
        model: a model; it may be unbuilt, and will be built.
        batch: `x`, `(x, y)` or `(x, y, sample_weight)`.
        checks_loss: whether to go on to the losses and metrics that `compile` received.

    Returns:
        The predictions' shapes and dtypes, or None if the model's code needs values.

    Raises:
        ValueError: if inputs or targets do not fit.
    """
    training = model._training
    x, y, sample_weight = (_spec(part) for part in unpack_x_y_sample_weight(batch))
    try:
        with abstract_scope():
            y_pred = to_abstract(to_symbolic(model(x)))
    except _NEEDS_VALUES:
        return None
    try:
        with abstract_scope():
            if checks_loss and training.compile_loss is not None:
                training.compile_loss(y, y_pred, sample_weight)
            metrics = training.compile_metrics if checks_loss else None
            if metrics is not None and not metrics.built:
                metrics.build(y, y_pred)
    except _NEEDS_VALUES:
        return None
    return y_pred


def check_targets(model, y, y_pred):
    """Check the targets of all samples.

    Args:
        model: a compiled model whose losses `abstract_eval` has run.
        y: nest of arrays, all samples of them.
        y_pred: the predictions' shapes, from `abstract_eval`.

    Raises:
        ValueError: if a label is no class of the output, or a target is NaN.
    """
    compile_loss = model._training.compile_loss
    if compile_loss is None:
        return
    outputs = Outputs(y_pred, getattr(model, "output_names", None))
    for (i, loss, _), target in compile_loss.pairs(y, outputs):
        if trees.is_nested(i):  # a loss of several outputs is the user's own
            continue
        if _function_of(loss) is sparse_categorical_crossentropy:
            _check_labels(target, outputs.leaves[i], loss, outputs.name(i))
        elif _is_ours(loss) and target.dtype.kind == "f":
            _refuse_nan(target, outputs.name(i))


def check_indices(model, x):
    """Check the integers that go straight from an input into an Embedding.

    Args:
        model: a model; its layers' inputs are known if it is a graph.
        x: nest of arrays, all samples of them.

    Raises:
        IndexError: if an integer is no row of the table.
    """
    for place, layer in _embedded_inputs(model):
        indices = getattr(model, "_flat_values", trees.flatten)(x)[place]
        size = layer.input_dim
        wrong = ~((indices >= -size) & (indices < size))
        if wrong.any():
            first = np.argwhere(wrong)[0]
            raise IndexError(
                f"Layer '{layer.name}' has {size} vectors: indices must be in [-{size}, {size}), "
                f"but sample {first[0]} has {indices[tuple(first)]}; {wrong.sum()} of "
                f"{indices.size} indices do not fit. Check the vocabulary's size."
            )


def _embedded_inputs(model):
    """The places of inputs that an Embedding looks up as they are, and these layers."""
    places = {id(tensor): place for place, tensor in enumerate(getattr(model, "inputs", []))}
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, Embedding):
            for node in layer._inbound_nodes:
                if id(node.input_tensors[0]) in places:
                    yield places[id(node.input_tensors[0])], layer


def _spec(tree):
    def spec(a):
        return Abstract(a.shape, dtypes.STRING if is_strings(a) else str(a.dtype))

    return trees.map_structure(lambda a: None if a is None else spec(a), tree)


def _check_labels(labels, y_pred, loss, name):
    if not labels.size:
        return
    classes = y_pred.shape[-1]
    wrong = ~((labels >= 0) & (labels < classes))  # NaN is wrong as well
    ignored = getattr(loss, "ignore_class", None)
    if ignored is not None:
        wrong &= labels != ignored
    if wrong.any():
        first = np.argwhere(wrong)[0]
        raise ValueError(
            f"The labels of output '{name}' run from {labels.min()} to {labels.max()}, but it has "
            f"{classes} classes, so labels must be from 0 to {classes - 1}. {wrong.sum()} of "
            f"{labels.size} labels do not fit, the first at sample {first[0]}. Check how the "
            "classes are numbered, and the last layer's number of units."
        )


def _function_of(loss):
    """The function that a loss applies, however it was named; the loss's class if there is none."""
    return getattr(loss, "fn", None) or type(loss)


def _is_ours(loss):
    return getattr(_function_of(loss), "__module__", "").startswith("minikeras.")


def _refuse_nan(targets, name):
    samples = np.isnan(targets).reshape(len(targets), -1).any(axis=1)
    if samples.any():
        raise ValueError(
            f"The targets of output '{name}' are NaN in {samples.sum()} of {len(samples)} samples, "
            f"the first at sample {samples.argmax()}: the loss would be NaN, and after a step the "
            "weights as well. Leave these samples out, fill in what is missing, or write a loss "
            "that takes NaN."
        )
