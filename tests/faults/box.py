"""The fault box: runs commands under faults, in processes forked from one that has imported TensorFlow.

A command is run once undisturbed, which counts its file calls; then once for each call and fault. After each run is looked
at what the user sees (exit code, no traceback), at the disk around the run, and at whether the work can be finished as if
nothing had happened.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dltrain.storage.run import Run
from dltrain.training.saving.state import list_states, load_state
from tests.faults.inject import GROWING
from tests.support import REPOSITORY, history_rows

# The table of exit codes, without the one of bugs.
EXIT_CODES = frozenset({0, 2, 3, 4, 5, 6, 7})
_SERVER = """
import json, os, resource, signal, sys, tempfile
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import importlib, pkgutil
from dltrain.model.keras_import import load_keras
load_keras()  # nothing is computed yet, so that several processes can meet
import polars, optuna, sklearn, matplotlib.backends.backend_agg, matplotlib.figure
import dltrain
for module in pkgutil.walk_packages(dltrain.__path__, "dltrain."):
    if module.name not in ("dltrain.__main__", "dltrain.sweep.engines.worker", "dltrain.sweep.engines.ray"):
        importlib.import_module(module.name)
from tests.faults.inject import Injector
from pathlib import Path
for line in sys.stdin:
    request = json.loads(line)
    child = os.fork()
    if child == 0:
        signal.alarm(request["seconds"])
        injector = Injector(Path(request["watched"]), request["at"], request["fault"], Path(request["notes"]), request["writable"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, request["stdout"]), (2, request["stderr"])):
            if name is None:
                os.close(number)
            else:
                os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), number)
        os.chdir(request["folder"])
        for name, value in request["environment"].items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for name, value in request["limits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        tempfile.tempdir = None  # found anew in TMPDIR
        sys.argv = ["dltrain", *request["words"]]
        exec(request["code"])
        code = 99
        try:
            injector.install()
            from dltrain.__main__ import main
            main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(slots=True)
class Ended:
    """How a command ended.

    Attributes:
        code: exit code; negative: the signal that killed it.
        stdout: what it wrote there, as far as it went to a file.
        stderr: the same.
        calls: with a fault the call that failed, without one all of them.
    """

    code: int
    stdout: str
    stderr: str
    calls: list[dict[str, Any]]


@dataclass(slots=True)
class Trouble:
    """What is not as usual while a command runs."""

    at: int = 0
    fault: str = "EIO"
    stdout: str | None = ""  # None: closed; a path: written there
    stderr: str | None = ""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    code: str = ""

    def __str__(self) -> str:
        parts = [f"{self.fault} at call {self.at}" if self.at else ""]
        parts += [f"{name}={value}" for name in ("stdout", "stderr") if (value := getattr(self, name)) != ""]
        parts += [f"{name}={value}" for name, value in {**self.environment, **self.limits}.items()]
        return ", ".join(part for part in parts if part) or "nothing"


class Box:
    """A folder in which a command always finds the same files, and processes to run it in.

    Args:
        folder: belongs to the box alone.
    """

    def __init__(self, folder: Path) -> None:
        self.outside, self.root = folder, folder / "box"
        self.work, self.run = self.root / "work", self.root / "work" / "run"
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", _SERVER]
        self._server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("home", "tmp", "cache", "work"):
            (self.root / name).mkdir(parents=True)

    def close(self) -> None:
        """End the process that forks the others."""
        self._server.communicate()

    def keep(self, name: str) -> None:
        """Keep what the box holds under a name, in place of what was kept under it before."""
        shutil.rmtree(self.outside / name, ignore_errors=True)
        shutil.copytree(self.root, self.outside / name, symlinks=True)

    def fill(self, name: str) -> None:
        """Put back what was kept."""
        shutil.rmtree(self.root)
        shutil.copytree(self.outside / name, self.root, symlinks=True)

    def fill_as_before(self, call: Mapping[str, Any]) -> None:
        """Put back what was there before a call of a command that ran with the fault "DISK"."""
        shutil.rmtree(self.root)
        shutil.copytree(self.outside / "disks" / str(call["disk"]), self.root, symlinks=True)

    def command(self, words: Sequence[str], trouble: Trouble | None = None) -> Ended:
        """Run `dltrain WORDS` in the box's working folder."""
        trouble = trouble or Trouble()
        files = {name: self.outside / name for name in ("stdout", "stderr", "notes")}
        for file in files.values():
            file.unlink(missing_ok=True)
        if trouble.fault == "DISK":
            shutil.rmtree(self.outside / "disks", ignore_errors=True)
        home = {
            name: str(self.root / folder) for name, folder in (("HOME", "home"), ("TMPDIR", "tmp"), ("DLTRAIN_CACHE", "cache"))
        }
        request = {
            "words": list(words),
            "folder": str(self.work),
            "watched": str(self.root),
            "notes": str(files["notes"]),
            "writable": str(self.run),
            "at": trouble.at,
            "fault": trouble.fault,
            "stdout": trouble.stdout if trouble.stdout != "" else str(files["stdout"]),
            "stderr": trouble.stderr if trouble.stderr != "" else str(files["stderr"]),
            "environment": {**home, **trouble.environment},
            "limits": dict(trouble.limits),
            "code": trouble.code,
            "seconds": 300,
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        texts = {name: file.read_text(errors="replace") if file.exists() else "" for name, file in files.items()}
        calls = [json.loads(line) for line in texts["notes"].splitlines()]
        return Ended(code, texts["stdout"], texts["stderr"], calls)

    def surroundings(self, *but: Path) -> dict[str, str]:
        """Everything in the box, by name, except the cache and what is below the paths given."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            if any(path == one or one in path.parents for one in (self.root / "cache", *but)):
                continue
            content = os.readlink(path) if path.is_symlink() else "folder" if path.is_dir() else _digest(path.read_bytes())
            found[str(path.relative_to(self.root))] = content
        return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def bits_of_run(path: Path) -> dict[str, str]:
    """What a run has come to, without what differs from one time to the next: weights, history, metrics, checkpoints."""
    run = Run(path)
    found = {}
    for row in history_rows(run.history_file):
        found[f"epoch {row['epoch']}"] = repr({name: value for name, value in row.items() if name != "seconds"})
    states = list_states(run)
    if states:
        state = load_state(states[0])
        groups = {"model": state.values.model, "optimizer": state.values.optimizer, "metrics": state.metrics}
        if state.best is not None:
            groups |= {"best model": state.best.model, "best optimizer": state.best.optimizer}
        for name, arrays in groups.items():
            found[f"state, {name}"] = _digest(b"".join(b"" if array is None else array.tobytes() for array in arrays))
        found["state"] = repr((state.epoch, state.step, state.memory["checkpoints"], state.memory["callbacks"]))
    found |= {file.name: _digest(file.read_bytes()) for file in run.checkpoints.glob("*") if not file.name.startswith(".")}
    found |= {
        name: _digest((path / name).read_bytes()) for name in ("metrics.json", "preprocessing.json") if (path / name).exists()
    }
    return found


def wrong_with(ended: Ended, *, fault: str = "") -> list[str]:
    """What a user should not see."""
    # A shell calls a process that the signal itself ended 143 too.
    allowed = EXIT_CODES | ({-9} if fault == "KILL" else {143, -15} if fault == "TERM" else set())
    wrong = [] if ended.code in allowed else [f"exit {ended.code}: {_last(ended)}"]
    if "Traceback" in ended.stderr or "Traceback" in ended.stdout:
        wrong.append(f"a traceback: {_last(ended)}")
    return wrong


def _last(ended: Ended) -> str:
    return " | ".join(line for line in ended.stderr.splitlines()[-3:] if line.strip())[:400]


def left_temporary(ended: Ended, trouble: Trouble) -> str:
    """What the names of temporary files begin with that no program could have removed: none, in most cases."""
    if trouble.fault == "KILL":
        return "+tmp/"
    return "+tmp/" if any(call["path"].startswith("/tmp/") for call in ended.calls[:1] if trouble.at) else "nothing"


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Names of what was added, removed or changed."""
    signs = {name: "+" if name not in before else "-" if name not in after else "~" for name in before.keys() | after.keys()}
    return [f"{sign}{name}" for name, sign in sorted(signs.items()) if before.get(name) != after.get(name)]


Looks = Callable[[Box, Ended, Trouble], list[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A command in the box.

    Attributes:
        kept: name of what the box is filled with before.
        words: of the command.
        looks: says what is wrong afterwards.
        code: run in its process before it.
    """

    kept: str
    words: Sequence[str]
    looks: Looks
    code: str = ""


@dataclass(slots=True)
class Report:
    """What came of many faults."""

    tried: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, case: Case, trouble: Trouble, call: Mapping[str, Any], wrong: Sequence[str]) -> None:
        """One more fault, and what it broke."""
        self.tried += 1
        place = f" ({call['call']} {call['path']} from {call['from']})" if call else ""
        self.broken += [f"{case.words[0]}: {trouble}{place}: {text}" for text in wrong]


def count_calls(box: Box, case: Case) -> list[dict[str, Any]]:
    """The file calls that a command makes when nothing is in its way."""
    box.fill(case.kept)
    return box.command(case.words, Trouble(code=case.code)).calls


def choose_calls(calls: Sequence[Mapping[str, Any]], fault: str) -> list[int]:
    """Numbers of the calls at which a fault can differ: one for each kind of call, line of dltrain and name of a file.

    Of a disk that is full from some call on only those differ that need space; a right is asked for by name alone.
    """
    seen, chosen = set(), []
    for call in calls:
        if (fault.endswith("+") and call["call"] not in GROWING) or (fault == "EACCES" and call["call"] in ("write", "fsync")):
            continue
        name = re.sub(r"\d+-[0-9a-f]+|\d{8,}[\w-]*", "", call["path"].rpartition("/")[2])
        kind = (call["call"], call["from"], name)
        if kind not in seen:
            seen.add(kind)
            chosen.append(call["number"])
    return chosen


def try_all(box: Box, case: Case, troubles: Sequence[Trouble]) -> Report:
    """Run a command under each trouble, always from the same files."""
    report = Report()
    for trouble in troubles:
        trouble = replace(trouble, code=f"{case.code}\n{trouble.code}")
        box.fill(case.kept)
        ended = box.command(case.words, trouble)
        call = ended.calls[0] if trouble.at and ended.calls else {}
        report.add(case, trouble, call, wrong_with(ended, fault=trouble.fault) + case.looks(box, ended, trouble))
    return report


def try_calls(box: Box, case: Case, fault: str, every: int = 1, first: int | None = None) -> Report:
    """Let each of a command's file calls meet a fault that can differ, or each `every`-th of these, from the `first`-th on."""
    numbers = choose_calls(count_calls(box, case), fault)
    return try_all(
        box, case, [Trouble(at=number, fault=fault) for number in numbers[(every if first is None else first) - 1 :: every]]
    )


def try_kills(box: Box, case: Case) -> Report:
    """Look at what a kill at each file call leaves: it is what the disk held before the call, so that one run shows all.

    Where the disk is the same before several calls, it is looked at once.
    """
    box.fill(case.kept)
    calls = box.command(case.words, Trouble(fault="DISK", code=case.code)).calls
    report, known = Report(), dict[int, list[str]]()
    for call in calls:
        trouble = Trouble(at=call["number"], fault="KILL")
        if call["disk"] not in known:
            box.fill_as_before(call)
            known[call["disk"]] = case.looks(box, Ended(-9, "", "", [call]), trouble)
        report.add(case, trouble, call, known[call["disk"]])
    return report
