"""How a picture of any size becomes an array of one size: the same for training and for prediction."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.picture_files import PictureError

FITS = ("stretch", "crop", "pad")
# A JPEG is decoded at the largest of 1/1, 1/2, 1/4, 1/8 of its size that leaves so many times the wanted size.
REDUCED = 2


@dataclass(frozen=True, slots=True)
class PictureForm:
    """Size and channels of the result, and how a picture of another shape is brought to it.

    Resizing is bilinear over all pixels that a new pixel covers, as `tf.image.resize(..., antialias=True)` does it.

    Attributes:
        size: (height, width).
        fit: "stretch" (aspect ratio not kept), "crop" (the middle, as much as there is of the wanted aspect ratio),
            "pad" (the whole picture, black beside it).
        color: three channels, red, green and blue, instead of one of grey.
    """

    size: tuple[int, int]
    fit: str = "stretch"
    color: bool = True

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the array."""
        return (*self.size, 3 if self.color else 1)

    def to_reader(self) -> dict[str, Any]:
        """As plain values, for the run and for the cache's key."""
        return {"size": list(self.size), "fit": self.fit, "color": self.color, "range": [0.0, 255.0]}

    def decode(self, image: Any) -> NDArray[np.uint8]:
        """An open PIL image, turned as its EXIF data says, as uint8 [height, width, 1 or 3].

        Raises:
            PictureError: pixels that are no whole numbers.
        """
        mode = "RGB" if self.color else "L"
        height, width = self.size
        if image.format == "JPEG" and image.mode in ("RGB", "L", "YCbCr"):
            wanted = REDUCED * max(height, width)  # it may be turned
            image.draft(mode if image.mode != "L" else "L", (wanted, wanted))
        pixels = self._fitted(to_mode(upright(image), mode))
        values = np.asarray(pixels, np.uint8)
        return values if self.color else values[:, :, np.newaxis]

    def _fitted(self, pixels: Any) -> Any:
        from PIL import Image

        height, width = self.size
        if (pixels.height, pixels.width) == self.size:
            return pixels
        if self.fit == "stretch":
            return pixels.resize((width, height), Image.Resampling.BILINEAR)
        if self.fit == "crop":
            return pixels.resize((width, height), Image.Resampling.BILINEAR, box=_middle(pixels.size, (width, height)))
        scale = min(width / pixels.width, height / pixels.height)
        inner = max(1, min(width, round(scale * pixels.width))), max(1, min(height, round(scale * pixels.height)))
        padded = Image.new(pixels.mode, (width, height))
        padded.paste(pixels.resize(inner, Image.Resampling.BILINEAR), ((width - inner[0]) // 2, (height - inner[1]) // 2))
        return padded


def form_of(reader: Mapping[str, Any]) -> PictureForm:
    """The form that a run's (checked) reader describes."""
    return PictureForm((reader["size"][0], reader["size"][1]), reader.get("fit", "stretch"), reader["color"])


def _middle(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest box of the wanted aspect ratio in the middle of a picture: left, top, right, bottom."""
    scale = min(size[0] / wanted[0], size[1] / wanted[1])
    width, height = scale * wanted[0], scale * wanted[1]
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return max(left, 0.0), max(top, 0.0), min(left + width, size[0]), min(top + height, size[1])


def upright(image: Any) -> Any:
    """The picture with its pixels read, turned as its EXIF orientation says."""
    from PIL import ImageOps

    image.load()  # what is corrupt in the pixels shows here
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, struct.error, ZeroDivisionError):
        return image  # only the EXIF data is corrupt


def to_mode(image: Any, mode: str) -> Any:
    """8 bits a channel; Pillow would cut 16 bits off at 255 instead of scaling them."""
    from PIL import Image

    if image.mode == "F":
        raise PictureError("expected whole-number pixels, found floating-point ones")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float64) / 257.0
        image = Image.fromarray(np.clip(np.round(values), 0, 255).astype(np.uint8))
    elif image.mode in ("P", "PA") and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)
