"""`minikeras` on the command line: one subcommand for each program in this package.

A program is a module with two functions: `add_arguments(parser)` declares its options, and
`run(arguments)` does the work and returns the exit status, 0 where all went well. Its docstring's
first line is its help. With `PASSES_ON = True` it gets what comes after `--` as
`arguments.passed_on`.
"""

import argparse
import platform
import sys
from types import SimpleNamespace

import numpy as np

import minikeras
from minikeras.tools import compile_kernels, demo, run
from minikeras.tools.check import command as check
from minikeras.tools.explain import command as explain


def show_version(arguments):
    """Print the version of minikeras and of what it runs on."""
    python = platform.python_version()
    print(f"minikeras {minikeras.version()} (Python {python}, NumPy {np.__version__})")
    return 0


version = SimpleNamespace(
    __doc__=show_version.__doc__, add_arguments=lambda parser: None, run=show_version
)

COMMANDS = {
    "check": check,
    "compile": compile_kernels,
    "demo": demo,
    "explain": explain,
    "run": run,
    "version": version,
}


def main(argv=None):
    """Run the command that the arguments name.

    Args:
        argv: list of strings, the arguments without the program's name; those of the process by
            default.

    Returns:
        The exit status: 0 where all went well, 1 where a program says that it did not. Wrong
        arguments end the process with status 2.

    Example:
        >>> from minikeras.tools import cli
        >>> cli.main(["version"])
        minikeras ...
        0
    """
    parser = _parser()
    own, passed_on = _split(sys.argv[1:] if argv is None else argv)
    arguments = parser.parse_args(own)
    arguments.passed_on = passed_on
    if arguments.run is None:
        parser.print_help()
        return 0
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130  # what shells expect of a program that was interrupted


def _split(argv):
    """The arguments of a program, and those after `--`, where it passes such on to a script."""
    passes_on = bool(argv) and getattr(COMMANDS.get(argv[0]), "PASSES_ON", False)
    if not passes_on or "--" not in argv:
        return argv, []
    place = argv.index("--")
    return argv[:place], argv[place + 1 :]


def _parser():
    parser = argparse.ArgumentParser(
        prog="minikeras", description="A neural-network engine on NumPy with the API of Keras."
    )
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, program in COMMANDS.items():
        text = program.__doc__.splitlines()[0]
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        program.add_arguments(command)
        command.set_defaults(run=program.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
