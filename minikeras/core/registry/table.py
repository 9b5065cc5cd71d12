"""Table: the objects of one kind, found by whatever a user may write for one."""

from typing import Any

from minikeras.core.old_names import identifier_hint
from minikeras.core.registry.custom import find_custom
from minikeras.core.registry.index import Index
from minikeras.core.registry.saved import deserialize, serialize
from minikeras.core.types import Config, Dict


class Table(Index):
    """The objects of one kind (say, initializers), by name, config, class or instance.

    Args:
        kind: singular name for messages, such as `"initializer"`.
        module: Keras's public module of these objects, such as `"keras.initializers"`.
    """

    def find(self, name: Any, custom_objects: Config | None = None) -> Any:
        """Return the registered object of that name.

        Raises:
            ValueError: if there is none; the message lists the known names.
        """
        entry = find_custom(name, custom_objects) or self.entry(name)
        if entry is None:
            raise ValueError(
                f"Could not interpret {self.kind} identifier: {name}. "
                f"Known names: {sorted(self.entries)}. "
                "An object of your own is made known with `custom_objects=` or "
                f"`@register_keras_serializable`{identifier_hint(self.kind, name) or '.'}"
            )
        return entry

    def get(self, identifier: Any) -> Any:
        """Return the object that a name, config, class, instance or `None` stands for.

        Raises:
            ValueError: if the name is unknown or the identifier is of no usable type.
        """
        if identifier is None:
            return None
        if isinstance(identifier, Dict):
            thing = self.deserialize(identifier)
        elif isinstance(identifier, str):
            thing = self.find(identifier)
        else:
            thing = identifier
        if isinstance(thing, type):
            thing = thing()
        if callable(thing):
            return thing
        raise ValueError(
            f"Could not interpret {self.kind} identifier: {identifier} "
            f"(of type {type(identifier).__name__}). Expected a name, a config dict, a class, an "
            "instance or a callable."
        )

    def serialize(self, thing: Any) -> Any:
        """Return the saved form of an object of this kind."""
        return serialize(thing)

    def deserialize(self, config: Any, custom_objects: Config | None = None) -> Any:
        """Return the object that a saved form describes; None for None."""
        if config is None:
            return None
        if isinstance(config, str):
            entry = self.find(config, custom_objects)
            return entry() if isinstance(entry, type) else entry
        if "module" not in config:
            self.find(config.get("class_name"), custom_objects)
            config = {"module": self.module, "registered_name": None, **config}
        return deserialize(config, custom_objects)
