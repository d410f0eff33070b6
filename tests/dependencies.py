"""Runs the fast tests with the lowest or the newest versions of the dependencies that pyproject.toml allows.

    python -m tests.dependencies lowest|newest [--venv DIR] [--only-install] [TEST ...]

A virtual environment is made (or one that was made before is used again), the versions are printed, then the tests run in it.
The lowest version of a dependency is that of its `>=`; what has none is taken as it comes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

from tests.support import REPOSITORY

TESTS = ("tests/config", "tests/cli", "tests/data", "tests/checking", "tests/training/test_fit.py", "tests/sweep/test_sweep.py")
# As tests need them; which of them is installed changes nothing for a user.
FOR_TESTS = ("pytest>=8", "pytest-xdist", "hypothesis>=6.100", "pandas", "jsonschema", "tensorboard", "pyarrow", "openpyxl")


def requirements(which: str) -> list[str]:
    """What pip is asked for: name and version of each dependency."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return [lowest(text) if which == "lowest" else text for text in project["dependencies"]]


def lowest(requirement: str) -> str:
    """A requirement narrowed down to the version that it begins with.

    >>> lowest("polars>=1.20,<3"), lowest("click<8.6")
    ('polars==1.20', 'click<8.6')
    """
    found = re.fullmatch(r"([\w.-]+)(.*?)>=([\d.]+).*", requirement)
    return f"{found[1]}=={found[3]}" if found else requirement


def install(which: str, folder: Path) -> Path:
    """Make the environment, and return its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--upgrade"]
    subprocess.run([*pip, *requirements(which), *FOR_TESTS], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", str(REPOSITORY)], check=True)
    return python


def versions(python: Path) -> str:
    """Of what was installed because of pyproject.toml."""
    names = [re.match(r"[\w.-]+", text)[0] for text in requirements("newest")]  # type: ignore[index]
    code = f"from importlib.metadata import version\nfor name in {names!r}: print(name, version(name))"
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=["lowest", "newest"])
    parser.add_argument("--venv", type=Path)
    parser.add_argument("--only-install", action="store_true")
    parser.add_argument("tests", nargs="*", default=list(TESTS))
    options = parser.parse_intermixed_args(words)  # else tests behind an option are not understood
    with tempfile.TemporaryDirectory(prefix="dependencies-") as folder:
        python = install(options.which, options.venv or Path(folder))
        print(versions(python), flush=True)
        if options.only_install:
            return 0
        command = [
            str(python),
            "-m",
            "pytest",
            "-q",
            "-W",
            "ignore",
            "--show-capture=no",
            "-p",
            "no:cacheprovider",
            *options.tests,
        ]
        return subprocess.run(command, cwd=REPOSITORY).returncode


if __name__ == "__main__":
    sys.exit(main())
