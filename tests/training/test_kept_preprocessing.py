"""A fit that goes on from another's weights and keeps its preprocessing: resumed to the bit, provenance in the manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dltrain.errors import ConfigError
from dltrain.evaluation.evaluate import evaluate
from dltrain.training.fit import fit
from tests.training.support import assert_same_bits, config_of, fit_with_interruptions

TEXT = """
name: {name}
seed: 3
data: {{source: csv, path: {path}, target: y, split: {{validation: 0.25, test: 0.2}}{more}}}
model: {{layers: [Dense: {{units: 6, activation: relu, name: hidden}}]{weights}}}
training: {{epochs: 3, batch_size: 8}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables, and a run on the first."""
    folder = tmp_path_factory.mktemp("kept")
    random = np.random.default_rng(0)
    for name, center in (("a", 0.0), ("b", 2.0)):
        rows = [
            f"{u:.3f},{'pqr'[int(v)]},{'yes' if u > center else 'no'}"
            for u, v in zip(random.normal(center, 1, 80), random.integers(0, 3, 80))
        ]
        (folder / f"{name}.csv").write_text("\n".join(["u,v,y", *rows, ""]))
    fit(config_of(TEXT.format(name="first", path="a.csv", more="", weights=""), folder=folder), run_dir=folder / "first")
    return folder


@pytest.mark.slow
def test_resumed_to_the_bit_with_the_run_it_is_from_in_the_manifest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT.format(name="second", path="b.csv", more=", preprocessing: first", weights=", weights: first")
    config = config_of(text, folder=folder)
    whole = fit(config, run_dir=folder / "whole").run
    parted = fit_with_interruptions(config, folder / "parted", monkeypatch, [2, 3])
    assert_same_bits(whole, parted.run)
    manifest = json.loads((whole / "manifest.json").read_text())
    digest = hashlib.sha256((folder / "first" / "preprocessing.json").read_bytes()).hexdigest()
    assert manifest["preprocessing"]["run"] == str(folder / "first")
    assert manifest["preprocessing"]["files"]["preprocessing.json"] == digest
    stored, first = (json.loads((run / "preprocessing.json").read_text()) for run in (whole, folder / "first"))
    assert stored["features"] == first["features"]
    again = fit(config_of((whole / "config.yaml").read_text(), folder=folder), run_dir=folder / "again").run
    assert_same_bits(whole, again)


def test_the_run_stands_by_itself_but_is_not_gone_on_with_where_the_other_has_changed(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "first", tmp_path / "first")
    text = TEXT.format(name="second", path=folder / "b.csv", more=", preprocessing: first", weights="")
    run = fit(config_of(text, folder=tmp_path), run_dir=tmp_path / "second").run
    file = tmp_path / "first" / "preprocessing.json"
    (tmp_path / "first" / "manifest.json").unlink()
    file.write_text(file.read_text() + "\n")
    with pytest.raises(ConfigError, match="not what it was when the run began"):
        fit(config_of((run / "config.yaml").read_text().replace("epochs: 3", "epochs: 4"), folder=tmp_path), resume=run)
    shutil.rmtree(tmp_path / "first")
    assert evaluate(run).metrics
