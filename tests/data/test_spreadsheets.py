"""Files as spreadsheets, R, SAS and SPSS write them: what is read is what a person reads; what is doubtful is said; and the resolved
config reads each of them to the same arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.checking import check_file
from dltrain.config import dump_yaml, load_config_text, resolve
from dltrain.config.types import DataConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.columns.reading import Reading, to_numbers
from dltrain.data.dataset import Dataset
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.errors import DataError
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks

ROWS = 60
RANDOM = np.random.default_rng(5)
AMOUNTS = np.round(RANDOM.uniform(-3000, 300_000, ROWS), 2)
SHARES = np.round(RANDOM.uniform(0, 1, ROWS), 3)
LABELS = RANDOM.integers(0, 2, ROWS)
DAYS = [date(2020, 1, 3) + timedelta(days=9 * row) for row in range(ROWS)]


def german(value: float, digits: int = 2) -> str:
    return f"{value:,.{digits}f}".replace(",", "_").replace(".", ",").replace("_", ".")


@dataclass(frozen=True)
class Case:
    """A file: its header, what a row is, what else is in it; the numbers that its column `a` holds."""

    header: str
    row: Callable[[int], str]
    a: Any = None  # AMOUNTS
    before: str = ""
    encoding: str = "utf-8"
    options: str = ""


CASES = {
    "a German spreadsheet": Case(
        "Datum;a;Quote;Art;y",
        lambda i: f"{DAYS[i]:%d.%m.%Y};{german(AMOUNTS[i])} €;{german(100 * SHARES[i], 1)}%;{'äö'[i % 2]};{LABELS[i]}",
        encoding="cp1252",
    ),
    "a French one": Case(
        "Date;a;Taux;y",
        lambda i: f"{DAYS[i]:%d/%m/%Y};{german(AMOUNTS[i]).replace('.', chr(0x202F))};{german(SHARES[i], 3)};{LABELS[i]}",
    ),
    "a Swiss one": Case("a;x;y", lambda i: f"{AMOUNTS[i]:,.2f};{SHARES[i]};{LABELS[i]}".replace(",", "\u2019")),
    "a line that says sep=": Case("a;b;y", lambda i: f"{german(AMOUNTS[i])};{i % 7};{LABELS[i]}", before="\ufeffsep=;\r\n"),
    "UTF-16": Case("a;b;y", lambda i: f"{german(AMOUNTS[i])};{i % 7};{LABELS[i]}", encoding="utf-16"),
    "exponents with a comma": Case(
        "a;b;y", lambda i: f"{AMOUNTS[i]:.8e};{i % 7};{LABELS[i]}".replace(".", ","), encoding="utf-8"
    ),
    "a long minus": Case("a,b,y", lambda i: f"{f'{AMOUNTS[i]:.2f}'.replace('-', chr(0x2212))},{SHARES[i]},{LABELS[i]}"),
    "a minus behind": Case("a,b,y", lambda i: f"{abs(AMOUNTS[i]):.2f}{'-' if AMOUNTS[i] < 0 else ''},{SHARES[i]},{LABELS[i]}"),
    "a ledger": Case(
        "a,b,y",
        lambda i: f'"{f"({-AMOUNTS[i]:,.2f})" if AMOUNTS[i] < 0 else f"{AMOUNTS[i]:,.2f}"}","${i * 1000:,}",{LABELS[i]}',
    ),
    "names of currencies": Case("a,b,y", lambda i: f"{AMOUNTS[i]:.2f} USD,EUR {i % 9},{LABELS[i]}"),
    "R's write.table": Case(
        '"a" "b" "y"', lambda i: f'"{i + 1}" {AMOUNTS[i]:.2f} "{"uv"[i % 2]}" {LABELS[i]}', options=", separator: whitespace"
    ),
    "R's row names": Case("a,b,y", lambda i: f"row {i},{AMOUNTS[i]:.2f},{i % 4},{LABELS[i]}"),
    "SAS": Case(
        "a,b,y",
        lambda i: f"{'.' if i % 5 == 0 else AMOUNTS[i]},{'.' if i % 7 == 3 else SHARES[i]},{LABELS[i]}",
        a=np.where(np.arange(ROWS) % 5 == 0, np.nan, AMOUNTS),
    ),
    "errors of a spreadsheet": Case(
        "a,b,y",
        lambda i: f"{['#DIV/0!', '#N/A', '#VALUE!'][i % 3] if i % 5 == 0 else AMOUNTS[i]},{SHARES[i]},{LABELS[i]}",
        a=np.where(np.arange(ROWS) % 5 == 0, np.nan, AMOUNTS),
    ),
    "separators at the end": Case("a,b,y,", lambda i: f"{AMOUNTS[i]},{SHARES[i]},{LABELS[i]},"),
    "lines in fields": Case("note,a,y", lambda i: f'"line {i}\ntwo, ""q""",{AMOUNTS[i]},{LABELS[i]}'),
    "six digits of a date": Case(
        "a,day,y", lambda i: f"{AMOUNTS[i]},{DAYS[i]:%d%m%y},{LABELS[i]}", options=", split: {time: day, test: 0.25}"
    ),
    "quarters": Case("a,when,y", lambda i: f"{AMOUNTS[i]},{1990 + i // 4}-Q{i % 4 + 1},{LABELS[i]}"),
    "dates that could be American": Case(
        "a,when,y", lambda i: f"{AMOUNTS[i]},{1 + i % 12:02d}/{1 + i * 5 % 12:02d}/2020,{LABELS[i]}"
    ),
    "moments of summer and winter": Case(
        "a,when,y", lambda i: f"{AMOUNTS[i]},2020-{1 + i % 12:02d}-05T08:00:00{'+01:00' if i % 12 < 3 else '+02:00'},{LABELS[i]}"
    ),
    "codes": Case("a,plz,y", lambda i: f"{AMOUNTS[i]},{i % 9:05d},{LABELS[i]}"),
    "an index": Case(",a,y", lambda i: f"{i * 37 % 60},{AMOUNTS[i]},{LABELS[i]}"),
}


def written(folder: Path, case: Case) -> tuple[Path, str]:
    path = folder / "t.csv"
    end = "\r\n" if case.before else "\n"
    text = case.before + end.join([case.header, *(case.row(row) for row in range(ROWS))]) + end
    path.write_bytes(text.encode(case.encoding))
    return path, f"data: {{source: csv, path: t.csv, target: y, scale: none, missing_target: drop{case.options}}}\n" + (
        "model: {layers: [Dense: {units: 2}]}\ntraining: {epochs: 1}\n"
    )


def numbers_of(dataset: Dataset, name: str) -> np.ndarray:
    """Of all rows in order, NaN where the model is told that there was none."""
    values = np.full(ROWS, np.nan)
    columns = dataset.schema.inputs[0].columns
    for part in dataset.parts.values():
        features = in_memory(part.inputs["features"])
        rows = part.row_ids if part.row_file is None else in_memory(part.row_file)
        values[rows] = features[:, columns.index(name)]
        if f"{name} missing" in columns:
            values[rows[features[:, columns.index(f"{name} missing")] == 1]] = np.nan
    return values


def arrays(dataset: Dataset) -> dict[tuple[str, str], bytes]:
    found = {}
    for name, part in dataset.parts.items():
        found[name, "rows"] = (part.row_ids if part.row_file is None else in_memory(part.row_file)).tobytes()
        found |= {(name, key): in_memory(values).tobytes() for key, values in (*part.inputs.items(), *part.targets.items())}
    return found


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
@pytest.mark.parametrize("name", CASES)
def test_numbers_are_those_that_a_person_reads(name: str, bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    path, text = written(tmp_path, CASES[name])
    config = load_config_text(text, folder=tmp_path).data
    dataset = load_dataset(config, seed=0)
    expected = AMOUNTS if CASES[name].a is None else CASES[name].a
    np.testing.assert_allclose(numbers_of(dataset, "a"), expected, rtol=1e-6)
    if bound == IN_MEMORY:  # the run reads the file that it was trained on
        assert read_part(dataset.preprocessing, [str(path)], with_targets=True).num_rows == ROWS


@pytest.mark.parametrize("name", CASES)
def test_the_resolved_config_reads_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    _, text = written(tmp_path, CASES[name])
    text = text.replace(", missing_target", ", split: {test: 0.25}, missing_target") if "split" not in text else text
    config = load_config_text(text, folder=tmp_path)
    dataset = load_dataset(config.data, seed=0)
    (tmp_path / "c.yaml").write_text(text)
    checked, result = check_file(str(tmp_path / "c.yaml"))
    assert checked is not None
    for inferred in (dataset.resolved, result.inferred or {}):
        resolved = load_config_text(dump_yaml(resolve(checked, inferred)), folder=tmp_path)
        again = load_dataset(resolved.data, seed=0)
        assert arrays(again) == arrays(dataset)
        assert set(again.warnings) <= set(dataset.warnings)  # what is written back is no guess any more


@pytest.mark.parametrize("values", [["79%", "0.63", "12%"], ["$5", "€6", "7"], ["12 USD", "12 EUR"]])
def test_numbers_of_several_units_are_none(values: list[str]) -> None:
    import polars

    found = to_numbers(polars.Series("a", values), Reading())
    assert np.isnan(found[[0, -1]]).any()


def test_a_zero_beside_percents_is_one() -> None:
    import polars

    np.testing.assert_array_equal(to_numbers(polars.Series("a", ["79%", "0", "-1.5 %"]), Reading()), [79, 0, -1.5])


def load_text(folder: Path, text: str, options: str = "") -> Dataset:
    (folder / "t.csv").write_text(text)
    config = f"data: {{source: csv, path: t.csv, target: y{options}}}\nmodel: {{layers: [Dense: {{units: 2}}]}}\ntraining: {{epochs: 1}}\n"
    return load_dataset(load_config_text(config, folder=folder).data, seed=0)


def test_codes_that_stand_for_no_value_are_said(tmp_path: Path) -> None:
    rows = [f"{-99 if i % 9 == 0 else 20 + i % 50},{999 if i % 7 == 0 else i % 5},{i % 5},{i % 2}" for i in range(90)]
    warnings = load_text(tmp_path, "age,mark,n,y\n" + "\n".join(rows)).warnings
    assert len(warnings) == 2
    assert "age: 10 of the 90 values looked at are -99, far from all others (20 to 69)" in warnings[0]
    assert '`data.replace: {mark: {"999": ""}}`' in warnings[1]
    assert not load_text(tmp_path, "age,mark,n,y\n" + "\n".join(rows), ', missing: ["-99", "999"]').warnings


def test_a_row_of_totals_is_said(tmp_path: Path) -> None:
    rows = [f"r{i % 5},{i * 3 % 17},{SHARES[i]},{LABELS[i]}" for i in range(ROWS)]
    total = f"Total,{sum(i * 3 % 17 for i in range(ROWS))},{SHARES.sum():.3f},{LABELS.sum()}"
    text = "region,a,b,y\n" + "\n".join([*rows, total])
    assert "the last row is called 'Total' and holds the sums of the others" in str(load_text(tmp_path, text).warnings)
    assert load_text(tmp_path, text, ', comment: "Total"').parts["train"].num_rows == ROWS
    assert not load_text(tmp_path, text.rpartition("\n")[0]).warnings
    # Subtotals, perhaps, but not of all the others.
    assert "the last row" not in str(load_text(tmp_path, "\n".join(["region,a,b,y", *rows, "Total,3,0.5,1"])).warnings)


def test_a_last_row_of_means_or_of_unnamed_sums_is_said(tmp_path: Path) -> None:
    rows = [f"r{i % 5},{i * 3 % 17 + 1},{SHARES[i]},{LABELS[i]}" for i in range(ROWS)]
    sums = [sum(i * 3 % 17 + 1 for i in range(ROWS)), round(SHARES.sum(), 3), LABELS.sum()]
    means = [sum(i * 3 % 17 + 1 for i in range(ROWS)) / ROWS, round(SHARES.mean(), 4), LABELS[0]]

    def said(*last: object) -> str:
        text = "\n".join(["region,a,b,y", *rows, ",".join(map(str, last))])
        return " ".join(map(str, load_text(tmp_path, text, ", task: regression").warnings))

    assert "the last row is called 'Average' and holds the means of the others (a): it is no row" in said("Average", *means)
    assert "the last row has no value but the sums of the others (a): it is no row; take it out of the file" in said("", *sums)
    assert "it is no row" not in said("", sums[0], sums[1] / 2, sums[2])
    assert "it is no row" not in said("r1", *sums)


@pytest.mark.parametrize(("word", "year", "flag"), [("mittel", 2020, 0), ("media", 2021, 1), ("Total", 2020, 1)])
def test_a_class_that_is_called_as_totals_are_is_a_row(tmp_path: Path, word: str, year: int, flag: int) -> None:
    rows = [f"{'klein' if i % 3 else word},{2018 + i % 5},{int(i == 5)},{SHARES[i]},{LABELS[i]}" for i in range(ROWS)]
    last = f"{word},{year},{flag},{SHARES[0]},{LABELS[0]}"
    found = load_text(tmp_path, "\n".join(["size,year,rare,b,y", *rows, last])).warnings
    assert "it is no row" not in " ".join(map(str, found))


def test_rows_that_end_with_a_separator_under_a_header_without_it_keep_their_columns(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, "a,b,y\n" + "".join(f"{i},{i % 5},{i % 2},\n" for i in range(20)), ", scale: none")
    features = in_memory(dataset.parts["train"].inputs["features"])
    np.testing.assert_array_equal(features, [[i, i % 5] for i in range(20)])
    assert "left out: unnamed_4 (empty)" in " ".join(dataset.summary)
    with pytest.raises(DataError) as caught:
        load_text(tmp_path, '"a" "b" "y"\n"1" 5 "u" 0\n"2" 6 "v" 1\n')
    assert "data.separator: whitespace" in str(caught.value.faults[0].hint)


def test_signs_of_money_far_down_are_read(tmp_path: Path) -> None:
    rows = [f"{f'(${i:,})' if i > 400 else f'${i:,}'},{i % 2}" for i in range(500)]
    dataset = load_text(tmp_path, "a,y\n" + "\n".join(rows), ", scale: none")
    expected = [-i if i > 400 else i for i in range(500)]
    np.testing.assert_array_equal(in_memory(dataset.parts["train"].inputs["features"])[:, 0], expected)


def test_letters_that_stand_alone_are_western(tmp_path: Path) -> None:
    lines = [f"{'äö'[i % 2]};{i} €;{i // 2 % 2}\n" for i in range(20)]
    (tmp_path / "t.csv").write_bytes(("k;a;y\n" + "".join(lines)).encode("cp1252"))
    config = "data: {source: csv, path: t.csv, target: y}\n"
    dataset = load_dataset(load_config_text(config + "model: {layers: [Dense: {units: 2}]}\n", folder=tmp_path).data, seed=0)
    assert dataset.schema.inputs[0].columns == ("k=ä", "k=ö", "a")
    assert "cp1252" in str(dataset.warnings)


@pytest.mark.parametrize("order", ["%d.%m.%Y", "%d/%m/%Y"])
def test_the_resolved_config_of_a_file_of_which_the_beginning_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """Dates of which the first rows leave the order open are left to all rows."""
    monkeypatch.setattr("dltrain.data.tables.sample.SMALL_BYTES", 1000)
    monkeypatch.setattr("dltrain.data.columns.kinds.SAMPLE_ROWS", 50)
    monkeypatch.setattr("dltrain.data.sources.csv.SAMPLE_ROWS", 50)
    days = [date(2020, 1 + i % 12, 1 + i * 5 % 12) for i in range(200)] + [date(2020, 5, 20)]
    lines = [f"{day:{order}};{german(i * 3.5)};{i % 2}" for i, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("when;a;y\n" + "\n".join(lines))
    text = "data: {source: csv, path: t.csv, target: y}\nmodel: {layers: [Dense: {units: 2}]}\ntraining: {epochs: 1}\n"
    (tmp_path / "c.yaml").write_text(text)
    config, result = check_file(str(tmp_path / "c.yaml"))
    assert config is not None
    inferred = result.inferred or {}
    assert (inferred["data.separator"], inferred["data.decimal"]) == (";", ",")
    assert ("data.dates" in inferred) == (order == "%d.%m.%Y")
    resolved = load_config_text(dump_yaml(resolve(config, inferred)), folder=tmp_path)
    assert arrays(load_dataset(resolved.data, seed=0)) == arrays(load_dataset(config.data, seed=0))


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        (["00:01:00", "01:00:30", None], [60, 3630, np.nan]),
        (["1:02:03", "59:10", "0:00.5"], [3723, 3550, 0.5]),
        (["1 days 02:00:00", "0 days 00:00:05", "-1 days +23:00:00"], [93600, 5, -3600]),
        (["10:30", "ten"], [np.nan, np.nan]),
        (["5", "10:30"], [5, np.nan]),
    ],
)
def test_hours_minutes_and_seconds_are_seconds_where_all_are(texts: list[str], seconds: list[float]) -> None:
    import polars

    np.testing.assert_array_equal(to_numbers(polars.Series("a", texts), Reading()), seconds)


def test_durations_are_read_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 300)
    times = [f"{i // 60:02d}:{i % 60:02d}:{i * 7 % 60:02d}" for i in range(90)]
    (tmp_path / "t.csv").write_text("lap,y\n" + "\n".join(f"{time},{times[-1 - i]}" for i, time in enumerate(times)))
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), scale="none", scale_target=False)
    resident, streamed = (load_as(monkeypatch, bound, config) for bound in (IN_MEMORY, STREAMED))
    expected = [i * 60 + i * 7 % 60 for i in range(90)]
    np.testing.assert_array_equal(resident.parts["train"].inputs["features"][:, 0], expected)
    np.testing.assert_array_equal(resident.parts["train"].targets["y"], expected[::-1])
    assert "hours, minutes and seconds, read as numbers of seconds: lap" in resident.summary
    assert "hours, minutes and seconds (as seconds)" in " ".join(resident.summary)
    assert_same(resident, streamed)


def test_what_databases_write_for_no_date_is_none(tmp_path: Path) -> None:
    days = [f"{day:%Y-%m-%d}" if row % 7 else ["0000-00-00", "NaT", "\\N"][row % 3] for row, day in enumerate(DAYS)]
    dataset = load_text(tmp_path, "when,a,y\n" + "\n".join(f"{day},{i % 9},{i % 2}" for i, day in enumerate(days)))
    assert dataset.resolved["data.features"] == {"when": "date", "a": "number"}
    features = in_memory(dataset.parts["train"].inputs["features"])
    missing = features[:, dataset.schema.inputs[0].columns.index("when year missing")]
    assert missing.tolist() == [0.0 if row % 7 else 1.0 for row in range(ROWS)]


@pytest.mark.parametrize("odd", ["50%", "n.a.", "y"])
def test_a_target_of_numbers_with_a_word_among_them_is_asked_about(tmp_path: Path, odd: str) -> None:
    lines = ["x,y", *(f"{i % 7},{odd if i == 30 else i / 100}" for i in range(60))]
    with pytest.raises(DataError, match=f"the target y holds 59 different numbers, and '{odd}': is it a number or a label"):
        load_text(tmp_path, "\n".join(lines))
    as_classes = load_text(tmp_path, "\n".join(lines), ", task: classification")
    assert as_classes.schema.targets[0].task == "classification"
    assert ["headers in the middle of the file" in warning for warning in as_classes.warnings] == [True] * (odd == "y")
    assert (
        load_text(tmp_path, "\n".join(lines), f', missing: ["{odd}"], missing_target: drop').schema.targets[0].task
        == "regression"
    )
