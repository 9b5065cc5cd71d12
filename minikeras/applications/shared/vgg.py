"""The builder of VGG16 and VGG19."""

from minikeras import layers

_FILTERS = (64, 128, 256, 512, 512)


def vgg(arguments, convolutions, trained):
    """A network of convolutions with small kernels, in five blocks with a max pooling after each.

    Two convolutions of size 3 x 3 see as much of an image as one of size 5 x 5, with fewer weights.

    Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
    Recognition", 2014, arXiv:1409.1556.
    """
    x = arguments.image(default_size=224, min_size=32)
    for i, (filters, count) in enumerate(zip(_FILTERS, convolutions, strict=True), start=1):
        for j in range(1, count + 1):
            x = layers.Conv2D(
                filters, 3, activation="relu", padding="same", name=f"block{i}_conv{j}"
            )(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{i}_pool")(x)
    if not arguments.include_top:
        return arguments.model(arguments.pooled(x), trained)
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return arguments.model(arguments.classified(x), trained)
