"""`learning_rate: found`: the fit that looks for its rate is the fit with that number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dltrain.checking.check import check_with_facts
from dltrain.config import load_config
from dltrain.data.look import read_facts
from dltrain.errors import ConfigError, InterruptedRun
from dltrain.storage.run import Run
from dltrain.training.finding.rate import find_rate
from dltrain.training.fit import fit
from dltrain.training.members.plan import describe_members
from dltrain.training.stacked.structure import why_not_stacked
from tests.training.support import NOISE, config_of, interrupted_at_call

IRIS = """
seed: 7
data: {source: iris, split: {test: 0.2, validation: 0.2}}
model: {layers: [Dense: {units: 8, activation: relu}, Dropout: {rate: 0.3}]}
training: {epochs: 4, batch_size: 8, warmup: 1 epoch}
"""

FOUND = "training.optimizer={SGD: {momentum: 0.5, learning_rate: found}}"


def weights_of(folder: Path) -> bytes:
    return (folder / "checkpoints" / "last.h5").read_bytes()


def numbers_of(folder: Path) -> list[str]:
    """The history without the seconds."""
    return [line.rpartition(",")[0] for line in (folder / "history.csv").read_text().splitlines()]


def test_it_is_the_fit_with_that_number(tmp_path: Path) -> None:
    config = config_of(IRIS, FOUND, "training.epochs=2")
    rate = find_rate(config).rate
    assert rate is not None
    fit(config, run_dir=tmp_path / "found")
    manifest = json.loads((tmp_path / "found" / "manifest.json").read_text())
    assert manifest["found_rate"]["learning_rate"] == rate
    assert "falls fastest" in manifest["found_rate"]["reason"]
    notes = json.loads((tmp_path / "found" / "metrics.json").read_text())["notes"]
    assert any(note.startswith(f"The learning rate {rate:g} was found: the loss falls fastest") for note in notes)
    stored = load_config(tmp_path / "found" / "config.yaml").training
    assert stored is not None
    assert stored.optimizer.arguments["learning_rate"] == rate
    fit(
        config_of(IRIS, FOUND, "training.epochs=2", f"training.optimizer.learning_rate={rate}"),
        run_dir=tmp_path / "said",
    )
    assert numbers_of(tmp_path / "found") == numbers_of(tmp_path / "said")
    with pytest.raises(ConfigError, match="momentum"):
        fit(config_of(IRIS, FOUND, "training.epochs=2", "training.optimizer.momentum=0.4"), resume=tmp_path / "found")
    with pytest.raises(ConfigError, match="learning_rate"):
        fit(config, resume=tmp_path / "said")


@pytest.mark.slow
def test_an_interrupted_fit_goes_on_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(IRIS, FOUND)
    fit(config, run_dir=tmp_path / "found")
    looked = 140  # steps, each of which is a call
    with interrupted_at_call(monkeypatch, looked + 12), pytest.raises(InterruptedRun):
        fit(config, run_dir=tmp_path / "cut")
    fit(config, resume=tmp_path / "cut")
    assert numbers_of(tmp_path / "cut") == numbers_of(tmp_path / "found")
    manifests = [Run(tmp_path / name).read_manifest()["found_rate"] for name in ("cut", "found")]
    assert manifests[0] == manifests[1]


def test_where_the_loss_tells_nothing_the_default_is_taken_and_said(tmp_path: Path) -> None:
    config = config_of(
        NOISE,
        "training.optimizer={SGD: {learning_rate: found}}",
        "model.layers=[{Dense: {units: 1, trainable: false}}]",
        "model.output={Dense: {units: 1, activation: sigmoid, trainable: false}}",
    )
    result = fit(config, run_dir=tmp_path / "run")
    assert any("no learning rate was found" in warning.message for warning in result.warnings)
    assert "found" not in (tmp_path / "run" / "config.yaml").read_text()
    assert any(
        note.startswith("No learning rate was found: ")
        for note in json.loads((tmp_path / "run" / "metrics.json").read_text())["notes"]
    )


def test_check_knows_where_it_may_stand() -> None:
    def errors(*words: str) -> list[str]:
        config = config_of(NOISE, *words)
        return [str(fault.path) for fault in check_with_facts(config, read_facts(config.data, seed=config.seed)).errors]

    assert errors(FOUND) == []
    assert errors(FOUND, "training.phases=[{epochs: 1}, {epochs: 1, optimizer: sgd}]") == []
    assert errors("training.phases=[{epochs: 1}, {epochs: 1, optimizer: {SGD: {learning_rate: found}}}]") == [
        "training.phases.1.optimizer.learning_rate"
    ]
    assert errors(FOUND, "training.phases=[{epochs: 1, optimizer: sgd}]") == ["training.optimizer.learning_rate"]
    with pytest.raises(ConfigError, match="or found"):
        config_of(NOISE, "training.optimizer.learning_rate=fuond")


def test_each_trial_looks_by_itself_and_members_look_once() -> None:
    assert why_not_stacked(config_of(NOISE, FOUND)) == "each fit finds a learning rate of its own"
    assert "as one program" in " ".join(describe_members(config_of(NOISE, FOUND, "training.members=2")))
