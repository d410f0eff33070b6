"""Rows that belong together, as those of a patient: what `init` says of them, and that the parts keep them together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.config.load import load_config
from dltrain.data.load import load_dataset
from dltrain.errors import ConfigError
from dltrain.starting.start import make_starter


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(header: str, rows: list[str], target: str) -> str:
    Path("t.csv").write_text("\n".join([header, *rows]) + "\n")
    text = make_starter("t.csv", target=target).text
    Path("c.yaml").write_text(text)
    return text


def patients(owner: str, status: str = "by patient", count: int = 40) -> list[str]:
    rng = np.random.default_rng(0)
    rows = []
    for patient in range(count):
        own = rng.normal(size=2)
        for visit in range(8):
            label = patient % 2 if status == "by patient" else (patient + visit) % 2
            x, y = own + rng.normal(0, 0.1, 2)
            rows.append(f"{owner.format(patient)},{x:.4f},{y:.4f},{label}")
    return rows


@pytest.mark.parametrize(
    ("name", "owner"), [("patient_id", "P{:03d}"), ("Subject", "{}"), ("RecordingNo", "rec_{}.wav"), ("DeviceID", "{:04d}")]
)
def test_rows_of_one_answer_stay_in_one_part(name: str, owner: str) -> None:
    text = write(f"{name},x,y,status", patients(owner), "status")
    assert f"split: {{group: {name}, test: 0.25, stratify: true}}" in text
    assert f"all rows of a {name} (40 of them) have the same target" in " ".join(text.replace("#", " ").split())
    config = load_config("c.yaml")
    assert config.data.features is not None
    assert name not in config.data.features
    dataset = load_dataset(config.data, seed=config.seed)
    owners = np.array([row.split(",")[0] for row in Path("t.csv").read_text().splitlines()[1:]])
    parts = [set(owners[part.row_ids]) for part in dataset.parts.values()]
    assert len(parts) == 2
    assert not parts[0] & parts[1]
    for part in dataset.parts.values():
        assert np.bincount(part.targets["status"].ravel().astype(int)).tolist() == [part.num_rows / 2] * 2


@pytest.mark.parametrize("count", [6, 8, 10, 12])
def test_a_few_owners_are_kept_together_where_each_part_gets_some_of_each_class(count: int) -> None:
    rows = [row for _ in range(480 // count // 8) for row in patients("P{:03d}", count=count)]
    text = write("patient_id,x,y,status", rows, "status")
    config = load_config("c.yaml")
    assert config.data.features is not None
    assert "patient_id" not in config.data.features
    assert config.data.split.group == (None if count < 10 else "patient_id")
    assert (f"to be tested on others than the {count} of patient_id" in " ".join(text.split())) == (count < 10)
    load_dataset(config.data, seed=config.seed)


def test_there_are_no_more_folds_than_owners() -> None:
    rng = np.random.default_rng(0)
    rows = [f"P{owner % 6:03d},{rng.normal():.3f},{rng.normal():.3f},{owner % 6 * 1.5}" for owner in range(240)]
    write("patient_id,x,y,dose", rows, "dose")
    config = load_config("c.yaml")
    assert config.training is not None
    assert (config.data.split.group, config.training.members.folds) == ("patient_id", 4)


def test_rows_of_several_answers_are_pointed_out() -> None:
    text = write("subject,x,y,status", patients("{}", "by visit"), "status")
    assert "  split: {test: 0.25}" in text
    said = "to be tested on others than the 40 of subject: split: {group: subject, test: 0.25}, with subject out of `features`"
    assert said in " ".join(text.replace("#", " ").split())


@pytest.mark.parametrize(
    ("name", "owner"),
    [("colour", "c{}"), ("patient", "{}.5"), ("households", "{}"), ("engine", "V{}")],
    ids=["of another name", "amounts", "counts", "kinds"],
)
def test_other_columns_name_no_owners(name: str, owner: str) -> None:
    assert "group:" not in write(f"{name},x,y,status", patients(owner), "status")


def test_names_of_single_rows_are_no_owners() -> None:
    rows = [f"P{row}{rest[rest.index(',') :]}" for row, rest in enumerate(patients("{}"))]
    assert "group:" not in write("patient_id,x,y,status", rows, "status")


@pytest.mark.parametrize("stream", ["0", ""], ids=["streamed", "in memory"])
@pytest.mark.parametrize(("split", "count"), [("{test: 0.25}", 1), ("{test: 0.25, group: patient_id}", 0)])
def test_a_fit_says_that_rows_of_one_answer_are_in_several_parts(
    split: str, count: int, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stream:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", stream)
    Path("t.csv").write_text("\n".join(["patient_id,x,y,status", *patients("P{}")]) + "\n")
    Path("c.yaml").write_text(
        f"data: {{source: csv, path: t.csv, target: status, identifiers: {'[]' if count == 0 else '[patient_id]'}, split: {split}}}\n"
        "model: {layers: [Dense: {units: 2}]}\ntraining: {epochs: 1}\n"
    )
    dataset = load_dataset(load_config("c.yaml").data, seed=0)
    said = [note.text for note in dataset.notes if note.code == "owners_in_several_parts"]
    assert len(said) == count
    assert all("all rows of a patient_id (40 of them) have the same status" in text for text in said)


def test_numbers_have_no_classes_for_groups_to_keep_shares_of() -> None:
    Path("t.csv").write_text("\n".join(["patient_id,x,status,y", *patients("P{}")]) + "\n")
    config = (
        "data: {source: csv, path: t.csv, target: y, task: regression, split: {group: patient_id, test: 0.2, stratify: true}}"
    )
    Path("c.yaml").write_text(config + "\nmodel: {layers: [Dense: {units: 2}]}\ntraining: {epochs: 1}\n")
    with pytest.raises(ConfigError, match="there are no classes to stratify by"):
        load_dataset(load_config("c.yaml").data, seed=0)


def test_rows_without_an_answer_hide_nothing() -> None:
    rows = patients("P{}")
    rows[3] = rows[3].rsplit(",", 1)[0] + ","
    Path("t.csv").write_text("\n".join(["patient_id,x,y,status", *rows]) + "\n")
    Path("c.yaml").write_text(
        "data: {source: csv, path: t.csv, target: status, identifiers: patient_id, missing_target: drop, split: {test: 0.25}}\n"
        "model: {layers: [Dense: {units: 2}]}\ntraining: {epochs: 1}\n"
    )
    dataset = load_dataset(load_config("c.yaml").data, seed=0)
    assert "owners_in_several_parts" in [note.code for note in dataset.notes]


def test_the_column_whose_rows_stay_together_is_no_input() -> None:
    rng = np.random.default_rng(0)
    rows = [f"{shop},{x:.3f},{y:.3f},{'ab'[int(x * 2)]},{shop * shop % 30}" for shop in range(50) for x, y in rng.random((8, 2))]
    text = write("shop_id,price,sold,kind,size", rows, "size")
    assert "split: {group: shop_id" in text
    config = load_config("c.yaml")
    assert config.model.inputs
    assert "shop_id" not in str(config.model.inputs)
    assert not check_config(config).errors
