"""`make gpu-bench` and `make gpu-test` as far as they run without a GPU.

In a folder of its own a module `cupy` that is the stand-in takes the package's place, so the
programs, their processes and the report run as they will on a GPU, with its clock in place of CUDA
events. What the figures say means nothing here.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAND_IN = """
import sys
from tests.gpu import strict_cupy
sys.modules["cupy"] = strict_cupy
"""


def run(code, *path):
    """Run Python code in the folder of the benchmarks, with more places to import from."""
    path = os.pathsep.join(map(str, (*path, ROOT, ROOT / "benchmarks")))
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg", "MINIKERAS_COMPILED": "0"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def fake(tmp_path):
    """A folder with a module `cupy` that is the stand-in."""
    (tmp_path / "cupy.py").write_text(STAND_IN)
    return tmp_path


BENCH = """
import os, sys
import gpu, gpu_times, kernel_times
gpu.ON_GPU = gpu.ON_GPU | {{"PYTHONPATH": os.environ["PYTHONPATH"]}}
gpu.SEES_GPU = {{}}
only = "dense, 512 to 512, batch 128;Adam, 2.56 M weights"
sys.exit(gpu.main(
    ["--cores", "1", "--seconds", "0", "--rounds", "2", "--kernels", only,
     "--shrink", "64", "--output", {output!r}, "tiny_mlp"]
))
"""
REPORT = """
import json, pathlib
import pictures, report
result = json.loads(pathlib.Path({output!r}).read_text())
for _, title, function in report.drawings("gpu-stand-in", result):
    getattr(pictures, function)(result, {picture!r} + function + ".svg", title)
print("\\n\\n".join(report.section("gpu-stand-in", result)))
"""


def test_the_benchmark_and_its_report(fake):
    output, picture = fake / "gpu-stand-in.json", str(fake / "gpu-stand-in-")
    done = run(BENCH.format(output=str(output)), fake)
    assert not done.returncode, done.stdout + done.stderr
    result = json.loads(output.read_text())
    assert set(result["limits"]) == {"copy_gb_s", "sgemm_gflops", "dgemm_gflops", "tf32_gflops"}
    assert set(result["kernels"]) == {"dense, 512 to 512, batch 128", "Adam, 2.56 M weights"}
    for passes in result["kernels"].values():
        for figures in passes.values():
            assert len(figures["ms"]) == len(figures["cpu_ms"]) == 5
            assert min(*figures["ms"], *figures["cpu_ms"], figures["bytes"]) > 0
    engines = result["workloads"]["tiny_mlp"]["engines"]
    assert set(engines) == {"minikeras", "minikeras on the CPU"}
    assert all(min(row["fit_steps_ms"]) > 0 for row in engines.values())
    assert result["device"].startswith("stand-in (sm_00)")
    done = run(REPORT.format(output=str(output), picture=picture), fake)
    assert not done.returncode, done.stderr
    assert done.stdout.startswith("### On a GPU: stand-in\n")
    assert "| `tiny_mlp` |" in done.stdout
    assert "Adam, 2.56 M weights" in done.stdout
    for function in ("draw_ratios", "draw_roofline"):
        assert Path(f"{picture}{function}.svg").read_text().count("<svg") == 1


def test_the_benchmark_without_a_device(tmp_path):
    (tmp_path / "cupy.py").write_text("raise ModuleNotFoundError('No cupy', name='cupy')\n")
    done = run("import gpu, sys; sys.exit(gpu.main([]))", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("no CUDA device: A GPU needs the package CuPy")


TESTS = "import sys; from tests.gpu import on_device; sys.exit(on_device.main({arguments}))"


def test_the_tests_of_a_device(fake):
    """The real tests run with MINIKERAS_GPU_TEST, here on the stand-in: one of each file."""
    some = "test_update_rules and adam and 300 or test_scattered_rows or cosh or BatchNorm or sgd"
    done = run(TESTS.format(arguments=["-q", "-p", "no:cacheprovider", "-k", some]), fake)
    assert not done.returncode, done.stdout + done.stderr
    assert done.stdout.startswith("stand-in (sm_00)")
    assert " passed" in done.stdout


def test_the_tests_without_a_device(tmp_path):
    (tmp_path / "cupy.py").write_text("raise ModuleNotFoundError('No cupy', name='cupy')\n")
    done = run(TESTS.format(arguments=[]), tmp_path)
    assert done.returncode == 2
    assert "no CUDA device: A GPU needs the package CuPy" in done.stderr
