"""Which functions of the package run, and where they stand."""

import sys
from contextlib import contextmanager
from pathlib import Path

import minikeras as keras

PACKAGE = Path(keras.__file__).parent

# What a learner does not want to read: how ops are called, recorded and found.
_MACHINERY = ("autograd", "core", "arrays", "tools", "layers/base", "tree.py")


@contextmanager
def functions_run(seen):
    """Add to a list the functions of the package that run inside the `with` block, each once."""
    known = set()

    def note(frame, event, _argument):
        code = frame.f_code
        if event != "call" or code in known:
            return
        known.add(code)
        file = Path(code.co_filename)
        if file.is_relative_to(PACKAGE):
            inside = file.relative_to(PACKAGE).as_posix()
            if not inside.startswith(_MACHINERY) and code.co_name[0] != "<":
                seen.append((inside, code.co_firstlineno, code))

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(former)
