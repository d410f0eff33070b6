"""Kinds of columns, sources, engines and export formats that are added find their way into the tests of their contracts.

Those tests go through the lists by which the package itself finds them; here the files are held against the lists.
"""

from __future__ import annotations

import ast
from pathlib import Path

from dltrain.config.catalog.sources import INSTALLED, SOURCES
from dltrain.data.columns.column import KIND_OF
from dltrain.data.columns.kinds import KINDS
from dltrain.data.sources import find_source
from dltrain.evaluation.export import NAMES, choose_format
from dltrain.model.export.column_graphs import GRAPHS
from dltrain.sweep.engines import ENGINES, load_engine
from tests.support import REPOSITORY

PACKAGE = REPOSITORY / "dltrain"


def classes(room: str) -> dict[str, tuple[Path, set[str], set[str]]]:
    """Each class of a room's files: its file, the names of its bases, and of its attributes and methods."""
    found = {}
    for path in (PACKAGE / room).glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                own = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                own |= {
                    target.id
                    for item in node.body
                    if isinstance(item, ast.Assign)
                    for target in item.targets
                    if isinstance(target, ast.Name)
                }
                found[node.name] = path, {base.id for base in node.bases if isinstance(base, ast.Name)}, own
    return found


def derived(room: str, base: str) -> set[str]:
    """The classes of a room that derive from a class, directly or not."""
    known, names = classes(room), {base}
    while more := {name for name, (_, bases, _) in known.items() if bases & names} - names:
        names |= more
    return names - {base}


def test_every_kind_of_column_is_listed_and_has_a_graph() -> None:
    assert {type(kind).__name__ for kind in KIND_OF.values()} == derived("data/columns", "Kind")
    assert set(KINDS) == set(KIND_OF) == set(GRAPHS)
    assert {type(graph).__name__ for graph in GRAPHS.values()} == derived("model/export", "KindGraph")


def test_every_source_is_listed() -> None:
    files = {path.stem for path in (PACKAGE / "data" / "sources").glob("*.py") if "\nSOURCE = " in path.read_text()}
    listed = {name for name, source in SOURCES.items() if source.kept != INSTALLED}
    assert files - {"bundled"} == listed
    assert all(find_source(name) is not None for name in SOURCES)


def test_every_engine_is_listed() -> None:
    found = {name for name, (_, _, own) in classes("sweep/engines").items() if {"why_not", "run"} <= own} - {"Engine"}
    assert {title for _, title in ENGINES.values()} == found
    assert all(load_engine(name) is not None for name in ENGINES)


def test_every_export_format_is_listed() -> None:
    assert {type(choose_format(name, None)).__name__ for name in NAMES} == derived("model/export", "ExportFormat")
