"""A release of Keras, read from its syntax trees.

What a name stands for is found as Python finds it: through imports, `*`, assignments and base
classes.
"""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from parity_tests.old_keras.archives import KERAS_1, KERAS_2, sources
from parity_tests.surface import REQUIRED

OTHER_BACKENDS = ("keras.backend.cntk_backend", "keras.backend.theano_backend")
"""Modules that are not read: `keras.backend` takes its names from one back end, TensorFlow."""


@dataclass(frozen=True)
class Source:
    """A default that is no literal, such as `K.floatx()`: its source text."""

    text: str


@dataclass(frozen=True)
class Definition:
    """What a name stands for: a function or a class of a module, a module, or a value.

    Args:
        kind: `"function"`, `"class"`, `"module"` or `"value"` (a constant, or foreign).
        module: dotted name of the module that defines it.
        node: the syntax tree of the definition; of a value, the expression.
    """

    kind: str
    module: str
    node: Any = None

    @property
    def is_foreign(self) -> bool:
        """Whether it is a module of a package that Keras calls."""
        return self.kind == "module" and self.module.partition(".")[0] != "keras"


class Module:
    """The names that one module binds at its top level, each with what binds it."""

    def __init__(self, name: str, text: str) -> None:
        self.is_package = name.endswith(".__init__")
        self.name = name.removesuffix(".__init__")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # escapes in strings that are no escapes
            tree = ast.parse(text)
        self.bound: dict[str, Any] = {}
        self.stars: list[str] = []
        self._bind(tree.body)

    def _bind(self, statements):
        for statement in statements:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                self.bound[statement.name] = statement
            elif isinstance(statement, ast.Assign):
                names = [t.id for t in statement.targets if isinstance(t, ast.Name)]
                self.bound.update(dict.fromkeys(names, statement.value))
            elif isinstance(statement, ast.Import):
                for alias in statement.names:
                    top = alias.asname or alias.name.partition(".")[0]
                    self.bound[top] = (alias.name if alias.asname else top, None)
            elif isinstance(statement, ast.ImportFrom):
                self._bind_from(statement)
            elif isinstance(statement, (ast.If, ast.Try)):
                for branch in ("body", "orelse", "finalbody"):
                    self._bind(getattr(statement, branch, ()))

    def _bind_from(self, statement):
        origin = statement.module or ""
        if statement.level:
            parts = self.name.split(".")
            parts = parts[: len(parts) - statement.level + self.is_package]
            origin = ".".join([*parts, origin] if origin else parts)
        for alias in statement.names:
            if alias.name == "*":
                self.stars.append(origin)
            else:
                self.bound[alias.asname or alias.name] = (origin, alias.name)


class Release:
    """The modules of one release of Keras, with the packages that it re-exports.

    Args:
        requirements: `KERAS_1` or `KERAS_2`.
    """

    def __init__(self, requirements: tuple[str, ...]) -> None:
        texts = {n: t for one in requirements for n, t in sources(one).items()}
        modules = [Module(name, text) for name, text in texts.items()]
        self.modules = {m.name: m for m in modules if m.name not in OTHER_BACKENDS}

    @cached_property
    def public_modules(self) -> list[str]:
        """The dotted names of the modules of `keras` that have no leading underscore."""
        own = (name for name in self.modules if name.partition(".")[0] == "keras")
        return sorted(name for name in own if "._" not in name)

    def names(self, module: str) -> dict[str, Definition]:
        """Return what each public name of a module stands for, names got by `*` included.

        Modules of other packages are left out.
        """
        names: dict[str, Definition | None] = {}
        for origin in self.modules[module].stars:
            if origin in self.modules:
                names |= self.names(origin)
        for name in self.modules[module].bound:
            names[name] = self.find(module, name)
        return {n: d for n, d in names.items() if not n.startswith("_") and d and not d.is_foreign}

    def find(self, module: str, name: str) -> Definition | None:
        """Return what a name in a module stands for, or None if it is nothing of Keras."""
        if module not in self.modules:
            return None
        bound = self.modules[module].bound.get(name)
        if isinstance(bound, ast.FunctionDef):
            return Definition("function", module, bound)
        if isinstance(bound, ast.ClassDef):
            return Definition("class", module, bound)
        if isinstance(bound, ast.expr):
            return self.find_expression(module, bound) or Definition("value", module, bound)
        if isinstance(bound, tuple) and bound != (module, name):
            return self._imported(*bound)
        return self._imported(f"{module}.{name}", None) or self._from_stars(module, name)

    def _imported(self, module, name):
        if name is not None:
            return self.find(module, name)
        return Definition("module", module) if module in self.modules else None

    def _from_stars(self, module, name):
        origins = reversed(self.modules[module].stars)
        return next(filter(None, (self.find(origin, name) for origin in origins)), None)

    def find_expression(self, module: str, node: ast.expr) -> Definition | None:
        """Return what `a` or `a.b.c` stands for in a module, or None."""
        if isinstance(node, ast.Name):
            is_bound = node.id in self.modules[module].bound or self.modules[module].stars
            return self.find(module, node.id) if is_bound else None
        if isinstance(node, ast.Attribute):
            owner = self.find_expression(module, node.value)
            if owner and owner.kind == "module":
                return self.find(owner.module, node.attr)
        return None

    # --- Signatures -------------------------------------------------------------------------------

    def bases(self, cls: Definition) -> Iterator[Definition]:
        """Yield a class and what it is derived from, in the order in which Python looks."""
        yield cls
        for base in cls.node.bases:
            definition = self.find_expression(cls.module, base)
            if definition and definition.kind == "class":
                yield from self.bases(definition)

    def methods(self, cls: Definition) -> dict[str, Definition]:
        """Return the methods of a class by name, those of its bases included."""
        methods: dict[str, Definition] = {}
        for base in self.bases(cls):
            for node in base.node.body:
                if isinstance(node, ast.FunctionDef):
                    methods.setdefault(node.name, Definition("function", base.module, node))
        return methods

    def parameters(self, definition: Definition) -> list[tuple[str, Any]]:
        """Return the parameters of a function or class as `(name, default)`, without `self`.

        A name is preceded by `*` or `**` where the parameter takes any number of arguments. A
        default is a value, `REQUIRED`, or a `Source`. A function that hands everything on has the
        parameters of the one it calls.
        """
        if definition.kind == "class":
            init = self.methods(definition).get("__init__")
            return self.parameters(init)[1:] if init else []
        parameters = list(self._listed(definition))
        called = self._handed_on(definition)
        if called is None:
            return parameters
        # The called function's `**kwargs` only take the back end that the decorator hands in.
        return [p for p in self.parameters(called) if not p[0].startswith("**")]

    def _listed(self, definition):
        arguments = definition.node.args
        required = len(arguments.args) - len(arguments.defaults)
        defaults = [*[None] * required, *arguments.defaults]
        for argument, default in zip(arguments.args, defaults, strict=True):
            yield argument.arg, REQUIRED if default is None else _value(default)
        if arguments.vararg:
            yield "*" + arguments.vararg.arg, REQUIRED
        if arguments.kwarg:
            yield "**" + arguments.kwarg.arg, REQUIRED

    def _handed_on(self, definition):
        """What a function calls whose body is `return f(*args, **kwargs)`, or None."""
        body = definition.node.body
        call = getattr(body[-1], "value", None)
        if len(body) != 1 or not isinstance(call, ast.Call):
            return None
        handed = [ast.unparse(part) for part in (*call.args, *(k.value for k in call.keywords))]
        if handed != ["*args", "kwargs"]:
            return None
        called = self.find_expression(definition.module, call.func)
        return called if called and called.kind == "function" else None


def _value(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        return Source(ast.unparse(node))


@cache
def keras_2() -> Release:
    """Return Keras 2.2.4."""
    return Release(KERAS_2)


@cache
def keras_1() -> Release:
    """Return Keras 1.2.2."""
    return Release(KERAS_1)
