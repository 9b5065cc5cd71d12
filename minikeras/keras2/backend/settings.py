"""The settings of Keras 2: `keras.json` in the home folder, float type, image layout, counters."""

import json
import os
from collections import defaultdict

from minikeras.core import names
from minikeras.core import settings as engine

_ORDERINGS = {"channels_first": "th", "channels_last": "tf"}
_counters = defaultdict(int)
_legacy = {"weight_ordering": False}


def folder():
    """Return the folder of `keras.json`: `KERAS_HOME`, or `.keras` in the home folder."""
    return os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")


def read_settings():
    """Take over the settings of `keras.json`, and write the file if there is none."""
    path = os.path.join(folder(), "keras.json")
    try:
        with open(path, encoding="utf8") as file:
            saved = json.load(file)
    except (OSError, ValueError):
        saved = {}
    if "floatx" in saved:
        engine.set_floatx(saved["floatx"])
    if "epsilon" in saved:
        engine.set_epsilon(saved["epsilon"])
    layout = saved.get("image_data_format")
    if layout is None and saved.get("image_dim_ordering") == "th":
        layout = "channels_first"
    if layout is not None:
        engine.set_image_data_format(layout)
    if not os.path.exists(path):
        _write(path)


def _write(path):
    settings = {
        "floatx": engine.floatx(),
        "epsilon": engine.epsilon(),
        "backend": backend(),
        "image_data_format": engine.image_data_format(),
    }
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf8") as file:
            json.dump(settings, file, indent=4)
    except OSError:  # a home that cannot be written to is no hindrance
        return


def backend():
    """Return the backend's name as scripts compare it: `"tensorflow"`, whose behaviour this is.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.backend()
        'tensorflow'
    """
    return "tensorflow"


def image_dim_ordering():
    """Return the layout of images in the words of Keras 1: `"th"` or `"tf"`.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.image_dim_ordering()
        'tf'
    """
    return _ORDERINGS[engine.image_data_format()]


def set_image_dim_ordering(dim_ordering):
    """Set the layout of images in the words of Keras 1.

    Args:
        dim_ordering: `"th"` (channels first) or `"tf"` (channels last).

    Raises:
        ValueError: if it is neither.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.set_image_dim_ordering("tf")
        >>> K.image_data_format()
        'channels_last'
    """
    layouts = {old: new for new, old in _ORDERINGS.items()}
    if dim_ordering not in layouts:
        raise ValueError(f"Unknown dim_ordering: {dim_ordering!r}; expected 'th' or 'tf'.")
    engine.set_image_data_format(layouts[dim_ordering])


def normalize_data_format(value):
    """Return the name of a layout of images, that of the settings for None.

    Args:
        value: `"channels_first"`, `"channels_last"` (in any case of letters) or None.

    Returns:
        A string.

    Raises:
        ValueError: if it is another one.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.normalize_data_format("Channels_Last")
        'channels_last'
    """
    return engine.standardize_data_format(value)


def set_epsilon(e):
    """Set the small number that keeps divisions and logarithms finite.

    Args:
        e: float.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.set_epsilon(1e-7)
        >>> K.epsilon()
        1e-07
    """
    engine.set_epsilon(e)


def set_floatx(floatx):
    """Set the default float type.

    Args:
        floatx: `"float16"`, `"float32"` or `"float64"`.

    Raises:
        ValueError: if it is another one.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.set_floatx("float32")
        >>> K.floatx()
        'float32'
    """
    engine.set_floatx(floatx)


def set_image_data_format(data_format):
    """Set the default layout of images.

    Args:
        data_format: `"channels_first"` or `"channels_last"`.

    Raises:
        ValueError: if it is another one.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.set_image_data_format("channels_last")
        >>> K.image_data_format()
        'channels_last'
    """
    engine.set_image_data_format(data_format)


def legacy_weight_ordering():
    """Return whether weights of files are taken in the order of early versions of Keras 1.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.legacy_weight_ordering()
        False
    """
    return _legacy["weight_ordering"]


def set_legacy_weight_ordering(value):
    """Say whether weights of files are in the order of early versions of Keras 1.

    Args:
        value: a bool.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.set_legacy_weight_ordering(False)
        >>> K.legacy_weight_ordering()
        False
    """
    _legacy["weight_ordering"] = bool(value)


def get_uid(prefix=""):
    """Return how often a prefix has been asked for, counting this time.

    Args:
        prefix: a string.

    Returns:
        An int, 1 the first time.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> K.get_uid("example"), K.get_uid("example")
        (1, 2)
    """
    _counters[prefix] += 1
    return _counters[prefix]


def reset_uids():
    """Start all counters of automatic names again.

    Example:
        >>> from minikeras.keras2 import backend as K
        >>> _ = K.get_uid("again")
        >>> K.reset_uids()
        >>> K.get_uid("again")
        1
    """
    _counters.clear()


def automatic_name(prefix):
    """Return a fresh name such as `dense_1` for a class name or a prefix."""
    prefix = names.to_snake_case(prefix)
    return f"{prefix}_{get_uid(prefix)}"


read_settings()
