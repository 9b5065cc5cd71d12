"""Names and arguments of Keras 1 and 2, and what a script that meets one is told."""

from minikeras.core.old_names.hints import HOW as HOW
from minikeras.core.old_names.hints import argument_hint as argument_hint
from minikeras.core.old_names.hints import explain_imports as explain_imports
from minikeras.core.old_names.hints import explains_old_arguments as explains_old_arguments
from minikeras.core.old_names.hints import explains_old_constructor as explains_old_constructor
from minikeras.core.old_names.hints import explains_old_methods as explains_old_methods
from minikeras.core.old_names.hints import identifier_hint as identifier_hint
from minikeras.core.old_names.hints import name_hint as name_hint
