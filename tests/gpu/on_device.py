"""`make gpu-test`: the tests of this folder on the first GPU, the CUDA kernels included.

Every op of the table in single and in double precision, all kernels against their bodies, layers,
optimizers, losses, metrics, and training runs that must equal the CPU's from the same seed. Ends
with status 2 if there is no GPU.
"""

import os
import subprocess
import sys

from minikeras.arrays import gpu

FILES = ("test_cuda", "test_kernels", "test_tables", "test_layers", "test_training")


def main(arguments):
    """Look for a GPU, say which one it is, and run the tests."""
    try:
        gpu.count()
    except (ImportError, RuntimeError) as error:
        print(f"no CUDA device: {error}", file=sys.stderr)
        return 2
    print(gpu.describe())
    files = [f"tests/gpu/{name}.py" for name in FILES]
    command = [sys.executable, "-m", "pytest", *files, "-rs", *arguments]
    return subprocess.run(command, env=os.environ | {"MINIKERAS_GPU_TEST": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
