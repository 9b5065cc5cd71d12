"""The loss of sequences whose labels are not aligned with the steps."""

from minikeras import ops
from minikeras.core import dims
from minikeras.losses.base import losses
from minikeras.losses.declare import FunctionLoss


def ctc(y_true, y_pred):
    """Connectionist temporal classification: the negative log-probability of unaligned labels.

    All steps of `y_pred` count; class 0 is the blank, and in `y_true` it fills up the rows. See
    `ops.ctc_loss`.

    Args:
        y_true: class numbers, of shape `(batch, labels)`.
        y_pred: logits, of shape `(batch, steps, classes)`.

    Returns:
        A tensor of shape `(batch,)`.

    Raises:
        ValueError: if the ranks are others.

    Example:
        >>> import minikeras as keras
        >>> logits = keras.ops.zeros((1, 2, 2))
        >>> round(float(keras.losses.ctc(keras.ops.array([[1]]), logits)[0]), 4)
        0.2877
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    for name, y, axes in (
        ("y_true", y_true, ("batch", "labels")),
        ("y_pred", y_pred, ("batch", "steps", "classes")),
    ):
        if y.ndim != len(axes):
            raise ValueError(
                f"`{name}` must be of shape ({', '.join(axes)}). Received: "
                f"{dims.to_public(y.shape)}"
            )
    labels = ops.sum(ops.cast(y_true != 0, "int32"), axis=-1)
    steps = ops.full_like(labels, y_pred.shape[1])
    return ops.ctc_loss(y_true, y_pred, labels, steps, mask_index=0)


class CTC(FunctionLoss, fn=ctc):
    """The loss of labels that are not aligned with the steps.

    Example:
        >>> import minikeras as keras
        >>> logits = keras.ops.zeros((1, 2, 2))
        >>> round(float(keras.losses.CTC()(keras.ops.array([[1]]), logits)), 4)
        0.2877
    """


losses.add(ctc)
losses.add(CTC)
