from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dltrain.cli.completion import complete
from dltrain.config.catalog.sources import SOURCES
from tests.support import REPOSITORY


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ev", ["evaluate"]),
        ("fit c.yaml training.ep", ["training.epochs="]),
        ("fit c.yaml training.optimizer=Ada", ["Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax"]),
        ("fit c.yaml training.metrics+=Prec", ["Precision", "PrecisionAtRecall"]),
        ("fit c.yaml training.shuffle=", ["true", "false"]),
        ("check c.yaml data.task=r", ["regression", "reconstruction"]),
        ("sweep c.yaml --over seed", ["seed="]),
        ("datasets lfw", ["lfw_people"]),
        ("explain BatchN", ["BatchNormalization"]),
        ("explain training.checkpoint.m", ["training.checkpoint.monitor", "training.checkpoint.mode"]),
        ("completion z", ["zsh"]),
        ("fit nothing.", []),
        ("nonsense x", []),
    ],
)
def test_words(line: str, found: list[str]) -> None:
    words = line.split()
    head = words[-1].partition("=")[0] + "=" if "=" in words[-1] else ""
    assert complete(words) == [f"{head}{word}" for word in found]


def test_runs_configs_and_data_sets(tmp_path: Path) -> None:
    for name in ("iris-1", "lfw-2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "manifest.json").write_text("{}")
    (tmp_path / "runs" / "no-run").mkdir()
    (tmp_path / "sub").mkdir()
    for name in ("a.yaml", "sub/b.yml", "a.csv"):
        (tmp_path / name).write_text("")
    assert set(complete(["predict", ""])) == {"latest", "iris-1", "lfw-2"}
    assert complete(["evaluate", "runs/i"]) == ["runs/iris-1"]
    assert complete(["fit", "--resume", "l"]) == ["latest", "lfw-2"]
    assert complete(["fit", "a"]) == ["a.yaml"]
    assert complete(["check", "sub/"]) == ["sub/b.yml"]
    assert complete(["fit", "a.yaml", "data.source="]) == [f"data.source={name}" for name in SOURCES]


def test_bash_puts_the_words_in(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    (tmp_path / "dltrain").write_text(f'#!/bin/sh\nexec {sys.executable} -m dltrain "$@"\n')
    (tmp_path / "dltrain").chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    said = 'eval "$(dltrain completion bash)"; COMP_LINE="dltrain fit c.yaml training.optimizer=Adag"; COMP_POINT=${#COMP_LINE}; _dltrain; echo "${COMPREPLY[@]}"'
    done = subprocess.run(
        [bash, "-c", said], capture_output=True, text=True, env=environment, timeout=120, check=True, cwd=tmp_path
    )
    assert done.stdout.split() == ["Adagrad"]
    assert done.stderr == ""


def test_an_answer_is_quick(tmp_path: Path) -> None:
    complete(["fit", "x", "training.o"])  # what is kept is there from then on
    code = "import sys; sys.argv = ['dltrain', 'completion', 'words', 'zsh', 'fit', 'x', 'training.o']; from dltrain.__main__ import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert done.stdout == "training.optimizer=\n"
    assert min(seconds) < 0.15


def test_each_shell_gets_a_script(cli) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "dltrain completion words" in cli("completion", shell).out
    assert cli("completion", "powershell").code == 2


def test_without_words_the_help_is_printed(cli) -> None:
    result = cli()
    assert result.code == 2
    assert "Commands" in result.out
    assert "evaluate" in result.out


def test_names_that_a_shell_would_run_are_not_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = ["$(touch pwned)", "a;touch pwned", "`x`", "two words", "*", "--yes", "a\nb", os.fsdecode(b"a\xff"), "~", "!!"]
    for name in ["plain-1", "größe", *hostile]:
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "manifest.json").write_text("{}")
        (tmp_path / f"{name}.yaml").write_text("")
        (tmp_path / "deep" / name).mkdir(parents=True)
    assert sorted(complete(["evaluate", ""])) == ["größe", "latest", "plain-1"]
    assert complete(["evaluate", "runs/p"]) == ["runs/plain-1"]
    assert set(complete(["fit", ""])) >= {"plain-1.yaml", "größe.yaml", "runs/"}
    assert not any(character in word for word in complete(["fit", ""]) for character in "$;` *\n!~")
    assert sorted(complete(["check", "deep/"])) == ["deep/--yes/", "deep/größe/", "deep/plain-1/"]
