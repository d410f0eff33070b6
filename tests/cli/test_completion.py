from __future__ import annotations

import os
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
        ("fit c.yaml training.optimizer=adam", ["adam", "adamw", "adamax"]),
        ("explain bidir", ["bidirectional"]),
        ("fit c.yaml training.metrics+=Prec", ["Precision", "PrecisionAtRecall"]),
        ("fit c.yaml training.shuffle=", ["true", "false"]),
        ("check c.yaml data.task=r", ["regression", "reconstruction"]),
        ("sweep c.yaml --over seed", ["seed="]),
        ("datasets lfw", ["lfw_people"]),
        ("explain BatchN", ["BatchNormalization"]),
        ("explain training.checkpoint.m", ["training.checkpoint.monitor", "training.checkpoint.mode"]),
        ("completion z", ["zsh"]),
        ("warm st", ["start", "stop", "status"]),
        ("fit c.yaml training.optimizer.mom", ["training.optimizer.momentum="]),
        ("sweep c.yaml --over training.optimizer.we", ["training.optimizer.weight_decay="]),
        ("fit --resume latest training.optimizer.learning_rate=", ["found"]),
        ("fit c.yaml --res", ["--resume"]),
        ("export latest --format k", ["keras"]),
        ("sweep c.yaml --engine st", ["stacked"]),
        ("find-rate c.yaml --trust", ["--trust-code"]),
        ("fit c.yaml --follow", []),
        ("fit c.yaml model.layers+=Drop", ["Dropout"]),
        ("fit c.yaml model.layers.2=LST", ["LSTM", "LSTMCell"]),
        ("fit c.yaml data.augment.0+=RandomFl", ["RandomFlip"]),
        ("runs p", ["prune"]),
        ("datasets get cs", []),
        ("datasets get ge", []),
        ("datasets get mn", ["mnist"]),
        ("-q ev", ["evaluate"]),
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
    assert complete(["report", "iris-1", "l"]) == complete(["log", "l"]) == complete(["runs", "rm", "l"]) == ["latest", "lfw-2"]
    assert complete(["report", "iris-1", "--against", "l"]) == ["latest", "lfw-2"]
    assert complete(["evaluate", "latest", "--json", "i"]) == ["iris-1"]
    for option in ("--data", "--by", "-o"):  # whose words are files, or what nobody knows
        assert complete(["predict" if option == "-o" else "evaluate", "latest", option, ""]) == []
    assert complete(["fit", "a"]) == ["a.yaml"]
    assert complete(["check", "sub/"]) == ["sub/b.yml"]
    assert complete(["fit", "a.yaml", "data.source="]) == [f"data.source={name}" for name in SOURCES]


# What each shell is told, and what it then offers for words that are being written; `compadd` of zsh prints what it is given.
SHELLS = {
    "bash": (
        ["-c"],
        'eval "$(dltrain completion bash)"; COMP_LINE="dltrain WORDS"; COMP_POINT=${#COMP_LINE}; _dltrain; echo "${COMPREPLY[@]}"',
        "Adagrad",
    ),
    "zsh": (
        ["-f", "-c"],
        "compdef() { }; compadd() { print -l -- ${@:5} }; _files() { print FILES };"
        ' eval "$(dltrain completion zsh)"; words=(dltrain WORDS); CURRENT=${#words}; _dltrain',
        "training.optimizer=Adagrad",
    ),
    "fish": (
        ["--no-config", "-c"],
        'dltrain completion fish | source; complete -C "dltrain WORDS"',
        "training.optimizer=Adagrad",
    ),
}


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_puts_the_words_in(name: str, tmp_path: Path) -> None:
    shell = shutil.which(name)
    if shell is None:
        pytest.skip(f"there is no {name} here")
    options, said, found = SHELLS[name]
    (tmp_path / "dltrain").write_text(f'#!/bin/sh\nexec {sys.executable} -m dltrain "$@"\n')
    (tmp_path / "dltrain").chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    words = [shell, *options, said.replace("WORDS", "fit c.yaml training.optimizer=Adag")]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=120, check=True, cwd=tmp_path)
    assert done.stdout.split() == [found]
    assert done.stderr == ""


def test_an_answer_imports_next_to_nothing(tmp_path: Path) -> None:
    """A shell asks at every press of a key: `python -m tests.benchmarks.checks` prints how long an answer takes."""
    complete(["fit", "x", "training.o"])  # what is kept is there from then on
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
        "sys.argv = ['dltrain', 'completion', 'words', 'zsh', 'fit', 'x', 'training.o']; from dltrain.__main__ import main; main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120, check=True)
    assert done.stdout == "training.optimizer=\ntraining.optimizer.\n"
    imported = {name.partition(".")[0] for name in done.stderr.split()}
    assert "dltrain" in imported
    assert not imported & {"yaml", "typer", "click", "rich", "numpy", "polars", "tensorflow", "keras", "email", "asyncio"}
    assert not {name for name in done.stderr.split() if name.startswith(("dltrain.config", "dltrain.data", "dltrain.cli.app"))}


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


def test_a_run_is_offered_however_many_newer_ones_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dltrain.cli.completion.MOST_RUNS", 3)
    for number in range(5):
        (tmp_path / "runs" / f"new-{number}").mkdir(parents=True)
        (tmp_path / "runs" / f"new-{number}" / "manifest.json").touch()
    (tmp_path / "runs" / "old").mkdir()
    (tmp_path / "runs" / "old" / "manifest.json").touch()
    os.utime(tmp_path / "runs" / "old", (0, 0))
    assert complete(["evaluate", "ol"]) == ["old"]
    assert complete(["evaluate", "runs/o"]) == ["runs/old"]
    assert len(complete(["evaluate", "new"])) == 3
