"""YAML changed at random: the values that it stands for, and what only YAML has."""

import json

import yaml

from tests.saving.foreign.json_mutations import changed_json


def changed_yaml(draw, content):
    """A copy of a YAML text in which values changed, or its aliases, tags and signs."""
    kind = draw.randrange(3)
    if kind:
        value = changed_json(draw, yaml.load(content, yaml.CSafeLoader))
        try:
            content = yaml.dump(value, Dumper=yaml.CSafeDumper, encoding="utf-8")
        except (yaml.YAMLError, UnicodeError):  # half of a character can't be written
            content = json.dumps(value).encode()
    if kind < 2:
        lines = content.decode().split("\n")
        for _ in range(draw.choice([1, 1, 2, 4])):
            place = draw.randrange(len(lines))
            lines[place] = draw.choice(_OF_LINES)(draw, lines[place])
        content = "\n".join(lines).encode("utf-8", "replace")
    return content


def _with_sign(draw, line):
    """Put a sign before the value of a line."""
    key, colon, value = line.partition(": ")
    sign = draw.choice(_SIGNS)
    return f"{key}: {sign} {value}" if colon else f"{key} {sign}"


_TAGS = "binary set omap float int null timestamp python/tuple python/name:os.system"
_SIGNS = [*"|>[{]}-?%@`',:#~!*&", "&a", "*a", "&b", "*b", "0x", "1_0", "<<:", "---", "..."]
_SIGNS += [f"!!{tag}" for tag in _TAGS.split()] + ["!!python/object/apply:os.system"]
_OF_LINES = [
    *[_with_sign] * 6,
    lambda draw, line: line + "\n" + line,
    lambda draw, line: "",
    lambda draw, line: " " + line,
    lambda draw, line: line[1:],
    lambda draw, line: line.replace(" ", "\t", 1),
    lambda draw, line: line[: draw.randrange(len(line) + 1)],
]
