"""Where a straight line tells as much of a small table's target as curves do, so that the net needs no hidden layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import in_memory
from dltrain.starting.nets.design import MEMBERS, SMALL_BATCH, Design
from dltrain.wording import counted, rough_percent

if TYPE_CHECKING:
    from dltrain.data.fitted import Fitted

Numbers = NDArray[np.float64]
# Of more rows a net finds what a thousand of them do not show; and each curve takes the third power of the rows.
MOST_ROWS = 1_000
# Of fewer rows neither is told from chance.
FEWEST_ROWS = 30
# Curves must be ahead by so many standard errors of the rows' errors for a net to have something to learn. Of tables of 120 rows
# the error fell on those so chosen: sales of car seats RMSE 1.06 for 1.30 with hidden layers (a linear model 1.06), wages 4.54
# for 4.60, homes in California 75,700 for 78,200, orange juice log loss .44 for .53, Pima diabetes .499 for .534; marketing
# of a bank had .292 for .285. From 2.5 errors on wine was chosen as well, and lost 4 %.
LEAST_ERRORS = 2.0
# How wide the bells are, of squared distances, and the peaks, of distances along the columns, in medians of them.
WIDTHS_OF_BELLS, WIDTH_OF_PEAKS = (0.7, 4.0), 2.0
# How strongly a curve is held back, in shares of all that varies.
STRENGTHS = np.logspace(-6, 0, 13)
# Distances along so many columns take too long.
MOST_COLUMNS = 200
EPOCHS, PATIENCE = 400, 40


def design_line(fitted: Fitted) -> Design | None:
    """The average of several nets without a hidden layer, where curves tell no more of the target than a straight line does.

    Args:
        fitted: the table, whose training part has the rows that the nets are to train on and to validate on.

    Returns:
        None where curves tell more, or the rows or the columns are not such that this can be said.
    """
    part, schema = fitted.parts["train"], fitted.preprocessing.schema
    [spec, *others], [target, *more] = schema.inputs, schema.targets
    is_flat = spec.vocabulary_size is None and len(spec.shape) == 1 and not others
    if not is_flat or more or target.task not in ("classification", "regression") or part.weights is not None:
        return None
    if not FEWEST_ROWS <= part.num_rows <= MOST_ROWS:
        return None
    truth = in_memory(part.targets[target.name])
    numbers = np.eye(len(target.classes))[truth] if target.task == "classification" else truth[:, None]
    inputs = np.asarray(in_memory(part.inputs[spec.name]), np.float64)
    line, curve = told_by_line(inputs, np.asarray(numbers, np.float64))
    if line is None:
        return None
    reason = f"{part.num_rows:,} rows of {counted(spec.shape[0], 'number')} to train on: no hidden layer, for a straight line "
    reason += f"tells {rough_percent(line)} of {target.name}, each row by the others, and curves no more than by chance "
    reason += f"({rough_percent(curve)}); `dltrain init --simple` writes a small net"
    optimizer, plateau = {"Adam": {"learning_rate": 0.02}}, {"monitor": "val_loss", "factor": 0.3, "patience": 8}
    return Design([], reason, SMALL_BATCH, EPOCHS, PATIENCE, optimizer, plateau, members=MEMBERS, folds=True)


def told_by_line(inputs: Numbers, truth: Numbers) -> tuple[float | None, float]:
    """What a straight line and the best curve tell of the target's variance, each row by all others.

    The line is ridge regression, the curves are kernel ridge regression with bells (Gaussian kernels), peaks (Laplacian kernels)
    and products of two columns; the error of a row that is left out follows from one decomposition (Rifkin & Lippert 2007, "Notes
    on regularized least squares", MIT-CSAIL-TR-2007-025).

    Args:
        inputs: [rows, columns], scaled.
        truth: the target [rows, values], or its classes one-hot.

    Returns:
        Both shares; None for the line's where a curve is ahead by more than chance.
    """
    apart = truth - truth.mean(axis=0)
    total = float((apart**2).sum(axis=1).mean())
    if total <= 0:
        return None, 0.0
    inputs = inputs - inputs.mean(axis=0)
    products = inputs @ inputs.T
    line = _errors_left_out(products, apart)
    best = line
    for kernel in _curves(inputs, products):
        errors = _errors_left_out(kernel, apart)
        gain = line - errors
        if gain.mean() > LEAST_ERRORS * gain.std() / np.sqrt(len(gain)):
            return None, 1 - float(errors.mean()) / total
        best = min(best, errors, key=lambda of: float(of.mean()))
    return max(0.0, 1 - float(line.mean()) / total), max(0.0, 1 - float(best.mean()) / total)


def _curves(inputs: Numbers, products: Numbers) -> Iterator[Numbers]:
    """How alike each two rows are [rows, rows], in several ways that are no straight line."""
    squares = np.diag(products)
    distances = np.maximum(squares[:, None] + squares - 2 * products, 0)
    middle = float(np.median(distances)) or 1.0
    for width in WIDTHS_OF_BELLS:
        yield np.exp(-distances / (middle * width))
    yield (1 + products / inputs.shape[1]) ** 2
    if inputs.shape[1] <= MOST_COLUMNS:
        along = np.zeros_like(products)
        for column in inputs.T:
            along += np.abs(column[:, None] - column)
        middle = float(np.median(along)) or 1.0
        yield np.exp(-along / (middle * WIDTH_OF_PEAKS))


def _errors_left_out(kernel: Numbers, apart: Numbers) -> Numbers:
    """Squared errors [rows] of kernel ridge regression, each row's by a fit to the others; of the best strength.

    Args:
        kernel: [rows, rows].
        apart: the target [rows, values], of mean 0.
    """
    means = kernel.mean(axis=0)
    kernel = kernel - means - means[:, None] + means.mean()
    values, vectors = np.linalg.eigh(kernel)
    values = np.maximum(values, 0.0)
    turned, squares = vectors.T @ apart, vectors**2
    best = np.full(len(apart), np.inf)
    for strength in STRENGTHS * max(float(values.sum()), np.finfo(np.float64).tiny):
        kept = values / (values + strength)
        held = squares @ kept + 1 / len(apart)  # the share of each row's answer that is its own
        left = (apart - vectors @ (kept[:, None] * turned)) / np.maximum(1 - held, 1e-9)[:, None]
        best = min(best, (left**2).sum(axis=1), key=lambda of: float(of.mean()))
    return np.asarray(best, np.float64)
