"""Intervals of the loss and of Keras's own metrics of masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.evaluation.evaluate import evaluate
from dltrain.training.fit import fit
from tests.data.pictures.test_masks import save
from tests.training.support import config_of


@pytest.mark.parametrize("more", ["", "tiles: 16, "])
def test_every_metric_of_masks_has_an_interval_around_it(more: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    masks = {f"{number}": (rng.random((24, 24)) < 0.2 + 0.02 * number).astype(np.uint8) for number in range(24)}
    masks["0"][:3] = 255
    save(tmp_path, masks)
    text = f"""
    data: {{source: image_folder, path: ., task: segmentation, ignore: 255, {more}image_size: [8, 8], split: {{test: 0.5}}}}
    model: {{layers: [{{Conv2D: {{filters: 3, kernel_size: 3, padding: same}}}}]}}
    training: {{epochs: 1, metrics: [{{BinaryIoU: {{name: both}}}}, MeanSquaredError, Precision]}}
    """
    result = fit(config_of(text, folder=tmp_path), run_dir=tmp_path / "run")
    metrics, intervals = result.metrics["test"], result.intervals["test"]
    assert {"loss", "both", "mean_squared_error", "precision"} <= set(metrics)
    for name, value in metrics.items():
        assert intervals[name][0] <= value <= intervals[name][1], name
    again = evaluate(result.run).intervals
    assert {name: pytest.approx(bounds, rel=1e-4) for name, bounds in intervals.items()} == again
