"""Attention: values weighed by how well their keys match a query."""

from minikeras.autograd.composite import convert_to_tensor, op
from minikeras.autograd.families import elementwise
from minikeras.autograd.primitive import cast, primitive
from minikeras.core import dims, dtypes
from minikeras.ops.comparison import where
from minikeras.ops.linalg import matmul
from minikeras.ops.nn import softmax_along
from minikeras.ops.rearranging import repeat
from minikeras.ops.shaping import transpose

_HIDDEN = -0.7 * 3.38953e38
"""The logit of a source that may not be seen; finite, so that a row of them has a softmax."""


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
        query: tensor `(batch, targets, heads, size)`.
        key: tensor `(batch, sources, heads or a divisor of it, size)`.
        value: tensor of the shape of `key`.
        bias: tensor that broadcasts to `(batch, heads, targets, sources)`, or None.
        mask: bool tensor of the same kind, True where a source may be seen, or None.
        scale: number, by default `1 / sqrt(size)`.
        is_causal: whether a target sees only the sources up to its own place.
        flash_attention: must be None or False.
        attn_logits_soft_cap: has no effect, as in Keras on TensorFlow.

    Returns:
        A float tensor `(batch, targets, heads, size)`.

    Raises:
        ValueError: if `query` is not of rank 4, or flash attention is asked for.

    Example:
        >>> import minikeras as keras
        >>> x = keras.ops.ones((1, 3, 2, 4))
        >>> keras.ops.dot_product_attention(x, x, x).shape
        (1, 3, 2, 4)
    """
    if flash_attention:
        raise ValueError("Flash attention is not supported: pass `flash_attention=False`.")
    query, key, value = (convert_to_tensor(x) for x in (query, key, value))
    if query.ndim != 4:
        raise ValueError(
            "`dot_product_attention` only supports 4D inputs. Received: "
            f"query.shape={dims.to_public(query.shape)}, key.shape={dims.to_public(key.shape)}, "
            f"value.shape={dims.to_public(value.shape)}."
        )
    common = dtypes.result_type(query.dtype, key.dtype, value.dtype)
    query, key, value = (cast(x, dtype=common) for x in (query, key, value))
    key, value = (_shared_heads(x, query.shape[2]) for x in (key, value))
    if scale is None:
        scale = key.shape[-1] ** -0.5
    logits = matmul(transpose(query, (0, 2, 1, 3)), transpose(key, (0, 2, 3, 1)))
    logits = cast(logits, dtype=dtypes.result_type(common, "float32")) * scale
    if bias is not None:
        logits = logits + cast(convert_to_tensor(bias), dtype=logits.dtype)
    if mask is not None:
        logits = where(mask, logits, _HIDDEN)
    if is_causal:
        logits = _past_only(logits, fill=_HIDDEN)
    weights = cast(softmax_along(logits, axis=-1), dtype=common)
    return transpose(matmul(weights, transpose(value, (0, 2, 1, 3))), (0, 2, 1, 3))


def _shared_heads(x, heads):
    """Repeat heads that several heads of the query share."""
    own = x.shape[2]
    return x if own == heads or own == 1 else repeat(x, heads // own, axis=2)


@primitive(elementwise)
def _past_only(xp, x, *, fill):
    """Keep the lower triangle of the last two axes; put `fill` elsewhere."""
    return xp.where(xp.tri(*x.shape[-2:], dtype=bool), x, x.dtype.type(fill))


@_past_only.vjp()
def _(g):
    return _past_only(g, fill=0.0)
