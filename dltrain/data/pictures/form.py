"""How a picture of any size becomes an array of one size: the same for training and for prediction."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.sources import PICTURE_FORM
from dltrain.config.types import DataConfig
from dltrain.data.pictures.cut_short import load_whole
from dltrain.data.pictures.files import PictureError
from dltrain.data.sources.arguments import UNREAD, argument_fault, is_integer
from dltrain.errors import ConfigError

FITS = ("stretch", "crop", "pad")
# The names of `keras.utils.load_img`, two more of `tf.image.resize`, and what Pillow calls each.
INTERPOLATIONS = {
    "nearest": "NEAREST",
    "bilinear": "BILINEAR",
    "bicubic": "BICUBIC",
    "hamming": "HAMMING",
    "box": "BOX",
    "area": "BOX",
    "lanczos": "LANCZOS",
    "lanczos3": "LANCZOS",
}
MOST_SIDE = 1 << 14
MOST_WANTED_SIDE = 1 << 13
# What is white where nobody said how many of 16 bits are used.
WHITE_OF_16_BITS = 65535.0
# A JPEG is decoded at the largest of 1/1, 1/2, 1/4, 1/8 of its size that leaves so many times the wanted size.
REDUCED = 2
# The tag of EXIF that says how a camera was held, and its values by which width and height change places.
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class PictureForm:
    """Size and channels of the result, and how a picture of another shape is brought to it.

    Resizing looks at all pixels that a new pixel covers (antialiased), but for "nearest". With an interpolation that was named, a
    picture without an EXIF orientation becomes what `keras.utils.load_img(..., target_size=size, interpolation=...)` makes of it,
    bit for bit. Without one it is bilinear, and a JPEG of four times the size and more is decoded at a smaller one first.

    Attributes:
        size: (height, width).
        fit: "stretch" (aspect ratio not kept), "crop" (the middle, as much as there is of the wanted aspect ratio),
            "pad" (the whole picture, black beside it).
        color: three channels, red, green and blue, instead of one of grey.
        interpolation: one of `INTERPOLATIONS`, or None.
        white: the value of a white pixel in pictures of more than 8 bits a pixel; None: that of 16 bits.
        unread: pictures are not opened, black ones stand in: where only shapes are asked for.
    """

    size: tuple[int, int]
    fit: str = "stretch"
    color: bool = True
    interpolation: str | None = None
    white: float | None = None
    unread: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one picture's array: [height, width, channels]."""
        return (*self.size, 3 if self.color else 1)

    def to_state(self) -> dict[str, Any]:
        """As plain values; `form_from_state` makes it again."""
        more = {"interpolation": self.interpolation, "white": self.white}
        named = {name: value for name, value in more.items() if value is not None}
        return {"size": list(self.size), "fit": self.fit, "color": self.color, **named}

    def to_reader(self) -> dict[str, Any]:
        """As plain values, for the run and for the cache's key."""
        return {**self.to_state(), "range": [0.0, 255.0]}

    def decode(self, image: Any) -> NDArray[np.uint8]:
        """An open PIL image, turned as its EXIF data says, as uint8 [height, width, 1 or 3].

        Raises:
            PictureError: pixels that are no brightness.
        """
        mode = "RGB" if self.color else "L"
        height, width = self.size
        if self.interpolation is None and image.format == "JPEG" and image.mode in ("RGB", "L", "YCbCr"):
            wanted = REDUCED * max(height, width)  # it may be turned
            image.draft(mode if image.mode != "L" else "L", (wanted, wanted))
        pixels = self._fitted(to_mode(upright(image), mode, self.white))
        values = np.asarray(pixels, np.uint8)
        return values if self.color else values[:, :, np.newaxis]

    def whole(self, image: Any) -> NDArray[np.uint8]:
        """As `decode`, in the picture's own size."""
        return replace(self, size=upright_size(image)).decode(image)

    def brought(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pixels of a whole picture, or of a tile of it, brought to this size; the aspect ratio is not kept."""
        from PIL import Image

        return replace(self, fit="stretch").decode(Image.fromarray(pixels if self.color else pixels[..., 0]))

    def _fitted(self, pixels: Any) -> Any:
        from PIL import Image

        kernel = Image.Resampling[INTERPOLATIONS[self.interpolation or "bilinear"]]
        height, width = self.size
        if (pixels.height, pixels.width) == self.size:
            return pixels
        if self.fit == "stretch":
            return pixels.resize((width, height), kernel)
        if self.fit == "crop":
            return pixels.resize((width, height), kernel, box=_middle(pixels.size, (width, height)))
        left, top, right, bottom = self.inner_box((pixels.height, pixels.width))
        padded = Image.new(pixels.mode, (width, height))
        padded.paste(pixels.resize((right - left, bottom - top), kernel), (left, top))
        return padded

    def inner_box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Where a picture of a (height, width) lies within the result: left, top, right, bottom."""
        height, width = self.size
        if self.fit != "pad" or size == self.size:
            return 0, 0, width, height
        scale = min(width / size[1], height / size[0])
        inner = max(1, min(width, round(scale * size[1]))), max(1, min(height, round(scale * size[0])))
        left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
        return left, top, left + inner[0], top + inner[1]

    def kept_box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """What of a picture of a (height, width) the result shows: left, top, right, bottom."""
        height, width = self.size
        return _middle((size[1], size[0]), (width, height)) if self.fit == "crop" else (0.0, 0.0, float(size[1]), float(size[0]))


def form_from_state(state: Mapping[str, Any]) -> PictureForm:
    """What `to_state` made, again; it comes out of a run directory that may be anybody's.

    Raises:
        ValueError: it is none; with the reason.
    """
    size, color, fit = pair(state.get("size"), "size"), state.get("color"), state.get("fit", "stretch")
    if not isinstance(color, bool):
        raise ValueError("`color` is neither true nor false")
    if fit not in FITS:
        raise ValueError(f"`fit` is none of {', '.join(FITS)}")
    interpolation, white = state.get("interpolation"), state.get("white")
    if interpolation is not None and (not isinstance(interpolation, str) or interpolation not in INTERPOLATIONS):
        raise ValueError(f"`interpolation` is none of {', '.join(INTERPOLATIONS)}")
    if white is not None and (isinstance(white, bool) or not isinstance(white, (int, float)) or not 0 < white <= 2**32):
        raise ValueError("`white` is no value of a pixel")
    return PictureForm(size, fit, color, interpolation, None if white is None else float(white))


def pair(value: Any, name: str, *, lowest: int = 1) -> tuple[int, int]:
    """Two whole numbers of a stored description (raises ValueError where they are not)."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError(f"`{name}` is no pair of whole numbers")
    if not all(isinstance(side, int) and not isinstance(side, bool) and lowest <= side <= MOST_SIDE for side in value):
        raise ValueError(f"`{name}` is not of whole numbers from {lowest} to {MOST_SIDE}")
    return value[0], value[1]


def _middle(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest box of the wanted aspect ratio in the middle of a picture: left, top, right, bottom."""
    scale = min(size[0] / wanted[0], size[1] / wanted[1])
    width, height = scale * wanted[0], scale * wanted[1]
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return max(left, 0.0), max(top, 0.0), min(left + width, size[0]), min(top + height, size[1])


def camera_turn(image: Any) -> int:
    """What the EXIF data of an open PIL image says of how the camera was held; 1: upright, or nothing that can be read."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, struct.error, ZeroDivisionError):
        return 1  # only the EXIF data is corrupt


def upright_size(image: Any) -> tuple[int, int]:
    """(height, width) of an open PIL image as `upright` will turn it; nothing is decoded."""
    return (image.width, image.height) if camera_turn(image) in TURNED else (image.height, image.width)


def upright(image: Any) -> Any:
    """The picture with its pixels read, turned as its EXIF orientation says."""
    from PIL import ImageOps

    load_whole(image)  # what is corrupt in the pixels shows here
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, struct.error, ZeroDivisionError):
        return image  # only the EXIF data is corrupt


def to_mode(image: Any, mode: str, white: float | None) -> Any:
    """8 bits a channel; of more bits (which Pillow would cut off at 255) those from black, 0, to white."""
    from PIL import Image

    if is_deep(image):
        if white is None and image.mode == "F":
            raise PictureError(
                "expected whole-number pixels, found floating-point ones: training showed none whose white is known"
            )
        white = white or WHITE_OF_16_BITS
        values = np.asarray(image).astype(np.float64)
        if not np.isfinite(values).all() or values.min() < 0:
            found = "values that are not finite" if not np.isfinite(values).all() else f"the value {values.min():g}"
            raise PictureError(f"expected pixels from 0 (black) on, found {found}")
        image = Image.fromarray(np.round(np.minimum(values, white) * (255.0 / white)).astype(np.uint8))
    elif image.mode in ("P", "PA") and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def is_deep(image: Any) -> bool:
    """Whether an open PIL image has more than 8 bits a pixel of one channel: whole numbers of 16 or 32, or fractions."""
    return bool(image.mode == "F" or image.mode.startswith("I"))


def white_of_bits(bits: int) -> float:
    """The largest whole number of so many bits."""
    return float(2**bits - 1)


def argument_of(config: DataConfig, name: str) -> Any:
    """An argument as given, or its default."""
    value = config.arguments.get(name)
    return PICTURE_FORM[name].default if value is None else value


def parse_form(config: DataConfig) -> PictureForm:
    """Size, channels and way of resizing that the config asks for.

    Raises:
        ConfigError: a size that is none.
    """
    size, color = argument_of(config, "image_size"), argument_of(config, "color")
    if not isinstance(size, (list, tuple)) or len(size) != 2 or not all(is_integer(side, 1, MOST_WANTED_SIDE) for side in size):
        expected = f"[height, width], whole numbers from 1 to {MOST_WANTED_SIDE}"
        raise ConfigError(argument_fault(config, "image_size", expected, "such as image_size: [150, 150]"))
    depth, unread = argument_of(config, "depth"), bool(config.arguments.get(UNREAD))
    return PictureForm(
        (size[0], size[1]),
        str(argument_of(config, "fit")),
        color not in ("grayscale", False),
        argument_of(config, "interpolation"),
        None if depth is None else white_of_bits(depth),
        unread,
    )
