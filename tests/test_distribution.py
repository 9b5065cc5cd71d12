"""What the texts tell people to install is what `pyproject.toml` describes."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

import minikeras
from minikeras.core import distribution

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
SENTENCES = {extra: distribution.how_to_install(extra) for extra in EXTRAS}
DOCUMENTS = ["README.md", "CHANGELOG.md", "Makefile", *ROOT.glob("docs/**/*.md")]
SOURCES = [
    path
    for folder in ("minikeras", "examples", "benchmarks", "scripts", "tests", "parity_tests")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".md", ".txt") and path != Path(__file__)
]
PIP = re.compile(r"\bpip (?:install|wheel) +([^`\n]*)")
OURS = re.compile(r"(?P<what>\.|(?:\S*/)?[\w.-]*minikeras[\w.-]*)(?:\[(?P<extras>[^]]*)\])?")


def commands(text):
    """What every `pip install` in a text is given: requirements, without options and comments."""
    for match in PIP.findall(text):
        words = shlex.split(match.replace("$", ""), comments=True)
        yield [word for word in words if not word.startswith("-")]


def wrong(requirement):
    """What is wrong with a requirement for this package, or None (as for those of others)."""
    match = OURS.fullmatch(requirement)
    if not match:
        return None
    if Path(match["what"]).name not in ("", PROJECT["name"], distribution.WHEEL):
        return "another project, or another version"
    extras = {part.strip() for part in (match["extras"] or "").split(",")} - {"", "(GPU_EXTRA)"}
    return f"no extras {unknown}" if (unknown := extras - set(EXTRAS)) else None


def texts():
    for path in [*map(ROOT.joinpath, DOCUMENTS), *SOURCES]:
        if path != Path(distribution.__file__):  # its sentences follow
            yield str(path.relative_to(ROOT)), path.read_text()
    yield from SENTENCES.items()


def test_every_pip_command_installs_what_there_is():
    installs = [(name, words) for name, text in texts() for words in commands(text)]
    assert {"README.md", "Makefile", "docs/gpu.md", "gpu", "plot"} <= {name for name, _ in installs}
    words = [(name, word) for name, words in installs for word in words]
    faults = [(name, word, wrong(word)) for name, word in words if wrong(word)]
    assert not faults


@pytest.mark.parametrize(
    "requirement",
    ["minikeras", "minikeras[compiled]", ".[nothing]", "dist/minikeras_engine-9-py3-none-any.whl"],
)
def test_the_check_sees_what_is_wrong(requirement):
    (words,) = commands(f"so `pip install -q '{requirement}'` here")
    assert words == [requirement] and wrong(requirement)


def test_sources_take_the_command_from_one_place():
    for name, text in texts():
        if name.startswith(("minikeras/", "tests/", "parity_tests/")):
            assert not PIP.search(text), name


def test_every_extra_that_is_named_exists():
    naming = re.compile(r"\bextra `(\w+)`|how_to_install\([\"'](\w+)")
    named = [(name, one or other) for name, text in texts() for one, other in naming.findall(text)]
    assert len(named) > 8
    assert not [(name, extra) for name, extra in named if extra not in EXTRAS]


def test_name_and_version_are_those_of_the_project():
    assert (PROJECT["name"], PROJECT["version"]) == (distribution.NAME, distribution.VERSION)
    assert minikeras.__version__ == minikeras.version() == PROJECT["version"]


def test_sentences_name_both_ways():
    assert SENTENCES["gpu"] == (
        "Install the extra `gpu`: `pip install '.[gpu]'` in a clone of minikeras, `pip install "
        f"'minikeras_engine-{minikeras.__version__}-py3-none-any.whl[gpu]'` with its wheel."
    )
