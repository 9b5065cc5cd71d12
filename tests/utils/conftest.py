"""Files of each kind in folders, which are classes."""

import wave

import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path):
    """Two classes of files of each kind."""
    Image = pytest.importorskip("PIL.Image")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(5):
            pixels = np.full((4, 6, 3), 10 * i, np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
            (tmp_path / name / f"{i}.txt").write_text(f"{name}{i}")
            write_sound(tmp_path / name / f"{i}.wav", 40)
    return tmp_path


def write_sound(path, count, width=2, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, width, rate, 0, "NONE", ""))
        file.writeframes(bytes(range(200))[: count * width])
