"""Every source, task and way of training: a part's own file is scored, predicted and exported as the run has it stored.

What `predict --data FILE` says of a part's own file is what `predict --part` says of the part, beside the file's own labels; the metrics
of the part are computed again by scikit-learn from that; and an export asked with the file's raw values says the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dltrain.errors import DltrainError
from dltrain.evaluation.export import NAMES
from dltrain.evaluation.load_run import load_run
from dltrain.sweep.sweep import sweep
from dltrain.training.fit import fit
from tests.data.streaming import IN_MEMORY, STREAMED
from tests.evaluation import made_sources as made
from tests.evaluation.agreement import Tally, check_file, check_parts
from tests.evaluation.ways import check_answers, check_frames, check_masks, check_predictions
from tests.training.support import config_of

SOURCES: dict[str, Callable[[Path], made.Made]] = {
    "table-binary": lambda folder: made.table(folder, "answer"),
    "table-classes": lambda folder: made.table(folder, "kind", weight="weight"),
    "table-number": lambda folder: made.table(folder, "price", kind="parquet"),
    "table-weighted-number": lambda folder: made.table(folder, "price", weight="weight"),
    "table-log": lambda folder: made.table(folder, "price", scale_target="log"),
    "table-quantile": lambda folder: made.table(folder, "size", scale_target="quantile"),
    "table-several": lambda folder: made.table(folder, ["kind", "price", "answer"]),
    "table-several-numbers": lambda folder: made.table(folder, ["price", "size"]),
    "table-transformed": lambda folder: made.table(
        folder, "kind", kind="tsv", transform=[{"PCA": {"n_components": 3}}], encode="one_hot"
    ),
    "table-embedded": lambda folder: made.table(folder, "kind", encode="embedding", scale="quantile", impute="mean", min_count=3),
    "labels-cells": lambda folder: made.labels_per_row(folder, "cells"),
    "labels-flags": lambda folder: made.labels_per_row(folder, "flags"),
    "labels-npz": lambda folder: made.labels_per_row(folder, "npz"),
    "npz-number": lambda folder: made.arrays(folder, "number"),
    "npz-label": lambda folder: made.arrays(folder, "label", scale="standard"),
    "npz-class-pixels": lambda folder: made.arrays(folder, "class", (6, 5)),
    "npz-pictures": lambda folder: made.arrays(folder, "label", (6, 5, 3)),
    "reconstruction-csv": lambda folder: made.reconstruction(folder, "csv"),
    "reconstruction-parquet": lambda folder: made.reconstruction(folder, "parquet"),
    "reconstruction-npz": lambda folder: made.arrays(folder, "", (4,), task="reconstruction", scale="standard"),
    "picture-folders": lambda folder: made.picture_folders(folder),
    "picture-folders-scaled": lambda folder: made.picture_folders(folder, scale="standard", interpolation="nearest"),
    "picture-table-classes": lambda folder: made.picture_table(folder, "kind"),
    "picture-table-number": lambda folder: made.picture_table(folder, "price"),
    "pictures-in-table": lambda folder: made.pictures_in_table(folder, "kind"),
    "pictures-in-table-several": lambda folder: made.pictures_in_table(folder, ["kind", "price"]),
    "masks-folders": lambda folder: made.masks(folder, "folders"),
    "masks-table": lambda folder: made.masks(folder, "table"),
    "text-binary": lambda folder: made.texts_in_table(folder, "answer"),
    "text-number": lambda folder: made.texts_in_table(folder, "price", kind="parquet"),
    "text-ngrams": lambda folder: made.texts_in_table(folder, "kind", text={"ngrams": 2}),
    "text-characters": lambda folder: made.texts_in_table(folder, "kind", text={"split": "character"}),
    "text-wordpieces": lambda folder: made.texts_in_table(folder, "kind", text={"split": "wordpiece", "vocabulary": 50}),
    "text-pairs": lambda folder: made.texts_in_table(folder, "kind", ("note", "answered")),
    "text-folders": lambda folder: made.text_folders(folder),
    "series": lambda folder: made.series(folder, target="y", features=["y", "z"]),
    "series-parquet": lambda folder: made.series(
        folder, "parquet", target=["y", "z"], features=["y", "z"], series={"horizon": 2}
    ),
    "series-quantiles": lambda folder: made.series(
        folder, target="y", features=["y", "z"], series={"horizon": 2, "quantiles": [0.1, 0.5, 0.9]}
    ),
    "series-by-id": lambda folder: made.series(folder, ids=("b", "a", "Käse"), target="y", features=["y"], series={"horizon": 2}),
    "series-by-id-known": lambda folder: made.series(
        folder,
        ids=("7", "12", "9"),
        target="y",
        features=["y", "promo", "size"],
        series={"scale": "per_series", "known": ["promo"], "static": ["size"]},
    ),
    "series-classified": lambda folder: made.series(
        folder, target="kind", features=["y", "z"], task="classification", series={"offset": 1}
    ),
    "series-by-id-classified": lambda folder: made.series(
        folder, ids=("b", "a"), target="kind", features=["y", "z"], task="classification", series={"label_of": "row"}
    ),
    "series-whole": lambda folder: made.whole_series(folder),
}
# How a run comes about: what is put into `training` and `evaluation`.
WAYS: dict[str, dict[str, Any]] = {
    "alone": {},
    "streamed": {},
    "members": {"training": {"members": 2}},
    "members-of-folds": {"training": {"members": {"folds": 3}}},
    "ema": {"training": {"average": "ema", "gradient_accumulation": 2, "clip_norm": 0.5}},
    "swa": {"training": {"average": "swa", "average_from": "1 epochs"}},
    "half": {"training": {"precision": "mixed_bfloat16"}},
    "best": {
        "training": {
            "early_stopping": {"patience": 3},
            "checkpoint": {"monitor": "val_loss"},
            "optimizer": {"SGD": {"learning_rate": 0.3}},
        }
    },
    "phases": {"training": {"phases": [{"epochs": 1}, {"epochs": 1, "optimizer": {"SGD": {"learning_rate": 0.01}}}]}},
    "temperature": {"evaluation": {"calibrate": "temperature"}},
    "threshold": {"evaluation": {"threshold": "f1"}},
    "both": {"evaluation": {"calibrate": "temperature", "threshold": {"recall": 0.7}}},
    "stacked": {},
}
BINARY = {
    "table-binary",
    "text-binary",
    "npz-class-pixels",
    "text-folders",
    "series-classified",
    "series-by-id-classified",
    "series-whole",
}
OF_CLASSES = BINARY | {
    name
    for name in SOURCES
    if name.endswith(("classes", "label")) or (name.startswith("text-") and name != "text-number") or name == "picture-folders"
}
LABELS_PER_ROW = {"labels-cells", "labels-flags", "labels-npz"}
# Which sources' names begin so, the way, and what a fit says that refuses them together.
REFUSED = [
    ("masks-", "members", "here each pixel has one"),
    ("masks-", "members-of-folds", "here each pixel has one"),
    ("reconstruction-", "members", "a reconstruction predicts nothing"),
    ("reconstruction-", "members-of-folds", "a reconstruction predicts nothing"),
    ("series-quantiles", "members", "here each row has several quantiles"),
    ("series-quantiles", "members-of-folds", "here each row has several quantiles"),
    ("series", "members-of-folds", "there are no folds to validate the members on"),
    ("pictures-in-table", "streamed", "columns of pictures are held in memory"),
]
FAST = {
    ("labels-cells", "threshold"),
    ("masks-folders", "streamed"),
}


def cases() -> list[Any]:
    found = []
    for source in SOURCES:
        for way in WAYS:
            if way in ("threshold", "both") and source not in BINARY | LABELS_PER_ROW:
                continue
            if way in ("temperature", "both") and source not in OF_CLASSES | LABELS_PER_ROW:
                continue
            marks = [] if (source, way) in FAST else [pytest.mark.slow]
            if why_refused(source, way) is None:
                found.append(pytest.param(source, way, marks=marks, id=f"{source}-{way}"))
    return found


def why_refused(source: str, way: str) -> str | None:
    """What is said where a source excludes a way of training."""
    return next((words for name, other, words in REFUSED if source.startswith(name) and way == other), None)


@pytest.fixture
def tally(record_property: Any) -> Any:
    found = Tally()
    yield found
    record_property("comparisons", found.count)


def trained(place: Path, data: made.Made, way: str) -> list[Path]:
    """The runs of a way of training."""
    asked = WAYS[way]
    settings = {"epochs": 2, "batch_size": 16, **asked.get("training", {})}
    if "phases" in settings:
        del settings["epochs"]
    config = {"name": "ways", "seed": 5, "data": data.data, "model": {"layers": data.layers}, "training": settings}
    config |= {name: value for name, value in asked.items() if name == "evaluation"}
    if way == "members-of-folds":
        config["data"] = {name: value for name, value in data.data.items() if name != "validation"}
    text = yaml.safe_dump(config)
    if way != "stacked":
        return [Path(fit(config_of(text, folder=place), run_dir=place / "run").run)]
    found = sweep(config_of(text, folder=place), over=["training.optimizer.learning_rate=0.003,0.02"], run_dir=place / "trials")
    return [Path(trial["run"]) for trial in found.trials]


@pytest.mark.parametrize(("source", "way"), cases())
def test_a_source(
    source: str, way: str, tmp_path: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", STREAMED if way == "streamed" else IN_MEMORY)
    data = SOURCES[source](tmp_path)
    runs = trained(tmp_path, data, way)
    thorough = request.config.getoption("--slow")
    for run in runs if thorough else runs[-1:]:
        exact = json.loads((run / "manifest.json").read_text()).get("engine") != "stacked"
        if way != "members-of-folds":  # whose validation part is that of no one model
            check_parts(run, tally, exact=exact, thorough=thorough)
        stored = json.loads((run / "metrics.json").read_text())["metrics"]
        for part in stored if thorough and way != "members-of-folds" else ("test",):
            check_file(run, [data.files[part]], tally, part, exact=exact)
        is_mask = load_run(run).heads[0].is_mask
        told = check_masks(run, data, tmp_path, tally) if is_mask else check_predictions(run, data, tally)
        if data.files["test"].suffix in (".csv", ".parquet", ".npz") and not data.holds_pictures:
            check_frames(run, data, told, tally)
        forms = NAMES if thorough and way in ("alone", "members", "both", "threshold") else NAMES[:1]
        # In half precision a sum in another order differs in its third digit.
        for form in forms if data.raw and way != "half" else ():
            check_answers(run, data, told, form, tmp_path, tally)
    assert tally.count > 20


@pytest.mark.slow
@pytest.mark.parametrize(("source", "way"), [(source, way) for source in SOURCES for way in WAYS if why_refused(source, way)])
def test_what_a_source_excludes_is_refused(source: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", STREAMED if way == "streamed" else IN_MEMORY)
    data = SOURCES[source](tmp_path)
    with pytest.raises(DltrainError) as refused:
        trained(tmp_path, data, way)
    assert why_refused(source, way) in str(refused.value)
