"""The state of a model, written object by object and brought back all at once, or not at all."""

import warnings
from typing import Any

import numpy as np

from minikeras.autograd.postponed import has_values
from minikeras.autograd.variable import Variable
from minikeras.core import dtypes, trees
from minikeras.layers import Layer
from minikeras.optimizers import Optimizer
from minikeras.saving import guard
from minikeras.saving.stores import Entry, Reader, Writer
from minikeras.saving.traversal import traverse

# What Keras's files have no place for, and Keras passes over.
FURTHER_STATE = "minikeras_state"


def save_state(root: Any, writer: Writer, *, whole: bool = False, skip: Any = ()) -> None:
    """Write the variables of a model, its layers and its optimizer.

    Args:
        root: a model, or a layer.
        writer: where to.
        whole: whether the states of random generators and of stateful layers are written as well.
        skip: objects that are left out.
    """

    def save(path: str, thing: Any) -> bool:
        if hasattr(thing, "save_own_variables"):
            name = getattr(thing, "name", None)
            thing.save_own_variables(writer.entry(path, name if isinstance(name, str) else None))
        if whole:
            store = writer.entry(_further(path))
            for key, variable in _further_state(thing).items():
                store[key] = variable
        return True

    traverse(root, save, tuple(skip))


def _further(path: str) -> str:
    return f"{FURTHER_STATE}/{path}" if path else FURTHER_STATE


def _further_state(thing: Any) -> dict[str, Variable]:
    """The variables of a layer that are no weights: of random generators, of stateful layers."""
    if not isinstance(thing, Layer):
        return {}
    state = {f"seed_{i}": g.state for i, g in enumerate(thing._seed_generators)}
    kept = trees.flatten(getattr(thing, "states", None) or [])
    state.update({f"state_{i}": v for i, v in enumerate(kept) if isinstance(v, Variable)})
    return state


def load_state(
    root: Any,
    reader: Reader,
    where: str,
    *,
    skip_mismatch: bool = False,
    whole: bool = False,
    skip: Any = (),
) -> None:
    """Give the variables of a model, its layers and its optimizer the values of a file.

    Args:
        root: a model, or a layer.
        reader: where from.
        where: name of the file, for messages.
        skip_mismatch: whether objects that do not fit are left as they are, with a warning.
        whole: whether the states of random generators and of stateful layers are read as well.
        skip: objects that are left as they are.

    Raises:
        ValueError: if anything does not fit, or cannot be read; nothing has changed.
    """
    loading = _Loading(reader, whole)
    traverse(root, loading.match, tuple(skip))
    if not skip and not reader.is_former:
        loading.note_surplus()
    if loading.problems and not skip_mismatch:
        raise ValueError(_message(where, loading.problems, "The model is as it was."))
    try:
        loading.read()
        if loading.problems and not skip_mismatch:
            raise ValueError(_message(where, loading.problems, "The model is as it was."))
        loading.finish()
    except BaseException:  # an interrupt as well must not leave a model that is half the file's
        loading.take_back()
        raise
    if loading.problems:
        warnings.warn(
            _message(where, loading.problems, "They are left as they were."), stacklevel=4
        )


def _message(where: str, problems: dict[Any, list[str]], end: str) -> str:
    lines = [line for lines in problems.values() for line in lines]
    return (
        f"{where}: the weights in this file do not fit the model. {len(problems)} objects could "
        f"not be loaded:\n- " + "\n- ".join(lines) + f"\n{end}"
    )


class _Loading:
    """One load: first everything is matched, then read, and at last put in place.

    Args:
        reader: where from.
        whole: whether further state is read as well.
    """

    def __init__(self, reader: Reader, whole: bool):
        self.reader = reader
        self.whole = whole
        self.problems: dict[Any, list[str]] = {}
        self._pairs: list[tuple[Variable, Any]] = []  # with the data set of its values
        self._by_hand: list[tuple[str, Any, Entry]] = []
        self._used: set[str] = set()
        self._values: list[tuple[Variable, np.ndarray]] = []
        self._former: list[tuple[Variable, Any]] = []

    def match(self, path: str, thing: Any) -> bool:
        """Match the variables of an object with the arrays at its path; return whether they fit."""
        if not hasattr(thing, "load_own_variables"):
            return True
        entry = self.reader.entry(path)
        if _loads_by_hand(thing):
            if not entry and id(thing) in self.problems:
                return False
            self._by_hand.append((path, thing, entry))
            problems = []
        else:
            problems = self._match_variables(path, thing, entry)
        self._used.add(path)
        if problems:
            self.problems.setdefault(id(thing), problems)
            return False
        self.problems.pop(id(thing), None)  # another path did not fit, this one does
        if self.whole:
            self._match_further(path, thing)
        return True

    def _match_variables(self, path: str, thing: Any, entry: Entry) -> list[str]:
        variables = own_variables(thing)
        what = f"'{path}' ({type(thing).__name__} '{thing.name}')"
        if isinstance(thing, Optimizer):
            variables = _that_are_saved(thing, variables, len(entry))
        if isinstance(thing, Optimizer) and len(entry) != len(variables):
            warnings.warn(_unfit_optimizer(thing, len(variables), len(entry)), stacklevel=2)
            return []
        if not variables and entry and not thing.built:
            return [f"{what} is not built and has no weights; the file has {_shapes(entry)} of it"]
        problems, pairs = [], []
        for i, variable in enumerate(variables):
            problem = _misfit(variable, entry, str(i))
            if problem:
                problems.append(f"{what}: weight {i}, '{variable.path}', {problem}")
            else:
                pairs.append((variable, entry.dataset(str(i))))
        numbers = {str(i) for i in range(len(variables))}
        problems += [
            f"{what}: the file has a weight '{key}' of shape {_shape(entry, key)} that the layer "
            f"has not"
            for key in entry
            if key not in numbers
        ]
        if not problems:
            self._pairs += pairs
        return problems

    def _match_further(self, path: str, thing: Any) -> None:
        entry = self.reader.entry(_further(path))
        for key, variable in _further_state(thing).items():
            if _misfit(variable, entry, key) is None:
                self._pairs.append((variable, entry.dataset(key)))

    def note_surplus(self) -> None:
        """Note what the file has and no object of the model asked for, training excepted."""
        for path in self.reader.paths():
            beginning = path.split("/")[0]
            if path not in self._used and beginning not in ("optimizer", "metrics", FURTHER_STATE):
                shapes = _shapes(self.reader.entry(path))
                self.problems[path] = [f"'{path}': the file has {shapes}, the model has no such"]

    def read(self) -> None:
        """Read all values; those of objects that read by hand are in place after it."""
        for variable, dataset in self._pairs:
            dtype = dtypes.NUMPY[variable.dtype]
            self._values.append((variable, guard.read_array(dataset, variable.shape, dtype)))
        for path, thing, entry in self._by_hand:
            before = len(self._former)
            self._former += [(v, v.array) for v in _all_variables(thing) if has_values(v)]
            try:
                thing.load_own_variables(entry)
            except Exception as error:
                name = f"{type(thing).__name__} '{getattr(thing, 'name', '')}'"
                self.problems[id(thing)] = [f"'{path}' ({name}): {error}"]
                self.take_back(before)

    def take_back(self, begin: int = 0) -> None:
        """Undo what was put in place, from the `begin`-th variable on."""
        for variable, array in reversed(self._former[begin:]):
            variable.array = array

    def finish(self) -> None:
        """Put the values in place."""
        self._former += [(v, v.array) for v, _ in self._values if has_values(v)]
        for variable, array in self._values:
            variable.adopt(array)


def own_variables(thing: Any) -> list[Variable]:
    """Return the variables that are a layer's or an optimizer's own, in the order of the file."""
    if isinstance(thing, Optimizer):
        return thing.variables
    return thing._trainable_variables + thing._non_trainable_variables


def _all_variables(thing: Any) -> list[Variable]:
    return thing.variables if hasattr(thing, "variables") else []


def _loads_by_hand(thing: Any) -> bool:
    """Whether an object's class says itself how it loads its variables."""
    return type(thing).load_own_variables not in _COMMON


_COMMON = (Layer.load_own_variables, Optimizer.load_own_variables)


def _misfit(variable: Variable, entry: Entry, key: str) -> str | None:
    """What keeps a variable from having the values of an array, or None."""
    if key not in entry:
        return f"of shape {variable.shape}, is missing in the file"
    dataset = entry.dataset(key)
    if getattr(dataset, "shape", None) is None:
        return "is a group in the file, or empty, not an array"
    if tuple(dataset.shape) != tuple(variable.shape):
        return f"has shape {tuple(variable.shape)}, in the file {tuple(dataset.shape)}"
    stored = guard.dtype_when_read(dataset)
    if not _converts(stored, np.dtype(dtypes.NUMPY[variable.dtype])):
        return f"has dtype {variable.dtype}, in the file {stored}"
    return None


def _converts(stored: np.dtype, wanted: np.dtype) -> bool:
    """Whether numbers of one dtype can stand for those of another: never less than their kind."""
    kinds = ["b", "iu", "f"]
    ranks = [[kind.kind in group for group in kinds] for kind in (stored, wanted)]
    return all(map(any, ranks)) and ranks[0].index(True) <= ranks[1].index(True)


def _shape(entry: Entry, key: str) -> tuple[int, ...]:
    """The shape of what an entry has; that of a group, or of nothing, is ()."""
    return tuple(getattr(entry.dataset(key), "shape", None) or ())


def _shapes(entry: Entry) -> str:
    shapes = [_shape(entry, key) for key in entry]
    return f"{len(shapes)} weights of shapes {shapes}"


def _that_are_saved(optimizer: Optimizer, variables: list[Variable], count: int) -> Any:
    """The variables of an optimizer of which a file has `count`, if its kind is known."""
    if 0 < count < 3:  # the saved one was not built: its step and its learning rate
        return variables[:count]
    if count == len(variables) - 1:  # tf-keras does not save the learning rate
        return [v for v in variables if v is not optimizer._learning_rate]
    return variables


def _unfit_optimizer(optimizer: Optimizer, expected: int, received: int) -> str:
    reason = " It is built when it first changes weights." if not optimizer.built else ""
    return (
        f"The optimizer '{optimizer.name}' has {expected} variables, the file has {received} of "
        f"it: they are left out, and the optimizer starts as it is.{reason}"
    )
