"""`keras`, `tensorflow.keras` and what is below them, found in minikeras.

One finder, which Python asks before its own, leads every such name to the very module of minikeras:
`keras.layers` is `minikeras.layers`, or `minikeras.keras2.layers` for a script of Keras 1 or 2.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from minikeras.core.old_names import name_hint

VERSION_VARIABLE = "MINIKERAS_RUN_KERAS"
"""The environment variable that says for which Keras the script is written."""

ENGINES = {"1": "minikeras.keras2", "2": "minikeras.keras2", "3": "minikeras"}
"""The package that a script of each Keras gets."""

TENSORFLOW_VERSIONS = {"1": "1.0.0", "2": "1.13.1", "3": "2.21.0"}
"""The TensorFlow of the same time, which some scripts ask for before they use `tf.keras`."""

_ROOTS = ("keras", "tensorflow.keras", "tensorflow.python.keras")
_SHELLS = ("tensorflow", "tensorflow.python")
_GROUPS_OF_OPS = ("image", "linalg", "nn", "numpy")


def lead_to_minikeras(name: str) -> None:
    """Put minikeras in the place of a module that is being imported.

    Args:
        name: of the stand-in that calls this, such as `"keras"`.
    """
    version = os.environ.get(VERSION_VARIABLE, "3")
    if not any(isinstance(finder, KerasNames) for finder in sys.meta_path):
        sys.meta_path.insert(0, KerasNames(version))
    del sys.modules[name]
    importlib.import_module(name)


class KerasNames(MetaPathFinder, Loader):
    """Finds `keras` and `tensorflow.keras` in minikeras.

    Args:
        version: a key of `ENGINES`, the Keras for which the script is written.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self.engine = ENGINES[version]

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is to be found, or None for what is not Keras's.

        Raises:
            ModuleNotFoundError: if minikeras has no such module; it says why.
        """
        module = self._module(name)
        if module is None:
            return None
        return ModuleSpec(name, self, loader_state=(module, module.__spec__), is_package=True)

    def _module(self, name):
        for root in _ROOTS:
            if name == root or name.startswith(root + "."):
                return self._of_keras(name, self.engine + name.removeprefix(root))
        if name in _SHELLS:
            return self._shell(name)
        if name.startswith("tensorflow."):
            raise ModuleNotFoundError(f"No module named {name!r}: {_no_tensorflow()}")
        return None

    def _of_keras(self, name, ours):
        parent, _, child = ours.rpartition(".")
        is_public = self.version != "3" or not parent or child in _public_modules(parent)
        try:
            if is_public:
                return importlib.import_module(ours)
        except ModuleNotFoundError as error:
            if error.name != ours:  # something that the module itself imports
                raise
        raise ModuleNotFoundError(f"No module named {name!r}{self._hint(name)}", name=name)

    def _hint(self, name):
        parent, _, last = name.rpartition(".")
        hint = name_hint(parent.replace("keras", "minikeras", 1), last)
        if hint and self.version == "3":
            return hint
        if "src" in name.split("."):
            return (
                ": that is the inside of Keras; minikeras has what is public, `keras.layers`, ..."
            )
        return ""

    def _shell(self, name):
        """TensorFlow, of which nothing is there but `keras`."""
        shell = ModuleType(name, "Of TensorFlow, `keras` alone, which is minikeras.")
        vars(shell).update(
            __path__=[],
            __version__=TENSORFLOW_VERSIONS[self.version],
            __getattr__=_not_of_tensorflow,
            keras=importlib.import_module(self.engine),
        )
        return shell

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module of minikeras itself."""
        return spec.loader_state[0]

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back, which Python has just replaced."""
        module.__spec__ = module.__spec__.loader_state[1]  # type: ignore[union-attr]


def _public_modules(package):
    """The modules that a public module of minikeras offers, as Keras 3 does."""
    if package == "minikeras.ops":
        return _GROUPS_OF_OPS
    return getattr(importlib.import_module(package), "__all__", ())


def _not_of_tensorflow(name: str) -> Any:
    raise AttributeError(f"module 'tensorflow' has no attribute {name!r}: {_no_tensorflow()}")


def _no_tensorflow():
    return "`minikeras run` provides `tensorflow.keras`, and no other part of TensorFlow is here."
