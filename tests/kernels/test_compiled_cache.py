"""What has been compiled is found again by the next process, until one of its sources changes."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

import minikeras
from minikeras.kernels.compiled.products.tile_instructions import tile_code
from minikeras.kernels.compiled.sources import files_of

PACKAGE = Path(minikeras.__file__).parent
FOLDER = PACKAGE / "kernels" / "compiled"

TILE = """
import numpy as np
from minikeras.kernels.compiled.products import tile_instructions as tiles
tiles.tile_code(np.dtype("float32"), "{kind}")
print(tiles._kept[-1].cache_hits)
"""
PANELS = """
import numpy as np
from minikeras.kernels.compiled.products import panels, tile_instructions as tiles
panels._copy_rows(np.ones((2, 3)), np.zeros((1, 2, 3)))
tiles.tile_code(np.dtype("float32"), "lanewise")
print(sum(panels._copy_rows.stats.cache_hits.values()), tiles._kept[-1].cache_hits)
"""


def printed(code, **options):
    """What a process of its own prints."""
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True, **options)
    return done.stdout.split()


@pytest.mark.parametrize("kind", ["mixed", "lanewise", "neighbours"])
def test_tiles(kind):
    tile_code(np.dtype("float32"), kind)
    assert printed(TILE.format(kind=kind)) == ["1"]


def test_a_kernel_is_compiled_again_after_an_edit_of_what_it_calls(tmp_path):
    copy = tmp_path / "minikeras"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    options = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(tmp_path)}}
    assert printed(PANELS, **options) == ["0", "0"]
    assert printed(PANELS, **options) == ["1", "1"]
    edited = copy / "kernels" / "compiled" / "products" / "tiles.py"
    edited.write_text(edited.read_text() + "\n")
    assert printed(PANELS, **options) == ["0", "0"]
    (copy / "kernels" / "compiled" / "dropout.py").touch()
    assert printed(PANELS, **options) == ["1", "1"]


def imported(path):
    """Files of `kernels/compiled` that a file imports from, as Python understands it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("minikeras") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = PACKAGE.parent.joinpath(*node.module.split("."))
            for file in (module, *(module / alias.name for alias in node.names)):
                if FOLDER in file.parents and file.with_suffix(".py").exists():
                    yield file.with_suffix(".py")


@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.py")), ids=lambda p: str(p.relative_to(FOLDER))
)
def test_sources_are_all_that_a_file_imports(path):
    files = files_of(path)
    assert {path, *imported(path)} <= files
    assert all({*imported(file)} <= files for file in files)
    assert files <= {*FOLDER.rglob("*.py")}


def test_sources_of_a_recurrence():
    files = {file.relative_to(FOLDER).as_posix() for file in files_of(FOLDER / "rnn" / "lstm.py")}
    assert files >= {"rnn/lstm.py", "rnn/steps.py", "exponentials.py", "products/tiles.py"}
    assert not files & {"rnn/gru.py", "attention.py", "winograd/conv.py"}
