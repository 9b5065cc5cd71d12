"""Explaining a model from Python."""

import json
from pathlib import Path

import numpy as np

from minikeras.tools.explain.document import Document
from minikeras.tools.explain.encoding import as_data
from minikeras.tools.explain.page import page_of
from minikeras.tools.explain.text import source_line, text_of
from minikeras.tools.trace.tracing import trace


class Page:
    """What `explain` returns: the numbers of one example, as a page and as text.

    Args:
        document: the `Document`.
        steps: pairs of a step of training and the `Document` of the model then.

    Attributes:
        document: the `Document`.
    """

    def __init__(self, document, steps=()):
        self.document = document
        self._steps = steps
        self._data = None

    @property
    def data(self):
        """The document as the page reads it: a dict of what JSON knows."""
        if self._data is None:
            self._data = as_data(self.document, steps=self._steps)
        return self._data

    def html(self):
        """Return the page, one text that needs no other file."""
        return page_of(self.data)

    def save(self, path):
        """Write the page.

        Args:
            path: of the file.

        Returns:
            How many bytes it has.
        """
        content = self.html().encode()
        Path(path).write_bytes(content)
        return len(content)

    def save_json(self, path):
        """Write the document alone."""
        Path(path).write_text(json.dumps(self.data))

    def at(self, cell):
        """Return the text on one cell.

        Args:
            cell: as `"conv2d[0,2,3,5]"`, `"conv2d/kernel[0,0,0,5]"` or `"d_conv2d[0,2,3,5]"`.

        Returns:
            A string of several lines.

        Raises:
            BadCell: if there is no such cell.
        """
        return text_of(self.document, cell)

    def source(self, cell):
        """Return `file:line` of the kernel that computed a cell, `""` where it is unknown."""
        return source_line(self.document, cell)

    def _repr_html_(self):
        """Show the page in a notebook, in a frame of its own."""
        text = self.html().replace("&", "&amp;").replace('"', "&quot;")
        return f'<iframe srcdoc="{text}" width="100%" height="720" style="border:0"></iframe>'


def explain(model, x, y=None, *, training=True, steps=None, batches=None, title=None):
    """Explain what a model does with an example, forward, backward, and in a step.

    Args:
        model: a model; to see the loss and the optimizer's step it is compiled.
        x: array with one example or a few, `(1, ...)`; or a list of them.
        y: the targets, or None to differentiate the sum of the outputs.
        training: whether layers run as in training.
        steps: list of ints, at which steps of training the page can show the model as well; the
            model is trained for it, and then as it was before.
        batches: list of `(x, y)` to train on, for `steps`; by default the example itself.
        title: one line.

    Returns:
        A `Page`, with `save(path)`, `at(cell)` and `document`; a notebook shows it.

    Raises:
        ValueError: if there are targets, but the model was not compiled with a loss.

    Example:
        >>> import numpy as np
        >>> import minikeras as keras
        >>> from minikeras.tools.explain import explain
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="dense")])
        >>> model.set_weights([np.array([[2.0], [3.0]]), np.array([1.0])])
        >>> print(explain(model, np.array([[10.0, 100.0]])).at("dense[0,0]"))
        dense/out[0, 0] = 321.0
        y[n, f] = sum(x[n, c] * kernel[c, f] for c in range(2)) + bias[f]
        n = 0, f = 0
        sum of 2 terms
          c = 0: x[0, 0] = 10.00, kernel[0, 0] = 2.000 -> 20.00
          c = 1: x[0, 1] = 100.0, kernel[1, 0] = 3.000 -> 300.0
          sum -> 320.0
        bias[0] = 1.000
        320.0 + 1.000 = 321.0
        recomputed 321.000000 stored 321.000000 float64 321.0000000000 apart 0 ulp
        read by loss/L in 1 cell: []
        gradient dense/d_out[0, 0] = 1.000
        <BLANKLINE>
    """
    first = Document(trace(model, x, y, training=training), title)
    if not steps:
        return Page(first)
    return Page(first, _over_steps(first, x, y, training, steps, batches))


def _over_steps(first, x, y, training, steps, batches):
    """The documents of a model while it is trained, which is undone."""
    model = first.trace.model
    if not batches:
        batches = [(x, y)]
    before = [np.array(v) for v in model.variables]
    slots = [np.array(v) for v in model.optimizer.variables]
    documents, taken = [], 0
    for step in sorted(set(steps)):
        while taken < step:
            model.train_on_batch(*batches[taken % len(batches)])
            taken += 1
        documents.append((step, Document(trace(model, x, y, training=training), first.title)))
    for variable, values in zip(model.variables, before, strict=True):
        variable.assign(values)
    for variable, values in zip(model.optimizer.variables, slots, strict=False):
        variable.assign(values)
    return documents
