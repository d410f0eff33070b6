"""Rows that stand in the training part and in another one: said where they are more than chance makes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dltrain.checking.data_checks import check_data
from dltrain.config.load import load_config
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.load import load_dataset, read_raw
from dltrain.data.tables.fitting.copies import warn_of_same_files
from dltrain.errors import Note

Draw = Callable[[np.random.Generator, int], list[str]]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def measured(rng: np.random.Generator, count: int) -> list[str]:
    a, b, c = rng.normal(size=(3, count)).round(2)
    return [f"{x},{y},{z},{'red' if x > 0 else 'blue'},{x + y + z:.1f}" for x, y, z in zip(a, b, c, strict=True)]


def answered(rng: np.random.Generator, count: int) -> list[str]:
    a, b, c, d = rng.integers(0, 5, (4, count))
    return [f"{x},{y},{z},{'red' if w else 'blue'},{x % 2}" for x, y, z, w in zip(a, b, c, d, strict=True)]


def written(rng: np.random.Generator, count: int) -> list[str]:
    words = rng.integers(0, 500, (count, 9))
    return [f"{' '.join(f'word{word}' for word in row)},{row[0]},2,x,{row[0] % 2}" for row in words]


def said_of(rows: list[str], split: str = "{test: 0.25}", features: str = "[a, b, c, d]") -> list[Note]:
    Path("t.csv").write_text("\n".join(["a,b,c,d,y", *rows]) + "\n")
    Path("c.yaml").write_text(
        f"data: {{source: csv, path: t.csv, target: y, features: {features}, split: {split}}}\n"
        "model: {layers: [Dense: {units: 2}]}\ntraining: {epochs: 1}\n"
    )
    notes = load_dataset(load_config("c.yaml").data, seed=0).notes
    return [note for note in notes if note.code == "copies_in_several_parts"]


@pytest.mark.parametrize("stream", ["0", ""], ids=["streamed", "in memory"])
@pytest.mark.parametrize(
    ("draw", "features"), [(measured, "[a, b, c, d]"), (written, "{a: text}")], ids=["numbers", "one column of texts"]
)
def test_copies_are_said_with_their_number(draw: Draw, features: str, stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if stream:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", stream)
    rows = draw(np.random.default_rng(0), 400)
    rows += rows[:100]
    dataset_rows = np.array(rows)
    said = said_of(rows, features=features)
    parts = load_dataset(load_config("c.yaml").data, seed=0).parts
    train, test = (in_memory(part.row_file or part.row_ids) for part in (parts["train"], parts["test"]))
    count = int(np.isin(dataset_rows[test], dataset_rows[train]).sum())
    assert count > 20
    assert [note.text.partition(" (")[0] for note in said] == [f"{count} of the 125 rows of the test part"]
    assert said[0].level == "warning"


def test_rows_that_are_alike_by_chance_are_no_copies() -> None:
    rows = answered(np.random.default_rng(0), 600)
    assert len(set(rows)) < 400
    assert said_of(rows) == []


def test_rows_of_few_values_that_are_a_function_are_no_copies() -> None:
    rng = np.random.default_rng(4)
    rows = [f"{x},1,{z},w,{(x ^ z) + x}" for x, z in rng.integers(0, 4, (200, 2))]
    assert said_of(rows, features="[a, c]") == []
    assert said_of([f"{x},1,1,w,{2 * x}" for x in rng.integers(0, 23, 200)], features="[a]") == []


def test_copies_of_one_column_of_many_values_are_said() -> None:
    rng = np.random.default_rng(5)
    numbers = [f"{x:.4f},1,1,w,{2 * x:.2f}" for x in rng.normal(size=300)]
    assert len(said_of(numbers * 2, features="[a]")) == 1


def test_nothing_is_said_of_a_table_without_copies_or_whose_copies_are_kept_together() -> None:
    rows = measured(np.random.default_rng(0), 400)
    assert said_of(rows) == []
    copied = [f"{row},{number}" for number, row in enumerate(rows)]
    copied += copied[:100]
    text = [row.rsplit(",", 2)[0] + f" {row.rsplit(',', 1)[1]},{row.rsplit(',', 2)[1]}" for row in copied]
    assert said_of(text, "{group: d, test: 0.25}", "[a, b, c]") == []


def test_a_check_of_the_data_says_it_once() -> None:
    rows = measured(np.random.default_rng(0), 400)
    assert said_of([*rows, *rows[:100]])
    _, warnings, _ = check_data(load_config("c.yaml"))
    assert sum("of the test part" in warning.message for warning in warnings) == 1


def test_pictures_that_stand_in_two_parts_are_said_with_their_names() -> None:
    rng = np.random.default_rng(1)
    for part, count in (("train", 20), ("test", 10)):
        for name in ("cat", "dog"):
            Path("p", part, name).mkdir(parents=True)
            for number in range(count):
                Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(Path("p", part, name, f"{number}.png"))
    shutil.copy("p/train/cat/7.png", "p/test/cat/2.png")
    shutil.copy("p/train/cat/8.png", "p/train/cat/9.png")  # within a part
    Path("c.yaml").write_text(
        "data: {source: image_folder, path: p/train, test: p/test, image_size: [8, 8]}\n"
        "model: {layers: [Flatten]}\ntraining: {epochs: 1}\n"
    )
    config = load_config("c.yaml")
    said = [note for note in load_dataset(config.data, seed=0).notes if note.code == "copies_in_several_parts"]
    assert [note.text.partition(":")[0] for note in said] == [
        "1 file of the test part has the very content of files of the training part (test/cat/2.png = train/cat/7.png)"
    ]
    _, warnings, _ = check_data(config)
    assert sum("test/cat/2.png = train/cat/7.png" in warning.message for warning in warnings) == 1
    for limit in (None, 30):
        raw, _ = read_raw(replace(config.data, limit=limit), seed=0)
        known = [hashlib.blake2b(Path("p", name).read_bytes(), digest_size=20).hexdigest() for name in raw.names]
        assert list(raw.digests) == known


def test_folders_without_copies_say_nothing() -> None:
    assert warn_of_same_files((), (), {"train": np.arange(3)}) == []
    assert warn_of_same_files("abc", ("x", "y", "x"), {"train": np.array([0, 2]), "test": np.array([1])}) == []
    [note] = warn_of_same_files("abc", ("x", "y", "x"), {"train": np.array([0]), "test": np.array([1, 2])})
    assert "(c = a)" in note.text
