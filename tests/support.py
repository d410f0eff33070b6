"""What several tests share: where the real data is, and running the command."""

from __future__ import annotations

import ast
import csv
import gc
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIGS = REPOSITORY / "configs"


def examples(few: int, many: int) -> int:
    """How many examples a search tries: with `--slow`, where they are new ones, the many."""
    return few if settings.default is not None and settings.default.derandomize else many


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file, which is read once; nobody changes it.

    The trees of the package are a million objects that stay: looking through them for garbage took three times as long as
    reading them.
    """
    tree = ast.parse(path.read_text())
    gc.freeze()
    return tree


def name_of(node: ast.expr) -> str:
    """`a.b.c` as it stands in the code; `().b.c` where the names follow something else, and `()` where there is no name.

    The whole text of each call of a package, by `ast.unparse`, would take many times as long.
    """
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "()")
    return ".".join(reversed(parts))


def history_rows(path: Path) -> list[dict[str, float]]:
    """The whole rows of a history.csv, in order; a line that a kill tore is not one. Empty where there is no file."""
    text = path.read_text() if path.exists() else ""
    rows = csv.DictReader(text[: text.rfind("\n") + 1].splitlines(), strict=True)
    whole = ("epoch", "phase")
    return [{name: int(cell) if name in whole else float(cell) for name, cell in row.items()} for row in rows]


def data_folder() -> Path | None:
    """The folder of real data: `$DLTRAIN_DATA`, else `../shared/data` beside the checkout; None where there is none."""
    for candidate in (os.environ.get("DLTRAIN_DATA"), REPOSITORY.parent / "shared" / "data"):
        if candidate and Path(candidate).is_dir():
            return Path(candidate).resolve()
    return None


def shared_data(name: str) -> Path:
    """A file or folder of the real data; skips the test where it is not there."""
    folder = data_folder()
    if folder is None or not (folder / name).exists():
        pytest.skip(f"real data {name} is not on this machine")
    return folder / name


def run_dltrain(*words: str, cwd: Path, timeout: float = 900, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    env = {**os.environ, "DLTRAIN_CACHE": str(cwd / ".cache"), "DLTRAIN_WARM": "0", **environment}
    env["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY), env.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run(
        [sys.executable, "-m", "dltrain", *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, check=False
    )
