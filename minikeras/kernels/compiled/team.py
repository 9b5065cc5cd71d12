"""Several threads inside one compiled call, without Python between them.

`arrays.threads.each` lets plain Python threads compute the pieces. That is right for calls of
NumPy; but a sleeping thread must be woken and take Python's lock twice. So a thread that has
computed stays awake for about a millisecond, in compiled code and without the lock (`_watch`), and
looks at a word of memory. A thread that has work writes there where to find it, and pieces are
taken by increasing a counter: to hand work over takes less than a microsecond.

A kernel is a compiled function that is called for `ALL` pieces first, and then shares itself out:
it is called again for each of them.

    def negative(x, out):
        divided(_negative, x.size, 2 * x.nbytes / BYTES, x, out)

    @compiled()
    def _negative(team, ends, number, x, out):
        if number == ALL:
            return together(team, ends, (x, out))
        for i in range(ends[number], ends[number + 1]):
            out[i] = -x[i]

The protocol: who helps first adds itself to `ACTIVE` and then looks whether there is still work;
the leader first says that there is none and then waits until `ACTIVE` is zero. So nobody touches
the leader's memory after it has gone on. Only one thread leads at a time; another that comes
meanwhile computes its pieces alone. (Numba does not notice that a file has changed which a cached
kernel was compiled from, unless it is the kernel's own: after an edit here, `__pycache__` must go.)
"""

import platform
from functools import lru_cache

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from minikeras.arrays import threads
from minikeras.arrays.threads import CALLS, HELPERS, STANDING, YIELD
from minikeras.kernels.compiled.loops import compiled, inner, instructions

ALL = -1
"""The number of a piece that stands for all of them."""

# Words that change, each in a cache line of its own: writing one does not take the others from the
# cores that look at them. Whether there is work, the next piece, how many compute, whether somebody
# leads, and whether a piece failed.
_OPEN, _NEXT, _ACTIVE, _LEADER, _FAILED = 24, 32, 40, 48, 49
# Words that stay while there is work: the function to call, what it gets, and how many pieces there
# are.
_CODE, _FRAME, _COUNT = 56, 57, 58

# The place of a piece's number among the arguments of a kernel.
_NUMBER = 2

# Looks at a word before the core is offered to others, and offers before a thread goes to sleep.
_LOOKS, _OFFERS = 30, 1000

_I8P, _I64 = ir.IntType(8).as_pointer(), ir.IntType(64)


def divided(run, count, work, *args, each_thread=4):
    """Divide `count` items among the threads, and run compiled code on each piece.

    Args:
        run: compiled function `(team, ends, number, *args)` that calls `together`.
        count: how many items there are.
        work: nanoseconds that all of them may take one core.
        *args: what the function is called with besides.
        each_thread: most pieces for each thread, see `threads.pieces`.

    Returns:
        What the function returns.
    """
    return shared(run, threads.ends(count, work, each_thread), *args)


def shared(run, ends, *args):
    """Run compiled code on pieces that are known already, shared among the threads.

    Args:
        run: compiled function `(team, ends, number, *args)` that calls `together`.
        ends: tuple of where the pieces begin and end, see `threads.ends`.
        *args: what the function is called with besides.

    Returns:
        What the function returns.
    """
    return run(threads.team(len(ends) - 1), _as_array(ends), ALL, *args)


@lru_cache(1024)
def _as_array(ends):
    return np.array(ends, np.int64)


@instructions
def together(context, team, ends, args):
    """Call the function that calls this once more for every piece; in compiled code.

    Args:
        context: given by Numba.
        team: the function's first argument, words of the team.
        ends: its second, an array (int64): where pieces begin and end, one number more than there
            are pieces. The third is the number of a piece.
        args: tuple of its other arguments.

    Raises:
        MemoryError: a piece found no room.
    """
    arguments = team, ends, types.int64, *[types.unliteral(kind) for kind in args]
    signature = types.void(team, ends, args)

    def emit(context, builder, signature, values):
        parts = zip(cgutils.unpack_tuple(builder, values[2]), args, arguments[3:], strict=True)
        parts = [*values[:2], *[context.cast(builder, *part) for part in parts]]
        kinds = [team, ends, *arguments[3:]]
        lent = [_lent(context, builder, *pair) for pair in zip(kinds, parts, strict=True)]
        frame = cgutils.alloca_once_value(builder, cgutils.pack_struct(builder, lent))
        code = _piece(context, builder, arguments, frame.type)
        lead = types.void(team, ends, types.int64, types.int64)
        numbers = [builder.ptrtoint(pointer, _I64) for pointer in (code, frame)]
        status = _led(context, builder, lead, [*values[:2], *numbers])
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return signature, emit


def _lent(context, builder, kind, value):
    """An argument whose arrays own nothing: threads would write to the same counter of owners."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        return array._getvalue()
    if isinstance(kind, (types.Tuple, types.UniTuple)):
        inside = zip(kind.types, cgutils.unpack_tuple(builder, value), strict=True)
        return context.make_tuple(builder, kind, [_lent(context, builder, *p) for p in inside])
    return value


def _led(context, builder, signature, values):
    """Write a call of `_lead`; return how it ended."""
    compiled_one = _lead.get_compile_result(signature)
    context.active_code_library.add_linking_library(compiled_one.library)
    callee = context.declare_function(builder.module, compiled_one.fndesc)
    kinds = signature.return_type, signature.args
    return context.call_conv.call_function(builder, callee, *kinds, values)[0]


def _piece(context, builder, arguments, frame):
    """Write a function `(frame, number)` that calls the one being written with what a frame holds.

    It returns whether that failed.
    """
    kernel, conventions = builder.function, context.call_conv
    if kernel.function_type != conventions.get_function_type(types.none, arguments):
        raise TypeError(
            "`together` needs all arguments of the kernel that calls it but the number of the piece"
            f": as `(team, ends, args)`. These would be {', '.join(map(str, arguments))}."
        )
    name = builder.module.get_unique_name(f"{kernel.name}.piece")
    function = ir.Function(builder.module, ir.FunctionType(_I64, [frame, _I64]), name)
    function.linkage = "internal"
    inside = ir.IRBuilder(function.append_basic_block())
    values = cgutils.unpack_tuple(inside, inside.load(function.args[0]))
    values.insert(_NUMBER, function.args[1])
    # Not into the function itself: what it computes would stand there twice.
    once = {"attrs": ("noinline",)}
    status, _ = conventions.call_function(inside, kernel, types.none, arguments, values, **once)
    inside.ret(inside.zext(status.is_error, _I64))
    return function


@compiled()
def _lead(team, ends, code, frame):
    """Compute all pieces, together with those who watch."""
    count = len(ends) - 1
    if count == 1 or _swap(team, _LEADER, 1):
        failed = 0
        for i in range(count):
            failed |= _call(code, frame, i)
    else:
        team[_CODE], team[_FRAME], team[_COUNT] = code, frame, count
        _store(team, _FAILED, 0)
        _store(team, _NEXT, 0)
        _store(team, _OPEN, 1)
        _take(team)
        _store(team, _OPEN, 0)
        looks = 0
        while _load(team, _ACTIVE):
            looks = _wait(team, looks)
        failed = _load(team, _FAILED)
        _store(team, _LEADER, 0)
    if failed:
        raise MemoryError("A piece of a kernel found no room.")


@inner()
def _take(team):
    """Compute pieces until none is left to take."""
    code, frame, count = team[_CODE], team[_FRAME], team[_COUNT]
    i = _add(team, _NEXT, 1)
    while i < count:
        if _call(code, frame, i):
            _store(team, _FAILED, 1)
        i = _add(team, _NEXT, 1)


@compiled()
def _watch(team, calls):
    """Help whoever has work, until nobody has had any for a while; for one thread of a team.

    Args:
        team: words of the team.
        calls: how often it was called back to Python as far as this thread knows.

    Returns:
        How often it was.
    """
    looks = 0
    _add(team, STANDING, 1)
    while looks < _LOOKS * _OFFERS and _load(team, CALLS) == calls:
        if _load(team, _OPEN) and _load(team, _NEXT) < team[_COUNT]:
            wanted = _add(team, _ACTIVE, 1) < team[HELPERS]
            if wanted and _load(team, _OPEN):
                _take(team)
            _add(team, _ACTIVE, -1)
            looks = 0
        looks = _wait(team, looks)
    _add(team, STANDING, -1)
    return _load(team, CALLS)


@inner()
def _wait(team, looks):
    """Wait for a moment; return how often this has been done."""
    _pause()
    if looks % _LOOKS == _LOOKS - 1 and team[YIELD]:
        _offer(team[YIELD])
    return looks + 1


@instructions
def _call(context, code, frame, number):
    """Call a function of `_piece` by its address; return whether it failed."""

    def emit(context, builder, signature, values):
        function = builder.inttoptr(values[0], ir.FunctionType(_I64, [_I8P, _I64]).as_pointer())
        return builder.call(function, [builder.inttoptr(values[1], _I8P), values[2]])

    return types.int64(code, frame, number), emit


@instructions
def _offer(context, address):
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
def _load(context, team, word):
    """Read a word that others write."""

    def emit(context, builder, signature, values):
        place = _place(context, builder, signature, values)
        return builder.load_atomic(place, "seq_cst", 8)

    return types.int64(team, types.int64), emit


@instructions
def _store(context, team, word, number):
    """Write a word that others read."""

    def emit(context, builder, signature, values):
        place = _place(context, builder, signature, values)
        builder.store_atomic(values[2], place, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(team, types.int64, types.int64), emit


@instructions
def _add(context, team, word, number):
    """Increase a word; return what it was."""
    return types.int64(team, types.int64, types.int64), _exchanged("add")


@instructions
def _swap(context, team, word, number):
    """Write a word; return what it was."""
    return types.int64(team, types.int64, types.int64), _exchanged("xchg")


def _exchanged(how):
    def emit(context, builder, signature, values):
        place = _place(context, builder, signature, values)
        return builder.atomic_rmw(how, place, values[2], "seq_cst")

    return emit


def _place(context, builder, signature, values):
    """The pointer to a word."""
    array = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.gep(array.data, [values[1]])


threads.watch_with(_watch)
