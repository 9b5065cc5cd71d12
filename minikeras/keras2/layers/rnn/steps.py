"""Recurrent layers step by step, as those of Keras 1 that scripts derive their own from.

Such a layer says what one step is (`step`), what holds for all steps (`get_constants`), and what is
done to all inputs at once (`preprocess_input`); `K.rnn` does the rest. With x_k the inputs' part of
gate k, h and c the states, m_k the dropout mask of the state, and s, t the two activations:

    SimpleRNN:  h = t(x + (h m) U)
    GRU:        z = s(x_z + (h m_z) U_z)        LSTM:  i = s(x_i + (h m_i) U_i)
                r = s(x_r + (h m_r) U_r)               f = s(x_f + (h m_f) U_f)
                g = t(x_h + (r h m_h) U_h)             c = f c + i t(x_c + (h m_c) U_c)
                h = z h + (1 - z) g                    o = s(x_o + (h m_o) U_o)
                                                       h = o t(c)
"""

from minikeras.core import trees
from minikeras.keras2 import backend as K
from minikeras.keras2.layers.old_weights import GATES

_OWN = ("step", "get_constants", "preprocess_input", "get_initial_states")


def has_own_steps(layer):
    """Say whether a layer's class says itself what a step is, in place of the package's."""
    return any(
        not getattr(type(layer), name).__module__.startswith("minikeras.keras2.") for name in _OWN
    )


def by_steps(layer, inputs, mask=None, initial_state=None):
    """Return what a recurrent layer makes of sequences, by its own `step`.

    Args:
        layer: the layer.
        inputs: tensor `(batch, steps, ...)`, or a list of it and of the first states.
        mask: mask of the steps, or None.
        initial_state: list of the first states, or None.

    Returns:
        The output; with `return_state` a list of it and of the last states.
    """
    if isinstance(inputs, (list, tuple)):
        inputs, *first = inputs
        initial_state = first or initial_state
    mask = mask[0] if isinstance(mask, (list, tuple)) else mask
    states = initial_state or (layer.states if layer.stateful else layer.get_initial_states(inputs))
    constants = layer.get_constants(inputs)
    last, outputs, new = K.rnn(
        layer.step,
        layer.preprocess_input(inputs),
        list(states) if isinstance(states, (list, tuple)) else [states],
        go_backwards=layer.go_backwards,
        mask=mask,
        constants=constants,
        unroll=layer.unroll,
        input_length=inputs.shape[1],
    )
    if layer.stateful:
        pairs = zip(trees.flatten(layer.states), new, strict=True)
        layer.add_update([K.update(state, value) for state, value in pairs], inputs)
    output = outputs if layer.return_sequences else last
    return [output, *new] if getattr(layer, "return_state", False) else output


def zeros(inputs, size, count):
    """Return first states: zeros.

    Args:
        inputs: tensor `(batch, steps, ...)`.
        size: the size of a state.
        count: how many states there are.

    Returns:
        A list of tensors `(batch, size)`.
    """
    x = K.zeros_like(inputs)
    sums = K.expand_dims(K.sum(x, axis=tuple(range(1, K.ndim(x)))))
    return [K.tile(sums, [1, size])] * count


# --- The package's own layers ---------------------------------------------------------------------


def get_initial_states(layer, x):
    """Return the states before the first step.

    Args:
        layer: SimpleRNN, GRU or LSTM.
        x: tensor `(batch, steps, features)`.

    Returns:
        A list of tensors `(batch, units)`.
    """
    return zeros(x, layer.units, len(layer.state_size))


def preprocess_input(layer, inputs, training=None):
    """Return the inputs' part of all gates, unless `consume_less` leaves it to the steps.

    Args:
        layer: SimpleRNN, GRU or LSTM.
        inputs: tensor `(batch, steps, features)`.
        training: 0 or 1, or None for the learning phase.

    Returns:
        A tensor `(batch, steps, gates * units)`, or the inputs.
    """
    if layer.consume_less != "cpu":
        return inputs
    if 0 < layer.dropout < 1:
        mask = dropout_mask(inputs, inputs.shape[-1], layer.dropout, training)
        inputs = inputs * K.expand_dims(mask, 1)
    x = K.dot(inputs, layer.kernel)
    return x + layer.bias if layer.use_bias else x


def get_constants(layer, inputs, training=None):
    """Return what holds for all steps: the masks of the state and of the inputs.

    Args:
        layer: SimpleRNN, GRU or LSTM.
        inputs: tensor `(batch, steps, features)`.
        training: 0 or 1, or None for the learning phase.

    Returns:
        A list of two: each a mask, or a list with one for each gate; ones without dropout.
    """
    rates = ((layer.recurrent_dropout, layer.units), (layer.dropout, inputs.shape[-1]))
    count = layer.cell.gates
    masks = [
        [dropout_mask(inputs, size, rate, training) for _ in range(count)]
        if 0 < rate < 1
        else [K.cast_to_floatx(1.0)] * count
        for rate, size in rates
    ]
    return [each[0] for each in masks] if count == 1 else masks


def dropout_mask(inputs, size, rate, training=None):
    """Return a mask of dropout, ones outside of training.

    Args:
        inputs: tensor `(batch, steps, features)`.
        size: the size of what it is multiplied with.
        rate: fraction of zeros.
        training: 0 or 1, or None for the learning phase.

    Returns:
        A tensor `(batch, size)`.
    """
    ones = K.tile(K.ones_like(K.reshape(inputs[:, 0, 0], (-1, 1))), (1, int(size)))
    return K.in_train_phase(K.dropout(ones, rate), ones, training=training)


def step(layer, x, states):
    """Return the output of one step, and a list of the new states.

    Args:
        layer: SimpleRNN, GRU or LSTM.
        x: tensor `(batch, ...)`, what `preprocess_input` made of a step.
        states: list of the states, then of what `get_constants` returned.

    Returns:
        `(output, new_states)`.
    """
    count = len(layer.state_size)
    own, (state_masks, input_masks) = states[:count], states[count : count + 2]
    gates = GATES.get(layer.cell.gates, "")
    if not gates:
        state_masks, input_masks = [state_masks], [input_masks]
    parts = _input_parts(layer, x, gates, input_masks)
    kernels = [getattr(layer, f"U_{gate}") for gate in gates] or [layer.recurrent_kernel]
    return _STEPS[len(parts)](layer, parts, kernels, state_masks, *own)


def _input_parts(layer, x, gates, masks):
    """The inputs' part of each gate."""
    units = layer.units
    if layer.consume_less == "cpu":
        return [x[:, k * units : (k + 1) * units] for k in range(layer.cell.gates)]
    kernels = [getattr(layer, f"W_{gate}") for gate in gates] or [layer.kernel]
    parts = [K.dot(x * m, w) for m, w in zip(masks, kernels, strict=True)]
    if not layer.use_bias:
        return parts
    biases = [getattr(layer, f"b_{gate}") for gate in gates] or [layer.bias]
    return [part + b for part, b in zip(parts, biases, strict=True)]


def _simple_step(layer, parts, kernels, masks, h):
    h = layer.activation(parts[0] + K.dot(h * masks[0], kernels[0]))
    return h, [h]


def _gru_step(layer, parts, kernels, masks, h):
    s, t = layer.recurrent_activation, layer.activation
    z, r = (s(parts[k] + K.dot(h * masks[k], kernels[k])) for k in (0, 1))
    g = t(parts[2] + K.dot(r * h * masks[2], kernels[2]))
    h = z * h + (1 - z) * g
    return h, [h]


def _lstm_step(layer, parts, kernels, masks, h, c):
    s, t = layer.recurrent_activation, layer.activation
    a_i, a_f, a_c, a_o = (
        x + K.dot(h * m, u) for x, u, m in zip(parts, kernels, masks, strict=True)
    )
    c = s(a_f) * c + s(a_i) * t(a_c)
    h = s(a_o) * t(c)
    return h, [h, c]


_STEPS = {1: _simple_step, 3: _gru_step, 4: _lstm_step}
