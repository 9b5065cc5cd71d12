"""A generative adversarial network: a generator learns a ring from a discriminator's judgement.

You learn the three models of a GAN script. The discriminator trains on its own; then it is frozen,
and the generator trains through it. What is trainable is fixed when a model is compiled, so the
discriminator goes on learning in its own model.

I. Goodfellow et al., 2014: Generative Adversarial Nets.
"""

import sys

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from minikeras.keras2.layers import Dense, Input, LeakyReLU
from minikeras.keras2.models import Model, Sequential
from minikeras.keras2.optimizers import Adam

BATCH, NOISE = 128, 4
SHOWN = (0, 200, 500, 2000)  # steps after which we look at the generator


def draw_real(count):
    """Draw points from a ring of radius 1, a little blurred."""
    angle = np.random.uniform(0, 2 * np.pi, count)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return ring + 0.05 * np.random.normal(size=ring.shape)


def draw_noise(count):
    """Draw what the generator makes points of."""
    return np.random.normal(size=(count, NOISE))


def build_generator():
    """Noise -> point."""
    generator = Sequential()
    generator.add(Dense(64, activation="relu", input_dim=NOISE))
    generator.add(Dense(64, activation="relu"))
    generator.add(Dense(2))
    return generator


def build_discriminator():
    """Point -> probability that it is a real one."""
    discriminator = Sequential()
    discriminator.add(Dense(64, input_dim=2))
    discriminator.add(LeakyReLU(0.2))
    discriminator.add(Dense(64))
    discriminator.add(LeakyReLU(0.2))
    discriminator.add(Dense(1, activation="sigmoid"))
    return discriminator


def compile_both(generator, discriminator):
    """Compile the discriminator, then the generator through the frozen discriminator."""
    discriminator.compile(optimizer=Adam(lr=1e-3, beta_1=0.5), loss="binary_crossentropy")
    discriminator.trainable = False  # in the model that is compiled next
    z = Input(shape=(NOISE,))
    combined = Model(z, discriminator(generator(z)))
    combined.compile(optimizer=Adam(lr=1e-3, beta_1=0.5), loss="binary_crossentropy")
    return combined


def train_step(generator, discriminator, combined):
    """One step of each player.

    The discriminator lowers -log D(x) - log(1 - D(G(z))); the generator lowers -log D(G(z)), which
    has a steeper slope than log(1 - D(G(z))) where the discriminator wins.
    """
    x = np.concatenate([draw_real(BATCH), generator.predict_on_batch(draw_noise(BATCH))])
    is_real = np.concatenate([np.ones(BATCH), np.zeros(BATCH)])
    d_loss = discriminator.train_on_batch(x, is_real)
    g_loss = combined.train_on_batch(draw_noise(BATCH), np.ones(BATCH))
    return d_loss, g_loss


def nearest(points, others):
    """The mean distance from points to the nearest of others."""
    distance = np.linalg.norm(points[:, np.newaxis] - others, axis=-1)
    return distance.min(axis=1).mean()


def draw(snapshots, real, picture):
    """Save the generated points at several times over the discriminator's judgement."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    colors = colormaps["PuOr"].resampled(20)
    panels = zip(figure.subplots(1, len(snapshots)), snapshots, strict=True)
    for axes, (step, points, judgement) in panels:
        field = axes.imshow(
            judgement, colors, vmin=0, vmax=1, extent=(-2, 2, -2, 2), interpolation="nearest"
        )
        axes.plot(*real.T, ",", color="black")
        axes.plot(*points.T, ".", color="crimson", markersize=2, antialiased=False)
        axes.set(title=f"{step} steps", xticks=[], yticks=[], xlim=(-2, 2), ylim=(-2, 2))
    figure.colorbar(field, ax=axes, label="judged real")
    figure.suptitle("Real points black, generated points red")
    figure.savefig(picture, dpi=100)


def main(picture="gan.png"):
    """Let both play, print how near generated and real points are, and draw."""
    np.random.seed(1)
    generator, discriminator = build_generator(), build_discriminator()
    combined = compile_both(generator, discriminator)
    line = np.linspace(-2, 2, 60)
    grid = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)
    real, snapshots = draw_real(500), []

    print(f"{'steps':>6}{'generated to real':>19}{'real to generated':>19}")
    for step in range(SHOWN[-1] + 1):
        if step in SHOWN:
            points = generator.predict(draw_noise(500))
            judgement = discriminator.predict(grid).reshape(60, 60)
            snapshots.append((step, points, judgement))
            quality, coverage = nearest(points, real), nearest(real, points)
            print(f"{step:6}{quality:19.3f}{coverage:19.3f}")
        train_step(generator, discriminator, combined)
    assert quality < 0.15  # what is generated lies on the ring,
    assert coverage < 0.15  # and no part of the ring is left out
    draw(snapshots, real, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
