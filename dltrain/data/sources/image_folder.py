"""Pictures in folders named after their classes, or named in a table with their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dltrain.config.types import SEGMENTATION, DataConfig, config_fault
from dltrain.data.columns.image import images_state
from dltrain.data.columns.reading import USUAL_MISSING
from dltrain.data.facts import DataFacts, schema_of, with_rows
from dltrain.data.fingerprint import digests_of_folder
from dltrain.data.labels.learn import describe_labels
from dltrain.data.pictures.depth import Depth, find_depth, notes_of_frames
from dltrain.data.pictures.files import skipped_notes
from dltrain.data.pictures.folders import PictureList, list_pictures
from dltrain.data.pictures.form import PictureForm, argument_of, parse_form
from dltrain.data.pictures.masked import Masked, look_at_masks, read_masks
from dltrain.data.pictures.picture_file import PictureFile
from dltrain.data.pictures.store import HINT, store_pictures
from dltrain.data.pictures.tiles import cut_up, large_notes, pictures_of
from dltrain.data.raw import RawPictures
from dltrain.data.sources.source import DataSource
from dltrain.errors import ConfigError, DataError, Note
from dltrain.reporting import Reporter
from dltrain.wording import listed, shown


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawPictures:
    """Read the pictures of all parts, uint8 [rows, height, width, 1 or 3], decoded into dltrain's cache.

    Arguments: `image_size`, `fit`, `color`, `on_error`, `files`, `classes`, `ignore` (see `config/catalog/sources.py`).

    Raises:
        ConfigError: an argument out of range.
        DataError: no pictures, corrupt ones, classes that training does not have; all are named.
    """
    del seed  # the order is the one of the names
    form = parse_form(config)
    reporter.status("looking for pictures")
    found = list_pictures(config)
    depth = Depth(form.white)
    if form.white is None:
        training = found.parts.get("train", range(len(found.files)))
        depth = find_depth([found.files[row].path for row in training])
        form = replace(form, white=depth.white)
    skip, tiles = argument_of(config, "on_error") == "skip", _tiles(config)
    found = cut_up(found, form, tiles, skip=skip, hint=HINT)
    stored = store_pictures(found.files, form, skip=skip, reporter=reporter)
    if not len(stored.rows):
        raise DataError("none of the pictures can be used", hint="data.on_error: fail names each")
    masked = None
    if found.masks:
        masked = read_masks(config, found, stored, form, reporter)
        stored = masked.pictures
    files = [found.files[row] for row in stored.rows]
    sizes = [
        *{file.path if tiles else row: size for row, file, size in zip(stored.rows, files, stored.sizes, strict=True)}.values()
    ]
    place = np.full(len(found.files), -1, np.int64)
    place[stored.rows] = np.arange(len(stored.rows))
    parts = {part: place[rows][place[rows] >= 0] for part, rows in found.parts.items()}
    return RawPictures(
        images=stored.images,
        target=masked.codes if masked else None if found.target is None else found.target[stored.rows],
        classes=masked.classes.names if masked else found.classes,
        value_range=(0.0, 255.0),
        parts=parts,
        reader={**form.to_reader(), **_reader_state(found, config, masked)},
        keys=tuple(file.key for file in files),
        names=tuple(file.name for file in files),
        digests=tuple(stored.digests),
        details={**_details(files, stored.digests), **(_details(masked.files, masked.digests) if masked else {})},
        sizes=tuple((height, width) for width, height in stored.sizes) if masked else (),
        labels=found.labels,
        pictures=pictures_of(files),
        notes=(
            Note(describe(config, form, len(sizes))),
            Note(_sizes(sizes)),
            *(depth.notes() if depth.num_deep or depth.num_coarse else ()),
            *notes_of_frames([file.path for file in found.files]),
            *found.notes,
            *skipped_notes(stored.faults),
            *(masked.notes if masked else ()),
            *(large_notes(stored.sizes, form, "data.tiles: {width}") if masked and not tiles else ()),
        ),
    )


def _reader_state(found: PictureList, config: DataConfig, masked: Masked | None) -> dict[str, Any]:
    """How other pictures are read, beside their form."""
    skips = {"on_error": "skip"} if argument_of(config, "on_error") == "skip" else {}
    masks = {"masks": masked.classes.to_state()} if masked else {}
    tiles = {"tiles": config.arguments["tiles"]} if config.arguments.get("tiles") else {}
    return {"source": "image_folder", **_table_state(found, config), **skips, **masks, **tiles}


def _table_state(found: PictureList, config: DataConfig) -> dict[str, Any]:
    """How other tables of pictures are read, where there was one."""
    if not found.table:
        return {}
    state: dict[str, Any] = {**found.table, "images": images_state(config.images), "missing_target": config.missing_target}
    return {"table": {**state, "missing": list(USUAL_MISSING if config.missing is None else config.missing)}}


def _tiles(config: DataConfig) -> int | None:
    """How wide the tiles of large pictures are.

    Raises:
        ConfigError: there are no masks of which a tile could be, or tiles are to be other than whole.
    """
    tiles: int | None = config.arguments.get("tiles")
    if tiles is not None and config.task != SEGMENTATION:
        message = "pictures are cut into tiles where each pixel has a class"
        raise ConfigError(config_fault(config, "data.tiles", message, "leave it out, or say data.task: segmentation"))
    if tiles is not None and argument_of(config, "fit") != "stretch":
        message = f"data.fit: {argument_of(config, 'fit')} is of whole pictures; tiles have the shape of data.image_size"
        raise ConfigError(config_fault(config, "data.tiles", message, "leave out one of the two"))
    return tiles


def describe(config: DataConfig, form: PictureForm, num_pictures: int) -> str:
    """`image_folder: 3,781 pictures, 150×150 pixels of three colours (stretched)`."""
    manner = {"stretch": "stretched", "crop": "cropped", "pad": "padded"}[form.fit]
    channels = "of three colours" if form.color else "of grey"
    where = listed([shown(path) for path in config.path], 3)
    return f"{where}: {num_pictures:,} pictures, {form.size[0]}×{form.size[1]} pixels {channels} ({manner})"


def group_of(file: PictureFile) -> str:
    """Folder of a picture as the user knows it."""
    return file.name.rpartition("/")[0] or "."


def _details(files: Sequence[PictureFile], digests: Sequence[str]) -> dict[str, Any]:
    """Folder -> digests of its names, labels and contents, bytes, rows: what a change can be told by; see `digests_of_folder`."""
    groups: dict[str, list[int]] = {}
    for row, file in enumerate(files):
        groups.setdefault(group_of(file), []).append(row)
    details = {}
    for group, rows in groups.items():
        known = digests_of_folder((files[row].name, f"{files[row].label}\0{digests[row]}") for row in rows)
        details[group] = {**known, "bytes": sum(max(files[row].size, 0) for row in rows), "rows": len(rows)}
    return details


def _sizes(sizes: Sequence[tuple[int, int]]) -> str:
    """How large the files' pictures are, width by height."""
    found = sorted(set(sizes), key=lambda size: (size[0] * size[1], size))
    if len(found) == 1:
        return f"all of them of {found[0][0]}×{found[0][1]} (width × height)"
    most, count = Counter(sizes).most_common(1)[0]
    words = [f"{width}×{height}" for width, height in (found[0], found[-1], most)]
    return f"their own sizes (width × height): from {words[0]} to {words[1]}, most often {words[2]} ({count:,})"


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """Counts the pictures by their folders; none is opened.

    Raises:
        ConfigError: an argument out of range.
        DataError: no pictures, classes that training does not have.
    """
    from dltrain.data.pictures.fit import describe_target

    form, tiles = parse_form(config), _tiles(config)
    found = list_pictures(config)
    stand_in = RawPictures(np.zeros((len(found.files), 0), np.uint8), found.target, found.classes, labels=found.labels)
    if config.task == SEGMENTATION:
        facts = look_at_masks(config, form, found, describe(config, form, len(found.files)))
        if tiles is None or facts.errors:
            return facts
        cut = cut_up(found, form, tiles, skip=argument_of(config, "on_error") == "skip", hint=HINT)
        return replace(facts, notes=(*facts.notes, *cut.notes[len(found.notes) :]), rows={}, exact=False)
    spec, codes = describe_target(config, stand_in)
    own = {name: len(rows) for name, rows in found.parts.items()}
    notes = [Note(describe(config, form, len(found.files))), *found.notes]
    labels = {}
    if spec.task == "classification":
        counts = np.bincount(codes, minlength=len(spec.classes)).tolist()
        labels[spec.name] = dict(zip(spec.classes, counts, strict=True))
        notes += [
            Note(f"{part}: {len(rows):,} pictures; {_counts(spec.classes, codes[rows])}")
            for part, rows in (found.parts or {"all": np.arange(len(codes))}).items()
        ]
    if spec.is_multilabel:
        notes += map(Note, describe_labels(spec, codes))
        labels[spec.name] = dict(zip(spec.classes, (codes > 0).sum(axis=0).tolist(), strict=True))
    schema = schema_of(config, form.shape, spec, "unit")
    facts = DataFacts(schema, labels=labels, notes=tuple(notes))
    return with_rows(replace(config, validation=(), test=(), limit=None), facts, len(found.files), own)


def _counts(classes: Sequence[str], codes: Any) -> str:
    counts = np.bincount(codes, minlength=len(classes)).tolist()
    return listed([f"{label}: {count:,}" for label, count in zip(classes, counts, strict=True)])


SOURCE = DataSource(read, look, together=True)
