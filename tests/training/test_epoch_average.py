"""`average: swa` beside a mean that is taken by hand of the same training's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.data.load import load_dataset
from dltrain.evaluation.evaluate import evaluate
from dltrain.model.encode import encode_part
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.storage.run import Run
from dltrain.training.averaging import NormalizationPass, first_averaged_epoch
from dltrain.training.fit import fit
from dltrain.training.loop import epoch_order
from dltrain.training.stacked.structure import why_not_stacked
from tests.support import history_rows
from tests.training.support import NOISE, assert_same_bits, config_of, fit_with_interruptions

NET = [
    "model.layers=[{Dense: {units: 5, activation: relu}}, BatchNormalization, {Dropout: {rate: 0.1}}]",
    "training.optimizer={SGD: {learning_rate: 0.1}}",
]
SWA = [*NET, "training.average=swa", "training.average_from=2 epochs"]


@pytest.mark.parametrize(
    ("text", "epochs", "first"),
    [("75 %", 10, 7), ("75 %", 4, 3), ("0.001 %", 4, 0), ("100 %", 4, 3), ("2 epochs", 4, 2), ("9 epochs", 4, 3), ("33 %", 1, 0)],
)
def test_where_averaging_begins(text: str, epochs: int, first: int) -> None:
    assert first_averaged_epoch(text, epochs) == first


def loaded(file: Path) -> Any:
    return import_keras().models.load_model(file, compile=False)


def by_hand(config: Any, files: list[Path], epoch: int) -> Any:
    """A plain Keras model with the mean of the files' weights, and with statistics of the training part's batches under it."""
    model, every = loaded(files[0]), [loaded(file) for file in files]
    for variable, *others in zip(model.trainable_variables, *(one.trainable_variables for one in every), strict=True):
        variable.assign(np.mean([np.asarray(other) for other in others], axis=0))
    dataset = load_dataset(config.data, seed=config.seed)
    heads = resolve_heads(config.model, dataset.schema, None, ())
    rows = encode_part(dataset.parts["train"], dataset.schema, heads).inputs[0]
    order = epoch_order(len(rows), seed=config.seed, epoch=epoch, shuffle=True)
    before = np.asarray(model.get_layer("dense")(rows))
    batches = [before[order[first : first + 8]] for first in range(0, len(rows), 8)]
    layer = model.get_layer("batch_normalization")
    layer.moving_mean.assign(np.mean([batch.mean(0) for batch in batches], axis=0))
    layer.moving_variance.assign(np.mean([batch.var(0) for batch in batches], axis=0))
    return model, dataset, heads


def test_the_model_is_the_mean_over_the_last_epochs_and_validated_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, passes, run = config_of(NOISE, *SWA), [], NormalizationPass.run
    monkeypatch.setattr(NormalizationPass, "run", lambda self, epoch: (passes.append(epoch), run(self, epoch)))
    fit(config_of(NOISE, *NET, "training.checkpoint.filepath='w_{epoch:02d}.h5'"), run_dir=tmp_path / "plain")
    result = fit(config, run_dir=tmp_path / "swa")
    assert passes == [2, 3]  # the statistics of the last average are not computed once more at the end
    files = sorted((tmp_path / "plain" / "checkpoints").glob("w_*.h5"))
    rows = {name: history_rows(Run(tmp_path / name).history_file) for name in ("plain", "swa")}
    for index, (one, other) in enumerate(zip(rows["plain"], rows["swa"], strict=True)):
        assert one["loss"] == other["loss"]  # training goes the same way, to the bit
        assert (one["val_loss"] == other["val_loss"]) == (index < 2)
    for epoch in (2, 3):
        model, dataset, heads = by_hand(config, files[2 : epoch + 1], epoch)
        part = encode_part(dataset.parts["validation"], dataset.schema, heads)
        model.compile(loss="binary_crossentropy")
        assert rows["swa"][epoch]["val_loss"] == pytest.approx(
            model.evaluate(part.inputs[0], part.targets[0], verbose=0), abs=1e-5
        )
    last = loaded(tmp_path / "swa" / "checkpoints" / "last.h5")
    for weight, expected in zip(last.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=2e-6)
    best = min(row["val_loss"] for row in rows["swa"])
    assert result.metrics["validation"]["loss"] == pytest.approx(best, abs=1e-5)
    assert evaluate(tmp_path / "swa", part="validation").metrics["loss"] == pytest.approx(best, abs=1e-5)


@pytest.mark.slow
def test_resumes_to_the_bit_and_an_end_before_it_begins_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(NOISE, *SWA)
    fit(config, run_dir=tmp_path / "whole")
    fit_with_interruptions(config, tmp_path / "cut", monkeypatch, [26])  # after the average's first epoch
    assert_same_bits(tmp_path / "whole", tmp_path / "cut")
    for name in ("best.h5", "last.h5"):
        files = [loaded(tmp_path / run / "checkpoints" / name).get_weights() for run in ("whole", "cut")]
        for one, other in zip(*files, strict=True):
            np.testing.assert_array_equal(one, other)
    stopped = config_of(NOISE, *SWA, "training.early_stopping={monitor: val_loss, mode: max, patience: 0, baseline: 9}")
    result = fit(stopped, run_dir=tmp_path / "early")
    assert any("before averaging began" in str(warning) for warning in result.warnings)


def test_what_is_said_before_training() -> None:
    assert [fault.path for fault in check_config(config_of(NOISE, *NET, "training.average=swa")).errors] == []
    late = check_config(config_of(NOISE, *NET, "training.average=swa", "training.average_from=9 epochs"))
    assert [fault.path for fault in late.errors] == ["training.average_from"]
    idle = check_config(config_of(NOISE, *NET, "training.average_from=50 %"))
    assert [fault.path for fault in idle.warnings if "no effect" in fault.message] == ["training.average_from"]
    assert why_not_stacked(config_of(NOISE, *SWA)) == "the mean of the weights over epochs is not stacked"
