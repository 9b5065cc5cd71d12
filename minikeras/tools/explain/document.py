"""The document that the page shows: nodes, arrays, formulas, timeline."""

import inspect

import numpy as np

from minikeras.tools.explain.sheet import Sheet, letters
from minikeras.tools.explain.views import optimizers
from minikeras.tools.explain.views.every import ABOUT, view_of
from minikeras.tools.explain.views.losses import LOSSES, loss_name, total
from minikeras.tools.trace.state import weight_names


class Document:
    """What one trace says, as nodes with arrays and formulas.

    Args:
        trace: the `Trace`.
        title: one line.

    Attributes:
        arrays: dict of name to array, in the dtype in which the run had it.
        sheets: dict of a node's key to its `Sheet`.
        nodes: list of dicts, as the page reads them, but for formulas and arrays.
    """

    def __init__(self, trace, title=None):
        self.trace = trace
        self.title = title
        wide = any(y.dtype == "float64" for y in trace.outputs)
        self.dtype = "float64" if wide else "float32"
        self.arrays = {}
        self.sheets = {}
        self.nodes = []
        self.left_out = []
        self.calls = {}  # by key of a record: key of its node
        self.owners = {}  # by identity of a weight: name of its array
        self.back = {}  # by name of an output: the contributions to its gradient
        self._add_inputs()
        self._add_calls()
        self._add_loss()
        self._add_views()
        self._add_sums()
        self._add_steps()

    # ---- arrays

    def _add_inputs(self):
        for i, x in enumerate(self.trace.inputs):
            key = f"input:{i}"
            sheet = self._node(key, [key], "InputLayer", [], "What the model is given.", None)
            sheet.put("y", f"{key}/out", x, "output")
            gradient = self.trace.d_inputs[i]
            if gradient is not None:
                name = f"{key}/d_out"
                sheet.put("dy", name, gradient, "gradient", of=f"{key}/out")

    def _node(self, key, path, name, inputs, about, record):
        sheet = self.sheets[key] = Sheet(key, record, self.arrays, self.dtype)
        self.nodes.append(
            {"key": key, "path": path, "class": name, "inputs": inputs, "about": about, "notes": []}
        )
        return sheet

    def _add_calls(self):
        counts = {}
        for record in self.trace.records:
            counts[record.path] = counts.get(record.path, 0) + 1
        for record in self.trace.records:
            short = record.path if counts[record.path] == 1 else f"{record.path}#{record.index}"
            self.calls[record.key] = short
        for record in self.trace.records:
            self._add_call(record)

    def _add_call(self, record):
        key = self.calls[record.key]
        name = type(record.layer).__name__
        inputs = [self._producer(place) for place in record.origins if place is not None]
        about = ABOUT.get(name) or _first_sentence(record.layer)
        path = record.path.split("/")
        sheet = self._node(key, path, name, list(dict.fromkeys(inputs)), about, record)
        self._put_inputs(sheet, record)
        for i, y in enumerate(record.outputs):
            suffix = "" if i == 0 else str(i)
            out = f"{key}/out{suffix}"
            for local in ("y", "y0") if i == 0 else (f"y{i}",):
                sheet.put(local, out, y, "output")
            if record.d_outputs[i] is not None:
                name = f"{key}/d_out{suffix}"
                for local in ("dy", "dy0") if i == 0 else (f"dy{i}",):
                    sheet.put(local, name, record.d_outputs[i], "gradient", of=out)
        if record.logits and record.logits[0] is not None:
            sheet.put("z", f"{key}/z", record.logits[0], "inside")
            if record.d_logits[0] is not None:
                of = f"{key}/z"
                sheet.put("dz", f"{key}/d_z", record.d_logits[0], "gradient", of=of)
        self._put_weights(sheet, record)

    def _producer(self, place):
        where, index = place
        return f"input:{index}" if where == "input" else self.calls[where]

    def _out_of(self, place):
        where, index = place
        if where == "input":
            return f"input:{index}/out"
        return f"{self.calls[where]}/out{index or ''}"

    def _put_inputs(self, sheet, record):
        alone = len(record.inputs) == 1
        for i, x in enumerate(record.inputs):
            place = record.origins[i]
            name = f"{sheet.key}/in{i}"
            if place is not None and self.arrays[self._out_of(place)].shape == x.shape:
                name = self._out_of(place)
            locals_ = ("x", "x0") if i == 0 and not alone else ("x",) if alone else (f"x{i}",)
            for local in locals_:
                sheet.put(local, name, x, "input")
            if record.masks[i] is not None:
                for local in [k.replace("x", "mask") for k in locals_]:
                    sheet.put(local, f"{sheet.key}/{local}", record.masks[i], "inside")
            gradient = record.d_inputs[i]
            if gradient is not None:
                self._put_contribution(sheet, name, gradient, i, locals_)

    def _put_contribution(self, sheet, name, gradient, i, locals_):
        """What a call passes back to one of its inputs: it adds to that array's gradient."""
        own = f"{sheet.key}/d_in{i or ''}"
        self.back.setdefault(name, []).append(own)
        for local in locals_:
            sheet.put(f"d{local}", own, gradient, "gradient", of=name)

    def _put_weights(self, sheet, record):
        layer = record.layer
        identities = {n: i for i, n in weight_names(layer).items()}
        for path, values in record.weights.items():
            local = _local(path)
            name = self.owners.setdefault(identities[path], f"{sheet.key}/{local}")
            sheet.put(local, name, values, "weight")
            gradient = record.d_weights.get(path)
            if gradient is not None:
                mine = f"{sheet.key}/d_{local}"
                self.back.setdefault(name, []).append(mine)
                sheet.put(f"d{local}", mine, gradient, "gradient", of=name)
            if path in record.states:
                after = f"{sheet.key}/{local}_after"
                sheet.put(f"{local}_after", after, record.states[path], "statistic", of=name)

    # ---- formulas

    def _add_views(self):
        for record in self.trace.records:
            key = self.calls[record.key]
            view = view_of(record.layer)
            if view is None or any(a.dtype.kind not in "fiub" for a in record.inputs):
                continue
            reason = self.sheets[key].attempt(lambda draft, r=record, v=view: v(draft, r.layer))
            if reason is not None:
                self._entry(key)["notes"].append(f"Shown without formulas: {reason}.")

    def _entry(self, key):
        return next(node for node in self.nodes if node["key"] == key)

    def _add_loss(self):
        trace = self.trace
        origins = [place for place in trace.origins if place is not None]
        loss = getattr(trace.model, "loss", None) if trace.targets else None
        name = loss_name(loss) if not isinstance(loss, (dict, list)) else None
        view = total if not trace.targets else LOSSES.get(name) if name else None
        kind = "Sum" if not trace.targets else _class_of(loss)
        inputs = list(dict.fromkeys(self._producer(place) for place in origins))
        about = "The number that training makes small."
        sheet = self._node("loss", ["loss"], kind, inputs, about, None)
        for i, y in enumerate(trace.targets):
            local = "target" if len(trace.targets) == 1 else f"target{i}"
            sheet.put(local, f"loss/{local}", y, "input")
        if trace.targets and view is LOSSES["sparse_categorical_crossentropy"]:
            self._squeeze_target(sheet)
        sheet.put("L", "loss/L", np.asarray(trace.loss, trace.outputs[0].dtype), "output")
        if view is None or len(trace.outputs) != 1 or not origins or trace.penalties:
            self._pass_on_loss(sheet, origins)
            return
        self._write_loss(sheet, view, loss, origins[0])

    def _squeeze_target(self, sheet):
        """Targets of shape `(n, 1)` are classes as those of `(n,)` are."""
        target, p = self.arrays["loss/target"], self.trace.outputs[0]
        if target.ndim == p.ndim:
            self.arrays["loss/target"] = target[..., 0]

    def _pass_on_loss(self, sheet, origins):
        """Without a formula of the loss, show what it reads and where its gradient begins."""
        for place in origins:
            name = self._out_of(place)
            sheet.put(f"p{len(sheet.names)}", name, self.arrays[name], "input")

    def _write_loss(self, sheet, view, loss, place):
        name = self._out_of(place)
        owner = self.sheets[self._producer(place)]
        sheet.put("p", name, self.arrays[name], "input")

        def write(draft):
            if owner.record is not None and _begins_at_logits(owner.record):
                logits = owner.names["dz"]
                draft.put("dlogits", logits, owner.array("dz"), "gradient", of=owner.names["z"])
            elif owner.has("dy"):
                draft.put("dp", "loss/d_p", owner.array("dy"), "gradient", of=name)
            view(draft, loss)

        reason = sheet.attempt(write)
        if reason is not None:
            self._entry("loss")["notes"].append(f"Shown without formulas: {reason}.")
        elif "loss/d_p" in self.arrays:
            self.back.setdefault(name, []).append("loss/d_p")

    def _add_sums(self):
        """Join what calls pass back: one contribution is the gradient, several are added."""
        renamed = {}
        for node in self.nodes:
            sheet = self.sheets[node["key"]]
            for entry in list(sheet.entries):
                if entry["role"] == "gradient" or entry["name"] not in self.back:
                    continue
                parts = self.back[entry["name"]]
                whole = self._whole_gradient(sheet, entry)
                if whole is None:
                    continue
                parts = parts + self._of_penalty(sheet, entry, whole, parts)
                same = len(parts) == 1 and np.array_equal(self.arrays[parts[0]], self.arrays[whole])
                if same and parts[0] != whole:
                    renamed[parts[0]] = whole
                elif not same:
                    self._add_sum(sheet, entry, whole, parts)
        self._rename(renamed)

    def _whole_gradient(self, sheet, entry):
        """The name of the whole gradient of an output of a node, or of a weight it owns."""
        own = entry["name"].startswith(f"{sheet.key}/")
        if entry["role"] == "output" and own:
            name = entry["name"].replace("/out", "/d_out")
            return name if name in self.arrays else None
        step = self._step_of(entry) if entry["role"] == "weight" and own else None
        if step is None or (len(self.back[entry["name"]]) == 1 and not _is_penalized(step)):
            return None
        owner, _, label = entry["name"].rpartition("/")
        name = f"{owner}/d_{label}_total"
        sheet.put(f"d{entry['label']}_total", name, step.gradient, "gradient", of=entry["name"])
        return name

    def _step_of(self, entry):
        """The optimizer's step of a weight, None without one."""
        variable = next((k for k, v in self.owners.items() if v == entry["name"]), None)
        return next((s for s in self.trace.steps if id(s.variable) == variable), None)

    def _of_penalty(self, sheet, entry, whole, parts):
        """What a penalty on a weight adds to its gradient: a list of one name, or none."""
        step = self._step_of(entry) if entry["role"] == "weight" else None
        if step is None or not _is_penalized(step):
            return []
        name = whole.removesuffix("_total") + "_penalty"
        rest = self.arrays[whole] - sum(self.arrays[part] for part in parts)
        sheet.put(f"d{entry['label']}_penalty", name, rest, "gradient", of=entry["name"])
        return [name]

    def _add_sum(self, sheet, entry, whole, parts):
        axes = letters(self.arrays[whole].ndim)
        locals_ = [f"part{i}" for i in range(len(parts))]
        text = " + ".join(f"{local}[{', '.join(axes)}]" for local in locals_)

        def write(draft):
            draft.names.update(zip(locals_, parts, strict=True))
            draft.names["whole"] = whole
            says = "what each passes back is added, and what a penalty does"
            draft.backward("whole", " ".join(axes), text, says=says)

        sheet.attempt(write)  # nothing is said where code between the layers has a share

    def _rename(self, renamed):
        for old in renamed:
            self.arrays.pop(old, None)
        for sheet in self.sheets.values():
            sheet.names = {k: renamed.get(v, v) for k, v in sheet.names.items()}
            known = {e["name"] for e in sheet.entries}
            for entry in list(sheet.entries):
                if entry["name"] in renamed:
                    entry["name"] = renamed[entry["name"]]
                    if entry["name"] in known:
                        sheet.entries.remove(entry)
            for formula in sheet.formulas:
                formula.array = renamed.get(formula.array, formula.array)
                formula.names = {
                    k: renamed.get(v, v) if isinstance(v, str) else v
                    for k, v in formula.names.items()
                }

    def _add_steps(self):
        for step in self.trace.steps:
            name = self.owners.get(id(step.variable))
            if name is None:
                continue
            key = name.rpartition("/")[0]
            optimizers.write(self.sheets[key], self.trace, step, name)

    def summary(self):
        """Return one sentence on the model and the example."""
        trace = self.trace
        count = len(trace.records)
        text = f"{trace.model.name}, {count} {'layer' if count == 1 else 'layers'}"
        how = "loss" if trace.targets else "sum of the outputs"
        return f"{text}: {how} {trace.loss:.4f}."


def _is_penalized(step):
    """Whether a regularizer adds something to the gradient of a step's weight."""
    return getattr(step.variable, "regularizer", None) is not None


def _begins_at_logits(record):
    return record.logits[0] is not None and record.d_logits[0] is not None


def _class_of(loss):
    if isinstance(loss, (list, dict)):
        return "Losses"
    if isinstance(loss, str):
        return "".join(part.capitalize() for part in loss.split("_"))
    return getattr(loss, "__name__", type(loss).__name__)


def _local(path):
    """Return the short name of a weight: cells of recurrent layers add nothing to it."""
    parts = [p for p in path.split("/") if not p.endswith("_cell") and p != "cell"]
    return "".join(c if c.isalnum() else "_" for c in "_".join(parts))


def _first_sentence(layer):
    text = inspect.getdoc(type(layer)) or ""
    return " ".join(text.split("\n\n")[0].split()).partition(". ")[0].rstrip(".") + "."
