"""What is evaluated of a training part that is too long for memory."""

from __future__ import annotations

import numpy as np

from dltrain.training import result as result_module
from dltrain.training.fit import fit
from tests.training.support import config_of

TEXT = """
data: {source: csv, path: long.csv, target: y}
model: {layers: [{Dense: {units: 4}}]}
training: {epochs: 2, batch_size: 50}
"""


def test_a_long_part_on_disk_is_evaluated_on_rows_spread_over_it(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    values = generator.normal(size=(2000, 2))
    rows = [f"{a:.4f},{b:.4f},{'yes' if a > b else 'no'}" for a, b in values]
    (tmp_path / "long.csv").write_text("\n".join(["a,b,y", *rows]))
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "1")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    whole = fit(config_of(TEXT, folder=tmp_path), run_dir=tmp_path / "whole")
    assert not any("evenly spread" in note for note in whole.notes)
    monkeypatch.setattr(result_module, "MOST_EVALUATED", 500)
    thinned = fit(config_of(TEXT, folder=tmp_path), run_dir=tmp_path / "thinned")
    assert any("500 rows, evenly spread over the training part" in note for note in thinned.notes)
    chosen = np.linspace(0, 1999, 500).astype(int)
    expected = (values[chosen, 0] > values[chosen, 1]).sum()
    confusion = np.array(thinned.report["confusion_matrix"])
    assert confusion.sum() == 500
    assert confusion[1].sum() == expected
    assert abs(thinned.metrics["train"]["accuracy"] - whole.metrics["train"]["accuracy"]) < 0.1
