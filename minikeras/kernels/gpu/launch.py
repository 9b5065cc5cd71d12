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
from functools import cache
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
        arrays = [a for a in arguments if isinstance(a, xp.ndarray)]
        _refuse_other_device(xp, arrays[0])
        real = real or next(a.dtype for a in arrays if a.dtype.kind == "f")
        place = 4 if max(a.size for a in arrays) < _SMALL else 8
        ready = _checked(self.family, name, arguments, xp.ndarray, real.itemsize, place)
        blocks = (min(blocks[0], _MOST_BLOCKS), *blocks[1:])
        _kernel(xp, self.family, name, real.itemsize, place)(blocks, threads, ready)


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
    found = {}
    for name, listed in _KERNEL.findall((FOLDER / f"{family}.cu").read_text()):
        for macro, value in macros.items():
            listed = re.sub(rf"\b{macro}\b", value, listed)
        words = (" ".join(word.split()) for word in listed.split(","))
        found[name] = [(w.rpartition(" ")[0], w.rpartition(" ")[2]) for w in words]
    return found


_KERNEL = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
# Parameters that several kernels share stand in common.cuh as macros named PARAMETERS_OF_...
_MACRO = re.compile(r"#define (PARAMETERS_OF_\w+) (.*)")


@cache
def _kernel(xp: Any, family: str, name: str, real: int, place: int) -> Any:
    """A kernel of a compiled family."""
    return _module(xp, family, real, place).get_function(name)


@cache
def _module(xp: Any, family: str, real: int, place: int) -> Any:
    return xp.RawModule(code=text_of(family, real, place), options=OPTIONS)


@cache
def _parameters(family: str, name: str, real: int, place: int) -> list[tuple[Any, bool]]:
    """The dtype of every parameter, and whether it is an array."""
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
    declared = kernels_of(family)[name]
    return [(known[re.sub(r"^const |\*$", "", t)], t.endswith("*")) for t, _ in declared]


def _checked(family: str, name: str, arguments: tuple, kind: type, real: int, place: int) -> tuple:
    """The arguments in the types that a kernel declares."""
    parameters = _parameters(family, name, real, place)
    if len(arguments) != len(parameters):
        raise TypeError(f"{family}.{name} takes {len(parameters)} arguments, not {len(arguments)}")
    ready = []
    for number, (value, (dtype, is_array)) in enumerate(zip(arguments, parameters, strict=True)):
        if not is_array:
            ready.append(dtype.type(value))
            continue
        if not isinstance(value, kind) or value.dtype != dtype or not value.flags.c_contiguous:
            declared = " ".join(kernels_of(family)[name][number])
            raise TypeError(
                f"{family}.{name} takes `{declared}`, a contiguous array of {dtype}. Received: "
                f"{getattr(value, 'dtype', type(value))} {getattr(value, 'strides', '')}"
            )
        ready.append(value)
    return tuple(ready)


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
    # `ascontiguousarray` would make an array of rank 0 one of rank 1.
    return [a if a is None or a.flags.c_contiguous else xp.ascontiguousarray(a) for a in arrays]


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
