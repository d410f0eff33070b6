"""Pictures decoded once: as 8-bit rows in a file of dltrain's cache, from which this run and later ones read."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.pictures.files import PictureError, decode_file, quiet_pillow, unusable
from dltrain.data.pictures.form import upright_size
from dltrain.data.pictures.picture_file import PictureFile
from dltrain.data.tables.streamed.column_files import needed_meta, read_meta, write_meta
from dltrain.errors import Fault, RunError
from dltrain.reporting import Reporter
from dltrain.storage.stored_folders import META, make_folder

FORMAT = 3
HINT = "data.on_error: skip leaves out what cannot be read"
PIXELS_FILE = "pixels.bin"
# Decoded together, and held in memory until they are written.
BLOCK_BYTES = 64 << 20
# Where the cache cannot be written, pictures of so many bytes are held in memory instead.
MOST_IN_MEMORY = 1 << 30


class Form(Protocol):
    """What a file becomes: a picture, or a mask."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the array."""

    def to_reader(self) -> dict[str, Any]:
        """As plain values, for the cache's key."""

    def decode(self, image: Any) -> NDArray[np.uint8]:
        """An open PIL image as an array of that shape."""

    def whole(self, image: Any) -> NDArray[np.uint8]:
        """An open PIL image in its own size."""

    def brought(self, pixels: NDArray[np.uint8], /) -> NDArray[np.uint8]:
        """A tile of that as an array of that shape."""


@dataclass(slots=True)
class StoredPictures:
    """Decoded pictures.

    Attributes:
        images: uint8 [rows, height, width, channels], rows in the order of the files that could be decoded.
        rows: for each of these its place among all files.
        digests: a digest of each of these files.
        sizes: (width, height) of each as it was, upright.
        faults: what is wrong with the others.
    """

    images: DiskArray | NDArray[np.uint8]
    rows: NDArray[np.int64]
    digests: list[str]
    sizes: list[tuple[int, int]]
    faults: list[Fault]


def store_pictures(files: Sequence[PictureFile], form: Form, *, skip: bool, reporter: Reporter) -> StoredPictures:
    """Decode all files, or find them decoded.

    Args:
        files: the pictures; what is known of their sizes and times of change tells whether they were decoded before.
        form: what they become.
        skip: leave pictures out that cannot be used, instead of failing.
        reporter: hears how far it is.

    Raises:
        DataError: pictures that are corrupt, too large or none at all; each is named.
    """
    digest = hashlib.blake2b(json.dumps([FORMAT, form.to_reader()]).encode(), digest_size=12)
    for file in files:
        what = f"{os.path.abspath(file.path)}\0{file.size}\0{file.changed}" + (f"\0{file.tile}" if file.tile else "")
        digest.update(f"{what}\n".encode("utf-8", "surrogateescape"))
    name = f"pictures-{digest.hexdigest()}"
    num_bytes = len(files) * int(np.prod(form.shape))
    writer = _Writer(files, form, skip, reporter, HINT)
    try:
        folder = make_folder(name, num_bytes, writer.fill, reporter)
        if not _is_whole(folder, form):
            reporter.detail(f"{folder} is damaged: the pictures are decoded anew")
            shutil.rmtree(folder)
            folder = make_folder(name, num_bytes, writer.fill, reporter)
        meta = needed_meta(folder / META)
    except RunError as error:
        if num_bytes > MOST_IN_MEMORY:
            raise
        reporter.warning(f"the decoded pictures are held in memory and not kept for later runs: {error.faults[0].message}")
        return writer.in_memory()
    faults = [Fault(message, file=file) for file, message in meta["faults"]]
    if faults and not skip:
        raise unusable(faults, HINT)
    rows = np.array(meta["rows"], np.int64)
    images = DiskArray(folder / PIXELS_FILE, (len(rows), *form.shape), "uint8")
    return StoredPictures(images, rows, meta["digests"], [(width, height) for width, height in meta["sizes"]], faults)


def decode_now(files: Sequence[PictureFile], form: Form, *, skip: bool, hint: str | None) -> StoredPictures:
    """As `store_pictures`, in memory alone.

    Args:
        files, form, skip: as there.
        hint: what to do about pictures that cannot be used.
    """
    return _Writer(files, form, skip, Reporter(), hint).in_memory()


def _is_whole(folder: Path, form: Form) -> bool:
    """Whether a folder of the cache holds what was written into it, as far as sizes tell."""
    meta = read_meta(folder / META)
    try:
        num_rows = len(meta["rows"])
        whole = (folder / PIXELS_FILE).stat().st_size == num_rows * int(np.prod(form.shape))
        return whole and len(meta["digests"]) == len(meta["sizes"]) == num_rows and isinstance(meta["faults"], list)
    except (OSError, KeyError, TypeError):
        return False


class _Writer:
    """Decodes the files block by block."""

    def __init__(self, files: Sequence[PictureFile], form: Form, skip: bool, reporter: Reporter, hint: str | None) -> None:
        self.files, self.form, self.skip, self.reporter, self.hint = files, form, skip, reporter, hint
        self.rows: list[int] = []
        self.digests: list[str] = []
        self.sizes: list[tuple[int, int]] = []
        self.faults: list[Fault] = []

    def fill(self, folder: Path) -> None:
        """Write pixels and description into a folder of the cache."""
        with open(folder / PIXELS_FILE, "wb") as file:
            for block in self._blocks():
                file.write(block.data)
        faults = [[fault.file, fault.message] for fault in self.faults]
        write_meta(folder / META, {"rows": self.rows, "digests": self.digests, "sizes": self.sizes, "faults": faults})

    def in_memory(self) -> StoredPictures:
        """The same in memory alone."""
        blocks = list(self._blocks())
        images = np.concatenate(blocks) if blocks else np.zeros((0, *self.form.shape), np.uint8)
        return StoredPictures(images, np.array(self.rows, np.int64), self.digests, self.sizes, self.faults)

    def _blocks(self) -> Any:
        """Decoded pictures, some at a time.

        Raises:
            DataError: some cannot be used, and they are not to be skipped; after all were looked at.
        """
        self.rows, self.digests, self.sizes, self.faults = [], [], [], []
        size = max(1, BLOCK_BYTES // int(np.prod(self.form.shape)))
        # Decoding waits for no lock of the interpreter's, but reading, digesting and resizing small pictures do now and then.
        with quiet_pillow(), ThreadPoolExecutor(max_workers=min(16, 2 * (os.cpu_count() or 1))) as pool:
            for first in range(0, len(self.files), size):
                self.reporter.status(f"decoding pictures: {first:,} of {len(self.files):,}")
                chosen = range(first, min(first + size, len(self.files)))
                block = np.empty((len(chosen), *self.form.shape), np.uint8)
                good = 0
                together = [list(rows) for _, rows in itertools.groupby(chosen, self._picture_of)]
                for row, found in zip(chosen, itertools.chain.from_iterable(pool.map(self._decode, together)), strict=True):
                    if isinstance(found, Fault):
                        self.faults += [] if found in self.faults[-1:] else [found]
                        continue
                    (block[good], size_found), digest = found
                    good += 1
                    self.sizes.append(size_found)
                    self.rows.append(row)
                    self.digests.append(digest)
                if not self.faults or self.skip:
                    yield block[:good]
        if self.faults and not self.skip:
            raise unusable(self.faults, self.hint)

    def _picture_of(self, row: int) -> str | int:
        """The picture that a row is a tile of, or the row itself."""
        return row if self.files[row].tile is None else self.files[row].path

    def _decode(self, rows: Sequence[int]) -> list[tuple[tuple[NDArray[np.uint8], tuple[int, int]], str] | Fault]:
        """Of each of some rows of one picture its pixels with the size of the picture, and the digest of the file."""
        path = self.files[rows[0]].path
        try:
            found, digest = decode_file(path, lambda image: self._decode_image(image, rows))
        except PictureError as error:
            return [Fault(str(error), file=path, hint=error.hint) for _ in rows]
        return [(pixels, digest) for pixels in found]

    def _decode_image(self, image: Any, rows: Sequence[int]) -> list[tuple[NDArray[np.uint8], tuple[int, int]]]:
        height, width = upright_size(image)  # before it is decoded, which may make it smaller
        size = (int(width), int(height))
        tiles = [tile for row in rows for tile in [self.files[row].tile] if tile is not None]
        if not tiles:
            return [(self.form.decode(image), size)]
        pixels = self.form.whole(image)
        if pixels.shape[:2] != tiles[0].picture:
            own, other = (f"{sides[1]}×{sides[0]}" for sides in (tiles[0].picture, pixels.shape[:2]))
            raise PictureError(f"expected the {own} pixels (width × height) of its picture, found {other}")
        return [(self.form.brought(tile.cut(pixels)), size) for tile in tiles]
