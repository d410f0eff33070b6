"""The data's shape from its beginning alone: a header, the first rows, the declared shape of an array."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dltrain.config.types import DataConfig, SplitConfig, config_fault
from dltrain.config.types.data import IMAGE
from dltrain.data.facts import (
    BUNDLED_TABLES,
    UNREAD,
    WRITING,
    DataFacts,
    expected_rows,
    facts_of,
    in_unit_range,
    known_facts,
    replace_folds,
)
from dltrain.data.part_sizes import SplitError
from dltrain.errors import ConfigError, DataError, DltrainError, Fault, UsageError
from dltrain.wording import column_hint, shown

if TYPE_CHECKING:
    from dltrain.data.dataset import Schema
    from dltrain.data.fitted import Fitted
    from dltrain.data.raw import RawTable

SMALL_BYTES = 1 << 20
SMALL_TEXT = 1 << 24  # that small files may unpack to
BLOCK = 1 << 18
MOST_BYTES = 1 << 26
ROW_MARGIN = 1.2  # rows are counted by their length in the file's beginning
# Said of a sample that may just not hold enough: no reason to refuse the whole.
_PERHAPS = ("one class only", "in every row", "one class of", "is the same", "stands in one row only")


def read_facts(config: DataConfig, *, seed: int) -> DataFacts:
    """What the data is, as far as its beginning tells; a small table is read whole.

    Args:
        config: the `data:` block.
        seed: of the split.

    Returns:
        Facts whose `errors` say what is wrong with the data; nothing is raised for that.
    """
    from dltrain.data.transform_widths import transformed_facts

    config = replace_folds(config)
    # The steps of scikit-learn are arithmetic here: fitting them would take its import, and time.
    plain = replace(config, transform=())
    if IMAGE in (config.features or {}).values():  # pictures that a table names are not opened
        plain = replace(plain, arguments={**plain.arguments, UNREAD: True})
    return transformed_facts(config, _read_facts(plain, seed))


def _read_facts(config: DataConfig, seed: int) -> DataFacts:
    try:
        known = known_facts(config)
    except SplitError as error:
        return DataFacts(errors=(config_fault(config, "data.split", str(error)),))
    try:
        if known is not None:
            return known
        if config.source == "word_vectors":
            return _placed(config, lambda: _read_whole(config, seed))
        if config.source in BUNDLED_TABLES:
            return _read_whole(config, seed)
        if config.source == "npz":
            return _placed(config, lambda: _arrays(config))
        if config.source in ("csv", "parquet"):
            return _placed(config, lambda: _table(config, seed))
        if config.source == "lfw_people":
            return _faces_here(config)
        if config.source == "image_folder":
            return _picture_folders(config)
    except UsageError:  # an environment variable: nothing of the data
        raise
    except DltrainError as error:
        return DataFacts(errors=error.faults)
    return DataFacts(summary=(f"{config.source}: its shape is known when it is read",))


def _placed(config: DataConfig, read: Callable[[], DataFacts]) -> DataFacts:
    """Checks that the files are there, faults at the key that names them, and reads."""
    from dltrain.data.files import expand_paths

    faults = []
    for key in ("path", "validation", "test"):
        try:
            expand_paths(getattr(config, key))
        except DataError as error:
            faults += [config_fault(config, f"data.{key}", fault.message, fault.hint) for fault in error.faults]
    if faults:
        raise DataError(faults)
    return read()


def _read_whole(config: DataConfig, seed: int) -> DataFacts:
    from dltrain.data.load import load_dataset

    return facts_of(load_dataset(config, seed=seed))


def _table(config: DataConfig, seed: int) -> DataFacts:
    from dltrain.data.files import expand_paths, unpacks_to_more

    files = expand_paths((*config.path, *config.validation, *config.test))
    if sum(os.path.getsize(file) for file in files) <= SMALL_BYTES and not any(
        unpacks_to_more(file, SMALL_TEXT) for file in files
    ):
        return _read_whole(config, seed)
    sampled = expand_paths(config.path)
    raw, rows = _sample_text(sampled, config) if config.source == "csv" else _sample_parquet(sampled)
    name = f"{shown(sampled[0])}" + (f" and {len(sampled) - 1} more" if len(sampled) > 1 else "")
    count = f"about {rows:,} rows" if rows else "more rows than were looked at"
    lines = [f"{name}: {count}, {raw.frame.width} columns; looked at the first {raw.frame.height:,}"]
    schema, errors, more, dates = _fit_sample(config, raw, seed)
    labels: dict[str, dict[str, int]] = {}
    try:
        parts = expected_rows(config, rows)
    except SplitError as error:
        parts, errors = {}, (*errors, config_fault(config, "data.split", str(error)))
    else:
        errors = (*errors, *_too_short(config, rows))
    found = {f"data.{key}": value for key, value in raw.reading.items() if f"data.{key}" in WRITING and not getattr(config, key)}
    found |= {"data.dates": dates} if dates and not isinstance(config.dates, str) else {}
    return DataFacts(schema, parts, labels, exact=False, summary=(*lines, *more), errors=errors, inferred=found)


def _fit_sample(
    config: DataConfig, raw: RawTable, seed: int
) -> tuple[Schema | None, tuple[Fault, ...], tuple[str, ...], dict[str, str]]:
    """The schema as the sample has it, faults, lines, and how dates are written where the sample leaves nothing open."""
    from dltrain.data.tables.fit import fit_table

    split = config.split
    set_aside = tuple(name for name in (split.column, split.group, split.time) if name and name in raw.frame.columns)
    plain = replace(config, split=SplitConfig(), validation=(), test=(), limit=None, drop=(*config.drop, *set_aside))
    missing = tuple(
        config_fault(config, f"data.split.{key}", f"{name} is not a column of {config.source}")
        for key, name in (("column", split.column), ("group", split.group), ("time", split.time))
        if name and name not in raw.frame.columns
    )
    try:
        fitted = fit_table(plain, raw, seed, None) if plain.series is None else _fit_sampled_series(plain, raw)
    except (DataError, ConfigError) as error:
        sure = tuple(fault for fault in error.faults if not any(word in fault.message for word in _PERHAPS))
        return None, (*missing, *sure), (), {}
    dates = {
        name: writing
        for name, writing in (fitted.resolved.get("data.dates") or {}).items()
        if not any(warning.startswith(f"{name}: ") for warning in fitted.warnings)
    }
    return fitted.preprocessing.schema, missing, tuple(fitted.summary), dates


def _too_short(config: DataConfig, rows: int | None) -> list[Fault]:
    """Faults of the parts that hold no window of a series, by far, when there are about so many rows."""
    if config.series is None:
        return []
    span = config.series.history + config.series.horizon
    hint = "lower data.series.history or data.series.horizon, or enlarge the part"
    return [
        config_fault(config, "data.series", f"the {name} part has no window: about {count:,} rows, and a window is {span}", hint)
        for name, count in expected_rows(replace(config, series=None), rows).items()
        if count * ROW_MARGIN < span
    ]


def _fit_sampled_series(config: DataConfig, raw: RawTable) -> Fitted:
    """As a series, of which a single window of one row is made: the sample may be shorter than the history."""
    from dltrain.data.series.fit import fit_series
    from dltrain.data.series.preprocessing import SeriesPreprocessing
    from dltrain.reporting import Reporter

    series = config.series
    assert series is not None
    short = replace(series, history=1, horizon=1, stride=max(raw.frame.height, 1))
    fitted = fit_series(replace(config, series=short), raw, None, Reporter())
    assert isinstance(fitted.preprocessing, SeriesPreprocessing)
    found = replace(fitted.preprocessing.series, history=series.history, horizon=series.horizon, stride=series.stride)
    preprocessing = replace(fitted.preprocessing, series=found)
    return replace(fitted, preprocessing=preprocessing, summary=[preprocessing.describe()[0], *fitted.summary[1:]])


def _sample_text(files: Sequence[str], config: DataConfig) -> tuple[RawTable, int | None]:
    """The first rows of the first file, and about how many rows all files have."""
    from dltrain.data.columns.kinds import SAMPLE_ROWS
    from dltrain.data.sources.csv import parse_text

    head, complete, packed = read_head(files[0], SAMPLE_ROWS + 1)
    raw = parse_text(head, files[0], config)
    total = sum(os.path.getsize(file) for file in files)
    if packed:
        return raw, raw.frame.height if complete and len(files) == 1 else None
    rows = raw.frame.height if complete and len(files) == 1 else round(raw.frame.height * total / max(len(head), 1))
    return raw, rows


def read_head(file: str, num_lines: int) -> tuple[bytes, bool, bool]:
    """The first lines of a text file, unpacked where it is compressed.

    Returns:
        The bytes up to a line's end that no quoted field crosses, whether that is all, and whether it was compressed.

    Raises:
        DataError: it cannot be read.
    """
    from dltrain.data.files import is_compressed, read_blocks
    from dltrain.data.tables.text_scan import too_long
    from dltrain.storage.bounds import LINE_BYTES

    parts: list[bytes] = []
    lines = size = 0
    complete = False
    for block in read_blocks(file, BLOCK):
        parts.append(block)
        lines += block.count(b"\n") if lines or not block.isspace() else 0
        size += len(block)
        if lines > num_lines or size > (MOST_BYTES if lines else max(MOST_BYTES, LINE_BYTES.value)):
            break
    else:
        complete = True
    head = b"".join(parts)
    if complete or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head, complete, is_compressed(file)
    if head.isspace():
        raise DataError(Fault(f"the first {len(head):,} bytes are empty lines: this is not a table", file=shown(file)))
    if not lines and b"\r" in head:  # the line ends of old
        return head[: head.rfind(b"\r") + 1], False, is_compressed(file)
    if not lines:
        raise DataError(too_long(shown(file), 1))
    end = len(head)
    for _ in range(lines):
        end = head.rfind(b"\n", 0, end)
        if head.count(b'"', 0, end) % 2 == 0:
            break
    return head[: end + 1], False, is_compressed(file)


def _sample_parquet(files: Sequence[str]) -> tuple[RawTable, int]:
    from dltrain.data.columns.kinds import SAMPLE_ROWS
    from dltrain.data.raw import RawTable
    from dltrain.data.tables.parquet_file import count_parquet_rows, read_parquet

    frame = read_parquet(files[0], num_rows=SAMPLE_ROWS)
    return RawTable(frame, origin=((0, shown(files[0]), 0),)), sum(count_parquet_rows(file) for file in files)


def _arrays(config: DataConfig) -> DataFacts:
    """The declared shapes of the arrays of an npz file; the targets, which are small, are read."""
    from dltrain.data.files import expand_paths

    if len(config.path) > 1 or config.validation or config.test:
        return DataFacts(summary=("npz: several files; their shapes are known when they are read",))
    file = expand_paths(config.path)[0]
    shapes = declared_shapes(file)
    keras = {"x_train", "y_train", "x_test", "y_test"} <= shapes.keys() and "inputs" not in config.arguments and "x" not in shapes
    inputs = "x_train" if keras else str(config.arguments.get("inputs") or "x")
    targets = "y_train" if keras else str(config.arguments.get("targets") or "y")
    if inputs not in shapes:
        hint = f"its arrays: {', '.join(list(shapes)[:20])}; say which by data.inputs and data.targets"
        raise DataError(config_fault(config, "data.inputs", f"{shown(file)} holds no array {inputs!r}", hint))
    if not keras and targets not in shapes and "targets" in config.arguments and config.task != "reconstruction":
        key = "data.targets" if "data.targets" in config.places or not config.target else "data.target"
        raise DataError(
            config_fault(config, key, f"{shown(file)} holds no array {targets!r}", column_hint(targets, list(shapes)))
        )
    shape, is_bytes = shapes[inputs][0], shapes[inputs][1] == "uint8"
    if len(shape) < 2 or not shape[0]:
        raise DataError(Fault(f"the inputs are of shape {shape}; expected numbers [rows, ...]", file=shown(file)))
    spec = _array_target(config, file, targets if targets in shapes else None)
    own = {"train": shape[0], "test": shapes["x_test"][0][0]} if keras else {}
    schema = _schema(shape[1:], spec, unit_range=in_unit_range(config.scale, "unit" if is_bytes else "standard"))
    line = f"{shown(file)}: {shape[0]:,} rows of {'×'.join(map(str, shape[1:]))}"
    try:
        rows = expected_rows(config, shape[0], own)
    except SplitError as error:
        return DataFacts(schema, summary=(line,), errors=(config_fault(config, "data.split", str(error)),))
    return DataFacts(schema, rows, exact=True, summary=(line,))


def _schema(shape: tuple[int, ...], spec: Any, *, unit_range: bool) -> Schema | None:
    from dltrain.data.dataset import InputSpec, Schema

    if spec is None:
        return None
    return Schema((InputSpec("image" if len(shape) == 3 else "features", shape, unit_range=unit_range),), (spec,))


def declared_shapes(file: str) -> dict[str, tuple[tuple[int, ...], str]]:
    """Array name -> shape and type of its numbers as its header declares them; nothing else is read.

    Raises:
        DataError: no archive of arrays.
    """
    from numpy.lib import format as npy

    from dltrain.storage.arrays import DAMAGE

    shapes: dict[str, tuple[tuple[int, ...], str]] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist()[:1000]:
                with archive.open(info) as member:
                    shapes[info.filename.removesuffix(".npy")] = _declared_shape(npy, member)
    except DAMAGE as error:
        raise DataError(Fault(f"not a readable .npz archive: {str(error)[:200]}", file=shown(file))) from error
    return shapes


def _declared_shape(npy: Any, member: IO[bytes]) -> tuple[tuple[int, ...], str]:
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(member, max_header_size=10_000)
    return tuple(int(extent) for extent in shape), str(dtype)


def _array_target(config: DataConfig, file: str, targets: str | None) -> Any:
    from dltrain.data.array_targets import read_targets
    from dltrain.data.pictures.fit import describe_target
    from dltrain.data.raw import RawPictures
    from dltrain.storage.arrays import read_arrays

    values = (
        read_arrays(Path(file), names=[targets], limit=MOST_BYTES * 16)[targets]
        if targets and config.task != "reconstruction"
        else None
    )
    import numpy as np

    classes: tuple[str, ...] = ()
    if values is not None:
        values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        if values.ndim != 1:
            raise DataError(
                Fault(f"the targets are of shape {values.shape}; expected one value for each row of the inputs", file=shown(file))
            )
        values, classes, _ = read_targets(values, np.zeros((0, 1)), targets or "y", config)
    stand_in = RawPictures(np.zeros((0 if values is None else len(values), 1), np.uint8), values, classes)
    return describe_target(config, stand_in)[0]


def _faces_here(config: DataConfig) -> DataFacts:
    """Counts the pictures that are on this machine; downloads nothing."""
    from dltrain.data.sources.lfw_people import LAYOUT, count_faces
    from dltrain.data.sources.places import find, require_given

    place = require_given(LAYOUT, config) if config.path else find(LAYOUT)
    if place is None or not place.is_dir():
        return DataFacts(summary=("lfw_people: not on this machine yet; how many people it has is known when it is fetched",))
    rows, shape, people = count_faces(config, place)
    from dltrain.data.dataset import TargetSpec

    spec = TargetSpec("target", "classification", people, reason=f"lfw_people has {len(people)} classes")
    if config.task == "reconstruction":
        spec = TargetSpec("reconstruction", "reconstruction", reason="data.task says so")
    schema = _schema(shape, spec, unit_range=in_unit_range(config.scale, "unit"))
    line = f"lfw_people: {rows:,} pictures of {'×'.join(map(str, shape))}, {len(people)} people"
    try:
        parts = expected_rows(config, rows)
    except SplitError as error:
        return DataFacts(schema, summary=(line,), errors=(config_fault(config, "data.split", str(error)),))
    return DataFacts(schema, parts, exact=True, summary=(line,))


def _picture_folders(config: DataConfig) -> DataFacts:
    """Counts the pictures by their folders; none is opened."""
    import numpy as np

    from dltrain.data.pictures.fit import describe_target
    from dltrain.data.pictures.folders import list_pictures
    from dltrain.data.raw import RawPictures
    from dltrain.data.sources.image_folder import describe, parse_form

    form = parse_form(config)
    found = list_pictures(config)
    stand_in = RawPictures(np.zeros((len(found.files), 0), np.uint8), found.target, found.classes)
    spec, codes = describe_target(config, stand_in)
    own = {name: len(rows) for name, rows in found.parts.items()}
    lines = [describe(config, form, len(found.files)), *(note for note in found.notes if not note.startswith("warning: "))]
    warnings = tuple(
        Fault(note.removeprefix("warning: "), severity="warning") for note in found.notes if note.startswith("warning: ")
    )
    labels = {}
    if spec.task == "classification":
        counts = np.bincount(codes, minlength=len(spec.classes)).tolist()
        labels[spec.name] = dict(zip(spec.classes, counts, strict=True))
        lines += [
            f"{part}: {len(rows):,} pictures; {_counts(spec.classes, codes[rows])}"
            for part, rows in (found.parts or {"all": np.arange(len(codes))}).items()
        ]
    schema = _schema(form.shape, spec, unit_range=in_unit_range(config.scale, "unit"))
    try:
        rows = _rows_of_folders(config, len(found.files), own)
    except SplitError as error:
        return DataFacts(
            schema,
            labels=labels,
            summary=tuple(lines),
            errors=(config_fault(config, "data.split", str(error)),),
            warnings=warnings,
        )
    return DataFacts(schema, rows, labels, exact=True, summary=tuple(lines), warnings=warnings)


def _counts(classes: Sequence[str], codes: Any) -> str:
    import numpy as np

    from dltrain.wording import listed

    counts = np.bincount(codes, minlength=len(classes)).tolist()
    return listed([f"{label}: {count:,}" for label, count in zip(classes, counts, strict=True)])


def _rows_of_folders(config: DataConfig, num_pictures: int, own: dict[str, int]) -> dict[str, int]:
    plain = replace(config, validation=(), test=(), limit=None)
    return expected_rows(plain, num_pictures, own)
