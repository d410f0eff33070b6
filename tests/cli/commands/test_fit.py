import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dltrain.errors import DivergenceError
from dltrain.evaluation.metrics.gates import check_gates
from dltrain.evaluation.metrics.metrics import classification_report

REPORT = classification_report([[55, 4], [2, 131]], ["Colin Powell", "=George\nBush"])
METRICS = {
    "train": {"accuracy": 0.99, "loss": 0.1},
    "validation": {"accuracy": 0.95, "loss": 0.2},
    "test": {"accuracy": 0.96875, "loss": 0.15},
}


@pytest.fixture
def training(fake, config_room):
    """A training room that remembers what it was asked for and returns at once."""
    seen = SimpleNamespace(config=config_room)

    def fit(config, **options):
        seen.options = options
        options["reporter"].data_ready(["766 pictures"])
        gates = check_gates(options["require"], METRICS, reports={"test": REPORT})
        return SimpleNamespace(
            status="finished" if all(gate.met for gate in gates) else "gates_failed",
            run=Path("runs/lfw-1"),
            epochs=8,
            weights="best",
            metrics=METRICS,
            baseline={"accuracy": 0.6927, "log_loss": float("nan")},
            report=REPORT,
            asked=(),
            intervals={},
            gates=gates,
            seconds={"train": 3.21, "total": 12.3},
            notes=["A note."],
            diagnosis=[{"kind": "dead_units", "sentence": "Half is dead.", "advice": "Try less.", "figures": {"dead": 0.5}}],
            is_stored=False,
            resumed=False,
            members={},
            pictures=["history.png"],
        )

    fake("dltrain.training.fit", fit=fit)
    return seen


def test_config_overrides_and_options(cli, training, tmp_path):
    result = cli(
        "fit", "a.yaml", "training.epochs=3", "--runs", tmp_path / "there", "--threads", "2", "--require", "accuracy>=0.9", "x=1"
    )
    assert result.code == 0
    assert training.config.file == "a.yaml"
    assert training.config.overrides == ["training.epochs=3", "x=1"]
    options = training.options
    assert options["argv"] is sys.argv
    assert options["runs"] == tmp_path / "there"
    assert options["run_dir"] is None
    assert options["resume"] is None
    assert options["threads"] == 2
    assert options["require"] == ("accuracy>=0.9",)


def test_the_result_on_the_terminal(cli, training):
    result = cli("fit", "a.yaml")
    lines = result.out.splitlines()
    head = next(index for index, line in enumerate(lines) if "baseline (test)" in line)
    assert lines[head].split() == ["train", "validation", "test", "baseline", "(test)"]
    assert lines[head + 1].split() == ["loss", "0.1000", "0.2000", "0.1500", "-"]
    assert lines[head + 2].split() == ["accuracy", "0.9900", "0.9500", "0.9688", "0.6927"]
    assert "worst class: =George\\nBush F1 0.978 (2 of 133 taken for Colin Powell)" not in lines  # Colin Powell is
    assert "worst class: Colin Powell F1 0.948 (4 of 59 taken for =George\\nBush)" in lines
    assert "A note." in lines
    assert "diagnosis: Half is dead. Try less." in lines
    assert "run: runs/lfw-1" in lines
    assert "pictures there: history.png" in lines
    assert "next: dltrain evaluate runs/lfw-1" in lines
    assert lines[-2:] == [
        "The model is better than the baseline on the test part.",
        "accuracy 0.9688, the baseline's 0.6927",
    ]
    assert len(lines) <= 15
    assert result.err == "766 pictures\n"


def test_with_v_all_of_the_result_is_printed(cli, training):
    lines = cli("-v", "fit", "a.yaml").out.splitlines()
    assert "=George\\nBush             2            131" in lines
    assert lines[-1] == "accuracy 0.9688, the baseline's 0.6927"


def test_of_many_classes_the_worst_are_named(cli, training, monkeypatch):
    matrix = [[1] * 40 for _ in range(40)]
    matrix[7] = [9] * 40
    labels = [f"class {index}" for index in range(40)]
    monkeypatch.setitem(globals(), "REPORT", classification_report(matrix, labels))
    for words in (["fit", "a.yaml"], ["-v", "fit", "a.yaml"]):
        out = cli(*words).out
        assert "worst classes: class 0 F1 0.023 (1 of 40 taken for class 1), " in out
        assert "class 33" not in out
    assert "(macro mean)" in out


def test_the_result_in_json(cli, training):
    document = cli("fit", "a.yaml", "--json", "--require", "accuracy>=0.9").json
    assert document["status"] == "finished"
    assert document["run"] == "runs/lfw-1"
    assert document["epochs"] == 8
    assert document["weights"] == "best"
    assert document["metrics"] == METRICS
    assert document["baseline"] == {"accuracy": 0.6927, "log_loss": None}
    assert document["report"]["confusion_matrix"] == [[55, 4], [2, 131]]
    assert document["seconds"]["train"] == 3.21
    assert [found["kind"] for found in document["diagnosis"]] == ["dead_units"]
    assert document["gates"] == [
        {"require": "accuracy>=0.9", "value": 0.96875, "met": True, "part": "test", "metric": "accuracy"}
    ]
    assert "exit" not in document


def test_an_unmet_gate(cli, training):
    words = [
        "fit",
        "a.yaml",
        "--require",
        "accuracy>=0.97",
        "--require",
        "accuracy>=0.96875",
        "--require",
        "f1[Colin Powell]>0.5",
    ]
    result = cli(*words)
    assert result.code == 5
    assert "gate accuracy>=0.97: NOT MET, it is 0.9688 on the test part" in result.out
    assert "gate accuracy>=0.96875: met" in result.out
    assert "run: runs/lfw-1" in result.out
    assert "error: the gate accuracy>=0.97 was not met" in result.err
    document = cli(*words, "--json").json
    assert (document["status"], document["exit"], len(document["errors"])) == ("error", 5, 1)
    assert [gate["met"] for gate in document["gates"]] == [False, True, True]


def test_a_gate_missed_by_a_hair_shows_by_how_much(cli, training, monkeypatch):
    monkeypatch.setitem(METRICS["test"], "accuracy", 0.899999)
    assert "it is 0.899999 on" in cli("fit", "a.yaml", "--require", "accuracy>=0.9").out


@pytest.mark.parametrize("gate", ["accuracy=0.9", "accuracy", "accuracy>=much"])
def test_a_malformed_gate_costs_no_training(cli, training, gate):
    assert cli("fit", "a.yaml", "--require", gate).code == 2
    assert not hasattr(training, "options")


def test_resume(cli, training, tmp_path):
    run = tmp_path / "runs" / "lfw-1"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text('{"status": "finished", "started": "2026-01-01T00:00:00Z"}')
    assert cli("fit", "--resume", "lfw").code == 0
    assert training.options["resume"] == Path("runs/lfw-1")
    assert training.config.file == str(Path("runs/lfw-1/config.yaml"))
    assert cli("fit", "a.yaml", "--resume", run).code == 0
    assert training.config.file == "a.yaml"
    assert cli("fit", "a.yaml", "--resume", "auto", "--run-dir", "there").code == 0
    assert training.options["resume"] == "auto"
    assert training.options["run_dir"] == Path("there")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.yaml", "b.yaml"], "found 2: a.yaml, b.yaml"),
        (["training.epochs=3"], "found none"),
        (["a.yaml", "--engine", "ray", "--workers", "1"], "--engine ray needs --workers of 2 and more"),
        (["a.yaml", "--workers", "65"], "--workers 65: at most 64 processes of one machine train together"),
        (["a.yaml", "--workers", "1025", "--engine", "ray"], "at most 1,024 processes train together"),
        (["a.yaml", "--resume", "auto"], "--resume auto needs --run-dir"),
        (["a.yaml", "--resume", "latest"], "latest"),
        (["a.yaml", "--resume", "x", "--run-dir", "y"], "already names the directory"),
        (["a.yaml", "--runs", "x", "--run-dir", "y"], "exclude each other"),
    ],
)
def test_wrong_usage(cli, training, words, said):
    result = cli("fit", *words)
    assert result.code == 2
    assert said in result.err
    assert not hasattr(training, "options")


def test_divergence(cli, training, fake):
    def fit(*_, **__):
        raise DivergenceError("the loss is nan in epoch 3", hint="lower the learning rate")

    fake("dltrain.training.fit", fit=fit)
    result = cli("fit", "a.yaml", "--json")
    assert result.code == result.json["exit"] == 4
    assert result.json["errors"][0]["hint"] == "lower the learning rate"
