"""The command: fill the cache, or print what is missing."""

import argparse
import sys
from collections import Counter
from itertools import groupby

from parity_tests.keras2_tables import why
from parity_tests.old_keras import gaps
from parity_tests.old_keras.archives import CACHE, fetch
from parity_tests.old_keras.release import keras_1, keras_2


def print_missing() -> None:
    """Print what is missing by release and module, and how much of each kind."""
    releases = {
        "Keras 2.2.4": gaps.of_keras_2(keras_2()),
        "Keras 1.2.2, beside those names": gaps.of_keras_1(keras_1(), keras_2()),
    }
    for title, listed in releases.items():
        missing = [gap for gap in listed if why(gap) is None]
        counts = Counter(gap.kind for gap in missing)
        print(f"=== {title}: " + ", ".join(f"{n} of {kind}" for kind, n in counts.items()))
        for module, of_module in groupby(missing, key=lambda gap: gap.module):
            print(f"\n{module}")
            for gap in of_module:
                print(_line(gap))
        print()


def _line(gap):
    name = gap.path.removeprefix(gap.module + ".")
    if gap.kind == "module":
        return "    the module"
    if not gap.received:
        return f"    {gap.kind:10} {name}{gap.expected}"
    return f"    {gap.kind:10} {name}{gap.expected}\n{'':15} is {gap.received}"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m parity_tests.old_keras")
    parser.add_argument("--fetch", action="store_true", help="fetch the packages that are missing")
    parser.add_argument("--missing", action="store_true", help="print what minikeras.keras2 lacks")
    parser.add_argument("--write", action="store_true", help=f"write {gaps.LISTED.name} again")
    arguments = parser.parse_args()
    if arguments.fetch and not fetch():
        print(f"Old Keras is not complete in {CACHE}: what compares with it is skipped.")
        return 1
    if arguments.missing:
        print_missing()
    if arguments.write:
        everything = [*gaps.of_keras_2(keras_2()), *gaps.of_keras_1(keras_1(), keras_2())]
        listed = gaps.lines(gap for gap in everything if why(gap) is None)
        gaps.LISTED.write_text("".join(f"{line}\n" for line in listed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
