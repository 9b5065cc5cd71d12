"""The array module that the tests of this folder run on: the stand-in, or CuPy on a real GPU.

`make gpu-test` sets `MINIKERAS_GPU_TEST=1`. Then the same tests compute on the first GPU; transfers
between the memories are not counted there, and tests of the stand-in itself are left out.
"""

import importlib
import os

from tests.gpu import strict_cupy

ON_DEVICE = os.environ.get("MINIKERAS_GPU_TEST") == "1"


class _Uncounted:
    """What a real GPU moves is not seen."""

    to_device, to_host = (), ()

    def reset(self):
        pass


xp = importlib.import_module("cupy") if ON_DEVICE else strict_cupy
transfers = _Uncounted() if ON_DEVICE else strict_cupy.transfers


class Module:
    """The array module, with the transfers beside it."""

    transfers = transfers

    def __getattr__(self, name):
        return getattr(xp, name)
