"""Tensors without values, and the graph that a model is declared as.

`abstract` has shapes alone and the scopes in which code runs for them; `keras_tensor` the
placeholders of a model's graph; `operation` the nodes of the graph and what they call; `history`
which node a placeholder belongs to, and how a graph is copied.
"""

from minikeras.autograd.symbolic.abstract import (
    Abstract,
    abstract_scope,
    building_scope,
    in_abstract_scope,
    scope,
    trial_scope,
)
from minikeras.autograd.symbolic.keras_tensor import (
    KerasTensor,
    any_symbolic,
    is_keras_tensor,
    to_abstract,
    to_symbolic,
)
from minikeras.autograd.symbolic.operation import (
    OpCall,
    Operation,
    SymbolicNode,
    class_name_of,
    record_op,
)

__all__ = [
    "Abstract",
    "KerasTensor",
    "OpCall",
    "Operation",
    "SymbolicNode",
    "abstract_scope",
    "any_symbolic",
    "building_scope",
    "class_name_of",
    "in_abstract_scope",
    "is_keras_tensor",
    "record_op",
    "scope",
    "to_abstract",
    "to_symbolic",
    "trial_scope",
]
