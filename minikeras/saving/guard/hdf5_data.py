"""HDF5 data sets: where their bytes are, and that they are as many as declared."""

import math
import zlib
from typing import Any

from h5py import h5d, h5s, h5z  # type: ignore[attr-defined]  # compiled

from minikeras.saving.guard.errors import check_ratio, refuse
from minikeras.saving.guard.hdf5_types import Limits, check_kind, is_variable_string

# Without storage, HDF5 makes the values up from a fill value; Keras stores all that it writes.
_UNSTORED = 1 << 12

# HDF5 goes through all chunks that are declared, written or not. h5py makes them up to 1 MiB large.
_MAX_CHUNKS = 1 << 16

_DEFLATE, _SHUFFLE, _FLETCHER32 = h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, 3
_LZF = 32000
_CHECKSUM_BYTES = 4

# As h5py writes them: bytes are sorted, compressed, and a checksum is added.
_STEPS = {_SHUFFLE: 0, _DEFLATE: 1, _LZF: 1, _FLETCHER32: 2}

_PIECE = 1 << 16


def check_dataset(dataset: Any, where: str, limits: Limits) -> None:
    """Refuse a data set that lies elsewhere, or that declares more than is stored.

    Args:
        dataset: the low-level data set.
        where: the file and the path in it.
        limits: what the file may hold.
    """
    kind, space = dataset.get_type(), dataset.get_space()
    check_kind(kind, where)
    if space.get_simple_extent_type() == h5s.NULL:
        return
    declared = math.prod(space.shape) * kind.get_size()
    plan = dataset.get_create_plist()
    layout = plan.get_layout()
    check_ratio(where, declared, limits.size)
    if plan.get_external_count():
        refuse(where, "its data lie in another file (external storage)")
    if layout == h5d.CHUNKED:
        stored = _check_chunks(dataset, plan, kind.get_size(), where, limits)
    elif layout in (h5d.CONTIGUOUS, h5d.COMPACT):
        stored = _check_block(dataset, layout, declared, where, limits)
    else:
        refuse(where, "is a virtual data set, whose data lie elsewhere")
    limits.add_stored(where, stored)
    if declared > _UNSTORED and not stored:
        refuse(where, f"declares {declared} bytes, none of which are stored")
    check_ratio(where, declared, stored)
    if is_variable_string(kind):
        _check_strings(dataset, layout, math.prod(space.shape), where, limits)


def _check_block(dataset: Any, layout: int, declared: int, where: str, limits: Limits) -> int:
    """The bytes of data that lie in one piece."""
    stored = dataset.get_storage_size()
    if layout == h5d.CONTIGUOUS and stored:
        offset = dataset.get_offset()
        if offset is None or offset + stored > limits.size:
            refuse(where, "its data lie outside the file")
    if stored and stored < declared:
        refuse(where, f"declares {declared} bytes where {stored} are stored")
    return stored


def _check_chunks(dataset: Any, plan: Any, itemsize: int, where: str, limits: Limits) -> int:
    """The bytes of data that lie in chunks, each of which may be compressed."""
    chunks: list[Any] = []

    def note(info: Any) -> bool | None:
        chunks.append(info)
        return True if len(chunks) > _MAX_CHUNKS else None  # True ends the iteration

    steps = _filters(plan, where)
    sizes = zip(dataset.get_space().shape, plan.get_chunk(), strict=True)
    if math.prod(-(-extent // chunk) for extent, chunk in sizes) > _MAX_CHUNKS:
        refuse(where, f"more than {_MAX_CHUNKS} chunks")
    dataset.chunk_iter(note)
    if len(chunks) > _MAX_CHUNKS:
        refuse(where, f"more than {_MAX_CHUNKS} chunks")
    chunk_bytes = math.prod(plan.get_chunk()) * itemsize
    stored = sum(chunk.size for chunk in chunks)
    check_ratio(where, chunk_bytes * len(chunks), stored)
    for chunk in chunks:
        if chunk.byte_offset is None or chunk.byte_offset + chunk.size > limits.size:
            refuse(where, "a chunk lies outside the file")
        if not steps and chunk.size != chunk_bytes:
            refuse(where, f"a chunk has {chunk.size} bytes, {chunk_bytes} are expected")
    if set(steps) & {_DEFLATE, _LZF}:
        for chunk in chunks:
            _check_compressed(dataset, chunk, steps, chunk_bytes, where)
    return stored


def _filters(plan: Any, where: str) -> list[int]:
    """The filters of a data set, which must be h5py's and in its order."""
    filters = [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]
    for code in filters:
        if code not in _STEPS:
            refuse(where, f"HDF5 filter {code}; gzip, LZF, shuffle and Fletcher32 are allowed")
    order = [_STEPS[code] for code in filters]
    if order != sorted(set(order)):
        refuse(where, f"the filters {filters} are in no order that h5py writes")
    return filters


def _check_compressed(
    dataset: Any, chunk: Any, steps: list[int], chunk_bytes: int, where: str
) -> None:
    """Refuse a chunk that decompresses to anything but its size: HDF5 itself would not stop."""
    skipped, content = dataset.read_direct_chunk(chunk.chunk_offset)
    applied = [code for index, code in enumerate(steps) if not skipped >> index & 1]
    if _FLETCHER32 in applied:
        content = content[:-_CHECKSUM_BYTES]
    if _DEFLATE in applied:
        size = _inflated_size(content, chunk_bytes)
    elif _LZF in applied:
        size = _lzf_size(content, chunk_bytes)
    else:
        size = len(content)
    if size != chunk_bytes:
        refuse(where, f"damaged: a chunk does not decompress to its {chunk_bytes} bytes")


def _inflated_size(content: bytes, limit: int) -> int:
    """The size of data that gzip has compressed; anything above the limit if it is above."""
    inflate, size = zlib.decompressobj(), 0
    try:
        while content and not inflate.eof and size <= limit:
            size += len(inflate.decompress(content, _PIECE))
            content = inflate.unconsumed_tail
    except zlib.error:
        return -1
    return size if inflate.eof or size > limit else -1


def _lzf_size(content: bytes, limit: int) -> int:
    """The size of data that LZF has compressed, from the lengths of its runs alone.

    A byte below 32 begins a run of so many literal bytes and one. Any other begins a copy: its
    upper three bits are the length, where 7 is continued in the next byte, and 2 are added; then
    comes the lower byte of the distance.
    """
    position = size = 0
    while position < len(content) and size <= limit:
        control = content[position]
        if control < 32:
            size += control + 1
            position += control + 2
            continue
        length = control >> 5
        if length == 7:
            position += 1
            length += content[position] if position < len(content) else 0
        size += length + 2
        position += 2
    return size


def _check_strings(dataset: Any, layout: int, count: int, where: str, limits: Limits) -> None:
    """Refuse strings of variable length that are longer than what is stored for them."""
    if layout != h5d.CONTIGUOUS:
        refuse(where, "strings of variable length that are not stored in one piece")
    offset = dataset.get_offset()
    if offset is not None:
        limits.add_strings(where, limits.raw.in_block(offset, count, where))
