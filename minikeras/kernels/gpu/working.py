"""The numbers to compute in."""


def working_dtype(xp, dtype):
    """Type of number to compute with: float32 for narrower ones, else their own.

    Args:
        xp: The array module.
        dtype: The type of the operands.

    Returns:
        A dtype.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.working import working_dtype
        >>> working_dtype(np, np.dtype("float16"))
        dtype('float32')
    """
    return xp.dtype(xp.float32) if dtype.itemsize < 4 else dtype
