"""A line of units below the header is no row: left out and said, in every way of reading; and what looks like one is kept."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dltrain.config import load_config_text
from dltrain.data import load_dataset, read_part
from dltrain.data.sources import read_source
from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as
from tests.data.tables.test_writing import MODEL, columns

ROWS = [(round(70 + 3.7 * i % 11, 2), round(0.5 * i % 7, 1), i % 3) for i in range(24)]


def table(units: str, separator: str = ",", decimal: str = ".") -> str:
    lines = [separator.join("wvk"), units, *(separator.join(map(str, row)).replace(".", decimal) for row in ROWS)]
    return "\n".join(line for line in lines if line) + "\n"


@pytest.mark.parametrize(
    ("units", "separator", "decimal"),
    [
        ("kg,m/s,", ",", "."),
        ('"kg","m/s","-"', ",", "."),
        ("[kg];[m s-1];[-]", ";", ","),
        ("kg\tmm²\tn", "\t", "."),
        ("°C|%|h", "|", "."),
    ],
)
def test_a_line_of_units_is_no_row(units, separator, decimal, tmp_path):
    text = table(units, separator, decimal)
    found, dataset = columns(tmp_path, text, target="k")
    by_hand = pd.read_csv(io.StringIO(text), sep=separator, decimal=decimal, skiprows=[1])
    for name in ("w", "v", "k"):
        np.testing.assert_array_equal(found[name], by_hand[name].to_numpy(np.float32))
    assert [warning for warning in dataset.warnings if "units" in warning and "data.units_row: false" in warning]
    assert len(dataset.warnings) == 1
    assert dataset.resolved["data.units_row"] is True
    assert dataset.preprocessing.to_state()[0]["text_options"]["units_row"] is True


def test_streamed_it_is_the_same(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text(table("kg,m/s,n"))
    config = load_config_text(f"data: {{source: csv, path: t.csv, target: k, task: regression}}\n{MODEL}", folder=tmp_path).data
    assert_same(load_as(monkeypatch, IN_MEMORY, config), load_as(monkeypatch, STREAMED, config))


def test_faults_below_it_are_placed_in_the_file(tmp_path):
    text = table("kg,m/s,n").replace(f"{ROWS[5][0]},", "x,", 1)
    line = text.split("\n").index(next(row for row in text.split("\n") if row.startswith("x,"))) + 1
    with pytest.raises(Exception, match="holds 'x'") as caught:
        columns(tmp_path, text, "features: {w: number, v: number}", target="k")
    assert caught.value.faults[0].line == line


def test_rows_for_a_stored_run_come_with_it_or_without(tmp_path):
    (tmp_path / "t.csv").write_text(table("kg,m/s,n"))
    config = load_config_text(f"data: {{source: csv, path: t.csv, target: k, task: regression}}\n{MODEL}", folder=tmp_path).data
    stored = load_dataset(config, seed=0).preprocessing
    for text, rows in (("w,v\nkg,m/s\n70,1\n", 1), ("w,v\n70,1\n71,2\n", 2), ("w,v\n,\n71,2\n", 2)):
        (tmp_path / "new.csv").write_text(text)
        assert read_part(stored, [str(tmp_path / "new.csv")], with_targets=False).num_rows == rows


@pytest.mark.parametrize(
    "text",
    [
        "name,age,height\nBob,unknown,unknown\nAl,3,4\nCy,5,6\nDi,6,7\n",
        "name,age\nBob,young\nAl,3\nCy,5\nDi,6\n",
        "sex,x\nm,\nf,2\nm,3\nf,4\n",
        "a,b\nkg,m\nkg,cm\ng,m\ng,m\n",
        "x,c\n,\n2,b\n3,c\n4,d\n",
        "a,b\nkg,m\n1,2\n",
    ],
)
def test_a_row_of_words_may_be_a_row(text, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    frame = pd.read_csv(io.StringIO(text))
    config = load_config_text(f"data: {{source: csv, path: t.csv, task: reconstruction}}\n{MODEL}", folder=tmp_path).data
    raw = read_source(config, seed=0, reporter=Reporter())
    assert raw.frame.height == len(frame)
    assert not [note for note in raw.notes if "below the header" in note.text]


def test_the_key_decides(tmp_path):
    text = "a,b\nHow old?,How tall?\n" + "".join(f"{i},{i * i}\n" for i in range(9))
    (tmp_path / "t.csv").write_text(text)
    for option, height, hint in (("", 10, True), (", units_row: true", 9, False), (", units_row: false", 10, False)):
        data = f"data: {{source: csv, path: t.csv, task: reconstruction{option}}}\n{MODEL}"
        raw = read_source(load_config_text(data, folder=tmp_path).data, seed=0, reporter=Reporter())
        assert raw.frame.height == height
        assert any("data.units_row: true" in note.text and "data.skip: 1" in note.text for note in raw.notes) == hint


def test_init_writes_it_down(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(table("kg,m/s,N"))
    assert "units_row: true" in make_starter("t.csv", target="k").text


STOCKS = "Price,Close,High,Volume\nTicker,AAPL,AAPL,AAPL\nDate,,,\n"
SURVEY = (
    "StartDate,Q1,Q2,Q3\nStart Date,How old are you?,How tall are you?,Say more\n"
    '"{""ImportId"":""startDate""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2""}","{""ImportId"":""QID3""}"\n'
)


def several(head: str, num_rows: int = 40) -> str:
    texts = [f"2020-01-{row % 28 + 1:02},{row},{row * 7 % 31}.5,{row * 11 % 17}" for row in range(num_rows)]
    return head + "".join(f"{line}\n" for line in texts)


@pytest.mark.parametrize("head", [STOCKS, SURVEY], ids=["stocks", "survey"])
def test_several_lines_below_the_header_are_no_rows(head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text(several(head))
    names = head.split("\n")[0].split(",")
    text = f"data: {{source: csv, path: t.csv, target: {names[2]}, task: regression, scale: none, scale_target: false}}\n{MODEL}"
    config = load_config_text(text, folder=tmp_path).data
    dataset = load_as(monkeypatch, IN_MEMORY, config)
    assert_same(dataset, load_as(monkeypatch, STREAMED, config))
    assert dataset.resolved["data.units_row"] is True
    assert dataset.resolved["data.features"][names[0]] == "date"
    (said,) = [warning for warning in dataset.warnings if "below the header" in warning]
    assert said.startswith("what stands in 2 lines below the header of ")
    assert f"t.csv ({head.split(chr(10))[1].split(',')[0]}, " in said
    by_hand = pd.read_csv(tmp_path / "t.csv", skiprows=[1, 2])
    assert sum(part.num_rows for part in dataset.parts.values()) == len(by_hand)
    # The very file for the run, and rows without such lines.
    for written in (several(head), several(f"{','.join(names)}\n")):
        (tmp_path / "new.csv").write_text(written)
        part = read_part(dataset.preprocessing, [str(tmp_path / "new.csv")], with_targets=True)
        np.testing.assert_array_equal(np.concatenate(list(part.targets.values())), by_hand[names[2]].to_numpy(np.float32))
    assert "units_row: true" in make_starter(str(tmp_path / "t.csv"), target=names[2]).text


@pytest.mark.parametrize(
    "head", ["a,b,c,d\nx,off,off,off\nx,off,off,off\n", "a,b,c,d\nx,,,\ny,,,\n", "a,b,c,d\nx,none,none,none\ny,1,2,3\n"]
)
def test_several_lines_that_may_be_rows_are_kept(head: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(several(head).replace("2020", "z"))
    config = load_config_text(f"data: {{source: csv, path: t.csv, task: reconstruction}}\n{MODEL}", folder=tmp_path).data
    raw = read_source(config, seed=0, reporter=Reporter())
    assert raw.frame.height == 42
