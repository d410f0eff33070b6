"""`dltrain warm`: each command says, writes and ends the same, forked from a warm process or begun by itself."""

from __future__ import annotations

import csv
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import REPOSITORY

CONFIG = """
name: tiny
seed: 3
data: {source: csv, path: rows.csv, target: y, split: {validation: 0.2, test: 0.2}}
model: {layers: [{Dense: {units: 3, activation: relu}}, {Dropout: {rate: 0.2}}]}
training: {epochs: 2, batch_size: 16, jit_compile: false}
"""
TIMES = (
    (re.compile(r"\d+(\.\d+)?(e-\d+)? (ms|s|min)\b"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d[T _-]\d\d[:-]?\d\d[:-]?\d\d(\.\d+)?Z?"), "WHEN"),
    (re.compile(r'"(num_bytes|seconds|total|data|import|build|train|evaluate|began|started|ended|created)": [^,}\n]+'), "TIME"),
    (re.compile(r"\d+(\.\d+)? [MG]B"), "SIZE"),
)
# What a person types, one after the other in one folder.
FAST: tuple[tuple[str, ...], ...] = (
    ("--version",),
    ("check", "tiny.yaml"),
    ("check", "bad.yaml"),
    ("fit", "tiny.yaml", "--run-dir", "run"),
    ("runs", "rm", "nothing"),
)
MORE: tuple[tuple[str, ...], ...] = (
    ("evaluate", "run", "--json"),
    ("predict", "run", "--data", "rows.csv", "-o", "-"),
    ("fit", "tiny.yaml", "training.epochs=3", "--run-dir", "run", "--resume", "auto"),
    (),
    ("--help",),
    ("fit", "--help"),
    ("ftt",),
    ("explain", "Dense"),
    ("explain", "training.epochs"),
    ("schema",),
    ("datasets",),
    ("completion", "bash"),
    ("init", "rows.csv", "--target", "y", "-o", "first.yaml"),
    ("check", "first.yaml", "--json"),
    ("check", "tiny.yaml", "--data"),
    ("check", "tiny.yaml", "--resolved"),
    ("check", "tiny.yaml", "training.epochs=x"),
    ("fit", "bad.yaml"),
    ("fit", "tiny.yaml", "--run-dir", "other", "--json"),
    ("fit", "tiny.yaml", "--run-dir", "other"),
    ("fit", "tiny.yaml", "--run-dir", "two", "--threads", "1", "training.optimizer=SGD"),
    ("fit", "tiny.yaml", "--run-dir", "members", "training.members=2"),
    ("evaluate", "run"),
    ("evaluate", "run", "--data", "rows.csv", "--require", "accuracy>=2"),
    ("evaluate", "nothing"),
    ("predict", "run", "--data", "rows.csv", "-o", "out.parquet"),
    ("predict", "run", "--data", "rows.csv", "-o", "out.csv"),
    ("predict", "run", "--data", "rows.csv", "-o", "out.csv"),
    ("export", "run", "-o", "model.keras"),
    ("export", "run", "--format", "saved_model", "-o", "saved"),
    ("trace", "run"),
    ("sweep", "tiny.yaml", "--over", "training.optimizer.learning_rate=0.01,0.1", "--run-dir", "sweep"),
    ("sweep", "tiny.yaml", "--over", "model.layers.0.units=2,3", "--run-dir", "workers", "--jobs", "2"),
    ("report", "run", "-o", "report.html"),
    ("report", "sweep", "--format", "md"),
    ("compare", "run", "other"),
    ("runs", "--json", "--runs", "."),
    ("runs", "rm", "other", "--yes"),
)


class Place:
    """A folder in which commands are run, forked from a warm process or not."""

    def __init__(self, folder: Path, runtime: Path, warm: str) -> None:
        folder.mkdir()
        (folder / "tiny.yaml").write_text(CONFIG)
        (folder / "bad.yaml").write_text(CONFIG.replace("epochs: 2", "epohcs: -2"))
        rows = [f"{n * 7 % 11},{n * 5 % 13},{'abc'[n % 3]},{'yes' if n * 7 % 11 > 5 else 'no'}" for n in range(60)]
        (folder / "rows.csv").write_text("\n".join(["a,b,c,y", *rows]) + "\n")
        self.folder = folder
        self.env = {
            **os.environ, "PYTHONPATH": str(REPOSITORY), "DLTRAIN_WARM": warm, "XDG_RUNTIME_DIR": str(runtime), "DLTRAIN_CACHE": str(runtime),
        }  # fmt: skip

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dltrain", *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )

    def files(self) -> dict[str, bytes]:
        """What lies there, without what holds times or is packed with them."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if not path.is_file() or path.suffix in (".txt", ".html", ".pb", ".keras") or path.name == ".lock" or "state" in name:
                continue
            if path.suffix in (".json", ".csv", ".jsonl", ".yaml"):
                found[name] = _text_of(path).replace(str(self.folder), "HERE").encode()
            else:
                found[name] = path.read_bytes()
        return found


def _text_of(path: Path) -> str:
    if path.suffix == ".csv":  # without the columns of times
        rows = list(csv.reader(path.open(newline="")))
        kept = [place for place, name in enumerate(rows[0]) if not re.search("second|time|began|ended|started", name)]
        return "\n".join(",".join(row[place] for place in kept) for row in rows)
    if path.name == "manifest.json":
        document = json.loads(path.read_text())
        for name in ("seconds", "files", "started", "ended", "created", "epochs_seconds", "sessions"):
            document.pop(name, None)
        return masked(json.dumps(document, sort_keys=True))
    return masked(path.read_text())


def masked(text: str) -> str:
    """The text without what differs from one time to the next."""
    for pattern, word in TIMES:
        text = pattern.sub(word, text)
    return re.sub(r" +", " ", text)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Place]]:
    runtime = Path(tempfile.mkdtemp(prefix="warm"))  # names of sockets are short
    folder = tmp_path_factory.mktemp("both")
    (folder / "warm").mkdir()
    (folder / "cold").mkdir()
    # The same name in two folders: what a command says of its place is the same.
    warm, cold = Place(folder / "warm" / "here", runtime, "auto"), Place(folder / "cold" / "here", runtime, "0")
    begun = warm.run("warm", "start")
    assert begun.returncode == 0, begun.stderr
    assert begun.stdout.startswith("warm: process ")
    yield warm, cold
    assert warm.run("warm", "stop").stdout == "ended 1 warm process\n"
    assert warm.run("warm", "status").stdout.startswith("there is no warm process")
    shutil.rmtree(runtime)


def served(place: Place) -> int:
    return int(json.loads(place.run("warm", "status", "--json").stdout)["warm"][0]["served"])


def compare(places: tuple[Place, Place], commands: Sequence[Sequence[str]]) -> int:
    warm, cold = places
    before, wrong = served(warm), []
    for words in commands:
        first, second = warm.run(*words), cold.run(*words)
        if first.returncode != second.returncode:
            wrong.append((words, first.returncode, second.returncode, first.stderr, second.stderr))
        for found, expected in ((first.stdout, second.stdout), (first.stderr, second.stderr)):
            found, expected = (masked(text.replace(str(p.folder), "HERE")) for text, p in ((found, warm), (expected, cold)))
            if found != expected:
                wrong.append(
                    (words, *[line for line in difflib.ndiff(found.splitlines(), expected.splitlines()) if line[0] in "-+"][:8])
                )
    assert not wrong, "\n".join(map(str, wrong))
    assert served(warm) - before == len(commands), "some were begun alone"
    found_files, expected_files = warm.files(), cold.files()
    assert found_files.keys() == expected_files.keys()
    assert [name for name in found_files if found_files[name] != expected_files[name]] == []
    return len(commands)


def test_the_course_of_a_run(places: tuple[Place, Place]) -> None:
    assert compare(places, FAST) == len(FAST)


@pytest.mark.slow
def test_many_that_start_one_at_once_have_one(places: tuple[Place, Place]) -> None:
    warm, _ = places
    warm.run("warm", "stop")
    words = [sys.executable, "-m", "dltrain", "check", "tiny.yaml", "--json"]
    env = {**warm.env, "DLTRAIN_WARM": "1"}
    begun = [subprocess.Popen(words, cwd=warm.folder, env=env, stdout=subprocess.PIPE) for _ in range(5)]
    assert [one.communicate()[0] != b"" and one.returncode for one in begun] == [0] * 5
    assert served(warm) == 5


@pytest.mark.slow
def test_every_command(places: tuple[Place, Place]) -> None:
    compare(places, MORE)


def test_wrong_words(cli: Any) -> None:
    result = cli("warm", "strat")
    assert result.code == 2
    assert 'did you mean "start"' in result.err
