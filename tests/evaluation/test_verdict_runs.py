"""What a config requires holds for `fit` and `evaluate` alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.cli.app import run

CONFIG = """
data: {{source: csv, path: {path}, target: y, split: {{test: 0.25, validation: 0.25}}}}
model: {{layers: [{{Dense: {{units: 2, activation: relu}}}}]}}
training: {{epochs: 1}}
evaluation: {{require: ["f1[George W Bush]>=0.999", "train.accuracy>=0", "val_loss<1000"]}}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("gates")
    rows = [f"{index % 7},{index % 3},{'George W Bush' if index % 2 else 'Colin Powell'}" for index in range(80)]
    (folder / "t.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    (folder / "config.yaml").write_text(CONFIG.format(path=folder / "t.csv"))
    assert run(["fit", str(folder / "config.yaml"), "--run-dir", str(folder / "run")]) == 5
    return folder


def test_d7_evaluate_holds_a_run_to_what_its_config_requires(trained, capsys):
    assert run(["evaluate", str(trained / "run")]) == 5
    out = capsys.readouterr().out
    assert "gate f1[George W Bush]>=0.999: NOT MET" in out
    assert "The config's gate train.accuracy>=0 is of the train part, so it is not applied here." in out
    assert run(["evaluate", str(trained / "run"), "--data", str(trained / "t.csv")]) == 5
    assert run(["evaluate", str(trained / "run"), "--no-require"]) == 0
    assert run(["evaluate", str(trained / "run"), "--no-require", "--require", "accuracy>=1.1"]) == 5
    assert run(["evaluate", str(trained / "run"), "--part", "train"]) == 0


def test_d7_a_wrong_name_is_reported_where_it_was_written(trained, capsys):
    words = ["fit", str(trained / "config.yaml"), "--run-dir", str(trained / "other")]
    assert run([*words, "--require", "f2[George W Bush]>=0.9"]) == 2
    error = capsys.readouterr().err
    assert "error: --require: no metric f2[George W Bush]" in error
    assert "config.yaml:" not in error
    config = trained / "wrong.yaml"
    config.write_text((trained / "config.yaml").read_text().replace("f1[George", "f2[George"))
    assert run(["check", str(config)]) == 2
    assert "wrong.yaml:5:" in capsys.readouterr().err
