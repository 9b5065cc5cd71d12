"""Compare `ImageDataGenerator` with that of tf-keras: the same images, turn by turn in one process.

Usage: python benchmarks/generators.py [ROUNDS]

Prints, for each kind of change, the images per second on both sides and the ratio of the medians.
"""

import statistics
import sys
import time
import warnings

import numpy as np
from tf_keras.preprocessing.image import ImageDataGenerator as Theirs

from minikeras.preprocessing.image import ImageDataGenerator as Ours

IMAGES = 64
KINDS = {
    "nothing": {},
    "flips": {"horizontal_flip": True, "rescale": 1 / 255},
    "affine": {"rotation_range": 20, "width_shift_range": 0.1, "zoom_range": 0.2},
    "normalized": {"samplewise_center": True, "channel_shift_range": 20.0},
    "brightness": {"brightness_range": (0.5, 1.5)},
    "cubic": {"rotation_range": 20, "interpolation_order": 3},
}


def one_epoch(flow):
    """Go through all batches; return the seconds that the thread was at work.

    All work is in this thread, and other programs on the machine are not to count.
    """
    began = time.thread_time()
    for _ in range(len(flow)):
        next(flow)
    return time.thread_time() - began


def compare(name, options, size, rounds):
    """Measure both sides in turns, and print a line."""
    x = np.random.default_rng(0).integers(0, 256, (IMAGES, size, size, 3)).astype("float32")
    flows = [side(**options).flow(x, batch_size=16, seed=0) for side in (Ours, Theirs)]
    times = np.array([[one_epoch(flow) for flow in flows] for _ in range(rounds)])
    ours, theirs = map(statistics.median, times.T.tolist())
    print(
        f"{name:12} {size:3}x{size:<3} ours {IMAGES / ours:8.0f} images/s   "
        f"tf-keras {IMAGES / theirs:8.0f} images/s   ratio {theirs / ours:.2f}"
    )


def main(rounds=21):
    """Compare every kind of change, on small and on larger images."""
    warnings.simplefilter("ignore")  # tf-keras calls SciPy by a name that is deprecated
    for size in (32, 128):
        for name, options in KINDS.items():
            compare(name, options, size, rounds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
