"""`dltrain sweep` and `dltrain compare` as commands: options, documents, exit codes, what a terminal and a pipe show."""

import contextlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import dltrain.sweep.plan  # noqa: F401  loaded while the room that it takes configs from is the real one
from dltrain.cli.console import Console, Settings
from dltrain.cli.sweep_table import SweepTable
from dltrain.errors import InterruptedRun, UsageError
from dltrain.evaluation.metrics.gates import Gate

TRIALS = [
    {"number": 1, "parameters": {"training.optimizer.learning_rate": 0.001}, "status": "finished", "value": 0.5, "run": "s/trials/0001",
     "metrics": {"validation": {"loss": 0.5}}, "standard_error": 0.1, "epoch": 3},
    {"number": 2, "parameters": {"training.optimizer.learning_rate": 0.01}, "status": "diverged", "value": None, "run": "s/trials/0002",
     "metrics": {}, "error": "the loss is not finite", "standard_error": None},
]  # fmt: skip


@pytest.fixture
def sweeping(fake, config_room):
    """A sweep room that remembers what it was asked for and returns at once."""
    seen = SimpleNamespace(config=config_room, trials=[dict(trial) for trial in TRIALS], gates=[], error=None)

    def sweep(config, **options):
        seen.given, seen.options = config, options
        if seen.error:
            raise seen.error
        crashed = sum(trial["status"] == "failed" for trial in seen.trials)
        return SimpleNamespace(
            status="trials_crashed" if crashed else "finished",
            run=Path("runs/s"),
            trials=seen.trials,
            best=seen.trials[0],
            metric="loss",
            mode="min",
            comparison={"next": None},
            importance={"training.optimizer.learning_rate": 0.75, "droprate": 0.25},
            gates=seen.gates,
            seconds=3.0,
            asked_metric=None,
            notes=["the best is trial 1"],
            files=["best.yaml"],
            num_crashed=crashed,
        )

    fake("dltrain.sweep.sweep", sweep=sweep)
    return seen


def test_options_reach_the_sweep(cli, sweeping, tmp_path):
    words = ["--over", "a=1,2", "--over", "b={low: 1, high: 2}", "--trials", "4", "--jobs", "2", "--strategy", "tpe"]
    words += ["--metric", "val_accuracy", "--engine", "processes", "--require", "accuracy>=0.5", "--threads", "1"]
    result = cli("sweep", "a.yaml", "training.epochs=3", *words, "--run-dir", tmp_path / "s")
    assert result.code == 0
    assert sweeping.config.overrides == ["training.epochs=3"]
    options = sweeping.options
    assert options["over"] == ("a=1,2", "b={low: 1, high: 2}")
    assert (options["trials"], options["jobs"], options["strategy"], options["engine"]) == (4, 2, "tpe", "processes")
    assert (options["metric"], options["require"], options["threads"]) == ("val_accuracy", ("accuracy>=0.5",), 1)
    assert options["run_dir"] == tmp_path / "s"
    assert options["argv"] is sys.argv


def test_the_document_is_what_design_says(cli, sweeping):
    document = cli("sweep", "a.yaml", "--json").json
    assert document["status"] == "finished"
    assert document["run"] == "runs/s"
    assert [set(trial) >= {"number", "parameters", "status", "metrics", "run"} for trial in document["trials"]] == [True, True]
    assert document["best"]["number"] == 1


def test_the_table_marks_the_best_and_divergence_is_no_error(cli, sweeping):
    result = cli("sweep", "a.yaml")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["trial", "learning_rate", "status", "epoch", "loss"]
    assert lines[1].split() == ["1", "0.001", "finished", "3", "0.5000", "best"]
    assert lines[2].split() == ["2", "0.01", "diverged", "-", "-"]
    assert "importance: training.optimizer.learning_rate 75 %, droprate 25 %" in result.out
    assert "next: dltrain fit runs/s/best.yaml" in result.out


def test_crashed_trials_end_with_7_and_unmet_gates_with_5(cli, sweeping):
    sweeping.gates = [Gate("val_loss<0.1", 0.5, False, "validation", "loss")]
    result = cli("sweep", "a.yaml", "--json")
    assert (result.code, result.json["exit"]) == (5, 5)
    sweeping.trials[1] |= {"status": "failed", "error": "killed"}
    result = cli("sweep", "a.yaml", "--json")
    assert (result.code, result.json["exit"]) == (7, 7)
    assert "1 of 2 trials crashed; trial 2: killed" in result.json["errors"][0]["message"]
    assert len(result.json["errors"]) == 2


def test_an_interruption_ends_with_the_command_that_goes_on(cli, sweeping):
    sweeping.error = InterruptedRun("interrupted; 3 trials done", signal_number=2, hint="dltrain sweep --resume runs/s")
    result = cli("sweep", "a.yaml")
    assert result.code == 130
    assert result.err.splitlines()[-1] == "dltrain sweep --resume runs/s"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "one config file was expected, found none"),
        (["a.yaml", "b.yaml"], "found 2"),
        (["a.yaml", "--run-dir", "x", "--runs", "y"], "exclude each other"),
        (["--resume", "x", "--run-dir", "y"], "already names the directory"),
        (["--resume", "nothing"], "no run answers"),
        (["a.yaml", "--strategy", "gird"], "gird"),
        (["a.yaml", "--trials", "0"], "0"),
        (["a.yaml", "--over", "droprate", "0.1,0.2"], "--over droprate=VALUE,VALUE"),
    ],
)
def test_wrong_usage(cli, sweeping, words, said):
    result = cli("sweep", *words)
    assert result.code == 2
    assert said in result.err


def test_a_missing_ray_is_one_message(cli, sweeping):
    sweeping.error = UsageError("the engine ray needs Ray, which is not installed", hint="pip install 'dltrain[ray]'")
    result = cli("sweep", "a.yaml", "--engine", "ray")
    assert result.code == 2
    assert "pip install 'dltrain[ray]'" in result.err


def trial(number, **more):
    base = {"number": number, "fit": str(number), "parameters": f"rate={number}", "status": "running", "epoch": None,
            "epochs": 3, "metric": "val_loss", "value": None, "spread": None, "metrics": {}, "error": None, "is_ended": False}  # fmt: skip
    return {**base, **more}


def test_off_a_terminal_a_trial_is_a_line_when_it_ends(capsys):
    console = Console(Settings())
    console.sweep_started("runs/s", 12, 1, "loss")
    console.trial_changed(trial(3))
    console.trial_changed(trial(3, epoch=1, value=0.7))
    console.trial_changed(trial(3, status="finished", value=0.5, is_ended=True))
    console.trial_changed(trial(4, status="failed", error="killed", is_ended=True))
    told = {"asked": ("accuracy", 0.9), "epoch_of_metrics": "7"}
    console.trial_changed(trial(5, status="finished", value=0.25, is_ended=True, **told))
    console.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "sweep runs/s: 12 trials, compared by loss",
        "[ 1/12] trial  3  rate=3  loss 0.5000",
        "[ 2/12] trial  4  rate=4  failed: killed",
        "[ 3/12] trial  5  rate=5  loss 0.2500, accuracy 0.9000, epoch 7",
    ]


def test_the_live_table_shows_what_changed_last():
    table = SweepTable(30, "loss")
    for number in range(1, 21):
        table.update(trial(number, status="finished", value=0.1 * number, is_ended=True))
    table.update(trial(21, epoch=2, value=0.25))
    lines = table.text().splitlines()
    assert lines[0] == "20 of 30 trials done"
    assert lines[-1].split() == ["21", "rate=21", "running", "2/3", "val_loss", "0.2500"]
    assert len(lines) == 14


def test_on_a_terminal_the_table_is_live_and_leaves_nothing(monkeypatch):
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with open(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        console = Console(Settings())
        console.sweep_started("runs/s", 2, 1, "loss")
        console.trial_changed(trial(1, epoch=1, value=0.7))
        console.trial_changed(trial(1, status="finished", value=0.5, is_ended=True))
        console.close()
    shown = _all_of(leader)
    assert "1 of 2 trials done" in shown
    assert shown.endswith("\x1b[2K") or "\x1b[1A\x1b[2K" in shown


def _all_of(leader: int) -> str:
    """What was written to a terminal that is closed: it comes in pieces."""
    pieces = []
    with contextlib.suppress(OSError):  # which is how Linux says that the other end is closed
        while piece := os.read(leader, 1 << 16):
            pieces.append(piece)
    os.close(leader)
    return b"".join(pieces).decode()


def test_compare_prints_differences_and_metrics(cli, fake, monkeypatch):
    result = SimpleNamespace(
        runs=[Path("runs/a"), Path("runs/b")],
        labels=["a", "b"],
        statuses=["finished", "interrupted"],
        differences={"training.epochs": [3, None]},
        metrics={"test": {"loss": [0.5, 0.25], "accuracy": [0.9, None]}},
        best={"test": {"loss": 1, "accuracy": None}},
        warnings=["the data is split in different ways"],
        picture=Path("x.png"),
    )
    fake("dltrain.sweep.compare", compare=lambda runs, **options: result)
    monkeypatch.setattr("dltrain.storage.run_list.find_run", lambda word, runs: Path(word))
    shown = cli("compare", "a", "b", "-o", "x.png")
    assert shown.code == 0
    assert "B  b  (interrupted)" in shown.out
    assert "training.epochs  3  -" in shown.out
    assert "0.2500*" in shown.out
    assert "warning: the data is split in different ways" in shown.err
    assert cli("compare", "a", "b", "--json").json["best"] == {"test": {"loss": 1, "accuracy": None}}
    assert cli("compare", "a").code == 2
