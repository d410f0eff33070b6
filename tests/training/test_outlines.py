"""Every pixel of real photographs: clothes on beds and floors, learnt from outlines that their colours give."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from dltrain.cli.app import run
from tests.support import shared_data

MOST = 400


def outline(pixels: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """What stands out from the colour of the edges, by the threshold of Otsu (IEEE SMC 9, 1979); None: no one thing clearly does."""
    edges = np.concatenate([part.reshape(-1, 3) for part in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:])])
    ground = np.median(edges, axis=0)
    apart = np.abs(pixels - ground).max(axis=2)
    counts, ends = np.histogram(apart, 64)
    below, sums = np.cumsum(counts), np.cumsum(counts * (ends[:-1] + ends[1:]) / 2)
    between = (sums[-1] * below / below[-1] - sums) ** 2 / np.maximum(below * (below[-1] - below), 1)
    mask = ndimage.binary_fill_holes(ndimage.binary_opening(apart > ends[np.argmax(between) + 1], iterations=2))
    things, count = ndimage.label(mask)
    if not count:
        return None
    sizes = ndimage.sum(mask, things, range(1, count + 1))
    thing: NDArray[np.bool_] = things == 1 + np.argmax(sizes)
    at_edge = np.concatenate([thing[0], thing[-1], thing[:, 0], thing[:, -1]]).mean()
    is_clear = 0.15 < thing.mean() < 0.7 and at_edge < 0.08 and sizes.max() > 0.9 * sizes.sum()
    return thing if is_clear and np.median(np.abs(edges - ground)) < 12 else None


@pytest.mark.slow
def test_outlines_of_clothes_are_learnt_and_drawn_in_their_own_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted((shared_data("clothing") / "train").glob("*/*.jpg"))
    for folder in ("pictures", "masks"):
        (tmp_path / "clothes" / folder).mkdir(parents=True)
    made = 0
    for file in files[:: max(1, len(files) // (6 * MOST))]:
        picture = Image.open(file).convert("RGB")
        thing = outline(np.asarray(picture, np.float64))
        if thing is not None and made < MOST:
            made += 1
            picture.save(tmp_path / "clothes" / "pictures" / f"{file.stem}.png")
            Image.fromarray(thing.astype(np.uint8)).save(tmp_path / "clothes" / "masks" / f"{file.stem}.png")
    assert made > MOST // 2
    monkeypatch.chdir(tmp_path)
    assert run(["init", "clothes", "-o", "clothes.yaml"]) == 0
    assert run(["fit", "clothes.yaml", "training.epochs=25", "--run-dir", "run", "--require", "mean_iou>=0.8"]) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["metrics"]["test"]["mean_iou"] > 2 * metrics["baseline"]["mean_iou"]
    assert run(["predict", "run", "--data", "clothes/pictures", "--masks", "drawn", "-o", "drawn.csv"]) == 0
    both, either = np.zeros(2), np.zeros(2)
    for file in (tmp_path / "clothes" / "masks").iterdir():
        true, told = (np.asarray(Image.open(folder / file.name)) for folder in (file.parent, tmp_path / "drawn"))
        assert told.shape == true.shape
        for value in (0, 1):
            both[value] += ((true == value) & (told == value)).sum()
            either[value] += ((true == value) | (told == value)).sum()
    assert (both / either).mean() > 0.8
