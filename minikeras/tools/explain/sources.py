"""The source of what a layer runs: its `call`, ops and kernels, the rules of their gradients."""

import inspect
import textwrap

from minikeras.tools.trace.running import PACKAGE


def sources_of(record):
    """Return the source of what a call ran, as the page shows it: a list of dicts."""
    sources = []
    call = getattr(type(record.layer), "call", None)
    if call is not None and hasattr(call, "__code__"):
        sources.append(_source("layer", inspect.unwrap(call).__code__))
    for what, functions in (("forward", record.forward), ("backward", record.backward)):
        for file, _, code in functions:
            kind = _kind(what, file)
            if kind is not None and (kind == "kernel" or _is_named(code.co_name)):
                sources.append(_source(kind, code))
    return _without_doubles(sources)


HELPERS = {
    *("kernels/providers.py", "kernels/per_device.py", "kernels/shared/windows.py"),
    *("kernels/shared/wide.py", "kernels/cpu/buffers.py", "ops/nn/spatial.py"),
    *("ops/core/tensors.py", "ops/random/seeds.py", "ops/random/draws.py"),
}
"""Files of functions that choose kernels, or compute sizes and places."""


def _is_named(name):
    """Whether a function is an op or a gradient rule, and no check of arguments."""
    return not name.startswith("_") or name in ("_forward", "_backward") or name.endswith("_vjp")


def _kind(what, file):
    """What a function is to a reader, None of those that compute no numbers."""
    if file in HELPERS:
        return None
    if file.startswith("kernels/"):
        return "kernel" if what == "forward" else "gradient"
    if file.startswith("ops/"):
        return "op" if what == "forward" else "gradient"
    return None


MOST_SOURCES = 8


def _without_doubles(sources):
    seen, counts, kept = set(), {}, []
    for source in sources:
        place = (source["file"], source["line"])
        counts[source["what"]] = counts.get(source["what"], 0) + 1
        if place not in seen and counts[source["what"]] <= MOST_SOURCES:
            seen.add(place)
            kept.append(source)
    return kept


def _source(what, code):
    lines = inspect.getsource(code)
    file = code.co_filename
    if file.startswith(str(PACKAGE)):
        file = f"minikeras/{file[len(str(PACKAGE)) + 1 :]}"
    doc = code.co_consts[0] if code.co_consts and isinstance(code.co_consts[0], str) else ""
    return {
        "what": what,
        "file": file,
        "line": code.co_firstlineno,
        "name": code.co_name,
        "code": textwrap.dedent(lines),
        "doc": inspect.cleandoc(doc),
    }


def source_line(record, phase):
    """Return `file:line` of the kernel that a call ran first forward, or backward."""
    wanted = {"forward": "kernel", "backward": "gradient"}.get(phase)
    for source in sources_of(record):
        if source["what"] == wanted and "/kernels/" in source["file"]:
            return f"{source['file']}:{source['line']}"
    return ""
