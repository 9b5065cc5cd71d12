"""Recurrence step by step: a function called on each step of a sequence."""

from minikeras.autograd import symbolic
from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, trees
from minikeras.ops.creation.filled import zeros_like
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.shapes.joining import unstack
from minikeras.ops.shapes.shaping import expand_dims, stack


def rnn(
    step_function,
    inputs,
    initial_states,
    go_backwards=False,
    mask=None,
    zero_output_for_mask=False,
    return_all_outputs=True,
):
    """Call a function on every step of a sequence, with the states that it returned before.

    At a masked step the states stay as they are and the output is the one before it.

    Args:
        step_function: function of `(inputs, states)`, a tensor `(batch, ...)` and a list of
            tensors, that returns `(output, states)`.
        inputs: float tensor `(batch, steps, ...)`.
        initial_states: nest of float tensors of shape (batch, ...), the states before the first
            step.
        go_backwards: bool, whether to begin at the last step.
        mask: bool tensor `(batch, steps)`, False where there is no data; None for none.
        zero_output_for_mask: bool, whether the output of a masked step is zero instead.
        return_all_outputs: bool, whether the outputs of all steps are wanted.

    Returns:
        `(last_output, outputs, states)`: outputs `(batch, steps, ...)`, in the order in which the
        steps were taken, with the last one only if not all are wanted.

    Raises:
        ValueError: if there are no steps, or the mask does not fit.

    Example:
        >>> import minikeras as keras
        >>> from minikeras.ops.nn.loop import rnn
        >>> x = keras.ops.reshape(keras.ops.arange(3.0), (1, 3, 1))
        >>> add = lambda x, states: (x + states[0], [x + states[0]])
        >>> rnn(add, x, [keras.ops.zeros((1, 1))])[1].tolist()
        [[[0.0], [1.0], [3.0]]]
    """
    inputs = convert_to_tensor(inputs)
    mask = checked_mask(mask, inputs)
    if isinstance(inputs, Abstract) or symbolic.in_abstract_scope():
        return _declared(step_function, inputs, initial_states, return_all_outputs)
    steps = _in_order(unstack(inputs, axis=1), go_backwards)
    valid = [None] * len(steps)
    if mask is not None:
        valid = _in_order(unstack(mask, axis=1), go_backwards)
    states, shown, outputs = initial_states, None, []
    for x, valid_step in zip(steps, valid, strict=True):
        output, new_states = step_function(x, states)
        if valid_step is None:
            shown, states = output, new_states
        else:
            before = zeros_like(output) if shown is None or zero_output_for_mask else shown
            shown = _chosen(valid_step, output, before)
            states = _chosen_states(valid_step, new_states, states)
        if return_all_outputs:
            outputs.append(shown)
    return shown, stack(outputs or [shown], axis=1), states


def _in_order(steps, go_backwards):
    return list(steps)[::-1] if go_backwards else list(steps)


def _chosen(valid_step, new, old):
    """The new values of the samples that are not masked, the old ones of the others."""
    while valid_step.ndim < new.ndim:
        valid_step = expand_dims(valid_step, -1)
    return where(valid_step, new, old)


def _chosen_states(valid_step, new, old):
    leaves = zip(trees.flatten(new), trees.flatten(old), strict=True)
    return trees.pack_sequence_as(new, [_chosen(valid_step, a, b) for a, b in leaves])


def checked_mask(mask, inputs):
    """Return the mask of a sequence in the form that `rnn` and the fused ops take.

    Args:
        mask: tensor `(batch, steps)` or `(batch, steps, 1)`, or None.
        inputs: float tensor `(batch, steps, ...)`.

    Returns:
        A bool tensor `(batch, steps)`, or None.

    Raises:
        ValueError: if the inputs have no steps, or the mask does not fit them.
    """
    if inputs.ndim < 2 or inputs.shape[1] == 0:
        raise ValueError(
            "Expected inputs of shape (batch, steps, ...) with at least one step. Received: "
            f"inputs.shape={dims.to_public(inputs.shape)}"
        )
    if mask is None:
        return None
    mask = cast(convert_to_tensor(mask), dtype="bool")
    if mask.ndim == 3 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    known = dims.is_known((*mask.shape, *inputs.shape[:2]))
    if mask.ndim != 2 or (known and mask.shape != inputs.shape[:2]):
        raise ValueError(
            "The mask must have the shape (batch, steps) of the inputs. Received: "
            f"mask.shape={dims.to_public(mask.shape)}, "
            f"inputs.shape={dims.to_public(inputs.shape)}"
        )
    return mask


def _declared(step_function, inputs, states, return_all_outputs):
    """The shapes that `rnn` returns, from one step."""
    first = Abstract((inputs.shape[0], *inputs.shape[2:]), inputs.dtype)
    output, states = step_function(first, states)
    steps = inputs.shape[1] if return_all_outputs else 1
    outputs = Abstract((output.shape[0], steps, *output.shape[1:]), output.dtype)
    return output, outputs, states
