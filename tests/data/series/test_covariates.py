"""Columns known ahead, and columns that stay the same: where their values stand in a window, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_ahead, read_part
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.errors import ConfigError, DataError
from dltrain.reporting import Reporter

HISTORY, HORIZON = 5, 3


def table(length: int = 40, ahead: int = 6, shops: int = 3) -> polars.DataFrame:
    """Series whose promotion tells the shop and the day; the target of the last rows is not known."""
    rows = [
        (f"shop {shop}", str(np.datetime64("2024-01-01") + day), 100.0 * shop + day, "ab"[shop % 2], 1.5 * shop)
        for shop in range(shops)
        for day in range(length + ahead)
    ]
    frame = polars.DataFrame(rows, schema=["shop", "day", "promo", "kind", "size"], orient="row")
    days = polars.int_range(polars.len()).over("shop")
    return frame.with_columns(sales=polars.when(days < length).then(polars.col("promo") * 2 + 1))


def load(path: Path, frame: polars.DataFrame, **series: Any) -> Any:
    frame.write_csv(path)
    options = {"id": ("shop",), "time": ("day",), "history": HISTORY, "horizon": HORIZON, "known": ("promo",), **series}
    split = SplitConfig(test=0.25, validation=0.25)
    return load_dataset(
        DataConfig("csv", path=(str(path),), target=("sales",), series=SeriesConfig(**options), split=split), seed=0
    )


def own(preprocessing: SeriesPreprocessing, name: str, values: Any) -> np.ndarray:
    """Scaled numbers of a column in the units of the file."""
    [column] = [column for column in preprocessing.table.features if column.name == name]
    [number] = column.numbers
    return np.asarray(values, np.float64) * number.spread + number.center


def test_windows_have_what_is_known_of_each_row_that_is_foretold(tmp_path: Path) -> None:
    dataset = load(tmp_path / "s.csv", table(), static=("kind", "size"))
    columns = dataset.schema.inputs[0].columns
    assert columns == ("promo", "kind=a", "kind=b", "size", "sales", f"promo +{HORIZON}")
    for part in dataset.parts.values():
        assert part.num_rows
        windows = np.asarray(part.inputs["features"])
        past, later = (own(dataset.preprocessing, "promo", windows[..., place]) for place in (0, 5))
        np.testing.assert_allclose(later, past + HORIZON, atol=1e-3)
        truth = np.stack([target.to_own(part.targets[target.name]) for target in dataset.schema.targets], axis=1)
        np.testing.assert_allclose(later[:, -HORIZON:] * 2 + 1, truth, rtol=1e-4)  # sales follow from the promotion
        shops = np.round(past[:, 0] / 100).astype(int)
        np.testing.assert_allclose(
            own(dataset.preprocessing, "size", windows[..., 3]), 1.5 * shops[:, None] * np.ones(HISTORY), atol=1e-3
        )
        np.testing.assert_array_equal(windows[..., 1], (shops % 2 == 0)[:, None] * np.ones(HISTORY))


def test_rows_after_the_last_target_are_of_no_part(tmp_path: Path) -> None:
    longer, plain = (load(tmp_path / "s.csv", table(ahead=ahead)) for ahead in (6, 0))
    for name, part in plain.parts.items():
        np.testing.assert_array_equal(np.asarray(part.inputs["features"]), np.asarray(longer.parts[name].inputs["features"]))
    assert "18 rows after the last target of their series hold what is known ahead, and are of no part" in longer.summary


def test_forecasts_go_on_with_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    preprocessing = load(path, table(), static=("kind", "size")).preprocessing
    stored = SeriesPreprocessing.from_state(*preprocessing.to_state())
    assert stored.schema == preprocessing.schema
    ahead = read_ahead(stored, [str(path)], None, 2 * HORIZON)
    for last in (39, 39 + HORIZON):
        days = np.arange(last - HISTORY + 1, last + 1)
        expected = 100.0 * np.arange(3)[:, None] + days
        np.testing.assert_allclose(own(stored, "promo", ahead.rows[..., 0]), expected, atol=1e-3)
        np.testing.assert_allclose(own(stored, "promo", ahead.rows[..., 5]), expected + HORIZON, atol=1e-3)
        np.testing.assert_allclose(own(stored, "sales", ahead.rows[..., 4]), 2 * expected + 1, atol=1e-3)
        np.testing.assert_allclose(
            own(stored, "size", ahead.rows[..., 3]), np.tile(1.5 * np.arange(3)[:, None], HISTORY), atol=1e-5
        )
        if last == 39:
            come = 100.0 * np.arange(3)[:, None] + np.arange(40, 40 + HORIZON)
            ahead.go_on({"sales": 2 * come + 1})


def test_windows_without_a_target_end_with_the_last_one_that_has(tmp_path: Path) -> None:
    preprocessing = load(tmp_path / "s.csv", table()).preprocessing
    from dltrain.data.raw import RawTable

    part = preprocessing.transform(RawTable(table()), with_targets=False)
    assert part.num_rows == 3 * (40 - HISTORY + 1)
    assert max(part.identifiers["time"]) == "2024-02-10"  # the day after the fortieth


@pytest.mark.parametrize("ahead", [0, 2, 5])
def test_rows_that_are_not_known_ahead_are_refused(tmp_path: Path, ahead: int) -> None:
    path = tmp_path / "s.csv"
    preprocessing = load(path, table()).preprocessing
    table(ahead=ahead).write_csv(path)
    first_missing = np.datetime64("2024-02-10") + ahead
    with pytest.raises(DataError, match=f"promo must be known of 6 rows of 3 series.* that of {first_missing}"):
        read_ahead(preprocessing, [str(path)], None, HORIZON + 1)


def test_an_empty_cell_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    preprocessing = load(path, table()).preprocessing
    table().with_columns(promo=polars.when(polars.col("day") != "2024-02-11").then(polars.col("promo"))).write_csv(path)
    with pytest.raises(DataError, match="that of 2024-02-11"):
        read_ahead(preprocessing, [str(path)], None, HORIZON)


def test_a_static_column_that_changes_is_refused(tmp_path: Path) -> None:
    frame = table().with_columns(size=polars.col("promo") // 130)
    with pytest.raises(DataError, match=r"size is '1' here and '0' in line \d+.* within 1 of them \(shop 1\)"):
        load(tmp_path / "s.csv", frame, static=("size",))


def test_a_static_value_that_is_missing_in_some_rows_is_that_of_the_others(tmp_path: Path) -> None:
    whole = load(tmp_path / "s.csv", table(), static=("kind", "size"))
    odd = polars.int_range(polars.len()) % 2 == 1
    frame = table().with_columns(polars.when(odd).then(polars.col(name)).alias(name) for name in ("kind",))
    holes = load(tmp_path / "s.csv", frame, static=("kind", "size"))
    for name, part in whole.parts.items():
        np.testing.assert_array_equal(np.asarray(part.inputs["features"]), np.asarray(holes.parts[name].inputs["features"]))


def test_a_column_that_is_no_feature_is_refused(tmp_path: Path) -> None:
    frame = table().with_columns(note=polars.format("a text of many words {}", polars.int_range(polars.len())))
    with pytest.raises((DataError, ConfigError), match="note"):
        load(tmp_path / "s.csv", frame, static=("note",))


def test_the_times_of_forecasts_are_those_of_the_rows_that_are_given(tmp_path: Path) -> None:
    """A shop that is closed on Sundays and on a holiday of its own."""
    path = tmp_path / "s.csv"
    day = polars.col("day").str.to_date()
    frame = table(length=70, ahead=12).filter((day.dt.weekday() < 7) & (polars.col("day") != "2024-03-13"))
    preprocessing = load(path, frame, gaps="ignore").preprocessing
    ahead = read_ahead(preprocessing, [str(path)], None, 2 * HORIZON)
    expected = frame.filter(polars.col("shop") == "shop 0", polars.col("sales").is_null())["day"].to_list()[: 2 * HORIZON]
    assert "2024-03-12" in expected
    assert "2024-03-14" in expected
    assert ahead.times(1, 2 * HORIZON) == expected * 3


@pytest.mark.parametrize(
    ("impute", "how"), [(None, "the last known value stands in"), ("median", "numbers are filled as data.impute says")]
)
def test_gaps_are_said_where_a_window_sees_them_and_training_had_none(tmp_path: Path, impute: str | None, how: str) -> None:
    row = polars.int_range(polars.len())
    frame = table(shops=1).with_columns(heat=row.sin())
    path = tmp_path / "s.csv"
    frame.write_csv(path)
    series = SeriesConfig(time=("day",), history=HISTORY, horizon=HORIZON, known=("promo",))
    features = dict.fromkeys(("sales", "promo", "heat"))
    split = SplitConfig(test=0.25, validation=0.25)
    config = DataConfig("csv", path=(str(path),), target=("sales",), features=features, impute=impute, series=series, split=split)
    preprocessing = load_dataset(config, seed=0).preprocessing

    def said(given: polars.DataFrame) -> list[str]:
        given.write_csv(path)
        heard: list[str] = []

        class Heard(Reporter):
            def warning(self, warning: Any) -> None:
                heard.append(str(warning))

        read_part(preprocessing, [str(path)], with_targets=False, reporter=Heard())
        return heard

    ahead = frame.with_columns(heat=polars.when(row < 40).then("heat"))  # what comes is seen of no row but the promotion
    assert said(ahead) == []
    [text] = said(ahead.with_columns(heat=polars.when(row != 20).then("heat")))
    assert how in text
    assert text.endswith(": heat 1")


def test_rows_that_are_ahead_alone_have_no_past_and_the_way_out_is_said(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    preprocessing = load(path, table()).preprocessing
    table().filter(polars.col("sales").is_null()).write_csv(path)
    with pytest.raises(DataError, match="no row has a target") as caught:
        read_ahead(preprocessing, [str(path)], None, HORIZON)
    assert "--data PAST --data AHEAD" in str(caught.value.faults[0].hint)
    table().drop("sales").write_csv(path)
    with pytest.raises(DataError, match="no row has a target"):
        read_ahead(preprocessing, [str(path)], None, HORIZON)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_file_of_what_is_known_ahead_needs_no_target_and_no_other_column(tmp_path: Path, suffix: str, turned: bool) -> None:
    path = tmp_path / "s.csv"
    preprocessing = load(path, table().with_columns(heat=polars.col("promo").sin()), static=("kind",)).preprocessing
    whole = read_ahead(preprocessing, [str(path)], None, HORIZON)
    rows = table().with_columns(heat=polars.col("promo").sin())
    files = [str(tmp_path / f"{name}.{suffix}") for name in ("past", "ahead")]
    for file, frame in zip(
        files,
        (
            rows.filter(polars.col("sales").is_not_null()),
            rows.filter(polars.col("sales").is_null()).select("day", "shop", "promo"),
        ),
        strict=True,
    ):
        getattr(frame, f"write_{suffix}")(file)
    found = read_ahead(preprocessing, files[::-1] if turned else files, None, HORIZON)
    np.testing.assert_array_equal(found.rows, whole.rows)
    np.testing.assert_array_equal(found.future, whole.future)
    assert found.names == whole.names
    with pytest.raises(DataError, match="has no column"):
        read_part(preprocessing, files, with_targets=True)
