"""How well a reconstruction gives its input back, beside principal components of the same number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import RECONSTRUCTION
from dltrain.data.arrays.disk_array import DiskArray
from dltrain.evaluation.metrics.intervals import Interval
from dltrain.evaluation.metrics.metrics import baseline_sentence
from dltrain.evaluation.metrics.part_intervals import mean_intervals
from dltrain.evaluation.metrics.pca_baseline import PcaBaseline
from dltrain.evaluation.metrics.report import PartReport
from dltrain.evaluation.metrics.verdicts import SCORE_ERRORS, Verdict, errors_better
from dltrain.model.corruption import Corrupt
from dltrain.model.forward import Forward

BLOCK_ROWS = 4096
BLOCK_NUMBERS = 1 << 24
# Steps of training are far below: no noise of theirs is drawn again.
FIRST_DRAW = 1 << 30
CORRUPTED = "corrupted_"


def row_errors(true: NDArray[Any], output: NDArray[Any]) -> NDArray[np.float64]:
    """Mean squared error of each row: of the clean input [rows, ...] and what was made of it."""
    score = ReconstructionScore()
    score.add(true, output)
    return score.row_errors


class ReconstructionScore:
    """Adds up errors of reconstructed rows, block by block."""

    def __init__(self) -> None:
        self._row_errors: list[NDArray[np.float64]] = []
        self._absolute: list[NDArray[np.float64]] = []
        self._numbers = 0
        self._sum: Any = 0.0
        self._squares: Any = 0.0

    def add(self, true: NDArray[Any], output: NDArray[Any]) -> None:
        """Take in some rows: the clean input [rows, ...] and what was made of it."""
        true = np.asarray(true, np.float64).reshape(len(true), -1)
        error = np.asarray(output, np.float64).reshape(true.shape) - true
        self._row_errors.append(np.mean(error**2, axis=1))
        self._absolute.append(np.mean(np.abs(error), axis=1))
        self._numbers += error.size
        self._sum = self._sum + true.sum(axis=0)
        self._squares = self._squares + (true**2).sum(axis=0)

    @property
    def row_errors(self) -> NDArray[np.float64]:
        """Mean squared error of each row."""
        return np.concatenate(self._row_errors)

    def intervals(self) -> dict[str, Interval]:
        """Confidence intervals of mse, rmse and mae."""
        return mean_intervals({"mse": self.row_errors, "mae": np.concatenate(self._absolute)}, len(self.row_errors))

    def metrics(self) -> dict[str, float]:
        """mse, rmse, mae in the units of the scaled input, and the share of its variance that is explained.

        Explained variance is 1 - Σ(error²) / Σ((value - mean of that number in this part)²): scikit-learn's
        `r2_score(..., multioutput="variance_weighted")`.
        """
        rows = self.row_errors
        if not len(rows):
            return {}
        mse = float(rows.mean())
        spread = float((self._squares - self._sum**2 / len(rows)).sum())
        explained = 1 - mse * self._numbers / spread if spread > 0 else float("nan")
        return {
            "mse": mse,
            "rmse": mse**0.5,
            "mae": float(np.concatenate(self._absolute).mean()),
            "explained_variance": explained,
        }


def report_reconstruction(
    name: str,
    forward: Forward,
    inputs: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any] | None,
    pca: PcaBaseline | None,
    corrupt: Corrupt | None = None,
) -> PartReport:
    """What is reported of a part whose input is reconstructed; rows pass through memory block by block.

    A model that was trained to undo noise or masks is given corrupted rows as well (`corrupted_mse`, ...), as are the principal
    components: the errors are those to the clean rows, and by these it is judged.

    Args:
        name: of the part, for sentences.
        forward: of the compiled model.
        inputs, targets, weights: the encoded part.
        pca: the baseline, or None.
        corrupt: as in training, or None.
    """
    score, baseline = ReconstructionScore(), ReconstructionScore()

    def consume(true: Any, outputs: Sequence[NDArray[Any]]) -> None:
        for start in range(0, len(outputs[0]), BLOCK_ROWS):
            rows = np.asarray(true[0][start : start + BLOCK_ROWS])
            score.add(rows, outputs[0][start : start + BLOCK_ROWS])
            if pca is not None:
                baseline.add(rows, pca.reconstruct(rows))

    logs, _ = forward.evaluate(inputs, targets, weights, consume=consume)
    result = PartReport({**logs, **score.metrics()}, baseline.metrics() if pca is not None else {})
    if pca is not None:
        result.report = {"baseline": {"method": "PCA", "components": len(pca.components), "layer": pca.layer, "rows": pca.rows}}
    result.intervals = score.intervals()
    measured, compared = score, baseline
    if corrupt is not None:
        measured, compared = _score_corrupted(forward, inputs[0], pca, corrupt)
        result.metrics |= {f"{CORRUPTED}{key}": value for key, value in measured.metrics().items()}
        result.intervals |= {f"{CORRUPTED}{key}": value for key, value in measured.intervals().items()}
        if pca is not None:
            result.baseline |= {f"{CORRUPTED}{key}": value for key, value in compared.metrics().items()}
    if pca is None:
        return result
    better = errors_better(measured.row_errors, compared.row_errors)
    prefix, rows = CORRUPTED if corrupt is not None else "", len(measured.row_errors)
    errors, theirs = float(measured.row_errors.mean()), float(compared.row_errors.mean())
    other = f"{len(pca.components)} principal components"
    result.verdicts[RECONSTRUCTION] = Verdict(
        "mse", errors, theirs, rows, False, better, strength=better, against=other, prefix=prefix
    )
    if name != "train" and better <= SCORE_ERRORS:
        key = f"{CORRUPTED}mse" if corrupt is not None else "mse"
        sentence = baseline_sentence(name, key, result.metrics, result.baseline, is_worse=better < -SCORE_ERRORS)
        result.notes.append(sentence.replace("the baseline:", f"PCA with {len(pca.components)} components:"))
    return result


def _score_corrupted(
    forward: Forward, rows: Any, pca: PcaBaseline | None, corrupt: Corrupt
) -> tuple[ReconstructionScore, ReconstructionScore]:
    """Errors of the model and of the components on corrupted rows. What is drawn depends on a row's place alone."""
    score, baseline = ReconstructionScore(), ReconstructionScore()
    num_rows, size = len(rows), max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // math.prod(rows.shape[1:])))
    for number, start in enumerate(range(0, num_rows, size)):
        stop = min(start + size, num_rows)
        clean = np.asarray(rows.read(start, stop) if isinstance(rows, DiskArray) else rows[start:stop])
        seen = np.asarray(corrupt(clean, FIRST_DRAW + number), np.float32)
        score.add(clean, forward.outputs([seen])[0])
        if pca is not None:
            baseline.add(clean, pca.reconstruct(seen))
    return score, baseline
