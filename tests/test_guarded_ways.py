"""There is one guarded way for each dangerous thing; nobody goes around it. Who does it himself is listed here, with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY, name_of, tree_of

PACKAGE = REPOSITORY / "dltrain"

# What -> file -> why it may do it itself. Everybody else uses `write_atomically` and `replace_whole`, `storage.removal`,
# `storage.stored`, the sweep's `Worker`, the console.
ALLOWED: dict[str, dict[str, str]] = {
    "open to write": {
        "storage/atomic.py": "the guarded way itself",
        "storage/run.py": "the lock of a run; no link is followed",
        "api.py": "a temporary folder of its own",
        "cli/streams.py": "the null device",
        "__main__.py": "the null device",
        "data/tables/streamed/convert.py": "a folder of the cache that only this process knows",
        "evaluation/drawing/boundary.py": "a temporary folder of its own",
        "evaluation/predictions/files.py": "an archive in memory",
        "processes/warm/manage.py": "a lock in this user's own folder; no link is followed",
        "training/saving/model_file.py": "a temporary folder of its own",
        "training/saving/state.py": "inside of `write_atomically`",
        "processes/helper.py": "shared memory of this process",
        "cli/app.py": "the traceback of a bug, into a new temporary file or the run's log",
        "data/series/fit.py": "a folder of the cache that only this process knows",
        "data/tables/streamed/rows.py": "a folder of the cache that only this process knows",
        "data/pictures/store.py": "a folder of the cache that only this process knows",
        "storage/stored_folders.py": "locks and marks of the cache",
        "data/arrays/feature_store.py": "the lock of the cache",
        "data/tables/streamed/column_files.py": "a folder of the cache that only this process knows",
        "storage/archives.py": "a temporary folder of its own",
        "model/export/tflite_file.py": "inside of `replace_whole`",
        "model/weights/weights.py": "a temporary folder of its own",
        "sweep/study.py": "the journal of a sweep's strategy is cut back to its last whole line",
        "training/history.py": "history.csv is appended to, a synced line an epoch",
        "training/environment.py": "log.txt is appended to, no link followed",
        "sweep/engines/run_fit.py": "the traceback of a trial is appended to its log, no link followed",
        "sweep/engines/ray.py": "an archive in memory",
    },
    "remove a tree": {
        "storage/removal.py": "the guarded way itself",
        "data/pictures/store.py": "a folder of the cache",
        "storage/stored_folders.py": "folders of the cache",
        "sweep/engines/ray.py": "temporary folders of its own",
    },
    "remove a file": {
        "storage/held.py": "the guarded way itself",
        "storage/removal.py": "the guarded way itself",
        "storage/run.py": "the directory that this process made, if it is empty",
        "storage/run_list.py": "the directory of a run, if nothing is left in it",
        "storage/stored_folders.py": "a folder of the cache, locked",
        "data/arrays/feature_store.py": "files of the cache, damaged or too many",
        "processes/warm/manage.py": "a socket in this user's own folder at which nobody listens",
        "processes/warm/server.py": "its own socket",
    },
    "move or copy": {
        "storage/held.py": "the guarded way itself",
        "storage/atomic.py": "the guarded way itself",
        "storage/archives.py": "what was unpacked beside its place in the cache",
        "storage/download.py": "a temporary file of its own, into the cache",
        "storage/stored_folders.py": "a folder of the cache",
        "data/sources/lfw_people.py": "what was unpacked, within the cache",
        "sweep/engines/ray.py": "a trial's folder, whole, as its node sent it",
        "training/workers/folder.py": "its own temporary folder, which has its name locked alone",
    },
    "unpack": {
        "sweep/engines/ray.py": "a trial that a node of this sweep sent; nothing is put outside",
    },
    "write to a descriptor": {
        "cli/commands/log.py": "to the process that trains",
        "cli/warm_process.py": "a pipe between processes of dltrain",
        "processes/warm/server.py": "a pipe between processes of dltrain",
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
        "model/export/exported_model.py": "beside the exported model, without dltrain: names of columns, as trusted as the graph beside them",
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
        "training/workers/member.py": "to the chief, which shows it",
        "evaluation/predictions/files.py": "predictions, which are data",
    },
}
_WRITING = set("wax+")
_FLAGS = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC")
_TO_FILES = (
    *("np.save", "np.savez", "np.savez_compressed", "np.savetxt", "open_memmap", "tofile", "touch"),
    *("write_parquet", "write_ipc", "to_csv", "write_json", "write_ndjson", "to_pickle", "savefig", "save_weights", "save_model"),
)
_STARTING = ("Popen", "fork", "forkpty", "system", "popen", "execv", "execvp", "execve", "posix_spawn")
_RUNNING = ("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output")
_MOVING = ("os.replace", "os.rename", "os.renames", "os.link", "os.symlink")
# Names that are looked for after their module have no other.
_HIDING = {"subprocess": "start a process", "shutil": "remove a tree", "os": "start a process", "zipfile": "open to write"}
Names = dict[str, ast.expr]


def findings(path: Path) -> Iterator[tuple[str, int]]:
    """What a file does itself, and in which line."""
    nodes = list(ast.walk(tree_of(path)))
    constants = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module in _HIDING:
            yield _HIDING[node.module], node.lineno
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            renamed = [name for name in node.names if name.asname and name.name in ("os", *_HIDING)]
            yield from ((_HIDING[name.name], node.lineno) for name in renamed)
        elif isinstance(node, ast.Call):
            yield from ((kind, node.lineno) for kind in _kinds(node, constants))


def _kinds(node: ast.Call, constants: Names) -> Iterator[str]:
    name = name_of(node.func)
    last = name.rpartition(".")[2]
    first = name_of(node.args[0]) if node.args else ""
    if (
        last in ("write_text", "write_bytes")
        or _opens_to_write(node, name, constants)
        or ("." in name and (name in _TO_FILES or last in _TO_FILES) and first != "buffer")
    ):
        yield "open to write"
    if last in ("rmtree", "removedirs"):
        yield "remove a tree"
    if last in ("unlink", "rmdir") or name == "os.remove":
        yield "remove a file"
    copies = name.startswith("shutil.") and last in ("copy", "copy2", "copyfile", "copytree", "move")
    if copies or name in _MOVING or last in ("rename", "symlink_to", "hardlink_to"):
        yield "move or copy"
    if last in ("extractall", "unpack_archive"):
        yield "unpack"
    if name in ("os.write", "os.pwrite", "os.writev"):
        yield "write to a descriptor"
    if name in ("json.load", "json.loads", "pickle.load", "pickle.loads", "yaml.load"):
        yield "read JSON"
    if last in _STARTING or name in _RUNNING:
        yield "start a process"
    if name == "print" or name.endswith(("stdout.write", "stderr.write", "stdout.buffer.write")):
        yield "print"


def _opens_to_write(node: ast.Call, name: str, constants: Names) -> bool:
    last = name.rpartition(".")[2]
    if name == "os.open" or (last == "open" and len(node.args) == 1 and "O_" in ast.unparse(node.args[0])):
        given = node.args[-1] if name != "os.open" else node.args[1]
        flags = ast.unparse(constants.get(given.id, given) if isinstance(given, ast.Name) else given)
        return any(flag in flags for flag in _FLAGS)
    is_function = name in ("open", "io.open", "os.fdopen") or last in ("ZipFile", "File")
    given = [
        *(node.args[1:2] if is_function else node.args[:1] if last == "open" else ()),
        *(word.value for word in node.keywords if word.arg == "mode"),
    ]
    modes = [arg.value for arg in given if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return (is_function or last == "open") and any(set(mode) <= set("rwabtx+") and set(mode) & _WRITING for mode in modes)


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


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("open('a')\nopen('a', 'rb')\nos.open('a', os.O_RDONLY)\nzipfile.ZipFile('a')\nnp.savez(buffer, a=1)", []),
        ("open('a', 'w')\npath.write_text('')\npath.open(mode='ab')", ["open to write"] * 3),
        ("os.open('a', os.O_WRONLY | os.O_CREAT)\n_NEW = os.O_RDWR\nos.open('a', _NEW)", ["open to write"] * 2),
        ("place.open(os.O_WRONLY | os.O_CREAT)\nplace.open(os.O_RDONLY)", ["open to write"]),
        ("np.save('a', b)\nzipfile.ZipFile('a', 'w')\nframe.write_parquet(path)\npath.touch()", ["open to write"] * 4),
        ("shutil.rmtree('a')", ["remove a tree"]),
        ("path.unlink()\nos.unlink('a')\nos.remove('a')\nos.rmdir('a')\nnames.remove('a')", ["remove a file"] * 4),
        ("shutil.copy('a', 'b')\nshutil.copytree('a', 'b')\nos.replace('a', 'b')\n'a'.replace('a', 'b')", ["move or copy"] * 3),
        ("archive.extractall('a')", ["unpack"]),
        ("os.write(1, b'')", ["write to a descriptor"]),
        ("json.load(f)", ["read JSON"]),
        ("subprocess.run(['a'])\nos.fork()", ["start a process"] * 2),
        ("from subprocess import run\nfrom shutil import rmtree\nimport subprocess as s", ["start a process", "remove a tree", "start a process"]),
        ("print(1)", ["print"]),
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(tmp_path: Path, code: str, kinds: list[str]) -> None:
    (tmp_path / "x.py").write_text(code)
    assert [kind for kind, _ in findings(tmp_path / "x.py")] == kinds


def test_no_archive_is_gone_on_with_by_its_path() -> None:
    """Where the first attempt to open it fails, zipfile opens it anew and empties it."""
    going_on = [
        f"{path.name}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and name_of(node.func).endswith("ZipFile") and "'a'" in map(ast.unparse, node.args[1:])
        if ast.unparse(node.args[0]) != "held"
    ]
    assert going_on == []


_OUTPUTS = {"--output", "--plot", "--samples", "--masks"}  # options that name what is to be written
_CHECKS = {"check_output", "check_picture", "check_folder", "export", "compare"}  # the last two look themselves


def test_every_command_looks_at_what_it_is_to_write_before_it_computes() -> None:
    for path in sorted((PACKAGE / "cli" / "commands").glob("*.py")):
        nodes = list(ast.walk(tree_of(path)))
        named = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)} & _OUTPUTS
        called = {name_of(node.func) for node in nodes if isinstance(node, ast.Call)}
        assert not named or called & _CHECKS, f"{path.name}: {named}"
