"""What several tests of sources share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from dltrain.errors import Fault
from dltrain.reporting import Reporter


class Recorder(Reporter):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.statuses: list[str] = []
        self.details: list[str] = []
        self.warnings: list[str] = []

    def status(self, text: str) -> None:
        self.statuses.append(text)

    def detail(self, text: str) -> None:
        self.details.append(text)

    def warning(self, warning: str | Fault) -> None:
        self.warnings.append(str(warning))


def listing(folder: Path) -> list[tuple[str, int, int]]:
    """Every file and folder below with size and time of change: equal before and after if nothing was written."""
    return sorted(
        (os.path.join(base, name), os.stat(os.path.join(base, name)).st_size, os.stat(os.path.join(base, name)).st_mtime_ns)
        for base, folders, files in os.walk(folder)
        for name in (*folders, *files)
    )


def write_picture(path: Path, size: tuple[int, int] = (250, 250), *, seed: int = 0, mode: str = "RGB", **options: object) -> Path:
    """A picture of smooth random colours; `size` is (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode).save(path, **options)
    return path


def write_faces(folder: Path, counts: dict[str, int]) -> Path:
    """A folder laid out as Labeled Faces in the Wild."""
    for person, count in counts.items():
        for number in range(1, count + 1):
            write_picture(folder / person / f"{person}_{number:04d}.jpg", seed=hash((len(person), number)) % 1000)
    return folder


def write_texts(folder: Path, texts: Sequence[str]) -> None:
    """A text in a file each, `0.txt` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text)
