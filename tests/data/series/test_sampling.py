"""Windows of every so many rows, and a row far ahead alone: against Keras's own windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data import load_dataset, read_part
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.new_rows import read_ahead
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.series.window_scale import WindowScale, deviations
from dltrain.model.keras_import import import_keras
from tests.support import examples


def config(folder: Path, count: int, series: SeriesConfig) -> DataConfig:
    values = np.random.default_rng(4).normal(20, 3, (count, 2)).astype(np.float32)
    polars.DataFrame({"y": values[:, 0], "x": values[:, 1]}).write_csv(folder / "s.csv")
    split = SplitConfig(test=0.3, validation=0.3)
    return DataConfig("csv", path=(str(folder / "s.csv"),), target=("y",), series=series, split=split)


@given(
    history=st.integers(1, 5),
    sampling=st.integers(1, 4),
    offset=st.integers(1, 9),
    horizon=st.integers(1, 2),
    stride=st.integers(1, 3),
    before=st.booleans(),
)
@settings(max_examples=examples(4, 12), deadline=None)
def test_windows_are_those_of_keras_to_the_bit(
    tmp_path_factory: object, history: int, sampling: int, offset: int, horizon: int, stride: int, before: bool
) -> None:
    folder = tmp_path_factory.mktemp("s")  # type: ignore[attr-defined]
    series = SeriesConfig(
        history=history,
        sampling=sampling,
        offset=offset,
        horizon=horizon,
        stride=stride,
        history_from="before" if before else "part",
    )
    dataset = load_dataset(config(folder, 160, series), seed=0)
    preprocessing = dataset.preprocessing
    assert isinstance(preprocessing, SeriesPreprocessing)
    frame = polars.read_csv(folder / "s.csv")
    columns = preprocessing.table.features
    scaled = np.stack([column.numbers[0].transform(frame[column.name].to_numpy()) for column in columns], axis=1)
    # Keras asks for `sampling` rows where a window ends, also where it has but one of them.
    longer = np.concatenate([scaled, np.zeros((sampling, 2))]).astype(np.float32)
    ends = {"train": (0, 78), "validation": (78, 112), "test": (112, 160)}
    span = (history - 1) * sampling + 1
    for name, (first, last) in ends.items():
        begin = first - (span - 1 + offset) if before and name != "train" else first
        # The target stands at the place of its window's first row, as Keras's own example of the weather of Jena has it.
        delay = span - 1 + offset
        windows = import_keras().utils.timeseries_dataset_from_array(
            longer[begin:],
            frame["y"].to_numpy()[begin + delay : last - horizon + 1],
            sequence_length=history,
            sampling_rate=sampling,
            sequence_stride=stride,
            batch_size=1000,
        )
        [(inputs, targets)] = list(windows)
        part = dataset.parts[name]
        np.testing.assert_array_equal(in_memory(part.inputs["features"]), inputs.numpy())
        spec = dataset.schema.targets[0]
        np.testing.assert_array_equal(part.targets[spec.name], spec.to_stored(targets.numpy()))
        assert part.identifiers["row"] == [str(row + 1) for row in part.row_ids]
        assert part.row_ids[0] == begin + delay
    assert preprocessing.describe()[0].startswith(f"series: {history} rows")
    assert SeriesPreprocessing.from_state(*preprocessing.to_state()).schema == dataset.schema


@given(history=st.integers(1, 5), sampling=st.integers(1, 4))
@settings(max_examples=examples(6, 20), deadline=None)
def test_the_deviation_of_a_window_is_that_of_the_rows_it_has(history: int, sampling: int) -> None:
    values = np.random.default_rng(1).normal(5, 2, (40, 2)).astype(np.float32)
    starts = np.arange(40 - (history - 1) * sampling)
    found = deviations(WindowScale((True, True), {"y": (1, 3.0, 7.0)}), values, starts, history, sampling)
    windows = values[starts[:, None] + sampling * np.arange(history), 1].astype(np.float64)
    np.testing.assert_allclose(found, 3.0 * windows.std(axis=1), atol=1e-6)


def test_what_comes_next_is_told_by_the_windows_that_reach_it(tmp_path: Path) -> None:
    series = SeriesConfig(history=3, sampling=2, offset=4, horizon=2)
    preprocessing = load_dataset(config(tmp_path, 60, series), seed=0).preprocessing
    assert isinstance(preprocessing, SeriesPreprocessing)
    part = read_part(preprocessing, [str(tmp_path / "s.csv")], with_targets=False)
    ahead = read_ahead(preprocessing, [str(tmp_path / "s.csv")], None, 5)
    # Of the last four windows each foretells one row more: 61 to 64, the last one 65 as well.
    np.testing.assert_array_equal(ahead.windows()[:, 0], in_memory(part.inputs["features"])[-4:])
    assert part.identifiers["row"][-4:] == ["61", "62", "63", "64"]
    before = ahead.rows.copy()
    ahead.go_on({"y": np.full((1, series.reach), 20.0)})
    np.testing.assert_array_equal(ahead.rows[:, : -series.reach], before[:, series.reach :])
    assert ahead.rows.shape == before.shape
