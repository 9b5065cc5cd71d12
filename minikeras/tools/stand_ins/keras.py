"""The `keras` of a script that `minikeras run` runs: importing it gives that name to minikeras."""

import sys
from pathlib import Path

if __name__ == "keras":  # and not a part of minikeras, as a tool that reads all modules sees it
    root = str(Path(__file__).parents[3])
    if root not in sys.path:  # minikeras need not be installed
        sys.path.append(root)

    from minikeras.tools.keras_names import lead_to_minikeras

    lead_to_minikeras(__name__)
