"""Initializers without chance: constants, the identity, and the kernels of a Fourier transform."""

from typing import Annotated, Any

import numpy as np

from minikeras.autograd.composite import convert_to_tensor
from minikeras.core import dims, dtypes, registry
from minikeras.core.checks import choice
from minikeras.core.constructors import Field
from minikeras.core.distribution import how_to_install
from minikeras.initializers.initializer import Initializer, initializer
from minikeras.ops.creation import filled as creation

# Coefficients of the raised-cosine windows: w = sum over k of (-1)^k a_k cos(2 pi k n / N).
_COSINE_WINDOWS = {"boxcar": (1.0,), "hann": (0.5, 0.5), "hamming": (0.54, 0.46)}


@initializer("zero")
class Zeros(Initializer):
    """Make tensors of zeros.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def __call__(self, shape, dtype=None):
        """Return a tensor of zeros of a shape and dtype."""
        return creation.zeros(shape, dtype=dtype)


@initializer("one")
class Ones(Initializer):
    """Make tensors of ones.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.Ones()((2,)).tolist()
        [1.0, 1.0]
    """

    def __call__(self, shape, dtype=None):
        """Return a tensor of ones of a shape and dtype."""
        return creation.ones(shape, dtype=dtype)


@initializer()
class Constant(Initializer):
    """Make tensors of one value.

    Args:
        value: a number, or an array that broadcasts to the shapes asked for.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.Constant(3.0)((2,)).tolist()
        [3.0, 3.0]
    """

    value: Annotated[Any, Field(serialize=registry.serialize)] = 0.0

    def __call__(self, shape, dtype=None):
        """Return a tensor of the value, of a shape and dtype."""
        value = self.value
        if isinstance(value, float):  # TensorFlow turns Python floats into float32 first
            value = np.float32(value)
        return creation.full(shape, value, dtype=dtype)

    @classmethod
    def from_config(cls, config):
        """Make an initializer of what `get_config` returned."""
        return cls(**registry.deserialize(config))


@initializer("IdentityInitializer")
class Identity(Initializer):
    """Make matrices with ones on the diagonal and zeros elsewhere.

    Args:
        gain: factor of the ones.

    Raises:
        ValueError: when called, if the shape is not that of a matrix.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.Identity(gain=2.0)((2, 3)).tolist()
        [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    gain: float = 1.0

    def __call__(self, shape, dtype=None):
        """Return a matrix of a shape and dtype."""
        shape = dims.as_sizes(shape)
        if len(shape) != 2:
            raise ValueError(
                "`Identity` makes matrices: the weight must have two axes. Received: "
                f"shape={shape} of rank {len(shape)}"
            )
        diagonal = np.eye(*shape) * self.gain
        return convert_to_tensor(diagonal, dtype=dtypes.standardize(dtype))

    def get_config(self):
        """Return the gain, unless it is the default, which Keras does not save either."""
        return {} if self.gain == 1.0 else super().get_config()


@initializer("STFTInitializer")
class STFT(Initializer):
    """Make convolution kernels that compute a short-time Fourier transform.

    The kernel of frequency bin k at time n is `w(n) exp(-2 pi i k n / N)`, its real or its
    imaginary part, where N is twice the number of bins less two.

    Args:
        side: `"real"` or `"imag"`.
        window: `"hann"`, `"hamming"`, `"boxcar"`, the name of any other window of
            `scipy.signal.windows` if SciPy is installed, an array of the frame's length, or None.
        scaling: `"density"` divides the window by its Euclidean norm, `"spectrum"` by the sum of
            its absolute values, None leaves it.
        periodic: whether the window is one period of a periodic sequence, or symmetric.

    Raises:
        ValueError: if an argument is none of these.

    Example:
        >>> import minikeras as keras
        >>> keras.initializers.STFT("real", window=None)((2, 1, 2)).tolist()
        [[[1.0, 1.0]], [[1.0, -1.0]]]
    """

    side: Annotated[str, Field(choice("real", "imag"))] = "real"
    window: Any = "hann"
    scaling: Annotated[str | None, Field(choice(None, "density", "spectrum"))] = "density"
    periodic: bool = False

    def _setup(self):
        """Raise now, not at the first call, if there is no window of that name."""
        if isinstance(self.window, str):
            _named_window(self.window, 4, self.periodic)

    def __call__(self, shape, dtype=None):
        """Return kernels of shape (frame length, 1, bins); the size of the middle is not heeded."""
        shape, dtype = dims.as_sizes(shape), dtypes.standardize(dtype)
        if len(shape) != 3 or shape[2] < 2 or not dtypes.is_float(dtype):
            raise ValueError(
                "STFT kernels are float tensors of shape (frame length, 1, bins) with at least 2 "
                f"bins. Received: shape={dims.to_public(shape)}, dtype={dtype}"
            )
        length, _, bins = shape
        time, frequency = np.arange(length), np.arange(bins)
        # The product is reduced to one turn while it is an integer, so no precision is lost.
        angle = -2 * np.pi * (np.outer(time, frequency) % (2 * bins - 2)) / (2 * bins - 2)
        wave = np.cos(angle) if self.side == "real" else np.sin(angle)
        kernels = (wave * self._window_values(length)[:, None])[:, None, :]
        return convert_to_tensor(kernels, dtype=dtype)

    def _window_values(self, length):
        """The window, scaled, in float64."""
        if self.window is None:
            return np.ones(length)
        if isinstance(self.window, str):
            values = _named_window(self.window, length, self.periodic)
        else:
            values = np.asarray(self.window, "float64")
        if values.shape != (length,):
            raise ValueError(
                f"The shape of `window` must be equal to [frame_length], here [{length}]. "
                f"Received: window shape={values.shape}"
            )
        if self.scaling == "density":
            return values / np.sqrt((values * values).sum())
        return values / np.abs(values).sum() if self.scaling == "spectrum" else values

    def get_config(self):
        """Return the arguments, the scaling last, as Keras writes them."""
        config = super().get_config()
        config["scaling"] = config.pop("scaling")
        return config


def _named_window(name: str, length: int, periodic: bool) -> Any:
    """The values of a window function, in float64."""
    if name not in _COSINE_WINDOWS:
        return _window_of_scipy(name, length, periodic)
    if length == 1:
        return np.ones(1)
    angle = 2 * np.pi * np.arange(length) / (length if periodic else length - 1)
    terms = enumerate(_COSINE_WINDOWS[name])
    return sum((-1) ** k * a * np.cos(k * angle) for k, a in terms)


def _window_of_scipy(name, length, periodic):
    try:
        from scipy import signal
    except ImportError:
        raise ValueError(
            f"Invalid window name '{name}': expected one of {sorted(_COSINE_WINDOWS)}; other "
            f"windows need the package `scipy`. {how_to_install('data')}"
        ) from None
    return signal.get_window(name, length, fftbins=periodic)
