"""Autoencoders: trained, evaluated, interrupted, asked for their code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dltrain.cli.app import run as dltrain
from dltrain.data import load_dataset
from dltrain.errors import InterruptedRun
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.corruption import make_corruption
from dltrain.sweep.sweep import sweep
from dltrain.training.fit import fit
from tests.drawn import drawing_pictures
from tests.support import run_dltrain
from tests.training.support import assert_same_bits, config_of, fit_with_interruptions

DENOISING = """
name: denoising
seed: 3
data:
  source: npz
  path: pictures.npz
  task: reconstruction
  corrupt: {noise: 0.2, mask: 0.3}
  split: {test: 0.2, validation: 0.2}
model:
  layers:
    - Conv2D: {filters: 4, kernel_size: 3, strides: 2, padding: same, activation: relu}
    - Flatten
    - Dense: {units: 3, name: code}
    - Dense: {units: 36, activation: relu}
training: {epochs: 3, batch_size: 16}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Discs of different sizes and places."""
    made = tmp_path_factory.mktemp("discs")
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:6, :6]
    places, sizes = rng.uniform(1, 4, (150, 2)), rng.uniform(1, 3, 150)
    images = [((y - a) ** 2 + (x - b) ** 2 < size**2) * 255 for (a, b), size in zip(places, sizes)]
    np.savez(made / "pictures.npz", x=np.array(images, np.uint8)[..., None])
    return made


@pytest.fixture(scope="module")
def whole(folder: Path) -> Path:
    with drawing_pictures():
        fit(config_of(DENOISING, folder=folder), run_dir=folder / "whole")
    return folder / "whole"


@pytest.mark.slow
def test_resumes_to_the_bit_with_corruption(folder: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(DENOISING, folder=folder)
    result = fit_with_interruptions(config, folder / "cut", monkeypatch, [4, 9])
    assert_same_bits(whole, folder / "cut")
    assert result.metrics == json.loads((whole / "metrics.json").read_text())["metrics"]
    assert (whole / "state" / "baseline.npz").read_bytes() == (folder / "cut" / "state" / "baseline.npz").read_bytes()


def test_the_result_stands_beside_principal_components(folder: Path, whole: Path) -> None:
    from sklearn.decomposition import PCA

    document = json.loads((whole / "metrics.json").read_text())
    parts = load_dataset(config_of(DENOISING, folder=folder).data, seed=3).parts
    rows = {name: part.inputs["image"].reshape(part.num_rows, -1).astype(float) for name, part in parts.items()}
    pca = PCA(3, svd_solver="full").fit(rows["train"])
    for name, values in rows.items():
        error = np.mean((pca.inverse_transform(pca.transform(values)) - values) ** 2)
        assert document["baselines"][name]["mse"] == pytest.approx(error, rel=1e-4)
        assert document["metrics"][name]["mse"] == pytest.approx(document["metrics"][name]["loss"], rel=1e-5)
    assert document["baselines"]["train"]["explained_variance"] == pytest.approx(pca.explained_variance_ratio_.sum(), rel=1e-4)
    assert document["report"]["baseline"]["layer"] == "code"
    assert (whole / "reconstructions.png").read_bytes().startswith(b"\x89PNG")
    result = evaluate(whole, part="test")
    assert result.metrics == document["metrics"]["test"]
    assert result.baseline == document["baselines"]["test"]


def test_f4_a_denoising_model_is_judged_on_corrupted_rows_beside_components_on_the_same(folder: Path, whole: Path) -> None:
    from sklearn.decomposition import PCA

    document = json.loads((whole / "metrics.json").read_text())
    dataset = load_dataset(config_of(DENOISING, folder=folder).data, seed=3)
    clean = dataset.parts["test"].inputs["image"]
    corrupt = make_corruption(
        config_of(DENOISING, folder=folder).data.corrupt, seed=3, unit_range=dataset.schema.inputs[0].unit_range
    )
    assert corrupt is not None
    seen = np.asarray(corrupt(clean, 1 << 30))
    assert np.mean(seen == 0) > 0.2
    train = dataset.parts["train"].inputs["image"].reshape(-1, 36).astype(float)
    pca = PCA(3, svd_solver="full").fit(train)
    flat = clean.reshape(-1, 36).astype(float)
    error = np.mean((pca.inverse_transform(pca.transform(seen.reshape(-1, 36).astype(float))) - flat) ** 2)
    assert document["baselines"]["test"]["corrupted_mse"] == pytest.approx(error, rel=1e-4)
    stored = load_run(whole)
    model = stored.build(stored.checkpoint(None)[1])
    by_hand = np.mean((model.predict(seen, verbose=0).reshape(flat.shape) - flat) ** 2)
    assert document["metrics"]["test"]["corrupted_mse"] == pytest.approx(by_hand, rel=1e-5)
    assert document["metrics"]["test"]["corrupted_mse"] > document["metrics"]["test"]["mse"]


@pytest.mark.slow
def test_code_and_reconstructions_from_raw_pictures_in_a_process_of_its_own(folder: Path, whole: Path) -> None:
    dataset = load_dataset(config_of(DENOISING, folder=folder).data, seed=3)
    with np.load(folder / "pictures.npz") as archive:
        np.savez(folder / "test.npz", x=archive["x"][dataset.parts["test"].row_ids])
    done = run_dltrain(
        "predict", str(whole), "--data", "test.npz", "--layer", "code", "-o", "codes.npz", cwd=folder, DLTRAIN_CACHE=str(folder)
    )
    assert done.returncode == 0, done.stderr
    with np.load(folder / "codes.npz") as archive:
        codes = archive["code"]
    assert codes.shape == (30, 3)
    again = predict(whole, data=[str(folder / "test.npz")], layer="code")
    np.testing.assert_array_equal(again.arrays["code"], codes)
    np.testing.assert_array_equal(again.columns["code_2"], codes[:, 2])


def test_c3_a_reconstruction_has_the_units_of_the_pictures_and_an_error_for_each_row(folder: Path, whole: Path) -> None:
    with np.load(folder / "pictures.npz") as archive:
        pictures = archive["x"][load_dataset(config_of(DENOISING, folder=folder).data, seed=3).parts["test"].row_ids]
    np.savez(folder / "test.npz", x=pictures)
    found = predict(whole, data=[str(folder / "test.npz")])
    made = found.arrays["output"]
    assert made.shape == (30, 6, 6, 1)
    assert 50 < made.mean() < 250, "of 0...255, as the pictures are"
    _, spread = load_dataset(config_of(DENOISING, folder=folder).data, seed=3).preprocessing.to_state()[1].values()
    by_hand = np.mean(((made.astype(float) - pictures) / spread) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(found.columns["error"], by_hand, rtol=1e-4)
    mse = json.loads((whole / "metrics.json").read_text())["metrics"]["test"]["mse"]
    assert np.mean(found.columns["error"]) == pytest.approx(mse, rel=1e-5)
    assert evaluate(whole, data=[str(folder / "test.npz")]).metrics["mse"] == pytest.approx(mse, rel=1e-6)


def test_c3_siblings_a_table_in_every_form_and_exported(tmp_path: Path) -> None:
    import csv

    rng = np.random.default_rng(0)
    code = rng.normal(size=(120, 1))
    rows = (code @ np.array([[100.0, -3.0, 0.02]]) + np.array([5000.0, 7.0, 0.5])).round(5)
    (tmp_path / "rows.csv").write_text("a,b,c\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    text = """
seed: 1
data: {source: csv, path: rows.csv, task: reconstruction, split: {test: 0.2}}
model: {layers: [Dense: {units: 1, name: code}]}
training: {epochs: 30, batch_size: 8, optimizer: {Adam: {learning_rate: 0.1}}}
"""
    fit(config_of(text, folder=tmp_path), run_dir=tmp_path / "run")
    assert dltrain(["predict", str(tmp_path / "run"), "--data", str(tmp_path / "rows.csv"), "-o", str(tmp_path / "p.csv")]) == 0
    found = predict(tmp_path / "run", data=[str(tmp_path / "rows.csv")])
    assert list(found.columns) == ["error", "prediction_a", "prediction_b", "prediction_c"]
    assert not found.arrays, "so that npz holds the same columns"
    made = np.stack([found.columns[f"prediction_{name}"] for name in "abc"], axis=1)
    np.testing.assert_allclose(made, rows, atol=30)
    assert abs(made[:, 0].mean() - 5000) < 20
    with (tmp_path / "p.csv").open() as lines:
        assert [float(row["error"]) for row in csv.DictReader(lines)] == found.columns["error"].tolist()

    held = predict_part(tmp_path / "run", "test")
    assert len(held.identifiers["row"]) == 24
    np.testing.assert_array_equal(held.columns["error"], found.columns["error"][np.array(held.identifiers["row"]) - 1])
    mse = json.loads((tmp_path / "run" / "metrics.json").read_text())["metrics"]["test"]["mse"]
    assert np.mean(held.columns["error"]) == pytest.approx(mse, rel=1e-5)

    from dltrain.evaluation.export import export
    from dltrain.model.keras_import import import_keras

    export(tmp_path / "run", destination=tmp_path / "run.keras")
    model = import_keras().models.load_model(tmp_path / "run.keras")
    answer = model.predict({name: rows[:, [index]].astype("float32") for index, name in enumerate("abc")}, verbose=0)
    np.testing.assert_allclose(answer["output"], made, rtol=1e-4)


@pytest.mark.slow
def test_c3_siblings_the_average_of_a_sweep_is_in_the_units_of_the_rows(tmp_path: Path) -> None:
    rows = (np.random.default_rng(0).normal(size=(60, 3)) * [100.0, 3.0, 0.02] + [5000.0, 7.0, 0.5]).astype(np.float32)
    np.savez(tmp_path / "rows.npz", x=rows)
    text = """
seed: 1
data: {source: npz, path: rows.npz, task: reconstruction, split: {test: 0.2}}
model: {layers: [Dense: {units: 2, name: code}]}
training: {epochs: 20}
"""
    swept = sweep(
        config_of(text, folder=tmp_path), over=["training.optimizer.learning_rate=0.05,0.03"], run_dir=tmp_path / "sweep"
    )
    data = [str(tmp_path / "rows.npz")]
    each = [predict(tmp_path / "sweep" / "trials" / f"{trial['number']:04d}", data=data) for trial in swept.trials]
    found = predict(tmp_path / "sweep", data=data, trials=2)
    made = np.mean([one.arrays["output"] for one in each], axis=0)
    np.testing.assert_allclose(found.arrays["output"], made, rtol=1e-4)
    parts = load_dataset(config_of(text, folder=tmp_path).data, seed=1).preprocessing.to_state()[1]
    by_hand = np.mean(((made.astype(float) - rows) / parts["spread"]) ** 2, axis=1)
    np.testing.assert_allclose(found.columns["error"], by_hand, rtol=1e-3)
    assert "spread" not in found.columns
    sweep(config_of(text.replace("test: 0.2", "folds: 2"), folder=tmp_path), run_dir=tmp_path / "folds")
    notes = json.loads((tmp_path / "folds" / "metrics.json").read_text())["notes"]
    assert any("2 principal components over the 2 folds: rmse is" in said for said in notes), notes


def test_what_is_drawn_is_a_function_of_seed_and_step() -> None:
    from dltrain.config.types import CorruptConfig

    rows = np.full((200, 50), 0.5, np.float32)
    corrupt = make_corruption(CorruptConfig(noise=0.1, mask=0.3), seed=1, unit_range=True)
    other = make_corruption(CorruptConfig(noise=0.1, mask=0.3), seed=2, unit_range=True)
    assert corrupt is not None
    assert other is not None
    first = np.asarray(corrupt(rows, 7))
    np.testing.assert_array_equal(first, np.asarray(corrupt(rows, 7)))
    assert (first != np.asarray(corrupt(rows, 8))).any()
    assert (first != np.asarray(other(rows, 7))).any()
    assert np.mean(first == 0) == pytest.approx(0.3, abs=0.02)
    assert first[first > 0].std() == pytest.approx(0.1, abs=0.01)
    assert make_corruption(CorruptConfig(), seed=1, unit_range=True) is None
    only_noise = make_corruption(CorruptConfig(noise=2.0), seed=1, unit_range=True)
    assert only_noise is not None
    assert np.asarray(only_noise(rows, 1)).min() == 0.0
    assert np.asarray(only_noise(rows, 1)).max() == 1.0


def test_a_table_streamed_from_disk_is_reconstructed_as_one_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    code = rng.normal(size=(300, 2))
    rows = (code @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(300, 5))).round(4)
    (tmp_path / "rows.csv").write_text("a,b,c,d,e\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    text = """
seed: 1
data: {source: csv, path: rows.csv, task: reconstruction, split: {test: 0.2, validation: 0.1}}
model: {layers: [Dense: {units: 2, name: code}]}
training: {epochs: 15, batch_size: 8, shuffle: false, optimizer: {Adam: {learning_rate: 0.01}}}
"""
    config = config_of(text, folder=tmp_path)
    held = fit(config, run_dir=tmp_path / "held")
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "0")
    monkeypatch.setattr("dltrain.data.arrays.disk_array.in_memory", lambda array: pytest.fail("loaded whole"))
    read = fit(config, run_dir=tmp_path / "read")
    assert read.baseline == held.baseline
    assert read.metrics["test"]["mse"] == pytest.approx(held.metrics["test"]["mse"], rel=1e-6)
    # A linear network of two numbers cannot beat two components on the training part, and comes near them.
    assert read.baseline["mse"] * 0.9 < read.metrics["test"]["mse"] < 3 * read.baseline["mse"]
    assert evaluate(tmp_path / "read", part="test").metrics == read.metrics["test"]


def test_an_interrupted_fit_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.training.support import interrupted_at_call

    with interrupted_at_call(monkeypatch, 2), pytest.raises(InterruptedRun):
        fit(config_of(DENOISING, folder=folder), run_dir=folder / "stopped")
    assert not (folder / "stopped" / "reconstructions.png").exists()
