"""Compare a model in minikeras and in Keras, layer by layer: the same to rounding, or where not.

Both engines read the model, and run it in float32 and in float64, forward, backward and through
steps of its optimizer. Every layer is judged alone, against the numbers of float64.
"""

import argparse
import contextlib
import json
import signal
import sys
from functools import partial
from pathlib import Path

from rich.console import Console

from minikeras.tools.check.checking import Options, check
from minikeras.tools.check.forms import page, report
from minikeras.tools.check.kinds import diff, training
from minikeras.tools.check.sources import NotComparable, source_of

SAME, DIFFERS, USAGE, NOT_COMPARABLE = 0, 1, 2, 3
ENGINES = ("keras", "keras-tensorflow", "keras-jax", "keras-torch", "tf-keras", "minikeras")
PASSES_ON = True  # what comes after `--` is for the script that is checked


def add_arguments(parser):
    """Declare the options of the command.

    Args:
        parser: the command's `argparse.ArgumentParser`.
    """
    add = parser.add_argument
    add(
        "model",
        nargs="+",
        action=_OneOrTwo,
        metavar="MODEL",
        help="a model's file, or MODULE:FUNCTION that returns a model; two files, of which the "
        "difference is told; or a script (.py) that trains, and after `--` its arguments",
    )
    add("--weights", metavar="FILE", help="weights for MODEL, in a file of their own (.weights.h5)")
    engines = "keras (on TensorFlow), keras-jax, keras-torch, tf-keras; or minikeras, once more"
    add("--against", default="keras", choices=ENGINES, metavar="ENGINE", help=engines)
    add("--python", metavar="PATH", help="the Python that has the other engine")
    add("--data", metavar="FILE", help="inputs `x` and targets `y` (.npz); by default drawn")
    add("--batches", type=_positive, default=8, help="batches to compare, at most")
    add("--batch-size", type=_positive, default=4, help="samples in a batch")
    add("--steps", type=_count, default=5, help="steps of the optimizer")
    add("--from-step", type=_positive, metavar="K", help="look into this step of a script")
    add("--seconds", type=_seconds, default=20.0, help="begin no further batch after so long")
    add("--wait", type=_seconds, default=600.0, help="seconds that one answer may take")
    add("--seed", type=_seed, default=0, help="of inputs, of dropout and of shuffling")
    add("--trust", action="store_true", help="let code in the model's file run, in both engines")
    add("--html", metavar="FILE", help="write the report as a page, too")
    golden = parser.add_mutually_exclusive_group()
    golden.add_argument("--record", metavar="FILE", help="keep what the other engine measures")
    golden.add_argument("--golden", metavar="FILE", help="compare with such a file alone")
    golden.add_argument("--reduce", metavar="FILE", help="write the smallest script that differs")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print all that was measured")
    forms.add_argument("--markdown", action="store_true", help="print the report for an issue")
    parser.set_defaults(refuse=parser.error)


class _OneOrTwo(argparse.Action):
    """Takes one value, or two."""

    def __call__(self, parser, namespace, values, option_string=None):
        if not isinstance(values, list) or len(values) > 2:
            parser.error(f"one MODEL is checked, or two files are compared. Received: {values}")
        setattr(namespace, self.dest, values)


def _number(text, kind, least, most, expected):
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        raise argparse.ArgumentTypeError(f"expected {expected}, received {text!r}")
    return value


_most = sys.maxsize
_positive = partial(_number, kind=int, least=1, most=_most, expected="a whole number from 1")
_count = partial(_number, kind=int, least=0, most=_most, expected="a whole number from 0")
_seed = partial(_number, kind=int, least=0, most=2**32 - 1, expected="a number of 32 bits")
_seconds = partial(_number, kind=float, least=0, most=1e7, expected="a number of seconds")


def run(arguments):
    """Check, and print the report.

    Args:
        arguments: the parsed options.

    Returns:
        0 if both are the same to rounding, 1 if they differ, 2 if options do not go together, 3 if
        they could not be compared.
    """
    if arguments.html and len(arguments.model) == 2:
        print("--html is for the check of one model, not for two files.", file=sys.stderr)
        return USAGE
    console = Console(stderr=True)
    try:
        with _terminable(), console.status("starting") as status:
            form, result = _result(arguments, status.update)
    except NotComparable as error:
        print(f"Could not compare: {error}", file=sys.stderr)
        return NOT_COMPARABLE
    if arguments.html and not _written(arguments.html, page.as_html(result)):
        return NOT_COMPARABLE
    if arguments.json:
        print(json.dumps(form.as_data(result), indent=1, default=str))
    elif arguments.markdown:
        print(form.as_markdown(result), end="")
    else:
        print(form.as_text(result), end="")
    return SAME if result.same else DIFFERS


def _result(arguments, progress):
    """What the command finds out, and the module that has the forms in which it is printed."""
    first, kind = arguments.model[0], _kind(arguments)
    options = _options(arguments)
    if kind == "two files":
        return diff, diff.compare_files(arguments.model, options)
    if kind == "a script":
        passed_on, step = arguments.passed_on, arguments.from_step
        return training, training.compare_script(first, passed_on, options, step, progress)
    return report, check(options, progress)


# What some options are for.
_ONLY_FOR = {
    "weights": ("a model",),
    "record": ("a model",),
    "golden": ("a model",),
    "reduce": ("a model",),
    "data": ("a model", "two files"),
    "from_step": ("a script",),
    "passed_on": ("a script",),
}


def _kind(arguments):
    """What the command is asked about; options that are for something else are refused."""
    kind = "a script" if arguments.model[0].endswith(".py") else "a model"
    kind = "two files" if len(arguments.model) == 2 else kind
    for name, kinds in _ONLY_FOR.items():
        if getattr(arguments, name) and kind not in kinds:
            option = "-- ARGS" if name == "passed_on" else "--" + name.replace("_", "-")
            arguments.refuse(f"{option} is for {' or '.join(kinds)}, not for {kind}")
    return kind


@contextlib.contextmanager
def _terminable():
    """Let a process that is told to end do so as one that is interrupted: nothing is left."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _written(path, text):
    """Write a page; whether it could be written."""
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"Could not write {path}: {error.strerror}", file=sys.stderr)
        return False
    return True


def _options(arguments):
    return Options(
        source=source_of(arguments.model[0], arguments.weights),
        against=arguments.against,
        python=arguments.python,
        data=arguments.data,
        batches=arguments.batches,
        batch_size=arguments.batch_size,
        steps=arguments.steps,
        seconds=arguments.seconds,
        seed=arguments.seed,
        trusted=arguments.trust,
        wait=arguments.wait,
        record=arguments.record,
        golden=arguments.golden,
        reduce=arguments.reduce,
    )
