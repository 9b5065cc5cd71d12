"""Attention: values weighed by how well their keys match a query."""

from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import Family, elementwise, same
from minikeras.autograd.fused import fused
from minikeras.autograd.primitive import primitive
from minikeras.autograd.symbolic import Abstract
from minikeras.core import dims, dtypes
from minikeras.kernels.shared import attention as kernels
from minikeras.ops.elementwise.comparison import where
from minikeras.ops.linalg.products import matmul
from minikeras.ops.nn.softmax import softmax_along
from minikeras.ops.rearranging.elements import repeat
from minikeras.ops.shapes.shaping import transpose
from minikeras.ops.shapes.sizes import may_agree


@op
def dot_product_attention(
    query,
    key,
    value,
    bias=None,
    mask=None,
    scale=None,
    is_causal=False,
    flash_attention=None,
    attn_logits_soft_cap=None,
):
    """Weigh values by how well their keys match the queries.

    `softmax(scale * query @ key^T + bias) @ value`; Vaswani et al., "Attention Is All You Need"
    (2017), section 3.2.

    Args:
        query: float tensor `(batch, targets, heads, size)`.
        key: float tensor `(batch, sources, heads or a divisor of it, size)`.
        value: float tensor of the shape of `key`, but for its last size, which may differ.
        bias: float tensor that broadcasts to `(batch, heads, targets, sources)`, or None.
        mask: bool tensor that broadcasts to that shape, True where a source may be seen, or None.
        scale: number, by default `1 / sqrt(size)`.
        is_causal: bool, whether a target sees only the sources up to its own place.
        flash_attention: must be None or False.
        attn_logits_soft_cap: float or None; has no effect, as in Keras on TensorFlow.

    Returns:
        A float tensor `(batch, targets, heads, size of a value)`.

    Raises:
        ValueError: if the shapes do not fit, or flash attention is asked for.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.ones((1, 3, 2, 4))
        >>> keras.ops.dot_product_attention(x, x, x).shape
        (1, 3, 2, 4)
    """
    if flash_attention:
        raise ValueError("Flash attention is not supported: pass `flash_attention=False`.")
    query, key, value = (convert_to_tensor(x) for x in (query, key, value))
    _check(query, key, value)
    common = dtypes.result_type(query.dtype, key.dtype, value.dtype)
    query, key, value = (
        x if x.dtype == common else cast(x, dtype=common) for x in (query, key, value)
    )
    key, value = (_shared_heads(x, query.shape[2]) for x in (key, value))
    if scale is None:
        scale = key.shape[-1] ** -0.5
    if bias is not None:
        bias = cast(convert_to_tensor(bias), dtype=dtypes.result_type(common, "float32"))
    if mask is not None:
        mask = cast(convert_to_tensor(mask), dtype="bool")
    attend = _attention if dtypes.is_float(common) else _attention_reference
    return attend(query, key, value, bias, mask, scale=float(scale), causal=bool(is_causal))


def _check(query, key, value):
    shapes = [dims.to_public(x.shape) for x in (query, key, value)]
    received = f"Received: query.shape={shapes[0]}, key.shape={shapes[1]}, value.shape={shapes[2]}."
    if not all(len(shape) == 4 for shape in shapes):
        raise ValueError(
            f"`query`, `key` and `value` are (batch, length, heads, features). {received}"
        )
    fits = (
        may_agree(key.shape[:3], value.shape[:3])
        and may_agree(query.shape[:1], key.shape[:1])
        and may_agree(query.shape[3:], key.shape[3:])
    )
    if not fits:
        raise ValueError(
            "Query, key and value must have one batch size, query and key one last size, key and "
            f"value the same places and heads. {received}"
        )
    heads, own = query.shape[2], key.shape[2]
    if dims.is_known((heads, own)) and (not own or heads % own):
        raise ValueError(f"The heads of the key must divide those of the query. {received}")


def _shared_heads(x, heads):
    """Repeat heads that several heads of the query share."""
    own = x.shape[2]
    return x if own == heads else repeat(x, heads // own, axis=2)


@op
def _attention_reference(query, key, value, bias=None, mask=None, scale=1.0, causal=False):
    """Weigh values by the softmax of the scores of their keys.

    Equations (attention.attention):
        scores = scale * einsum("bthd,bshd->bhts", query, key) + bias  # (b, h, t, s)
        weights = softmax(where(mask, scores, -inf))  # (b, h, t, s), along s
        y = einsum("bhts,bshw->bthw", weights, value)  # (b, t, h, w)

    Equations (attention.attention_backward):
        dvalue = einsum("bhts,bthw->bshw", weights, g)
        dweights = einsum("bthw,bshw->bhts", g, value)
        dscores = weights * (dweights - sum(dweights * weights, axis=-1, keepdims=True))
        dbias = dscores  # (b, h, t, s), to be summed to the shape of the bias
        dquery = scale * einsum("bhts,bshd->bthd", dscores, key)
        dkey = scale * einsum("bhts,bthd->bshd", dscores, query)

    Args:
        query: tensor `(batch, targets, heads, size)`.
        key: tensor `(batch, sources, heads, size)`, of the same dtype.
        value: tensor `(batch, sources, heads, width)`, of the same dtype.
        bias: tensor that broadcasts to `(batch, heads, targets, sources)`, or None.
        mask: bool tensor of the same kind, True where a source may be seen, or None.
        scale: number, the factor of the scores.
        causal: bool, whether a target sees only the sources up to its own place.

    Returns:
        A tensor `(batch, targets, heads, width)`.
    """
    scores = matmul(transpose(query, (0, 2, 1, 3)), transpose(key, (0, 2, 3, 1)))
    scores = cast(scores, dtype=dtypes.result_type(query.dtype, "float32")) * scale
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        scores = where(mask, scores, kernels.HIDDEN)
    if causal:
        scores = _past_only(scores, fill=kernels.HIDDEN)
    weights = cast(softmax_along(scores, axis=-1), dtype=query.dtype)
    return transpose(matmul(weights, transpose(value, (0, 2, 1, 3))), (0, 2, 1, 3))


_attention = fused(
    "attention",
    reference=_attention_reference,
    forward=kernels.attention,
    backward=kernels.attention_backward,
    family=Family(lambda names: names, same, None),
)


@_attention.shape_rule
def _(query, key, value, bias=None, mask=None, *, scale, causal):
    scores = (query.shape[0], query.shape[2], query.shape[1], key.shape[1])
    for name, x in (("bias", bias), ("mask", mask)):
        if x is not None and not _broadcasts(x.shape, scores):
            raise ValueError(
                f"`{name}` must broadcast to (batch, heads, targets, sources), that is "
                f"{dims.to_public(scores)}. Received: {name}.shape={dims.to_public(x.shape)}"
            )
    return Abstract((*query.shape[:3], value.shape[3]), query.dtype)


def _broadcasts(shape, full):
    sizes = zip(reversed(shape), reversed(full), strict=False)
    return len(shape) <= len(full) and all(n == 1 or may_agree((n,), (m,)) for n, m in sizes)


@primitive(elementwise.giving("bool"))
def places_in_sight(xp, query, key, *, axis=1, causal=False, window=None):
    """Where targets may see sources, by their places alone.

    Args:
        query: tensor of any dtype with the targets along `axis`.
        key: tensor of any dtype with the sources along `axis`.
        axis: int, the axis of the places.
        causal: bool, whether a target sees only the sources up to its own place.
        window: number of places that a target sees to each side, its own included; None for all.

    Returns:
        A bool tensor `(1, targets, sources)`.
    """
    targets, sources = query.shape[axis], key.shape[axis]
    ahead = xp.arange(sources) - xp.arange(targets)[:, None]
    seen = xp.ones((1, targets, sources), bool)
    if causal:
        seen &= ahead <= 0
    if window is not None:
        seen &= xp.abs(ahead) < window
    return seen


@places_in_sight.shape_rule
def _(query, key, *, axis, causal, window):
    return Abstract((1, query.shape[axis], key.shape[axis]), "bool")


@primitive(elementwise)
def _past_only(xp, x, *, fill):
    """Keep the lower triangle of the last two axes; put `fill` elsewhere."""
    return xp.where(xp.tri(*x.shape[-2:], dtype=bool), x, x.dtype.type(fill))


@_past_only.vjp()
def _(g):
    return _past_only(g, fill=0.0)
