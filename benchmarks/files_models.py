"""The models whose files are timed: one with few large weights, one with many small layers.

Weights are all ones: what initializers take is not what is measured here.
"""

# The filters of VGG16's convolutions, by block (Simonyan and Zisserman, 2015).
_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg16(keras):
    """Return a network with the shapes of VGG16: 138,357,544 numbers in 32 arrays."""
    layers = keras.layers
    stack = [keras.Input((224, 224, 3))]
    for filters in _BLOCKS:
        stack += [
            layers.Conv2D(count, 3, padding="same", activation="relu", kernel_initializer="ones")
            for count in filters
        ]
        stack.append(layers.MaxPooling2D())
    stack.append(layers.Flatten())
    stack += [layers.Dense(4096, "relu", kernel_initializer="ones") for _ in range(2)]
    stack.append(layers.Dense(1000, "softmax", kernel_initializer="ones"))
    return keras.Sequential(stack)


def thousand_layers(keras):
    """Return a stack of 1,000 layers `Dense(8)`."""
    stack = [keras.layers.Dense(8, kernel_initializer="ones") for _ in range(1000)]
    return keras.Sequential([keras.Input((8,)), *stack])


MODELS = {"VGG16": vgg16, "1,000 layers": thousand_layers}
