"""Named values of a program, as attributes and as a dict, that can be frozen."""

import json


class Config:
    """Named values, to be set and read as attributes or as the entries of a dict.

    Args:
        **kwargs: the first of them.

    Raises:
        ValueError: where a frozen config is changed.
        AttributeError: where an attribute is read that is not there.

    Example:
        >>> import minikeras as keras
        >>> config = keras.utils.Config(units=4)
        >>> config.activation = "relu"
        >>> config["units"], sorted(config)
        (4, ['activation', 'units'])
        >>> config.to_json()
        '{"units": 4, "activation": "relu"}'
    """

    def __init__(self, **kwargs):
        vars(self).update(_values=dict(kwargs), _is_frozen=False)

    def freeze(self):
        """Refuse changes from now on."""
        vars(self)["_is_frozen"] = True

    def unfreeze(self):
        """Allow changes again."""
        vars(self)["_is_frozen"] = False

    @property
    def frozen(self):
        """Whether changes are refused."""
        return vars(self)["_is_frozen"]

    def as_dict(self):
        """Return the values as a new dict."""
        return dict(self._values)

    def to_json(self):
        """Return the values as JSON.

        Raises:
            TypeError: if JSON has no form for one of them.
        """
        return json.dumps(self._values)

    def keys(self):
        """Return a view of the names."""
        return self._values.keys()

    def values(self):
        """Return a view of the values."""
        return self._values.values()

    def items(self):
        """Return a view of the pairs of name and value."""
        return self._values.items()

    def get(self, keyname, value=None):
        """Return a value, or another where there is none.

        Args:
            keyname: the name.
            value: what is returned where the name is not there.
        """
        return self._values.get(keyname, value)

    def pop(self, *args):
        """Take a value out and return it; arguments as of `dict.pop`."""
        self._check_changeable()
        return self._values.pop(*args)

    def update(self, *args, **kwargs):
        """Set several values; arguments as of `dict.update`."""
        self._check_changeable()
        self._values.update(*args, **kwargs)

    def __getattr__(self, name):
        values = vars(self).get("_values", {})  # while a config is unpickled there are none
        if name not in values:
            raise AttributeError(f"The config has no {name!r}. It has {list(values)}.")
        return values[name]

    def __setattr__(self, name, value):
        self[name] = value

    def __delattr__(self, name):
        if name not in self:
            raise AttributeError(f"The config has no {name!r}. It has {list(self)}.")
        del self[name]

    def __getitem__(self, key):
        return self._values[key]

    def __setitem__(self, key, item):
        self._check_changeable()
        self._values[key] = item

    def __delitem__(self, key):
        self._check_changeable()
        del self._values[key]

    def __contains__(self, item):
        return item in self._values

    def __iter__(self):
        return iter(self._values)

    def __len__(self):
        return len(self._values)

    def __repr__(self):
        return f"<Config {self._values}>"

    def __setstate__(self, state):
        vars(self).update(state)

    def _check_changeable(self):
        if self.frozen:
            raise ValueError(f"{self!r} is frozen: call `unfreeze()` before it is changed.")
