"""A convolution, opened up.

You learn that a convolution is a matrix product of patches with filters, and that both of its
gradients are convolutions again: the one with respect to the inputs uses the kernel turned by 180
degrees. Every step is written out in NumPy and compared with `ops.conv`.

Shapes: images (batch, height, width, channels), kernel (rows, columns, channels, filters). As
everywhere in deep learning, the kernel is not turned on the way forward: this "convolution" is what
mathematics calls a cross-correlation.

To see window, kernel and padding of each output: `minikeras explain --layer Conv2D`.
"""

import numpy as np

import minikeras as keras

ops = keras.ops

rng = np.random.default_rng(1)
x = rng.normal(size=(2, 6, 7, 3))
kernel = rng.normal(size=(3, 3, 3, 4))

# --- The definition: slide a window, multiply, add up --------------------------------------------


def conv_by_definition(x, kernel):
    """The sum over the window, for every place where it fits; slow and beyond doubt."""
    batch, height, width, _ = x.shape
    rows, columns, _, filters = kernel.shape
    y = np.zeros((batch, height - rows + 1, width - columns + 1, filters))
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            window = x[:, i : i + rows, j : j + columns, :]
            y[:, i, j, :] = np.einsum("bhwc,hwcf->bf", window, kernel)
    return y


y = conv_by_definition(x, kernel)
np.testing.assert_allclose(ops.conv(x, kernel, padding="valid"), y, rtol=1e-10, atol=1e-12)
print("images", x.shape, "with a kernel", kernel.shape, "give", y.shape)

# --- As one matrix product: im2col ---------------------------------------------------------------


def im2col(x, rows, columns):
    """All windows of the images, one a row: (batch * places, rows * columns * channels)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (rows, columns), axis=(1, 2))
    # The view is (batch, i, j, channels, row, column); the kernel has its channels last.
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, rows * columns * x.shape[-1])


def conv(x, kernel):
    """Convolution as a product of windows and filters, which is where fast libraries spend it."""
    rows, columns, channels, filters = kernel.shape
    products = im2col(x, rows, columns) @ kernel.reshape(-1, filters)
    return products.reshape(len(x), x.shape[1] - rows + 1, x.shape[2] - columns + 1, filters)


np.testing.assert_allclose(conv(x, kernel), y, rtol=1e-10, atol=1e-12)
patches = im2col(x, 3, 3)
print(f"im2col: {x.size} numbers become {patches.size}, each copied into up to 9 windows")

# --- The gradient with respect to the kernel: patches once more ----------------------------------

# Forward it was products = patches @ filters, so the rule for a matrix product applies: the
# gradient with respect to the filters is patches^T @ g. `g` is the gradient with respect to y.
g = rng.normal(size=y.shape)
dkernel = (patches.T @ g.reshape(-1, g.shape[-1])).reshape(kernel.shape)

# --- The gradient with respect to the inputs: a convolution with the turned kernel ---------------

# Pixel x[i, j] takes part in the outputs y[i - p, j - q], with weight kernel[p, q]. Its gradient is
# therefore the sum over p, q of g[i - p, j - q] kernel[p, q]: the indices run against each other.
# Turning the kernel makes them run together, so it is a convolution again, of g with a border
# of zeros (kernel size minus one) and with channels and filters in each other's place.
turned = kernel[::-1, ::-1].swapaxes(2, 3)
border = np.pad(g, ((0, 0), (2, 2), (2, 2), (0, 0)))
dx = conv(border, turned)

# --- The tape agrees -----------------------------------------------------------------------------

images, filters = ops.convert_to_tensor(x), ops.convert_to_tensor(kernel)
with keras.GradientTape() as tape:
    tape.watch([images, filters])
    outputs = ops.conv(images, filters, padding="valid")
tape_dx, tape_dkernel = tape.gradient(outputs, [images, filters], output_gradients=g)

for name, mine, theirs in [("inputs", dx, tape_dx), ("kernel", dkernel, tape_dkernel)]:
    assert mine.shape == theirs.shape
    np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)
    print(f"gradient with respect to the {name}: {mine.shape}, the tape's is the same")

# --- "same" padding is a border of zeros, and a stride leaves outputs out ------------------------

padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
np.testing.assert_allclose(
    ops.conv(x, kernel, padding="same"), conv(padded, kernel), rtol=1e-10, atol=1e-12
)
np.testing.assert_allclose(
    ops.conv(x, kernel, strides=2, padding="valid"), y[:, ::2, ::2], rtol=1e-10, atol=1e-12
)
print("padding and strides are a border of zeros and a selection of the same outputs")
