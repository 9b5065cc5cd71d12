"""A region proposal network finds where things are: anchors, objectness and offsets.

You learn losses that read a mask out of the targets, so that only some anchors count, and a network
whose outputs are grids: at each place of the last layer, several anchors of known size say whether
they cover a thing, and how its box differs from theirs.

S. Ren, K. He, R. Girshick, J. Sun, 2015: Faster R-CNN: Towards Real-Time Object Detection with
Region Proposal Networks.
"""

import sys

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.ndimage import zoom

from minikeras.keras2 import backend as K
from minikeras.keras2.datasets import digits
from minikeras.keras2.layers import Conv2D, Input, MaxPooling2D, Reshape
from minikeras.keras2.models import Model

SIZE, STRIDE = 64, 8  # pixels of a picture; from one place of the grid to the next
SHAPES = [(14, 14), (20, 14), (20, 20), (28, 20), (28, 28)]  # height, width of the anchors
BATCH, STEPS, EPOCHS = 16, 60, 4
CENTERS = np.arange(STRIDE / 2, SIZE, STRIDE)
# Boxes are rows (y and x of the center, height, width); here 5 for each place of the grid.
ANCHORS = np.array([(y, x, *shape) for y in CENTERS for x in CENTERS for shape in SHAPES])


def iou(boxes, others):
    """Intersection over union of each of boxes (n, 4) with each of others (m, 4)."""
    distance = np.abs(boxes[:, np.newaxis, :2] - others[:, :2])
    size, other_size = boxes[:, np.newaxis, 2:], others[:, 2:]
    sides = np.minimum((size + other_size) / 2 - distance, np.minimum(size, other_size))
    common = np.prod(np.maximum(sides, 0), axis=-1)
    return common / (np.prod(size, axis=-1) + np.prod(other_size, axis=-1) - common)


def offsets(boxes, anchors):
    """t = ((center - center_a) / size_a, log(size / size_a)) for both axes."""
    shift = (boxes[:, :2] - anchors[:, :2]) / anchors[:, 2:]
    return np.concatenate([shift, np.log(boxes[:, 2:] / anchors[:, 2:])], axis=-1)


def moved(anchors, t):
    """The boxes of which t are the offsets; the inverse of `offsets`."""
    centers = anchors[:, :2] + t[:, :2] * anchors[:, 2:]
    return np.concatenate([centers, anchors[:, 2:] * np.exp(t[:, 2:])], axis=-1)


def make_scene(x):
    """A picture of up to three digits of any size on a noisy ground, and their boxes."""
    scene, boxes = np.random.uniform(0, 0.4, (SIZE, SIZE)), np.empty((0, 4))
    for _ in range(3):
        height = np.random.randint(14, 30)
        size = np.array([height, int(height * np.random.uniform(0.7, 1.0))])
        top, left = corner = np.random.randint(SIZE - size)
        box = np.array([[*(corner + size / 2), *size]])
        if not len(boxes) or iou(boxes, box).max() == 0:
            digit = zoom(x[np.random.randint(len(x))] / 16.0, size / 8, order=1)
            part = scene[top : top + size[0], left : left + size[1]]
            np.maximum(part, digit, out=part)
            boxes = np.concatenate([boxes, box])
    return scene[..., np.newaxis], boxes


def targets_of(boxes):
    """Targets with their masks: (counts, is a thing) and (is a thing, offsets) of each anchor.

    An anchor is a thing if its IoU with a box is above 0.5 or no anchor's is larger, and ground if
    it is below 0.3. All things count, and three times as many pieces of ground, drawn at random.
    """
    overlap = iou(ANCHORS, boxes)
    is_thing = (overlap.max(axis=1) > 0.5) | (overlap == overlap.max(axis=0)).any(axis=1)
    ground = np.flatnonzero(~is_thing & (overlap.max(axis=1) < 0.3))
    counts = is_thing.copy()
    counts[np.random.choice(ground, size=3 * is_thing.sum())] = True
    t = offsets(boxes[overlap.argmax(axis=1)], ANCHORS)
    return np.column_stack([counts, is_thing]), np.column_stack([is_thing, t])


def batches(x):
    """Yield (pictures, [targets of the objectness, targets of the offsets]) without end."""
    while True:
        scenes, boxes = zip(*(make_scene(x) for _ in range(BATCH)), strict=True)
        yield np.array(scenes), [np.array(t) for t in zip(*map(targets_of, boxes), strict=True)]


def objectness_loss(target, p):
    """Crossentropy over the anchors that count."""
    counts, is_thing = target[..., :1], target[..., 1:]
    return K.sum(counts * K.binary_crossentropy(is_thing, p)) / K.sum(counts)


def offset_loss(target, t):
    """Smooth L1 over the anchors of things: d^2 / 2 where |d| < 1, else |d| - 1/2."""
    is_thing, d = target[..., :1], K.abs(target[..., 1:] - t)
    return K.sum(is_thing * K.switch(d < 1, K.square(d) / 2, d - 0.5)) / K.sum(is_thing)


def build():
    """Picture -> (objectness (anchors, 1), offsets (anchors, 4))."""
    x = picture = Input(shape=(SIZE, SIZE, 1))
    for filters in (8, 16, 32):
        x = Conv2D(filters, (3, 3), activation="relu", padding="same")(x)
        x = MaxPooling2D((2, 2))(x)
    x = Conv2D(64, (3, 3), activation="relu", padding="same")(x)
    objectness = Conv2D(len(SHAPES), (1, 1), activation="sigmoid")(x)
    t = Conv2D(4 * len(SHAPES), (1, 1))(x)
    return Model(picture, [Reshape((-1, 1))(objectness), Reshape((-1, 4))(t)])


def proposals(objectness, t, count):
    """Non-maximum suppression: the surest boxes, without those that overlap a surer one."""
    boxes, left, kept = moved(ANCHORS, t), np.argsort(-objectness[:, 0]), []
    while len(left) and len(kept) < count:
        kept.append(boxes[left[0]])
        left = left[iou(boxes[left], boxes[left[:1]])[:, 0] < 0.4]
    return np.array(kept)


def recall(predictions, scenes, count):
    """The share of boxes that a proposal covers with an IoU of at least 0.5."""
    covered = []
    for objectness, t, (_, boxes) in zip(*predictions, scenes, strict=True):
        covered.extend(iou(proposals(objectness, t, count), boxes).max(axis=0) >= 0.5)
    return np.mean(covered)


def draw(predictions, scenes, picture):
    """Save some scenes with their boxes and the first proposals."""
    figure = Figure(figsize=(9, 2.4), layout="constrained")
    gray = colormaps["gray_r"].resampled(8)
    for n, axes in enumerate(figure.subplots(1, 5)):
        scene, boxes = scenes[n]
        axes.imshow(scene[..., 0], cmap=gray, interpolation="nearest", extent=(0, SIZE, SIZE, 0))
        best = proposals(predictions[0][n], predictions[1][n], len(boxes))
        for group, color, style in ((boxes, "tab:green", ":"), (best, "tab:red", "-")):
            for y, x, height, width in group:
                form = {"fill": False, "edgecolor": color, "linestyle": style, "linewidth": 2}
                axes.add_patch(Rectangle((x - width / 2, y - height / 2), width, height, **form))
        axes.set(xticks=[], yticks=[])
    figure.suptitle("Surest proposals (red) and true boxes (green, dotted) in new pictures")
    figure.savefig(picture, dpi=100)


def main(picture="region_proposals.png"):
    """Train on made-up scenes, measure the recall on new ones, and draw."""
    np.random.seed(1)
    (x_train, _), (x_test, _) = digits.load_data()
    model = build()
    model.compile("adam", [objectness_loss, offset_loss])
    scenes = [make_scene(x_test) for _ in range(100)]
    pictures = np.array([scene for scene, _ in scenes])

    before = model.predict(pictures)
    model.fit_generator(batches(x_train), steps_per_epoch=STEPS, epochs=EPOCHS, verbose=0)
    after = model.predict(pictures)
    print(f"{'recall at IoU 0.5':20}{'untrained':>10}{'trained':>10}")
    for count in (3, 5):
        recalls = [recall(predictions, scenes, count) for predictions in (before, after)]
        print(f"{f'{count} proposals':20}{recalls[0]:10.1%}{recalls[1]:10.1%}")
    assert recalls[1] > 0.8 > 1.3 * recalls[0]
    draw(after, scenes, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
