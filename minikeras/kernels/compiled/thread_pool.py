"""A thread pool for compiled code: a parallel loop without Python between the threads.

`arrays.threads.each` lets plain Python threads compute the chunks. That is right for calls of
NumPy; but a sleeping thread must be woken and take the GIL twice. So a worker thread that has
computed spins for about a millisecond, in compiled code and without the GIL (`_spin`), and polls a
word of shared memory. A thread that has work writes there where to find it, and chunks are claimed
by an atomic increment of a counter: to hand work over takes less than a microsecond.

A kernel is a compiled function that is called for `ALL` chunks first, and then forks: it is called
once more for each chunk, by whichever thread has claimed it, and joins when all have returned.

    def negative(x, out):
        parallel_for(_negative, x.size, 2 * x.nbytes / BYTES, x, out)

    @compiled()
    def _negative(pool, ends, chunk, x, out):
        if chunk == ALL:
            return fork_join(pool, ends, (x, out))
        for i in range(ends[chunk], ends[chunk + 1]):
            out[i] = -x[i]

The protocol: a worker first adds itself to `ACTIVE` and then looks whether there is still work; the
owner of the work first says that there is none and then waits until `ACTIVE` is zero. So nobody
touches the owner's memory after it has returned. The pool has one owner at a time; another thread
that calls a kernel meanwhile computes its chunks alone.
"""

import platform
from functools import lru_cache

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from minikeras.arrays import threads
from minikeras.arrays.threads import CALLS, HELPERS, SPINNING, YIELD
from minikeras.kernels.compiled.compiler import compiled, inner, instructions

ALL = -1
"""The index of a chunk that stands for all of them."""

# Words that change, each in a cache line of its own: writing one does not take the others from the
# cores that look at them. Whether there is work, the next chunk, how many compute, whether the pool
# has an owner, and whether a chunk failed.
_OPEN, _NEXT, _ACTIVE, _OWNER, _FAILED = 24, 32, 40, 48, 49
# Words that stay while there is work: the function to call, what it gets, and how many chunks there
# are.
_CODE, _FRAME, _COUNT = 56, 57, 58

# Where the index of the chunk stands among the arguments of a kernel.
_CHUNK = 2

# Polls of a word before the core is yielded to others, and yields before a thread goes to sleep.
_POLLS, _YIELDS = 30, 1000

_I8P, _I64 = ir.IntType(8).as_pointer(), ir.IntType(64)


def parallel_for(kernel, count, work, *args, each_thread=4):
    """Divide `count` items into chunks, and run a compiled kernel on them in parallel.

    Args:
        kernel: compiled function `(pool, ends, chunk, *args)` that calls `fork_join`.
        count: how many items there are.
        work: nanoseconds that all of them may take one core.
        *args: its further arguments.
        each_thread: most chunks for each thread, see `threads.chunks`.

    Returns:
        What the kernel returns.
    """
    return parallel_chunks(kernel, threads.ends(count, work, each_thread), *args)


def parallel_chunks(kernel, ends, *args):
    """Run a compiled kernel in parallel on chunks that are known already.

    Args:
        kernel: compiled function `(pool, ends, chunk, *args)` that calls `fork_join`.
        ends: tuple of where the chunks begin and end, see `threads.ends`.
        *args: its further arguments.

    Returns:
        What the kernel returns.
    """
    return kernel(threads.pool_words(len(ends) - 1), _as_array(ends), ALL, *args)


@lru_cache(1024)
def _as_array(ends):
    return np.array(ends, np.int64)


@instructions
def fork_join(context, pool, ends, args):
    """Call the calling kernel once more for every chunk, and wait for all; in compiled code.

    Args:
        context: passed by Numba.
        pool: the first argument of the kernel, the shared words of the pool.
        ends: its second, an array (int64): where chunks begin and end, one more than there are
            chunks. The third is the index of a chunk.
        args: tuple of the other arguments.

    Raises:
        MemoryError: a chunk could not allocate memory.
    """
    arguments = pool, ends, types.int64, *[types.unliteral(kind) for kind in args]
    signature = types.void(pool, ends, args)

    def emit(context, builder, signature, values):
        parts = zip(cgutils.unpack_tuple(builder, values[2]), args, arguments[3:], strict=True)
        parts = [*values[:2], *[context.cast(builder, *part) for part in parts]]
        kinds = [pool, ends, *arguments[3:]]
        borrowed = [_borrowed(context, builder, *pair) for pair in zip(kinds, parts, strict=True)]
        frame = cgutils.alloca_once_value(builder, cgutils.pack_struct(builder, borrowed))
        code = _chunk_function(context, builder, arguments, frame.type)
        owner = types.void(pool, ends, types.int64, types.int64)
        addresses = [builder.ptrtoint(pointer, _I64) for pointer in (code, frame)]
        status = _call_owner(context, builder, owner, [*values[:2], *addresses])
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return signature, emit


def _borrowed(context, builder, kind, value):
    """An argument whose arrays own nothing: threads would write to the same counter of owners."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        return array._getvalue()
    if isinstance(kind, (types.Tuple, types.UniTuple)):
        inside = zip(kind.types, cgutils.unpack_tuple(builder, value), strict=True)
        return context.make_tuple(builder, kind, [_borrowed(context, builder, *p) for p in inside])
    return value


def _call_owner(context, builder, signature, values):
    """Write a call of `_run_as_owner`; return how it ended."""
    compiled_one = _run_as_owner.get_compile_result(signature)
    context.active_code_library.add_linking_library(compiled_one.library)
    callee = context.declare_function(builder.module, compiled_one.fndesc)
    kinds = signature.return_type, signature.args
    return context.call_conv.call_function(builder, callee, *kinds, values)[0]


def _chunk_function(context, builder, arguments, frame):
    """Write a function `(frame, chunk)` that calls the one being written with what a frame holds.

    It returns whether that failed.
    """
    kernel, conventions = builder.function, context.call_conv
    if kernel.function_type != conventions.get_function_type(types.none, arguments):
        raise TypeError(
            "`fork_join` needs all arguments of the kernel that calls it but the index of the chunk"
            f": as `(pool, ends, args)`. These would be {', '.join(map(str, arguments))}."
        )
    name = builder.module.get_unique_name(f"{kernel.name}.chunk")
    function = ir.Function(builder.module, ir.FunctionType(_I64, [frame, _I64]), name)
    function.linkage = "internal"
    inside = ir.IRBuilder(function.append_basic_block())
    values = cgutils.unpack_tuple(inside, inside.load(function.args[0]))
    values.insert(_CHUNK, function.args[1])
    # Not into the function itself: what it computes would stand there twice.
    once = {"attrs": ("noinline",)}
    status, _ = conventions.call_function(inside, kernel, types.none, arguments, values, **once)
    inside.ret(inside.zext(status.is_error, _I64))
    return function


@compiled()
def _run_as_owner(pool, ends, code, frame):
    """Compute all chunks, with the workers that spin, and return when the last has ended."""
    count = len(ends) - 1
    if count == 1 or _swap(pool, _OWNER, 1):
        failed = 0
        for i in range(count):
            failed |= _call(code, frame, i)
    else:
        pool[_CODE], pool[_FRAME], pool[_COUNT] = code, frame, count
        _store(pool, _FAILED, 0)
        _store(pool, _NEXT, 0)
        _store(pool, _OPEN, 1)
        _claim_chunks(pool)
        _store(pool, _OPEN, 0)
        polls = 0
        while _load(pool, _ACTIVE):
            polls = _wait(pool, polls)
        failed = _load(pool, _FAILED)
        _store(pool, _OWNER, 0)
    if failed:
        raise MemoryError("A chunk of a kernel could not allocate memory.")


@inner()
def _claim_chunks(pool):
    """Claim chunks and compute them until none is left."""
    code, frame, count = pool[_CODE], pool[_FRAME], pool[_COUNT]
    i = _add(pool, _NEXT, 1)
    while i < count:
        if _call(code, frame, i):
            _store(pool, _FAILED, 1)
        i = _add(pool, _NEXT, 1)


@compiled()
def _spin(pool, calls):
    """Compute chunks of whoever has work, until nobody has had any for a while; for a worker.

    Args:
        pool: the shared words of the pool.
        calls: how often it was called back to Python as far as this thread knows.

    Returns:
        How often it was.
    """
    polls = 0
    _add(pool, SPINNING, 1)
    while polls < _POLLS * _YIELDS and _load(pool, CALLS) == calls:
        if _load(pool, _OPEN) and _load(pool, _NEXT) < pool[_COUNT]:
            is_wanted = _add(pool, _ACTIVE, 1) < pool[HELPERS]
            if is_wanted and _load(pool, _OPEN):
                _claim_chunks(pool)
            _add(pool, _ACTIVE, -1)
            polls = 0
        polls = _wait(pool, polls)
    _add(pool, SPINNING, -1)
    return _load(pool, CALLS)


@inner()
def _wait(pool, polls):
    """Wait for a moment; return how often this has been done."""
    _pause()
    if polls % _POLLS == _POLLS - 1 and pool[YIELD]:
        _yield_core(pool[YIELD])
    return polls + 1


@instructions
def _call(context, code, frame, chunk):
    """Call a function of `_chunk_function` by its address; return whether it failed."""

    def emit(context, builder, signature, values):
        function = builder.inttoptr(values[0], ir.FunctionType(_I64, [_I8P, _I64]).as_pointer())
        return builder.call(function, [builder.inttoptr(values[1], _I8P), values[2]])

    return types.int64(code, frame, chunk), emit


@instructions
def _yield_core(context, address):
    """Call a function without arguments by its address."""

    def emit(context, builder, signature, values):
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(address), emit


@instructions
def _pause(context):
    """Tell the processor that this is a loop that waits, where it can be told."""

    def emit(context, builder, signature, values):
        if platform.machine() in ("x86_64", "AMD64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            name = "llvm.x86.sse2.pause"
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), emit


@instructions
def _load(context, pool, word):
    """Read a word that others write."""

    def emit(context, builder, signature, values):
        place = _place(context, builder, signature, values)
        return builder.load_atomic(place, "seq_cst", 8)

    return types.int64(pool, types.int64), emit


@instructions
def _store(context, pool, word, value):
    """Write a word that others read."""

    def emit(context, builder, signature, values):
        place = _place(context, builder, signature, values)
        builder.store_atomic(values[2], place, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(pool, types.int64, types.int64), emit


@instructions
def _add(context, pool, word, value):
    """Increase a word; return what it was."""
    return types.int64(pool, types.int64, types.int64), _exchanged("add")


@instructions
def _swap(context, pool, word, value):
    """Write a word; return what it was."""
    return types.int64(pool, types.int64, types.int64), _exchanged("xchg")


def _exchanged(how):
    def emit(context, builder, signature, values):
        place = _place(context, builder, signature, values)
        return builder.atomic_rmw(how, place, values[2], "seq_cst")

    return emit


def _place(context, builder, signature, values):
    """The pointer to a word."""
    array = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.gep(array.data, [values[1]])


threads.set_spin(_spin)
