"""Where seeds come from: generators with a counter, and the state that `set_random_seed` sets.

A draw is a pure function of a pair of integers (see `arrays.random`). A `SeedGenerator` hands out
such pairs: its own seed, and how often it was asked. Draws without a seed ask a global generator,
which is made when first needed, from Python's `random`.
"""

import contextlib
import random
from typing import Any

import numpy as np

from minikeras.arrays.device import device
from minikeras.arrays.order import MAX_INT32
from minikeras.autograd import symbolic
from minikeras.autograd.program import replayed
from minikeras.autograd.symbolic import Abstract
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import Variable
from minikeras.core import names, registry
from minikeras.core.per_thread import PerThread

_LARGEST_DEFAULT = 10**9
_STATE_DTYPE = "int64"

# The congruential steps between the seeds of the global generator; Keras's numbers.
_JUMP_FACTOR, _JUMP_MODULUS = 5387, 933199

_state: dict[str, Any] = {"generator": None, "run_seed": None, "op_seeds": 0}


class _Watching(PerThread):
    def __init__(self):
        self.functions: tuple[Any, ...] = ()


_watching = _Watching()

table = registry.Table("seed generator", "keras.random")


@table.add
class SeedGenerator:
    """A source of seeds: every draw made with it gets numbers of its own.

    Args:
        seed: Python int from -2**63 to 2**63 - 1, or None for one drawn from Python's `random`.
        name: a name without `/`, or None for an automatic one.
        **kwargs: None is taken; any raises a ValueError.

    Raises:
        ValueError: if the seed is no such int, the name is invalid, or an argument is unknown.

    Example:
        >>> import minikeras as keras
        >>> seeds = keras.random.SeedGenerator(seed=3)
        >>> seeds.next().tolist(), seeds.next().tolist()
        ([3, 0], [3, 1])
    """

    def __init__(self, seed=None, name=None, **kwargs):
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
        name = name or names.of_class(type(self))
        names.check(name)
        first = make_default_seed() if seed is None else seed
        if not is_seed(first) or not -(2**63) <= first < 2**63:
            raise ValueError(
                "Argument `seed` must be an integer of at most 64 bits. "
                f"Received: seed={seed} (of type {type(seed).__name__})"
            )
        self.name = name
        self._initial_seed = seed
        # Each draw reads the state: a GPU would be waited for.
        with names.name_scope(name), device("cpu"):
            self.state = Variable(
                [first, 0],
                dtype=_STATE_DTYPE,
                trainable=False,
                name="seed_generator_state",
            )

    @replayed
    def next(self, ordered=True):
        """Return the next seed.

        Args:
            ordered: whether the counter goes up by one; if not, seed and counter jump to the next
                of a pseudo-random sequence, as those of the global generator do.

        Returns:
            A tensor of shape (2,), dtype int64: the seed, and how many were drawn before this one.
            While only shapes are being worked out, a shape, and the counter stays.

        Example:
            >>> import minikeras as keras
            >>> keras.random.SeedGenerator(seed=3).next().tolist()
            [3, 0]
        """
        if symbolic.in_abstract_scope():
            return Abstract((2,), _STATE_DTYPE)
        return Tensor(np.array(self.next_pair(ordered), dtype=_STATE_DTYPE))

    def next_pair(self, ordered=True):
        """Return the next seed as a pair of Python ints, as `arrays.random` takes it."""
        for function in _watching.functions:
            function(self)
        state = self.state.writable()
        pair = int(state[0]), int(state[1])
        if ordered:
            state[1] += 1
        else:
            state[...] = [(part + 1) * _JUMP_FACTOR % _JUMP_MODULUS for part in pair]
        return pair

    def get_config(self):
        """Return the arguments that make an equal generator, its counter apart.

        Returns:
            A dict of JSON types.

        Example:
            >>> import minikeras as keras
            >>> keras.random.SeedGenerator(seed=3, name="masks").get_config()
            {'seed': 3, 'name': 'masks'}
        """
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """Make a generator of what `get_config` returned."""
        return cls(**config)


def is_seed(value):
    """Say whether a value can seed a generator or draw: a Python int that is no bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def make_default_seed():
    """Draw a seed from Python's `random`, so that `random.seed` makes whole runs repeatable."""
    return random.randint(1, _LARGEST_DEFAULT)


def global_seed_generator():
    """Return the generator that serves draws without a seed; made when first asked for."""
    if _state["generator"] is None:
        _state["generator"] = SeedGenerator()
    return _state["generator"]


@contextlib.contextmanager
def watched(function):
    """Within this scope, call a function with each seed generator before it is asked for a seed.

    The global generator is left out: its state is part of `random_state`.

    Args:
        function: function of a `SeedGenerator`.
    """

    def watch(generator):
        if generator is not _state["generator"]:
            function(generator)

    before = _watching.functions
    _watching.functions = (*before, watch)
    try:
        yield
    finally:
        _watching.functions = before


def clear_seeds():
    """Forget the global generator: the next draw without a seed makes a new one."""
    _state["generator"] = None


def draw_seed(seed: Any) -> tuple[int, int]:
    """Return the pair of ints that a draw is to be made from.

    Args:
        seed: an int, which always gives the same pair; a `SeedGenerator`, which steps on; or None
            for the global generator.

    Returns:
        A pair of Python ints.

    Raises:
        ValueError: if `seed` is anything else.
    """
    if isinstance(seed, SeedGenerator):
        return seed.next_pair()
    if is_seed(seed):
        return seed, 0
    if seed is None:
        return global_seed_generator().next_pair(ordered=False)
    raise refused_seed(seed)


def refused_seed(seed: Any) -> ValueError:
    """Return the error for a seed that is none of those that draws and initializers take."""
    return ValueError(
        "`seed` must be an int, None, or a `keras.random.SeedGenerator`. Received: "
        f"seed={seed!r} (of type {type(seed).__name__})"
    )


def set_random_seed(seed):
    """Seed all random numbers: Python's `random`, NumPy's global state, and this package's.

    After it, weights, masks and the order of samples are the same in every run.

    Args:
        seed: int from 0 to 2**32 - 1.

    Raises:
        ValueError: if `seed` is no such int.

    Example:
        >>> import minikeras as keras
        >>> keras.utils.set_random_seed(7)
        >>> first = keras.random.uniform((2,)).tolist()
        >>> keras.utils.set_random_seed(7)
        >>> keras.random.uniform((2,)).tolist() == first
        True
    """
    if not isinstance(seed, int):
        raise ValueError(
            f"The global seed must be an int. Received: seed={seed!r} (of type "
            f"{type(seed).__name__})"
        )
    if not 0 <= seed < 2**32:
        raise ValueError(f"Seed must be between 0 and 2**32 - 1. Received: seed={seed}")
    random.seed(seed)
    np.random.seed(seed)
    clear_seeds()
    _state.update(run_seed=seed, op_seeds=0)


def random_state():
    """Return all that `set_random_seed` sets, as it is now, for `set_random_state`.

    Returns:
        A dict of plain values and arrays: the states of Python's `random` and of NumPy's global
        generator, this package's global generator (None before it is needed), the run's seed, and
        how many operations were given a seed of it.

    Example:
        >>> kept = random_state()
        >>> first = random.random()
        >>> set_random_state(kept)
        >>> random.random() == first
        True
    """
    generator = _state["generator"]
    version, words, gauss = random.getstate()
    return {
        "python": [version, np.array(words, "uint32"), gauss],
        "numpy": np.random.get_state(legacy=False),
        "generator": None if generator is None else np.array(generator.state.array),
        "run_seed": _state["run_seed"],
        "op_seeds": _state["op_seeds"],
    }


def set_random_state(state):
    """Let all random numbers go on from where `random_state` found them.

    Args:
        state: what `random_state` returned.
    """
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    np.random.set_state(state["numpy"])
    if state["generator"] is None:
        clear_seeds()
    else:
        global_seed_generator().state.assign(state["generator"])
    _state.update(run_seed=state["run_seed"], op_seeds=state["op_seeds"])


def run_seed():
    """Return the int that `set_random_seed` was given last, None if it never was."""
    return _state["run_seed"]


def op_seed(seed):
    """Return the seed of an operation that was made without one.

    TensorFlow draws one after the other from a generator of Python that the run's seed begins.

    Args:
        seed: the run's seed.
    """
    source = random.Random(seed)
    drawn = [source.randint(0, MAX_INT32) for _ in range(_state["op_seeds"] + 1)]
    _state["op_seeds"] += 1
    return drawn[-1]
