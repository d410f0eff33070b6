"""A run beside an older one, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import polars
import pytest

from dltrain.cli.app import run
from dltrain.errors import UsageError
from dltrain.evaluation.against import evaluate_against
from dltrain.evaluation.slices import cut_result

CONFIG = """
data: {{source: csv, path: {path}, target: y, split: {{test: 0.4}}}}
model: {{layers: [{{Dense: {{units: 4, activation: relu}}}}]}}
training: {{epochs: {epochs}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two runs on one table: one has learnt, the other hardly."""
    folder = tmp_path_factory.mktemp("against")
    rng = np.random.default_rng(0)
    rows = [(a, b, "yes" if a + 0.3 * rng.normal() > 0 else "no") for a, b in rng.normal(size=(500, 2))]
    (folder / "t.csv").write_text("\n".join(["a,b,y", *(f"{a:.4f},{b:.4f},{y}" for a, b, y in rows)]) + "\n")
    for name, epochs in (("new", 40), ("old", 1)):
        (folder / f"{name}.yaml").write_text(CONFIG.format(path=folder / "t.csv", epochs=epochs))
        assert run(["-q", "fit", str(folder / f"{name}.yaml"), "--run-dir", str(folder / name)]) == 0
    return folder


def test_both_on_the_same_rows(folder, capsys):
    words = ["evaluate", str(folder / "new"), "--against", str(folder / "old")]
    assert run([*words, "--require", "accuracy>=old-0.005", "--require", "log_loss<=old @95%"]) == 0
    out = capsys.readouterr().out
    assert "The new model is better than the old one: log_loss" in out
    assert "McNemar's p" in out
    assert "gate log_loss<=old @95%: met" in out
    assert run([*words, "--json", "--require", "log_loss<=old-5", "--require", "accuracy>=0.1"]) == 5
    document = json.loads(capsys.readouterr().out)
    assert [gate["met"] for gate in document["gates"]] == [True, False]
    against = document["against"]
    assert against["verdict"] == "better"
    assert against["old"] == str(folder / "old")
    run(["evaluate", str(folder / "old"), "--json"])
    assert json.loads(capsys.readouterr().out)["metrics"]["log_loss"] == pytest.approx(against["metrics"]["log_loss"]["old"])


def test_predictions_of_other_data(folder, capsys):
    predictions = folder / "old.csv"
    assert run(["predict", str(folder / "old"), "--data", str(folder / "t.csv"), "-o", str(predictions), "--force"]) == 0
    capsys.readouterr()
    words = ["evaluate", str(folder / "new"), "--data", str(folder / "t.csv"), "--against"]
    assert run([*words, str(predictions), "--json"]) == 0
    by_file = json.loads(capsys.readouterr().out)["against"]
    assert run([*words, str(folder / "old"), "--json"]) == 0
    by_run = json.loads(capsys.readouterr().out)["against"]
    assert by_file["metrics"]["log_loss"]["old"] == pytest.approx(by_run["metrics"]["log_loss"]["old"], rel=1e-5)


def test_other_rows_are_refused_with_the_reason(folder, capsys):
    assert run(["-q", "fit", str(folder / "old.yaml"), "seed=7", "--run-dir", str(folder / "other")]) == 0
    assert run(["evaluate", str(folder / "new"), "--against", str(folder / "other")]) == 3
    error = capsys.readouterr().err
    assert "of 200 rows are the same ones" in error
    assert "--data FILE" in error


def test_old_needs_an_old_model(folder, capsys):
    assert run(["evaluate", str(folder / "new"), "--require", "accuracy>=old"]) == 2
    assert "--against OLD" in capsys.readouterr().err
    (folder / "gated.yaml").write_text((folder / "old.yaml").read_text() + "evaluation: {require: accuracy>=old}\n")
    assert run(["check", str(folder / "gated.yaml")]) == 2
    assert "compares with an old model" in capsys.readouterr().err


def test_the_rows_of_a_part_with_what_is_true_and_how_far_off_it_is(folder, capsys):
    out = folder / "part.csv"
    assert run(["predict", str(folder / "old"), "--part", "test", "-o", str(out)]) == 0
    capsys.readouterr()
    frame, table = polars.read_csv(out), polars.read_csv(folder / "t.csv")
    assert frame.columns == ["row", "true_y", "prediction", "probability_no", "probability_yes", "error"]
    assert frame["true_y"].to_list() == table["y"][frame["row"] - 1].to_list()
    given = np.where(frame["true_y"] == "yes", frame["probability_yes"], frame["probability_no"])
    assert frame["error"].to_numpy() == pytest.approx(-np.log(given), rel=1e-6)
    assert run(["evaluate", str(folder / "new"), "--against", str(out), "--json"]) == 0
    by_file = json.loads(capsys.readouterr().out)["against"]
    assert by_file["metrics"]["log_loss"]["old"] == pytest.approx(frame["error"].mean())
    assert run(["predict", str(folder / "old"), "--part", "test", "--data", str(folder / "t.csv")]) == 2
    assert "--data and --part exclude each other" in capsys.readouterr().err


def test_the_best_of_a_sweep_is_named_by_its_file(folder):
    from dltrain.evaluation.against import find_old

    sweep = folder / "sweep"
    sweep.mkdir()
    (sweep / "manifest.json").write_text('{"kind": "sweep", "status": "finished"}')
    (sweep / "best.yaml").write_text("name: best\n")
    assert find_old(str(sweep / "best.yaml"), folder) == find_old(str(sweep), folder) == sweep


def test_masks_are_not_cut_by_a_column_and_a_reconstruction_is_not_compared() -> None:
    masks = SimpleNamespace(scored=None, masks=None, report={"counts": "pixels"}, gates=[], part="test")
    with pytest.raises(UsageError) as caught:
        cut_result(masks, ("region",))  # type: ignore[arg-type]
    assert "iou[cell]" in str(caught.value.faults[0].hint)
    with mock.patch("dltrain.evaluation.against.evaluate", return_value=masks), pytest.raises(UsageError) as caught:
        evaluate_against(Path("new"), Path("old"))
    assert not str(caught.value.faults[0].hint).startswith("dltrain")  # which is shown as a command to copy


MASKS = """
data: {{source: shapes, rows: 24, size: 32, split: {{test: 0.5, seed: {seed}}}}}
model: {{layers: [{{Conv2D: {{filters: 4, kernel_size: 3, padding: same}}}}]}}
training: {{epochs: {epochs}, optimizer: {{Adam: {{learning_rate: 0.05}}}}}}
"""


@pytest.mark.slow
def test_masks_beside_those_of_another_run(tmp_path, capsys):
    for name, epochs, seed in (("new", 6, 0), ("old", 1, 0), ("other", 1, 1)):
        (tmp_path / f"{name}.yaml").write_text(MASKS.format(epochs=epochs, seed=seed))
        assert run(["-q", "fit", str(tmp_path / f"{name}.yaml"), "--run-dir", str(tmp_path / name)]) == 0
    found = compared(capsys, tmp_path / "new", "--against", tmp_path / "old")["metrics"]
    for word, name in (("new", "new"), ("old", "old")):
        assert run(["evaluate", str(tmp_path / name), "--json"]) == 0
        own = json.loads(capsys.readouterr().out)["metrics"]
        assert {key: one[word] for key, one in found.items()} == pytest.approx({key: own[key] for key in found})
    assert {"accuracy", "mean_iou", "log_loss"} <= found.keys()
    assert found["log_loss"]["interval"][0] < found["log_loss"]["difference"] < found["log_loss"]["interval"][1]
    assert run(["evaluate", str(tmp_path / "new"), "--against", str(tmp_path / "other")]) == 3
    assert "pictures are the same ones" in capsys.readouterr().err
    (tmp_path / "p.csv").write_text("prediction\n")
    assert run(["evaluate", str(tmp_path / "new"), "--against", str(tmp_path / "p.csv")]) == 2
    assert "masks are compared with those of a run" in capsys.readouterr().err


@pytest.fixture(scope="module")
def tagged(tmp_path_factory) -> Path:
    """Two runs on a table whose rows have several labels, or none."""
    folder = tmp_path_factory.mktemp("tagged")
    rng = np.random.default_rng(0)
    lines = ["a,b,tags"]
    for a, b in rng.normal(size=(300, 2)):
        noise = rng.normal(size=3)
        tags = [tag for tag, score in zip(("hot", "=wet", "far"), (a, b, a + b)) if score + 0.3 * noise[0] > 0.2]
        lines.append(f"{a:.4f},{b:.4f},{'|'.join(tags)}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    for name, epochs in (("new", 30), ("old", 1)):
        text = CONFIG.format(path=folder / "t.csv", epochs=epochs).replace("target: y", "target: tags, labels: {separator: '|'}")
        (folder / f"{name}.yaml").write_text(text)
        assert run(["-q", "fit", str(folder / f"{name}.yaml"), "--run-dir", str(folder / name)]) == 0
    return folder


def compared(capsys, *words: object) -> dict:
    capsys.readouterr()
    assert run(["evaluate", *map(str, words), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    return {**document["against"], "notes": document["notes"]}


def test_a_file_of_several_labels_a_row_says_what_its_run_says(tagged, capsys):
    expected = compared(capsys, tagged / "new", "--against", tagged / "old")
    predictions = tagged / "old.csv"
    assert run(["predict", str(tagged / "old"), "--part", "test", "-o", str(predictions)]) == 0
    found = compared(capsys, tagged / "new", "--against", predictions)
    assert found["metrics"].keys() == expected["metrics"].keys()
    for name, one in expected["metrics"].items():
        other = found["metrics"][name]
        assert [other["old"], *other["interval"]] == pytest.approx([one["old"], *one["interval"]], rel=1e-5, abs=1e-6), name
    assert found["mcnemar"] == pytest.approx(expected["mcnemar"])
    # Labels alone, as another program may have them: what needs no probability is the same.
    frame = polars.read_csv(predictions, infer_schema=False)
    frame.select("row", "true_tags", "labels").write_csv(predictions)
    alone = compared(capsys, tagged / "new", "--against", predictions)
    ranked = ("log_loss", "roc_auc", "average_precision")
    assert alone["metrics"].keys() == {name for name in expected["metrics"] if not name.startswith(ranked)}
    assert alone["metrics"]["f1_macro"]["old"] == pytest.approx(expected["metrics"]["f1_macro"]["old"])
    assert any("labels without probabilities" in note for note in alone["notes"])
    # Probabilities alone: above one half a label is said.
    frame.drop("labels").write_csv(predictions)
    assert any("above 0.5" in note for note in compared(capsys, tagged / "new", "--against", predictions)["notes"])


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("labels", "hot|cold", "has the label 'cold'"),
        ("true_tags", "", "have another value of tags"),
        ("probability_hot", "1.5", "not between"),
    ],
)
def test_a_file_of_several_labels_that_is_of_other_rows(tagged, column, value, said, capsys):
    predictions = tagged / "damaged.csv"
    assert run(["predict", str(tagged / "old"), "--part", "test", "-o", str(predictions), "--force"]) == 0
    frame = polars.read_csv(predictions, infer_schema=False)
    frame.with_columns(polars.lit(value).alias(column)).write_csv(predictions)
    capsys.readouterr()
    assert run(["evaluate", str(tagged / "new"), "--against", str(predictions)]) == 3
    assert said in capsys.readouterr().err


SEVERAL = {
    "targets": """
data: {{source: csv, path: {path}, target: [y, b, c], features: {{a: number}}, split: {{test: 0.4}}}}
model: {{layers: [{{Dense: {{units: 8, activation: relu}}}}]}}
training: {{epochs: {epochs}}}
""",
    "horizon": """
data: {{source: csv, path: {path}, target: [a, b], features: [a, b], drop: [y, c], series: {{history: 3, horizon: 2}},
       split: {{test: 0.4}}}}
model: {{layers: [{{GRU: {{units: 4}}}}]}}
training: {{epochs: {epochs}}}
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SEVERAL)
def test_a_file_of_several_targets_says_what_its_run_says(kind, tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = [f"{a:.4f},{b:.4f},{'yes' if a > 0 else 'no'},{'kmn'[int(3 * c)]}" for a, b, c in rng.random((200, 3)) - [0.5, 0.5, 0]]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y,c", *rows]) + "\n")
    for name, epochs in (("new", 5), ("old", 1)):
        (tmp_path / f"{name}.yaml").write_text(SEVERAL[kind].format(path=tmp_path / "t.csv", epochs=epochs))
        assert run(["-q", "fit", str(tmp_path / f"{name}.yaml"), "--run-dir", str(tmp_path / name)]) == 0
    predictions = tmp_path / "old.csv"
    assert run(["predict", str(tmp_path / "old"), "--part", "test", "-o", str(predictions)]) == 0
    expected = compared(capsys, tmp_path / "new", "--against", tmp_path / "old")["metrics"]
    found = compared(capsys, tmp_path / "new", "--against", predictions)["metrics"]
    assert found.keys() == expected.keys()
    for name, one in expected.items():
        old, new = [found[name]["old"], *found[name]["interval"]], [one["old"], *one["interval"]]
        assert old == pytest.approx(new, rel=1e-4, abs=1e-5), name
    frame = polars.read_csv(predictions, infer_schema=False)
    last = frame.columns[-1].removeprefix("error_")
    if kind == "targets":  # labels of one of them alone: what needs no probability of it is the same
        frame.select(name for name in frame.columns if not name.startswith("probability_c")).write_csv(predictions)
        alone = compared(capsys, tmp_path / "new", "--against", predictions)
        assert alone["metrics"].keys() == {name for name in expected if name not in ("c_log_loss", "c_roc_auc")}
    frame.with_columns(polars.lit(frame[f"true_{last}"][0]).alias(f"true_{last}")).write_csv(predictions)
    assert run(["evaluate", str(tmp_path / "new"), "--against", str(predictions)]) == 3
    assert f"have another value of {last}" in capsys.readouterr().err
    frame.drop(f"prediction_{last}").write_csv(predictions)
    if kind == "horizon":
        assert run(["evaluate", str(tmp_path / "new"), "--against", str(predictions)]) == 3
        assert f"has no column prediction_{last}" in capsys.readouterr().err
