import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from dltrain.storage.run import Run


@pytest.fixture
def runs(tmp_path):
    """Runs `a` (oldest) to `e`, the last of them killed, and a folder that is none."""
    facts = {
        "a": ("finished", {"test": {"accuracy": 0.9, "rmse": 3.0}, "train": {"accuracy": 1.0}}),
        "b": ("finished", {"test": {"accuracy": 0.95, "rmse": 1.0}}),
        "c": ("finished", {"validation": {"accuracy": 0.99, "rmse": None}}),
        "d": ("diverged", {}),
        "e": ("running", {}),
    }
    folder = tmp_path / "runs"
    for day, (name, (status, metrics)) in enumerate(facts.items(), 1):
        path = folder / f"{name}-run"
        path.mkdir(parents=True)
        manifest = {"name": name, "status": status, "started": f"2026-01-0{day}T00:00:00Z", "seconds": {"total": 12.0}}
        manifest["environment"] = {"dltrain": "0.1.0"}
        (path / "manifest.json").write_text(json.dumps(manifest))
        (path / "metrics.json").write_text(json.dumps({"metrics": metrics}))
    (folder / "notes").mkdir()
    return folder


def names(result):
    return "".join(Path(run["run"]).name[0] for run in result.json["runs"])


def test_newest_first(cli, runs):
    assert names(cli("runs", "--json")) == "edcba"
    assert names(cli("runs", "--json", "--limit", "2")) == "ed"


@pytest.mark.parametrize(
    ("metric", "order"),
    [
        ("accuracy", "cbaed"),
        ("rmse", "baedc"),
        ("test.accuracy", "baedc"),
        ("root_mean_squared_error", "baedc"),
        ("val_accuracy", "cedba"),
        ("train.acc", "aedcb"),
    ],
)
def test_best_first_in_the_direction_of_the_metric(cli, runs, metric, order):
    assert names(cli("runs", "--json", "--sort", metric)) == order


def test_the_table(cli, runs):
    lines = cli("runs", "--sort", "accuracy", "--limit", "3").out.splitlines()
    assert lines[0] == "data that is not known:"
    assert lines[1].split() == ["run", "accuracy", "(validation)", "beside", "the", "best", "time"]
    assert lines[2].split() == ["c-run", "0.9900", "best", "12.0", "s"]
    assert lines[-1] == "2 more"
    assert "interrupted" in next(line for line in cli("runs").out.splitlines() if line.startswith("e-run"))


def _with_data(runs, name, fingerprint, interval):
    """Say of which data a run is, and within which values its accuracy on the test part."""
    manifest = json.loads((runs / name / "manifest.json").read_text())
    details = {f"/there/{fingerprint}.csv": {"digest": fingerprint, "rows": 1200, "bytes": 5}}
    manifest["data"] = {"fingerprint": fingerprint, "details": details}
    (runs / name / "manifest.json").write_text(json.dumps(manifest))
    document = json.loads((runs / name / "metrics.json").read_text())
    document["intervals"] = {"test": {"accuracy": interval}}
    (runs / name / "metrics.json").write_text(json.dumps(document))


def test_no_word_of_a_sentence_is_cut_at_the_edge_of_a_terminal(cli, runs, monkeypatch):
    _with_data(runs, "a-run", "one", [0.84, 0.96])
    _with_data(runs, "b-run", "one", [0.93, 0.97])
    whole = cli("runs", "--sort", "accuracy", "--part", "test").out
    monkeypatch.setattr("dltrain.cli.console.is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "60")
    folded = cli("runs", "--sort", "accuracy", "--part", "test").out
    assert max(map(len, whole.splitlines())) > 60 >= max(map(len, folded.splitlines()))
    assert "tells smaller differences" in whole
    assert folded.split()[-20:] == whole.split()[-20:]


def test_long_names_that_begin_alike_are_told_apart_at_80_columns(cli, runs, monkeypatch):
    names = [f"an experiment with a name of many words, of {word} and rows" for word in ("wine", "iris")]
    for name in names:
        shutil.copytree(runs / "a-run", runs / name)
        _with_data(runs, name, "a table whose name is as long as that of the experiment, or even longer", [0.84, 0.96])
    out = cli("runs", "--sort", "accuracy").out
    assert all(name in out for name in names)
    monkeypatch.setattr("dltrain.cli.console.is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "80")
    out = cli("runs", "--sort", "accuracy").out
    assert max(map(len, out.splitlines())) <= 80
    assert all(word in out for word in ("wine", "iris"))


def test_runs_of_the_same_data_stand_beside_each_other(cli, runs):
    shutil.copytree(runs / "a-run", runs / "f-run")
    _with_data(runs, "a-run", "one", [0.88, 0.92])
    _with_data(runs, "b-run", "one", [0.93, 0.97])
    _with_data(runs, "f-run", "two", [0.88, 0.92])
    out = cli("runs", "--sort", "accuracy", "--part", "test").out
    lines = out.splitlines()
    assert lines[0] == "one.csv (1,200 rows):"
    assert [line.split()[0] for line in lines[2:4]] == ["b-run", "a-run"]
    assert lines[2].split()[-3:] == ["best", "12.0", "s"]
    assert lines[3].split()[-3:] == ["worse", "12.0", "s"]
    assert lines[5] == "two.csv (1,200 rows):"
    assert lines[7].split()[0] == "f-run"
    assert "without test.accuracy: " in out
    assert "c-run" in out
    assert max(map(len, lines)) <= 80
    _with_data(runs, "a-run", "one", [0.84, 0.96])
    out = cli("runs", "--sort", "accuracy", "--part", "test").out
    assert "within chance" in out
    assert "--against OLD" in out
    found = {Path(run["run"]).name: run for run in cli("runs", "--sort", "accuracy", "--json").json["runs"]}
    assert found["b-run"]["standing"] == "best"
    assert found["a-run"]["standing"] == "within chance"
    assert found["a-run"]["board"] == found["b-run"]["board"] != found["f-run"]["board"]
    assert found["d-run"]["standing"] is None


def test_of_many_runs_it_is_told_how_far_it_is(cli, runs, monkeypatch):
    monkeypatch.setattr("dltrain.storage.run_list._TOLD", 2)
    for words in (["--sort", "accuracy"], ["prune", "--yes"]):
        assert "reading the runs: 2 of " in cli("runs", *words).err


def test_a_part_is_of_what_is_compared(cli, runs):
    assert cli("runs", "--part", "test").code == 2
    assert names(cli("runs", "--sort", "accuracy", "--part", "validation", "--json"))[0] == "c"


def test_a_metric_that_no_run_has(cli, runs):
    result = cli("runs", "--sort", "acuracy")
    assert result.code == 2
    assert 'did you mean "accuracy"?' in result.err


def test_a_damaged_run_is_listed(cli, runs):
    (runs / "a-run" / "manifest.json").write_text("{")
    (runs / "b-run" / "metrics.json").write_text('{"metrics": 3}')
    (runs / "c-run" / "metrics.json").write_text('{"metrics": {"test": 3, "train": {"accuracy": "high"}}}')
    assert cli("runs").out.count("damaged") == 3
    assert cli("runs", "--sort", "accuracy").code == 0


def test_what_cannot_be_read_is_not_told_as_nothing(cli, runs, monkeypatch):
    (runs / "e-run" / "manifest.json").write_text("{")
    pruned = cli("runs", "prune", "--yes")
    assert pruned.out == f"removed {Path('runs') / 'd-run'}\n"
    assert "left as they are, for they cannot be read: e-run" in pruned.err

    def refuses(path):
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(os, "listdir", refuses)
    for words in ((), ("prune", "--yes")):
        refused = cli("runs", *words)
        assert refused.code == 6
        assert "cannot be read: Input/output error" in refused.err


def test_rm(cli, runs):
    assert cli("runs", "rm", "a-", runs / "b-run").code == 0
    assert sorted(path.name for path in runs.iterdir()) == ["c-run", "d-run", "e-run", "notes"]


def test_rm_of_something_unknown_removes_nothing(cli, runs):
    assert cli("runs", "rm", "a-", "zzz").code == 2
    assert cli("runs", "rm").code == 2
    assert cli("runs", "rm", runs / "notes").code == 6
    assert cli("runs", "remove", "a-").code == 2
    assert len(list(runs.iterdir())) == 6


def test_rm_of_a_run_in_use(cli, runs):
    with Run(runs / "a-run").locked():
        result = cli("runs", "rm", "a-", "b-", "--json")
    assert result.code == result.json["exit"] == 6
    assert "in use" in result.json["errors"][0]["message"]
    assert (runs / "a-run").exists()
    assert not (runs / "b-run").exists()


def test_prune_leaves_what_finished_and_what_lives(cli, runs):
    with Run(runs / "e-run").locked():
        removed = cli("runs", "prune", "--json", "--yes").json["removed"]
    assert [Path(path).name for path in removed] == ["d-run"]
    unasked = cli("runs", "prune")
    assert unasked.code == 2
    assert "1 run would be removed: e-run" in unasked.err
    assert (runs / "e-run").exists()
    assert cli("runs", "prune", "--yes").out == f"removed {Path('runs') / 'e-run'}\n"
    assert cli("runs", "prune").out == "nothing was removed\n"
    assert (runs / "a-run").exists()


def test_prune_asks_a_person(cli, runs, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    asked = []

    def confirm(text, **_):
        asked.append(text)
        return False

    monkeypatch.setattr("dltrain.cli.commands.runs.typer.confirm", confirm)
    assert cli("runs", "prune").out == "nothing was removed\n"
    assert asked == ["Remove 2 runs?"]
    assert (runs / "d-run").exists()
    assert cli("runs", "prune", "--yes").out.count("removed") == 2


def test_another_folder(cli, runs, tmp_path):
    assert cli("runs", "--runs", tmp_path / "no").out.startswith("there are no runs")
    assert names(cli("runs", "--json", "--runs", runs)) == "edcba"
