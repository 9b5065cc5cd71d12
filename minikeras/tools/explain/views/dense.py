"""Dense and Embedding."""

from minikeras.tools.explain.sheet import letters, loops
from minikeras.tools.explain.views.activations import activated, put_before_activation
from minikeras.tools.explain.views.table import view


@view("Dense", about="Each output is a weighted sum of all inputs, plus a bias.")
def dense(sheet, layer):
    """`y = activation(x @ kernel + bias)`, and the three products of the way back."""
    *front, features = sheet.shape("x")
    names = letters(len(front))
    at, units = ", ".join(names), layer.units
    shape = (*front, units)
    z = put_before_activation(sheet, layer)
    bias = " + bias[f]" if layer.use_bias else ""
    sheet.forward(
        z,
        " ".join([*names, "f"]),
        f"sum(x[{at}, c] * kernel[c, f] {loops(c=features)}){bias}",
        says="the weighted sum of the inputs",
    )
    activated(sheet, layer.activation, [*names, "f"], shape)
    everywhere = loops(**dict(zip(names, front, strict=True)))
    sheet.backward(
        "dx",
        " ".join([*names, "c"]),
        f"sum(dz[{at}, f] * kernel[c, f] {loops(f=units)})",
        says="each unit sends its gradient back along its weights",
    )
    sheet.backward(
        "dkernel",
        "c f",
        f"sum(x[{at}, c] * dz[{at}, f] {everywhere})",
        says="the input of a weight, times the gradient at its unit",
    )
    sheet.backward("dbias", "f", f"sum(dz[{at}, f] {everywhere})")


@view("Embedding", about="Looks up a vector for each integer.")
def embedding(sheet, layer):
    """A look-up; the way back adds the gradients of all places that looked a row up."""
    shape = sheet.shape("x")
    names = letters(len(shape))
    at = ", ".join(names)
    sheet.forward(
        "y", " ".join([*names, "d"]), f"embeddings[x[{at}], d]", says="row x of the table"
    )
    sheet.backward(
        "dembeddings",
        "row d",
        f"sum(dy[{at}, d] {loops(**dict(zip(names, shape, strict=True)))} if x[{at}] == row)",
        says="all places that looked the row up; 0 for a row that nobody asked for",
    )
