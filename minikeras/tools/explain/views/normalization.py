"""BatchNormalization and LayerNormalization: the gradient passes through mean and variance, too."""

from math import prod

from minikeras.tools.explain.sheet import letters
from minikeras.tools.explain.views.table import NoView, view


class _Axes:
    """The axes of an input, those that are averaged over, and those that have weights.

    Args:
        shape: sizes of the input.
        kept: axes that the mean keeps.
        weighted: axes of the weights.
    """

    def __init__(self, shape, kept, weighted):
        names = letters(len(shape), "c")
        self.names, self.all = names, ", ".join(names)
        self.kept = [names[axis] for axis in kept]
        self.kept_shape = tuple(shape[axis] for axis in kept)
        self.weighted = ", ".join(names[axis] for axis in weighted)
        gone = [axis for axis in range(len(shape)) if axis not in kept]
        self.count = prod(shape[axis] for axis in gone)
        self.each = " ".join(f"for {names[a]} in range({shape[a]})" for a in gone)
        other = [axis for axis in range(len(shape)) if axis not in weighted]
        self.each_weight = " ".join(f"for {names[a]} in range({shape[a]})" for a in other)

    def mean(self, name):
        """Return `name` at the cell's mean."""
        return f"{name}[{', '.join(self.kept)}]"


def _statistics(sheet, axes):
    at = axes.all
    kept = " ".join(axes.kept)
    sheet.forward("mean", kept, f"sum(x[{at}] {axes.each}) / {axes.count}", axes.kept_shape)
    sheet.forward(
        "variance",
        kept,
        f"sum((x[{at}] - {axes.mean('mean')}) ** 2 {axes.each}) / {axes.count}",
        axes.kept_shape,
        says="the mean squared distance from the mean",
    )


def _normalized(sheet, layer, axes, mean, variance):
    at, names = axes.all, " ".join(axes.names)
    shape = sheet.shape("x")
    sheet.forward(
        "normal",
        names,
        f"(x[{at}] - {mean}) / sqrt({variance} + epsilon)",
        shape,
        says="mean 0, variance 1",
        epsilon=float(layer.epsilon),
    )
    gain = f"gamma[{axes.weighted}] * " if layer.scale else ""
    shift = f" + beta[{axes.weighted}]" if layer.center else ""
    sheet.forward("y", names, f"{gain}normal[{at}]{shift}")
    weight = axes.weighted.replace(",", "")
    sheet.backward("dbeta", weight, f"sum(dy[{at}] {axes.each_weight})")
    sheet.backward("dgamma", weight, f"sum(dy[{at}] * normal[{at}] {axes.each_weight})")
    gain = f" * gamma[{axes.weighted}]" if layer.scale else ""
    sheet.backward("dnormal", names, f"dy[{at}]{gain}", shape)


def _through_statistics(sheet, layer, axes):
    """The gradient with respect to the input has three ways: direct, and by both statistics."""
    at, kept = axes.all, " ".join(axes.kept)
    mean, variance = axes.mean("mean"), axes.mean("variance")
    options = {"epsilon": float(layer.epsilon)}
    sheet.backward(
        "dvariance",
        kept,
        f"sum(dnormal[{at}] * (x[{at}] - {mean}) {axes.each}) * -0.5 * "
        f"({variance} + epsilon) ** -1.5",
        axes.kept_shape,
        says="a larger variance makes all normalized numbers smaller",
        **options,
    )
    sheet.backward(
        "dmean",
        kept,
        f"-sum(dnormal[{at}] {axes.each}) / sqrt({variance} + epsilon)",
        axes.kept_shape,
        says="a larger mean makes all of them less",
        **options,
    )
    sheet.backward(
        "dx",
        " ".join(axes.names),
        f"dnormal[{at}] / sqrt({variance} + epsilon) + {axes.mean('dvariance')} * 2 * "
        f"(x[{at}] - {mean}) / {axes.count} + {axes.mean('dmean')} / {axes.count}",
        says="directly, through the variance, and through the mean",
        **options,
    )


@view(
    "BatchNormalization", about="Each channel gets mean 0 and variance 1, then a scale and a shift."
)
def batch_normalization(sheet, layer):
    """In training by the batch's own statistics, otherwise by the averages of those of training."""
    shape = sheet.shape("x")
    axis = layer.axis % len(shape)
    axes = _Axes(shape, [axis], [axis])
    if sheet.record.training and layer.trainable:
        _statistics(sheet, axes)
        _normalized(sheet, layer, axes, axes.mean("mean"), axes.mean("variance"))
        _through_statistics(sheet, layer, axes)
        for name in ("mean", "variance"):
            if sheet.has(f"moving_{name}_after"):
                sheet.forward(
                    f"moving_{name}_after",
                    axes.weighted,
                    f"moving_{name}[{axes.weighted}] * momentum + {axes.mean(name)} * "
                    "(1 - momentum)",
                    says="for later, when there is no batch",
                    momentum=float(layer.momentum),
                )
        return
    mean, variance = (f"moving_{name}[{axes.weighted}]" for name in ("mean", "variance"))
    _normalized(sheet, layer, axes, mean, variance)
    sheet.backward(
        "dx",
        " ".join(axes.names),
        f"dnormal[{axes.all}] / sqrt({variance} + epsilon)",
        epsilon=float(layer.epsilon),
    )


@view(
    "LayerNormalization", about="Each sample gets mean 0 and variance 1, then a scale and a shift."
)
def layer_normalization(sheet, layer):
    """The statistics are those of one place, over its features."""
    shape = sheet.shape("x")
    listed = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    gone = sorted(axis % len(shape) for axis in listed)
    if getattr(layer, "rms_scaling", False):
        raise NoView("scaling by the root mean square")
    axes = _Axes(shape, [a for a in range(len(shape)) if a not in gone], gone)
    _statistics(sheet, axes)
    _normalized(sheet, layer, axes, axes.mean("mean"), axes.mean("variance"))
    _through_statistics(sheet, layer, axes)
