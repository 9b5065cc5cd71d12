"""How long image layers take, here and in Keras on TensorFlow, called eagerly on NumPy batches.

Usage: python benchmarks/augmentation.py [PART_OF_A_NAME] [--repeats N] [--dtype NAME]

Both engines run in this process, on one thread each, and take turns, call by call. A time is the
least CPU time of a call: others at work on the machine do not count. The ratio is Keras's time over
ours: above 1 we are faster.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import minikeras

SHAPE = (32, 128, 128, 3)
LAYERS = [
    "Rescaling(1 / 255)",
    "CenterCrop(96, 96)",
    "Resizing(96, 96)",
    "Resizing(160, 160)",
    "RandomFlip(seed=1)",
    "RandomCrop(96, 96, seed=1)",
    "RandomRotation(0.1, seed=1)",
    "RandomZoom(0.2, seed=1)",
    "RandomTranslation(0.2, 0.2, seed=1)",
    "RandomShear(0.2, 0.2, seed=1)",
    "RandomPerspective(seed=1)",
    "RandomElasticTransform(seed=1)",
    "RandomBrightness(0.2, seed=1)",
    "RandomContrast(0.2, seed=1)",
    "RandomHue(0.2, seed=1)",
    "RandomSaturation(0.6, seed=1)",
    "RandomColorDegeneration(0.5, seed=1)",
    "RandomColorJitter((0, 255), 0.2, 0.2, 0.6, 0.2, seed=1)",
    "RandomGrayscale(0.5, seed=1)",
    "RandomInvert(0.5, seed=1)",
    "RandomSharpness(0.5, seed=1)",
    "RandomGaussianBlur(1.0, 5, seed=1)",
    "RandomErasing(seed=1)",
    "RandomErasing(fill_value=0.0, seed=1)",
    "RandomPosterization(5, seed=1)",
    "Solarization(0.2, 0.5, seed=1)",
    "AutoContrast()",
    "Equalization()",
    "ContrastLimitedAdaptiveHistogramEqualization()",
    "CutMix(seed=1)",
    "MixUp(seed=1)",
    "RandAugment(seed=1)",
    "AugMix(seed=1)",
]


def timed(layer, images):
    """Return the CPU seconds of one call in training."""
    began = time.process_time()
    np.asarray(layer(images, training=True))
    return time.process_time() - began


def compare(source, images, repeats):
    """Return the least times of a layer, ours and Keras's.

    Some layers take floats alone, in either engine: the times are then None.
    """
    layers = [eval(f"engine.layers.{source}", {"engine": e}) for e in (minikeras, keras)]
    takes = [_takes(layer, images) for layer in layers]
    if not all(takes):
        return [0.0 if it_does else None for it_does in takes]
    rounds = [[timed(layer, images) for layer in layers] for _ in range(repeats + 1)]
    return np.min(rounds[1:], axis=0)


def _takes(layer, images):
    """Whether a layer takes images of this dtype."""
    try:
        layer(images, training=True)
    except (ValueError, tf.errors.InvalidArgumentError):
        return False
    return True


def main():
    """Print a table of layers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", nargs="?", default="", help="only layers whose name has it")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--dtype", choices=("uint8", "float32"), help="only images of this dtype")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    minikeras.config.set_num_threads(1)
    data = np.random.default_rng(0).integers(0, 256, SHAPE)
    for dtype in [options.dtype] if options.dtype else ["uint8", "float32"]:
        print(f"{dtype} {SHAPE}, CPU milliseconds: ours, Keras on TensorFlow, ratio")
        images = data.astype(dtype)
        for source in LAYERS:
            if options.part in source:
                ours, theirs = compare(source, images, options.repeats)
                if ours is None or theirs is None:
                    pairs = (("minikeras", ours), ("Keras", theirs))
                    names = " and ".join(name for name, time in pairs if time is None)
                    print(f"{source:56} {dtype} is refused by {names}")
                    continue
                row = f"{source:56}{ours * 1e3:9.1f}{theirs * 1e3:9.1f}{theirs / ours:7.2f}"
                print(row, flush=True)


if __name__ == "__main__":
    main()
