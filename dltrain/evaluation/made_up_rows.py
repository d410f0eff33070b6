"""Raw rows made up from what a run knows of its data, on which an exported model is compared with the run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data import read_part
from dltrain.data.dataset import Part
from dltrain.data.features import FeatureColumn
from dltrain.data.picture_preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import RawPictures, RawTable
from dltrain.data.table_preprocessing import TablePreprocessing
from dltrain.model.export.date_parts import NO_DATE, SECONDS_A_DAY
from dltrain.model.export.raw_input import RawInput

NUM_ROWS = 64
NUM_PICTURES = 8
GAPS = 0.15
UNSEEN = "a word that nobody wrote"


def make_up(preprocessing: Preprocessing, inputs: Sequence[RawInput]) -> tuple[dict[str, Any], Part]:
    """Raw rows, and what the run's own preprocessing makes of them.

    Args:
        preprocessing: of the run.
        inputs: of the export.

    Returns:
        Input name → array (texts, float32, int64), and the preprocessed part.
    """
    generator = np.random.default_rng(0)
    if isinstance(preprocessing, PicturePreprocessing):
        return _pictures(generator, preprocessing, inputs[0])
    assert isinstance(preprocessing, TablePreprocessing)
    return _table(generator, preprocessing, inputs)


def _table(
    generator: np.random.Generator, preprocessing: TablePreprocessing, inputs: Sequence[RawInput]
) -> tuple[dict[str, Any], Part]:
    import polars

    rows: dict[str, Any] = {}
    series = []
    for column, item in zip(preprocessing.features, inputs, strict=True):
        values = _values(generator, column, item)
        rows[item.name] = values
        if column.kind == "date":
            dates = values.astype("datetime64[s]").astype("datetime64[us]")  # the smallest int64 becomes NaT
            series.append(polars.Series(column.name, dates).cast(polars.Datetime("us")))
        elif column.kind in ("category", "text"):
            series.append(polars.Series(column.name, values.tolist(), dtype=polars.String))
        else:
            series.append(polars.Series(column.name, values.astype(np.float64), nan_to_null=True))
    frame = polars.DataFrame(series)
    return rows, preprocessing.transform(RawTable(frame), with_targets=False)


def _values(generator: np.random.Generator, column: FeatureColumn, item: RawInput) -> NDArray[Any]:
    """Values as training may have seen them, and among them gaps, values beyond, and words that nobody has seen."""
    gaps = generator.random(NUM_ROWS) < GAPS
    if column.tokenizer is not None:
        tokens = np.array([*column.tokenizer.vocabulary[:1000], UNSEEN, "Ärger!", "  "], object)
        counts = generator.integers(0, 2 * min(column.tokenizer.length, 50) + 2, NUM_ROWS)
        return np.array([" ".join(generator.choice(tokens, count)) for count in counts], object)
    if column.kind == "category":
        words = generator.choice(np.array([*item.words, UNSEEN], object), NUM_ROWS)
        words[gaps] = ""
        return np.asarray(words)
    if any(np.isnan(number.fill) for number in column.numbers):
        gaps[:] = False  # the run takes no rows with gaps
    if column.kind == "boolean":
        return np.where(gaps, np.nan, generator.integers(0, 2, NUM_ROWS)).astype(np.float32)
    number = column.numbers[column.date_parts.index("day number")] if column.kind == "date" else column.numbers[0]
    if len(number.quantiles):
        beyond = 0.1 * (number.quantiles[-1] - number.quantiles[0])
        values = generator.uniform(number.quantiles[0] - beyond, number.quantiles[-1] + beyond, NUM_ROWS)
    else:
        middle = number.center if number.scale != "none" or not np.isfinite(number.fill) else number.fill
        values = generator.normal(middle, number.spread, NUM_ROWS)
    if column.kind == "date":
        return np.where(gaps, NO_DATE, np.round(values * SECONDS_A_DAY).astype(np.int64))
    return np.where(gaps, np.nan, values).astype(np.float32)


def _pictures(generator: np.random.Generator, preprocessing: PicturePreprocessing, item: RawInput) -> tuple[dict[str, Any], Part]:
    if preprocessing.reader is None:
        deviation = np.broadcast_to(preprocessing.spread, item.fixed_shape)
        values = generator.normal(preprocessing.center, deviation, (NUM_ROWS, *item.fixed_shape)).astype(np.float32)
        return {item.name: values}, preprocessing.transform(RawPictures(values), with_targets=False)
    from PIL import Image

    # The run itself reads picture files, so that what is compared is the whole way from the file on.
    pixels = generator.integers(0, 256, (NUM_PICTURES, *item.fixed_shape)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for index, picture in enumerate(pixels):
            Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture).save(Path(folder) / f"{index}.png")
        part = read_part(preprocessing, [folder], with_targets=False)
    return {item.name: pixels.astype(np.float32)}, part


def largest_difference(expected: Mapping[str, Any], found: Mapping[str, Any], scales: Mapping[str, float]) -> float:
    """The largest difference between numbers of two sets of outputs, in units of the output's scale.

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
        difference = np.abs(one - other)[np.isfinite(one)]
        largest = max(largest, float(difference.max(initial=0.0)) / scale)
    return largest
