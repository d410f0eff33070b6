"""There is one guarded way for each dangerous thing; nobody goes around it. Who does it himself is listed here, with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY, tree_of

PACKAGE = REPOSITORY / "dltrain"

# What -> file -> why it may do it itself. Everybody else uses `write_atomically` and `replace_whole`, `storage.removal`,
# `storage.stored`, the sweep's `Worker`, the console.
ALLOWED: dict[str, dict[str, str]] = {
    "open to write": {
        "storage/atomic.py": "the guarded way itself",
        "storage/run.py": "the lock of a run",
        "processes/helper.py": "shared memory of this process",
        "cli/app.py": "the traceback of a bug, into a new temporary file or the run's log",
        "data/series/fit.py": "a folder of the cache that only this process knows",
        "data/tables/streamed/rows.py": "a folder of the cache that only this process knows",
        "data/pictures/store.py": "a folder of the cache that only this process knows",
        "storage/stored_folders.py": "locks and marks of the cache",
        "data/arrays/feature_store.py": "the lock of the cache",
        "data/tables/streamed/column_files.py": "a folder of the cache that only this process knows",
        "storage/archives.py": "a temporary folder of its own",
        "storage/download.py": "a temporary file of its own beside the target",
        "model/export/tflite_file.py": "inside of `replace_whole`",
        "model/weights/weights.py": "a temporary folder of its own",
        "sweep/study.py": "the journal of a sweep's strategy is cut back to its last whole line",
        "training/history.py": "history.csv is appended to, a synced line an epoch",
        "training/environment.py": "log.txt is appended to, no link followed",
        "sweep/engines/ray.py": "an archive in memory",
        "sweep/engines/run_fit.py": "the traceback of a trial, into its log",
    },
    "remove a tree": {
        "storage/removal.py": "the guarded way itself",
        "data/pictures/store.py": "a folder of the cache",
        "storage/stored_folders.py": "folders of the cache",
        "data/sources/lfw_people.py": "what was unpacked into the cache",
        "storage/archives.py": "a temporary folder of its own",
        "sweep/engines/ray.py": "a temporary folder of its own; a trial's folder is replaced by what its node sent",
    },
    "read JSON": {
        "processes/helper.py": "pickles between a process and its own children, over a socket that nobody else has",
        "processes/warm/wire.py": "from a process of the same user, bounded, the kernel says whose it is",
        "storage/stored.py": "the guarded way itself",
        "config/catalog/catalog.py": "a file of the package",
        "model/symbolic/application_layers.py": "a file of the package",
        "model/keras_import.py": "Keras's own settings, of which names alone are used",
        "data/columns/subwords.py": "what the library learnt a moment ago",
        "model/export/tflite_file.py": "what it wrote itself",
        "model/weights/stock.py": "a published file, held against its digest",
        "model/weights/transfer.py": "the config of a .keras file, bounded; names of layers alone are used",
        "training/stacked/structure.py": "what it wrote itself",
        "training/saving/state.py": "inside of a state file, checked there",
        "sweep/record.py": "checked there",
        "data/stored.py": "checked there",
        "data/tables/streamed/column_files.py": "a file of the cache",
        "cli/console.py": "what it wrote itself",
        "training/workers/cluster.py": "TF_CONFIG, bounded by what an environment may hold, checked there",
        "cli/completion.py": "a file of the cache",
    },
    "start a process": {
        "processes/helper.py": "the helper, a fork of this process",
        "processes/warm/server.py": "commands, forks of the warm process, and their keepers",
        "processes/warm/manage.py": "the warm process: neither the working directory nor a variable says what it imports beyond the command's own",
        "processes/child.py": "workers: isolated",
        "training/environment.py": "git rev-parse HEAD",
        "system.py": "os.fork, which those above call where the system has it",
        "cards.py": "nvidia-smi -L, where the driver shows nothing else",
        "cli/again.py": "a fit that has lost a worker goes on in the place of this process: imports as it does, no working directory",
        "training/saving/tracking.py": "what sends a run to a tracker while it is trained: a session of its own, imports as the fit does",
    },
    "print": {
        "__main__.py": "interrupted before there is a console",
        "cli/completion.py": "words for a shell, which asks without a console",
        "cli/commands/report.py": "a report, which is data",
        "training/workers/member.py": "to the chief, which shows it",
        "evaluation/predictions/files.py": "predictions, which are data",
    },
}
_WRITING = set("wax+")


def findings(path: Path) -> Iterator[tuple[str, int]]:
    """What a file does itself, and in which line."""
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        is_function = name in ("open", "io.open", "os.fdopen")
        is_method = last == "open" and not is_function and name != "os.open"
        given = [
            *(node.args[1:2] if is_function else node.args[:1]),
            *(word.value for word in node.keywords if word.arg == "mode"),
        ]
        modes = [arg.value for arg in given if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        writes = any(set(mode) <= set("rwabtx+") and set(mode) & _WRITING for mode in modes)
        if last in ("write_text", "write_bytes") or ((is_function or is_method) and writes):
            yield "open to write", node.lineno
        if last in ("rmtree", "removedirs"):
            yield "remove a tree", node.lineno
        if name in ("json.load", "json.loads", "pickle.load", "pickle.loads", "yaml.load"):
            yield "read JSON", node.lineno
        if last in ("Popen", "fork", "forkpty", "system", "popen", "execv", "execvp", "execve", "posix_spawn") or name in (
            "subprocess.run",
            "subprocess.call",
            "subprocess.check_call",
            "subprocess.check_output",
        ):
            yield "start a process", node.lineno
        if name == "print" or name.endswith(("stdout.write", "stderr.write", "stdout.buffer.write")):
            yield "print", node.lineno


@pytest.fixture(scope="module")
def of_the_package() -> dict[str, dict[str, list[int]]]:
    """What -> file -> lines in which it does it itself."""
    found: dict[str, dict[str, list[int]]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for kind, line in findings(path):
            found.setdefault(kind, {}).setdefault(str(path.relative_to(PACKAGE)), []).append(line)
    return found


@pytest.mark.parametrize("what", ALLOWED)
def test_nobody_goes_around_the_guarded_ways(what: str, of_the_package: dict[str, dict[str, list[int]]]) -> None:
    found = of_the_package.get(what, {})
    around = {name: lines for name, lines in found.items() if name not in ALLOWED[what]}
    assert not around, f"{what}: use the guarded way, or say here why not: {around}"
    gone = set(ALLOWED[what]) - set(found)
    assert not gone, f"{what}: no longer done in {gone}; take it off the list"


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    code = (
        "import json, os, shutil, subprocess\n"
        "open('a', 'w')\npath.write_text('')\nshutil.rmtree('a')\njson.load(f)\nsubprocess.run(['a'])\nos.fork()\nprint(1)\n"
        "open('a')\nopen('a', 'rb')\n"
    )
    (tmp_path / "x.py").write_text(code)
    assert [kind for kind, _ in findings(tmp_path / "x.py")] == [
        "open to write", "open to write", "remove a tree", "read JSON", "start a process", "start a process", "print",
    ]  # fmt: skip
