"""One number for one question: what a fit stores, `evaluate`, `predict` and every export say of the same rows is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    ("european", "classes", STREAMED, "alone"),
    ("parquet", "several", IN_MEMORY, "alone"),
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
                    if way == "stacked" and (bound == STREAMED or task.startswith("several")):
                        continue  # a stack is trained in memory, and has one output
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
    for number, run in enumerate(runs):
        agreement.check_parts(run, tally, exact=way == "alone")
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
        agreement.check_gates(run, tally)
        # How a run was trained is nothing to its exports: one way is asked in each format.
        forms = NAMES if thorough and bound == IN_MEMORY and way == "alone" else NAMES[: number == 0]
        for form in forms:
            if form == "onnx":
                pytest.importorskip("tf2onnx")
            agreement.check_export(
                run, form, lambda item: agreement.raw_values(item, rows["test"], writing), frame, tmp_path, tally
            )
