"""SimpleRNN, LSTM and GRU, unrolled in time.

`t` counts the steps as the layer takes them: a layer that goes backwards reads its last input at
step 0. A gradient runs from the last step to the first. Features of the input are `d`, units `u` or
`k`, the columns of the kernels `q`.
"""

import re

from minikeras.tools.explain.views.activations import ELEMENTWISE, name_of
from minikeras.tools.explain.views.table import NoView, view

ABOUT = "Reads a sequence step by step, and carries a state from each to the next."


def _function(activation, z):
    """Return the text of an activation of `z`."""
    name = name_of(activation)
    if name == "linear":
        return z
    if name not in ELEMENTWISE:
        raise NoView(f"no formula for the activation {name}")
    return _filled(ELEMENTWISE[name][0], z, None)


def _slope(activation, z, y):
    """Return the text of the slope of an activation, where it gave `y` for `z`."""
    name = name_of(activation)
    return "1" if name == "linear" else _filled(ELEMENTWISE[name][1], z, y)


def _filled(text, z, y):
    return re.sub(r"\b[zy]\b", lambda match: {"z": z, "y": y}[match[0]], text)


class _Steps:
    """What the three layers share: sizes, masks, the first state, outputs and their gradients."""

    def __init__(self, sheet, layer):
        self.sheet, self.layer = sheet, layer
        n, self.steps, self.features = sheet.shape("x0" if sheet.has("x0") else "x")
        self.x = "x0" if sheet.has("x0") else "x"
        self.units = layer.units
        self.batch = n
        self.shape = (n, self.steps, self.units)
        self.mask = sheet.has("mask") or sheet.has("mask0")
        if self.mask and not sheet.has("mask"):
            sheet.alias("mask", "mask0")
        back = layer.go_backwards
        self.place = f"{self.steps - 1} - t" if back else "t"
        self.last = self.steps - 1

    def wide(self, gates):
        """Sizes of what has a column for each gate of each unit."""
        return (self.batch, self.steps, gates * self.units)

    def before(self, name, unit, state):
        """Return the state at the step before."""
        start = f"x{state}[n, {unit}]" if self.sheet.has(f"x{state}") else "0"
        return f"({name}[n, t - 1, {unit}] if t > 0 else {start})"

    def masked(self, name, inner, state, says):
        """Write a state that stays where the mask leaves a step out."""
        text = f"{inner}[n, t, u]"
        if self.mask:
            text = f"{text} if mask[n, {self.place}] else {self.before(name, 'u', state)}"
        self.forward(name, "n t u", text, self.shape, says=says)

    def affine(self, gates, bias="bias[q]"):
        """Return the text of `x @ kernel + bias` for all columns."""
        x = f"{self.x}[n, {self.place}, d]"
        text = f"sum({x} * kernel[d, q] for d in range({self.features}))"
        return f"{text} + {bias}" if self.layer.use_bias else text

    def recurrent(self):
        """Return the text of `h @ recurrent_kernel` for all columns."""
        h = self.before("h", "k", 1)
        return f"sum({h} * recurrent_kernel[k, q] for k in range({self.units}))"

    def forward(self, name, indices, text, shape=None, says=""):
        """Write a line of a step."""
        self.sheet.forward(name, indices, text, shape, says=says, along="t")

    def backward(self, name, indices, text, shape=None, says=""):
        """Write a line of a step backwards."""
        self.sheet.backward(name, indices, text, shape, says=says, along="-t")

    def outputs(self, states):
        """Write the outputs, which are states of all steps or of the last one."""
        if self.layer.return_sequences:
            self.sheet.forward("y", "n t u", "h[n, t, u]")
        else:
            self.sheet.forward("y", "n u", f"h[n, {self.last}, u]", says="the last state")
        if self.layer.return_state:
            for i, name in enumerate(states):
                self.sheet.forward(f"y{i + 1}", "n u", f"{name}[n, {self.last}, u]")

    def from_output(self, state="h", number=1):
        """Return the text of the gradient that comes to a state from the outputs."""
        parts = []
        if state == "h" and self.sheet.has("dy"):
            if self.layer.return_sequences:
                parts.append("dy[n, t, u]")
            else:
                parts.append(f"(dy[n, u] if t == {self.last} else 0)")
        if self.sheet.has(f"dy{number}") and self.layer.return_state:
            parts.append(f"(dy{number}[n, u] if t == {self.last} else 0)")
        return " + ".join(parts) or "0"

    def stays(self, name):
        """Return the text of what passes over a step that the mask leaves out."""
        if not self.mask:
            return ""
        inner = f"0 if mask[n, {self.later()}] else {name}[n, t + 1, u]"
        return f" + (({inner}) if t < {self.last} else 0)"

    def later(self):
        """Return the place that the next step reads."""
        return f"{self.last} - (t + 1)" if self.layer.go_backwards else "t + 1"

    def only(self, text):
        """Return a text that is 0 where the mask leaves the step out."""
        return f"({text}) if mask[n, {self.place}] else 0" if self.mask else text

    def weights(self, gates, of_x, of_h, state="h"):
        """Write the gradients of the input and of the weights."""
        columns, each = gates * self.units, f"for n in range({self.batch})"
        each += f" for t in range({self.steps})"
        sheet = self.sheet
        sheet.backward(
            f"d{self.x}",
            "n t d",
            f"sum({of_x}[n, {self.place}, q] * kernel[d, q] for q in range({columns}))",
        )
        x = f"{self.x}[n, {self.place}, d]"
        sheet.backward("dkernel", "d q", f"sum({x} * {of_x}[n, t, q] {each})")
        if state == "h":
            h = self.before("h", "k", 1)
            sheet.backward("drecurrent_kernel", "k q", f"sum({h} * {of_h}[n, t, q] {each})")


def _gradients_possible(sheet):
    return any(g is not None for g in sheet.record.d_outputs)


@view("SimpleRNN", about=ABOUT)
def simple_rnn(sheet, layer):
    """`h = tanh(x @ kernel + h_before @ recurrent_kernel + bias)`."""
    run = _Steps(sheet, layer)
    run.forward("z", "n t q", f"{run.affine(1)} + {run.recurrent()}", run.shape)
    function = _function(layer.activation, "z[n, t, u]")
    run.forward("h_step", "n t u", function, run.shape, "what the step makes of both")
    run.masked("h", "h_step", 1, "the state")
    run.outputs(["h"])
    if not _gradients_possible(sheet):
        return
    later = f"sum(dz[n, t + 1, q] * recurrent_kernel[u, q] for q in range({run.units}))"
    run.backward("dh", "n t u", f"{run.from_output()} + {later}{run.stays('dh')}", run.shape)
    slope = _slope(layer.activation, "z[n, t, q]", "h_step[n, t, q]")
    run.backward("dz", "n t q", run.only(f"dh[n, t, q] * {slope}"), run.shape)
    run.weights(1, "dz", "dz")
    each = f"for n in range({run.batch}) for t in range({run.steps})"
    sheet.backward("dbias", "q", f"sum(dz[n, t, q] {each})")


@view("LSTM", about=f"{ABOUT} Gates decide what the cell keeps, takes in and shows.")
def lstm(sheet, layer):
    """Gates i (input), f (forget), o (output), the candidate g, the cell c, the output h."""
    run = _Steps(sheet, layer)
    units, gate = run.units, layer.recurrent_activation
    run.forward("z", "n t q", f"{run.affine(4)} + {run.recurrent()}", run.wide(4))
    places = {"i": "u", "f": f"u + {units}", "g": f"u + {2 * units}", "o": f"u + {3 * units}"}
    says = {
        "i": "the input gate: how much is taken in",
        "f": "the forget gate: how much of the cell stays",
        "g": "the candidate: what might be taken in",
        "o": "the output gate: how much is shown",
    }
    for name, q in places.items():
        function = layer.activation if name == "g" else gate
        run.forward(name, "n t u", _function(function, f"z[n, t, {q}]"), run.shape, says[name])
    c_before = run.before("c", "u", 2)
    run.forward("c_step", "n t u", f"f[n, t, u] * {c_before} + i[n, t, u] * g[n, t, u]", run.shape)
    run.masked("c", "c_step", 2, "the cell: what is kept, and what is taken in")
    shown = _function(layer.activation, "c_step[n, t, u]")
    run.forward("shown", "n t u", shown, run.shape)
    run.forward("h_step", "n t u", "o[n, t, u] * shown[n, t, u]", run.shape)
    run.masked("h", "h_step", 1, "the output")
    run.outputs(["h", "c"])
    if _gradients_possible(sheet):
        _lstm_backward(sheet, layer, run, places)


def _lstm_backward(sheet, layer, run, places):
    gate, act, last = layer.recurrent_activation, layer.activation, run.last
    later = f"sum(dz[n, t + 1, q] * recurrent_kernel[u, q] for q in range({4 * run.units}))"
    run.backward(
        "dh",
        "n t u",
        f"{run.from_output()} + {later}{run.stays('dh')}",
        run.shape,
        "from the output, and from the next step",
    )
    slope = _slope(act, "c_step[n, t, u]", "shown[n, t, u]")
    through = run.only(f"dh[n, t, u] * o[n, t, u] * {slope}")
    kept = f"dc[n, t + 1, u] * f[n, t + 1, u] if t < {last} else 0"
    if run.mask:
        inner = f"dc[n, t + 1, u] * f[n, t + 1, u] if mask[n, {run.later()}] else dc[n, t + 1, u]"
        kept = f"({inner}) if t < {last} else 0"
    outer = run.from_output("c", 2)
    outer = "" if outer == "0" else f"{outer} + "
    run.backward(
        "dc",
        "n t u",
        f"{outer}({through}) + ({kept})",
        run.shape,
        "through the output, and kept by the next step's forget gate",
    )
    into = {
        "i": "dc[n, t, u] * g[n, t, u]",
        "f": f"dc[n, t, u] * {run.before('c', 'u', 2)}",
        "g": "dc[n, t, u] * i[n, t, u]",
        "o": "dh[n, t, u] * shown[n, t, u]",
    }
    for name, text in into.items():
        function = act if name == "g" else gate
        slope = _slope(function, f"z[n, t, {places[name]}]", f"{name}[n, t, u]")
        run.backward(f"dz_{name}", "n t u", run.only(f"{text} * {slope}"), run.shape)
    run.backward("dz", "n t q", _side_by_side(["dz_i", "dz_f", "dz_g", "dz_o"], run.units),
                 run.wide(4))  # fmt: skip
    run.weights(4, "dz", "dz")
    each = f"for n in range({run.batch}) for t in range({run.steps})"
    sheet.backward("dbias", "q", f"sum(dz[n, t, q] {each})")


def _side_by_side(names, units):
    """Return the text of arrays with their columns one after the other."""
    text = ""
    for i, name in enumerate(names):
        q = f"q - {i * units}" if i else "q"
        last = i == len(names) - 1
        text += f"{name}[n, t, {q}]" + ("" if last else f" if q < {(i + 1) * units} else ")
    return text


@view("GRU", about=f"{ABOUT} Gates decide how much of the state is replaced.")
def gru(sheet, layer):
    """Gates z (update) and r (reset), the candidate g, the state h."""
    run = _Steps(sheet, layer)
    (_gru_after if layer.reset_after else _gru_before)(sheet, layer, run)
    run.outputs(["h"])
    if _gradients_possible(sheet):
        (_gru_after_backward if layer.reset_after else _gru_before_backward)(sheet, layer, run)


def _gates(layer, run, z, r):
    gate = layer.recurrent_activation
    says = ("the update gate: how much of the state stays", "the reset gate")
    run.forward("z", "n t u", _function(gate, z), run.shape, says[0])
    run.forward("r", "n t u", _function(gate, r), run.shape, says[1])


def _new_state(layer, run, candidate):
    run.forward("c", "n t u", candidate, run.shape, "what the candidate is made of")
    run.forward("g", "n t u", _function(layer.activation, "c[n, t, u]"), run.shape, "the candidate")
    h = run.before("h", "u", 1)
    text = f"z[n, t, u] * {h} + (1 - z[n, t, u]) * g[n, t, u]"
    run.forward("h_step", "n t u", text, run.shape, "a mean of the state and the candidate")
    run.masked("h", "h_step", 1, "the state")


def _gru_after(sheet, layer, run):
    """The reset gate acts on the product of the state with its kernel."""
    units = run.units
    run.forward("a", "n t q", run.affine(3, "bias[0, q]"), run.wide(3), "from the input")
    bias = " + bias[1, q]" if layer.use_bias else ""
    run.forward("s", "n t q", f"{run.recurrent()}{bias}", run.wide(3), "from the state")
    z, r = "(a[n, t, u] + s[n, t, u])", f"(a[n, t, u + {units}] + s[n, t, u + {units}])"
    _gates(layer, run, z, r)
    g = f"u + {2 * units}"
    _new_state(layer, run, f"a[n, t, {g}] + r[n, t, u] * s[n, t, {g}]")


def _gru_before(sheet, layer, run):
    """The reset gate acts on the state."""
    units = run.units
    run.forward("a", "n t q", run.affine(3), run.wide(3), "from the input")
    wide = (run.batch, run.steps, 2 * units)
    run.forward("s", "n t q", run.recurrent(), wide, "from the state")
    z, r = "(a[n, t, u] + s[n, t, u])", f"(a[n, t, u + {units}] + s[n, t, u + {units}])"
    _gates(layer, run, z, r)
    run.forward("p", "n t u", f"r[n, t, u] * {run.before('h', 'u', 1)}", run.shape)
    g = f"u + {2 * units}"
    product = f"sum(p[n, t, k] * recurrent_kernel[k, {g}] for k in range({units}))"
    _new_state(layer, run, f"a[n, t, {g}] + {product}")


def _gate_gradients(layer, run, reset):
    """Write the gradients of what the three columns of gates are functions of."""
    gate, units = layer.recurrent_activation, run.units
    h = run.before("h", "u", 1)
    z, r = "(a[n, t, u] + s[n, t, u])", f"(a[n, t, u + {units}] + s[n, t, u + {units}])"
    slope = _slope(gate, z, "z[n, t, u]")
    text = f"dh[n, t, u] * ({h} - g[n, t, u]) * {slope}"
    run.backward("da_z", "n t u", run.only(text), run.shape)
    slope = _slope(layer.activation, "c[n, t, u]", "g[n, t, u]")
    text = f"dh[n, t, u] * (1 - z[n, t, u]) * {slope}"
    run.backward("da_g", "n t u", run.only(text), run.shape)
    if not layer.reset_after:
        run.backward(
            "dp",
            "n t u",
            f"sum(da_g[n, t, k] * recurrent_kernel[u, k + {2 * units}] for k in range({units}))",
            run.shape,
        )
    slope = _slope(gate, r, "r[n, t, u]")
    run.backward("da_r", "n t u", f"{reset} * {slope}", run.shape)
    run.backward("da", "n t q", _side_by_side(["da_z", "da_r", "da_g"], units), run.wide(3))


def _stays_by_gate(run):
    """What passes to the state directly from the next step."""
    text = f" + (dh[n, t + 1, u] * z[n, t + 1, u] if t < {run.last} else 0)"
    if not run.mask:
        return text
    inner = f"dh[n, t + 1, u] * z[n, t + 1, u] if mask[n, {run.later()}] else dh[n, t + 1, u]"
    return f" + (({inner}) if t < {run.last} else 0)"


def _gru_after_backward(sheet, layer, run):
    units = run.units
    later = f"sum(ds[n, t + 1, q] * recurrent_kernel[u, q] for q in range({3 * units}))"
    text = f"{run.from_output()} + {later}{_stays_by_gate(run)}"
    run.backward("dh", "n t u", text, run.shape, "from the output, and from the next step")
    _gate_gradients(layer, run, f"da_g[n, t, u] * s[n, t, u + {2 * units}]")
    text = f"da[n, t, q] * (r[n, t, q - {2 * units}] if q >= {2 * units} else 1)"
    run.backward("ds", "n t q", text, run.wide(3))
    run.weights(3, "da", "ds")
    each = f"for n in range({run.batch}) for t in range({run.steps})"
    text = f"sum((da[n, t, q] if row == 0 else ds[n, t, q]) {each})"
    sheet.backward("dbias", "row q", text)


def _gru_before_backward(sheet, layer, run):
    units = run.units
    later = f"sum(da[n, t + 1, q] * recurrent_kernel[u, q] for q in range({2 * units}))"
    later += f" + (dp[n, t + 1, u] * r[n, t + 1, u] if t < {run.last} else 0)"
    text = f"{run.from_output()} + {later}{_stays_by_gate(run)}"
    run.backward("dh", "n t u", text, run.shape, "from the output, and from the next step")
    _gate_gradients(layer, run, f"dp[n, t, u] * {run.before('h', 'u', 1)}")
    run.weights(3, "da", "da", state="p")
    each = f"for n in range({run.batch}) for t in range({run.steps})"
    source = f"({run.before('h', 'k', 1)} if q < {2 * units} else p[n, t, k])"
    sheet.backward("drecurrent_kernel", "k q", f"sum({source} * da[n, t, q] {each})")
    sheet.backward("dbias", "q", f"sum(da[n, t, q] {each})")
