"""Compiling CUDA sources and launching their kernels on CuPy arrays.

A source `cuda/<family>.cu` is written once for all types of number. In it `real` is the type that
arrays hold, `wide` the one to compute in (float for half precision), and `place` an integer that
counts as many elements as the arrays have; `common.cuh` defines them by two macros that a line in
front of it sets. CuPy compiles a family with NVRTC at the first use of each combination, and keeps
the result on disk.

A launch checks what CUDA does not: the number of arguments, the types of arrays, that they lie in
one piece. Numbers are given the types that the kernel declares.

No product and sum is contracted into one rounding: the kernels wait for memory, not for arithmetic,
and so they round like NumPy.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FOLDER = Path(__file__).with_name("cuda")
THREADS = 256
"""Threads of a block, where the kernel does not ask for a number of its own."""

OPTIONS = ("-std=c++17", "--fmad=false")

# Blocks of a launch at most; each thread then takes several elements. An int holds the last index.
_MOST_BLOCKS = 1 << 20
# Elements up to which an int counts them, and the step from element to element, without overflow.
_SMALL = 1 << 30

# Blocks of 256 threads that fill the largest GPUs; and rows that are worth a block.
_ENOUGH_BLOCKS = 512
_ROWS_OF_A_SLAB = 64

_WIDE = {2: np.float32, 4: np.float32, 8: np.float64}


class Source(NamedTuple):
    """A file of CUDA kernels.

    Attributes:
        family: The name of the file, without `.cu`.
    """

    family: str

    def launch(self, xp: Any, name: str, count: int, *arguments: Any, real: Any = None) -> None:
        """Launch a kernel with a thread for each of `count` elements.

        Args:
            xp: The array module.
            name: The kernel.
            count: Elements; for none, nothing is launched.
            *arguments: Arrays and numbers, as the kernel declares them.
            real: A dtype; that of the first array of floats if None.

        Raises:
            TypeError: If they are not what the kernel declares.
        """
        self.launch_blocks(xp, name, (-(-count // THREADS),), (THREADS,), *arguments, real=real)

    def launch_rows(
        self, xp: Any, name: str, rows: int, width: int, *arguments: Any, real: Any = None
    ) -> None:
        """Launch a kernel with a block of threads for each row of a matrix.

        Args:
            xp: The array module.
            name: The kernel.
            rows: Rows of the matrix.
            width: Numbers in a row: short rows get small blocks.
            *arguments: Arrays and numbers, as for `launch`.
            real: A dtype, as for `launch`.
        """
        threads = min(max(1 << max(width - 1, 1).bit_length() - 1, 32), 2 * THREADS)
        self.launch_blocks(xp, name, (rows,), (threads,), *arguments, real=real)

    def launch_channels(
        self, xp: Any, name: str, rows: int, channels: int, *arguments: Any
    ) -> None:
        """Launch a kernel with a few threads for each row of channels.

        Args:
            xp: The array module.
            name: The kernel.
            rows: Rows of channels; for none, nothing is launched.
            channels: Numbers in a row, at most 32 of which have a thread each.
            *arguments: Arrays and numbers, as for `launch`.
        """
        width = min(1 << max(channels - 1, 0).bit_length(), 32)
        height = THREADS // width
        self.launch_blocks(xp, name, (-(-rows // height),), (width, height), *arguments)

    def launch_blocks(
        self, xp: Any, name: str, blocks: tuple, threads: tuple, *arguments: Any, real: Any = None
    ) -> None:
        """Launch a kernel with given blocks and threads.

        Args:
            xp: The array module.
            name: The kernel.
            blocks: Blocks along up to three axes; for none, nothing is launched. Kernels take as
                many more steps along the first axis as it is cut short.
            threads: Threads of a block along up to three axes.
            *arguments: Arrays and numbers, as for `launch`.
            real: A dtype, as for `launch`.
        """
        if not all(blocks):
            return
        takes = _taken(self.family, name)
        takes.check(arguments, xp.ndarray)
        arrays = takes.arrays(arguments)
        _refuse_other_device(xp, arrays[0])
        real = real or next(a.dtype for a in arrays if a.dtype.kind == "f")
        place = 4 if max([a.size for a in arrays]) < _SMALL else 8
        kernel, of_arrays, of_integers, of_floats = _kernel(
            xp, self.family, name, real.itemsize, place
        )
        for array, dtype in zip(arrays, of_arrays, strict=True):
            if array.dtype != dtype or not array.flags.c_contiguous:
                takes.refuse(arguments, array, dtype)
        integers = _typed(of_integers, takes.integers(arguments))
        floats = [dtype(v) for dtype, v in zip(of_floats, takes.floats(arguments), strict=True)]
        blocks = (min(blocks[0], _MOST_BLOCKS), *blocks[1:])
        kernel(blocks, threads, takes.in_order((*arrays, *integers, *floats)))


@cache
def text_of(family: str, real: int = 4, place: int = 4) -> str:
    """Return what the compiler gets for a family.

    Args:
        family: The name of the file.
        real: Bytes of `real`: 2, 4 or 8.
        place: Bytes of `place`: 4 or 8.

    Returns:
        A CUDA source.

    Example:
        >>> from minikeras.kernels.gpu.launch import text_of
        >>> text_of("activations").splitlines()[0]
        '#define REAL_BYTES 4'
    """
    return "".join(
        [
            f"#define REAL_BYTES {real}\n#define PLACE_BYTES {place}\n",
            '#line 1 "common.cuh"\n',
            (FOLDER / "common.cuh").read_text(),
            f'#line 1 "{family}.cu"\n',
            (FOLDER / f"{family}.cu").read_text(),
        ]
    )


@cache
def kernels_of(family: str) -> dict[str, list[tuple[str, str]]]:
    """Return the kernels of a family with the types and names of their parameters.

    Args:
        family: The name of the file.

    Returns:
        `{kernel: [(type, name), ...]}`; the type of an array ends with `*`.

    Example:
        >>> from minikeras.kernels.gpu.launch import kernels_of
        >>> kernels_of("activations")["softplus"]
        [('const real*', 'x'), ('real*', 'y'), ('place', 'count')]
    """
    common = (FOLDER / "common.cuh").read_text().replace("\\\n", " ")
    macros = dict(_MACRO.findall(common))
    parameters = {}
    for name, listed in _KERNEL.findall((FOLDER / f"{family}.cu").read_text()):
        for macro, value in macros.items():
            listed = re.sub(rf"\b{macro}\b", value, listed)
        words = (" ".join(word.split()) for word in listed.split(","))
        parameters[name] = [(w.rpartition(" ")[0], w.rpartition(" ")[2]) for w in words]
    return parameters


_KERNEL = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
# Parameters that several kernels share stand in common.cuh as macros named PARAMETERS_OF_...
_MACRO = re.compile(r"#define (PARAMETERS_OF_\w+) (.*)")


@cache
def _kernel(xp: Any, family: str, name: str, real: int, place: int) -> tuple[Any, ...]:
    """A kernel of a compiled family, with the types of its arrays, integers and other numbers."""
    kernel = _module(xp, family, real, place).get_function(name)
    dtypes = _parameters(family, name, real, place)
    arrays, *numbers = (places(dtypes) for places in _taken(family, name)[2:5])
    return kernel, arrays, *[tuple(dtype.type for dtype in kind) for kind in numbers]


@cache
def _module(xp: Any, family: str, real: int, place: int) -> Any:
    return xp.RawModule(code=text_of(family, real, place), options=OPTIONS)


@cache
def _parameters(family: str, name: str, real: int, place: int) -> tuple[Any, ...]:
    known = {
        "real": np.dtype(f"f{real}"),
        "wide": np.dtype(_WIDE[real]),
        "place": np.dtype(f"i{place}"),
        "double": np.dtype("f8"),
        "int": np.dtype("i4"),
        "unsigned": np.dtype("u4"),
        "long long": np.dtype("i8"),
        "bool": np.dtype("?"),
    }
    return tuple(known[re.sub(r"^const |\*$", "", t)] for t, _ in kernels_of(family)[name])


class _Taken(NamedTuple):
    """What a kernel takes: functions that pick its arguments by kind, as few steps as possible.

    Attributes:
        family: The name of the file.
        name: The kernel.
        arrays: Picks the arrays of a tuple of arguments.
        integers: Picks the integers and flags.
        floats: Picks the other numbers.
        in_order: Puts arrays, integers and floats back in the order of the parameters.
    """

    family: str
    name: str
    arrays: Callable[[tuple], tuple]
    integers: Callable[[tuple], tuple]
    floats: Callable[[tuple], tuple]
    in_order: Callable[[tuple], tuple]

    def check(self, arguments: tuple, kind: type) -> None:
        """Raise an error if the count is wrong, or something else stands for an array."""
        declared = kernels_of(self.family)[self.name]
        if len(arguments) != len(declared):
            raise TypeError(
                f"{self.family}.{self.name} takes {len(declared)} arguments, not {len(arguments)}"
            )
        for array in self.arrays(arguments):
            if not isinstance(array, kind):
                self.refuse(arguments, array, "numbers")

    def refuse(self, arguments: tuple, array: Any, dtype: Any) -> None:
        """Raise the error that an argument is not the array that is declared."""
        number = next(i for i, argument in enumerate(arguments) if argument is array)
        declared = " ".join(kernels_of(self.family)[self.name][number])
        raise TypeError(
            f"{self.family}.{self.name} takes `{declared}`, a contiguous array of {dtype}. "
            f"Received: {getattr(array, 'dtype', type(array))} {getattr(array, 'strides', '')}"
        )


@cache
def _taken(family: str, name: str) -> _Taken:
    types = [t for t, _ in kernels_of(family)[name]]
    arrays = [i for i, t in enumerate(types) if t.endswith("*")]
    floats = [i for i, t in enumerate(types) if t in ("wide", "double")]
    integers = [i for i in range(len(types)) if i not in (*arrays, *floats)]
    order = [*arrays, *integers, *floats]
    back = sorted(range(len(order)), key=order.__getitem__)
    return _Taken(family, name, *map(_picker, (arrays, integers, floats, back)))


def _picker(places: list[int]) -> Callable[[tuple], tuple]:
    """A function that gives the values at some places of a tuple, as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple(values[place] for place in places)


@lru_cache(maxsize=4096)
def _typed(types: tuple, values: tuple) -> tuple:
    """Integers in the types that are declared: mostly sizes, the same ones again and again."""
    return tuple(kind(value) for kind, value in zip(types, values, strict=True))


def _refuse_other_device(xp: Any, array: Any) -> None:
    """A launch goes to the current GPU, wherever the arrays lie."""
    here = xp.cuda.runtime.getDevice()
    if array.device.id != here:
        raise ValueError(
            f"The array lies on GPU {array.device.id}, but GPU {here} is the current one. Compute "
            f'inside `with minikeras.device("gpu:{array.device.id}"):`.'
        )


def are_floats(*arrays: Any) -> bool:
    """Say whether arrays have one type of number, and one that kernels are compiled for.

    Args:
        *arrays: Arrays, or None for those that are not given.

    Returns:
        A bool.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.launch import are_floats
        >>> are_floats(np.ones(2), None), are_floats(np.ones(2), np.ones(2, "float32"))
        (True, False)
    """
    types = {array.dtype for array in arrays if array is not None}
    return len(types) == 1 and types.pop().kind == "f"


def contiguous(xp: Any, *arrays: Any) -> list[Any]:
    """Copy those arrays that do not lie in one piece, in the order of their elements.

    Args:
        xp: The array module.
        *arrays: Arrays, or None.

    Returns:
        A list of arrays, or None where there was none.

    Example:
        >>> import numpy as np
        >>> from minikeras.kernels.gpu.launch import contiguous
        >>> contiguous(np, np.ones((2, 3)).T)[0].flags.c_contiguous
        True
    """
    # Of an array of rank 0, which is in one piece, `ascontiguousarray` would make one of rank 1.
    return [a if a is None or not a.ndim else xp.ascontiguousarray(a) for a in arrays]


def slabs(rows: int, blocks: int) -> tuple[int, int]:
    """Divide rows that are summed, so that there are enough blocks to fill a GPU.

    Args:
        rows: How many rows.
        blocks: Blocks of threads that each slab gets.

    Returns:
        How many slabs, and the rows of each but the last.

    Example:
        >>> from minikeras.kernels.gpu.launch import slabs
        >>> slabs(1000, 1)
        (15, 67)
    """
    most = max(_ENOUGH_BLOCKS // max(blocks, 1), 1)
    count = max(min(most, rows // _ROWS_OF_A_SLAB), 1)
    slab = max(-(-rows // count), 1)
    return max(-(-rows // slab), 1), slab
