"""Modules that are imported when somebody asks them for what they hold."""

from __future__ import annotations

import importlib
import importlib.abc
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

import pytest

from dltrain.later import LateLoader, LateModule
from tests.support import REPOSITORY

NAME = "seldom_needed"
CODE = """
import sys
sys.runs_of_seldom_needed = getattr(sys, "runs_of_seldom_needed", 0) + 1
from seldom_needed.part import inner
given = "its own"
outer = inner + 1
"""


class _Late(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path) if fullname == NAME else None
        if found is not None and found.loader is not None:
            found.loader = LateLoader(found.loader, {"given": lambda: "before"})
        return found


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "__init__.py").write_text(CODE)
    (tmp_path / NAME / "part.py").write_text("inner = 41\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [_Late(), *sys.meta_path])
    monkeypatch.setattr(sys, "runs_of_seldom_needed", 0, raising=False)
    yield importlib.import_module(NAME)
    for name in (NAME, f"{NAME}.part"):
        sys.modules.pop(name, None)


def runs() -> int:
    return int(vars(sys)["runs_of_seldom_needed"])


def test_nothing_runs_before_something_is_asked_for(module: ModuleType) -> None:
    assert importlib.import_module(NAME) is module  # once more
    assert not hasattr(module, "__warningregistry__")
    assert module.__path__
    assert module.__file__
    assert vars(module)["given"] == module.given == "before"
    assert (runs(), type(module)) == (0, LateModule)


def test_what_it_does_not_have_yet_runs_it_once(module: ModuleType) -> None:
    assert (module.outer, module.given, runs()) == (42, "its own", 1)
    with pytest.raises(AttributeError, match="nothing_of_it"):
        module.nothing_of_it  # noqa: B018
    assert (runs(), type(module)) == (1, ModuleType)


def test_names_are_taken_from_it(module: ModuleType) -> None:
    from seldom_needed import outer  # type: ignore[import-not-found]

    assert (outer, module.given, runs()) == (42, "its own", 1)


def test_a_module_of_it_can_be_imported_before_it_runs(module: ModuleType) -> None:
    assert importlib.import_module(f"{NAME}.part").inner == 41
    assert (module.outer, runs()) == (42, 1)


def test_a_library_is_imported_when_something_of_it_is_asked_for() -> None:
    code = (
        "import sys\nfrom dltrain.later import polars\nbefore = 'polars' in sys.modules\nframe = polars.DataFrame({'a': [1]})\n"
        "import polars as itself\nprint(before, isinstance(frame, itself.DataFrame))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
