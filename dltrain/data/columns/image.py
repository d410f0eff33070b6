"""Columns of a table that name picture files: each becomes an input of its own, pixels scaled to 0...1."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import ImagesConfig
from dltrain.data.columns.kind import Kind, Unseen
from dltrain.data.dataset import InputSpec
from dltrain.data.files import DIGEST_BYTES
from dltrain.data.pictures.files import EXTENSIONS, PictureError, decode_pictures, hint_of_name, read_file
from dltrain.data.pictures.form import PictureForm, form_from_state
from dltrain.data.raw import Locate
from dltrain.data.tables.column_names import name_of
from dltrain.errors import NUM_SHOWN, DataError, Fault, capped
from dltrain.later import polars
from dltrain.wording import listed, shown

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn

BESIDE_THE_TABLE = ImagesConfig()


class Image(Kind):
    """The path of a picture file."""

    name = "image"
    what = "a picture"
    many = "a column of images"

    def make_input(self, column: FeatureColumn, name: str) -> InputSpec:
        """Pixels."""
        return InputSpec(name, form_of(column).shape, unit_range=True)

    def write(self, column: FeatureColumn, values: Any, block: NDArray[np.float32], unseen: Unseen) -> NDArray[Any]:
        """Pixels of the pictures whose absolute paths the values are."""
        return read_pictures_of(values, form_of(column))

    def describe(self, columns: Sequence[FeatureColumn]) -> str:
        """`(photo: 150×150×3)`."""
        return f" ({', '.join(f'{column.name}: ' + '×'.join(map(str, form_of(column).shape)) for column in columns)})"


def form_of(column: FeatureColumn) -> PictureForm:
    """The form of the pictures that a column names."""
    assert column.form is not None
    return column.form


def picture_path(name: str, folder: str, images: ImagesConfig) -> str:
    """Where a picture is that a table names: in the first folder of `data.images` that has it, else beside the table.

    Args:
        name: as the table has it.
        folder: of the table.
        images: see `ImagesConfig`.

    Raises:
        PictureError: several of the folders hold one of that name.
    """
    name = name.strip()
    if images.suffix and not name.lower().endswith((*EXTENSIONS, images.suffix.lower())):
        name += images.suffix
    found = [path for path in (os.path.join(base, name) for base in images.folder) if os.path.lexists(path)]
    if len(set(found)) > 1:
        raise PictureError(f"{name} is in several folders of data.images: {listed([shown(path) for path in found], 4)}")
    if found:
        return found[0]
    beside = os.path.join(folder, name)
    return beside if os.path.lexists(beside) or not images.folder else os.path.join(images.folder[0], name)


def find_pictures(series: polars.Series, locate: Locate, images: ImagesConfig = BESIDE_THE_TABLE) -> polars.Series:
    """Absolute paths of the pictures that a column names, in the folders of `images`, the table's or the working directory.

    Raises:
        DataError: rows that name none, or one that is in several folders.
    """
    empty = np.flatnonzero(series.is_null().to_numpy())
    if len(empty):
        faults = []
        for row in empty[:NUM_SHOWN]:
            file, line = locate(int(row))
            message = f"column {name_of(series)} names no picture"
            faults.append(Fault(message if line else f"row {int(row) + 1:,}: {message}", file=file, line=line))
        raise DataError(capped(faults, len(empty)))
    paths, faults = [], []
    for row, name in enumerate(series.to_list()):
        file, line = locate(row)
        try:
            path = picture_path(name, os.path.dirname(os.path.abspath(file)) if file else os.getcwd(), images)
        except PictureError as error:
            faults.append(Fault(f"column {name_of(series)}: {error}", file=file, line=line, hint=error.hint))
            continue
        paths.append(path if os.path.exists(path) or not os.path.exists(name) else os.path.abspath(name))
    if faults:
        raise DataError(capped(faults))
    return polars.Series(series.name, paths, dtype=polars.String)


def picture_details(pictures: Mapping[str, polars.Series]) -> dict[str, dict[str, Any]]:
    """An entry for each column of pictures, as `RawTable.details` has them for files: a digest of all contents, row by row.

    Args:
        pictures: column -> paths, from `find_pictures`. What cannot be read counts as empty: decoding it says so.
    """
    details = {}
    for name, paths in pictures.items():
        digests: dict[str, bytes] = {}
        num_bytes = 0
        for path in paths.unique(maintain_order=True).to_list():
            try:
                content = read_file(path)
            except (PictureError, OSError):
                content = b""
            digests[path] = hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()
            num_bytes += len(content)
        whole = hashlib.blake2b(b"".join(digests[path] for path in paths.to_list()), digest_size=DIGEST_BYTES)
        details[f"pictures of {name}"] = {"digest": whole.hexdigest(), "pictures": len(digests), "bytes": num_bytes}
    return details


def read_pictures_of(paths: polars.Series, form: PictureForm) -> NDArray[np.float32]:
    """float32 [rows, height, width, 1 or 3] between 0 and 1.

    Raises:
        DataError: pictures that are missing or cannot be decoded; each is named.
    """
    if form.unread:
        faults = [
            Fault("no such file", file=path, hint=hint_of_name(path))
            for path in paths.unique(maintain_order=True).to_list()
            if not os.path.exists(path)
        ]
        if faults:
            raise DataError(capped(faults))
        return np.broadcast_to(np.float32(0.0), (len(paths), *form.shape))
    pixels = np.zeros((len(paths), *form.shape), np.uint8)
    hint = "data.on_error: skip leaves out such rows (predict: --skip-broken); data.images.folder (--images) says where they are"
    decode_pictures(paths.to_list(), form.decode, pixels, hint=hint)
    return pixels.astype(np.float32) / np.float32(255.0)


def unusable_pictures(paths: polars.Series, form: PictureForm) -> dict[str, Fault]:
    """Path -> what is wrong with the picture, of those that cannot be used; each is decoded."""
    names = paths.unique(maintain_order=True).to_list()
    faults = decode_pictures(names, form.decode, np.zeros((len(names), *form.shape), np.uint8), skip=True)
    return {names[row]: fault for row, fault in faults.items()}


def form_state(form: PictureForm | None, images: ImagesConfig, on_error: str) -> dict[str, Any]:
    """Form and place of a column's pictures as plain values, where it names some."""
    return {} if form is None else {"picture": form.to_state(), "images": images_state(images), "on_error": on_error}


def images_state(images: ImagesConfig) -> dict[str, Any]:
    """The place as plain values."""
    return {"folder": list(images.folder), "suffix": images.suffix}


def images_from(state: Any) -> ImagesConfig:
    """What `images_state` made, again; without one, the table's folder. Raises ValueError where it is none."""
    if state is None:
        return BESIDE_THE_TABLE
    folder, suffix = state.get("folder"), state.get("suffix")
    if not isinstance(folder, list) or not all(isinstance(path, str) for path in folder):
        raise ValueError("`folder` is no list of folders")
    if suffix is not None and not isinstance(suffix, str):
        raise ValueError("`suffix` is no text")
    return ImagesConfig(tuple(folder), suffix)


def form_from(item: Mapping[str, Any]) -> PictureForm | None:
    """What `form_state` made, again. Any exception means that the state is damaged."""
    return form_from_state(item["picture"]) if "picture" in item else None


IMAGE = Image()
