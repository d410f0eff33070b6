"""`data.preprocessing`: other rows become the numbers that the run would make of them, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data.dataset import Dataset
from dltrain.data.load import load_dataset
from dltrain.data.look import read_facts
from dltrain.data.new_rows import read_part
from dltrain.errors import ConfigError, DataError, DltrainError
from tests.support import shared_data

NAMES = [
    "age", "workclass", "weight", "education", "years", "status", "occupation", "relation", "race", "sex", "gain", "loss",
    "hours", "country", "income",
]  # fmt: skip


def config(folder: Path, text: str, *, kept: bool = False) -> DataConfig:
    said = f"data: {{{text}{', preprocessing: first' if kept else ''}}}\nmodel: {{layers: [Flatten]}}\n"
    return load_config_text(said, file="config.yaml", folder=folder).data


def learn(folder: Path, text: str) -> Dataset:
    """A run's preprocessing, in `first`."""
    dataset = load_dataset(config(folder, text), seed=1)
    (folder / "first").mkdir(exist_ok=True)
    (folder / "first" / "manifest.json").write_text('{"status": "running"}')
    dataset.preprocessing.save(folder / "first")
    return dataset


def assert_as_predicted(first: Dataset, second: Dataset, file: Path) -> None:
    """All rows of a file, in whichever part they are, are what `predict` makes of them."""
    rows = read_part(first.preprocessing, [str(file)], with_targets=False)
    for part in second.parts.values():
        for name, values in rows.inputs.items():
            np.testing.assert_array_equal(np.asarray(part.inputs[name]), np.asarray(values)[part.row_ids])


def adult(folder: Path) -> tuple[Path, Path]:
    """Two files of rows of the census."""
    source = shared_data("tabular/adult/adult-train.csv")
    rows = polars.read_csv(source, has_header=False, new_columns=NAMES, n_rows=3000).with_columns(
        polars.col(polars.String).str.strip_chars()
    )
    rows[:2000].write_csv(folder / "a.csv")
    rows[2000:].write_csv(folder / "b.csv")
    return folder / "a.csv", folder / "b.csv"


@pytest.mark.parametrize("streamed", [False, True])
def test_census_rows_are_as_the_run_reads_them(streamed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, other = adult(tmp_path)
    text = "source: csv, path: {}, target: income, split: {{test: 0.2}}, scale: robust"
    first = learn(tmp_path, text.format("a.csv"))
    if streamed:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "1000")
        monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    second = load_dataset(config(tmp_path, text.format("b.csv"), kept=True), seed=1)
    anew = load_dataset(config(tmp_path, text.format("b.csv")), seed=1)
    assert second.schema == first.schema != anew.schema
    assert sum(part.num_rows for part in second.parts.values()) == 1000
    monkeypatch.delenv("DLTRAIN_STREAM_BYTES", raising=False)
    assert_as_predicted(first, second, other)
    for name, part in anew.parts.items():  # of what is learnt nothing has changed
        np.testing.assert_array_equal(part.targets["income"], second.parts[name].targets["income"])
        np.testing.assert_array_equal(part.row_ids, second.parts[name].row_ids)
    assert second.kept is not None
    assert set(second.kept["files"]) == {"preprocessing.json", "preprocessing.npz"}
    facts = read_facts(config(tmp_path, text.format("b.csv"), kept=True), seed=1)
    assert facts.schema == first.schema
    assert not facts.errors


def test_numbers_to_foretell_keep_their_scale_and_others_get_one(tmp_path: Path) -> None:
    adult(tmp_path)
    first = learn(tmp_path, "source: csv, path: a.csv, target: hours, drop: [income]")
    same = load_dataset(config(tmp_path, "source: csv, path: b.csv, target: hours", kept=True), seed=1)
    raw = polars.read_csv(tmp_path / "b.csv")
    [spec], [was] = same.schema.targets, first.schema.targets
    assert (spec.mean, spec.scale) == (was.mean, was.scale)
    stored = (raw["hours"].to_numpy() - was.mean) / was.scale
    np.testing.assert_array_equal(same.parts["train"].targets["hours"], stored.astype(np.float32))
    other = load_dataset(config(tmp_path, "source: csv, path: b.csv, target: income", kept=True), seed=1)
    assert other.schema.inputs == first.schema.inputs
    assert other.schema.targets[0].classes == ("<=50K", ">50K")
    assert any("another than that of first" in line for line in other.summary)
    log = config(tmp_path, "source: csv, path: b.csv, target: hours, scale_target: log", kept=True)
    assert any("scaled anew" in line for line in load_dataset(log, seed=1).summary)


def test_a_vocabulary_is_kept_for_other_labels(tmp_path: Path) -> None:
    source = shared_data("text/ag_news_test/test.csv")
    rows = polars.read_csv(source, has_header=False, new_columns=["topic", "title", "story"], n_rows=900)
    rows = rows.with_columns(polars.col("topic").cast(polars.String).replace({"1": "a", "2": "b", "3": "c", "4": "d"}))
    rows[:500].write_csv(tmp_path / "a.csv")
    rows[500:].write_csv(tmp_path / "b.csv")
    rows[500:].with_columns(
        polars.when(polars.col("topic") == "a").then(polars.lit("a")).otherwise(polars.lit("x")).alias("topic")
    ).write_csv(tmp_path / "c.csv")
    text = "source: csv, path: {}, target: topic, features: {{title: text}}"
    first = learn(tmp_path, text.format("a.csv"))
    second = load_dataset(config(tmp_path, text.format("b.csv"), kept=True), seed=1)
    assert second.schema == first.schema
    assert_as_predicted(first, second, tmp_path / "b.csv")
    assert any("left out, which first does not know: story" in line for line in second.summary)
    third = load_dataset(config(tmp_path, text.format("c.csv"), kept=True), seed=1)
    assert third.schema.inputs == first.schema.inputs
    assert third.schema.targets[0].classes == ("a", "x")
    assert any("not those of first (a, b, c, d)" in line for line in third.summary)


def test_pictures_keep_the_scale_of_each_pixel(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, labels in (("a", ["cat", "dog"]), ("b", ["dog", "cat"]), ("c", ["dog", "fox"])):
        inputs = random.normal(size=(20, 4, 4, 1)) * (3 if name == "a" else 1)
        np.savez(tmp_path / f"{name}.npz", x=inputs, y=np.array(labels * 10), z=inputs[:, :3])
    text = "source: npz, path: {}.npz, inputs: {}, targets: y, task: classification, scale: standard"
    first = learn(tmp_path, text.format("a", "x"))
    second = load_dataset(config(tmp_path, text.format("b", "x"), kept=True), seed=1)
    preprocessing: Any = first.preprocessing
    pixels = np.load(tmp_path / "b.npz")["x"]
    expected = ((pixels - preprocessing.center) / preprocessing.spread).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(second.parts["train"].inputs["image"]), expected)
    assert second.schema == first.schema
    assert load_dataset(config(tmp_path, text.format("c", "x"), kept=True), seed=1).schema.targets[0].classes == ("dog", "fox")
    with pytest.raises(ConfigError, match="3x4x1 here and 4x4x1 in first"):
        load_dataset(config(tmp_path, text.format("b", "z"), kept=True), seed=1)


def test_windows_of_other_times_keep_their_scale(tmp_path: Path) -> None:
    days = polars.date_range(polars.date(2024, 1, 1), polars.date(2024, 4, 9), eager=True)
    values = np.sin(np.arange(100) / 3) * 5 + np.arange(100)
    frame = polars.DataFrame({"day": days, "sold": values, "price": np.cos(np.arange(100))})
    frame[:60].write_csv(tmp_path / "a.csv")
    frame[60:].write_csv(tmp_path / "b.csv")
    text = "source: csv, path: {}, target: sold, series: {{time: day, history: 5, horizon: {}}}"
    first = learn(tmp_path, text.format("a.csv", 2))
    second = load_dataset(config(tmp_path, text.format("b.csv", 2), kept=True), seed=1)
    assert second.schema == first.schema
    windows = read_part(first.preprocessing, [str(tmp_path / "b.csv")], with_targets=True)
    np.testing.assert_array_equal(np.asarray(second.parts["train"].inputs["features"]), windows.inputs["features"])
    for name, values in windows.targets.items():
        np.testing.assert_array_equal(second.parts["train"].targets[name], values)
    further = load_dataset(config(tmp_path, text.format("b.csv", 3), kept=True), seed=1)  # other forecasts of the same windows
    assert further.schema.inputs == first.schema.inputs
    with pytest.raises(ConfigError, match=r"data\.series\.history: .* something else \(5\)"):
        load_dataset(config(tmp_path, text.format("b.csv", 2).replace("history: 5", "history: 4"), kept=True), seed=1)


def test_steps_are_the_runs_and_dates_are_read_as_they_are_written(tmp_path: Path) -> None:
    rows = [(f"2024-01-{day:02}", f"{day % 7}", f"{day * day % 11}", "yes" if day % 3 else "no") for day in range(1, 29)]
    lines = {name: [",".join((write(row[0]), *row[1:])) for row in part] for name, part, write in (
        ("a", rows[:14], lambda day: day), ("b", rows[14:], lambda day: f"{day[8:]}.01.2024"),
    )}  # fmt: skip
    for name, body in lines.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["day,u,v,ok", *body, ""]))
    text = "source: csv, path: {}.csv, target: ok, features: {{day: date, u: number, v: number}}, transform: [PCA: {{n_components: 2}}]"
    first = learn(tmp_path, text.format("a"))
    second = load_dataset(config(tmp_path, text.format("b"), kept=True), seed=1)
    assert second.schema.inputs == first.schema.inputs
    iso = tmp_path / "iso.csv"
    iso.write_text("\n".join(["day,u,v,ok", *(",".join(row) for row in rows[14:]), ""]))
    assert_as_predicted(first, second, iso)
    assert read_facts(config(tmp_path, text.format("b"), kept=True), seed=1).schema == second.schema


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("target: y, scale: minmax", r"data\.scale: .*first has learnt, where this is something else"),
        ("target: y, features: [u, w]", r"data\.features\.w: w is no feature of first.*"),
        ("target: y, features: {u: category, v: number}", r"data\.features\.u: u is a number in first"),
        ("target: y, features: [u]", r"data\.features: first, whose preprocessing is kept, learns from v as well"),
        ("target: u", r"data\.target: u is a feature of first"),
        ("target: y, weight: v", r"data\.weight: v is a feature of first"),
        ("target: y, drop: [v]", r"data\.drop: v is a feature of first"),
    ],
)
def test_what_contradicts_the_run_is_told_at_its_key(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,v,y\n" + "\n".join(f"{row},{row % 7 / 3},{'ab'[row % 2]}" for row in range(20)))
    (tmp_path / "b.csv").write_text(
        "u,v,w,y\n" + "\n".join(f"{row},{row % 5 / 3},{row % 4},{'ab'[row % 2]}" for row in range(20))
    )
    learn(tmp_path, "source: csv, path: a.csv, target: y")
    (tmp_path / "first" / "config.yaml").write_text("data: {source: csv, path: a.csv, target: y}\nmodel: {layers: [Flatten]}\n")
    with pytest.raises(ConfigError) as caught:
        load_dataset(config(tmp_path, f"source: csv, path: b.csv, {text}", kept=True), seed=1)
    import re

    assert re.search(message, "\n".join(map(str, caught.value.faults)))
    assert all(fault.file == "config.yaml" and fault.line for fault in caught.value.faults)


def test_columns_that_are_not_there_or_hold_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,v,y\n" + "\n".join(f"{row},{row % 7 / 3},{'ab'[row % 2]}" for row in range(20)))
    learn(tmp_path, "source: csv, path: a.csv, target: y")
    (tmp_path / "b.csv").write_text("u,vv,y\n1,2,a\n2,3,b\n3,4,a\n")
    with pytest.raises(DataError, match="has no column v, from which first learns") as caught:
        load_dataset(config(tmp_path, "source: csv, path: b.csv, target: y", kept=True), seed=1)
    assert (caught.value.faults[0].path, caught.value.faults[0].line) == ("data.preprocessing", 1)
    assert 'did you mean "vv"?' in (caught.value.faults[0].hint or "")
    (tmp_path / "b.csv").write_text("u,v,y\n1,2,a\n2,many,b\n3,4,a\n")
    with pytest.raises(DataError, match="v") as caught:
        load_dataset(config(tmp_path, "source: csv, path: b.csv, target: y", kept=True), seed=1)
    assert caught.value.faults[0].line == 3
    with pytest.raises(ConfigError, match="was trained on a table, this is pictures"):
        load_dataset(config(tmp_path, "source: digits, scale: unit", kept=True), seed=1)


def test_a_preprocessing_that_cannot_be_read_is_told_at_the_key(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,v,y\n" + "\n".join(f"{row},{row % 7 / 3},{'ab'[row % 2]}" for row in range(20)))
    learn(tmp_path, "source: csv, path: a.csv, target: y")
    block = config(tmp_path, "source: csv, path: a.csv, target: y", kept=True)
    (tmp_path / "first" / "manifest.json").write_text('{"status": "finished", "files": {"preprocessing.npz": "0"}}')
    with pytest.raises(DltrainError, match="was changed since the run ended"):
        load_dataset(block, seed=1)
    (tmp_path / "first" / "manifest.json").unlink()
    (tmp_path / "first" / "preprocessing.json").write_text("{")
    with pytest.raises(ConfigError, match=r"data\.preprocessing: the preprocessing of .*first cannot be kept: damaged"):
        load_dataset(block, seed=1)
    with pytest.raises(ConfigError, match="expected a run"):
        config(tmp_path, "source: csv, path: a.csv, target: y, preprocessing: elsewhere")
