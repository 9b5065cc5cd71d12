"""The same script with the same seed, run with Keras and with minikeras, gives the same run.

The scripts in `scripts/` are ordinary Keras code. Each is run as it is, and once more with nothing
but its `import keras` changed into `import minikeras as keras`.
"""

from pathlib import Path

import numpy as np
import pytest

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))

# What the project promises its users: start weights to 1e-6, histories to 1e-4.
WEIGHTS = 1e-6
HISTORY = 1e-4


def _run(source):
    scope = {}
    exec(compile(source, "script", "exec"), scope)
    return scope["start"], scope["history"].history


@pytest.mark.sampled()
@pytest.mark.parity
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_same_script_same_run(path):
    source = path.read_text()
    assert source.startswith("import keras\n")
    their_start, theirs = _run(source)
    our_start, ours = _run(source.replace("import keras\n", "import minikeras as keras\n", 1))
    for i, (a, b) in enumerate(zip(our_start, their_start, strict=True)):
        np.testing.assert_allclose(a, b, rtol=0, atol=WEIGHTS, err_msg=f"start weight {i}")
    assert list(ours) == list(theirs)
    for key in theirs:
        np.testing.assert_allclose(ours[key], theirs[key], rtol=0, atol=HISTORY, err_msg=key)
    losses = theirs["loss"]
    assert losses[-1] < losses[0], "the script must train, or equal histories would prove little"
