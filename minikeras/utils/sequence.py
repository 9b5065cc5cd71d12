"""Sequences of various lengths as one array."""

import numpy as np


def pad_sequences(
    sequences,
    maxlen=None,
    dtype="int32",
    padding="pre",
    truncating="pre",
    value=0.0,
):
    """Put sequences of various lengths into one array.

    Args:
        sequences: list of sequences; the items of all have one shape, usually `()`.
        maxlen: int, the length of the rows; by default that of the longest sequence.
        dtype: dtype of the result; `object` for strings of any length.
        padding: str, where a short sequence is filled up: `"pre"` or `"post"`.
        truncating: str, where a long sequence is cut: `"pre"` or `"post"`.
        value: number or str that fills up.

    Returns:
        A NumPy array `(len(sequences), maxlen, ...)`.

    Raises:
        ValueError: if `sequences` is no list of sequences, or their items differ in shape, or
            `padding` or `truncating` is unknown, or `dtype` cannot hold `value`.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
        [[0, 1], [2, 3], [5, 6]]
        >>> keras.utils.pad_sequences([[1], [2, 3]], padding="post", value=-1).tolist()
        [[1, -1], [2, 3]]
    """
    lengths = _lengths(sequences)
    for name, side in [("padding", padding), ("truncating", truncating)]:
        if side not in ("pre", "post"):
            raise ValueError(f"`{name}` must be 'pre' or 'post'. Received: {name}={side!r}")
    if isinstance(value, str) and np.dtype(dtype).kind not in "OSU":
        raise ValueError(
            f"A dtype of {dtype!r} cannot hold the value {value!r}. Give `dtype=object`, which "
            "holds strings of any length."
        )
    if maxlen is None:
        if not lengths:
            raise ValueError("`sequences` is empty, so it has no longest one. Give `maxlen`.")
        maxlen = max(lengths)
    item_shape = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    padded = np.full((len(lengths), maxlen, *item_shape), value, dtype=dtype)
    for i, (sequence, length) in enumerate(zip(sequences, lengths, strict=True)):
        kept = min(length, maxlen)
        if kept:
            part = sequence[length - kept :] if truncating == "pre" else sequence[:kept]
            place = slice(maxlen - kept, None) if padding == "pre" else slice(kept)
            padded[i, place] = _items(part, i, item_shape, dtype)
    return padded


def _lengths(sequences):
    if not hasattr(sequences, "__len__"):
        raise ValueError(
            f"`sequences` must be a list of sequences. Received: {type(sequences).__name__}"
        )
    try:
        return [len(sequence) for sequence in sequences]
    except TypeError:
        single = next(item for item in sequences if not hasattr(item, "__len__"))
        raise ValueError(
            f"`sequences` must be a list of sequences. Received: the item {single!r}"
        ) from None


def _items(part, i, item_shape, dtype):
    """The items of one sequence as an array, of the shape that those of the others have."""
    items = np.asarray(part, dtype=dtype)
    if items.shape[1:] != item_shape:
        raise ValueError(
            f"The items of all sequences must have one shape. Received: {items.shape[1:]} in "
            f"sequence {i}, {item_shape} in the first that is not empty"
        )
    return items
