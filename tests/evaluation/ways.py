"""What is held against what of a run whose part has a file of its own: `predict` of both, scikit-learn's metrics, exports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest
from PIL import Image
from sklearn import metrics as judge

import dltrain
from dltrain.evaluation.export import choose_format, export
from dltrain.evaluation.load_run import StoredRun, load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.heads.answers import threshold_of
from dltrain.model.heads.head import Head, layer_name
from tests.evaluation.agreement import Described, Tally
from tests.evaluation.made_sources import Made


def same_column(found: Sequence[Any], expected: Sequence[Any], what: str, tally: Tally) -> None:
    """Two columns of predictions: the same words, or the same numbers within the digits of a float32."""
    if expected and isinstance(expected[0], float):
        scale = float(np.nanmax(np.abs(np.asarray(expected, float)))) or 1.0
        tally.near(found, expected, what, rtol=1e-6, atol=2e-7 * scale)
    else:
        tally.count += len(expected) - 1
        tally.same(list(found), list(expected), what)


def _same_rows(told: polars.DataFrame, part: polars.DataFrame) -> tuple[polars.DataFrame, polars.DataFrame]:
    """The rows of a series' part in both: a file's last windows foretell what no row of it tells."""
    names = [
        name for name in told.columns if name in part.columns and not name.startswith(("predict", "prob", "spread", "quantile"))
    ]
    rows = {key: place for place, key in enumerate(map(tuple, told.select(names).rows()))}
    kept = [rows[tuple(key)] for key in part.select(names).rows()]
    assert len(set(kept)) == part.height
    return told[kept], part


def check_predictions(run: Path, data: Made, tally: Tally) -> polars.DataFrame:
    """`predict --data` of the test part's file, `predict --part test`, and the stored metrics computed of that. Returns the former."""
    stored = load_run(run)
    told = predict(run, data=[str(data.files["test"])]).to_frame()
    part = predict_part(run, "test").to_frame()
    for name, texts in data.keys.items():
        tally.same(told[name].to_list(), [str(text) for text in texts], name)
    both = _same_rows(told, part) if "series" in data.data else (told, part)
    shared = [name for name in told.columns if name in part.columns]
    assert any(name.startswith(("prediction", "output", "labels")) for name in shared), shared
    tally.same([name for name in told.columns if name not in part.columns], [], "columns that the part has not")
    for name in shared:
        found, expected = both[0][name].to_list(), both[1][name].to_list()
        if name == "file":  # a part names its pictures from the data's folder on, `--data` as they were given
            found = [text[-len(inside) :] for text, inside in zip(found, expected, strict=True)]
        same_column(found, expected, name, tally)
    document = json.loads((run / "metrics.json").read_text())
    by_hand = _metrics_of(stored, part)
    assert by_hand
    if "windows" in part.columns:  # a series' answer is the mean of those of its windows, which the other metrics are of
        by_hand = {f"series_{name}": by_hand[name] for name in ("accuracy", "log_loss")}
    for name, value in by_hand.items():
        if name in document["metrics"]["test"]:
            tally.near(document["metrics"]["test"][name], value, name, rtol=3e-5, atol=1e-6)
        else:
            assert name == "error" or "series" in data.data, (name, list(document["metrics"]["test"]))
    return told


def check_frames(run: Path, data: Made, told: polars.DataFrame, tally: Tally) -> None:
    """Frames of pandas and of polars, and arrays, are answered as the file is from which they were read."""
    file = data.files["test"]
    if file.suffix == ".npz":
        asked: dict[str, Any] = {"an array": np.load(file)["x"]}
    else:
        frame = polars.read_csv(file) if file.suffix == ".csv" else polars.read_parquet(file)
        columns = frame.to_dict(as_series=False)
        asked = {"polars": frame, "columns": columns}
        asked["pandas"] = pandas.read_csv(file) if file.suffix == ".csv" else pandas.DataFrame(columns)
    for what, rows in asked.items():
        found = dltrain.load_run(run).predict(rows).to_frame()
        tally.same([name for name in told.columns if name not in found.columns], [], what)
        for name in told.columns:
            same_column(found[name].to_list(), told[name].to_list(), f"{what}: {name}", tally)


def _metrics_of(stored: StoredRun, part: polars.DataFrame) -> dict[str, float]:
    """Metrics by scikit-learn of a part's predictions."""
    found: dict[str, float] = {}
    for head in stored.heads:
        targets = [target for target in head.targets if target.is_middle]
        several = sum(target.is_middle for each in stored.heads for target in each.targets) > 1
        if head.is_reconstruction:
            found["mse"] = float(np.mean(part["error"].to_numpy()))
        elif head.is_multilabel:
            found |= _of_labels(head, part)
        elif head.classes:
            found |= _of_classes(head, part, several=several)
        else:
            found |= _of_numbers([target.name for target in targets], part, several=several, alone=len(stored.heads) == 1)
    return found


def _flags(cells: Sequence[Any], classes: Sequence[str]) -> np.ndarray[Any, Any]:
    found = [set(filter(None, str(cell or "").split("|"))) for cell in cells]
    return np.array([[label in cell for label in classes] for cell in found])


def _of_labels(head: Head, part: polars.DataFrame) -> dict[str, float]:
    true = _flags(part[f"true_{head.targets[0].name}"].to_list(), head.classes)
    said = _flags(part["labels"].to_list(), head.classes)
    scores = np.stack([part[f"probability_{label}"].to_numpy() for label in head.classes], axis=1)
    found = {
        f"f1_{way}": judge.f1_score(true, said, average=way, zero_division=0) for way in ("micro", "macro", "weighted", "samples")
    }
    found["subset_accuracy"] = judge.accuracy_score(true, said)
    found["hamming_loss"] = judge.hamming_loss(true, said)
    found["log_loss"] = np.mean(
        [judge.log_loss(true[:, place], scores[:, place], labels=[False, True]) for place in range(len(head.classes))]
    )
    found["error"] = found["log_loss"]
    return {name: float(value) for name, value in found.items()}


def _of_classes(head: Head, part: polars.DataFrame, *, several: bool) -> dict[str, float]:
    target = head.targets[0].name
    ending, prefix = (f"_{target}", f"{layer_name(target)}_") if several else ("", "")
    true, said, labels = part[f"true_{target}"].to_list(), part[f"prediction{ending}"].to_list(), list(head.classes)
    scores = np.stack([part[f"probability{ending}_{label}"].to_numpy() for label in labels], axis=1)
    scores = scores / scores.sum(axis=1, keepdims=True)
    codes = [labels.index(label) for label in true]
    losses = -np.log(scores[np.arange(len(codes)), codes])
    found = {"accuracy": judge.accuracy_score(true, said), "log_loss": float(losses.mean())}
    average: dict[str, Any] = {"average": "binary", "pos_label": labels[1]} if len(labels) == 2 else {"average": "macro"}
    for name, score in (("precision", judge.precision_score), ("recall", judge.recall_score), ("f1", judge.f1_score)):
        found[name] = score(true, said, zero_division=0, **average)
    if len(labels) == 2 and len(set(codes)) == 2:
        found["roc_auc"] = judge.roc_auc_score(codes, scores[:, 1])
    assert np.allclose(part[f"error{ending}"].to_numpy(), losses, rtol=1e-4, atol=1e-5)
    return {f"{prefix}{name}": float(value) for name, value in found.items()}


def _of_numbers(targets: Sequence[str], part: polars.DataFrame, *, several: bool, alone: bool) -> dict[str, float]:
    """Of steps of a forecast (`y +1`, `y +2`) the metrics are of all of them together."""
    groups: dict[str, list[str]] = {}
    for target in targets:
        groups.setdefault(target.split(" +")[0], []).append(target)
    found = {}
    for group, names in groups.items():
        true = np.stack([part[f"true_{name}"].to_numpy() for name in names]).ravel()
        said = np.stack([part[f"prediction_{name}" if several else "prediction"].to_numpy() for name in names]).ravel()
        prefix = f"{layer_name(group)}_" if len(groups) > 1 or not alone else ""
        found[f"{prefix}rmse"] = float(judge.root_mean_squared_error(true, said))
        found[f"{prefix}mae"] = float(judge.mean_absolute_error(true, said))
        found[f"{prefix}mse"] = float(judge.mean_squared_error(true, said))
        found[f"{prefix}r2"] = float(judge.r2_score(true, said))
    return found


def _shares(stored: StoredRun, codes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([(codes == place).mean(axis=(1, 2)) for place in range(len(stored.heads[0].classes))], axis=1)


def check_masks(run: Path, data: Made, folder: Path, tally: Tally) -> polars.DataFrame:
    """Masks that `predict` writes of the test part: their IoU and accuracy by scikit-learn are the stored ones."""
    stored = load_run(run)
    classes, ignored = list(stored.heads[0].classes), 255
    told = predict(run, data=[str(data.files["test"])], masks=folder / f"{run.name}_told").to_frame()
    said = np.stack([np.asarray(Image.open(name)) for name in told["mask"].to_list()])
    pictures = [Path(name) for name in told["file"].to_list()]
    masks = [data.files["test"].parent / "test" / "masks" / name.name for name in pictures]
    true = np.stack([np.asarray(Image.open(name)) for name in masks])
    kept = true != ignored
    metrics = json.loads((run / "metrics.json").read_text())["metrics"]["test"]
    tally.near(metrics["accuracy"], judge.accuracy_score(true[kept], said[kept]), "accuracy")
    present = [place for place in range(len(classes)) if (true[kept] == place).any() or (said[kept] == place).any()]
    each = judge.jaccard_score(true[kept], said[kept], labels=present, average=None, zero_division=0)
    dice = judge.f1_score(true[kept], said[kept], labels=present, average=None, zero_division=0)
    tally.near(metrics["mean_iou"], each.mean(), "mean_iou")
    tally.near(metrics["mean_dice"], dice.mean(), "mean_dice")
    tally.near(told.select([f"share_{label}" for label in classes]).to_numpy(), _shares(stored, said), "shares")
    return told


def check_answers(run: Path, data: Made, told: polars.DataFrame, form: str, folder: Path, tally: Tally) -> None:
    """An export asked with the raw values of the test part's file says what `predict` says of the file."""
    if form == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    chosen = choose_format(form, None)
    result = export(run, format=form, destination=folder / f"{run.name}_out{chosen.suffix}", force=True)
    assert data.raw is not None
    answers = chosen.answer(result.path, Described(), {item["name"]: data.raw(item) for item in result.inputs})  # type: ignore[arg-type]
    assert answers is not None, f"nothing that reads {form} is installed"
    stored = load_run(run)
    several = sum(len(head.targets) for head in stored.heads) > 1
    for head in stored.heads:
        if head.is_reconstruction:
            names = [name for name in told.columns if name.startswith(("prediction_", "output_"))]
            said = told.select(names).to_numpy()
            tally.near(answers["output"].reshape(said.shape), said, form, rtol=2e-5, atol=1e-4 * float(np.abs(said).max()))
        elif head.is_mask:
            codes = answers["prediction"] if "prediction" in answers else answers["probabilities"].argmax(axis=-1)
            said = told.select([f"share_{label}" for label in head.classes]).to_numpy()
            tally.near(_shares(stored, np.asarray(answers["probabilities"]).argmax(axis=-1)), said, f"{form}: shares", atol=0.01)
            assert codes is not None
        else:
            _check_head(head, answers, told, form, tally, several=several)


def _check_head(
    head: Head, answers: Mapping[str, Any], told: polars.DataFrame, form: str, tally: Tally, *, several: bool
) -> None:
    atol = 2e-5
    for target in head.targets:
        ending, out = (f"_{target.name}", f"_{layer_name(target.name)}") if several and not head.is_multilabel else ("", "")
        if not head.classes:
            name = f"prediction{out}"
            found = np.asarray(answers[name], np.float64).reshape(-1)
            tally.near(found, told[f"prediction{ending}"].to_numpy(), f"{form}: {name}", rtol=1e-5, atol=atol * target.scale)
            continue
        scores = answers[f"probabilities{out}"]
        for place, label in enumerate(head.classes):
            tally.near(scores[:, place], told[f"probability{ending}_{label}"].to_numpy(), f"{form}: {label}", atol=atol)
        if head.is_multilabel:
            if "labels" in answers:
                cuts = [threshold.value for threshold in head.answers.thresholds]  # type: ignore[union-attr]
                flags = _flags(told["labels"].to_list(), head.classes)
                sure = np.abs(scores - np.array(cuts)) > 2 * atol
                tally.same(np.asarray(answers["labels"])[sure].tolist(), flags[sure].astype(int).tolist(), f"{form}: labels")
            continue
        near = np.sort(scores, axis=1)[:, -1] - np.sort(scores, axis=1)[:, -2] > 2 * atol
        threshold = threshold_of(head)
        if threshold is not None:
            near = np.abs(scores[:, 1] - threshold.value) > 2 * atol
        said = np.array(told[f"prediction{ending}"].to_list(), object)
        tally.same(np.asarray(answers[f"prediction{out}"])[near].tolist(), said[near].tolist(), f"{form}: labels")
