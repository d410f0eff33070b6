"""Columns of a table that name picture files: each becomes an input of its own, pixels scaled to 0...1."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.faults import NUM_SHOWN, capped
from dltrain.data.files import DIGEST_BYTES
from dltrain.data.picture_files import PictureError, decode_pictures, read_file
from dltrain.data.picture_form import FITS, PictureForm
from dltrain.data.targets import Locate
from dltrain.errors import DataError, Fault

if TYPE_CHECKING:
    import polars

MOST_SIDE = 1 << 13


def find_pictures(series: polars.Series, locate: Locate) -> polars.Series:
    """Absolute paths of the pictures that a column names, relative to the table's folder or to the working directory.

    Raises:
        DataError: rows that name none.
    """
    import polars

    empty = np.flatnonzero(series.is_null().to_numpy())
    if len(empty):
        faults = []
        for row in empty[:NUM_SHOWN]:
            file, line = locate(int(row))
            message = f"column {series.name} names no picture"
            faults.append(Fault(message if line else f"row {int(row) + 1:,}: {message}", file=file, line=line))
        raise DataError(capped(faults, len(empty)))
    paths = []
    for row, name in enumerate(series.to_list()):
        file = locate(row)[0]
        beside = os.path.join(os.path.dirname(os.path.abspath(file)) if file else os.getcwd(), name)
        paths.append(beside if os.path.exists(beside) or not os.path.exists(name) else os.path.abspath(name))
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
    pixels = np.zeros((len(paths), *form.shape), np.uint8)
    decode_pictures(paths.to_list(), form.decode, pixels)
    return pixels.astype(np.float32) / np.float32(255.0)


def form_state(form: PictureForm | None) -> dict[str, Any]:
    """The form as plain values, where there is one."""
    return {} if form is None else {"picture": {"size": list(form.size), "fit": form.fit, "color": form.color}}


def form_from(item: Mapping[str, Any]) -> PictureForm | None:
    """What `form_state` made, again. Any exception means that the state is damaged."""
    if "picture" not in item:
        return None
    (height, width), fit, color = item["picture"]["size"], item["picture"]["fit"], item["picture"]["color"]
    sides_fit = all(isinstance(side, int) and not isinstance(side, bool) and 0 < side <= MOST_SIDE for side in (height, width))
    if not sides_fit or fit not in FITS or not isinstance(color, bool):
        raise ValueError("not the form of a picture")
    return PictureForm((height, width), fit, color)
