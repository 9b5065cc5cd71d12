"""Containers that tell their owner what is put into them.

A layer finds its weights, sub-layers and metrics by watching its own attributes; lists and dicts
among these are replaced by the ones below, so that later additions are seen as well.
"""

from itertools import count
from typing import Any

_changes = count(1)
_state = {"version": 0}


def version():
    """Return a number that grows whenever any layer's structure or trainability changes."""
    return _state["version"]


def changed():
    """Note that some layer's structure or trainability has changed."""
    _state["version"] = next(_changes)


class _Tracked:
    """A container whose items are tracked by an owner; without one it is like any other."""

    owner: Any = None

    def _track(self, value):
        return value if self.owner is None else self.owner._track(value)

    def _untrack(self, value):
        if self.owner is not None:
            self.owner._untrack(value)

    def __getstate__(self):
        """Nothing: the items are not in here, and the owner says itself what it owns."""


def owned_by(owner, values):
    """Return the containers among values, and inside them, whose owner is `owner`."""
    owned = []
    for value in values:
        if isinstance(value, _Tracked) and value.owner is owner:
            owned.append(value)
        if isinstance(value, (list, tuple)):
            owned += owned_by(owner, value)
        elif isinstance(value, dict):
            owned += owned_by(owner, value.values())
    return owned


class TrackedList(_Tracked, list):
    """A list whose items are tracked by an owner."""

    def __init__(self, values=(), owner: Any = None):
        self.owner = owner
        super().__init__(self._track(value) for value in values)

    def append(self, value):
        """Track and append `value`."""
        super().append(self._track(value))

    def insert(self, index, value):
        """Track and insert `value`."""
        super().insert(index, self._track(value))

    def extend(self, values):
        """Track and append all `values`."""
        super().extend(self._track(value) for value in values)

    def __iadd__(self, values):
        self.extend(values)
        return self

    def __setitem__(self, index, value):
        super().__setitem__(index, self._track(value))

    def __delitem__(self, index):
        taken = self[index] if isinstance(index, slice) else [self[index]]
        super().__delitem__(index)
        for value in taken:
            self._untrack(value)

    def remove(self, value):
        """Stop to track `value` and take it out."""
        self._untrack(value)
        super().remove(value)

    def pop(self, index=-1):
        """Stop to track the item and return it."""
        value = super().pop(index)
        self._untrack(value)
        return value

    def clear(self):
        """Stop to track all items and empty the list."""
        for value in self:
            self._untrack(value)
        super().clear()


class TrackedDict(_Tracked, dict):
    """A dict whose values are tracked by an owner."""

    def __init__(self, values=(), owner: Any = None):
        self.owner = owner
        super().__init__({key: self._track(value) for key, value in dict(values).items()})

    def __setitem__(self, key, value):
        super().__setitem__(key, self._track(value))

    def update(self, *args, **kwargs):
        """Track and set several values."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key, default=None):
        """Return the value, after tracking and setting the default if there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def __delitem__(self, key):
        self._untrack(self[key])
        super().__delitem__(key)

    def pop(self, key, *default):
        """Stop to track the value and return it."""
        if key in self:
            self._untrack(self[key])
        return super().pop(key, *default)

    def popitem(self):
        """Stop to track the last value and return it with its key."""
        key, value = super().popitem()
        self._untrack(value)
        return key, value

    def clear(self):
        """Stop to track all values and empty the dict."""
        for value in self.values():
            self._untrack(value)
        super().clear()
