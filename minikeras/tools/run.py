"""Run a script that imports `keras` or `tensorflow.keras`, unchanged, on minikeras.

The script runs in a Python of its own, as `python script.py` would run it: its arguments, its
output, its exit status and its tracebacks are Python's. Before the installed packages it finds
`minikeras/tools/stand_ins`, where `keras` and `tensorflow` lead to minikeras (`keras_names`). What
the script starts in its turn, such as workers of `multiprocessing`, inherits that.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from minikeras.tools.keras_names import ENGINES, VERSION_VARIABLE

STAND_INS = Path(__file__).parent / "stand_ins"


def add_arguments(parser):
    """Declare the options of the command.

    Args:
        parser: the command's `argparse.ArgumentParser`.
    """
    parser.usage = "%(prog)s [--keras VERSION] [-m] SCRIPT [ARGS ...]"
    versions = sorted(ENGINES)
    parser.add_argument(
        "--keras", choices=versions, default=versions[-1], help="what the script is written for"
    )
    parser.add_argument(
        "-m", "--module", action="store_true", help="SCRIPT is the name of a module"
    )
    parser.add_argument(
        "program",
        metavar="SCRIPT ARGS",
        nargs=argparse.REMAINDER,  # one list: argparse would take a `--` between two
        help="a Python program, and what it is given",
    )
    parser.set_defaults(refuse=parser.error)


def run(arguments):
    """Become the Python process that runs the script.

    Args:
        arguments: the parsed options.

    Returns:
        The script's exit status, on Windows alone: elsewhere the script's process takes the place
        of this one.
    """
    if not arguments.program:
        arguments.refuse("name the script to run")
    command = [sys.executable, *(["-m"] if arguments.module else []), *arguments.program]
    folders = [str(STAND_INS), os.environ.get("PYTHONPATH")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, folders)),
        VERSION_VARIABLE: arguments.keras,
    }
    if os.name == "nt":  # there, a replaced process counts as ended
        return subprocess.run(command, env=environment, check=False).returncode
    return os.execve(sys.executable, command, environment)
