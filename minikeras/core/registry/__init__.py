"""Look-ups by name: the package's own objects, users' registered ones, and their saved form.

`index` holds the package's own by kind, `custom` the users'; `saved` makes saved forms, and objects
of them; `table` is how one kind is looked up in the public API. `trust` says whether a config may
hold code, `shared_objects` which objects of a model are one; `seams` is what an upper package
provides to a lower one.
"""

from minikeras.core.registry.custom import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from minikeras.core.registry.index import public_home
from minikeras.core.registry.saved import (
    MALFORMED,
    deserialize,
    reading,
    serialize,
    serialize_dict,
    special_form,
)
from minikeras.core.registry.seams import late_bound
from minikeras.core.registry.shared_objects import sharing
from minikeras.core.registry.table import Table
from minikeras.core.registry.trust import (
    code_config,
    code_is_allowed,
    enable_unsafe_deserialization,
    function_of_parts,
    is_lambda,
    require_trust,
    require_trusted_file,
    safe_mode_scope,
)

__all__ = [
    "MALFORMED",
    "CustomObjectScope",
    "Table",
    "code_config",
    "code_is_allowed",
    "custom_object_scope",
    "deserialize",
    "enable_unsafe_deserialization",
    "function_of_parts",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "is_lambda",
    "late_bound",
    "public_home",
    "reading",
    "register_keras_serializable",
    "require_trust",
    "require_trusted_file",
    "safe_mode_scope",
    "serialize",
    "serialize_dict",
    "sharing",
    "special_form",
]
