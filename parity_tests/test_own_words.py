"""Every sentence is the project's own: none of its messages and docstrings is one of Keras's.

The string literals of the package, and the text of its pages, are cut into sentences, at the values
of f-strings too, and looked for among those of the installed Keras and tf-keras, and of Keras 1.2.2
and 2.2.4. `KEPT` lists what is the same on purpose.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from parity_tests.old_keras import archives

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "minikeras").rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")])
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))

# Sentences that stand in Keras's sources as well, and why.
KEPT = {
    "Found {} images belonging to {} classes.": "printed by `flow_from_directory`; programs read "
    "the numbers from the output",
    "{} improved from {} to {}, saving model to {}": "printed by ModelCheckpoint, likewise",
    "Restoring model weights from the end of the best epoch:": "printed by EarlyStopping, likewise",
    "Invalid loss, terminating training": "printed by TerminateOnNaN, likewise",
    "ReduceLROnPlateau reducing learning rate to": "printed by the callback, likewise",
    "ReduceLROnPlateau reducing learning rate to {}.": "printed by the callback, likewise",
    "LearningRateScheduler setting learning rate to": "printed by the callback, likewise",
    "LearningRateScheduler setting learning rate to {}.": "printed by the callback, likewise",
    "Restoring model weights from the end of the best epoch": "printed by Keras 2's, likewise",
    "Train on {} samples, validate on {} samples": "printed by `fit` of Keras 2, likewise",
    "[WARNING] {} already exists - overwrite?": "a question on the terminal that programs answer",
}

# What is shorter is no sentence: a name, an option, `must be a positive integer`.
LENGTH, WORDS = 30, 4

LITERAL = re.compile(
    r"""
    (?P<comment> \#[^\n]*)
    | (?P<prefix> \b[bBfFrRuU]{1,2} | )
      (?: \"{3} (?P<a> [^"\\]* (?: (?: \\. | "(?!"") ) [^"\\]* )* ) \"{3}
        | '{3}  (?P<b> [^'\\]* (?: (?: \\. | '(?!'') ) [^'\\]* )* ) '{3}
        | "     (?P<c> [^"\\\n]* (?: \\. [^"\\\n]* )* ) "
        | '     (?P<d> [^'\\\n]* (?: \\. [^'\\\n]* )* ) '
      )
    """,
    re.VERBOSE | re.DOTALL,
)
HOLE = "\0"  # the place of a value in a message
VALUE = re.compile(r"\{\{|\}\}|\{[^{}]*\}")
PERCENT = re.compile(r"%(\(\w+\))?\.?\d*[a-z]\b")
END = re.compile(r"(?<=[.:?!])\s+|\n\s*\n")
WORD = re.compile(r"(?<!\S)[`'\"(]?[A-Za-z_'-]+[`'\")]?[.,:;?!]?(?!\S)")
CODE = re.compile(r">>>|def |class |import |from \w+ import ")


def strings(program):
    """Yield the strings of a program, adjacent literals joined, with `HOLE` for each value."""
    text, end = "", None
    for match in LITERAL.finditer(program):
        is_next = end is None or not program[end : match.start()].strip()
        if match["comment"] is not None:
            end = match.end() if is_next else end
            continue
        if not is_next:
            yield text
            text = ""
        text += written(match)
        end = match.end()
    yield text


def written(literal):
    """The text of a literal, without escapes."""
    text = next(part for part in literal.group("a", "b", "c", "d") if part is not None)
    if "f" in literal["prefix"].lower():
        text = VALUE.sub(lambda m: m[0][0] if m[0] in ("{{", "}}") else HOLE, text)
    else:
        text = PERCENT.sub(HOLE, text.replace("{}", HOLE))
    return text.replace("\\\n", "").replace("\\n", "\n").replace("\\", "")


def sentences(text):
    """Yield the sentences of a text, and their parts between values, that are long enough."""
    for sentence in END.split(text):
        if len(sentence) >= LENGTH:
            yield from filter(is_long, map(spaced, {sentence, *sentence.split(HOLE)}))


def spaced(text):
    """A text in one line."""
    return " ".join(text.replace(HOLE, "{}").split())


def is_long(sentence):
    """Whether a sentence has enough words of its own to be somebody's."""
    return len(sentence.replace("{}", "")) >= LENGTH and len(WORD.findall(sentence)) >= WORDS


@cache
def keras_sentences():
    """The sentences in the sources of Keras and tf-keras, and of old Keras where it was fetched."""
    folders = [find_spec(name).submodule_search_locations[0] for name in ("keras", "tf_keras")]
    sources = [path.read_text() for folder in folders for path in Path(folder).rglob("*.py")]
    if archives.is_fetched():
        for release in (*archives.KERAS_2, *archives.KERAS_1):
            sources += archives.sources(release).values()
    return {s for source in sources for text in strings(source) for s in sentences(text)}


def shared(texts):
    """The sentences of texts that Keras has, too; lines of code are none."""
    ours = {sentence for text in texts for sentence in sentences(text)}
    return {s for s in ours & keras_sentences() if not CODE.match(s)}


def of_package():
    """The strings of the package."""
    return (text for path in PACKAGE for text in strings(path.read_text()))


def test_sentences_of_the_package():
    same = shared(of_package())
    assert same <= set(KEPT)
    if archives.is_fetched():  # some are of old Keras alone
        assert same == set(KEPT)


@pytest.mark.parametrize("path", [*PAGES, *EXAMPLES], ids=lambda path: path.name)
def test_sentences_of_pages_and_examples(path):
    text = path.read_text()
    texts = re.split(r"```|\|", text) if path.suffix == ".md" else strings(text)
    assert not shared(texts)


PLANTED = '''
def f(x):
    """Compute something of one's own."""
    # A comment: `don't` opens no string.
    raise ValueError(
        f"Received {x}. Only input tensors may be passed "  # "a comment" between literals
        'as positional arguments. The \\"end\\".'
    )
'''


def test_the_finder():
    """A sentence of Keras is found across literals, quotes and values; one's own is not."""
    texts = list(strings(PLANTED))
    assert texts[0] == "Compute something of one's own."
    assert texts[1].startswith(f"Received {HOLE}. Only input")
    assert shared(texts) == {"Only input tensors may be passed as positional arguments."}
    assert len(keras_sentences()) > 20_000
