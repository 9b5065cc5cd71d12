"""`python -m minikeras`: the command line."""

import sys

from minikeras.tools.cli import main

sys.exit(main())
