"""Numbers with currencies, percent and units, and lengths of time in words: read in one unit, and no other one taken for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data.columns.dates.reading import to_dates, to_moments
from dltrain.data.columns.kinds import infer_kind, infer_time
from dltrain.data.columns.number_signs import signs_of
from dltrain.data.columns.reading import Reading, find_units, to_numbers
from dltrain.data.columns.units import AS_PAIRS, AS_SECONDS, AS_TRIPLES, CUT, TIMES, is_cut, number_in_words, units_of
from dltrain.data.dataset import Dataset
from dltrain.data.load import load_dataset
from dltrain.data.look import read_facts
from dltrain.data.new_rows import read_part
from dltrain.errors import DataError, UsageError, texts
from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks

MODEL = "model: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n"
ROWS = 60
AMOUNTS = [round(7.25 + 3 * row % 41 + row / 8, 3) for row in range(ROWS)]


def as_read(values: Sequence[str | None], reading: Reading | None = None) -> tuple[str, np.ndarray[Any, Any]]:
    """Unit and numbers of a column."""
    series = polars.Series("a", values)
    found = find_units(series.to_frame(), reading or Reading())
    return (found.units or {}).get("a", ""), to_numbers(series, found)


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("{} kg", "kg"), ("{}kg", "kg"), ("{} Kg", "Kg"), ("{}hp", "hp"), ("{} GB", "GB"), ("{} km/h", "km/h"),
        ("{} l/100km", "l/100km"), ("{} m2", "m2"), ("{} m²", "m²"), ("{} sq ft", "sq ft"), ("{} °C", "°C"), ('{}"', '"'),
        ("{} CC", "CC"), ("{} kmpl", "kmpl"), ("{} MW", "MW"), ("{} min.", "min."), ("{} years", "years"), ("{} Jahre", "Jahre"),
        ("€ {}", "€"), ("{} €", "€"), ("{}%", "%"), ("USD {}", "USD"), ("\u2212{} kg", "kg"),
        ("AU$ {}", "AU$"), ("A${}", "A$"), ("${}/night", "$/night"), ("$ {} per night", "$ per night"), ("#{}", "#"), ("№ {}", "№"),
        ("${} USD", "$ USD"), ("{}/night", "/night"), ("{} / night", "/ night"), ("€{} p.a.", "€ p.a."),
    ],
)  # fmt: skip
def test_a_unit_is_left_out(written: str, unit: str) -> None:
    sign = -1.0 if written[0] == "\u2212" else 1.0
    found = as_read([None, *(written.format(amount) for amount in AMOUNTS)])
    assert found[0] == unit
    np.testing.assert_array_equal(found[1], [np.nan, *(sign * amount for amount in AMOUNTS)])


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["€110.5M", "€565K", "€0"], [110.5e6, 565e3, 0]),
        (["19M", "201k", "1.13M"], [19e6, 201e3, 1.13e6]),
        (["980", "1.2K", "-3K"], [980, 1200, -3000]),
        (["$1.2 bn", "$3bn"], [1.2e9, 3e9]),
        (["12 Mio.", "1.5 Mrd", "300"], [12e6, 1.5e9, 300]),
        (["12 Mio. €", "1.5 Mrd. €", "300 €"], [12e6, 1.5e9, 300]),
        (["\u22121.5B", "2 M", "7"], [-1.5e9, 2e6, 7]),
    ],
)
def test_amounts_cut_to_thousands_are_read_in_full(texts: list[str], numbers: list[float]) -> None:
    unit, found = as_read([*texts, None])
    signs = {sign for text in texts for sign in "€$" if sign in text}
    assert unit == ", ".join([CUT, *signs])
    np.testing.assert_array_equal(found, [*numbers, np.nan])


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["5.-", "-6.\u2013", "7.50"], [5, -6, 7.5]),
        (["Fr. 5.--", "Fr. 1'000.--", "Fr. 7.50"], [5, 1000, 7.5]),
        (["499,-", "1.499,-", "99,95"], [499, 1499, 99.95]),
        (["€ 499,-", "€ 5,\u2013", "€ 5,50"], [499, 5, 5.5]),
        (["499,- kr", "5,50 kr"], [499, 5.5]),
        (["- 1.5", "+ 2,000.5", "3"], [-1.5, 2000.5, 3]),
    ],
)
def test_prices_without_cents_and_signs_that_stand_apart_are_numbers(texts: list[str], numbers: list[float]) -> None:
    signs = signs_of([["x", *texts]], ";")
    assert as_read(texts, Reading(decimal=signs.decimal, thousands=signs.thousands))[1].tolist() == numbers


@pytest.mark.parametrize(
    ("text", "number"), [("€565K", 565e3), ("565K", 565e3), ("565K €", 565e3), ("$565K", np.nan), ("565K $", np.nan)]
)
def test_a_cut_amount_in_another_currency_is_no_number(text: str, number: float) -> None:
    unit, _ = as_read(["€1.2K", "€3M"])
    np.testing.assert_array_equal(to_numbers(polars.Series("x", [text]), Reading(units={"x": unit})), [number])
    assert number_in_words(unit) == "a number in full (1.2K is 1200, €)"


def test_cut_amounts_have_the_signs_of_other_numbers() -> None:
    assert as_read(["1,2K", "3,5M"], Reading(decimal=","))[1].tolist() == [1200, 3.5e6]
    assert as_read(["1,200K", "3M"], Reading(thousands=","))[1].tolist() == [1.2e6, 3e6]


@pytest.mark.parametrize("texts", [["5M", "7"], ["5B", "7"], ["€5K", "$7K"], ["5 m", "7 k"], ["5K", "7X"]])
def test_letters_that_may_mean_something_else_are_no_thousands(texts: list[str]) -> None:
    assert not is_cut(as_read(texts)[0])


def test_cut_amounts_are_said(tmp_path: Path) -> None:
    lines = [f"{row % 7},{row}K,{row / 4}M,{row}" if row % 3 else f"1,{row},{row}K,2" for row in range(1, ROWS)]
    (tmp_path / "t.csv").write_text("z,a,y,x\n" + "\n".join(lines))
    text = make_starter(str(tmp_path / "t.csv"), target="y", folder=tmp_path).text
    assert "numbers cut to thousands (K), millions (M) or billions (B), read in full: a;" in text
    assert "# a number, cut to K, M, B, read in full" in text


@pytest.mark.parametrize(
    "values",
    [
        [f"{row} {'kg' if row % 2 else 'lb'}" for row in range(ROWS)],
        [f"{row} {'MW' if row % 2 else 'mW'}" for row in range(ROWS)],
        [f"{row} kg" if row else "heavy" for row in range(ROWS)],
        [f"{row} kg" if row % 2 else str(row) for row in range(ROWS)],
        [f"{row}.jpg" for row in range(ROWS)],
        [f"{row}%" if row % 2 else str(row / 100) for row in range(ROWS)],
        [f"{row} {'€' if row % 2 else '$'}" for row in range(ROWS)],
        [f"1{row} May 2020" for row in range(9)],
        [f"{2000 + row}Q1" for row in range(9)],
        [f"{row} High Street, Town" for row in range(ROWS)],
    ],
)
def test_several_units_and_words_are_no_unit(values: list[str]) -> None:
    unit, numbers = as_read(values)
    assert not unit
    assert np.isnan(numbers).any()


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        (["2h 50m", "19h", "25m"], [10200, 68400, 1500]),
        (["8h30", "12h05", "24h00"], [30600, 43500, 86400]),
        (["8:30 h", "24:00 h", "0:05 h"], [30600, 86400, 300]),
        (["4:15 PM", "12:00 AM", "12:01 p.m."], [58500, 0, 43260]),
        (["1 hr 20 mins", "45 mins", "2 hours"], [4800, 2700, 7200]),
        (["1d 4h", "3h", "2 min 5,5 s"], [100800, 10800, 125.5]),
        (["8 Std. 30 Min.", "45 Min."], [30600, 2700]),
        (["00:10", "24:00"], [10, 1440]),
        (["18.00.00", "06.30.15", "10.03.04"], [64800, 23415, 36184]),
    ],
)
def test_lengths_of_time_are_seconds(texts: list[str], seconds: list[float]) -> None:
    unit, numbers = as_read(texts)
    assert unit in TIMES
    np.testing.assert_array_equal(numbers, seconds)


def test_a_time_that_may_be_another_is_none() -> None:
    columns = {"pairs": ["12:05", "9:30"], "triples": ["12:05:00", "9:30:01"], "both": ["12:05", "1:09:30"]}
    reading = find_units(polars.DataFrame(columns), Reading())
    assert reading.units == {"pairs": AS_PAIRS, "triples": AS_TRIPLES, "both": AS_SECONDS}
    asked = ["8:15", "8:15:00", "8h 15m", "8:15 AM", None]
    hours, minutes, none = 29700, 495, np.nan
    for name, seconds in (
        ("pairs", [minutes, none, none, none, none]),
        ("triples", [none, hours, hours, hours, none]),
        ("both", [minutes, hours, hours, hours, none]),
    ):
        np.testing.assert_array_equal(to_numbers(polars.Series(name, asked), reading), seconds)
    for typed in (polars.Series("pairs", [time(8, 15)]), polars.Series("pairs", [timedelta(hours=8)])):
        assert np.isnan(to_numbers(typed, reading)).all()
        assert np.isfinite(to_numbers(typed.alias("triples"), reading)).all()


def test_an_exponent_belongs_to_the_number() -> None:
    unit, numbers = as_read(["1.5e2 kg", "2E-1kg", "7 kg"])
    assert unit == "kg"
    np.testing.assert_array_equal(numbers, [150, 0.2, 7])


@pytest.mark.parametrize("form", ["{}", "₹{}", "{} km"])
def test_numbers_are_grouped_as_india_does(tmp_path: Path, form: str) -> None:
    texts = ["12,34,567.5", "1,10,456", "99,999", "1,00,00,000", "5"]
    lines = [f'"{form.format(texts[row % 5])}",{row % 2}' for row in range(20)]
    dataset = loaded(tmp_path, "a,y\n" + "\n".join(lines), ", scale: none")
    found = np.asarray(dataset.parts["train"].inputs["features"])[:5, 0]
    np.testing.assert_array_equal(found, np.float32([1234567.5, 110456, 99999, 10_000_000, 5]))


def test_one_value_of_a_column_of_lengths_is_read_as_the_others() -> None:
    reading = find_units(polars.DataFrame({"a": ["2h 50m", "19h", "25m"], "b": ["5m", "12m", "7m"]}), Reading())
    assert to_numbers(polars.Series("a", ["45m"]), reading).tolist() == [2700]
    assert to_numbers(polars.Series("b", ["45m"]), reading).tolist() == [45]  # metres, or minutes
    assert reading.units == {"a": "seconds", "b": "m"}


def test_a_decimal_comma_before_a_unit_shows_it(tmp_path: Path) -> None:
    lines = [f"{str(amount).replace('.', ',')} kg;{row % 2}" for row, amount in enumerate(AMOUNTS)]
    dataset = loaded(tmp_path, "a;y\n" + "\n".join(lines), ", scale: none")
    np.testing.assert_array_equal(dataset.parts["train"].inputs["features"][:, 0], np.float32(AMOUNTS))


def loaded(folder: Path, text: str, options: str = "") -> Dataset:
    (folder / "t.csv").write_text(text)
    config = f"data: {{source: csv, path: t.csv, target: y{options}}}\nmodel: {{layers: [Dense: {{units: 2}}]}}\n"
    return load_dataset(load_config_text(config, folder=folder).data, seed=0)


def test_units_are_said_and_stored_and_others_refused(tmp_path: Path) -> None:
    lines = [f"{amount} kg,€ {row},{'GB' if row % 2 else 'MB'},{row * 7 % 31} km" for row, amount in enumerate(AMOUNTS)]
    text = "a,b,c,y\n" + "\n".join(
        line.replace(",GB", f",{row} GB").replace(",MB", f",{row} MB") for row, line in enumerate(lines)
    )
    dataset = loaded(tmp_path, text)
    said = "\n".join([*dataset.summary, *dataset.warnings])
    assert "numbers with a unit, read without it: a (kg), b (€); `data.features: {a: category}` reads words" in said
    assert "`y` holds numbers with a unit (km)" in said
    assert "c: numbers with different units (GB, MB), so it is left out" in said
    assert dataset.schema.targets[0].task == "regression"
    state, arrays = dataset.preprocessing.to_state()
    again = type(dataset.preprocessing).from_state(state, arrays)
    for value, expected in (("5 kg", 5.0), ("5", 5.0), ("5 lb", None), ("$5", None)):
        (tmp_path / "new.csv").write_text(f"a,b\n{value},€ 7\n")
        ask = lambda: read_part(again, [str(tmp_path / "new.csv")], with_targets=False)  # noqa: E731
        if expected is None:
            with pytest.raises(DataError, match="column a holds"):
                ask()
        else:
            transform = again.features[0].numbers[0]  # type: ignore[attr-defined]
            found = np.asarray(ask().inputs["features"])[0, 0]
            np.testing.assert_allclose(found, (expected - transform.center) / transform.spread, rtol=1e-6)


def test_a_target_of_several_units_is_said(tmp_path: Path) -> None:
    text = "x,y\n" + "\n".join(f"{row * 5 % 17},{row}{'kg' if row % 2 else 'lb'}" for row in range(ROWS))
    [said] = loaded(tmp_path, text).warnings
    assert "the 60 labels of y are numbers with different units (kg, lb): it is learnt as classes; write one unit" in said
    assert not loaded(tmp_path, text, ", task: classification").warnings
    with pytest.raises(UsageError, match=r"they are numbers with different units \(kg, lb\): write one"):
        make_starter(str(tmp_path / "t.csv"), target="y")
    lines = [f"{row},{row // 2 * 2 + row % 4 // 2}{'kg' if row % 4 else 'lb'}" for row in range(ROWS)]
    said = loaded(tmp_path, "x,y\n" + "\n".join(lines * 2)).warnings[0]
    assert "different units" in said
    assert said in make_starter(str(tmp_path / "t.csv"), target="y").text.replace("\n  #   ", " ")


@pytest.mark.parametrize(
    ("form", "other"), [("${}/night", "${}/week"), ("AU$ {}", "US$ {}"), ("#{}", "№{}"), ("${}/night", "${}")]
)
def test_numbers_with_two_of_what_stands_around_them_are_said(tmp_path: Path, form: str, other: str) -> None:
    cells = [(other if row % 3 else form).format(row * 7 % 59) for row in range(ROWS)]
    text = "x,z,y\n" + "\n".join(f"{cell},{row % 13},{row * 5 % 17}" for row, cell in enumerate(cells))
    assert any("x: " in one and ("different units" in one or "others not" in one) for one in loaded(tmp_path, text).warnings)


def test_what_the_rows_looked_at_show_of_a_large_table_is_said_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "x,y\n" + "\n".join(f"{row * 5 % 17},{row}{'kg' if row % 2 else 'lb'}" for row in range(ROWS))
    [said] = loaded(tmp_path, text).warnings
    monkeypatch.setattr("dltrain.data.tables.sample.SMALL_BYTES", 0)
    config = load_config_text("data: {source: csv, path: t.csv, target: y}\nmodel: {}\n", folder=tmp_path)
    assert said in texts(read_facts(config.data, seed=0).notes, "warning")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("$ €", "are numbers with different units ($, €)"),
        ("'{}.5'", "look like numbers in quotes"),
        ("{}_250", "look like numbers with _ between thousands"),
        ("{}D+02", "look like numbers of Fortran (1.5D+02)"),
        ("arabic", "look like digits of another script"),
        ("full width", "look like digits of another script"),
    ],
)
def test_a_target_of_what_a_person_reads_as_numbers_is_said(tmp_path: Path, written: str, said: str) -> None:
    texts = [written.format(row) for row in range(ROWS)]
    if written == "$ €":
        texts = [f"{'$' if row % 2 else '€'}{row}" for row in range(ROWS)]
    elif "{" not in written:
        zero = 0x660 if written == "arabic" else 0xFF10
        texts = [f"-{row}.5".translate({48 + digit: zero + digit for digit in range(10)}) for row in range(ROWS)]
    lines = [f"{row * 5 % 17},{text}" for row, text in enumerate(texts)]
    [warning] = loaded(tmp_path, "x,y\n" + "\n".join(lines)).warnings
    assert said in warning
    assert not loaded(tmp_path, "x,y\n" + "\n".join(lines), ", task: classification").warnings


def test_numbers_that_may_be_shares_are_said(tmp_path: Path) -> None:
    lines = [f"{row % 9 * 10}%,{row % 5},{row % 2}" for row in range(ROWS)]
    stored = loaded(tmp_path, "a,b,y\n" + "\n".join(lines)).preprocessing
    for values, said in ((["10%", "0"], []), (["0.1", "0.35"], ["a 0.1"]), ([0.1, 0.35], ["a 0.1"])):
        polars.DataFrame({"a": values, "b": [1, 2]}).write_parquet(tmp_path / "new.parquet")
        notes: list[str] = []
        reporter = Reporter()
        reporter.warning = lambda message, *_, into=notes: into.append(str(message))  # type: ignore[method-assign]
        read_part(stored, [str(tmp_path / "new.parquet")], with_targets=False, reporter=reporter)
        assert [note.rpartition(": ")[2] for note in notes if "taken for percent" in note] == said


def test_numbers_without_the_unit_of_the_training_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{row % 9 * 10} kg,${row % 5},{row % 7}%,{row % 2}" for row in range(ROWS)]
    text = "a,b,c,y\n" + "\n".join(lines)
    stored = loaded(tmp_path, text).preprocessing
    (tmp_path / "new.csv").write_text(text.replace(" kg", "").replace("$", "").replace("%", ""))
    for bound in (IN_MEMORY, STREAMED):
        for name, count in (("t.csv", 0), ("new.csv", 2)):
            config = load_config_text(f"data: {{source: csv, path: {name}, target: y}}\n{MODEL}", folder=tmp_path).data
            said = [note for note in load_as(monkeypatch, bound, config, stored).warnings if "without the" in note]
            assert len(said) == count
            assert not count or ("percent (0.35 for 0.35%): c 1" in said[0] and "taken for it: a 10 for 10 kg" in said[1])


def test_few_values_with_a_unit_stay_labels(tmp_path: Path) -> None:
    text = "x,y\n" + "\n".join(f"{row * 5 % 17},{row % 3 + 1} stars" for row in range(ROWS))
    assert loaded(tmp_path, text).schema.targets[0].classes == ("1 stars", "2 stars", "3 stars")
    assert loaded(tmp_path, text, ", task: regression").schema.targets[0].task == "regression"
    kept = "x,y\n" + "\n".join(f"{row * 5 % 17},{row % 3 + 1}0%" for row in range(ROWS))
    assert loaded(tmp_path, kept, ", task: classification").schema.targets[0].classes == ("10%", "20%", "30%")


def test_units_are_the_same_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 300)
    lines = [
        f"{amount} kg,{row % 5}h {row % 50}m,{row}{'K' if row % 3 else 'M'},{amount * 3:.2f} $"
        for row, amount in enumerate(AMOUNTS)
    ]
    (tmp_path / "t.csv").write_text("a,b,c,y\n" + "\n".join(lines))
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",))
    resident, streamed = (load_as(monkeypatch, bound, config) for bound in (IN_MEMORY, STREAMED))
    assert [column.kind for column in resident.preprocessing.features] == ["number"] * 3  # type: ignore[attr-defined]
    assert_same(resident, streamed)
    for file in ("columns.reading", "columns.kinds", "tables.streamed.survey"):
        monkeypatch.setattr(f"dltrain.data.{file}.SAMPLE_ROWS", 20)
    lines[-1] = lines[-1].replace("kg", "lb")  # a chunk of its own
    (tmp_path / "t.csv").write_text("a,b,c,y\n" + "\n".join(lines))
    for bound in (IN_MEMORY, STREAMED):
        with pytest.raises(DataError, match=r"column a holds '.* lb'"):
            load_as(monkeypatch, bound, config)


def test_units_of_all_values() -> None:
    assert units_of(polars.Series(["1 GB", "2 MB", "0"])) == ["GB", "MB"]
    assert units_of(polars.Series(["1 year", "2 years", "3 Years"])) == ["Years"]
    assert units_of(polars.Series(["1 GB", "2"])) == []


@pytest.mark.parametrize(
    ("texts", "moments"),
    [
        (["2024-02-28 24:00", "2024-02-28 23:00"], ["2024-02-29T00:00", "2024-02-28T23:00"]),
        (["2023-12-31T24:00:00", "2023-12-31T22:00:00"], ["2024-01-01T00:00", "2023-12-31T22:00"]),
        (["31.12.2023 24:00", "31.12.2023 01:00"], ["2024-01-01T00:00", "2023-12-31T01:00"]),
        (["12/31/2023 24:00:00", "12/31/2023 01:00:00"], ["2024-01-01T00:00", "2023-12-31T01:00"]),
        (["2023-12-31 24", "2023-12-31 09"], ["2024-01-01T00:00", "2023-12-31T09:00"]),
        (["2023-12-31T24:00Z", "2023-12-31T09:00Z"], ["2024-01-01T00:00", "2023-12-31T09:00"]),
        (["01/31/2023 9:05 p.m.", "01/31/2023 12:05 a.m."], ["2023-01-31T21:05", "2023-01-31T00:05"]),
        (["20231231T2400", "20231231T0900"], ["2024-01-01T00:00", "2023-12-31T09:00"]),
    ],
)
def test_hour_24_is_the_midnight_that_ends_a_day(texts: list[str], moments: list[str]) -> None:
    series = polars.Series("when", texts)
    kind = infer_kind(series, Reading())
    assert kind.kind == "date"
    expected = np.array(moments, "datetime64[us]")
    np.testing.assert_array_equal(to_dates(series, kind.date_format).to_numpy(), expected)
    np.testing.assert_array_equal(to_moments(series, kind.date_format).to_numpy(), expected)


def test_hour_24_in_digits() -> None:
    series = polars.Series("when", [f"202401{day:02d}{hour:02d}" for day in range(1, 6) for hour in range(1, 25)])
    kind = infer_time(series, Reading())
    days = np.datetime64("2024-01-01T00", "h") + np.arange(1, 121)
    np.testing.assert_array_equal(to_dates(series, kind.date_format).to_numpy(), days.astype("datetime64[us]"))


def test_hours_beyond_24_are_no_dates() -> None:
    assert infer_kind(polars.Series("when", ["2024-02-28 24:30", "2024-02-28 25:00"]), Reading()).kind != "date"


def test_a_late_number_without_the_sign_of_the_others_is_said(tmp_path: Path) -> None:
    lines = [f"{row % 7 + 1}{'%' if row != 10_100 else ''},{row % 9} kg,{row % 11}" for row in range(10_200)]
    (tmp_path / "t.csv").write_text("a,b,y\n" + "\n".join(lines))
    text = "data: {source: csv, path: t.csv, target: y}\nmodel: {layers: []}\n"
    (warning,) = load_dataset(load_config_text(text, folder=tmp_path).data, seed=0).warnings
    assert warning == "numbers without the % that those of the training have are taken for percent (0.35 for 0.35%): a 7"
