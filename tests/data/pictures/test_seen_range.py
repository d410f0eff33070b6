from __future__ import annotations

import numpy as np
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.pictures.fit import fit_pictures
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.raw import RawPictures
from dltrain.errors import Note

BYTES = np.random.default_rng(0).integers(0, 256, (40, 4, 5, 3)).astype(np.uint8)
UNIT = (BYTES / 255).astype(np.float32)


@pytest.mark.parametrize("scale", ["unit", "standard", "minmax", "none"])
@pytest.mark.parametrize(
    ("trained", "asked", "is_said"),
    [
        (BYTES, UNIT, True),
        (UNIT, BYTES, True),
        (BYTES, BYTES.astype(np.float32), False),
        (UNIT, 1 - UNIT[:1], False),
        (BYTES - 100.0, BYTES, False),
        (BYTES, np.full_like(BYTES, 7), False),
    ],
)
def test_arrays_on_another_scale_than_the_training_s_are_told(
    scale: str, trained: np.ndarray, asked: np.ndarray, is_said: bool
) -> None:
    config = DataConfig("npz", scale=scale, task="classification")
    fitted = fit_pictures(config, RawPictures(trained, np.arange(40) % 2), 0, None).preprocessing
    again = PicturePreprocessing.from_state(*fitted.to_state())
    notes: list[Note] = []
    again.transform(RawPictures(asked, None), with_targets=False, notes=notes)
    assert [note.code for note in notes] == (["another_scale"] if is_said else [])
