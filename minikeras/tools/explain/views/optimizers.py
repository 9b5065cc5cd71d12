"""The optimizer's step of one weight, as formulas with the variables that it keeps for it.

`w` is the weight, `g` its gradient; what ends in `_new` is after the step. Names without square
brackets are the optimizer's numbers, as the step's dtype holds them.
"""

import numpy as np

from minikeras.tools.explain.sheet import letters

AVERAGES = [
    ("m_new", "m + (g - m) * (1 - beta_1)", "the mean gradient, which forgets"),
    ("v_new", "v + (g * g - v) * (1 - beta_2)", "the mean squared gradient"),
]

ADAM = [
    *AVERAGES,
    ("m_hat", "m_new / bias_correction_1", "m began at 0: divided by 1 - beta_1 ** t"),
    ("v_hat", "v_new / bias_correction_2", "the same for v"),
    (
        "w_new",
        "w - learning_rate * m_hat / (sqrt(v_hat) + epsilon / sqrt(bias_correction_2))",
        "a step of about the learning rate",
    ),
]

SQUARES = ("v_new", "v * rho + g * g * (1 - rho)", "the mean squared gradient")

# By class, and by what its options add: the optimizer's variables by the names of formulas, and
# lines of `(name, text, sentence)`.
RULES = {
    "SGD": ({}, [("w_new", "w - learning_rate * g", "against the gradient")]),
    "SGD momentum": (
        {"v": "momentums"},
        [
            ("v_new", "momentum * v - learning_rate * g", "the velocity"),
            ("w_new", "w + v_new", ""),
        ],
    ),
    "SGD nesterov": (
        {"v": "momentums"},
        [
            ("v_new", "momentum * v - learning_rate * g", "the velocity"),
            ("w_new", "w + momentum * v_new - learning_rate * g", "looks one step ahead"),
        ],
    ),
    "Adam": ({"m": "momentums", "v": "velocities"}, ADAM),
    "AdamW": ({"m": "momentums", "v": "velocities"}, ADAM),
    "Adam amsgrad": (
        {"m": "momentums", "v": "velocities", "top": "velocity_hats"},
        [
            *AVERAGES,
            ("top_new", "maximum(top, v_new)", "the largest v so far"),
            (
                "w_new",
                "w - learning_rate * sqrt(bias_correction_2) / bias_correction_1 * m_new "
                "/ (sqrt(top_new) + epsilon)",
                "",
            ),
        ],
    ),
    "RMSprop": (
        {"v": "velocities"},
        [SQUARES, ("w_new", "w - learning_rate * g / sqrt(v_new + epsilon)", "")],
    ),
    "RMSprop momentum": (
        {"v": "velocities", "b": "momentums"},
        [
            SQUARES,
            ("b_new", "momentum * b + learning_rate * g / sqrt(v_new + epsilon)", "the velocity"),
            ("w_new", "w - b_new", ""),
        ],
    ),
    "RMSprop centered": (
        {"v": "velocities", "m": "average_gradients"},
        [
            SQUARES,
            ("m_new", "m * rho + g * (1 - rho)", "the mean gradient"),
            ("w_new", "w - learning_rate * g / sqrt(v_new - m_new ** 2 + epsilon)", ""),
        ],
    ),
    "Adagrad": (
        {"v": "accumulators"},
        [
            ("v_new", "v + g * g", "the sum of all squared gradients"),
            ("w_new", "w - learning_rate * g / sqrt(v_new + epsilon)", ""),
        ],
    ),
    "Adadelta": (
        {"v": "accumulated_grads", "d": "accumulated_delta_vars"},
        [
            SQUARES,
            (
                "move",
                "sqrt(d + epsilon) / sqrt(v_new + epsilon) * g",
                "a step in the weight's unit",
            ),
            ("d_new", "d * rho + move * move * (1 - rho)", "the mean squared step"),
            ("w_new", "w - learning_rate * move", ""),
        ],
    ),
    "Adamax": (
        {"m": "m", "u": "u"},
        [
            AVERAGES[0],
            ("u_new", "maximum(beta_2 * u, abs(g))", "the largest gradient, fading"),
            (
                "w_new",
                "w - learning_rate * m_new / bias_correction_1 / (u_new + epsilon)",
                "",
            ),
        ],
    ),
    "Nadam": (
        {"m": "momentums", "v": "velocities"},
        [
            *AVERAGES,
            (
                "m_hat",
                "mu_next * m_new / (1 - product * mu_next) + (1 - mu) * g / (1 - product)",
                "the mean gradient, looked at one step ahead",
            ),
            ("v_hat", "v_new / bias_correction_2", "v began at 0"),
            ("w_new", "w - learning_rate * m_hat / (sqrt(v_hat) + epsilon)", ""),
        ],
    ),
    "Lion": (
        {"m": "momentums"},
        [
            ("blend", "beta_1 * m + (1 - beta_1) * g", "the average and the gradient"),
            (
                "w_new",
                "w - learning_rate * (1 if blend > 0 else (-1 if blend < 0 else 0))",
                "steps of one size",
            ),
            ("m_new", "m * beta_2 + g * (1 - beta_2)", ""),
        ],
    ),
    "Ftrl": (
        {"n": "accumulators", "z": "linears"},
        [
            ("n_new", "n + g * g", "the sum of squared gradients"),
            (
                "z_new",
                "z + g + 2 * shrinkage * w - (n_new ** power - n ** power) / learning_rate * w",
                "",
            ),
            (
                "w_new",
                "(minimum(maximum(z_new, -l1), l1) - z_new) / (n_new ** power / learning_rate "
                "+ 2 * (l2 + beta / (2 * learning_rate)))",
                "",
            ),
        ],
    ),
}

OPTIONS = ("nesterov", "momentum", "centered", "amsgrad")
"""Options that change the formulas, the one that decides first."""


def write(sheet, trace, step, name):
    """Write the step of a weight, or without formulas what it was and has become.

    Args:
        sheet: the `Sheet` of the layer that owns it.
        trace: the `Trace`.
        step: its `Step`.
        name: name of the weight's array.
    """
    label = name.rpartition("/")[2]
    rule = RULES.get(_key(trace.optimizer), ({}, []))

    def with_formulas(draft):
        names = dict(draft.names)
        draft.names = {}
        _put(draft, step, name, label, rule[0])
        renamed = _squares_of_rows(draft, names, trace.optimizer, step, label)
        _write_rule(draft, trace, step, label, rule, renamed)

    def without(draft):
        draft.names = {}
        _put(draft, step, name, label, {})

    if sheet.attempt(with_formulas) is not None:
        sheet.attempt(without)


def _key(optimizer):
    name = type(optimizer).__name__
    for option in OPTIONS:
        if getattr(optimizer, option, None) and f"{name} {option}" in RULES:
            momentum = getattr(optimizer, "momentum", None)
            if option == "nesterov" and not momentum:
                continue
            return f"{name} {option}"
    return name


def _put(sheet, step, name, label, slots):
    """Add the weight, its gradient and the optimizer's variables, before and after."""
    owner = name.rpartition("/")[0]
    sheet.put("w", name, step.before, "weight")
    total = f"{owner}/d_{label}_total"
    gradient = total if total in sheet.arrays else f"{owner}/d_{label}"
    sheet.put("g", gradient, step.gradient, "gradient", of=name)
    local = {slot: short for short, slot in slots.items()}
    for slot, (before, after) in step.slots.items():
        short = local.get(slot, slot)
        if before.shape != step.before.shape:
            continue
        sheet.put(short, f"{owner}/{label}_{short}", before, "step", of=name)
        sheet.put(f"{short}_new", f"{owner}/{label}_{short}_new", after, "step", of=name)
    sheet.put("w_new", f"{owner}/{label}_new", step.after, "step", of=name)


def _squares_of_rows(sheet, names, optimizer, step, label):
    """Write the squared gradient of a table of look-ups: each look-up's is squared separately."""
    clips = optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm
    if type(sheet.record.layer).__name__ != "Embedding" or clips or "dy" not in names:
        return {}
    sheet.names.update(x=names["x"], dy=names["dy"])
    names = letters(len(sheet.shape("x")))
    at = ", ".join(names)
    each = " ".join(f"for {n} in range({s})" for n, s in zip(names, sheet.shape("x"), strict=True))
    _named(sheet, "squares", label, step.before.shape, ["a", "b"])
    text = f"sum(dy[{at}, b] ** 2 {each} if x[{at}] == a)"
    sheet.step("squares", "a b", text, says="each look-up's gradient is squared separately")
    return {"g * g": "squares"}


def _write_rule(sheet, trace, step, label, rule, renamed):
    axes = list("abcdefghi"[: step.before.ndim])
    numbers = _numbers(trace.optimizer, trace.scalars, step.before.dtype)
    known = {"w", "g", "squares", *_names(rule)}
    renamed |= _clipped(sheet, trace.optimizer, step, axes, label)
    renamed |= _decayed(sheet, trace.optimizer, step, axes, numbers, label)
    for name, text, says in rule[1]:
        filled = _indexed(text, known, renamed, axes)
        if not sheet.has(name):
            _named(sheet, name, label, step.before.shape, axes)
        sheet.step(name, " ".join(axes), filled, says=says, **numbers)


def _names(rule):
    slots, lines = rule
    return [*slots, *[f"{slot}_new" for slot in slots], *[name for name, *_ in lines]]


def _named(sheet, name, label, shape, axes):
    """Add an array of the step that has the weight's name in its own."""
    sheet.new(name, f"{sheet.key}/{label}_{name}", shape, "step", axes=axes)


def _indexed(text, known, renamed, axes):
    """Put indices after the names of arrays in a line."""
    at = f"[{', '.join(axes)}]" if axes else "[()]"
    out, word = "", ""
    for character in text.replace("g * g", renamed.get("g * g", "g * g")) + " ":
        if character.isalnum() or character == "_":
            word += character
            continue
        out += (f"{renamed.get(word, word)}{at}" if word in known else word) + character
        word = ""
    return out.strip()


def _clipped(sheet, optimizer, step, axes, label):
    """Write how the gradient is made smaller before the step."""
    at, names = f"[{', '.join(axes)}]", " ".join(axes)
    if optimizer.clipnorm:
        limit = float(np.float32(optimizer.clipnorm))
        each = " ".join(
            f"for {a} in range({s})" for a, s in zip(axes, step.before.shape, strict=True)
        )
        _named(sheet, "norm", label, (), [])
        sheet.step("norm", "", f"sqrt(sum(g{at} ** 2 {each}))", says="the gradient's length")
        text = f"g{at} * {limit} / maximum(norm[()], {limit})"
    elif optimizer.clipvalue:
        limit = float(np.float32(optimizer.clipvalue))
        text = f"minimum(maximum(g{at}, -{limit}), {limit})"
    else:
        return {}
    _named(sheet, "clipped", label, step.before.shape, axes)
    sheet.step("clipped", names, text, says="the gradient made smaller")
    return {"g": "clipped"}


def _decayed(sheet, optimizer, step, axes, numbers, label):
    """Write how the weight shrinks before the step."""
    if optimizer.weight_decay is None or not optimizer._is_decayed(step.variable):
        return {}
    at = f"[{', '.join(axes)}]"
    _named(sheet, "decayed", label, step.before.shape, axes)
    text = f"w{at} - w{at} * weight_decay * learning_rate"
    sheet.step("decayed", " ".join(axes), text, says="the weight shrinks a little", **numbers)
    return {"w": "decayed"}


def _numbers(optimizer, scalars, dtype):
    """The numbers of a step by name, rounded as the step rounds them."""
    t = scalars["iterations"] + 1
    numbers = {"learning_rate": scalars["learning_rate"], "t": t}
    for name in ("epsilon", "beta_1", "beta_2", "rho", "momentum", "weight_decay", "beta"):
        value = getattr(optimizer, name, None)
        if isinstance(value, (int, float)):
            numbers[name] = float(value)
    narrow = np.float32
    for number in (1, 2):
        if f"beta_{number}" in numbers:
            beta = dtype.type(narrow(numbers[f"beta_{number}"]))
            numbers[f"bias_correction_{number}"] = float(dtype.type(1) - beta ** dtype.type(t))
    if type(optimizer).__name__ == "Nadam":
        fade, beta = float(narrow(0.96)), float(narrow(numbers["beta_1"]))
        numbers["mu"] = beta * (1 - 0.5 * fade**t)
        numbers["mu_next"] = beta * (1 - 0.5 * fade ** (t + 1))
        numbers["product"] = float(optimizer._u_product)
    if type(optimizer).__name__ == "Ftrl":
        numbers["power"] = -optimizer.learning_rate_power
        numbers["l1"] = optimizer.l1_regularization_strength
        numbers["l2"] = optimizer.l2_regularization_strength
        numbers["shrinkage"] = optimizer.l2_shrinkage_regularization_strength
    return numbers
