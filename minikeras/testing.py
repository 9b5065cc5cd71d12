"""The public module `minikeras.testing`: models compared with Keras, in tests and notebooks."""

from minikeras.tools.check.calls import assert_same, check
from minikeras.tools.check.checking import NotComparable, Report

__all__ = ["NotComparable", "Report", "assert_same", "check"]
