from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dltrain.cli.check_report import github_lines
from dltrain.config import load_config
from dltrain.errors import Fault

GOOD = "data: {source: iris, split: {test: 0.3}}\nmodel:\n  layers:\n    - Dense: {units: 16, activation: relu}\ntraining: {epochs: 3}\n"
BAD = GOOD.replace("epochs: 3", "epohs: 3, optimizer: adm")
SHAPES = GOOD.replace("Dense: {units: 16, activation: relu}", "LSTM: {units: 4}")


@pytest.fixture(autouse=True)
def configs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"good": GOOD, "bad": BAD, "shapes": SHAPES, "odd": "parameters: {unused: 1}\n" + GOOD}.items():
        (tmp_path / f"{name}.yaml").write_text(text)


def test_layers_with_shapes_and_arithmetic(cli):
    result = cli("check", "good.yaml")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "good.yaml: OK"
    assert "  dense   Dense  (16,)           80  4×16 + 16" in lines
    assert "  131 parameters" in lines
    assert any(line.startswith("  memory: about ") for line in lines)
    assert any("because iris has 3 classes" in line for line in lines)


def test_a_bad_one_does_not_hide_the_others(cli):
    result = cli("check", "bad.yaml", "good.yaml", "shapes.yaml")
    assert result.code == 2
    assert "good.yaml: OK\n" in result.out
    assert "bad.yaml:5:12: error: training.epohs: unknown key of training" in result.err
    assert "shapes.yaml:4:7: error: model.layers.0: LSTM takes sequences [steps, features]" in result.err
    assert "    4 |     - LSTM: {units: 4}\n      |       ^\n" in result.err
    assert result.err.endswith("3 errors\n")


def test_faults_of_keys_and_of_shapes_come_together(cli, tmp_path):
    (tmp_path / "both.yaml").write_text(SHAPES.replace("epochs: 3", "epohs: 3"))
    result = cli("check", "both.yaml", "--json")
    assert [error["path"] for error in result.json["errors"]] == ["model.layers.0", "training.epohs"]


def test_warnings_leave_the_exit_code_alone(cli):
    result = cli("check", "odd.yaml")
    assert result.code == 0
    assert "odd.yaml:1:14: warning: parameters.unused" in result.err


def test_json(cli):
    document = cli("check", "shapes.yaml", "good.yaml", "--json").json
    assert (document["status"], document["exit"]) == ("error", 2)
    assert [(error["file"], error["line"], error["column"]) for error in document["errors"]] == [("shapes.yaml", 4, 7)]
    assert [file["status"] for file in document["files"]] == ["error", "ok"]
    good = document["files"][1]
    assert good["parameters"] == 131
    assert good["layers"][0] | {"note": ""} == good["layers"][0]
    assert good["layers"][0]["output_shape"] == [16]
    assert json.loads(cli("check", "good.yaml", "--format", "json").out)["status"] == "finished"


def test_annotations(cli):
    result = cli("check", "bad.yaml", "shapes.yaml", "odd.yaml", "--format", "github")
    assert result.code == 2
    lines = result.out.splitlines()
    assert all(line.startswith("::") for line in lines)
    assert lines[0].startswith("::error file=bad.yaml,line=5,col=12::training.epohs: unknown key of training (did you mean")
    assert sum(line.startswith("::error") for line in lines) == 3
    assert sum(line.startswith("::warning") for line in lines) == 1


def test_an_annotation_is_one_line_whatever_the_message():
    [line] = github_lines([Fault("50 %\nof all", file="a,b:c.yaml", line=3, path="x")])
    assert line == "::error file=a%2Cb%3Ac.yaml,line=3::x: 50 %25%0Aof all"


def test_resolved_reads_back_as_the_same_experiment(cli, tmp_path):
    result = cli("check", "--resolved", "good.yaml")
    for line in (
        "task: classification",
        "output: {Dense: {units: 3, activation: softmax}}",
        "loss: SparseCategoricalCrossentropy",
    ):
        assert f"  {line}\n" in result.out
    (tmp_path / "again.yaml").write_text(result.out)
    assert cli("check", "--resolved", "again.yaml").out == result.out
    again, before = load_config("again.yaml"), load_config("good.yaml")
    model, training = replace(again.model, output="auto"), replace(again.training, loss=None)
    assert replace(again, name="good", data=replace(again.data, task=None), model=model, training=training) == before


def test_resolved_says_the_classes_of_a_large_table_where_all_of_it_was_read(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("dltrain.data.tables.sample.SMALL_BYTES", 1 << 20)
    rows = [f"{index % 97}.000000001,{'abc'[index % 3] if index > 80_000 else 'ab'[index % 2]}" for index in range(90_000)]
    (tmp_path / "large.csv").write_text("x,y\n" + "\n".join(rows))
    (tmp_path / "large.yaml").write_text(GOOD.replace("source: iris", "source: csv, path: large.csv, target: y"))
    first = cli("check", "--resolved", "large.yaml").out
    assert ("  output: auto\n" in first, "Dense: {units: 2" in first) == (True, False)
    whole = cli("check", "--resolved", "--data", "large.yaml").out
    assert "  output: {Dense: {units: 3, activation: softmax}}\n" in whole
    assert "  features: {x: number}\n" in whole


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("digits", "parts: train 1,149, validation 288, test 360, fold 1 of 5"),
        ("iris", "parts: train 96, validation 24, test 30, fold 1 of 5"),
        ("csv, path: small.csv, target: y", "parts: train 64, validation 16 (16 %), test 20 (20 %), fold 1 of 5, stratified"),
    ],
)
def test_of_folds_the_parts_of_one_are_shown(source, parts, cli, tmp_path):
    (tmp_path / "small.csv").write_text("x,y\n" + "".join(f"{index % 7},{'ab'[index % 2]}\n" for index in range(100)))
    text = GOOD.replace("source: iris", f"source: {source}").replace("{test: 0.3}", "{test: 0.2, folds: 5}")
    layers = "[Flatten]" if source == "digits" else "[{Dense: {units: 8}}]"
    (tmp_path / "folds.yaml").write_text(
        text.replace("\n  layers:\n    - Dense: {units: 16, activation: relu}", f" {{layers: {layers}}}")
    )
    result = cli("check", "folds.yaml")
    assert (result.code, f"  {parts}\n" in result.out) == (0, True), result.out


def test_overrides(cli):
    assert "  259 parameters" in cli("check", "good.yaml", "model.layers.0.units=32").out.splitlines()


def test_no_config(cli):
    assert cli("check", "a=1").code == 2


SWEPT = """
data: {{source: digits, split: {{validation: 0.2}}}}
model:
  layers:
    - Conv2D: {{filters: 4, kernel_size: 3}}
    - Flatten
    - Dense: {{units: 30}}
training: {{epochs: 2}}
sweep:
{sweep}
"""


@pytest.mark.parametrize(
    ("sweep", "line", "words"),
    [
        (
            "  parameters: {model.layers.0.kernel_size: [3, 5, 9]}",
            10,
            ["the kernel 9×9 is larger than the input 8×8, in trial 3"],
        ),
        (
            "  parameters:\n    model.layers.0.kernel_size: [3, 9]\n    model.layers.2.units: [10, -5]",
            11,
            ["the kernel 9×9 is larger", "at least 1, found -5"],
        ),
        ("  parameters: {training.batch_size: {low: 4, high: 8.5, log: true}}\n  strategy: capacity", 10, ["batch_size"]),
        ("  parameters: {training.batch_size: [4, 8]}\n  metric: val_acuracy", 11, ["there is no metric 'val_acuracy'"]),
        ("  parameters: {data.split.validation: [0.2, 0.9999]}", 10, ["in trial 2"]),
    ],
)
def test_each_trial_of_a_sweep_is_checked_against_the_data(cli, tmp_path, sweep, line, words):
    (tmp_path / "c.yaml").write_text(SWEPT.format(sweep=sweep))
    result = cli("check", "c.yaml", "--json")
    assert result.code == 2
    faults = result.json["errors"]
    assert line in [fault["line"] for fault in faults]
    for word in words:
        assert any(word in fault["message"] for fault in faults)


def test_a_sweep_of_many_trials_is_checked_in_no_time(cli, tmp_path):
    sweep = "  parameters: {seed: {low: 0, high: 900, step: 1}, training.batch_size: [4, 8, 16]}"
    (tmp_path / "c.yaml").write_text(SWEPT.format(sweep=sweep))
    assert cli("check", "c.yaml").code == 0


def test_samples_never_replace_a_file_unasked(cli, tmp_path):
    (tmp_path / "mine.png").write_text("precious")
    result = cli("check", "good.yaml", "--samples", "mine.png")
    assert (result.code, (tmp_path / "mine.png").read_text()) == (6, "precious")
    assert cli("check", "good.yaml", "--samples", "mine.csv").code == 2
    assert "data holds none" in cli("check", "good.yaml", "--samples", "mine.png", "--force").err


def test_attack_16_a_name_begins_no_line_and_a_long_override_is_not_said_whole(cli, tmp_path):
    (tmp_path / "a\n::error::b.yaml").write_text("data: {source: iris}\nmodel: {layers: [Flatten]}\ntraining: {epochs: 1}\n")
    done = cli("check", "a\n::error::b.yaml")
    assert "a\\n:" in done.out
    assert not any(line.startswith("::") for line in (done.out + done.err).splitlines())
    (tmp_path / "c.yaml").write_text("data: {source: iris}\nmodel: {layers: [Flatten]}\ntraining: {epochs: 1}\n")
    done = cli("check", "c.yaml", f"data.drop=[{', '.join(f'column{number}' for number in range(500))}]")
    assert done.code == 3
    assert len(done.err) < 20_000
