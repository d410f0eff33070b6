"""A table that is streamed gives what the same table held in memory gives: rows, parts, statistics, numbers, faults."""

import bz2
import dataclasses
import gzip
import random
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.raw import RawTable
from dltrain.data.stored import load_preprocessing
from dltrain.errors import DataError, Note
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, error_of, load_as, small_chunks
from tests.data.tables.test_real_tables import ADULT
from tests.support import shared_data

HEADER = "age,color,when,ok,id,late,y,w,part,group\n"
ROWS = [
    f"{'' if i % 11 == 0 else i % 37 + i / 8},{'rgb'[i % 3] if i % 7 else 'NA'},2020-0{i % 9 + 1}-1{i % 10},{'true' if i % 5 else 'false'},"
    f"{i + 1},{'' if i < 150 else i % 4},{'yn'[i % 2]},{i % 3},{'train' if i % 4 else 'test'},g{i % 23}\n"
    for i in range(300)
]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 1000)


def config(path: Path, **options: object) -> DataConfig:
    given = {"target": ("y",), "drop": ("w", "part", "group"), "split": SplitConfig(test=0.25, validation=0.2), **options}
    return DataConfig("csv", path=(str(path),), **given)  # type: ignore[arg-type]


def write(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"split": SplitConfig()},
        {"encode": "embedding", "scale": {"age": "quantile"}},
        {"scale": "minmax", "impute": "mean", "limit": 120},
        {"scale": "robust", "impute": "most_frequent", "weight": "w"},
        {"scale": "smooth_clip"},
        {"scale": "none", "impute": 3.0, "features": {"age": None, "ok": "category", "id": "number", "when": "date"}, "drop": ()},
        {"features": {"age": None, "late": None}, "drop": ()},
        {"target": ("w",)},
        {"target": ("w",), "task": "classification"},
        {"target": ("age",), "features": {"color": None}, "drop": (), "missing": ("",), "limit": 0},
        {"target": ("y", "id")},
        {"split": SplitConfig(column="part"), "drop": ("w", "group")},
        {"split": SplitConfig(group="group", test=0.3), "drop": ("w", "part")},
        {"split": SplitConfig(time="when", test=0.3)},
        {"replace": {"color": {"r": "g"}, "age": {"12.0": "13.0"}}},
        {"missing": ("9", "r")},
        {"task": "reconstruction", "target": (), "drop": ("y", "w", "part", "group", "color")},
        {"identifiers": ("id",)},
    ],
    ids=str,
)
def test_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object]) -> None:
    if options.get("limit") == 0:  # rows whose target has no value are an error: take a target that is always there
        options = {**options, "target": ("w",), "limit": 200}
    given = config(write(tmp_path, HEADER + "".join(ROWS)), **options)
    assert_same(load_as(monkeypatch, IN_MEMORY, given), load_as(monkeypatch, STREAMED, given))


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("blanks.csv", (HEADER + "".join(ROWS)).replace(",", ", ").encode(), {}),
        ("gaps.csv", (HEADER + "\n  \n".join(ROWS)).encode(), {}),
        ("windows.csv", (HEADER + "".join(ROWS)).replace("\n", "\r\n").encode(), {}),
        ("macintosh.csv", (HEADER + "".join(ROWS)).replace("\n", "\r").encode(), {}),
        ("unfinished.csv", (HEADER + "".join(ROWS)).encode()[:-1], {}),
        ("mark.csv", b"\xef\xbb\xbf" + (HEADER + "".join(ROWS)).encode(), {}),
        ("wide.csv", (HEADER + "".join(ROWS)).encode("utf-16"), {}),
        ("wider.csv", (HEADER + "".join(ROWS)).encode("utf-32"), {}),
        ("accents.csv", (HEADER + "".join(ROWS)).replace("r,", "é,").encode("latin-1"), {"encoding": "latin-1"}),
        ("accents8.csv", (HEADER + "".join(ROWS)).replace("r,", "é,").encode(), {}),
        ("packed.csv.gz", gzip.compress((HEADER + "".join(ROWS)).encode()), {}),
        ("packed.csv.bz2", bz2.compress((HEADER + "".join(ROWS)).encode()), {}),
        ("german.csv", (HEADER + "".join(ROWS)).replace(",", ";").replace(".", ",").encode(), {}),
        ("quoted.csv", "".join(f'"{row[:-1]}"\n' for row in [HEADER, *ROWS]).replace(",", '","').encode(), {}),
        ("lines.csv", (HEADER + "".join(ROWS)).replace(",r,", ',"r\nr, ""r""",').encode(), {}),
        ("headless.csv", "".join(ROWS).encode(), {"columns": tuple(HEADER.strip().split(","))}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ways_of_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, options: dict[str, object]
) -> None:
    given = config(write(tmp_path, content, name), **options)
    assert_same(load_as(monkeypatch, IN_MEMORY, given), load_as(monkeypatch, STREAMED, given))


def row(number: int, text: str) -> str:
    return HEADER + "".join([*ROWS[:number], text, *ROWS[number + 1 :]])


@pytest.mark.parametrize(
    "text",
    [
        row(250, "1,r\n"),
        row(250, ROWS[250].replace("\n", ",5\n")),
        HEADER + "".join(line.replace("\n", ",5\n") for line in ROWS),
        row(250, ROWS[250].replace("g,", '"g,')),
        row(250, ROWS[250].replace(",g,", ',"g" h,')),
        row(250, ROWS[250].replace("g,", "g\0,")),
        row(250, ROWS[250].replace(",n,", ",,").replace(",y,", ",,")),
        row(250, ROWS[250].replace(",n,", ",z,").replace(",y,", ",z,")),
        HEADER,
        "",
        HEADER.replace("color", "age") + "".join(ROWS),
    ],
    ids=["short", "long", "all long", "open quote", "text after a quote", "NUL", "no target", "label of one row",
         "header only", "empty", "a name twice"],
)  # fmt: skip
def test_faults_are_those_of_the_table_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    given = config(write(tmp_path, text.encode(errors="surrogateescape")))
    expected, found = error_of(monkeypatch, IN_MEMORY, given), error_of(monkeypatch, STREAMED, given)
    assert type(found) is type(expected)
    messages = [fault.message.replace("the file is damaged here", "") for fault in expected.faults]
    assert [fault.message.replace("the file is damaged here", "") for fault in found.faults] == messages or "NUL" in messages[0]
    assert [(f.file, f.line, f.column) for f in found.faults] == [(f.file, f.line, f.column) for f in expected.faults]
    assert not list((tmp_path / "cache" / "streamed").glob("*.tmp"))


@pytest.mark.parametrize("word", ["x", "inf", "2020-13-01"])
def test_surprises_after_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    small_chunks(monkeypatch, 20_000)
    lines = [f"{i % 7 / 2},2020-01-0{i % 9 + 1},{i % 3}\n" for i in range(10_500)]
    for number in range(10_200, 10_215):
        column = 1 if word.startswith("2020") else 0
        cells = lines[number].strip().split(",")
        cells[column] = word
        lines[number] = ",".join(cells) + "\n"
    given = config(write(tmp_path, "a,day,y\n" + "".join(lines)), drop=())
    expected, found = error_of(monkeypatch, IN_MEMORY, given), error_of(monkeypatch, STREAMED, given)
    assert found.faults == expected.faults
    assert [fault.line for fault in found.faults[:2]] == [10_202, 10_203]
    assert found.faults[-1].message == "and 5 more"
    # The conversion is kept, and what is wrong with it.
    assert error_of(monkeypatch, STREAMED, given).faults == expected.faults


def test_target_of_numbers_with_a_word_among_them_classifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_chunks(monkeypatch, 20_000)
    lines = [f"{i % 7},{'other' if i > 10_100 else i % 3}\n" for i in range(10_300)]
    given = config(write(tmp_path, "a,y\n" + "".join(lines)), drop=())
    streamed = load_as(monkeypatch, STREAMED, given)
    assert streamed.schema.targets[0].classes == ("0", "1", "2", "other")
    assert_same(load_as(monkeypatch, IN_MEMORY, given), streamed)


def test_number_that_names_the_rows_up_to_the_sample_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_chunks(monkeypatch, 20_000)
    lines = [f"{i % 10_000},{i % 7},{i % 2}\n" for i in range(10_300)]
    given = config(write(tmp_path, "order,a,y\n" + "".join(lines)), drop=())
    streamed = load_as(monkeypatch, STREAMED, given)
    assert set(streamed.resolved["data.features"]) == {"order", "a"}
    assert_same(load_as(monkeypatch, IN_MEMORY, given), streamed)


def test_rows_that_are_ragged_both_ways_in_one_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fields of all rows together are as many as they should be, and the last columns are not used."""
    small_chunks(monkeypatch, 1 << 20)
    lines = ["1,2,a,4,5\n", "2,3,b,1,2\n"] * 6000
    lines[11_000] = "1,2,a,4\n"
    lines[11_001] = "1,2,a,4,5,6\n"
    given = config(write(tmp_path, "p,q,y,r,s\n" + "".join(lines)), drop=("r", "s"))
    found = error_of(monkeypatch, STREAMED, given)
    assert found.faults == error_of(monkeypatch, IN_MEMORY, given).faults
    assert [fault.line for fault in found.faults] == [11_002, 11_003]


def test_ragged_rows_of_all_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = write(tmp_path, row(7, "1\n"), "one.csv"), write(tmp_path, row(9, "1\n"), "two.csv")
    given = DataConfig("csv", path=(str(one), str(two)), target=("y",))
    found = error_of(monkeypatch, STREAMED, given)
    assert [(Path(str(fault.file)).name, fault.line) for fault in found.faults] == [("one.csv", 9), ("two.csv", 11)]


def test_files_of_their_own_for_parts_with_columns_in_another_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write(tmp_path, HEADER + "".join(ROWS[:100]), "a.csv"), write(tmp_path, HEADER + "".join(ROWS[100:200]), "b.csv")]
    frame = polars.read_csv("".join([HEADER, *ROWS[200:]]).encode(), infer_schema=False)
    frame.select(frame.columns[::-1]).with_columns(extra=polars.lit("e")).write_csv(tmp_path / "c.csv")
    given = DataConfig(
        "csv", path=tuple(map(str, paths)), test=(str(tmp_path / "c.csv"),), target=("y",), split=SplitConfig(validation=0.1)
    )
    streamed = load_as(monkeypatch, STREAMED, given)
    assert any("extra" in warning for warning in streamed.warnings)
    assert_same(load_as(monkeypatch, IN_MEMORY, given), streamed)


@pytest.mark.parametrize(
    "options", [{"features": {"age": None, "whole": "category", "id": "category"}}, pytest.param({}, marks=pytest.mark.slow)]
)
def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object]) -> None:
    frame = polars.read_csv((HEADER + "".join(ROWS)).encode(), try_parse_dates=True, null_values=["NA"])
    frame = frame.with_columns(whole=polars.int_range(300).cast(polars.Float64) % 5)
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=70)
    given = DataConfig("parquet", path=(str(tmp_path / "t.parquet"),), target=("y",), split=SplitConfig(test=0.2), **options)  # type: ignore[arg-type]
    small_chunks(monkeypatch, 50)
    assert_same(load_as(monkeypatch, IN_MEMORY, given), load_as(monkeypatch, STREAMED, given))


def test_stored_preprocessing_and_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluating a stored run reads nothing but the cache; its resolved config, too, finds what the first one left there."""
    given = config(write(tmp_path, HEADER + "".join(ROWS)))
    fitted = load_as(monkeypatch, STREAMED, given)
    fitted.preprocessing.save(tmp_path)
    folders = sorted((tmp_path / "cache" / "streamed").glob("[rt]*"))
    assert [folder.name.partition("-")[0] for folder in folders] == ["rows", "table"]
    stamps = [folder.stat().st_mtime_ns for folder in folders]
    monkeypatch.setattr("dltrain.data.tables.streamed.convert._Conversion.run", pytest.fail)
    monkeypatch.setattr("dltrain.data.tables.streamed.rows._RowWriter.run", pytest.fail)
    stored = load_preprocessing(tmp_path)
    again = load_as(monkeypatch, STREAMED, given, stored)
    resolved = config(
        tmp_path / "t.csv", features=fitted.resolved["data.features"], separator=fitted.resolved["data.separator"], decimal="."
    )
    for dataset in (again, load_as(monkeypatch, STREAMED, resolved)):
        assert dataset.fingerprint == fitted.fingerprint
        for name, part in dataset.parts.items():
            assert in_memory(part.inputs["features"]).tobytes() == in_memory(fitted.parts[name].inputs["features"]).tobytes()
            np.testing.assert_array_equal(part.targets["y"], fitted.parts[name].targets["y"])
    assert [folder.stat().st_mtime_ns for folder in folders] == stamps


def test_changed_file_is_converted_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, HEADER + "".join(ROWS))
    before = load_as(monkeypatch, STREAMED, config(path))
    write(tmp_path, HEADER + "".join(ROWS[:280]))
    after = load_as(monkeypatch, STREAMED, config(path))
    assert before.fingerprint != after.fingerprint
    assert sum(part.num_rows for part in after.parts.values()) == 280


def test_reason_is_said_and_small_files_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = config(write(tmp_path, HEADER + "".join(ROWS)))
    streamed = load_as(monkeypatch, "10000", given)
    assert "streamed from disk while training: 0 MB of text are more than the 0 MB that are held in memory" in streamed.summary
    monkeypatch.delenv("DLTRAIN_STREAM_BYTES")
    from dltrain.data import load_dataset

    assert isinstance(load_dataset(given, seed=3).parts["train"].inputs["features"], np.ndarray)


def test_record_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_MAX_LINE_BYTES", "5000")
    path = write(tmp_path, HEADER + ROWS[0].replace("NA,", '"NA,') + "".join(ROWS[1:]))
    assert "never closed" in error_of(monkeypatch, STREAMED, config(path)).faults[0].message
    path = write(tmp_path, "a" * 20_000)
    assert "the line is longer than" in error_of(monkeypatch, STREAMED, config(path)).faults[0].message


def cell(draw: random.Random, kind: str, index: int) -> str:
    if draw.random() < 0.04:
        return draw.choice(["", "NA", "?", "nan", " "])
    return {
        "number": lambda: draw.choice([f"{draw.gauss(0, 5):.3f}", repr(draw.gauss(0, 1)), f"{draw.random():.2e}"]),
        "word": lambda: draw.choice(["a", "b", "é", "x y", '"q""t"', '"a,b"', '"l\nm"', "NA "]),
        "boolean": lambda: draw.choice(["true", "False"]),
        "mixed": lambda: draw.choice(["1", "2", "3", "x"]) if draw.random() < 0.1 else str(draw.randint(0, 9)),
        "late": lambda: "" if index < 60 else str(index % 3),
        "id": lambda: str(index),
    }[kind]()


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed >= 20)) for seed in range(60)])
def test_random_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Whatever a table holds, both ways come to the same end: equal data, or an error whose faults streaming names as well."""
    draw = random.Random(seed)
    kinds = [draw.choice(["number", "word", "boolean", "mixed", "late", "id"]) for _ in range(draw.randint(2, 5))]
    lines = [",".join([*(f"{kind}{index}" for index, kind in enumerate(kinds)), "y"])]
    is_ragged, has_edges = draw.random() < 0.1, draw.random() < 0.2
    for index in range(draw.choice([5, 40, 120])):
        cells = [*(cell(draw, kind, index) for kind in kinds), draw.choice("012")]
        if has_edges:
            cells = [draw.choice(["", " "]) + text + draw.choice(["", " "]) for text in cells]
        if is_ragged and draw.random() < 0.05:
            cells = cells[1:]
        lines += [",".join(cells), *([""] if draw.random() < 0.02 else [])]
    options = {
        "impute": draw.choice([None, "mean", "none"]),
        "missing": draw.choice([None, ("3", "x")]),
        "task": draw.choice([None, "classification"]),
        "split": draw.choice([SplitConfig(), SplitConfig(test=0.3)]),
    }
    small_chunks(monkeypatch, draw.choice([100, 700, 5000]))
    given = config(write(tmp_path, "\n".join(lines)), drop=(), **options)
    try:
        resident = load_as(monkeypatch, IN_MEMORY, given)
    except DataError as expected:
        assert set(expected.faults) <= set(error_of(monkeypatch, STREAMED, given).faults)
    else:
        assert_same(resident, load_as(monkeypatch, STREAMED, given))


@pytest.mark.slow
def test_adult(monkeypatch: pytest.MonkeyPatch) -> None:
    small_chunks(monkeypatch, 300_000)
    given = DataConfig(
        "csv",
        path=(str(shared_data("tabular/adult/adult-train.csv")),),
        test=(str(shared_data("tabular/adult/adult-test.csv")),),
        target=("income",),
        columns=ADULT,
        replace={"income": {"<=50K.": "<=50K", ">50K.": ">50K"}},
        split=SplitConfig(validation=0.2),
    )
    assert_same(load_as(monkeypatch, IN_MEMORY, given), load_as(monkeypatch, STREAMED, given))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("replaces", [False, True])
def test_a6_words_are_looked_for_in_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, replaces: bool
) -> None:
    """`-77` is met far behind the first 10,000 rows, `-88` nowhere."""
    small_chunks(monkeypatch, 20_000)
    numbers = [(number * 37) % 101 for number in range(12_000)]
    numbers[11_500] = -77
    lines = [f"{value},{'ab'[at % 2] if at != 11_000 else 'late'},{at % 13}" for at, value in enumerate(numbers)]
    path = write(tmp_path, "x,k,y\n" + "\n".join(lines))
    if suffix == "parquet":
        path = tmp_path / "t.parquet"
        polars.read_csv(tmp_path / "t.csv").write_parquet(path)
    replace = {"k": {"late": "b", "never": "a"}} if replaces else {}
    options = {"missing": ("-77.0", "-88"), "replace": replace, "task": "regression", "drop": ()}
    table = dataclasses.replace(config(path, **options), source=suffix)
    resident, streamed = (load_as(monkeypatch, bound, table) for bound in (IN_MEMORY, STREAMED))
    assert "data.missing: no value of the table is '-88'" in resident.warnings
    assert ("data.replace: no value of k is 'never'" in resident.warnings) == replaces
    assert_same(resident, streamed)
    limited = dataclasses.replace(table, limit=11_200)
    resident, streamed = (load_as(monkeypatch, bound, limited) for bound in (IN_MEMORY, STREAMED))
    assert "data.missing: no value of the table is '-77.0', '-88'" in streamed.warnings
    assert_same(resident, streamed)


def test_blanks_around_text_of_parquet_are_left_out_as_of_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [[" a", "a ", "b", None][i % 4] for i in range(80)]
    labels = [["up", "down "][i % 3 % 2] for i in range(80)]
    frame = polars.DataFrame({"^c$": words, "x": range(80), "y": labels}).with_columns(polars.col("y").cast(polars.Categorical))
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    given = DataConfig("parquet", path=(str(tmp_path / "t.parquet"),), target=("y",), split=SplitConfig(test=0.2))
    resident = load_as(monkeypatch, IN_MEMORY, given)
    assert_same(resident, load_as(monkeypatch, STREAMED, given))
    assert "t.parquet: blanks around the text of ^c$, y left out, as in CSV" in resident.summary
    of_csv = load_as(monkeypatch, IN_MEMORY, dataclasses.replace(given, source="csv", path=(str(tmp_path / "t.csv"),)))
    assert resident.schema.targets[0].classes == of_csv.schema.targets[0].classes == ("down", "up")
    for name, part in of_csv.parts.items():
        np.testing.assert_array_equal(resident.parts[name].inputs["features"], part.inputs["features"])
        np.testing.assert_array_equal(resident.parts[name].targets["y"], part.targets["y"])


def test_versions_that_became_numbers_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "v,y\n" + "".join(f"1.{i % 12},{i % 5}\n" for i in range(240)))
    stored = load_as(monkeypatch, IN_MEMORY, config(path, drop=())).preprocessing
    for kind, is_told in ((polars.Float64, True), (polars.String, False)):
        frame = polars.DataFrame({"v": ["1.10", "1.3"]}).cast(kind)
        said: list[Note] = []
        stored.transform(RawTable(frame), with_targets=False, notes=said)
        assert [note.text for note in said if "1.10 is 1.1 here" in note.text] == [note.text for note in said]
        assert bool(said) == is_told, stored.features
