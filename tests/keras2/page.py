"""The tables of docs/keras2.md from old names to those of today, made of the tables in the code.

Usage: python -m tests.keras2.page
"""

import inspect
from pathlib import Path

import minikeras as keras
from minikeras.core.old_names import tables
from minikeras.keras2.layers.table import ALIASES, ROWS

PAGE = Path(__file__).parents[2] / "docs" / "keras2.md"
BEGIN, END = "<!-- old names: begin -->", "<!-- old names: end -->"


def main():
    """Write the tables into the page."""
    head, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(head + BEGIN + "\n" + written() + END + rest.split(END)[1])


def written():
    """Return the tables as they stand on the page."""
    return "".join(
        f"### {title}\n\n{_table(heads, sorted(rows))}\n"
        for title, heads, rows in (
            ("Layers", ("then", "today"), _layers()),
            ("Arguments of layers", ("then", "today"), _arguments()),
            ("Arguments of models, optimizers, callbacks and data", ("then", "today"), _calls()),
            ("Methods and attributes", ("then", "today"), _methods()),
            ("Modules, classes and functions", ("then", "today"), _names()),
            ("Defaults of layers", ("argument", "Keras 2.2.4", "Keras 3"), _defaults()),
        )
    )


def _table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _code(name):
    """A name as code; several names, or a sentence that begins with one, as they are."""
    if name is None:
        return "nothing"
    words = name.split(" ", 1)
    return f"`{name}`" if len(words) == 1 or "=" in name or "(" in name else name


def _layers():
    old = {name: today for name, today in ALIASES.items() if not hasattr(keras.layers, name)}
    rows = [[_code(name), _code(today)] for name, today in {**old, **tables.CLASSES}.items()]
    return rows + [[_code(name), "a layer of your own"] for name in tables.GONE]


def _arguments():
    rows = [[_code(old), _code(today)] for old, today in tables.ARGUMENTS.items()]
    for cls, names in tables.ARGUMENTS_OF.items():
        rows += [[f"`{old}` of {cls}", _code(today)] for old, today in names.items()]
    return rows


def _calls():
    rows = [[_code(old), _code(today)] for old, today in tables.OF_CALLS.items()]
    for cls, names in tables.OF_ONE.items():
        rows += [[f"`{old}` of {cls}", _code(today)] for old, today in names.items()]
    return rows


def _methods():
    kinds = (
        ("layers and models", tables.OF_LAYERS),
        ("models", tables.OF_MODELS),
        ("optimizers", tables.OF_OPTIMIZERS),
    )
    return [
        [f"`{old}` of {kind}", _code(today)]
        for kind, names in kinds
        for old, today in names.items()
        if not old.startswith("_")
    ]


def _names():
    rows = []
    for module, names in tables.NAMES.items():
        public = module.replace("minikeras", "keras", 1)
        for old, today in names.items():
            if today == "keras.ops" and hasattr(keras.ops, old):
                today = f"keras.ops.{old}"
            if module != "minikeras.layers" or old not in {*tables.CLASSES, *tables.GONE}:
                rows.append([f"`{old}` of {public}", _code(today)])
    return rows


def _defaults():
    """Where Keras 2's default of a layer's argument is another than today's."""
    rows = []
    for row in ROWS:
        if not hasattr(keras.layers, row.engine.__name__):
            continue
        today = inspect.signature(row.engine).parameters
        for name, value in row.defaults.items():
            now = today[name].default if name in today else value
            if _plain(now) != _plain(value):
                is_needed = now is inspect.Parameter.empty
                now = "none: it is needed" if is_needed else f"`{now!r}`"
                rows.append([f"`{name}` of {row.engine.__name__}", f"`{value!r}`", now])
    return rows


def _plain(value):
    """A default in one form: sizes as one number, names in small letters, the usual layout."""
    if isinstance(value, tuple):
        sizes = {_plain(size) for size in value}
        return sizes.pop() if len(sizes) == 1 else value
    if value in (None, "channels_last"):
        return None
    return value.lower() if isinstance(value, str) else value


if __name__ == "__main__":
    main()
