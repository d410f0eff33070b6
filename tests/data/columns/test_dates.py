"""How dates are written, found out and read, held against pandas, zoneinfo and Python's own strptime."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.config.catalog.date_formats import epoch_of
from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.columns.dates import formats
from dltrain.data.columns.dates.durations import are_durations
from dltrain.data.columns.dates.finding import Writing, find_writing
from dltrain.data.columns.dates.otherwise import written_otherwise
from dltrain.data.columns.dates.reading import to_dates, to_moments
from dltrain.data.columns.kinds import infer_kind, infer_time
from dltrain.data.columns.reading import Reading
from dltrain.data.load import load_dataset
from dltrain.errors import DataError
from tests.support import examples

FORMATS = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y", "%d. %B %Y",
    "%d-%B-%Y", "%Y-%b-%d", "%d%b%Y", "%a, %d %b %Y", "%A, %B %d, %Y", "%d-%b-%y", "%d %b %y",
    "%Y-%m-%dT%H:%M:%S", "%Y%m%dT%H%M%S", "%Y-%m-%d %H:%M", "%d-%b-%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%b/%Y:%H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %I:%M:%S %p", "%d %b %Y, %H:%M",
]  # fmt: skip
MONTHS = ["%Y-%m", "%m/%Y", "%m-%Y", "%b-%y", "%b %Y", "%B %Y", "%b-%Y", "%Y-%b"]
ORDERED = ["%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M"]


def texts(*values: str) -> polars.Series:
    return polars.Series("when", values, dtype=polars.String)


def read(*values: str, wanted: str | None = None) -> list[datetime]:
    found = find_writing(texts(*values), wanted)
    assert found is not None
    return to_dates(texts(*values), found.text).to_list()


def as_written(moment: datetime, form: str) -> datetime:
    """What is left of a moment in a format, by Python."""
    return datetime.strptime(moment.strftime(form), form)


moments = st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2067, 12, 31)), min_size=1, max_size=20)


@settings(max_examples=examples(3, 10), deadline=None)
@pytest.mark.parametrize("form", FORMATS + MONTHS)
@given(moments)
def test_dates_written_in_a_format_read_back_equal(form, found):
    written = [moment.strftime(form) for moment in found]
    if form == "%Y-%b-%d":
        written = [text.upper() for text in written]  # names of months in any case
    assert read(*written) == [as_written(moment, form) for moment in found]


@settings(max_examples=examples(3, 10), deadline=None)
@pytest.mark.parametrize("form", ORDERED)
@given(moments, st.integers(13, 28))
def test_a_value_over_12_tells_day_from_month(form, found, day):
    found = [*found, found[0].replace(day=day)]
    found += [datetime(1998, 1, day)] if "%y" in form else []  # 98 is no day
    texts_ = [moment.strftime(form) for moment in found]
    writing = find_writing(texts(*texts_))
    assert not writing.note or "of two digits" in writing.note
    assert to_dates(texts(*texts_), writing.text).to_list() == [as_written(moment, form) for moment in found]


@settings(max_examples=examples(3, 10), deadline=None)
@pytest.mark.parametrize("form", ORDERED)
@given(moments)
def test_a3_the_order_that_is_said_is_taken(form, found):
    found = [moment.replace(day=moment.day % 12 + 1) for moment in found]
    wanted = "day_first" if form.index("%d") < form.index("%m") else "month_first"
    written = [moment.strftime(form) for moment in found]
    assert find_writing(texts(*written), wanted).note == ""
    assert read(*written, wanted=wanted) == [as_written(moment, form) for moment in found]


def test_a2_years_of_two_digits_by_posix():
    weeks = [datetime(1998, 1, 5) + timedelta(days=7 * number) for number in range(209)]
    assert read(*(week.strftime("%d-%b-%y") for week in weeks)) == weeks
    ends = {"05-Jan-69": 1969, "05-Jan-68": 2068, "05-Jan-99": 1999, "05-Jan-00": 2000}
    assert [moment.year for moment in read(*ends)] == list(ends.values())
    assert [moment.year for moment in read("20/01/69", "20/01/68")] == [1969, 2068]


@pytest.mark.parametrize(
    ("years", "said"), [((40, 55), True), ((71, 35), True), ((62, 72), True), ((98, 1), False), ((1, 38), False)]
)
def test_a2_years_of_two_digits_that_may_be_of_the_century_before_are_said(years, said):
    found = find_writing(texts(*(f"{day:02d}-Mar-{year:02d}" for year in years for day in (3, 17))))
    assert found.text == "%d-%b-%y"
    assert ("are read as those from 1969 to 2068" in found.note) == said


def test_nobody_writes_the_year_before_a_month_by_its_name_unless_the_spacing_says_so():
    assert find_writing(texts("17-Jun-19")) == Writing("%d-%b-%y")
    assert written_otherwise(texts("17-Jun-19", "03-Jul-20"), "%Y-%m-%d") == "%d-%b-%y"
    assert written_otherwise(texts("06/07/2019"), "%Y-%m-%d") is None
    days = [date(2017, 6, 20) + timedelta(days=number) for number in range(24)]
    found = find_writing(texts(*(f"{day:%y-%b-%d}" for day in days)))
    assert found.text == "%y-%b-%d"
    assert "says otherwise" in found.note


def test_a3_working_days_tell_the_order():
    days = [date(2019, month, 1) for month in range(1, 13)] + [date(2020, month, 1) for month in range(1, 13)]
    days = [day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0)) for day in days]
    written = texts(*(day.strftime("%d/%m/%Y") for day in days))
    found = find_writing(written)
    assert found.text == "%d/%m/%Y"
    assert "day first" in found.note
    assert "no value tells which" not in found.note
    assert to_dates(written, found.text).dt.date().to_list() == days


@pytest.mark.parametrize("values", [("01/02/2020",), ("03/04/2020", "01/02/2020", "11/12/2019"), ("03-04-20", "01-02-20")])
def test_a3_what_no_value_tells_is_a_warning(values):
    found = find_writing(texts(*values))
    assert "no value tells which" in found.note
    assert "data.dates" in found.note
    assert values[0] in found.note


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2014-10-13T00:00:00+00:00", datetime(2014, 10, 13)),
        ("2014-10-13 00:00:00+00:00", datetime(2014, 10, 13)),
        ("20141013T000000", datetime(2014, 10, 13)),
        ("20141013T0630Z", datetime(2014, 10, 13, 6, 30)),
        ("04/30/2020 11:16:00 AM", datetime(2020, 4, 30, 11, 16)),
        ("04/30/2020 12:16:00 am", datetime(2020, 4, 30, 0, 16)),
        ("4/30/2020 1:05 PM", datetime(2020, 4, 30, 13, 5)),
        ("24-07-2019", datetime(2019, 7, 24)),
        ("Jan-91", datetime(1991, 1, 1)),
        ("jan-69", datetime(1969, 1, 1)),
        ("12/2018", datetime(2018, 12, 1)),
        ("10-Mar-2004 00:00:00", datetime(2004, 3, 10)),
        ("10-MAR-2004 00:00:00", datetime(2004, 3, 10)),
        ("August 15, 2020", datetime(2020, 8, 15)),
        ("2020.11.27", datetime(2020, 11, 27)),
        ("2020-11-27 10:00:00.125", datetime(2020, 11, 27, 10, 0, 0, 125000)),
        ("2020-11-27 10:00:00,125", datetime(2020, 11, 27, 10, 0, 0, 125000)),
        ("2020-11-27 10:00 UTC", datetime(2020, 11, 27, 10)),
        ("2020-11-27 05", datetime(2020, 11, 27, 5)),
        ("27/Nov/2020:10:00:00 +0000", datetime(2020, 11, 27, 10)),
        ("20201127 100000", datetime(2020, 11, 27, 10)),
        ("20201127_100000", datetime(2020, 11, 27, 10)),
        ("20201127 10:30", datetime(2020, 11, 27, 10, 30)),
        ("27.11.2020 18.30", datetime(2020, 11, 27, 18, 30)),
        ("2020-11-27 18.30.15", datetime(2020, 11, 27, 18, 30, 15)),
        ("Fri Nov 27 10:00:05 2020", datetime(2020, 11, 27, 10, 0, 5)),
        ("1998Q1", datetime(1998, 1, 1)),
        ("1998-q2", datetime(1998, 4, 1)),
        ("Q3 1998", datetime(1998, 7, 1)),
        ("4Q98", datetime(1998, 10, 1)),
        ("Q1'98", datetime(1998, 1, 1)),
        ("2020M11", datetime(2020, 11, 1)),
        ("Jan. 05, 1998", datetime(1998, 1, 5)),
        ("Sept. 5, 1998 10:30", datetime(1998, 9, 5, 10, 30)),
        ("05 Sept 1998", datetime(1998, 9, 5)),
        ("05 SEPT. 1998", datetime(1998, 9, 5)),
        ("January 5th, 2020", datetime(2020, 1, 5)),
        ("22nd March 2020", datetime(2020, 3, 22)),
        ("2020-01-05-08", datetime(2020, 1, 5, 8)),
        ("2020-01-05_08-30-15", datetime(2020, 1, 5, 8, 30, 15)),
        ("2020-W05", datetime(2020, 1, 27)),
        ("2020W53", datetime(2020, 12, 28)),
        ("2020-W53-5", datetime(2021, 1, 1)),
        ("2020W535", datetime(2021, 1, 1)),
        ("2020-07-05T08:00:00+02:00[Europe/Paris]", datetime(2020, 7, 5, 8)),
        ("2020-07-05T08:00Z[UTC]", datetime(2020, 7, 5, 8)),
        ("20200105 0800", datetime(2020, 1, 5, 8)),
        ("2020/01/05T08:00", datetime(2020, 1, 5, 8)),
        ("2020年1月5日", datetime(2020, 1, 5)),
        ("5. März 2020", datetime(2020, 3, 5)),
        ("05.Okt.98", datetime(1998, 10, 5)),
        ("3 août 2021", datetime(2021, 8, 3)),
        ("5 de enero de 2020", datetime(2020, 1, 5)),
        ("15-dic-2020", datetime(2020, 12, 15)),
        ("1er janvier 2020", datetime(2020, 1, 1)),
        ("1º de enero de 2020", datetime(2020, 1, 1)),
        ("15 марта 2020", datetime(2020, 3, 15)),
        ("3 мая 2020", datetime(2020, 5, 3)),
        ("5 października 2020", datetime(2020, 10, 5)),
        ("17. maj 2020", datetime(2020, 5, 17)),
        ("29 Ekim 2020", datetime(2020, 10, 29)),
        ("2020. 1. 5.", datetime(2020, 1, 5)),
        ("2020. 1. 5 오후 9:30:05", datetime(2020, 1, 5, 21, 30, 5)),
        ("2020/01/05 12:30:05 오전 GMT+9", datetime(2020, 1, 5, 0, 30, 5)),
        ("2020/1/5 上午 09:30", datetime(2020, 1, 5, 9, 30)),
        ("2020年1月5日 8時30分", datetime(2020, 1, 5, 8, 30)),
        ("2020年1月5日8时", datetime(2020, 1, 5, 8)),
        ("2020. 01. 05. 8:30", datetime(2020, 1, 5, 8, 30)),
        ("15.01.2020.", datetime(2020, 1, 15)),
        ("15. 1. 2020", datetime(2020, 1, 15)),
        ("2020:01:05 08:30:15", datetime(2020, 1, 5, 8, 30, 15)),
        ("2020_01_05", datetime(2020, 1, 5)),
        ("1/25/2020, 8:30:05\u202fPM", datetime(2020, 1, 25, 20, 30, 5)),
        ("5\u00a0January\u00a02020", datetime(2020, 1, 5)),
        ("21 Aug, 2012", datetime(2012, 8, 21)),
        ("January 05, 2020 at 09:30PM", datetime(2020, 1, 5, 21, 30)),
        ("15.01.2020 um 08:30 Uhr", datetime(2020, 1, 15, 8, 30)),
        ("15/01/2020 - 08:30", datetime(2020, 1, 15, 8, 30)),
        ("15/01/2020 08h30", datetime(2020, 1, 15, 8, 30)),
        ("08:30 15/01/2020", datetime(2020, 1, 15, 8, 30)),
        ("8:30:15 PM, 15.01.2020", datetime(2020, 1, 15, 20, 30, 15)),
        ("Sun Jan 05 2020 08:30:00 GMT+0100 (Central European Standard Time)", datetime(2020, 1, 5, 8, 30)),
        ("05/01/2020 (Sun)", datetime(2020, 1, 5)),
        ("2020-01-05 Sunday", datetime(2020, 1, 5)),
        ("DEC2011", datetime(2011, 12, 1)),
        ("2020m1", datetime(2020, 1, 1)),
        ("T2 2020", datetime(2020, 4, 1)),
        ("2020-T4", datetime(2020, 10, 1)),
        ("KW 05/2020", datetime(2020, 1, 27)),
        ("2020/KW05", datetime(2020, 1, 27)),
        ("Week 5, 2020", datetime(2020, 1, 27)),
        ("5 stycznia 2020 r.", datetime(2020, 1, 5)),
        ("5. července 2020", datetime(2020, 7, 5)),
        ("5. června 2020", datetime(2020, 6, 5)),
        ("5. marraskuuta 2020", datetime(2020, 11, 5)),
        ("5 Agustus 2020", datetime(2020, 8, 5)),
        ("5 iulie 2020", datetime(2020, 7, 5)),
        ("5 серпня 2020", datetime(2020, 8, 5)),
        ("5 Ιουνίου 2020", datetime(2020, 6, 5)),
        ("15.01.2020 23:00 - 16.01.2020 00:00", datetime(2020, 1, 15, 23)),
        ("2020-01-15 - 2020-01-31", datetime(2020, 1, 15)),
    ],
)
def test_a4_dates_of_many_writings(text, right):
    assert read(text) == [right]


@pytest.mark.parametrize("form", ["%Y%m%d", "%d%m%Y", "%m%d%Y", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m"])
@pytest.mark.parametrize("dtype", [polars.String, polars.Int64])
def test_a4_digits_alone_are_dates_where_all_are(form, dtype):
    months = 15 if form == "%Y%m" else 1
    days = [datetime(1998, 10, 1) + timedelta(days=2 * months * step, hours=step) for step in range(40)]
    column = texts(*[day.strftime(form) for day in days]).cast(dtype)
    if dtype == polars.Int64 and form[:2] != "%Y":
        column = texts(*[day.strftime(form) for day in days if day.day >= 10 and day.month >= 10]).cast(dtype)
        days = [day for day in days if day.day >= 10 and day.month >= 10]
    kind = infer_time(column, Reading())
    assert (kind.kind, kind.date_format) == ("date", form)
    assert to_dates(column, kind.date_format).to_list() == [as_written(day, form) for day in days]


@pytest.mark.parametrize("numbers", [range(20200101, 20200201), [20201301, 20200101] * 9, [20200101] * 30, range(200101, 200140)])
def test_a4_digits_that_are_no_dates_are_numbers(numbers):
    for dtype in (polars.String, polars.Int64):
        assert infer_kind(polars.Series("code", list(numbers)).cast(dtype), Reading()).kind == "number"


def test_a4_rows_are_split_by_days_written_as_digits(tmp_path):
    days = [date(1998, 1, 1) + timedelta(days=5 * step) for step in range(200)]
    rows = [f"{day:%d%m%Y},{step % 7},{step % 11}" for step, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("day,x,y\n" + "\n".join(rows))
    split = SplitConfig(time="day", test=0.25)
    config = DataConfig(source="csv", path=(str(tmp_path / "t.csv"),), target=("y",), split=split, task="regression")
    test = load_dataset(config, seed=0).parts["test"]
    assert sorted(test.row_ids.tolist()) == list(range(150, 200))


@pytest.mark.parametrize(
    "values",
    [
        ("5/10", "3/10"),
        ("12/80", "11/70"),
        ("1.2.3.4",),
        ("abc",),
        ("10:30",),
        ("1-2",),
        ("2018/19",),
        ("1.2.",),
        ("12:30 x",),
        ("Pro 2011",),
        ("Dec12345",),
        ("T5 2020",),
        ("2019 - 2020",),
    ],
)
def test_what_is_no_date_is_none(values):
    assert find_writing(texts(*values)) is None


def test_points_behind_a_time_are_those_of_days_first():
    found = find_writing(texts("08:30 05.01.2020", "09:30 06.02.2020"))
    assert (found.text, found.note) == ("%H:%M %d.%m.%Y", "")


def test_summer_and_winter_of_browsers_are_moments():
    winter, summer = "Sun Jan 05 2020 08:30:00 GMT+0100 (CET)", "Sun Jul 05 2020 08:30:00 GMT+0200 (CEST)"
    found = find_writing(texts(winter, summer))
    assert found.text.endswith(" @UTC")
    assert to_moments(texts(winter, summer), found.text).to_list() == [datetime(2020, 1, 5, 7, 30), datetime(2020, 7, 5, 6, 30)]


def test_years_of_four_digits_are_meant():
    assert find_writing(texts("98-01-05", "99-01-05")).text == "%y-%m-%d"


def test_midnights_without_a_time_stand_among_others_in_iso():
    assert read("2020-01-01 00:00:00", "2020-01-01 00:00:00.5") == [datetime(2020, 1, 1), datetime(2020, 1, 1, 0, 0, 0, 500000)]
    assert read("May-91", "Jun-91") == [datetime(1991, 5, 1), datetime(1991, 6, 1)]
    assert read("May 15, 2020", "August 15, 2020") == [datetime(2020, 5, 15), datetime(2020, 8, 15)]


def test_a5_offsets_of_summer_and_winter_keep_the_moments():
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2020, 10, 24, 22, tzinfo=ZoneInfo("UTC"))
    hours = [(first + timedelta(hours=number)) for number in range(6)]
    written = texts(*(hour.astimezone(berlin).isoformat() for hour in hours))
    found = find_writing(written)
    assert found.text.endswith("%z @UTC")
    assert "offsets" in found.note
    naive = [hour.replace(tzinfo=None) for hour in hours]
    assert to_moments(written, found.text).to_list() == naive
    by_clock = to_dates(written, found.text.replace("@UTC", "@Europe/Berlin"))
    assert by_clock.to_list() == [hour.astimezone(berlin).replace(tzinfo=None) for hour in hours]


def test_a5_zones_of_parquet_are_converted():
    first = polars.datetime_range(datetime(2020, 10, 31, 22), datetime(2020, 11, 1, 9), "1h", eager=True, time_zone="UTC")
    york = first.dt.convert_time_zone("America/New_York")
    wall = [moment.replace(tzinfo=None) for moment in york.to_list()]
    for same in (first, york, first.dt.convert_time_zone("Asia/Tokyo")):
        assert to_dates(same, "@America/New_York").to_list() == wall
        assert to_moments(same, "@America/New_York").to_list() == first.dt.replace_time_zone(None).to_list()
    iso = polars.Series("when", [moment.isoformat() for moment in york.to_list()])
    assert to_dates(iso, "@America/New_York").to_list() == wall
    assert len(set(wall)) < len(wall)


def test_places_behind_the_offsets_are_the_clock():
    found = find_writing(texts("2020-03-28T08:00:00+01:00[Europe/Paris]", "2020-03-29T08:00:00+02:00[Europe/Paris]"))
    assert (found.text, found.note) == ("%Y-%m-%dT%H:%M:%S%z @Europe/Paris", "")
    assert to_dates(texts("2020-07-01T06:00:00Z"), found.text).to_list() == [datetime(2020, 7, 1, 8)]


def test_names_of_months_with_points_and_without_stand_together():
    months = ["Jan. 5, 1998", "March 5, 1998", "May 5, 1998", "Sept. 5, 1998", "Dec 5, 1998"]
    assert [moment.month for moment in read(*months)] == [1, 3, 5, 9, 12]
    german = ["Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"]
    assert [moment.month for moment in read(*(f"05. {month} 20" for month in german))] == list(range(1, 13))
    french = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
    assert [moment.month for moment in read(*(f"5 {month} 2020" for month in french))] == list(range(1, 13))


@settings(max_examples=examples(16, 50), deadline=None)
@given(moments)
def test_weeks_are_those_of_iso_8601(found):
    days = [moment.date() for moment in found]
    weeks = [day.isocalendar() for day in days]
    assert read(*(f"{week.year}-W{week.week:02d}-{week.weekday}" for week in weeks)) == [
        datetime(day.year, day.month, day.day) for day in days
    ]


def test_one_offset_is_the_clock():
    found = find_writing(texts("2020-01-01T10:00:00+02:00", "2020-01-01T11:00:00+02:00"))
    assert found.text == "%Y-%m-%dT%H:%M:%S%z @+02:00"
    assert to_dates(texts("2020-01-01T10:00:00Z"), found.text).to_list() == [datetime(2020, 1, 1, 12)]


def test_iso_is_read_beside_another_format():
    assert to_dates(texts("2020-11-27", "27.11.2020"), "%d.%m.%Y").to_list() == [datetime(2020, 11, 27)] * 2


@pytest.mark.parametrize(
    ("first", "word"),
    [
        (1_577_836_800, "epoch"),
        (1_577_836_800_000, "epoch_ms"),
        (1_577_836_800_000_000, "epoch_us"),
        (1_577_836_800_000_000_000, "epoch_ns"),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_numbers_since_1970_are_told_how_to_be_said(tmp_path: Path, first: int, word: str, as_text: bool) -> None:
    step = {"epoch": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000, "epoch_ns": 1_000_000_000}[word] * 86_400
    frame = polars.DataFrame({"t": [first + day * step for day in range(60)], "y": [day * 0.5 for day in range(60)]})
    path = tmp_path / ("t.csv" if as_text else "t.parquet")
    frame.write_csv(path) if as_text else frame.write_parquet(path)
    config = DataConfig(path.suffix[1:], path=(str(path),), target=("y",), features={"t": "date"})
    with pytest.raises(DataError) as caught:
        load_dataset(config, seed=0)
    assert caught.value.faults[0].hint == f"numbers since 1970 are read by data.dates: {{t: {word}}}"
    dataset = load_dataset(replace(config, dates={"t": word}), seed=0)
    (column,) = dataset.preprocessing.features  # type: ignore[attr-defined]
    day = next(number for number in column.numbers if number.name == "t day number")
    assert day.center == pytest.approx(18_262 + 29.5)  # 2020-01-01 is the 18,262nd day after 1970-01-01


@pytest.mark.parametrize("value", ["x", "12", "3.5", "20200105", ""])
def test_other_words_are_no_times(value: str) -> None:
    assert epoch_of(value) is None


@pytest.mark.parametrize(
    ("form", "zone"),
    [
        ("%a %b %d %H:%M:%S +0000 %Y", " @UTC"),
        ("%a %b %d %H:%M:%S PDT %Y", " @-07:00"),
        ("%Y-%m-%d-%H.%M.%S.123456", ""),
        ("%d января %Y г.", ""),  # noqa: RUF001
        ("%d января %Y года", ""),
    ],
)
def test_dates_of_networks_of_db2_and_of_russian(form: str, zone: str) -> None:
    times = [datetime(2020, 1, 3, 5, 7, 9) + timedelta(days=day) for day in range(20)]
    text = polars.Series("x", [time.strftime(form) for time in times])
    writing = find_writing(text)
    assert writing is not None
    assert writing.text.endswith(zone)
    assert to_dates(text, writing.text).dt.date().to_list() == [time.date() for time in times]


def test_halves_of_years_are_no_lengths_of_time() -> None:
    assert not are_durations(polars.Series([f"{year}H{half}" for year in range(1995, 2005) for half in (1, 2)]))
    assert are_durations(polars.Series(["2h30", "8h05", "24h00"]))


def test_attack_15_text_too_long_for_a_date_is_not_searched_for_one(monkeypatch):
    """A cell of some megabytes took minutes."""
    monkeypatch.setattr(formats, "_date_formats", None)
    assert formats.candidates("5 January 2020 " * 20) == ()


@pytest.mark.parametrize("writing", ["%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", None])
@pytest.mark.parametrize("read", [to_dates, to_moments])
def test_offsets_beside_dates_learnt_without_a_zone_leave_the_clock_as_it_is_written(read: Any, writing: str | None) -> None:
    """As the moments of a Parquet file."""
    texts = [
        "2020-01-01T00:30:00+02:00",
        "2020-01-01T00:30:00Z",
        "2020-01-01T00:30:00",
        "2020-07-01 00:30:00-05:00",
        "2020-01-01",
    ]
    found = read(polars.Series("t", texts), writing).to_list()
    assert found == [*(datetime(2020, month, 1, 0, 30) for month in (1, 1, 1, 7)), datetime(2020, 1, 1)]


@pytest.mark.parametrize(
    ("written", "hours"),
    [("GMT+1", 0), ("GMT-3:30", 4.5), ("UTC+10", -9), ("GMT+0530", -4.5), ("GMT+05:45", -4.75), ("GMT", 1), ("UTC-11", 12)],
)
def test_hours_beside_greenwich_as_forms_write_them(written, hours):
    text = f"2021/03/01 1:00:00 AM {written}"
    found = to_moments(texts(text), formats.candidates(text)[0])
    assert found.to_list() == [datetime(2021, 3, 1) + timedelta(hours=hours)]


@pytest.mark.parametrize("behind", [" Europe/Berlin", "[Europe/Berlin]", " [Europe/Berlin]"])
def test_a_place_behind_a_time_without_an_offset_is_whose_clock_it_is(behind: str) -> None:
    start = datetime(2024, 3, 30, 20)
    clock = [start + timedelta(hours=step) for step in (0, 1, 2, 3, 4, 5, 7, 8, 9)]  # 2 o'clock of the 31st is left out
    written = polars.Series("t", [f"{time:%Y-%m-%d %H:%M:%S}{behind}" for time in clock])
    found = find_writing(written)
    assert found is not None
    assert found.text == f"%Y-%m-%d %H:%M:%S{behind} @Europe/Berlin"
    assert to_dates(written, found.text).to_list() == clock
    moments = [time.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC).replace(tzinfo=None) for time in clock]
    assert to_moments(written, found.text).to_list() == moments
    by_utc = polars.Series("t", moments).dt.replace_time_zone("UTC")
    assert to_dates(by_utc, found.text).to_list() == clock


def test_words_that_are_no_places_are_none_of_a_time() -> None:
    assert find_writing(polars.Series("t", [f"2024-03-{day:02d} 10:00 Room/Attic" for day in range(1, 20)])) is None
