"""One object that a saved model holds in several places is one object again when it is read.

Its saved form has the same `shared_object_id` in each place.
"""

from typing import Any

from minikeras.core.per_thread import PerThread
from minikeras.core.types import Config


class _Shared(PerThread):
    saved: dict[int, tuple[Any, Config]] | None = None  # id -> the object, which keeps it, and form
    read: dict[Any, Any] | None = None  # shared_object_id -> the object


_shared = _Shared()


class sharing:
    """Keep track of objects that occur more than once, inside a `with` block."""

    def __enter__(self) -> None:
        self._outer = vars(_shared).copy()
        _shared.saved, _shared.read = {}, {}

    def __exit__(self, *_: object) -> None:
        _shared.put_back(self._outer)


def note_saved(thing: Any, form: Config) -> None:
    """Note the saved form of an object; mark it and the first one if it was saved before."""
    if _shared.saved is None:
        return
    if id(thing) not in _shared.saved:
        _shared.saved[id(thing)] = (thing, form)
        return
    first = _shared.saved[id(thing)][1]
    form["shared_object_id"] = first.setdefault("shared_object_id", _next_id(_shared.saved))


def _next_id(saved: dict[int, tuple[Any, Config]]) -> int:
    return 1 + sum("shared_object_id" in form for _, form in saved.values())


def already_read(form: Config) -> Any:
    """Return the object that this form's `shared_object_id` stands for, or None."""
    key = form.get("shared_object_id")
    return _shared.read.get(key) if _shared.read is not None and isinstance(key, int) else None


def note_read(thing: Any, form: Config) -> None:
    """Note an object that other places may refer to."""
    key = form.get("shared_object_id")
    if _shared.read is not None and isinstance(key, int):
        _shared.read[key] = thing
