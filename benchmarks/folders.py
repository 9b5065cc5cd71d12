"""Compare data sets of folders, windows and parts with Keras's, turn by turn in one process.

Usage: python benchmarks/folders.py [ROUNDS [IMAGES]]

Prints, for each kind, the seconds of one pass on both sides and the ratio of the medians.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pathlib
import statistics
import sys
import tempfile
import time

import keras
import numpy as np
from PIL import Image

import minikeras

SIDE = 32
STEPS, WINDOW = 50_000, 24


def write_images(folder, count):
    """Write small PNG files of ten classes."""
    rng = np.random.default_rng(0)
    for i in range(count):
        place = pathlib.Path(folder, str(i % 10))
        place.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((SIDE, SIDE)).save(place / f"{i}.png")


def images(engine, folder, size):
    """A function that makes the data set of a folder and goes through it."""
    options = {"image_size": (size, size), "seed": 1, "verbose": False}
    return lambda: engine.utils.image_dataset_from_directory(folder, **options)


def windows(engine):
    """The same for windows of a series."""
    data = np.random.default_rng(0).normal(size=(STEPS, 8)).astype("float32")
    return lambda: engine.utils.timeseries_dataset_from_array(
        data, data[:, 0], WINDOW, shuffle=True, seed=1
    )


def parts(engine):
    """The same for the left part of arrays."""
    x, y = np.zeros((10_000, 32), "float32"), np.arange(10_000)
    return lambda: engine.utils.split_dataset((x, y), left_size=0.8, shuffle=True, seed=1)[0]


def one_pass(make):
    """Make a data set and go through it; return the seconds that it took."""
    began = time.perf_counter()
    for _ in make():
        pass
    return time.perf_counter() - began


def compare(name, sides, rounds):
    """Measure both sides in turns, and print a line."""
    for make in sides:
        one_pass(make)
    times = np.array([[one_pass(make) for make in sides] for _ in range(rounds)])
    ours, theirs = map(statistics.median, times.T.tolist())
    print(f"{name:24} ours {ours:7.3f} s   Keras {theirs:7.3f} s   ratio {theirs / ours:.2f}")


def main(rounds=5, count=5000):
    """Compare every kind."""
    engines = minikeras, keras
    with tempfile.TemporaryDirectory() as folder:
        write_images(folder, count)
        for size in (SIDE, 2 * SIDE, 8 * SIDE):
            sides = [images(engine, folder, size) for engine in engines]
            compare(f"{count} images to {size}x{size}", sides, rounds)
    compare(f"{STEPS} steps, windows", [windows(engine) for engine in engines], rounds)
    compare("parts of 10000 samples", [parts(engine) for engine in engines], rounds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
