"""Settings of Keras that have no effect here: scripts may set and read them as in Keras."""

from typing import Any

_flags: dict[str, Any] = {"traceback_filtering": True, "flash_attention": None}


def enable_traceback_filtering() -> None:
    """Set the flag that `is_traceback_filtering_enabled` returns.

    Keras takes its own lines out of tracebacks while it is set. Here they are always whole.

    Example:
        >>> import minikeras as keras
        >>> keras.config.enable_traceback_filtering()
    """
    _flags["traceback_filtering"] = True


def disable_traceback_filtering() -> None:
    """Clear the flag that `is_traceback_filtering_enabled` returns; see there.

    Example:
        >>> import minikeras as keras
        >>> keras.config.disable_traceback_filtering()
        >>> keras.config.enable_traceback_filtering()
    """
    _flags["traceback_filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    """Say whether the flag is set with which Keras shortens tracebacks; here they are whole.

    Returns:
        A bool: True unless it was cleared.

    Example:
        >>> import minikeras as keras
        >>> keras.config.is_traceback_filtering_enabled()
        True
    """
    return _flags["traceback_filtering"]


def enable_flash_attention() -> None:
    """Set the flag that `is_flash_attention_enabled` returns.

    It asks Keras for an attention that does not keep the scores of all pairs, where its back end
    has one. There is none here: attention is computed with all scores, and gives the same numbers.

    Example:
        >>> import minikeras as keras
        >>> keras.config.enable_flash_attention()
    """
    _flags["flash_attention"] = None


def disable_flash_attention() -> None:
    """Clear the flag that `is_flash_attention_enabled` returns; see there.

    Example:
        >>> import minikeras as keras
        >>> keras.config.disable_flash_attention()
        >>> keras.config.is_flash_attention_enabled()
        False
        >>> keras.config.enable_flash_attention()
    """
    _flags["flash_attention"] = False


def is_flash_attention_enabled() -> bool | None:
    """Say whether flash attention may be used where there is one; there is none here.

    Returns:
        False if it was disabled, None otherwise, as in Keras.

    Example:
        >>> import minikeras as keras
        >>> keras.config.is_flash_attention_enabled() is None
        True
    """
    return _flags["flash_attention"]


def is_nnx_enabled() -> bool:
    """Say whether variables are those of Flax's NNX, which only Keras on JAX can have.

    Returns:
        False.

    Example:
        >>> import minikeras as keras
        >>> keras.config.is_nnx_enabled()
        False
    """
    return False


def set_backend(backend: str) -> None:
    """Ask for an array library; the engine computes with NumPy, and on a GPU with CuPy.

    Args:
        backend: `"numpy"`.

    Raises:
        ValueError: if it is another one: a script that needs it would not get what it asks for.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_backend("numpy")
    """
    if backend != "numpy":
        raise ValueError(
            f"Expected `backend` to be 'numpy', the only one here, but received {backend!r}. Leave "
            "the call out; a GPU is used inside `with keras.device('gpu:0'):`."
        )
