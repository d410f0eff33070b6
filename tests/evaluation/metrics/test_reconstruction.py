"""Errors of reconstructions, and principal components beside scikit-learn's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.data.arrays.disk_array import DiskArray
from dltrain.errors import RunError
from dltrain.evaluation.metrics import pca_baseline
from dltrain.evaluation.metrics.pca_baseline import FILE, fit_pca, load_pca
from dltrain.evaluation.metrics.reconstruction import ReconstructionScore


def rows_of(count: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, width)) @ rng.normal(size=(width, width)) + 3).astype(np.float32)


@settings(max_examples=15)
@given(st.integers(2, 40), st.integers(2, 30), st.integers(1, 50), st.integers(0, 5))
def test_reconstructs_as_scikit_learn_does(count: int, width: int, components: int, seed: int):
    from sklearn.decomposition import PCA

    rows = rows_of(count, width, seed)
    ours = fit_pca(rows, components, layer="code", seed=0)
    theirs = PCA(len(ours.components), svd_solver="full").fit(rows.astype(np.float64))
    assert len(ours.components) == min(components, width, max(count - 1, 1))
    np.testing.assert_allclose(ours.components @ ours.components.T, np.eye(len(ours.components)), atol=1e-5)
    expected = theirs.inverse_transform(theirs.transform(rows))
    np.testing.assert_allclose(ours.reconstruct(rows), expected, atol=2e-3 * np.abs(rows).max())


def test_rows_on_disk_give_the_same_components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = rows_of(500, 12)
    rows.tofile(tmp_path / "rows.bin")
    monkeypatch.setattr(pca_baseline, "BLOCK_NUMBERS", 12 * 64)
    held = fit_pca(rows, 4, layer="code", seed=0)
    read = fit_pca(DiskArray(tmp_path / "rows.bin", rows.shape, "float32"), 4, layer="code", seed=0)
    np.testing.assert_array_equal(held.components, read.components)
    monkeypatch.setattr(pca_baseline, "MOST_PRODUCTS", 0)
    monkeypatch.setattr(pca_baseline, "MOST_SIDE", 200)
    sampled = fit_pca(rows, 4, layer="code", seed=0)
    assert (sampled.rows, held.rows) == (200, 500)
    assert np.mean((sampled.reconstruct(rows) - rows) ** 2) < 1.2 * np.mean((held.reconstruct(rows) - rows) ** 2)


def test_the_score_is_scikit_learn_s():
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    true, made = rows_of(70, 6), rows_of(70, 6, 1)
    score = ReconstructionScore()
    for start in range(0, 70, 30):
        score.add(true[start : start + 30].reshape(-1, 2, 3), made[start : start + 30].reshape(-1, 2, 3))
    metrics = score.metrics()
    assert metrics["mse"] == pytest.approx(mean_squared_error(true, made))
    assert metrics["rmse"] == pytest.approx(mean_squared_error(true, made) ** 0.5)
    assert metrics["mae"] == pytest.approx(mean_absolute_error(true, made))
    assert metrics["explained_variance"] == pytest.approx(r2_score(true, made, multioutput="variance_weighted"))


def test_a_stored_baseline_comes_back_and_a_damaged_one_is_refused(tmp_path: Path):
    assert load_pca(tmp_path, 5) is None
    pca = fit_pca(rows_of(20, 5), 2, layer="code", seed=0)
    pca.save(tmp_path)
    again = load_pca(tmp_path, 5)
    assert again is not None
    assert (again.layer, again.rows) == ("code", 20)
    np.testing.assert_array_equal(again.components, pca.components)
    for content in (b"", b"not an archive", (tmp_path / FILE).read_bytes()[:-100]):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(RunError, match="damaged"):
            load_pca(tmp_path, 5)
    pca.save(tmp_path)
    with pytest.raises(RunError, match="rows of 6 numbers"):
        load_pca(tmp_path, 6)
    np.savez(tmp_path / FILE, mean=np.array([{}]), components=np.zeros((1, 1)), rows=1, layer="code")
    with pytest.raises(RunError, match="no pickles"):
        load_pca(tmp_path, 1)
