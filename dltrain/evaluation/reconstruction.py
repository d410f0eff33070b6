"""How well a reconstruction gives its input back, beside principal components of the same number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.evaluation.metrics import baseline_sentence, is_no_better
from dltrain.evaluation.pca_baseline import PcaBaseline
from dltrain.evaluation.report import PartReport
from dltrain.model.forward import Forward

BLOCK_ROWS = 4096


def row_errors(true: NDArray[Any], output: NDArray[Any]) -> NDArray[np.float64]:
    """Mean squared error of each row: of the clean input [rows, ...] and what was made of it."""
    score = ReconstructionScore()
    score.add(true, output)
    return score.row_errors


class ReconstructionScore:
    """Adds up errors of reconstructed rows, block by block."""

    def __init__(self) -> None:
        self._row_errors: list[NDArray[np.float64]] = []
        self._absolute = 0.0
        self._numbers = 0
        self._sum: Any = 0.0
        self._squares: Any = 0.0

    def add(self, true: NDArray[Any], output: NDArray[Any]) -> None:
        """Take in some rows: the clean input [rows, ...] and what was made of it."""
        true = np.asarray(true, np.float64).reshape(len(true), -1)
        error = np.asarray(output, np.float64).reshape(true.shape) - true
        self._row_errors.append(np.mean(error**2, axis=1))
        self._absolute += float(np.abs(error).sum())
        self._numbers += error.size
        self._sum = self._sum + true.sum(axis=0)
        self._squares = self._squares + (true**2).sum(axis=0)

    @property
    def row_errors(self) -> NDArray[np.float64]:
        """Mean squared error of each row."""
        return np.concatenate(self._row_errors)

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
        return {"mse": mse, "rmse": mse**0.5, "mae": self._absolute / self._numbers, "explained_variance": explained}


def report_reconstruction(
    name: str,
    forward: Forward,
    inputs: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any] | None,
    pca: PcaBaseline | None,
) -> PartReport:
    """What is reported of a part whose input is reconstructed; rows pass through memory block by block.

    Args:
        name: of the part, for sentences.
        forward: of the compiled model.
        inputs, targets, weights: the encoded part.
        pca: the baseline, or None.
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
        if name != "train" and is_no_better(score.row_errors, baseline.row_errors):
            sentence = baseline_sentence(name, "mse", result.metrics, result.baseline)
            result.notes.append(sentence.replace("the baseline:", f"PCA with {len(pca.components)} components:"))
    return result
