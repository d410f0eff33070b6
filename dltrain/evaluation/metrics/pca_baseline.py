"""The baseline of a reconstruction: principal components, as many as the code layer has numbers (Pearson 1901)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import Array
from dltrain.errors import DataError, RunError
from dltrain.storage.arrays import read_arrays
from dltrain.storage.atomic import write_atomically

FILE = "baseline.npz"
BLOCK_NUMBERS = 1 << 22
# What the products of one fit may take: about ten seconds of a core. A larger part is judged by a sample of its rows.
MOST_PRODUCTS = 2e11
MOST_SIDE = 4096
MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class PcaBaseline:
    """Principal components of the training part.

    Attributes:
        layer: the layer that says how many.
        mean: float32 [numbers of a row].
        components: float32 [components, numbers of a row], orthonormal.
        rows: how many rows of the training part they were fitted on.
    """

    layer: str
    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    rows: int

    def reconstruct(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Rows [n, ...] projected onto the components and back, in the same shape."""
        flat = np.asarray(rows, np.float32).reshape(len(rows), -1) - self.mean
        made = (flat @ self.components.T) @ self.components + self.mean
        return np.asarray(made, np.float32).reshape(rows.shape)

    def save(self, folder: Path) -> None:
        """Write it into a folder."""
        buffer = io.BytesIO()
        arrays = {"mean": self.mean, "components": self.components, "rows": np.array(self.rows)}
        np.savez(buffer, allow_pickle=False, layer=np.array(self.layer), **arrays)
        write_atomically(folder / FILE, buffer.getvalue())


def load_pca(folder: Path, num_values: int) -> PcaBaseline | None:
    """What `save` wrote; None where there is none.

    Args:
        folder: of the run's state.
        num_values: numbers of a row.

    Raises:
        RunError: the file is damaged or not that of the run's data.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        arrays = read_arrays(path, limit=MOST_BYTES)
        mean, components = arrays["mean"], arrays["components"]
        if mean.shape != (num_values,) or components.ndim != 2 or components.shape[1] != num_values:
            raise ValueError(f"components of shape {components.shape} for rows of {num_values} numbers")
        return PcaBaseline(str(arrays["layer"]), mean.astype(np.float32), components.astype(np.float32), int(arrays["rows"]))
    except (DataError, KeyError, ValueError, TypeError) as error:
        detail = error.faults[0].message if isinstance(error, DataError) else str(error)
        raise RunError(
            f"{path} is damaged: {detail}", hint="without this file the run is evaluated without a baseline"
        ) from error


def fit_pca(rows: Array, num_components: int, *, layer: str, seed: int) -> PcaBaseline:
    """Principal components of rows [n, ...], in memory or on disk; the same as scikit-learn's `PCA(svd_solver="full")`.

    Args:
        rows: the training part's input.
        num_components: how many; no more than rows or numbers allow.
        layer: the layer that says so.
        seed: of the sample, where the part is too large to be taken whole.
    """
    width = int(np.prod(rows.shape[1:]))
    num_rows = len(rows)
    most = min(num_rows, MOST_SIDE) if width > MOST_SIDE else max(int(MOST_PRODUCTS / width**2), MOST_SIDE)
    rng = np.random.default_rng([seed, 0x9CA])
    chosen = np.sort(rng.choice(num_rows, most, replace=False)) if num_rows > most else None
    count = num_rows if chosen is None else most
    num_components = max(1, min(num_components, width, count - 1))
    mean = sum((block.sum(axis=0, dtype=np.float64) for block in blocks_of(rows, chosen)), np.zeros(width)) / count
    center = mean.astype(np.float32)
    if count < width:
        centered = np.concatenate([block - center for block in blocks_of(rows, chosen)])
        vectors = centered.T @ _leading(centered @ centered.T, num_components).astype(np.float32)
        # From the vectors of the rows' products to those of the numbers': orthonormal but for rounding, and then wholly.
        components = np.linalg.qr(vectors.astype(np.float64))[0].T
    else:
        scatter = np.zeros((width, width))
        for block in blocks_of(rows, chosen):
            centered = block - center
            scatter += centered.T @ centered
        components = _leading(scatter, num_components).T
    return PcaBaseline(layer, center, np.ascontiguousarray(components, np.float32), count)


def _leading(matrix: NDArray[Any], count: int) -> NDArray[np.float64]:
    """The eigenvectors [side, count] of the largest eigenvalues of a symmetric matrix."""
    from scipy.linalg import eigh

    side = len(matrix)
    _, vectors = eigh(np.asarray(matrix, np.float64), subset_by_index=[side - count, side - 1], overwrite_a=True)
    leading: NDArray[np.float64] = vectors[:, ::-1]
    return leading


def blocks_of(rows: Array, chosen: NDArray[np.int64] | None = None) -> Any:
    """float32 [n, numbers] blocks of all rows in order, or of the chosen ones."""
    width = max(1, int(np.prod(rows.shape[1:])))
    size = max(1, BLOCK_NUMBERS // width)
    for start in range(0, len(rows), size):
        stop = min(start + size, len(rows))
        block = rows[start:stop] if isinstance(rows, np.ndarray) else rows.read(start, stop)
        if chosen is not None:
            block = block[chosen[np.searchsorted(chosen, start) : np.searchsorted(chosen, stop)] - start]
        yield np.asarray(block, np.float32).reshape(len(block), width)
