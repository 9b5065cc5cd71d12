"""What an upper package provides to a lower one, by name."""

from importlib import import_module
from typing import Any


class _Seams(dict[str, Any]):
    """Functions and classes by name; a module that fills some is imported when one is needed."""

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, str] = {}

    def fill_from(self, module: str, names: list[str]) -> None:
        """Note that importing `module` fills `names`."""
        self._modules.update(dict.fromkeys(names, module))

    def __missing__(self, name: str) -> Any:
        if name not in self._modules:
            raise RuntimeError(f"Import `minikeras` first: no {name!r} is known.")
        import_module(self._modules[name])
        return super().__getitem__(name) if name in self else self._never_filled(name)

    def _never_filled(self, name: str) -> Any:
        raise RuntimeError(f"`{self._modules[name]}` does not provide {name!r}.")


late_bound = _Seams()
"""`"functional"` and `"functional_from_config"` (filled by models); what reads and writes files
(filled by `minikeras.saving`, which is imported when it is first needed)."""
