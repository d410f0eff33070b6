"""A folder of many files of one kind is one table, and is told in a few lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.checking.check import check_file
from dltrain.config import load_config
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.files import expand_paths, table_pattern
from dltrain.data.load import load_dataset
from dltrain.data.tables.combine import few_of
from dltrain.errors import DataError, Note, warn
from dltrain.starting.start import make_starter

FILES = 12


@pytest.fixture(params=["parquet", "csv"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Files of 5 rows, of which the n-th of all holds n."""
    made = tmp_path / "parts"
    made.mkdir()
    for number in range(FILES):
        first = 5 * number
        frame = polars.DataFrame({"x": np.arange(first, first + 5), "y": np.arange(first, first + 5) * 2.5})
        getattr(frame, f"write_{request.param}")(made / f"part-{number:03d}.{request.param}")
    (made / "_SUCCESS").touch()
    (tmp_path / "c.yaml").write_text(
        f"data: {{source: {request.param}, path: parts, target: y, task: regression, scale: none, split: {{test: 0.2}}}}\n"
        "model: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n"
    )
    return made


@pytest.mark.parametrize("streams", [False, True])
def test_it_is_one_table(folder: Path, streams: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(folder.parent / "cache"))
    if streams:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "10")
    config = load_config(folder.parent / "c.yaml")
    dataset = load_dataset(config.data, seed=1)
    rows = [in_memory(dataset.parts[name].inputs[dataset.schema.inputs[0].name])[:, 0] for name in ("train", "test")]
    assert sorted(np.concatenate(rows).tolist()) == list(range(5 * FILES))
    said = [line for line in dataset.summary if "part-" in line or "more files" in line]
    assert len(said) == 4
    assert "part-002" in said[2]
    assert said[3] == f"… and {FILES - 3} more files"


def test_init_names_its_files(folder: Path) -> None:
    text = make_starter(str(folder), target="y", folder=folder.parent).text
    assert f"parts/*{next(folder.glob('p*')).suffix}" in text
    (folder.parent / "made.yaml").write_text(text)
    assert not check_file(folder.parent / "made.yaml")[1].errors


def test_what_may_be_meant_otherwise_is_refused(folder: Path) -> None:
    suffix = next(folder.glob("part*")).suffix
    assert table_pattern(str(folder)) == f"{folder}/*{suffix}"
    (folder / "notes.txt").touch()
    assert len(expand_paths([str(folder)])) == FILES
    (folder / "more").mkdir()  # whose files are part of it, or not
    with pytest.raises(DataError, match="is a folder"):
        expand_paths([str(folder)])
    (folder / "more").rmdir()
    (folder / "other.csv.gz").touch()
    assert table_pattern(str(folder)) is None
    with pytest.raises(DataError) as caught:
        expand_paths([str(folder)])
    assert f"*{suffix}" in (caught.value.faults[0].hint or "")


def test_few_lines_are_said_of_each_kind() -> None:
    notes = [Note("a"), Note("b"), warn("w1", "odd"), Note("c"), warn("w2", "odd"), Note("d"), Note("e"), warn("v", "other")]
    kept = [note.text for note in few_of(notes)]
    assert kept == ["a", "b", "w1", "c", "w2", "… and 2 more files", "v"]
    assert [note.text for note in few_of([Note(letter) for letter in "abcd"])] == list("abcd")
    assert few_of([warn(letter, "odd") for letter in "abcde"])[3:] == [warn("… and 2 more like this", "odd")]
