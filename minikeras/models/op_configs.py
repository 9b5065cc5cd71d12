"""Ops in a graph's config, in the form in which Keras writes them.

Keras has a class for each op. Its `call` takes the operands, what is computed on, and its
constructor the settings, such as an axis. So the config of an op holds its settings, and each of
its calls holds the operands.
"""

import functools
import inspect

import numpy as np

from minikeras import ops
from minikeras.autograd.symbolic import OpCall, any_symbolic, class_name_of
from minikeras.autograd.tensor import Tensor
from minikeras.core import dtypes, registry
from minikeras.core.settings import standardize_data_format

_PACKAGE = "keras.src.ops."
_IMAGE = "minikeras.ops.image."

# Modules of Keras's classes of ops: the groups that ours have in common with them, and the rest.
_GROUPS = {"numpy": vars(ops.numpy), "nn": ops.nn.__all__, "linalg": ops.linalg.__all__}
_CORE = (
    "associative_scan cast cond convert_to_tensor fori_loop map saturate_cast scan scatter "
    "scatter_update slice slice_update stop_gradient switch unstack vectorized_map while_loop"
)
_ELSEWHERE = {"rearrange": "einops", "logdet": "math", **dict.fromkeys(_CORE.split(), "core")}

# Parameters that are operands: the first of every op, variadic ones, and those of these names.
_NAMES = (
    "beta bias bins branches condition constant_values depthwise_kernel elements elems "
    "false_fn fill_value gamma indices init init_val kernel key loop_vars mask mean output "
    "pattern pointwise_kernel predictions q scale segment_ids start_indices stop true_fn "
    "updates value values variance weights x1 x2 xs y"
)
_OPERANDS = frozenset(_NAMES.split())
# Parameters that are operands (True) or settings (False) against this rule.
_EXCEPTIONS = {
    ("batch_normalization", "offset"): True,
    ("bincount", "weights"): False,
    ("ctc_decode", "sequence_lengths"): True,
    ("ctc_loss", "output_length"): True,
    ("ctc_loss", "target_length"): True,
    ("einsum", "subscripts"): False,
    ("fori_loop", "lower"): False,
    ("full", "shape"): False,
    ("isclose", "atol"): True,
    ("isclose", "rtol"): True,
    ("lstsq", "b"): True,
    ("select", "choicelist"): True,
    ("select", "default"): True,
    ("solve", "b"): True,
    ("solve_triangular", "b"): True,
    ("unique", "fill_value"): False,
    ("vectorized_map", "function"): False,
    ("while_loop", "cond"): False,
}

# Operands beside the first one of the ops on images, which have a rule of their own.
_IMAGE_OPERANDS = frozenset(
    ["coordinates", "end_points", "image2", "output_shape"]
    + ["scale", "start_points", "transform", "translation"]
)

_VAR_POSITIONAL = inspect.Parameter.VAR_POSITIONAL
_VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD


def saved_op(call, node):
    """Return the saved form of an op in a graph.

    Args:
        call: an `OpCall`.
        node: one of its nodes; the settings are the same in all of them.

    Returns:
        A dict with the keys `module`, `class_name`, `config` and `registered_name`.
    """
    settings = {
        name: _saved_setting(name, value)
        for name, value in _arguments(call.op, node.args, node.kwargs).items()
        if not _is_operand(call.op, name) and not _holds_symbols(value)
    }
    return {
        "module": _PACKAGE + _module(call.op),
        "class_name": call.class_name,
        "config": {"name": call.name, **settings},
        "registered_name": call.class_name,
    }


def operands_of(op, args, kwargs):
    """Return `(args, kwargs)` of a call as Keras's class of the op takes them: the operands alone.

    Args:
        op: an op.
        args: the positional arguments of a call.
        kwargs: the keyword arguments of the call.
    """
    by_place, by_name = [], {}
    parameters = inspect.signature(op).parameters
    for name, value in _arguments(op, args, kwargs).items():
        if parameters[name].kind == _VAR_POSITIONAL:
            by_place.extend(value)
        elif parameters[name].kind == _VAR_KEYWORD:
            by_name.update(value)
        elif _is_operand(op, name):
            by_place.append(_saved_key(value) if op is ops.get_item else value)
        elif _holds_symbols(value):  # Keras has no form for a setting that is a tensor of the graph
            by_name[name] = value
    return tuple(by_place), by_name


def is_op(saved):
    """Say whether the saved form of an operation is that of an op; others are layers."""
    return saved["module"].startswith(_PACKAGE)


def revived_op(saved):
    """Make an op again, and return it with the settings that its config adds to each call.

    Args:
        saved: what `saved_op` returned, or what Keras wrote; with the key `name`.

    Returns:
        An `OpCall`, and a dict of settings.

    Raises:
        ValueError: if there is no such op, or it has no such setting.
    """
    op = _by_class_name().get(saved["class_name"])
    if op is None:
        raise ValueError(
            f"The model's config names the op '{saved['module']}.{saved['class_name']}', which "
            "does not exist here."
        )
    known = inspect.signature(op).parameters
    settings = {key: value for key, value in saved["config"].items() if key != "name"}
    for key in settings.keys() - known.keys():
        if settings.pop(key):  # Keras writes `sparse=False` where ours is always dense
            raise ValueError(
                f"The op '{op.name}' has no setting '{key}'. It has {list(known)}. "
                f"Received: config={saved['config']}"
            )
    return OpCall(op, name=saved["name"]), registry.deserialize(settings)


def call_op(call, args, kwargs, settings):
    """Call an op on operands in the order in which Keras's class of it takes them.

    Args:
        call: an `OpCall`.
        args: operands by place.
        kwargs: operands by name.
        settings: the other arguments, by name.

    Returns:
        The outputs of the op.
    """
    signature = inspect.signature(call.op)
    by_place, by_name, arguments = list(args), dict(kwargs), {}
    for name, parameter in signature.parameters.items():
        if name in settings:
            arguments[name] = settings[name]
        elif parameter.kind == _VAR_POSITIONAL:
            arguments[name], by_place = tuple(by_place), []
        elif parameter.kind == _VAR_KEYWORD:
            arguments[name], by_name = by_name, {}
        elif by_place and _is_operand(call.op, name):
            arguments[name] = by_place.pop(0)
        elif name in by_name:
            arguments[name] = by_name.pop(name)
    if by_place or by_name:
        raise ValueError(
            f"The op '{call.op.name}{signature}' got more operands than it has in the model's "
            f"config: {[*by_place, *by_name]}"
        )
    if call.op is ops.get_item and isinstance(arguments.get("key"), list):
        arguments["key"] = tuple(arguments["key"])  # JSON has no tuples
    bound = inspect.BoundArguments(signature, arguments)
    return call(*bound.args, **bound.kwargs)


def _arguments(op, args, kwargs):
    """All arguments of a call by name, defaults included."""
    bound = inspect.signature(op).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.arguments


def _is_operand(op, name):
    parameters = inspect.signature(op).parameters
    is_variadic = parameters[name].kind in (_VAR_POSITIONAL, _VAR_KEYWORD)
    is_first = next(iter(parameters)) == name
    if op.__module__.startswith(_IMAGE):
        return is_first or name in _IMAGE_OPERANDS
    return _EXCEPTIONS.get((op.name, name), is_variadic or is_first or name in _OPERANDS)


def _module(op):
    """The module of Keras that has the class of an op."""
    if op.__module__.startswith(_IMAGE):
        return "image"
    if op.name in _ELSEWHERE:
        return _ELSEWHERE[op.name]
    return next((group for group, known in _GROUPS.items() if op.name in known), "math")


def _holds_symbols(value):
    return any_symbolic([value], None)


@functools.cache
def _by_class_name():
    """The ops by the names of Keras's classes."""
    public = [getattr(group, name) for group in (ops, ops.image) for name in group.__all__]
    return {class_name_of(op): op for op in public if hasattr(op, "name")}


def _saved_setting(name, value):
    """A setting as Keras's constructors take it; what follows a global setting is written out."""
    if name == "dtype" and value is not None:
        return dtypes.standardize(value)
    if name == "data_format":
        return standardize_data_format(value)
    if name == "newshape" and isinstance(value, int):
        return [value]
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return np.asarray(value).tolist()
    return value


def _saved_key(key):
    """An index with its lists as arrays: JSON has one form for lists and tuples."""
    if isinstance(key, tuple):
        return tuple(_saved_key(part) for part in key)
    return np.asarray(key) if isinstance(key, list) else key
