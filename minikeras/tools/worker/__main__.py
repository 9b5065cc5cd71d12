"""`python PATH/worker/__main__.py ENGINE`: serve one engine to the process that started this one.

The folder is imported by its path under a name of its own, so that neither minikeras nor the files
beside this one are on the way of what a model imports.
"""

import importlib
import importlib.util
import os
import sys


def package():
    """Import the folder of this file as a package, wherever it lies."""
    folder = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == folder:
        del sys.path[0]
    spec = importlib.util.spec_from_file_location(
        "minikeras_worker",
        os.path.join(folder, "__init__.py"),
        submodule_search_locations=[folder],
    )
    assert spec is not None and spec.loader is not None  # there is the file
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    package()
    importlib.import_module("minikeras_worker.serving").serve(sys.argv[1])
