"""What a file of own code registers with Keras, read from its source: nothing of it is imported."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dltrain.config.catalog.catalog import NAMESPACES, Catalog
from dltrain.config.own_code.functions import TAKEN, function_entries
from dltrain.config.own_code.signatures import ROOTS, base_arguments, in_terms_of_training, own_arguments, with_passed_on
from dltrain.config.text.nodes import Faults
from dltrain.config.types import Place
from dltrain.config.types.own_code import CodeFile, OwnComponent
from dltrain.wording import normalize

DECORATOR = "register_keras_serializable"
HOW = f"@keras.saving.{DECORATOR}()"
_KINDS = {namespace: kind for kind, namespace in NAMESPACES.items()}
_DEEPEST = 20

# PEP 263: the file's encoding, in its first or second line.
_CODING = re.compile(rb"(?:[^\S\n]*(?:#[^\n]*)?\n)?[^\S\n]*#[^\n]*coding[:=]")


@dataclass(slots=True)
class _Class:
    """A class at the top of a file."""

    node: ast.ClassDef
    file: CodeFile
    names: dict[str, str]


@dataclass(slots=True)
class Sources:
    """The files of a config, one after the other: later ones may derive their classes from those of earlier ones.

    Attributes:
        catalog: Keras's components.
        faults: where what is wrong with a file is noted, at its line.
        components: name -> what was found so far.
        unregistered: name of a class that could be a component, but is not registered -> where it stands.
    """

    catalog: Catalog
    faults: Faults
    components: dict[str, OwnComponent] = field(default_factory=dict)
    unregistered: dict[str, Place] = field(default_factory=dict)
    _classes: dict[str, _Class] = field(default_factory=dict)

    def add(self, file: CodeFile) -> None:
        """Look through one more file."""
        tree = self._parse(file)
        if tree is None:
            return
        names = dict(_imported(tree))
        for node in _statements(tree):
            if isinstance(node, ast.ClassDef):
                self._classes[node.name] = _Class(node, file, names)
                self._add_class(self._classes[node.name])
            elif isinstance(node, ast.FunctionDef):
                self._add_function(node, file, names)

    def _parse(self, file: CodeFile) -> ast.Module | None:
        if not _CODING.match(file.source):  # which alone lets Python open a file as something else
            try:
                file.source.decode("utf-8")
            except UnicodeDecodeError as error:
                line = file.source.count(b"\n", 0, error.start) + 1
                message = f"not UTF-8: byte 0x{file.source[error.start]:02x} at offset {error.start}"
                self.faults.add(Place(file.shown, line, 1), "code", message, "save the file as UTF-8")
                return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a file that may never be run
                return ast.parse(file.source, file.shown)
        except SyntaxError as error:
            column = error.offset if error.offset and error.offset > 0 else 1
            place = Place(file.shown, error.lineno or 1, column)
            self.faults.add(place, "code", f"this is no Python: {error.msg}", "mend this line")
        except (ValueError, RecursionError, MemoryError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError | MemoryError) else str(error)
            self.faults.add(Place(file.shown, 1, 1), "code", f"this is no Python: {reason}", "mend the file")
        return None

    def _add_class(self, found: _Class) -> None:
        node, place = found.node, _place(found.file, found.node)
        decorator = _registration(node, found.names)
        kind, base = self._kind(found)
        if decorator is None:
            if kind is not None:
                self.unregistered[node.name] = place
            return
        if kind is None:
            kinds = ", ".join(sorted(set(ROOTS.values())))
            message = f"{node.name} is registered, but derived of none of Keras's kinds that a config can name: {kinds}"
            self.faults.add(place, "code", message, _no_kind_hint(node))
            return
        name = self._name(node, decorator, place)
        if name is None:
            return
        arguments, takes_name = self._arguments(found, kind, base)
        if kind in ("layer", "metric", "optimizer", "loss") and not takes_name:
            message = f"{name} takes no `name`, by which Keras tells {kind}s apart and reads them back"
            hint = "let __init__ take **kwargs, and give them on: super().__init__(**kwargs)"
            self.faults.add(place, "code", message, hint)
            return
        doc = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())[:200]
        entry = {"doc": doc, "arguments": arguments, "where": f"{found.file.shown}:{node.lineno}"}
        self.components[name] = OwnComponent(kind, name, node.name, found.file.shown, node.lineno, base, entry)

    def _add_function(self, node: ast.FunctionDef, file: CodeFile, names: dict[str, str]) -> None:
        decorator, place = _registration(node, names), _place(file, node)
        entries = function_entries(node, f"{file.shown}:{node.lineno}", lambda item: _dotted(item, names), self.catalog)
        if decorator is None:
            if not isinstance(entries, str):
                self.unregistered.setdefault(node.name, place)
            return
        if isinstance(entries, str):
            self.faults.add(place, "code", f"the function {node.name} is nothing that Keras calls: {entries}", TAKEN)
            return
        name = self._name(node, decorator, place)
        if name is None:
            return
        (kind, entry), *others = entries.items()
        self.components[name] = OwnComponent(
            kind, name, node.name, file.shown, node.lineno, None, entry, is_function=True, others=dict(others)
        )

    def _name(self, node: ast.ClassDef | ast.FunctionDef, decorator: ast.expr, place: Place) -> str | None:
        """The name under which a class or a function is registered; None where it cannot be one (noted)."""
        if not isinstance(decorator, ast.Call):
            self.faults.add(place, "code", f"{node.name} is registered without brackets", f"write {HOW}")
            return None
        given = [*decorator.args[1:2], *(word.value for word in decorator.keywords if word.arg == "name")]
        name = node.name
        if given:
            value = given[0].value if isinstance(given[0], ast.Constant) else None
            if not isinstance(value, str) or not value.isidentifier():
                self.faults.add(place, "code", f"the name under which {node.name} is registered is no plain word", "leave it out")
                return None
            name = value
        of_keras = self.catalog.kind_of(name)
        if of_keras is not None:
            message = f"{name} is a name of Keras's own or of dltrain ({of_keras} {self._canonical(of_keras, name)})"
            self.faults.add(place, "code", message, f"give the {_what(node)} another name")
            return None
        if (activation := self.catalog.find_activation(name)) is not None:
            message = f"{name} is a name of Keras's own or of dltrain (activation {activation})"
            self.faults.add(place, "code", message, f"give the {_what(node)} another name")
            return None
        twin = next((other for other in self.components.values() if normalize(other.name) == normalize(name)), None)
        if twin is not None:
            message = f"{name} is registered twice: also in {twin.file}:{twin.line}"
            self.faults.add(place, "code", message, "give one of them another name")
            return None
        return name

    def _canonical(self, kind: str, name: str) -> str:
        entry = self.catalog.find(kind, name)
        return entry.name if entry is not None else name

    def _kind(self, found: _Class, depth: int = 0) -> tuple[str | None, str | None]:
        """The kind of component that a class is, and the class of the catalog that it is derived from, if any."""
        for expression in found.node.bases if depth < _DEEPEST else ():
            name = _dotted(expression, found.names)
            own = self._class_of(name)
            if own is not None and own is not found:
                kind, base = self._kind(own, depth + 1)
            else:
                kind, base = self._kind_of_keras(name or "")
            if kind is not None:
                return kind, base
        return None, None

    def _class_of(self, name: str | None) -> _Class | None:
        """The class of own code that a name stands for: of this file, or as imported from one before it."""
        module, _, last = (name or "").rpartition(".")
        found = self._classes.get(last)
        return found if found is not None and module in ("", found.file.name.removesuffix(".py")) else None

    def _kind_of_keras(self, name: str) -> tuple[str | None, str | None]:
        root, _, path = name.partition(".")
        if root != "keras" or not path:
            return None, None
        module, _, last = path.rpartition(".")
        kind = ROOTS.get(last) or _KINDS.get(module) or _KINDS.get(module.partition(".")[0])
        entry = self.catalog.find(kind, last) if kind is not None else None
        return kind, entry.name if entry is not None and entry.name == last else None

    def _arguments(self, found: _Class, kind: str, base: str | None, depth: int = 0) -> tuple[list[list[Any]], bool]:
        """The arguments of a class, with those that it passes on; and whether `name` is one of them."""
        init = next((item for item in found.node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"), None)
        above = [self._class_of(_dotted(item, found.names)) for item in found.node.bases]
        parent = next((item for item in above if item is not None and item is not found), None)
        if parent is not None and depth < _DEEPEST:
            passed, _ = self._arguments(parent, kind, base, depth + 1)
        else:
            passed = base_arguments(kind, base, self.catalog)
        if init is None:
            arguments = passed
        else:
            own = own_arguments(init, lambda node: _dotted(node, found.names), self.catalog)
            own = [in_terms_of_training(item) for item in own] if kind == "schedule" else own
            arguments = with_passed_on(own, passed) if init.args.kwarg is not None else own
        return arguments, any(argument[0] == "name" for argument in arguments)


def _no_kind_hint(node: ast.ClassDef) -> str:
    """What to do about a registered class that is no component."""
    if any("allback" in ast.unparse(item) for item in node.bases):
        keys = "early_stopping, reduce_lr_on_plateau, checkpoint, tensorboard, phases and schedules"
        return f"the training takes no callbacks: {keys} stand for Keras's; leave the class out of the file"
    return "such as `class MyLayer(keras.layers.Layer)`"


def _what(node: ast.ClassDef | ast.FunctionDef) -> str:
    return "class" if isinstance(node, ast.ClassDef) else "function"


def _place(file: CodeFile, node: ast.ClassDef | ast.FunctionDef) -> Place:
    return Place(file.shown, node.lineno, node.col_offset + 1)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements at the top of a file, and those in a `try` or an `if` there."""
    for node in tree.body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from node.body
            yield from node.orelse


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Name in the file -> what it stands for, as plain Keras calls it: `layers` -> `keras.layers`."""
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, _plain(alias.name)) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, _plain(f"{node.module}.{alias.name}")


def _plain(name: str) -> str:
    """`tensorflow.keras.layers` and `keras.api.layers` are `keras.layers`."""
    words = name.split(".")
    if words[:2] == ["tensorflow", "keras"]:
        words = words[1:]
    if words[:2] in (["keras", "api"], ["keras", "src"]):
        words = ["keras", *words[2:]]
    return ".".join(words)


def _dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    """The full name of an expression such as `keras.layers.Layer`; None where it is no dotted name."""
    words: list[str] = []
    while isinstance(node, ast.Attribute) and len(words) < _DEEPEST:
        words.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return _plain(".".join([names.get(node.id, node.id), *reversed(words)]))


def _registration(node: ast.ClassDef | ast.FunctionDef, names: dict[str, str]) -> ast.expr | None:
    """The decorator that registers a class or a function with Keras."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (_dotted(called, names) or "").rpartition(".")[2] == DECORATOR:
            return decorator
    return None
