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

from minikeras.datasets import digits
from minikeras.keras2 import backend as K
from minikeras.keras2.layers import Conv2D, Input, MaxPooling2D
from minikeras.keras2.models import Model

SIZE, STRIDE = 64, 8  # pixels of a picture; from one place of the grid to the next
SHAPES = [(14, 14), (20, 14), (20, 20), (28, 20), (28, 28)]  # height, width of the anchors
KINDS, BATCH, STEPS, EPOCHS = len(SHAPES), 16, 60, 4


def make_anchors():
    """All anchors as (top, left, bottom, right), of shape (grid, grid, kinds, 4)."""
    centers = np.arange(STRIDE / 2, SIZE, STRIDE)
    y, x = np.meshgrid(centers, centers, indexing="ij")
    middle = np.stack([y, x, y, x], axis=-1)[:, :, np.newaxis]
    half = np.array(SHAPES) / 2
    return middle + np.concatenate([-half, half], axis=-1)


ANCHORS = make_anchors()


def iou(boxes, others):
    """Intersection over union of each of boxes (..., 4) with each of others (n, 4)."""
    boxes = boxes[..., np.newaxis, :]
    sides = np.minimum(boxes[..., 2:], others[:, 2:]) - np.maximum(boxes[..., :2], others[:, :2])
    common = np.prod(np.maximum(sides, 0), axis=-1)
    areas = [np.prod(b[..., 2:] - b[..., :2], axis=-1) for b in (boxes, others)]
    return common / np.maximum(areas[0] + areas[1] - common, 1e-9)  # of empty boxes: 0


def offsets(boxes, anchors):
    """t = ((center - center_a) / size_a, log(size / size_a)) for both axes."""
    size, size_a = (b[..., 2:] - b[..., :2] for b in (boxes, anchors))
    shift = (boxes[..., 2:] + boxes[..., :2] - anchors[..., 2:] - anchors[..., :2]) / 2
    return np.concatenate([shift / size_a, np.log(size / size_a)], axis=-1)


def moved(anchors, t):
    """The boxes of which t are the offsets; the inverse of `offsets`."""
    size_a = anchors[..., 2:] - anchors[..., :2]
    center = (anchors[..., 2:] + anchors[..., :2]) / 2 + t[..., :2] * size_a
    half = size_a * np.exp(np.clip(t[..., 2:], -2, 2)) / 2
    return np.clip(np.concatenate([center - half, center + half], axis=-1), 0, SIZE)


def make_scene(x):
    """A picture of up to three digits of any size on a noisy ground, and their boxes."""
    scene, boxes = np.random.uniform(0, 0.4, (SIZE, SIZE)), np.empty((0, 4))
    for _ in range(3):
        height = np.random.randint(14, 30)
        width = int(height * np.random.uniform(0.7, 1.0))
        top, left = (np.random.randint(SIZE - side) for side in (height, width))
        box = np.array([[top, left, top + height, left + width]], dtype="float64")
        if len(boxes) and iou(boxes, box).max() > 0:
            continue
        digit = zoom(x[np.random.randint(len(x))] / 16.0, (height / 8, width / 8), order=1)
        part = scene[top : top + height, left : left + width]
        np.maximum(part, digit, out=part)
        boxes = np.concatenate([boxes, box])
    return scene[..., np.newaxis], boxes


def targets_of(boxes):
    """Targets with their masks: (counts, is a thing) and (counts four times, offsets).

    An anchor is a thing if its IoU with a box is above 0.5 or no anchor's is larger, and ground if
    it is below 0.3. All things count, and three times as many pieces of ground, drawn at random.
    """
    overlap = iou(ANCHORS, boxes)
    is_thing = (overlap.max(axis=-1) > 0.5) | (overlap == overlap.max(axis=(0, 1, 2))).any(axis=-1)
    ground = np.flatnonzero(~is_thing & (overlap.max(axis=-1) < 0.3))
    counts = is_thing.copy()
    counts.flat[np.random.choice(ground, size=3 * is_thing.sum())] = True
    t = offsets(boxes[overlap.argmax(axis=-1)], ANCHORS).reshape(*is_thing.shape[:2], -1)
    for_objectness = np.concatenate([counts, is_thing], axis=-1)
    return for_objectness, np.concatenate([np.repeat(is_thing, 4, axis=-1), t], axis=-1)


def batches(x):
    """Yield (pictures, [targets of the objectness, targets of the offsets]) without end."""
    while True:
        scenes, boxes = zip(*(make_scene(x) for _ in range(BATCH)), strict=True)
        yield np.array(scenes), [np.array(t) for t in zip(*map(targets_of, boxes), strict=True)]


def objectness_loss(target, p):
    """Crossentropy over the anchors that count."""
    counts, is_thing = target[..., :KINDS], target[..., KINDS:]
    return K.sum(counts * K.binary_crossentropy(is_thing, p)) / (K.sum(counts) + K.epsilon())


def offset_loss(target, t):
    """Smooth L1 over the anchors of things: d^2 / 2 where |d| < 1, else |d| - 1/2."""
    counts, d = target[..., : 4 * KINDS], K.abs(target[..., 4 * KINDS :] - t)
    loss = K.switch(d < 1, 0.5 * K.square(d), d - 0.5)
    return K.sum(counts * loss) / (K.sum(counts) + K.epsilon())


def build():
    """Picture -> (objectness (8, 8, kinds), offsets (8, 8, 4 kinds))."""
    picture = Input(shape=(SIZE, SIZE, 1))
    x = picture
    for filters in (8, 16, 32):
        x = Conv2D(filters, (3, 3), activation="relu", padding="same")(x)
        x = MaxPooling2D((2, 2))(x)
    x = Conv2D(64, (3, 3), activation="relu", padding="same")(x)
    objectness = Conv2D(KINDS, (1, 1), activation="sigmoid", name="objectness")(x)
    return Model(picture, [objectness, Conv2D(4 * KINDS, (1, 1), name="offsets")(x)])


def proposals(objectness, t, count):
    """Non-maximum suppression: the surest boxes, without those that overlap a surer one."""
    boxes = moved(ANCHORS, t.reshape(ANCHORS.shape)).reshape(-1, 4)
    left, kept = np.argsort(-objectness.ravel()), []
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
    gray = colormaps["gray_r"].resampled(16)
    for n, axes in enumerate(figure.subplots(1, 5)):
        scene, boxes = scenes[n]
        axes.imshow(scene[..., 0], cmap=gray, interpolation="nearest", extent=(0, SIZE, SIZE, 0))
        best = proposals(predictions[0][n], predictions[1][n], len(boxes))
        for group, color, style in ((boxes, "tab:green", ":"), (best, "tab:red", "-")):
            for top, left, bottom, right in group:
                form = {"fill": False, "edgecolor": color, "linestyle": style, "linewidth": 2}
                axes.add_patch(Rectangle((left, top), right - left, bottom - top, **form))
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
