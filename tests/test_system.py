"""One module stands between the package and what only some systems have; without that, one process does all that it can."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dltrain import system
from dltrain.config import load_config_text
from dltrain.errors import RunError, UsageError
from dltrain.storage.new_run import create_run
from dltrain.sweep.sweep import sweep
from dltrain.training.fit import fit
from tests.support import REPOSITORY, name_of, tree_of

MODULES = ("fcntl", "resource", "msvcrt", "pwd", "grp", "termios", "tty", "pty")
# What Python has on Linux and not on Windows, among what the package could be tempted to use.
NOT_ON_WINDOWS = {
    "os": (
        "fork", "forkpty", "sysconf", "getuid", "geteuid", "getgid", "getresuid", "getgroups", "setsid", "killpg", "getpgid",
        "nice", "statvfs", "mkfifo", "chown", "fchown", "sched_getaffinity", "sched_getscheduler", "getpriority", "getloadavg",
        "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_ASYNC",
    ),
    "signal": ("SIGKILL", "SIGHUP", "SIGTSTP", "SIGSTOP", "SIGCONT", "SIGIO", "SIGCHLD", "SIGALRM", "SIGUSR1", "SIGPIPE",
               "pthread_sigmask", "sigwaitinfo", "setitimer"),
    "socket": ("AF_UNIX",),
}  # fmt: skip
# A fresh interpreter without all that, which says what each command ended with.
WITHOUT = """
import asyncio, builtins, json, multiprocessing.util, os, shutil, signal, socket, subprocess, sys, tempfile
known, modules, taken = builtins.__import__, {modules!r}, {taken!r}
def without(name, globals=None, *rest, **more):
    if name.partition(".")[0] in modules and str((globals or {{}}).get("__name__", "")).startswith("dltrain"):
        raise ImportError(f"no module named {{name}}")
    return known(name, globals, *rest, **more)
builtins.__import__ = without
for module, names in taken.items():
    for name in names:
        if hasattr(sys.modules[module], name):
            delattr(sys.modules[module], name)
from dltrain import system
system.HANDS_OVER_FILES = False
from dltrain.cli.app import run
ended = {{" ".join(words): run(words) for words in {commands!r}}}
sys.stdout.write("\\nended " + json.dumps(ended))
"""
CONFIG = """
data: {source: csv, path: rows.csv, target: y, split: {test: 0.25, validation: 0.25}}
model: {layers: [{Dense: {units: 4}}]}
training: {epochs: 2}
"""


def in_such_a_system(folder: Path, *commands: str) -> dict[str, int]:
    """The exit code of each command, in one process."""
    rows = "".join(f"{n % 7},{n % 5},{n % 7 - n % 5}\n" for n in range(60))
    (folder / "rows.csv").write_text("a,b,y\n" + rows)
    (folder / "own.yaml").write_text(CONFIG)
    code = WITHOUT.format(modules=MODULES, taken=NOT_ON_WINDOWS, commands=[words.split() for words in commands])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "DLTRAIN_WARM": "0"},
    )
    assert "\nended " in done.stdout, done.stderr
    assert "Traceback" not in done.stderr
    ended = json.loads(done.stdout.rpartition("\nended ")[2])
    assert isinstance(ended, dict)
    return ended


def test_nothing_but_one_module_names_what_only_some_systems_have() -> None:
    found = {}
    for path in sorted((REPOSITORY / "dltrain").rglob("*.py")):
        where = path.relative_to(REPOSITORY / "dltrain").as_posix()
        for node in ast.walk(tree_of(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named = name_of(node) if isinstance(node, ast.Attribute) else ""
            is_only_of_some = named.startswith("os.O_") and named.removeprefix("os.") in NOT_ON_WINDOWS["os"]
            if set(names) & set(MODULES) or named in ("os.fork", "os.sysconf", "signal.SIGKILL") or is_only_of_some:
                found.setdefault(where, []).append(names or named)
    found.pop("system.py")
    # A warm process is offered on Linux alone, and imported nowhere else.
    assert {where for where in found if not where.startswith("processes/warm/")} == set()


def test_what_needs_no_tensorflow_is_done_without_it(tmp_path: Path) -> None:
    ended = in_such_a_system(
        tmp_path,
        "check own.yaml",
        "check own.yaml --data",
        "init rows.csv --simple -o made.yaml",
        "explain Dense",
        "runs",
        "warm start",
        "completion bash",
    )
    assert list(ended.values()) == [0, 0, 0, 0, 0, 2, 0]
    assert "Dense" in (tmp_path / "made.yaml").read_text()


@pytest.mark.slow
def test_one_process_fits_evaluates_predicts_and_goes_on_without_it(tmp_path: Path) -> None:
    ended = in_such_a_system(
        tmp_path,
        "fit own.yaml --run-dir one",
        "evaluate one",
        "predict one --part test -o said.csv",
        "fit --resume one training.epochs=3",
        "sweep own.yaml --over training.optimizer.learning_rate=0.1,0.01 --run-dir rates",
        "sweep own.yaml --over model.layers.0.units=4,8 --run-dir sizes",
        "fit own.yaml --workers 2 --run-dir two",
        "report one -o one.html",
        "export one --format keras -o one.keras",
    )
    assert list(ended.values()) == [0, 0, 0, 0, 0, 2, 2, 0, 0]
    assert len((tmp_path / "said.csv").read_text().splitlines()) == 16
    assert not (tmp_path / "two").exists()


def test_what_needs_several_processes_says_so_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "HANDS_OVER_FILES", False)
    (tmp_path / "rows.csv").write_text("a,y\n" + "".join(f"{n},{n}\n" for n in range(40)))
    config = load_config_text(CONFIG, folder=tmp_path)
    with pytest.raises(UsageError) as caught:
        fit(config, workers=2, run_dir=tmp_path / "two")
    assert caught.value.faults[0].message.startswith("a fit of several workers needs Linux or macOS")
    for more in ({}, {"engine": "processes"}):
        with pytest.raises(UsageError) as caught:
            sweep(config, over=["model.layers.0.units=4,8"], run_dir=tmp_path / "s", **more)
        assert "cannot hand open files to another process" in caught.value.faults[0].message
        assert "one process" in (caught.value.faults[0].hint or "")
        assert not (tmp_path / "s").exists()


def test_a_run_is_held_where_there_are_locks_and_used_where_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run("x", runs=tmp_path, run_dir=tmp_path / "x")
    with run.locked():
        assert run.is_locked()
        with pytest.raises(RunError, match="is in use by process"), run.locked():
            pass
    assert not run.is_locked()
    monkeypatch.setattr(system, "fcntl", None)
    with run.locked(), run.locked():
        assert not run.is_locked()


def test_limits_are_those_of_the_system_and_none_where_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert system.limits("RLIMIT_NOFILE") == (soft, hard)
    assert system.memory_of_machine() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    addresses, resident, shared = system.bytes_of_process()
    assert addresses > resident > shared > 0
    monkeypatch.setattr(system, "resource", None)
    assert system.limits("RLIMIT_NOFILE") == (None, None)
