"""A run from disk gives what training computed, and nothing that a stranger puts into it is executed or believed."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from dltrain.config import load_config, load_config_text
from dltrain.errors import DataError, RunError, UsageError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.files import prediction_columns, write_predictions
from dltrain.evaluation.predictions.predict import predict
from dltrain.storage.run import Run
from dltrain.training.fit import fit
from tests.support import run_dltrain

CONFIG = """
name: mixed
seed: 2
data: {source: csv, path: rows.csv, target: y, split: {test: 0.25, validation: 0.2}, identifiers: [id]}
model: {layers: [{Dense: {units: 6, activation: relu, name: hidden}}]}
training: {epochs: 30, batch_size: 16, optimizer: {Adam: {learning_rate: 0.01}}}
"""


def rows(count: int = 160) -> list[str]:
    rng = np.random.default_rng(1)
    lines = []
    for index in range(count):
        size, colour = rng.normal(), ["red", "green", "blue"][rng.integers(3)]
        label = "yes" if size + (colour == "red") + rng.normal() * 0.3 > 0.3 else "no"
        lines.append(f"r{index},{'' if index % 13 == 0 else round(size, 5)},{colour},{label}")
    return lines


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    (folder / "rows.csv").write_text("id,size,colour,y\n" + "\n".join(rows()) + "\n")
    config = load_config_text(CONFIG, file="mixed.yaml", folder=folder)
    return fit(config, run_dir=folder / "run").run


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    shutil.copytree(run, tmp_path / "run")
    return tmp_path / "run"


def test_evaluate_gives_the_metrics_of_the_fit(run: Path) -> None:
    stored = Run(run).read_metrics()
    for part in ("train", "validation", "test"):
        assert evaluate(run, part=part).metrics == stored["metrics"][part]
    assert evaluate(run).part == "test"
    assert evaluate(run).baseline == stored["baseline"]
    assert evaluate(run, weights="last").weights == "last"


@pytest.mark.parametrize("given", [{}, {"top": 2}], ids=str)
def test_weights_that_are_not_finite_give_no_label_and_are_told(given: dict[str, object], copy: Path, tmp_path: Path) -> None:
    with h5py.File(copy / "checkpoints" / "best.h5", "r+") as file:
        file["model_weights/output/output/bias"][...] = np.nan
    edit_manifest(copy, lambda manifest: manifest.pop("files"))
    result = predict(copy, data=[str(Path(load_run(copy).config.data.path[0]))], **given)  # type: ignore[arg-type]
    assert result.notes[0].startswith("for 160 of 160 rows the model computes numbers that are not finite")
    assert set(result.prediction) <= {None}
    assert set(result.columns.get("label_1", ())) <= {None}
    for name in ("p.csv", "p.jsonl", "p.parquet", "p.npz"):
        columns = prediction_columns(result.identifiers, result.prediction, result.probabilities, result.columns)
        write_predictions(str(tmp_path / name), columns)
    if not given:
        assert (tmp_path / "p.csv").read_text().splitlines()[1] == "r0,,,"


HOSTILE_MANIFESTS = {
    "details": {"data": {"fingerprint": "0", "details": 3}},
    "a fingerprint": {"data": {"fingerprint": [1], "details": {}}},
    "counts of three classes": {"reference": {"y": {"counts": [21, 17, 4]}}},
    "a mean of classes": {"reference": {"y": {"mean": 0.5}}},
    "no target": {"reference": {}},
    "a target that is a number": {"reference": {"y": 3}},
    "a compiler that is none": {"compiler": {"reason": "x"}},
    "a compiler that is a word": {"compiler": {"jit_compile": "yes", "reason": "x"}},
    "a feature store": {"features": {"weights": [1]}},
    "a file elsewhere": {"files": {"state/../../../../etc/hostname": "0" * 64}},
}


@pytest.mark.parametrize("change", HOSTILE_MANIFESTS.values(), ids=list(HOSTILE_MANIFESTS))
def test_a_manifest_that_dltrain_does_not_write_is_a_run_error(change: dict[str, object], copy: Path) -> None:
    edit_manifest(copy, lambda manifest: manifest.update(change))
    with pytest.raises(RunError):
        evaluate(copy)


@pytest.mark.parametrize("counts", [[21, 17, 4], [21], ["a", "b"]])
def test_a_hostile_reference_is_refused_before_a_run_goes_on(counts: list[object], copy: Path) -> None:
    edit_manifest(copy, lambda manifest: manifest.update(reference={"y": {"counts": counts}}))
    before = {path: path.read_bytes() for path in (copy / "checkpoints").iterdir()}
    config = load_config(copy / "config.yaml", ["training.epochs=31"])
    with pytest.raises(RunError, match="what the training part was"):
        fit(config, resume=copy)
    assert {path: path.read_bytes() for path in (copy / "checkpoints").iterdir()} == before


def edit_manifest(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    change(manifest)
    (run / "manifest.json").write_text(json.dumps(manifest))


def test_a_fresh_process_predicts_the_same_bits(run: Path, tmp_path: Path) -> None:
    here = predict(run, data=[str(run.parent / "rows.csv")])
    assert here.probabilities is not None
    done = run_dltrain("predict", str(run), "--data", str(run.parent / "rows.csv"), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)["predictions"]
    assert [row["prediction"] for row in there] == here.prediction
    assert [row["probability_yes"] for row in there] == here.probabilities["yes"].tolist()
    assert [row["id"] for row in there] == [f"r{index}" for index in range(160)]


def test_rows_alone_predict_as_among_others(run: Path, tmp_path: Path) -> None:
    whole = predict(run, data=[str(run.parent / "rows.csv")])
    (tmp_path / "few.csv").write_text(
        "colour,size,id\n" + "\n".join(",".join(line.split(",")[2:0:-1] + line.split(",")[:1]) for line in rows()[40:43])
    )
    few = predict(run, data=[str(tmp_path / "few.csv")])
    assert whole.probabilities is not None
    assert few.probabilities is not None
    assert few.probabilities["yes"].tolist() == whole.probabilities["yes"][40:43].tolist()


def test_other_data_is_evaluated_against_its_own_labels(run: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("id,size,colour,y\nq,3.0,red,yes\nr,-3.0,blue,no\n")
    result = evaluate(run, data=[str(tmp_path / "other.csv")])
    assert (result.part, result.metrics["accuracy"]) == ("data", 1.0)


def test_the_output_of_a_layer(run: Path) -> None:
    result = predict(run, data=[str(run.parent / "rows.csv")], layer="hidden")
    assert list(result.columns) == [f"hidden_{index}" for index in range(6)]
    with pytest.raises(UsageError, match="no layer 'hiden'"):
        predict(run, data=[str(run.parent / "rows.csv")], layer="hiden")


def test_changed_data_is_refused_unless_allowed(run: Path) -> None:
    data = run.parent / "rows.csv"
    text = data.read_text()
    try:
        data.write_text(text.replace("r5,", "r5x,", 1))
        with pytest.raises(DataError, match="not that of the run"):
            evaluate(run)
        assert evaluate(run, allow_changed=True).metrics == Run(run).read_metrics()["metrics"]["test"]
    finally:
        data.write_text(text)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x89HDF\r\n\x1a\n" + bytes(200)], ids=["empty", "text", "truncated"])
def test_a_damaged_checkpoint_is_one_line(content: bytes, copy: Path) -> None:
    (copy / "checkpoints" / "best.h5").write_bytes(content)
    with pytest.raises(RunError) as caught:
        evaluate(copy)
    assert caught.value.exit_code == 6
    assert len(caught.value.faults) == 1
    (copy / "checkpoints" / "best.h5").unlink()
    (copy / "checkpoints" / "best.h5").mkdir()
    with pytest.raises(RunError):
        evaluate(copy)


def test_links_and_foreign_shapes_in_a_checkpoint_are_refused(copy: Path, tmp_path: Path) -> None:
    import h5py

    path = copy / "checkpoints" / "best.h5"
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "files": {}}))  # a stranger's says nothing, or what it likes
    outside = tmp_path / "outside.h5"
    with h5py.File(outside, "w") as file:
        file["kernel"] = np.zeros((5, 6), "float32")
    original = path.read_bytes()
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(lambda name: names.append(name) if isinstance(file[name], h5py.Dataset) else None)
        name = next(name for name in names if name.endswith("hidden/kernel"))
        shape = file[name].shape
        del file[name]
        file[name] = h5py.ExternalLink(str(outside), "/kernel")
    with pytest.raises(RunError, match="as an array of its own"):
        evaluate(copy)
    path.write_bytes(original)
    with h5py.File(path, "r+") as file:
        del file[name]
        layout = h5py.VirtualLayout(shape=shape, dtype="float32")
        layout[...] = h5py.VirtualSource(str(outside), "kernel", shape=shape)
        file.create_virtual_dataset(name, layout)
    with pytest.raises(RunError, match="plain data"):
        evaluate(copy)
    path.write_bytes(original)
    with h5py.File(path, "r+") as file:
        del file[name]
        file.create_dataset(name, shape=(1 << 20, 1 << 20), dtype="float32", chunks=(64, 64))
    with pytest.raises(RunError, match="plain data"):
        evaluate(copy)
    path.write_bytes(original)
    with h5py.File(path, "r+") as file:
        del file[name]
        file.create_dataset(name, shape=(7, 7), dtype="float32")
    with pytest.raises(RunError, match="the model needs"):
        evaluate(copy)


@pytest.mark.parametrize("file", ["config.yaml", "manifest.json", "preprocessing.json", "preprocessing.npz"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff garbage", None], ids=["empty", "garbage", "missing"])
def test_damaged_files_of_a_run_are_run_errors(file: str, content: bytes | None, copy: Path) -> None:
    (copy / file).unlink()
    if content is not None:
        (copy / file).write_bytes(content)
    with pytest.raises(RunError):
        predict(copy, data=[str(copy / "none.csv")])


def test_pickled_arrays_are_never_read(copy: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (open, (str(tmp_path / "executed"), "w"))

    with zipfile.ZipFile(copy / "preprocessing.npz") as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
    np.savez(copy / "preprocessing.npz", **{name: np.array([Evil()], dtype=object) for name in names})
    with pytest.raises(RunError):
        predict(copy, data=[str(copy / "none.csv")])
    assert not (tmp_path / "executed").exists()
