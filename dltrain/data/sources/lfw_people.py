"""Labeled Faces in the Wild: who is in the picture? Pixels, order and names equal scikit-learn's `fetch_lfw_people`.

Huang, Ramesh, Berg, Learned-Miller: Labeled Faces in the Wild. University of Massachusetts, Technical Report 07-49, 2007.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.facts import DataFacts, schema_of, with_rows
from dltrain.data.pictures.face_crop import FaceCrop
from dltrain.data.pictures.files import decode_pictures, is_picture_name
from dltrain.data.raw import RawPictures
from dltrain.data.sources.arguments import argument_fault, given, is_integer
from dltrain.data.sources.places import Layout, download_folder, find, require, require_given
from dltrain.data.sources.source import DataSource, target_of
from dltrain.errors import ConfigError, DataError, Note, reason_of
from dltrain.reporting import Reporter
from dltrain.settings import cache_folder
from dltrain.storage.atomic import cannot_write
from dltrain.storage.cache import cache_key, cached_arrays, describe_arrays, file_stamp
from dltrain.storage.download import Remote
from dltrain.storage.removal import remove_paths, remove_temporary, temporary_name

ARCHIVE = "lfw-funneled.tgz"
PICTURES = "lfw_funneled"
SIDE = 250
NUM_PEOPLE = 5749
MAX_ARCHIVE_BYTES = 1 << 31
MAX_ARCHIVE_MEMBERS = 40_000


def _accepts(path: Path) -> bool:
    if path.name == ARCHIVE:
        return path.is_file()
    if not path.is_dir():
        return False
    return path.name == PICTURES or _holds_people(path)


def _holds_people(folder: Path) -> bool:
    """Whether folders of pictures lie in `folder` that are named as LFW names them (`Tony_Blair/Tony_Blair_0001.jpg`)."""
    with os.scandir(folder) as people:
        for person in people:
            if person.is_dir() and (Path(person.path) / f"{person.name}_0001.jpg").is_file():
                return True
    return False


LAYOUT = Layout(
    dataset="lfw_people",
    wanted=f"a folder {PICTURES} with a folder of pictures for each person (or the archive {ARCHIVE})",
    accepts=_accepts,
    below_path=(f"lfw_home/{PICTURES}", PICTURES, f"lfw_home/{ARCHIVE}", ARCHIVE),
    below_data=tuple(f"{home}{name}" for home in ("lfw/lfw_home/", "lfw_home/", "lfw/") for name in (PICTURES, ARCHIVE)),
    below_scikit_learn=(f"lfw_home/{PICTURES}", f"lfw_home/{ARCHIVE}"),
    folder="lfw/lfw_home",
    remotes=(
        Remote(
            ARCHIVE,
            "https://ndownloader.figshare.com/files/5976015",
            "sha256:b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
            243_346_528,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    files: tuple[tuple[str, int, int], ...]  # name, size, time of last change


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawPictures:
    """Read the faces: float32 [n, height, width, 1] (3 with `color`) in 0...1, in scikit-learn's order.

    Arguments (scikit-learn's): `min_faces_per_person` (0), `resize` (0.5), `color` (false), `slice` ([[70, 195], [78, 172]]).

    Raises:
        ConfigError: an argument out of range.
        DataError: the pictures are nowhere, none is left, or some are corrupt.
    """
    del seed  # the order is the source's own
    min_faces, crop = _parse_arguments(config)
    folder = locate_pictures(config, reporter)
    everyone = _list_people(folder)
    if len(everyone) < NUM_PEOPLE:
        reporter.detail(f"lfw_people: {folder} holds {len(everyone):,} of the dataset's {NUM_PEOPLE:,} people")
    people = [person for person in everyone if len(person.files) >= max(min_faces, 1)]
    if not people:
        raise _nobody(config, folder, everyone)
    key = cache_key("lfw_people", [crop.to_reader(), [[person.name, person.files] for person in people]])
    arrays = cached_arrays(key, ("images", "target"), lambda: _decode(folder, people, crop, reporter), reporter)
    images, target = arrays["images"], arrays["target"]
    names = [f"{person.name}/{file[0]}" for person in people for file in person.files]
    return RawPictures(
        images=images,
        target=target,
        classes=tuple(sorted(person.name.replace("_", " ") for person in people)),
        value_range=(0.0, 1.0),
        reader={"source": "lfw_people", **crop.to_reader()},
        names=tuple(names[index] for index in _order(len(names))),
        details=describe_arrays("lfw_people", images, target),
    )


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """What the folder holds; no picture is opened, nothing is fetched."""
    min_faces, crop = _parse_arguments(config)
    place = require_given(LAYOUT, config) if config.path else find(LAYOUT)
    if place is None or not place.is_dir():
        return DataFacts(notes=(Note("lfw_people: not on this machine yet; how many people it has is known when it is fetched"),))
    people = _choose_people(config, place, min_faces)
    rows, shape = sum(len(person.files) for person in people), (*crop.size, 3 if crop.color else 1)
    spec = target_of(config, "classification", len(people), f"lfw_people has {len(people)} classes")
    assert spec is not None  # its classes are known
    if spec.task == "classification":
        spec = replace(spec, classes=tuple(sorted(person.name.replace("_", " ") for person in people)))
    line = f"lfw_people: {rows:,} pictures of {'×'.join(map(str, shape))}, {len(people)} people"
    return with_rows(config, DataFacts(schema_of(config, shape, spec, "unit"), notes=(Note(line),)), rows)


def _choose_people(config: DataConfig, folder: Path, min_faces: int) -> list[_Person]:
    """Who has so many pictures in the folder; DataError where nobody has."""
    everyone = _list_people(folder)
    people = [person for person in everyone if len(person.files) >= max(min_faces, 1)]
    if not people:
        raise _nobody(config, folder, everyone)
    return people


def fetch(name: str, reporter: Reporter) -> Path:
    """The folder of person folders, downloaded and unpacked where it is not here yet."""
    return locate_pictures(None, reporter)


def locate_pictures(config: DataConfig | None, reporter: Reporter) -> Path:
    """The folder of person folders; an archive is unpacked into dltrain's cache first."""
    place = require(LAYOUT, config, reporter)
    if place.is_dir():
        return place
    own = place.parent == download_folder(LAYOUT)
    home = place.parent if own else cache_folder() / "unpacked" / cache_key("lfw_people", file_stamp(place))
    pictures = home / PICTURES
    if not pictures.is_dir():
        from dltrain.storage.archives import unpack_tar

        reporter.status(f"unpacking {place.name}")
        unpacked = home / temporary_name(pictures)
        unpack_tar(place, unpacked, max_bytes=MAX_ARCHIVE_BYTES, max_members=MAX_ARCHIVE_MEMBERS)
        _keep(unpacked, pictures, place)
    if own:
        remove_paths([place])
    return pictures


def _keep(unpacked: Path, pictures: Path, archive: Path) -> None:
    try:
        if not (unpacked / PICTURES).is_dir():
            raise DataError(f"expected a folder {PICTURES} in the archive, found none", file=str(archive))
        os.replace(unpacked / PICTURES, pictures)
    except OSError as error:
        # Another process may have unpacked the same archive meanwhile.
        if not pictures.is_dir():
            raise cannot_write(pictures, error) from error
    finally:
        remove_temporary(unpacked)


def _parse_arguments(config: DataConfig) -> tuple[int, FaceCrop]:
    faults = []
    min_faces = given(config, "min_faces_per_person")
    min_faces = 0 if min_faces is None else min_faces
    if not is_integer(min_faces, 0, 1_000_000):
        faults.append(argument_fault(config, "min_faces_per_person", "a whole number of at least 0"))
    resize = given(config, "resize")
    if resize is not None and (isinstance(resize, bool) or not isinstance(resize, (int, float)) or not 0 < resize <= 10):
        faults.append(argument_fault(config, "resize", "a ratio above 0 and at most 10, or null"))
    color = given(config, "color")
    if not isinstance(color, bool):
        faults.append(argument_fault(config, "color", "true or false"))
    rows, columns = _parse_slice(given(config, "slice"))
    if rows is None or columns is None:
        faults.append(argument_fault(config, "slice", f"[[top, bottom], [left, right]] within 0 to {SIDE}, or null"))
    if faults or rows is None or columns is None:
        raise ConfigError(faults)
    crop = FaceCrop(rows=rows, columns=columns, resize=None if resize is None else float(resize), color=color)
    if min(crop.size) < 1:
        raise ConfigError(argument_fault(config, "resize", f"a ratio that leaves at least 1 pixel of {rows} by {columns}"))
    return min_faces, crop


def _parse_slice(value: Any) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    whole = (0, SIDE)
    if value is None:
        return whole, whole
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None, None

    def parse(part: Any) -> tuple[int, int] | None:
        if part is None:
            return whole
        if not isinstance(part, (list, tuple)) or len(part) != 2 or not all(is_integer(end, 0, SIDE) for end in part):
            return None
        return (part[0], part[1]) if part[0] < part[1] else None

    return parse(value[0]), parse(value[1])


def _list_people(folder: Path) -> list[_Person]:
    people = []
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
        for name in names:
            with os.scandir(folder / name) as entries:
                files = []
                for entry in entries:
                    if is_picture_name(entry.name):
                        stat = entry.stat()
                        files.append((entry.name, stat.st_size, stat.st_mtime_ns))
            people.append(_Person(name, tuple(sorted(files))))
    except OSError as error:
        raise DataError(f"cannot list the pictures: {reason_of(error)}", file=error.filename or str(folder)) from error
    return people


def _nobody(config: DataConfig, folder: Path, everyone: list[_Person]) -> DataError:
    if not any(person.files for person in everyone):
        return DataError(f"expected folders of pictures, found none in {folder}")
    most = max(everyone, key=lambda person: len(person.files))
    fault = argument_fault(
        config,
        "min_faces_per_person",
        f"at most {len(most.files)} (the most pictures of one person in {folder}: {most.name.replace('_', ' ')})",
        "lower it",
    )
    return DataError(fault)


def _order(num_faces: int) -> NDArray[np.int64]:
    """scikit-learn's own shuffle, so that row i here is row i there."""
    indices = np.arange(num_faces)
    np.random.RandomState(42).shuffle(indices)
    return indices


def _decode(folder: Path, people: list[_Person], crop: FaceCrop, reporter: Reporter) -> dict[str, NDArray[Any]]:
    paths = [str(folder / person.name / file[0]) for person in people for file in person.files]
    reporter.status(f"decoding {len(paths):,} pictures")
    images = np.zeros((len(paths), *crop.size, 3 if crop.color else 1), np.float32)
    decode_pictures(paths, crop.decode, images)
    names = [person.name.replace("_", " ") for person in people]
    labels = np.repeat(names, [len(person.files) for person in people])
    target = np.searchsorted(np.unique(names), labels)
    order = _order(len(paths))
    return {"images": images[order], "target": target[order].astype(np.int64)}


SOURCE = DataSource(read, look, LAYOUT, fetch)
