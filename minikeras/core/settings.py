"""The few global settings: default float type, fuzz factor, image layout, and engine switches.

Everything here is plain state with a getter and a setter. The rest of the package reads it through
the getters, so that a change takes effect at once.
"""

import os
from collections.abc import Callable
from typing import Any

from minikeras.core.checks import one_of

_FLOATS = ("float16", "float32", "float64")
_LAYOUTS = ("channels_last", "channels_first")


def _default_threads() -> int:
    """As many as the environment says, else one for each core that this process may use."""
    for name in ("MINIKERAS_NUM_THREADS", "OMP_NUM_THREADS"):
        count = os.environ.get(name, "")
        if count.isdigit() and int(count) > 0:
            return int(count)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_settings: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "num_threads": _default_threads(),
    "fused": os.environ.get("MINIKERAS_FUSED", "1") != "0",
    "tf32": os.environ.get("MINIKERAS_TF32", os.environ.get("CUPY_TF32")) == "1",
    "compiled": os.environ.get("MINIKERAS_COMPILED", "1") != "0",
    "recorded": os.environ.get("MINIKERAS_RECORDED", "1") != "0",
    "interactive_logging": True,
}


def floatx() -> str:
    """Return the name of the float type that weights and Python numbers get by default.

    Returns:
        One of `"float16"`, `"float32"`, `"float64"`.

    Example:
        >>> import minikeras as keras
        >>> keras.config.floatx()
        'float32'
    """
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Set the default float type.

    Args:
        value: `"float16"`, `"float32"` or `"float64"`.

    Raises:
        ValueError: if `value` is none of these.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_floatx("float64")
        >>> keras.ops.ones(2).dtype
        'float64'
        >>> keras.config.set_floatx("float32")
    """
    if value not in _FLOATS:
        raise ValueError(f"Unknown `floatx` value: {value}. Expected one of {set(_FLOATS)}")
    _settings["floatx"] = str(value)


def epsilon() -> float:
    """Return the small number that keeps divisions and logarithms finite.

    Returns:
        A Python float, 1e-7 unless it was set.

    Example:
        >>> import minikeras as keras
        >>> keras.config.epsilon()
        1e-07
    """
    return _settings["epsilon"]


def set_epsilon(value: float) -> None:
    """Set the fuzz factor that `epsilon()` returns.

    Args:
        value: a Python float.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_epsilon(1e-5)
        >>> keras.config.epsilon()
        1e-05
        >>> keras.config.set_epsilon(1e-7)
    """
    _settings["epsilon"] = value


def image_data_format() -> str:
    """Return the default layout of images.

    Returns:
        `"channels_last"` or `"channels_first"`.

    Example:
        >>> import minikeras as keras
        >>> keras.config.image_data_format()
        'channels_last'
    """
    return _settings["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set the default layout of images.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: if `data_format` is neither.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_image_data_format("channels_last")
    """
    _settings["image_data_format"] = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """Return `data_format`, or the default layout for `None`.

    Args:
        data_format: `None`, `"channels_last"` or `"channels_first"`.

    Returns:
        One of the two strings.

    Raises:
        ValueError: for anything else.
    """
    if data_format is None:
        return image_data_format()
    name = str(data_format).lower()
    return one_of("data_format", name, _LAYOUTS)


def fused_kernels() -> bool:
    """Say whether fused kernels run; where they do not, their references of plain ops do.

    Returns:
        A bool: True unless switched off here or by the environment variable `MINIKERAS_FUSED=0`.

    Example:
        >>> import minikeras as keras
        >>> keras.config.fused_kernels()
        True
    """
    return _settings["fused"]


def set_fused_kernels(enabled: bool) -> None:
    """Switch the fused kernels on or off, to see what they change in speed and in the last bits.

    Args:
        enabled: a bool.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_fused_kernels(False)
        >>> keras.config.set_fused_kernels(True)
    """
    _settings["fused"] = bool(enabled)


def compiled_kernels() -> bool:
    """Say whether compiled kernels may run; they do where Numba is installed (extra `compiled`).

    Returns:
        A bool: True unless switched off here or by the environment variable `MINIKERAS_COMPILED=0`.

    Example:
        >>> import minikeras as keras
        >>> isinstance(keras.config.compiled_kernels(), bool)
        True
    """
    return _settings["compiled"]


def set_compiled_kernels(enabled: bool) -> None:
    """Switch the compiled kernels on or off, to see what they change in speed and in the last bits.

    Args:
        enabled: a bool.

    Example:
        >>> import minikeras as keras
        >>> before = keras.config.compiled_kernels()
        >>> keras.config.set_compiled_kernels(False)
        >>> keras.config.set_compiled_kernels(before)
    """
    _settings["compiled"] = bool(enabled)


def recorded_steps() -> bool:
    """Say whether models record steps that repeat themselves, and run the recording.

    Returns:
        A bool: True unless switched off here or by the environment variable `MINIKERAS_RECORDED=0`.

    Example:
        >>> import minikeras as keras
        >>> keras.config.recorded_steps()
        True
    """
    return _settings["recorded"]


def set_recorded_steps(enabled: bool) -> None:
    """Switch the recording of steps on or off, to see what it changes in speed.

    Numbers stay the same, bit for bit. One model alone is told so by `compile(run_eagerly=True)`.

    Args:
        enabled: a bool.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_recorded_steps(False)
        >>> keras.config.set_recorded_steps(True)
    """
    _settings["recorded"] = bool(enabled)


def tf32() -> bool:
    """Say whether a GPU may round the factors of float32 products to 10 binary digits (TF32).

    Returns:
        A bool: False unless switched on by `set_tf32` or by the environment variable
        `MINIKERAS_TF32=1` (or CuPy's own, `CUPY_TF32=1`).

    Example:
        >>> import minikeras as keras
        >>> keras.config.tf32()
        False
    """
    return _settings["tf32"]


def set_tf32(enabled: bool) -> None:
    """Let a GPU use its tensor cores for float32 products, several times as fast, or no longer.

    Sums stay in float32, but each factor keeps 10 of its 23 binary digits: results agree with those
    of a CPU to three decimal digits. A GPU without tensor cores computes as before.

    Args:
        enabled: a bool.

    Example:
        >>> import minikeras as keras
        >>> keras.config.set_tf32(True)
        >>> keras.config.set_tf32(False)
    """
    _settings["tf32"] = bool(enabled)
    for listener in tf32_listeners:
        listener()


tf32_listeners: list[Callable[[], None]] = []
"""Functions to call when the setting has changed: array libraries keep one of their own."""


def num_threads() -> int:
    """Return how many threads a kernel may use.

    Returns:
        An int: what was set here, else by the environment variables `MINIKERAS_NUM_THREADS` or
        `OMP_NUM_THREADS`, else the number of cores that the process may use.

    Example:
        >>> import minikeras as keras
        >>> keras.config.num_threads() >= 1
        True
    """
    return _settings["num_threads"]


def set_num_threads(count: Any) -> None:
    """Set how many threads a kernel may use.

    Sums over a batch are divided among the threads, so their last bits depend on the number.

    Args:
        count: an int, 1 or more.

    Raises:
        ValueError: if it is none.

    Example:
        >>> import minikeras as keras
        >>> before = keras.config.num_threads()
        >>> keras.config.set_num_threads(1)
        >>> keras.config.set_num_threads(before)
    """
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"Expected a number of threads, 1 or more. Received: count={count!r}")
    _settings["num_threads"] = count


def backend() -> str:
    """Return the name of the array library that computes: always `"numpy"` on a CPU.

    Returns:
        The string `"numpy"`.

    Example:
        >>> import minikeras as keras
        >>> keras.config.backend()
        'numpy'
    """
    return "numpy"


def enable_interactive_logging() -> None:
    """Print progress bars and summaries straight to standard output.

    Example:
        >>> import minikeras as keras
        >>> keras.config.enable_interactive_logging()
    """
    _settings["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Send progress bars and summaries to the `minikeras` logger instead of standard output.

    Example:
        >>> import minikeras as keras
        >>> keras.config.disable_interactive_logging()
        >>> keras.config.is_interactive_logging_enabled()
        False
        >>> keras.config.enable_interactive_logging()
    """
    _settings["interactive_logging"] = False


def is_interactive_logging_enabled() -> bool:
    """Say whether progress goes straight to standard output.

    Returns:
        A bool.

    Example:
        >>> import minikeras as keras
        >>> keras.config.is_interactive_logging_enabled()
        True
    """
    return _settings["interactive_logging"]
