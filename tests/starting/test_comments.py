"""Lines of comments before a table, of which the last may name its columns, and lines below it that are no rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import DataError
from dltrain.starting.start import make_starter

ROWS = [(row * 31 % 97 + 0.5, row * 7 % 13 - 0.25, row * 3 % 11 + 0.125) for row in range(60)]


def written(folder: Path, before: str, sign: str, comment: str = "") -> str:
    lines = [sign.join(map(str, row)) for row in ROWS]
    (folder / "t.csv").write_text(before + "\n".join([*lines[:40], *([comment] if comment else []), *lines[40:], ""]))
    return str(folder / "t.csv")


@pytest.mark.parametrize(
    ("before", "sign", "names"),
    [
        ("# x z y\n", " ", "xzy"),
        ("# made by a tool\n# for whom\nx z y\n", " ", "xzy"),
        ("# made by a tool\n#\n#  x   z y\n", "   ", "xzy"),
        ("# x,z,y\n", ",", "xzy"),
        ("# made, by a tool\nx,z,y\n", ",", "xzy"),
        ("# A\n\n# B\nx,z,y\n", ",", "xzy"),
        ("##made by a tool\n#x\tz\ty\n", "\t", "xzy"),
        ("% made by a tool\n% x;z;y\n", ";", "xzy"),
        ("# x [m] z y\n", " ", ("column_1", "column_2", "column_3")),
    ],
)
@pytest.mark.parametrize("comment", ["", "the mark"])
def test_the_table_below_comments_is_read(tmp_path: Path, before: str, sign: str, names: str, comment: str) -> None:
    file = written(tmp_path, before, sign, f"{before[0]} the second part" if comment else "")
    text = make_starter(file, target=names[-1] if len(names[0]) == 1 else "3").text
    dataset = load_dataset(load_config_text(text, folder=tmp_path).data, seed=0)
    assert f'comment: "{before[0]}"' in text
    preprocessing = dataset.preprocessing
    assert [column.name for column in preprocessing.features] == [*names[:2]]  # type: ignore[attr-defined]
    targets = np.concatenate([part.targets[names[-1]] for part in dataset.parts.values()])
    assert len(targets) == len(ROWS)
    assert np.corrcoef(np.sort(targets.ravel()), np.sort([row[2] for row in ROWS]))[0, 1] > 0.999999


@pytest.mark.parametrize("before", ["#x,z,y\n", "#,z,y\n"])
def test_a_header_may_begin_with_the_sign(tmp_path: Path, before: str) -> None:
    text = make_starter(written(tmp_path, before, ","), target="y").text
    assert "comment:" not in text
    assert f'"{before[: before.index(",")]}": number' in text


def test_rows_may_begin_with_the_sign(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("#12,3,4.5\n" + "".join(f"#{row * 17 % 53},{row % 5},{row % 7}.5\n" for row in range(60)))
    assert "comment:" not in make_starter(str(tmp_path / "t.csv"), target="3").text


@pytest.mark.parametrize(
    ("below", "marks"),
    [
        ("\nSource: office of statistics\n", ("Source:",)),
        ("(60 rows)\n", ("(60",)),
        ("# end\n", ("#",)),
        ("* estimated\n** provisional\n", ("*",)),
        ("Downloaded 2020-01-01 10:00", ("Downloaded",)),
        ("", None),
        ("Source: x\nNote: y\n", ("Source:", "Note:")),
        ("\n(1) revised\n(2) estimated\n\n(1) and (2): see there", ("(1)", "(2)")),
        ("1.5 is the mean\n", ("1.5 is the mean",)),
        ("1.5\n", ()),
    ],
    ids=["source", "count", "comment", "notes", "no line's end", "none", "of two kinds", "footnotes", "a number", "half a row"],
)
@pytest.mark.parametrize("sign", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_a12_lines_below_a_table_are_left_out_by_how_they_begin(
    below: str, marks: tuple[str, ...] | None, sign: str, tmp_path: Path
) -> None:
    rows = "".join(f"{row % 7}.5,{row % 11}.25,{row % 5}\n" for row in range(60))
    (tmp_path / "t.csv").write_text(("a,b,y\n" + rows).replace(",", sign) + below)
    if marks == ():
        with pytest.raises(DataError, match="fewer than the header names"):
            make_starter(str(tmp_path / "t.csv"), target="y", folder=tmp_path)
        return
    data = load_config_text(make_starter(str(tmp_path / "t.csv"), target="y", folder=tmp_path).text, folder=tmp_path).data
    assert data.comment == marks
    dataset = load_dataset(data, seed=0)
    assert sum(part.num_rows for part in dataset.parts.values()) == 60
    state, arrays = dataset.preprocessing.to_state()
    stored = TablePreprocessing.from_state(json.loads(json.dumps(state)), arrays)
    assert stored.text_options.get("comment") == marks
    assert read_part(stored, [str(tmp_path / "t.csv")], with_targets=True).num_rows == 60


def test_a_text_that_ends_over_several_lines_has_nothing_below(tmp_path: Path) -> None:
    rows = "".join(f'{row % 7}.5,{row % 5},"word {row}\nand no more"\n' for row in range(60))
    (tmp_path / "t.csv").write_text("a,y,said\n" + rows)
    data = load_config_text(make_starter(str(tmp_path / "t.csv"), target="y", folder=tmp_path).text, folder=tmp_path).data
    assert data.comment is None
