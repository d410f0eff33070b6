"""How a 250×250 picture of Labeled Faces in the Wild becomes an array; shared by the dataset and by prediction from files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.pictures.files import PictureError


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """scikit-learn's `slice_`, `resize` and `color`.

    Attributes:
        rows: (top, bottom) of the part that is taken.
        columns: (left, right) of it.
        resize: ratio by which that part is then resized, or None.
        color: three channels instead of their mean.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    resize: float | None
    color: bool

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the result."""
        height, width = self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]
        if self.resize is not None:
            height, width = int(self.resize * height), int(self.resize * width)
        return height, width

    def to_reader(self) -> dict[str, Any]:
        """As plain values, for the run and for the cache's key."""
        return {
            "slice": [list(self.rows), list(self.columns)],
            "resize": self.resize,
            "color": self.color,
            "size": list(self.size),
            "original": [250, 250],
            "range": [0.0, 1.0],
        }

    def decode(self, image: Any) -> NDArray[np.float32]:
        """An open PIL image as float32 [height, width, 1 or 3] in 0...1, bit for bit as `fetch_lfw_people` has it."""
        if self.rows[1] > image.height or self.columns[1] > image.width:
            raise PictureError(f"expected a picture of 250×250, found {image.width}×{image.height}")
        if image.mode != "RGB":
            image = image.convert("RGB")
        image = image.crop((self.columns[0], self.rows[0], self.columns[1], self.rows[1]))
        if self.resize is not None:
            height, width = self.size
            image = image.resize((width, height))
        face: NDArray[np.float32] = np.asarray(image, dtype=np.float32)
        face = face / np.float32(255.0)
        return face if self.color else face.mean(axis=2)[:, :, np.newaxis]
