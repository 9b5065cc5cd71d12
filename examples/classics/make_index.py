"""Run the programs of this folder, and write the page that shows what they say and draw.

    python examples/classics/make_index.py            # all of them: some minutes
    python examples/classics/make_index.py NAME ...   # these alone; the page keeps the others

Each program runs in a process of its own, with warnings as errors. The page is made of each
program's docstring, its picture and what it printed, so that the same programs give the same page.
"""

import argparse
import ast
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
PICTURES = HERE / "pictures"

# The folders in the order of the page: heading, and what their programs have in common.
TOPICS = {
    "plain": (
        "Without layers",
        "What `fit` does, written out: a network in a few lines of NumPy, which ends with the same "
        "weights.",
    ),
    "metric_learning": (
        "Learning what is alike",
        "Networks that are trained on pairs, on centres and on each other, where a class alone "
        "says too little.",
    ),
    "generative": (
        "Making pictures",
        "Networks that draw: by passing digits through a narrow place, by a probability of what is "
        "seen, or by a contest of two networks.",
    ),
    "vision": (
        "Pictures of any size, and where things are in them",
        "Convolutions do not mind how large a picture is; what follows them does.",
    ),
    "inside": (
        "Inside a trained network",
        "Gradients with respect to pixels show what a filter looks for; known weights can go into "
        "a larger network.",
    ),
    "text": (
        "Words, and words about pictures",
        "Sequences of letters and words, alone and beside what a convolutional network sees.",
    ),
    "sequences": (
        "Order and time",
        "States that last from batch to batch, and a loss that depends on ranks alone.",
    ),
}

INTRO = """\
# Classics: systems that old notes name

Short programs, each of which trains one well-known system in less than half a minute on one core.
They are written as such programs were in the years of Keras 1 and 2, and import
`minikeras.keras2 as keras` ([docs/keras2.md](../../docs/keras2.md)); some spell their arguments as
Keras 1 did (`nb_epoch`, `output_dim`, `merge`). Their data are the digits that come with the
package, or are made up by the program: nothing is downloaded.

Each program ends with an `assert` of what it has learned. Run one with

```
python examples/classics/plain/numpy_network.py picture.png
```

The name of the picture may be left out. The pictures and the printed lines below are what
`python examples/classics/make_index.py` got from the programs.
"""

# Words of the programs' names that are written otherwise in headings.
SPELLINGS = {
    "class_conditional": "class-conditional",
    "gan": "GAN",
    "lstm": "LSTM",
    "net2net": "Net2Net",
    "numpy": "NumPy",
    "spearman": "Spearman",
    "what_where": "what-where",
}

SURROUNDINGS = {"PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1"}


def programs():
    """The programs of each topic, as dict from the folder to its sorted paths."""
    return {topic: sorted((HERE / topic).glob("[a-z]*.py")) for topic in TOPICS}


def first_sentence(program):
    """The first sentence of a program's docstring, which is a paragraph of its own."""
    docstring = ast.get_docstring(ast.parse(program.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def picture_of(program):
    """Where the picture of a program is kept."""
    return PICTURES / f"{program.stem}.png"


def run(program):
    """Run a program with its picture's path, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", program, picture_of(program)],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), **SURROUNDINGS},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        sys.exit(f"{program.relative_to(HERE)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout.rstrip()


def heading(program):
    """The line that a program's part of the page begins with."""
    words = rf"(?<![a-z])({'|'.join(SPELLINGS)})(?![a-z])"
    title = re.sub(words, lambda match: SPELLINGS[match[0]], program.stem).replace("_", " ")
    return f"### [{title[0].upper()}{title[1:]}]({program.relative_to(HERE).as_posix()})"


def part(program, printed):
    """The part of the page about a program."""
    picture = picture_of(program).relative_to(HERE).as_posix()
    return (
        f"{heading(program)}\n\n{first_sentence(program)}\n\n"
        f"![What {program.name} draws]({picture})\n\n```text\n{printed}\n```\n"
    )


def printed_before(program):
    """What the page already shows of a program's output, or None."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    shown = page.partition(f"{heading(program)}\n")[2].partition("\n### ")[0]
    match = re.search(r"^```text\n(.*?)\n```$", shown, re.M | re.S)
    return match and match[1]


def main(names):
    """Run the programs of these names, all if there are none, and write the page."""
    by_topic = programs()
    known = {program.stem for listed in by_topic.values() for program in listed}
    if unknown := {*names} - known:
        sys.exit(f"no program of the name {sorted(unknown)[0]!r}; there are {sorted(known)}")
    PICTURES.mkdir(exist_ok=True)
    parts = [INTRO]
    for topic, (title, text) in TOPICS.items():
        parts += [f"## {title}\n\n{text}\n"] if by_topic[topic] else []
        for program in by_topic[topic]:
            printed = None if program.stem in names or not names else printed_before(program)
            if printed is None:
                print(f"running {program.relative_to(HERE)}", flush=True)
                printed = run(program)
            parts.append(part(program, printed))
    PAGE.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="run these programs alone")
    main(parser.parse_args().names)
