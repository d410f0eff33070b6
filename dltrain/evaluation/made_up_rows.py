"""Raw rows made up from what a run knows of its data, on which an exported model is compared with the run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data import read_part
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import RawPictures, RawTable
from dltrain.data.series.calendars import Step
from dltrain.data.series.groups import one_series
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.series.timeline import Timeline, take
from dltrain.data.series.times import Times
from dltrain.data.tables.preprocessing import FEATURES, TablePreprocessing
from dltrain.later import polars
from dltrain.model.export.raw_input import RawInput

if TYPE_CHECKING:
    from dltrain.data.arrays.disk_array import Array

NUM_ROWS = 64
NUM_WINDOWS = 16
NUM_PICTURES = 8


def make_up(preprocessing: Preprocessing, inputs: Sequence[RawInput]) -> tuple[dict[str, Any], Mapping[str, Array]]:
    """Raw rows, and what the run's own preprocessing makes of them.

    Args:
        preprocessing: of the run.
        inputs: of the export.

    Returns:
        Input name → array (texts, float32, int64), and the model's inputs by name.
    """
    generator = np.random.default_rng(0)
    if isinstance(preprocessing, PicturePreprocessing):
        return _pictures(generator, preprocessing, inputs[0])
    if isinstance(preprocessing, SeriesPreprocessing):
        return _series(generator, preprocessing, inputs)
    assert isinstance(preprocessing, TablePreprocessing)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rows, frame = _table(generator, preprocessing, inputs, NUM_ROWS, Path(folder))
        return rows, preprocessing.transform(RawTable(frame), with_targets=False).inputs


def _series(
    generator: np.random.Generator, preprocessing: SeriesPreprocessing, inputs: Sequence[RawInput]
) -> tuple[dict[str, Any], Mapping[str, Array]]:
    """Each window by itself, as no row before it is known to what is exported."""
    table, config = preprocessing.table, preprocessing.series
    history, length = config.history, config.history + (config.reach if config.known else 0)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rows, frame = _table(generator, table, inputs, NUM_WINDOWS * length, Path(folder))
    values = table.read_values(RawTable(frame), with_targets=False).features
    in_order = np.arange(length)
    of_one = np.zeros(length, np.int64)
    timeline = Timeline(Times("row", in_order), in_order, one_series(length), of_one, Step("row", 1), splits=False)
    windows = []
    for start in range(0, NUM_WINDOWS * length, length):
        own = {
            name: take(column, np.full(length, start) if name in config.static else in_order + start)
            for name, column in values.items()
        }
        windows.append(preprocessing.order_values(timeline, own, {}, []).features[:history])
    given = {}
    for item in inputs:
        own_rows = rows[item.name].reshape(NUM_WINDOWS, length)
        given[item.name] = own_rows[:, : item.shape[0]] if item.shape else own_rows[:, 0]
    return given, {FEATURES: np.stack(windows)}


def _table(
    generator: np.random.Generator, preprocessing: TablePreprocessing, inputs: Sequence[RawInput], count: int, folder: Path
) -> tuple[dict[str, Any], polars.DataFrame]:
    """So many raw rows by input name, and as a table; pictures are files in the folder."""
    rows: dict[str, Any] = {}
    series = []
    for column, item in zip(preprocessing.features, inputs, strict=True):
        if column.form is not None:
            pixels = _pixels(generator, (count, *item.fixed_shape), column.form.white)
            rows[item.name] = pixels.astype(np.float32)
            series.append(polars.Series(column.name, _write_pictures(pixels, folder, f"column {len(rows)}")))
            continue
        values = column.by_kind.make_up(column, generator, count, item.words)
        rows[item.name] = values
        series.append(column.by_kind.to_series(column.name, values))
    return rows, polars.DataFrame(series)


def _pictures(
    generator: np.random.Generator, preprocessing: PicturePreprocessing, item: RawInput
) -> tuple[dict[str, Any], Mapping[str, Array]]:
    if preprocessing.reader is None:
        deviation = np.broadcast_to(preprocessing.spread, item.fixed_shape)
        values = generator.normal(preprocessing.center, deviation, (NUM_ROWS, *item.fixed_shape)).astype(np.float32)
        return {item.name: values}, preprocessing.transform(RawPictures(values), with_targets=False).inputs
    # The run itself reads picture files, so that what is compared is the whole way from the file on; what is exported cuts none.
    whole = replace(preprocessing, reader={key: value for key, value in preprocessing.reader.items() if key != "tiles"})
    pixels = _pixels(generator, (NUM_PICTURES, *item.fixed_shape), preprocessing.reader.get("white"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        _write_pictures(pixels, Path(folder), "picture")
        part = read_part(whole, [folder], with_targets=False)
    return {item.name: pixels.astype(np.float32)}, part.inputs


def _pixels(generator: np.random.Generator, shape: tuple[int, ...], white: float | None) -> NDArray[Any]:
    """Random pictures; where training had some of more than 8 bits, grey ones of fractions or of whole numbers up to white."""
    if white is None:
        return generator.integers(0, 256, shape).astype(np.uint8)
    values = generator.random((*shape[:3], 1)) * white
    return np.repeat((values if white == 1 else np.round(values)).astype(np.float32), shape[3], axis=3)


def _write_pictures(pictures: NDArray[Any], folder: Path, name: str) -> list[str]:
    from PIL import Image

    suffix = "png" if pictures.dtype == np.uint8 else "tif"
    paths = [str(folder / f"{name} {index:03d}.{suffix}") for index in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        is_grey = picture.shape[2] == 1 or suffix == "tif"
        Image.fromarray(picture[:, :, 0] if is_grey else picture).save(path)
    return paths


def largest_difference(expected: Mapping[str, Any], found: Mapping[str, Any], scales: Mapping[str, Any]) -> float:
    """The largest difference between numbers of two sets of outputs, in units of the output's scale, or of each row's.

    Labels are not compared: they follow from the probabilities. An output that one of them lacks, or of another shape, or with
    numbers where the other has none, counts as infinite.
    """
    largest = 0.0
    for name, scale in scales.items():
        one = np.asarray(expected[name], np.float64)
        if name not in found or np.shape(found[name]) != one.shape:
            return float("inf")
        other = np.asarray(found[name], np.float64)
        if (np.isfinite(one) != np.isfinite(other)).any():
            return float("inf")
        difference = (np.abs(one - other) / scale)[np.isfinite(one)]
        largest = max(largest, float(difference.max(initial=0.0)))
    return largest
