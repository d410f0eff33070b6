from pathlib import Path
from types import SimpleNamespace

import pytest

from dltrain.evaluation.metrics.gates import check_gates


@pytest.fixture
def evaluation(fake, tmp_path):
    run = tmp_path / "runs" / "concrete-1"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text('{"status": "finished", "started": "2026-01-01T00:00:00Z"}')
    seen = SimpleNamespace()

    def evaluate(run, **options):
        seen.run, seen.options = run, options
        metrics = {"rmse": 6.5, "r2": 0.84, "loss": 0.15}
        return SimpleNamespace(
            run=run,
            part=options["part"] or "test",
            weights="best",
            metrics=metrics,
            baseline={"rmse": 16.1, "r2": -0.01},
            report={},
            intervals={"rmse": [6.1, 6.9]},
            units={"by": "rows"},
            members={},
            gates=check_gates(options["require"], {"test": metrics}, part="test", intervals={"test": {"rmse": [6.1, 6.9]}}),
            notes=[],
        )

    fake("dltrain.evaluation.evaluate", evaluate=evaluate)
    return seen


def test_options_reach_the_library(cli, evaluation):
    words = ["--weights", "last", "--part", "validation", "--allow-changed", "--threads", "3"]
    assert cli("evaluate", "latest", *words).code == 0
    assert evaluation.run == Path("runs/concrete-1")
    options = evaluation.options
    assert (options["weights"], options["part"], options["allow_changed"], options["threads"]) == ("last", "validation", True, 3)
    assert options["data"] == ()


def test_without_a_part_the_library_chooses(cli, evaluation):
    assert cli("evaluate", "latest").code == 0
    assert evaluation.options["part"] is None


def test_several_files_of_data(cli, evaluation):
    assert cli("evaluate", "latest", "--data", "a.csv", "b.csv", "--data", "c.csv").code == 0
    assert set(evaluation.options["data"]) == {"a.csv", "b.csv", "c.csv"}
    result = cli("evaluate", "latest", "a.csv")
    assert result.code == 2
    assert "--data PATH" in result.err


def test_the_table(cli, evaluation):
    out = cli("evaluate", "latest").out
    assert out.splitlines()[0] == "runs/concrete-1: test, best weights"
    assert "rmse  6.500 (6.10\u20136.90)     16.10" in out
    assert "baseline: always the training part's mean" in out


def test_gates(cli, evaluation):
    result = cli("evaluate", "latest", "--require", "rmse<=7", "--require", "R2Score>0.9", "--json")
    assert result.code == 5
    assert (result.json["status"], result.json["exit"], len(result.json["errors"])) == ("error", 5, 1)
    assert [gate["met"] for gate in result.json["gates"]] == [True, False]
    document = cli("evaluate", "latest", "--require", "rmse<=7", "--json").json
    assert document["status"] == "finished"
    assert set(document) >= {"run", "part", "weights", "metrics", "baseline", "gates"}
    assert cli("evaluate", "latest", "--require", "rsme<7").err.count("did you mean") == 1


def test_intervals_in_json_and_in_a_gate(cli, evaluation):
    result = cli("evaluate", "latest", "--require", "rmse<=6.8 @95%", "--json")
    assert result.code == 5
    assert result.json["intervals"] == {"rmse": [6.1, 6.9]}
    assert result.json["intervals_of"] == {"by": "rows"}
    assert result.json["gates"][0]["interval"] == [6.1, 6.9]
    assert cli("evaluate", "latest", "--require", "rmse<=6.9 @95%").code == 0


def test_no_such_run(cli, evaluation):
    result = cli("evaluate", "nothing")
    assert result.code == 2
    assert "no run answers to 'nothing'" in result.err
    (Path("runs") / "concrete-1" / "manifest.json").unlink()
    assert cli("evaluate", "runs/concrete-1").code == 6
