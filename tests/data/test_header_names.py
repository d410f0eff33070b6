"""Names of columns in a header, with blanks around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Dataset
from dltrain.data.new_rows import read_part
from dltrain.errors import DataError
from tests.data.streaming import IN_MEMORY, STREAMED, load_as

BOTH = pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])


def named(folder: Path, monkeypatch: pytest.MonkeyPatch, bound: str, header: str, **options: object) -> Dataset:
    """A table of two features and a target under a header, its preprocessing put through its own file as well."""
    monkeypatch.setenv("DLTRAIN_CACHE", str(folder / "cache"))
    path = folder / "t.csv"
    path.write_text(header + "\n" + "\n".join(f"{row % 7},{row % 5},{row % 11 / 3:.2f}" for row in range(60)))
    config = DataConfig("csv", path=(str(path),), **{"target": ("y",), "split": SplitConfig(test=0.25), **options})  # type: ignore[arg-type]
    dataset = load_as(monkeypatch, bound, config)
    part = read_part(dataset.preprocessing, [str(path)], with_targets=True)
    rows = in_memory(dataset.parts["train"].inputs["features"])
    assert {row.tobytes() for row in rows} <= {row.tobytes() for row in part.inputs["features"]}
    return dataset


@BOTH
def test_f11_columns_that_differ_by_blanks_are_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    dataset = named(tmp_path, monkeypatch, bound, 'a," a",y')
    assert dataset.schema.inputs[0].columns == ("a", " a")
    assert list(dataset.resolved["data.features"]) == ["a", " a"]
    assert named(tmp_path, monkeypatch, bound, "a,a ,y", drop=("a",)).schema.inputs[0].columns == ("a ",)


@BOTH
def test_f11_blanks_around_a_name_are_left_out_and_said_unless_it_is_written_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    dataset = named(tmp_path, monkeypatch, bound, '" a",b ,y')
    assert dataset.schema.inputs[0].columns == ("a", "b")
    assert "blanks around names of columns left out" in " ".join(dataset.summary)
    spoken = named(tmp_path, monkeypatch, bound, '" a",b ," y"', features={" a": None}, target=(" y",))
    assert spoken.schema.inputs[0].columns == (" a",)
    assert spoken.schema.targets[0].name == " y"
    assert "around names" in " ".join(spoken.summary)  # of b, which nobody names


def test_f11_a_name_that_stands_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="the column name 'a' stands at 1 and again at 2"):
        named(tmp_path, monkeypatch, IN_MEMORY, "a,a,y")
    with pytest.raises(DataError, match="the column name 'a ' stands at 1 and again at 2"):
        named(tmp_path, monkeypatch, IN_MEMORY, "a ,a ,y")
