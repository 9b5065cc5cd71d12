"""Names of models with a leading underscore that scripts of the time call all the same.

`_make_predict_function()` before threads use a model, and functions of the training graph with
their inputs, as those have them that look at gradients or activations on given data.
"""

from typing import Any


class InnerNames:
    """The part of Model that offers its training graph."""

    fed_inputs: list[Any]
    _inputs_of: Any
    _arrays: Any
    _compiled: Any
    _step: Any

    def _make_train_function(self):
        self._step("train")

    def _make_test_function(self):
        self._step("test")

    def _make_predict_function(self):
        self._step("predict")

    train_function = property(lambda self: _with_phase(self._step("train")))
    test_function = property(lambda self: _with_phase(self._step("test")))
    predict_function = property(lambda self: _with_phase(self._step("predict")))

    def _standardize_user_data(self, x, y=None, sample_weight=None, class_weight=None, **_):
        """Return the lists of inputs, targets and weights of samples as the functions take them."""
        if y is None:
            return self._inputs_of(x), [], []
        arrays = self._arrays(x, y, sample_weight, class_weight)
        first, count = len(self.fed_inputs), len(self._compiled().fed_outputs)
        return arrays[:first], arrays[first : first + count], arrays[first + count :]

    @property
    def _fed_outputs(self):
        return self._compiled().fed_outputs

    _feed_targets = property(lambda self: [o.target for o in self._fed_outputs])
    _feed_sample_weights = property(lambda self: [o.sample_weight for o in self._fed_outputs])
    _feed_output_names = property(lambda self: [o.name for o in self._fed_outputs])


def _with_phase(function):
    """A function of a step that takes the learning phase as the last value, and has its own."""
    return lambda inputs: function(list(inputs)[: len(function.inputs)])
