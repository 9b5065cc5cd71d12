"""Known data sets, in the modules of their names."""

from minikeras.keras2.finder import elsewhere

__getattr__ = elsewhere(__name__)
