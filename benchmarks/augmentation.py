"""How long image layers take, here and in Keras on TensorFlow, called eagerly on one batch.

Usage: python benchmarks/augmentation.py [PART_OF_A_NAME] [--repeats N]

Both engines run in this process and take turns, call by call; a time is the median of the calls
after the first. The ratio is Keras's time over ours: above 1 we are faster.
"""

import argparse
import statistics
import time

import keras
import numpy as np

import minikeras

SHAPE = (32, 224, 224, 3)
LAYERS = [
    "Rescaling(1 / 255)",
    "CenterCrop(192, 192)",
    "Resizing(160, 160)",
    "RandomFlip(seed=1)",
    "RandomCrop(192, 192, seed=1)",
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
    """Return the seconds of one call in training."""
    began = time.perf_counter()
    np.asarray(layer(images, training=True))
    return time.perf_counter() - began


def compare(source, arrays, repeats):
    """Return the median times of a layer, ours and Keras's."""
    layers = [eval(f"engine.layers.{source}", {"engine": e}) for e in (minikeras, keras)]
    rounds = [
        [timed(layer, images) for layer, images in zip(layers, arrays, strict=True)]
        for _ in range(repeats + 1)
    ]
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def main():
    """Print a table of layers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("part", nargs="?", default="", help="only layers whose name has it")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    data = np.random.default_rng(0).uniform(0, 255, SHAPE).astype("float32")
    arrays = [engine.ops.convert_to_tensor(data) for engine in (minikeras, keras)]
    print(f"float32 {SHAPE}, eager, milliseconds: ours, Keras on TensorFlow, ratio")
    for source in LAYERS:
        if options.part in source:
            ours, theirs = compare(source, arrays, options.repeats)
            row = f"{source:56}{ours * 1e3:9.1f}{theirs * 1e3:9.1f}{theirs / ours:7.2f}"
            print(row, flush=True)


if __name__ == "__main__":
    main()
