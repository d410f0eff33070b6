"""`--json` of every command: one strict document and nothing else on stdout, its keys held fast, its numbers those of the text."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest

from dltrain.cli.app import run
from dltrain.cli.commands import COMMANDS
from dltrain.cli.text import format_number
from dltrain.cli.trackers.told import tell
from dltrain.storage.run import Run

CONFIG = """\
data: {source: csv, path: t.csv, target: label, split: {test: 0.3}}
model: {layers: [{Dense: {units: 2}}]}
training: {epochs: 1}
"""
MEASURED = ("run", "weights", "metrics", "baseline", "intervals", "report", "gates", "pictures", "notes")
FAILED = ("exit", "errors")
# Command -> words, exit code, keys beside `status` and `warnings`. {} is a run.
ANSWERS: dict[str, list[tuple[str, int, tuple[str, ...]]]] = {
    "fit": [
        ("fit c.yaml --run-dir new", 0, (*MEASURED, "diagnosis", "epochs", "resumed", "seconds")),
        ("fit c.yaml --run-dir far training.optimizer.learning_rate=1e30", 4, (*FAILED, "run")),
        ("fit c.yaml --run-dir unmet --require accuracy>=2", 5, (*FAILED, *MEASURED, "epochs", "resumed", "seconds")),
        ("fit nothing.yaml", 2, FAILED),
    ],
    "evaluate": [
        ("evaluate {}", 0, (*MEASURED, "part", "intervals_of")),
        ("evaluate {} --require accuracy>=2", 5, (*FAILED, *MEASURED, "part", "intervals_of")),
        ("evaluate {} --importance --by b", 0, (*MEASURED, "importance", "slices")),
        ("evaluate overflown", 0, (*MEASURED, "part", "intervals_of")),
    ],
    "predict": [
        ("predict {} --data t.csv", 0, ("run", "rows", "notes", "predictions")),
        ("predict overflown --data t.csv", 0, ("run", "rows", "notes", "predictions")),
        ("predict {} --data t.csv -o p.csv", 0, ("run", "rows", "notes", "output", "format")),
    ],
    "export": [("export {} -o m.keras", 0, ("run", "file", "format", "inputs", "outputs", "bytes", "compared", "notes"))],
    "sweep": [
        ("sweep c.yaml --over seed=1,2 --run-dir s", 0, ("run", "metric", "mode", "trials", "best", "comparison", "gates")),
        ("sweep c.yaml --over seed=1,2 --run-dir u --require accuracy>=2", 5, (*FAILED, "run", "trials", "best", "gates")),
    ],
    "compare": [("compare {} other", 0, ("runs", "statuses", "differences", "metrics", "best", "picture"))],
    "report": [
        ("report {} --format md", 0, ("runs", "format", "output", "page")),
        ("report {} -o r.html", 0, ("runs", "format", "output")),
    ],
    "log": [("log nothing --to mlflow", 2, FAILED)],
    "check": [("check c.yaml", 0, ("files",)), ("check nothing.yaml", 2, (*FAILED, "files"))],
    "trace": [("trace {} --row 0", 0, ("source", "weights", "rows", "layers", "outputs", "predictions"))],
    "find-rate": [("find-rate c.yaml", 0, ("learning_rate", "reason", "diverged", "rates", "losses", "smoothed", "picture"))],
    "init": [("init t.csv", 0, ("config", "summary")), ("init t.csv -o i.yaml", 0, ("file", "summary"))],
    "explain": [("explain Dense", 0, ("explanations",))],
    "schema": [("schema", 0, ("$schema", "properties", "definitions"))],
    "datasets": [("datasets", 0, ("datasets",))],
    "completion": [("completion bash", 0, ("shell", "script"))],
    "warm": [("warm status", 0, ("warm",))],
    "runs": [
        ("runs --runs .", 0, ("runs", "total")),
        ("runs --runs . --sort accuracy", 0, ("runs", "total")),
        ("runs prune --runs .", 2, FAILED),
    ],
}
CASES = [(command, *case) for command, cases in ANSWERS.items() for case in cases]
WITH_NUMBERS = ["evaluate {}", "evaluate overflown", "compare {} other", "runs --runs . --sort accuracy"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("json")
    rows = [f"{row * 37 % 100 / 100},{'xyz'[row % 3]},{'yes' if row * 37 % 100 > 40 else 'no'}" for row in range(120)]
    (path / "t.csv").write_text("\n".join(["a,b,label", *rows]) + "\n")
    (path / "c.yaml").write_text(CONFIG)
    before = os.getcwd()
    os.chdir(path)
    try:
        for name, words in {"run": [], "other": ["seed=3"], "overflown": ["training.optimizer.learning_rate=1e30"]}.items():
            assert run(["-q", "fit", "c.yaml", "--run-dir", name, *words]) == (4 if name == "overflown" else 0)
    finally:
        os.chdir(before)
    return path


def constant(name):
    pytest.fail(f"{name} is no JSON")


def answer(words, capfd):
    """The exit code and the one document; what writes past Python, as TensorFlow does, is seen as well."""
    capfd.readouterr()
    code = run(words)
    return code, capfd.readouterr().out


def test_every_command_is_asked():
    assert set(ANSWERS) == set(COMMANDS)


@pytest.mark.parametrize(("command", "line", "code", "keys"), CASES, ids=[case[1] for case in CASES])
def test_stdout_is_one_strict_document(folder, capfd, monkeypatch, command, line, code, keys):
    monkeypatch.chdir(folder)
    words = line.format("run").split()
    found, out = answer([*words, "--json"], capfd)
    assert found == code
    assert out.isascii()
    document = json.loads(out, parse_constant=constant)
    if command != "schema":
        assert document["status"] == ("error" if code else "finished")
        assert isinstance(document["warnings"], list)
    assert set(keys) <= set(document), set(keys) - set(document)
    if code:
        assert document["exit"] == code
        assert all({"file", "line", "column", "path", "message", "hint"} <= set(error) for error in document["errors"])


@pytest.mark.parametrize("line", WITH_NUMBERS)
def test_numbers_of_the_text_are_those_of_the_document(folder, capfd, monkeypatch, line):
    monkeypatch.chdir(folder)
    words = line.format("run").split()
    document = json.loads(answer([*words, "--json"], capfd)[1])
    known = {said for value in numbers(document) for said in (format_number(value), f"{value:.2f}", f"{value:.3f}")}
    text = answer(words, capfd)[1]
    shown = re.findall(r"(?<![\w.])-?\d+\.\d+(?![\w.])", re.sub(r"\d+\.\d+ s\b", "", text))
    assert shown
    assert [number for number in shown if number not in known] == []


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_a_report_says_why_a_run_came_to_no_end_and_how_to_go_on(folder, capfd, monkeypatch):
    monkeypatch.chdir(folder)
    page = answer(["report", "overflown", "--format", "md"], capfd)[1]
    assert "**The run diverged, and has no metrics&#58; the loss is not finite after step" in page
    assert "```\ndltrain fit overflown/config.yaml\n```" in page
    shutil.copytree(folder / "run", folder / "killed", ignore=shutil.ignore_patterns("metrics.json", "results.svg", ".lock"))
    manifest = Run(folder / "killed").read_manifest()
    manifest = {key: value for key, value in manifest.items() if key not in ("files", "epochs")} | {"status": "running"}
    (folder / "killed" / "manifest.json").write_text(json.dumps(manifest))
    page = answer(["report", "killed", "--format", "md"], capfd)[1]
    assert "**The run was stopped, and has no metrics yet.**" in page
    assert "```\ndltrain fit --resume killed\n```" in page
    assert "(interrupted)" in answer(["compare", "run", "killed"], capfd)[1]
    assert next(tell(folder / "killed")).status == "interrupted"
