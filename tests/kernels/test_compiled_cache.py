"""What has been compiled once is found again by the next process."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("numba")

from minikeras.kernels.compiled.tile_instructions import tile_code

CODE = """
import numpy as np
from minikeras.kernels.compiled import tile_instructions as tiles
tiles.tile_code(np.dtype("float32"), "{kind}")
print(tiles._kept[-1].cache_hits)
"""


@pytest.mark.parametrize("kind", ["mixed", "lanewise", "neighbours"])
def test_tiles(kind):
    tile_code(np.dtype("float32"), kind)
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(kind=kind)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"]
