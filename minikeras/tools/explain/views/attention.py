"""MultiHeadAttention: projections, scores, softmax, context.

`n` is the sample, `t` a place of the query, `s` a place of the key and value, `h` the head, `k` and
`e` the features of key and value, `d` those of the input.
"""

from math import sqrt

from minikeras.tools.explain.views.table import NoView, view


class _Sizes:
    def __init__(self, sheet, layer):
        self.query, self.value = "x0", "x1"
        self.key = "x2" if sheet.has("x2") else "x1"
        if not sheet.has("x1") or any(len(sheet.shape(x)) != 3 for x in ("x0", "x1")):
            raise NoView("attention over several axes")
        if len(sheet.record.inputs) > 3:
            raise NoView("an attention mask")
        self.n, self.t, self.d = sheet.shape(self.query)
        self.s, self.dv = sheet.shape(self.value)[1:]
        self.dk = sheet.shape(self.key)[-1]
        self.h, self.k = sheet.shape("query_kernel")[1:]
        self.e = sheet.shape("value_kernel")[2]
        self.causal = bool(sheet.record.arguments.get("use_causal_mask"))


@view("MultiHeadAttention", about="Each place reads from all places, by how well they match it.")
def multi_head_attention(sheet, layer):
    """Scores of each query with each key; their softmax weighs the values."""
    z = _Sizes(sheet, layer)
    bias = layer.use_bias if hasattr(layer, "use_bias") else sheet.has("query_bias")
    _project(sheet, z, bias)
    scale = {"scale": 1 / sqrt(z.k)}
    only = " if s <= t" if z.causal else ""
    sheet.forward(
        "scores",
        "n h t s",
        f"sum(q[n, t, h, k] * keys[n, s, h, k] for k in range({z.k})) * scale",
        (z.n, z.h, z.t, z.s),
        says="how well key s matches query t",
        **scale,
    )
    each = f"for s in range({z.s}){only}"
    sheet.forward("largest", "n h t", f"max(scores[n, h, t, s] {each})", (z.n, z.h, z.t))
    sheet.forward(
        "total",
        "n h t",
        f"sum(exp(scores[n, h, t, s] - largest[n, h, t]) {each})",
        (z.n, z.h, z.t),
    )
    share = "exp(scores[n, h, t, s] - largest[n, h, t]) / total[n, h, t]"
    sheet.forward(
        "p",
        "n h t s",
        f"{share} if s <= t else 0" if z.causal else share,
        (z.n, z.h, z.t, z.s),
        says="softmax: how much place t reads from place s",
    )
    sheet.forward(
        "context",
        "n t h e",
        f"sum(p[n, h, t, s] * values[n, s, h, e] for s in range({z.s}))",
        (z.n, z.t, z.h, z.e),
        says="the values, weighted",
    )
    shift = " + attention_output_bias[d]" if bias else ""
    heads = f"for h in range({z.h}) for e in range({z.e})"
    text = f"sum(context[n, t, h, e] * attention_output_kernel[h, e, d] {heads}){shift}"
    sheet.forward("y", "n t d", text, says="the heads joined")
    _backward(sheet, z, bias, scale)


_PARTS = (("q", "query", "t", "k"), ("keys", "key", "s", "k"), ("values", "value", "s", "e"))
"""Array, weight, and index variables of place and feature."""


def _project(sheet, z, bias):
    for array, weight, place, feature in _PARTS:
        x, sizes = getattr(z, weight), sheet.shape(getattr(z, weight))
        shift = f" + {weight}_bias[h, {feature}]" if bias else ""
        sheet.forward(
            array,
            f"n {place} h {feature}",
            f"sum({x}[n, {place}, d] * {weight}_kernel[d, h, {feature}] "
            f"for d in range({sizes[-1]})){shift}",
            (z.n, sizes[1], z.h, getattr(z, feature)),
            says=f"the {weight} of each head",
        )


def _backward(sheet, z, bias, scale):
    if not sheet.has("dy"):
        return
    width = sheet.shape("y")[-1]
    every = f"for n in range({z.n}) for t in range({z.t})"
    sheet.backward("dattention_output_bias", "d", f"sum(dy[n, t, d] {every})")
    sheet.backward(
        "dattention_output_kernel", "h e d", f"sum(context[n, t, h, e] * dy[n, t, d] {every})"
    )
    sheet.backward(
        "dcontext",
        "n t h e",
        f"sum(dy[n, t, d] * attention_output_kernel[h, e, d] for d in range({width}))",
        (z.n, z.t, z.h, z.e),
    )
    sheet.backward(
        "dp",
        "n h t s",
        f"sum(dcontext[n, t, h, e] * values[n, s, h, e] for e in range({z.e}))",
        (z.n, z.h, z.t, z.s),
    )
    carried = f"sum(p[n, h, t, b] * dp[n, h, t, b] for b in range({z.s}))"
    sheet.backward(
        "dscores",
        "n h t s",
        f"p[n, h, t, s] * (dp[n, h, t, s] - {carried})",
        (z.n, z.h, z.t, z.s),
        says="through the softmax",
    )
    _projections_backward(sheet, z, scale)


def _projections_backward(sheet, z, scale):
    texts = {
        "q": f"sum(dscores[n, h, t, s] * keys[n, s, h, k] for s in range({z.s})) * scale",
        "keys": f"sum(dscores[n, h, t, s] * q[n, t, h, k] for t in range({z.t})) * scale",
        "values": f"sum(p[n, h, t, s] * dcontext[n, t, h, e] for t in range({z.t}))",
    }
    back = {}
    for array, weight, place, feature in _PARTS:
        gradient, x = f"d{array}", getattr(z, weight)
        constants = scale if array != "values" else {}
        indices = f"n {place} h {feature}"
        sheet.backward(gradient, indices, texts[array], sheet.shape(array), **constants)
        every = f"for n in range({z.n}) for {place} in range({getattr(z, place)})"
        cell = f"{gradient}[n, {place}, h, {feature}]"
        sheet.backward(f"d{weight}_bias", f"h {feature}", f"sum({cell} {every})")
        text = f"sum({x}[n, {place}, d] * {cell} {every})"
        sheet.backward(f"d{weight}_kernel", f"d h {feature}", text)
        each = f"for h in range({z.h}) for {feature} in range({getattr(z, feature)})"
        part = f"sum({cell} * {weight}_kernel[d, h, {feature}] {each})"
        back.setdefault(x, []).append((place, part))
    for x, parts in back.items():
        place = parts[0][0]
        sheet.backward(f"d{x}", f"n {place} d", " + ".join(text for _, text in parts))
