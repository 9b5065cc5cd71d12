"""Every CUDA source compiles for the GPUs of two generations, by NVRTC through CuPy's own path."""

import re
import warnings

import pytest

from minikeras.kernels.gpu import launch

FAMILIES = sorted(path.stem for path in launch.FOLDER.glob("*.cu"))
ARCHITECTURES = "80", "90"  # A100, H100
# Bytes of `real` and of `place`.
TYPES = [(2, 8), (4, 4), (8, 4)]


@pytest.fixture(scope="module")
def compiler():
    """CuPy's compiler; it asks the driver for the architecture, where we name one ourselves."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        reason = "CuPy is not installed: `make gpu-check` installs it"
        pytest.importorskip("cupy", reason=reason)
        compiler = pytest.importorskip("cupy.cuda.compiler")
        nvrtc = pytest.importorskip("cupy_backends.cuda.libs.nvrtc")
        try:
            nvrtc.getVersion()
        except RuntimeError as error:
            pytest.skip(f"NVRTC is not installed: `make gpu-check` installs it ({error})")
        name = "_get_arch_for_options_for_nvrtc"
        patch.setattr(compiler, name, lambda arch=None: (f"-arch=sm_{arch}", "cubin"))
        yield compiler


@pytest.mark.parametrize("types", TYPES, ids=lambda t: f"real{t[0]}-place{t[1]}")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("family", FAMILIES)
def test_it_compiles(compiler, family, architecture, types):
    text = launch.text_of(family, *types)
    # CuPy's own launches add this option.
    options = (*launch.OPTIONS, "-ftz=true")
    binary, _ = compiler.compile_using_nvrtc(text, options, architecture, f"{family}.cu")
    assert binary.startswith(b"\x7fELF")
    for name in launch.kernels_of(family):
        assert f".text.{name}\0".encode() in binary


def test_a_wrong_source_is_refused(compiler):
    text = launch.text_of("dense") + "\nstatic __device__ int wrong() { return nothing; }\n"
    with pytest.raises(compiler.CompileException, match="nothing"):
        compiler.compile_using_nvrtc(text, launch.OPTIONS, "80", "dense.cu")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_kernel_is_listed(family):
    """What launches find in a source is all that the source marks as a kernel."""
    text = re.sub(r"//.*", "", (launch.FOLDER / f"{family}.cu").read_text())
    assert len(launch.kernels_of(family)) == text.count("__global__") > 0
    assert (launch.FOLDER / f"{family}.py").exists()
