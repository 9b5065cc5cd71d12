"""The ops: functions of tensors, each with its gradient, in folders by topic.

Each folder lists its names; here they are together, as `keras.ops`. `numpy`, `nn` and `linalg` are
Keras's groups of them.
"""

from minikeras.core.first_use import on_first_use
from minikeras.ops import (
    core,
    creation,
    elementwise,
    indexing,
    linalg,
    nn,
    numpy,  # noqa: F401 - a group of names, as Keras has it
    rearranging,
    reductions,
    shapes,
    signal,
)
from minikeras.ops.core import *
from minikeras.ops.core import operators  # noqa: F401 - fills the operators of tensors
from minikeras.ops.creation import *
from minikeras.ops.elementwise import *
from minikeras.ops.indexing import *
from minikeras.ops.linalg import *
from minikeras.ops.nn import *
from minikeras.ops.rearranging import *
from minikeras.ops.reductions import *
from minikeras.ops.shapes import *
from minikeras.ops.signal import *

__getattr__, __dir__ = on_first_use(__name__, {"minikeras.ops.image": []})

__all__ = []
__all__ += core.__all__
__all__ += creation.__all__
__all__ += elementwise.__all__
__all__ += indexing.__all__
__all__ += linalg.__all__
__all__ += nn.__all__
__all__ += rearranging.__all__
__all__ += reductions.__all__
__all__ += shapes.__all__
__all__ += signal.__all__
