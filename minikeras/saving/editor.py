"""The weights of a file as a tree that can be looked at, compared with a model, and changed."""

from pathlib import Path
from typing import Any

import h5py

from minikeras.core import rich
from minikeras.saving import archive, guard
from minikeras.saving.durable import replacing
from minikeras.saving.editor_text import comparison_lines, emphasized, tree_lines
from minikeras.saving.naming import naming
from minikeras.saving.state import FURTHER_STATE, save_state
from minikeras.saving.stores import VARIABLES, Writer, host_array, new_hdf5

Tree = dict[str, Any]

# Kinds of dtypes; bfloat16 is of kind V.
_NUMBERS = "biufcV"


class KerasFileEditor:
    """The weights in a file of Keras, to be looked at, changed and saved again.

    Such a change lets weights that were saved before a model was changed fit it again.

    Args:
        filepath: path of a `.weights.h5` file, or of a `.keras` file.

    Attributes:
        filepath: the path.
        weights_dict: dict of name to object (a dict again) or weight (NumPy array).
        object_metadata: dict of path to the attributes of that object in the file, such as `name`.
        metadata: the version of Keras and the date, of a `.keras` file that has them; else None.
        config: the config of the model, of a `.keras` file; else None.

    Raises:
        ValueError: if the path has another ending, or the file is damaged or holds what a file of
            weights may not.
        FileNotFoundError: if there is no such file.

    Example:
        >>> import minikeras as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.save_weights("model.weights.h5")
        >>> editor = keras.saving.KerasFileEditor("model.weights.h5")
        Keras model file 'model.weights.h5'
        >>> editor.summary()
        Weights structure
          > layers
              └─ dense
                  ├─ 0: shape=(3, 2), dtype=float32
                  └─ 1: shape=(2,), dtype=float32
        >>> editor.delete_weight("layers/dense", "1")
        >>> editor.rename_object("layers/dense", "dense_1")
        >>> editor.add_object("layers/dense", {"0": [[1.0, 2.0]], "1": [0.0, 0.0]})
        >>> editor.save("edited.weights.h5")
    """

    def __init__(self, filepath):
        self.filepath = filepath
        self.metadata = None
        self.config = None
        self.model = None
        self.console = rich.console.Console(highlight=False)
        name = str(filepath)
        if not name.endswith((".keras", ".weights.h5")):
            raise ValueError(
                "A file that ends in `.keras` or `.weights.h5` is expected. "
                f"Received: filepath={filepath}"
            )
        if name.endswith(".keras"):
            self._read_archive()
        else:
            with guard.open_hdf5(filepath) as file:
                self._read_weights(file)
        self.console.print(f"Keras model file {emphasized(repr(name))}")
        if self.metadata is not None:
            version, date = (
                emphasized(self.metadata.get(key, "unknown"))
                for key in ("keras_version", "date_saved")
            )
            self.console.print(f"Saved with Keras {version} - date: {date}")

    def _read_archive(self):
        with guard.open_archive(self.filepath) as opened:
            self.config = opened.json(archive.CONFIG)
            if archive.METADATA in opened.names:
                self.metadata = opened.json(archive.METADATA)
            with opened.view(archive.WEIGHTS) as member, guard.open_hdf5(member) as file:
                self._read_weights(file)

    def _read_weights(self, file):
        self.object_metadata = {}
        self.weights_dict = _read_object(file, "", self.object_metadata)

    def summary(self):
        """Print the objects and weights of the file, with shapes and dtypes.

        Example:
            >>> import minikeras as keras
            >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5)])
            >>> model.save_weights("model.weights.h5")
            >>> keras.saving.KerasFileEditor("model.weights.h5").summary()
            Keras model file 'model.weights.h5'
            Weights structure
        """
        self.console.print("Weights structure")
        for line in tree_lines(self.weights_dict, self.object_metadata):
            self.console.print(line)

    def compare(self, reference_model):
        """Compare the weights with those that a model expects, and print what differs.

        Every weight is counted once, and an object that one side lacks is one error.

        Args:
            reference_model: a model that is built.

        Returns:
            A dict: `"status"` is `"success"` or `"error"`, `"error_count"` says how many objects
            and weights differ, `"match_count"` how many weights have the expected shape.

        Example:
            >>> import minikeras as keras
            >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
            >>> model.save_weights("model.weights.h5")
            >>> editor = keras.saving.KerasFileEditor("model.weights.h5")
            Keras model file 'model.weights.h5'
            >>> editor.compare(model)["match_count"]
            Comparing the file with the model
            The file fits the model: 2 weights have the expected shapes.
            2
        """
        self.console.print("Comparing the file with the model")
        expected = _Shapes()
        save_state(reference_model, expected)
        ours = {name: value for name, value in self.weights_dict.items() if name != FURTHER_STATE}
        matches, errors = comparison_lines(ours, expected.tree)
        for line in errors:
            self.console.print(line)
        if errors:
            self.console.print(
                f"[red]The file does not fit the model: {_count(len(errors), 'difference')}.[/]"
            )
        else:
            self.console.print(
                f"[green]The file fits the model:[/] {_count(matches, 'weight')} "
                f"{'has the expected shape' if matches == 1 else 'have the expected shapes'}."
            )
        status = "error" if errors else "success"
        return {"status": status, "error_count": len(errors), "match_count": matches}

    def rename_object(self, object_name, new_name):
        """Give an object another name.

        Args:
            object_name: name of the object, such as `"dense_2"`, or its path, such as
                `"layers/dense_2"`.
            new_name: its new name, without a path. An object that has it is replaced.

        Raises:
            ValueError: if there is no such object, or more than one.
        """
        _check_name(new_name, "new_name")
        parent, name = self._find(object_name)
        parent[new_name] = parent.pop(name)

    def delete_object(self, object_name):
        """Take an object out, with all that is in it.

        Args:
            object_name: its name or path.

        Raises:
            ValueError: if there is no such object, or more than one.
        """
        parent, name = self._find(object_name)
        del parent[name]

    def add_object(self, object_path, weights):
        """Put in an object; one that is at the path is replaced.

        Args:
            object_path: path of the object. What is to hold it must be there.
            weights: dict of name (`"0"`, `"1"`, ...) to array.

        Raises:
            ValueError: if nothing is there to hold it, or `weights` is no such dict.
        """
        checked = _checked_weights(weights)
        *outer, name = str(object_path).split("/")
        _check_name(name, "object_path")
        parent = self.weights_dict
        for part in outer:
            parent = parent.get(part)
            if not isinstance(parent, dict):
                raise ValueError(
                    f"There is no object at '{'/'.join(outer)}' that could hold '{name}'. "
                    f"Received: object_path={object_path!r}"
                )
        parent[name] = checked

    def delete_weight(self, object_name, weight_name):
        """Take a weight out of an object.

        Args:
            object_name: name or path of the object.
            weight_name: name of the weight, such as `"0"`.

        Raises:
            ValueError: if there is no such object or weight.
        """
        thing = self._object(object_name)
        if weight_name not in thing:
            raise ValueError(
                f"'{object_name}' has no weight '{weight_name}'. It has {list(thing)}."
            )
        del thing[weight_name]

    def add_weights(self, object_name, weights):
        """Put weights into an object; those that have such names are replaced.

        Args:
            object_name: name or path of the object.
            weights: dict of name (`"0"`, `"1"`, ...) to array.

        Raises:
            ValueError: if there is no such object, or `weights` is no such dict.
        """
        checked = _checked_weights(weights)
        self._object(object_name).update(checked)

    def save(self, filepath):
        """Write the weights, as they are now, to a file.

        Args:
            filepath: path that ends in `.weights.h5`.

        Raises:
            ValueError: if it has another ending, or a name can't be written.
        """
        if not str(filepath).endswith(".weights.h5"):
            raise ValueError(f"The path must end in `.weights.h5`. Received: filepath={filepath}")
        path = Path(filepath)
        with naming(str(path)), replacing(path) as temporary, new_hdf5(temporary) as file:
            self._write_object(Writer(file), self.weights_dict, "")

    def resave_weights(self, filepath):
        """Write the weights to a file; the same as `save`.

        Args:
            filepath: path that ends in `.weights.h5`.
        """
        self.save(filepath)

    def _write_object(self, writer, thing, path):
        name = self.object_metadata.get(f"/{path}", {}).get("name")
        has_weights = not all(isinstance(value, dict) for value in thing.values())
        entry = writer.entry(path, name if has_weights and isinstance(name, str) else None)
        for key, value in thing.items():
            if isinstance(value, dict):
                self._write_object(writer, value, f"{path}/{key}" if path else key)
            else:
                entry[key] = value

    def _find(self, object_name):
        """The dict that holds what a name or a path stands for, and its name in that dict."""
        if "/" in str(object_name):
            return self._find_path(object_name)
        holders = list(_holders(self.weights_dict, object_name))
        if len(holders) != 1:
            raise ValueError(
                f"The file has {len(holders) or 'no'} objects named '{object_name}'. `summary()` "
                "shows them all; a path such as 'layers/dense' names one."
            )
        return holders[0], object_name

    def _find_path(self, path):
        *outer, name = path.strip("/").split("/")
        parent = self.weights_dict
        for part in outer:
            parent = parent.get(part) if isinstance(parent, dict) else None
        if not isinstance(parent, dict) or name not in parent:
            raise ValueError(f"The file has no '{path}'. `summary()` shows what it has.")
        return parent, name

    def _object(self, object_name):
        parent, name = self._find(object_name)
        if not isinstance(parent[name], dict):
            raise ValueError(
                f"'{object_name}' is a weight; the name of the object that has it is expected."
            )
        return parent[name]


def _holders(tree: Tree, name: str):
    """All dicts of a tree that have a name."""
    if name in tree:
        yield tree
    for value in tree.values():
        if isinstance(value, dict):
            yield from _holders(value, name)


def _read_object(group: h5py.Group, path: str, metadata: Tree) -> Tree:
    """The weights of an object and the objects in it; those without any weights are left out."""
    tree: Tree = {}
    attributes = dict(group.attrs)
    for key in map(str, group):
        child = group[key]
        if not isinstance(child, h5py.Group):
            tree[key] = _read_weight(child)
        elif key == VARIABLES:
            attributes |= dict(child.attrs)
            tree |= {str(name): _read_weight(child[name]) for name in child}
        elif inner := _read_object(child, f"{path}/{key}", metadata):
            tree[key] = inner
    if attributes:
        metadata[path] = attributes
    return tree


def _read_weight(dataset: Any) -> Any:
    array = guard.read_array(dataset)
    if getattr(array, "dtype", None) is None or array.dtype.kind not in _NUMBERS:
        raise guard.FileError(f"{dataset.file.filename}: {dataset.name}: is no array of numbers")
    return array[()]


def _check_name(name: Any, argument: str) -> None:
    if not isinstance(name, str) or not name or "/" in name or name in (".", "..", VARIABLES):
        raise ValueError(
            f"`{argument}` should be, or end in, the name of an object, which has no '/'. "
            f"Received: {argument}={name!r}"
        )


def _checked_weights(weights: Any) -> Tree:
    """A copy of a dict of weights, all of them NumPy arrays."""
    if not isinstance(weights, dict):
        raise ValueError(
            "`weights` should be a dict of weight names (such as '0' and '1') to arrays. "
            f"Received: {weights!r:.200} (of type {type(weights).__name__})"
        )
    checked: Tree = {}
    for name, value in weights.items():
        _check_name(name, "weights")
        checked[name] = _checked_weights(value) if isinstance(value, dict) else host_array(value)
        if not isinstance(value, dict) and checked[name].dtype.kind not in _NUMBERS:
            raise ValueError(
                f"The weight '{name}' should be an array of numbers. Received: {value!r:.200} "
                f"(of dtype {checked[name].dtype})"
            )
    return checked


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


class _Shapes(Writer):
    """Takes the place of a file, and notes what would be written."""

    def __init__(self):
        self.tree: Tree = {}

    def entry(self, path, name=None):
        """Return the mapping that an object fills; its name is not noted."""
        return super().entry(path)

    def write(self, path, key, array):
        """Note an array."""
        place = self.tree
        for part in path.split("/")[:-1]:
            place = place.setdefault(part, {})
        place[key] = array
