"""Own code becomes classes: imported once a process, from the bytes that were read with the config."""

from __future__ import annotations

import contextlib
import linecache
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from dltrain.config.types import Component
from dltrain.config.types.own_code import CodeFile, OwnCode
from dltrain.errors import ConfigError, Fault, UsageError
from dltrain.model.own_code.blame import fault_of, remember
from dltrain.settings import trusts_code

# Digest of a config's code -> name of a component -> class.
_classes: dict[str, dict[str, Any]] = {}


def require_trust(code: OwnCode | None) -> None:
    """Refuse own code that nobody has given the word for.

    Args:
        code: of a config or a run; None: there is none.

    Raises:
        UsageError: the person at the keyboard does not trust it.
    """
    if code is None or trusts_code():
        return
    files = ", ".join(f"{file.shown} (SHA-256 {file.digest[:12]}…)" for file in code.files)
    message = f"this runs code of its own, which is imported only at your word: {files}"
    raise UsageError(message, hint="read it; if you trust it: --trust-code, or DLTRAIN_TRUST_CODE=1 in the environment")


def is_imported(code: OwnCode) -> bool:
    """Whether this process has imported it already."""
    return code.digest in _classes


def own_class(keras: Any, component: Component) -> Any:
    """The class of a component of own code.

    Raises:
        UsageError: the code is not trusted.
        ConfigError: it cannot be imported, or does not register what its source says.
    """
    assert component.code is not None
    return import_code(keras, component.code)[component.name]


def import_code(keras: Any, code: OwnCode) -> dict[str, Any]:
    """Import all of a config's own code, once.

    Args:
        keras: the module.
        code: of a config.

    Returns:
        name of a component -> its class.

    Raises:
        UsageError: the code is not trusted.
        ConfigError: it cannot be imported, or does not register what its source says.
    """
    require_trust(code)
    key = code.digest
    if key not in _classes:
        modules: dict[str, ModuleType] = {}
        for file in code.files:
            modules[file.shown] = _run(file, code, list(modules.values()))
        found = {}
        for own in code.components.values():
            found[own.name] = getattr(modules[own.file], own.class_name, None)
            if found[own.name] is None or keras.saving.get_registered_name(found[own.name]).rpartition(">")[2] != own.name:
                message = f"{own.name} is not registered with Keras once the file is imported"
                raise ConfigError(Fault(message, own.file, own.line, 1, path="code", hint="register it at the top of the file"))
        _classes[key] = found
    return _classes[key]


def _run(file: CodeFile, code: OwnCode, before: list[ModuleType]) -> ModuleType:
    """Run one file as a module, which nothing but the files behind it can import."""
    module = ModuleType(file.name.removesuffix(".py"))
    module.__file__ = file.shown
    place = remember(file, code)
    text = file.source.decode("utf-8", errors="replace")
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    try:
        with _importable([*before, module]), contextlib.redirect_stdout(sys.stderr):
            exec(compile(file.source, place, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:  # it is not ours: whatever it raises is told at its line
        fault = fault_of(error) or Fault(f"it cannot be imported: {error}", file.shown, 1, 1, path="code")
        raise ConfigError(fault) from error
    return module


@contextlib.contextmanager
def _importable(modules: list[ModuleType]) -> Iterator[None]:
    """While a file is imported, it and those that stand before it are found by their names: by imports, and by `dataclass`."""
    added = {module.__name__: module for module in modules if module.__name__ not in sys.modules}
    sys.modules.update(added)
    try:
        yield
    finally:
        for name in added:
            sys.modules.pop(name, None)
