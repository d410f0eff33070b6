"""One number for one question: what a fit stores, `evaluate`, `predict` and every export say of the same rows is the same."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import yaml

from dltrain.evaluation.export import NAMES
from dltrain.training.fit import fit
from tests.data.streaming import IN_MEMORY, STREAMED
from tests.evaluation import agreement
from tests.evaluation.agreement import NUM_TEST, NUM_TRAIN, TARGETS, TASKS, WRITERS, Tally
from tests.training.stacked.support import fit_stacked
from tests.training.support import config_of

FAST = {
    ("csv", "binary", IN_MEMORY, "alone"),
    ("parquet", "regression", STREAMED, "alone"),
    ("tsv", "codes", IN_MEMORY, "stacked"),
}
SIZES = {"train": NUM_TRAIN, "validation": 30, "test": NUM_TEST}


@pytest.fixture
def tally(record_property: Any) -> Any:
    made = Tally()
    yield made
    record_property("comparisons", made.count)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder for each writing, with a file for each part."""
    place = tmp_path_factory.mktemp("tables")
    rows = {part: agreement.make_rows(count, seed) for seed, (part, count) in enumerate(SIZES.items())}
    files: dict[str, dict[str, Path]] = {}
    for name, write in WRITERS.items():
        (place / name).mkdir()
        files[name] = {part: write(place / name / part, rows[part]) for part in SIZES}
    return rows, files


def cases() -> list[Any]:
    found = []
    for writing in WRITERS:
        for task in TASKS:
            for bound in (IN_MEMORY, STREAMED):
                for way in ("alone", "stacked"):
                    if way == "stacked" and (bound == STREAMED or (task == "log" or task.startswith("several"))):
                        continue  # a stack is trained in memory, has one output, and knows no residuals
                    case = (writing, task, bound, way)
                    marks = [] if case in FAST else [pytest.mark.slow]
                    name = f"{writing}-{task}-{'streamed' if bound == STREAMED else 'resident'}-{way}"
                    found.append(pytest.param(*case, marks=marks, id=name))
    return found


@pytest.mark.parametrize(("writing", "task", "bound", "way"), cases())
def test_a_table(
    tables: Any,
    writing: str,
    task: str,
    bound: str,
    way: str,
    tmp_path: Path,
    tally: Tally,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    rows, files = tables[0], tables[1][writing]
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    weighted = task in ("regression", "classes")
    training: dict[str, Any] = {"class_weight": "balanced"} if task in ("classes", "binary") else {}
    config = agreement.table_config(writing, task, weighted=weighted, training=training)
    texts = yaml.safe_dump(config)
    if way == "stacked":
        rates = [f"training.optimizer.learning_rate={rate}" for rate in (0.001, 0.02)]
        configs = [config_of(texts, rate, folder=files["train"].parent) for rate in rates]
        runs = [item.path for item in fit_stacked(configs, tmp_path / "stack")]
    else:
        runs = [Path(fit(config_of(texts, folder=files["train"].parent), run_dir=tmp_path / "run").run)]
    targets = [name for name in TARGETS if name in str(TASKS[task]["target"])]
    truth = {
        part: {name: [str(row[name]) if name == "sold" else row[name] for row in rows[part]] for name in targets}
        for part in SIZES
    }
    thorough = request.config.getoption("--slow")
    for run in runs if thorough else runs[-1:]:
        agreement.check_parts(run, tally, exact=way == "alone", thorough=thorough or writing == "csv")
        for part in SIZES if thorough else ("test",):
            agreement.check_file(run, [files[part]], tally, part, exact=way == "alone")
            frame = agreement.predict_to(run, [files[part]], tmp_path / "predictions.csv")
            tally.same(frame["id"].to_list(), [row["id"] for row in rows[part]])
            agreement.check_plain_keras(run, frame, tally, part)
            agreement.check_metrics(
                run,
                frame,
                truth[part],
                truth["train"],
                tally,
                weights=[row["weight"] for row in rows[part]] if weighted else None,
                training_weights=[row["weight"] for row in rows["train"]] if weighted else None,
                balanced="class_weight" in training,
                scaled=task != "unscaled",
                part=part,
            )
        if thorough or writing == "csv":
            agreement.check_gates(run, tally)
        # How a run was trained is nothing to its exports: one way is asked in each format.
        forms: tuple[str, ...] = ()
        if bound == IN_MEMORY and way == "alone":
            forms = NAMES if thorough else NAMES[:1]
        for form in forms:
            if form == "onnx":
                pytest.importorskip("tf2onnx")
            agreement.check_export(
                run, form, lambda item: agreement.raw_values(item, rows["test"], writing), frame, tmp_path, tally
            )


IDS = {
    "csv": lambda row: {"code": f"{row:03d}", "sum": f"=1+{row}", "when": f"2024-02-{row % 28 + 1:02d}", "size": f"{row / 4}"},
    "parquet": lambda row: {"code": row * 10**12, "sum": f"=1+{row}", "when": date(2024, 2, row % 28 + 1), "size": row / 4},
}


@pytest.mark.parametrize(
    ("kind", "bound"),
    [
        pytest.param("csv", IN_MEMORY, id="csv"),
        pytest.param("csv", STREAMED, id="csv-streamed", marks=pytest.mark.slow),
        pytest.param("parquet", IN_MEMORY, id="parquet", marks=pytest.mark.slow),
        pytest.param("parquet", STREAMED, id="parquet-streamed", marks=pytest.mark.slow),
    ],
)
def test_labels_of_rows_join_with_the_source(
    kind: str, bound: str, tmp_path: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a fold's held-out rows and of predictions from several files: each label stands beside its own row's answer."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=60).round(3)
    frame = polars.DataFrame(
        [
            {**IDS[kind](row), "x": x[row], "y": round(100 + 7 * x[row], 2), "z": "up" if x[row] > 0 else "down"}
            for row in range(60)
        ]
    )
    write = polars.DataFrame.write_csv if kind == "csv" else polars.DataFrame.write_parquet
    files = [tmp_path / f"{name}.{kind}" for name in ("b", "a")]
    write(frame[:25], files[0])
    write(frame[25:], files[1])
    data = {
        "source": kind,
        "path": [file.name for file in files],
        "target": ["y", "z"],
        "features": ["x"],
        "identifiers": ["code", "sum", "when", "size"],
        "split": {"folds": 3, "fold": 2},
    }
    config = {"data": data, "model": {"layers": [{"Dense": {"units": 2}}]}, "training": {"epochs": 1}}
    run = Path(fit(config_of(yaml.safe_dump(config), folder=tmp_path), run_dir=tmp_path / "run").run)
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)  # folds are held in memory, what is predicted need not be
    texts = {name: [str(value) for value in frame[name].to_list()] for name in ("code", "when", "size")}
    texts["sum"] = [f"=1+{row}" for row in range(60)]  # what names a row comes back as it was
    held = polars.read_csv(run / "held_out.csv", infer_schema=False)
    rows = [int(row) - 1 for row in held["row"].to_list()]
    tally.same(len(rows) == len(set(rows)) == 20, True)
    for name, values in texts.items():
        tally.same(held[name].to_list(), [values[row] for row in rows], name)
    tally.near(agreement.floats(held, "true_y"), frame["y"].to_numpy()[rows])
    tally.same(held["true_z"].to_list(), [frame["z"][row] for row in rows])
    for ending in ("csv", "parquet", "jsonl"):
        backward = agreement.predict_to(run, [files[1], files[0]], tmp_path / f"predictions.{ending}")
        order = [*range(25, 60), *range(25)]
        for name, values in texts.items():
            tally.same(backward[name].to_list(), [values[row] for row in order], f"{name} in {ending}")
        at = {row: place for place, row in enumerate(order)}
        asked = np.array([float(backward["prediction_y"][at[row]]) for row in rows])
        tally.near(asked, agreement.floats(held, "prediction_y"))
        tally.same([backward["prediction_z"][at[row]] for row in rows], held["prediction_z"].to_list())
