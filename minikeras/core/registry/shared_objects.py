"""One object that a saved model holds in several places is one object again when it is read.

Its saved form has the same `shared_object_id` in each place.
"""

from typing import Any

from minikeras.core.per_thread import PerThread
from minikeras.core.types import Config, Dict, List


class _Shared(PerThread):
    saved: dict[int, tuple[Any, Config]] | None = None  # id -> the object, which keeps it, and form
    forms: dict[int, Config] | None = None  # id -> the form, which keeps it
    read: dict[Any, Any] | None = None  # shared_object_id -> the object
    unmarked: list[tuple[Config, Any]] | None = None  # objects whose forms have no such id
    by_text: dict[str, list[Any]] | None = None  # those looked through before, by their forms


_shared = _Shared()


class sharing:
    """Keep track of objects that occur more than once, inside a `with` block."""

    def __enter__(self) -> None:
        self._outer = vars(_shared).copy()
        _shared.saved, _shared.forms = {}, {}
        _shared.read, _shared.unmarked, _shared.by_text = {}, [], {}

    def __exit__(self, *_: object) -> None:
        _shared.put_back(self._outer)


def is_saved_form(value: Any) -> bool:
    """Say whether a dict is a saved form that was noted: a copy of it could not be marked later."""
    return _shared.forms is not None and id(value) in _shared.forms


def note_saved(thing: Any, form: Config) -> None:
    """Note the saved form of an object; mark it and the first one if it was saved before."""
    if _shared.saved is None or _shared.forms is None:
        return
    _shared.forms[id(form)] = form
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
    if _shared.read is None or not isinstance(key, int):
        return None
    if key not in _shared.read:
        first = _only_equal(form)
        if first is not None:
            _shared.read[key] = first
    return _shared.read.get(key)


def _only_equal(form: Config) -> Any:
    """The only object read so far whose form is this one but for the id, or None.

    Keras marks the second place of an object and those after it, and mostly not the first.
    """
    by_text: dict[str, list[Any]] = {} if _shared.by_text is None else _shared.by_text
    noted: list[tuple[Config, Any]] = _shared.unmarked or []
    for other, thing in noted:  # each once: a file may have many of both
        by_text.setdefault(repr(_without_ids(other)), []).append(thing)
    _shared.unmarked = []
    equal = by_text.get(repr(_without_ids(form)), [])
    return equal[0] if len(equal) == 1 else None


def _without_ids(value: Any) -> Any:
    if isinstance(value, Dict):
        return {k: _without_ids(v) for k, v in value.items() if k != "shared_object_id"}
    return [_without_ids(item) for item in value] if isinstance(value, List) else value


def note_read(thing: Any, form: Config) -> None:
    """Note an object that other places may refer to."""
    key = form.get("shared_object_id")
    if _shared.read is None or _shared.unmarked is None:
        return
    if isinstance(key, int):
        _shared.read[key] = thing
    else:
        _shared.unmarked.append((form, thing))
