"""What of Keras 1.2.2's and 2.2.4's surface `minikeras.keras2` leaves out on purpose, and why.

A row is a path, in which `*` stands for anything; the first row that matches gives the reason.
`parity_tests/test_keras2_api.py` fails on what is missing without a row, and on a row without a
need.
"""

from parity_tests.surface import reason

_BACKEND_INNER = "is a piece of Keras's own look-up of a back end"
_TENSORFLOW = "is of TensorFlow, or of Keras's work with it"

_HANDED_IN = "hands Keras's modules to another package, which computes with them"
_OF_WORKERS = "is a piece of the work in processes; here threads prepare batches"
LEFT_OUT = {
    "keras.applications.imagenet_utils.CLASS_INDEX*": "is a piece of `decode_predictions`",
    "keras.applications*.keras_modules_injection": _HANDED_IN,
    "keras.backend.backend_module": _BACKEND_INNER,
    "keras.backend.entries": _BACKEND_INNER,
    "keras.backend.namespace": _BACKEND_INNER,
    "keras.backend.required_entries": _BACKEND_INNER,
    "keras.backend*.tf_major_version": _TENSORFLOW,
    "keras.backend*.tf_minor_version": _TENSORFLOW,
    "keras.optimizers.TFOptimizer": _TENSORFLOW,
    "keras.applications.*_WEIGHTS_PATH*": "is the address of a file that Keras 1 fetched",
    "keras.backend*.py_*": "is a function of Python under another name",
    "keras.engine.training_arrays.*_loop": "is a loop of `fit` and its kin, which scripts call",
    "keras.legacy.models*": "is a piece of a Sequential that begins with a Merge",
    "keras.utils.data_utils.get_index": _OF_WORKERS,
    "keras.utils.data_utils.init_pool*": _OF_WORKERS,
    "keras.utils.data_utils.next_sample": _OF_WORKERS,
    "keras.*interfaces*": "rewrites Keras 1's arguments by decorators; here tables do",
}
"""Modules and names that are not there."""

_OF_KERAS_2 = "has the arguments' names of Keras 2.2.4; scripts pass them by place"
OTHER_PARAMETERS: dict[str, str] = {
    "keras.applications.*.preprocess_input": "takes `data_format`, one of Keras's `**kwargs`",
    "keras.*.get(kwargs=)": "is taken from a constructor of Keras 1; scripts pass objects",
    "keras.engine*.Network": "names what Keras's takes by `*args` and `**kwargs`",
    "keras.engine.training.GeneratorEnqueuer(*": _OF_KERAS_2,
    "keras.engine.training.check_loss_and_target_compatibility(*": _OF_KERAS_2,
    "keras.utils.layer_utils.convert_kernel(dim_ordering=)": "is taken by that of `np_utils`",
    "keras.utils.layer_utils.print_summary(*": "takes a model; Keras 1's, a list of layers",
    "keras.utils.training_utils.multi_gpu_model": "takes what that of `multi_gpu_utils` does",
}
"""Functions and classes with other parameters, and arguments of Keras 1 that are not taken."""

_LOOP = "is a piece of Keras 1's loop; write such steps with `ConvRecurrent2D`"
_PIECES = ("conv_step*", "get_constants", "get_initial_states", "preprocess_input", "step")
_NO_EFFECT = "did nothing in Keras 1.2 but warn; a regularizer is a function of a weight"
OTHER_METHODS: dict[str, str] = {
    "*Regularizer.set_*": _NO_EFFECT,
    **{f"ConvLSTM2D.{name}": _LOOP for name in _PIECES},
    "*.common_init": "does what the constructors do, which call it",
    "Sequential.training_data": "is read of an attribute that no model of Keras 1 has",
    "TensorBoard.on_train_end": "names its argument `logs`, as those of all callbacks",
}
"""Methods that are missing or cannot be called in every way, by the class that defines them."""

TABLES = {
    ("module", "name"): LEFT_OUT,
    ("parameters", "argument"): OTHER_PARAMETERS,
    ("method",): OTHER_METHODS,
}
"""The table of each kind of gap."""


def why(gap) -> str | None:
    """Return the reason that the tables give for a gap, or None."""
    table = next(table for kinds, table in TABLES.items() if gap.kind in kinds)
    return reason(table, gap.path)
