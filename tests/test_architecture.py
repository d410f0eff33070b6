"""Imports point down only, and what need not be heavy is not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.support import CONFIGS, REPOSITORY, tree_of

PACKAGE = REPOSITORY / "dltrain"
LATER = "dltrain.later"  # has `tensorflow` and others, imported when something of theirs is asked for
# From the top down; a room may import those below it. Training evaluates what it trained, so it stands above evaluation.
ROOMS = ["cli", "sweep", "training", "checking", "starting", "evaluation", "model", "data", "config", "storage", "processes"]
SHARED = {"errors", "later", "parts", "reporting", "wording", "machine", "cards", "settings", "system"}
ONLY_IN = {
    "rich": {"cli/console.py"},
    "typer": {"cli/"},
    "tensorflow": {"model/", "training/"},
    "keras": {"model/", "training/", "evaluation/load_run.py"},
}


def imports_of(path: Path) -> set[str]:
    """All modules that a file imports, at the top or within functions; those for type checking alone left out."""
    found: set[str] = set()
    for node in imports_in(path):
        names = {alias.name for alias in node.names}
        found |= names if isinstance(node, ast.Import) else {node.module or "", *(names if node.module == LATER else ())}
    return found - {""}


@cache
def imports_in(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """The imports of a file, without what stands under `if TYPE_CHECKING`."""
    found: list[ast.Import | ast.ImportFrom] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case | ast.Module) and not is_for_typing(node):
            for child in ast.iter_child_nodes(node):
                visit(child)

    visit(tree_of(path))
    return tuple(found)


def is_for_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    parts = path.relative_to(PACKAGE).parts
    room = parts[0] if len(parts) > 1 else None
    for name in imports_of(path):
        words = name.split(".")
        if words[0] == "dltrain" and len(words) > 1 and words[1] not in SHARED | {"__main__"}:
            if room in ROOMS:
                assert words[1] in ROOMS, f"{words[1]} is no room"
                assert ROOMS.index(words[1]) >= ROOMS.index(room), f"{room} must not import {name}"
            elif parts[0] not in ("__init__.py", "__main__.py", "api.py"):
                raise AssertionError(f"{path.name} is shared and must not import {name}")
        if words[0] in ONLY_IN:
            relative = str(path.relative_to(PACKAGE))
            assert any(relative.startswith(place) for place in ONLY_IN[words[0]]), f"{relative} imports {words[0]}"


def modules_of(path: Path) -> set[str]:
    """The files of the package that a file imports, at the top or within functions, as dotted names."""
    found = set()
    for node in imports_in(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in inner if name in MODULES} or {node.module}
    return (found & MODULES.keys()) - {dotted(path)}


def dotted(path: Path) -> str:
    """A file as it is imported."""
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


MODULES = {dotted(path): path for path in FILES}


def test_no_file_imports_what_imports_it() -> None:
    waiting = {name: modules_of(path) for name, path in MODULES.items()}
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in ready:
            del waiting[name]
    # What is left stands in a circle, or above one.
    circles = {name: sorted(needed & waiting.keys()) for name, needed in waiting.items()}
    assert not circles


def test_a_room_is_seen_at_one_look() -> None:
    counts = Counter(str(path.parent.relative_to(REPOSITORY)) for path in FILES)
    assert not {room: count for room, count in counts.items() if count > 20}


def test_the_top_level_holds_what_was_agreed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    top = {name.partition("/")[0] for name in listed.stdout.splitlines()}
    if listed.returncode:  # a copy without its history: all that is there but what an installation makes
        top = {path.name for path in REPOSITORY.iterdir() if path.suffix != ".egg-info"} - {"build", "__pycache__"}
    assert {name for name in top if not name.startswith(".")} == {
        "README.md",
        "configs",
        "dltrain",
        "pyproject.toml",
        "runs",
        "tests",
    }


@pytest.mark.parametrize("room", sorted({path.parent for path in FILES}), ids=lambda room: str(room.relative_to(REPOSITORY)))
def test_a_room_says_what_it_holds_and_where_to_begin(room: Path) -> None:
    text = ast.get_docstring(tree_of(room / "__init__.py")) or ""
    named = [word for word in re.findall(r"`(\w+\.py)`", text) if (room / word).exists()]
    assert named or room == PACKAGE
    below = {path.parent.name for path in FILES if path.parent.parent == room != PACKAGE}
    assert not {name for name in below if not re.search(rf"\b{name}\b", text)}


def test_the_first_line_of_a_docstring_is_whole() -> None:
    torn = []
    for path in FILES:
        for node in (tree_of(path), *ast.walk(tree_of(path))):
            text = ast.get_docstring(node) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) else None
            first, _, rest = (text or "").partition("\n")
            if rest and not rest.startswith("\n") and not first.endswith("Args:"):
                torn.append(f"{path.relative_to(PACKAGE)}: {first}")
    assert not torn


HEAVY = ("tensorflow", "keras", "sklearn", "matplotlib")


@pytest.mark.parametrize(
    "words",
    [["--help"], ["fit", "--help"], ["check", str(CONFIGS / "lfw.yaml")], ["explain", "Dense"], ["runs"], ["datasets"]],
    ids=lambda words: " ".join(Path(word).name for word in words),
)
def test_what_trains_nothing_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom dltrain.cli.app import run\ncode = run(sys.argv[1:])\n"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr.strip().splitlines()[-1] == "0 []"


NUMBERS, FILES_READ = ("numpy", "polars", "PIL"), ("yaml", "dltrain.config.load", "dltrain.storage.run", "hashlib")


@pytest.mark.parametrize(
    ("words", "needless"),
    [
        (["--help"], ("dltrain.config", "dltrain.data", *NUMBERS, *FILES_READ, "random", "tempfile")),
        (["explain", "Adam"], ("dltrain.data", "dltrain.model", *NUMBERS, *FILES_READ)),
        (["check", str(CONFIGS / "digits.yaml")], (*NUMBERS, "dltrain.storage.run", "dltrain.data.columns", "ctypes", "pickle")),
    ],
    ids=lambda words: Path(words[-1]).name if isinstance(words, list) else "",
)
def test_a_command_imports_what_it_needs(words: list[str], needless: tuple[str, ...], tmp_path: Path) -> None:
    """Each of these takes milliseconds, of the tenth of a second that such a command has."""
    code = (
        "import sys\nfrom dltrain.cli.app import run\nrun(sys.argv[1:])\n"
        f"print([name for name in {needless!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path += {sys.path!r}\n{code}", *words],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip().splitlines()[-1] == "[]"


def environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


MOST_LINES, MOST_PARAMETERS, MOST_OF_A_FILE = 60, 7, 400


def test_a_file_says_one_thing() -> None:
    lengths = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8").count("\n") for path in FILES}
    assert {name for name, length in lengths.items() if length > MOST_OF_A_FILE} == set(), f"longer than {MOST_OF_A_FILE} lines"


@cache
def functions() -> dict[str, ast.FunctionDef]:
    """`file:function` -> each function of the package, those of classes by their class as well."""
    found: dict[str, ast.FunctionDef] = {}

    def visit(node: ast.AST, above: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = f"{above}{child.name}" if isinstance(child, ast.FunctionDef | ast.ClassDef) else above
            if isinstance(child, ast.FunctionDef):
                found[name] = child
            visit(child, f"{name}." if name != above else above)

    for path in FILES:
        visit(tree_of(path), f"{path.relative_to(PACKAGE)}:")
    return found


def is_command(name: str) -> bool:
    """Whether it is what Typer calls, with a parameter for each option and their help."""
    return name.startswith("cli/commands/") and name.endswith(":command")


def num_lines(function: ast.FunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def num_parameters(function: ast.FunctionDef) -> int:
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def test_a_function_is_read_at_one_look() -> None:
    found = {name for name, function in functions().items() if num_lines(function) > MOST_LINES}
    assert found == set(), f"longer than {MOST_LINES} lines"


def test_a_function_takes_few_parameters() -> None:
    """Dataclasses, whose constructors nobody writes, and commands, which have one for each option, may have more."""
    many = {name for name, function in functions().items() if num_parameters(function) > MOST_PARAMETERS}
    found = {name for name in many if not is_command(name)}
    assert found == set(), f"more than {MOST_PARAMETERS} parameters"


# What is looked up by its name: commands, sources, layers composed of others, engines, what a new process or MLflow runs; and
# the names of export formats, which the tests go through.
LOOKED_UP = {
    "command",
    "SOURCE",
    "ENTRY",
    "LAYERS",
    "expand",
    "ProcessesEngine",
    "StackedEngine",
    "main",
    "_load_pyfunc",
    "NAMES",
}


def names_made(statement: ast.stmt) -> set[str]:
    """The names that a statement of a file makes; not of functions that a decorator takes, such as one that registers them."""
    if isinstance(statement, ast.FunctionDef):
        return set() if statement.decorator_list else {statement.name}
    if isinstance(statement, ast.ClassDef):
        return {statement.name}
    targets = {ast.Assign: lambda: statement.targets, ast.AnnAssign: lambda: [statement.target]}.get(type(statement), list)()
    stored = [
        node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return {node.id for node in stored}


def test_nothing_is_kept_that_nothing_uses() -> None:
    """Functions, classes and constants of a file are used in it, or imported by another file of the package."""
    imported: dict[str, set[str]] = {}
    made: list[tuple[str, str]] = []
    members, used = set[str](), set[tuple[str, str]]()
    for module, path in MODULES.items():
        for statement in tree_of(path).body:
            own = names_made(statement)
            made += [(module, name) for name in own]
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and node.id not in own:
                    used.add((module, node.id))
                elif isinstance(node, ast.Attribute):
                    members.add(node.attr)
                elif isinstance(node, ast.ImportFrom):
                    imported.setdefault(node.module or "", set()).update(alias.name for alias in node.names)
    unused = {(module, name) for module, name in made if name not in members | LOOKED_UP and not name.startswith("__")} - used
    assert {f"{module}.{name}" for module, name in unused if name not in imported.get(module, ())} == set()
