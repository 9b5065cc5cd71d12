"""Dtype rules that several groups of ops share, beyond those in `autograd.families`.

Each rule takes the inputs' dtype names and returns the dtypes to cast the inputs to; one that
refuses a kind of dtype raises TypeError here, before a kernel runs.
"""

from dataclasses import replace

from minikeras.autograd import families
from minikeras.autograd.families import cached, to_common, to_float, to_number
from minikeras.core import dtypes, settings


def _refusing(promote, accepts, wanted):
    """The same rule, which raises TypeError unless it leads to an accepted dtype."""

    @cached
    def rule(names):
        """Cast all inputs to their promoted (common) dtype, if it is of the accepted kind."""
        targets = promote(names)
        if not accepts(targets[0]):
            received = ", ".join(name for name in names if name is not None)
            raise TypeError(f"Expected {wanted}, but received {received}. Cast the inputs first.")
        return targets

    return rule


numbers = _refusing(to_common, lambda name: name != "bool", "at least one number beside bools")
integers = _refusing(to_common, dtypes.is_integer, "integers")


@cached
def to_wide_float(names):
    """Cast all inputs to their promoted float dtype; 64-bit integers become float64."""
    common = dtypes.result_type(*names)
    if not dtypes.is_float(common):
        common = "float64" if common in ("int64", "uint64") else settings.floatx()
    return (common,) * len(names)


@cached
def to_first(names):
    """Cast all inputs to the dtype of the first, a bool becoming an integer."""
    first = to_number(names[:1])[0]
    return tuple(None if name is None else first for name in names)


@cached
def float_and_integer(names):
    """Cast the first of two inputs to a float; the second must be an integer and stays one."""
    power = dtypes.strong(names[1])
    if not dtypes.is_integer(power):
        raise TypeError(f"The exponent must be an integer, but its dtype is {power}.")
    return to_float(names)[0], power


@cached
def condition_first(names):
    """Cast the first input to bool and the others to their promoted (common) dtype."""
    if names[1] is None:
        return ("bool", None, None)
    return ("bool", *to_common(names[1:]))


arithmetic = replace(families.arithmetic, promote=numbers).described(
    x1="tensor or number, of any shape and dtype (a bool only beside a number)."
)
modular = replace(families.arithmetic, promote=to_number)
integral = replace(families.arithmetic, promote=integers).described(
    x="integer tensor of any shape.",
    y="integer tensor or number, whose shape broadcasts with that of `x`.",
    x1="integer tensor or number, of any shape.",
    x2="integer tensor or number, whose shape broadcasts with that of `x1`.",
)
wide = replace(families.floating, promote=to_wide_float).described(
    x=f"{families.floating.texts['x'].removesuffix('.')}, int64 float64."
)
wide_pair = replace(families.division, promote=to_wide_float)
