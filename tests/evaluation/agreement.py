"""Made-up tables in several writings, and what is held against what of a run on them: all that it says of one row must agree."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from sklearn import metrics as judge
from sklearn.utils.class_weight import compute_class_weight

from dltrain.cli.app import run as run_command
from dltrain.data import load_dataset
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import choose_format, export
from dltrain.evaluation.load_run import load_run
from dltrain.model.heads.head import layer_name
from dltrain.model.keras_import import import_keras

NUM_TRAIN, NUM_TEST = 84, 33
SHOPS = ("Käse", "fish, fresh", 'the "best"', "tea", None)
WORDS = ("good", "bad", "tea", "cup", "slow", "quick")
NULL_DATE = np.iinfo(np.int64).min
TASKS: dict[str, dict[str, Any]] = {
    "binary": {"target": "answer"},
    "classes": {"target": "kind"},
    "codes": {"target": "grade"},
    "numbers_of_two": {"target": "sold", "task": "classification"},
    "regression": {"target": "price"},
    "unscaled": {"target": "price", "scale_target": False},
    "log": {"target": "price", "scale_target": "log"},
    "several": {"target": ["kind", "price", "size"]},
    "several_numbers": {"target": ["price", "size"]},
}
TARGETS = ("answer", "kind", "grade", "sold", "price", "size")


class Tally:
    """Compares, and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    def same(self, found: Any, expected: Any, what: str = "") -> None:
        """Equal to the bit."""
        self.count += 1
        assert found == expected, (what, found, expected)

    def alike(self, found: Mapping[str, Any], expected: Mapping[str, Any], what: str, *, exact: bool) -> None:
        """The same names, with the same values, to the bit or within the digits of a float32.

        The loss of several outputs is a sum in float32, which TensorFlow adds up in an order of its own: its last bit is free.
        """
        if exact and any(name.endswith("_loss") and name != "log_loss" for name in expected):
            self.near(found["loss"], expected["loss"], what, rtol=3e-7, atol=0)
            found = {**found, "loss": expected["loss"]}
        if exact:
            self.same(found, expected, what)
            return
        self.same(list(found), list(expected), what)
        self.near(list(found.values()), list(expected.values()), what)

    def same_report(self, found: Any, expected: Any, what: str, *, exact: bool) -> None:
        """Equal counts; what is computed of probabilities to the bit, or within the digits of a float32."""
        if exact:
            self.same(found, expected, what)
        elif isinstance(expected, dict):
            self.same(list(found), list(expected), what)
            for name, value in expected.items():
                self.same_report(found[name], value, f"{what}, {name}", exact=exact)
        elif isinstance(expected, list) and any(isinstance(item, dict | list | float) for item in expected):
            for one, other in zip(found, expected, strict=True):
                self.same_report(one, other, what, exact=exact)
        elif isinstance(expected, float):
            self.near(found, expected, what)
        else:
            self.same(found, expected, what)

    def near(self, found: Any, expected: Any, what: str = "", *, rtol: float = 1e-5, atol: float = 2e-6) -> None:
        """Numbers within the digits of a float32."""
        self.count += int(np.size(expected))
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol, err_msg=what)


def make_rows(num_rows: int, seed: int) -> list[dict[str, Any]]:
    """Rows with columns of every kind, as Python's values; None where there is no value."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(num_rows):
        amount, count = round(float(generator.normal(10, 4)), 3), int(generator.integers(0, 40))
        shop = SHOPS[generator.integers(len(SHOPS))]
        code = None if generator.random() < 0.1 else int(generator.integers(1, 4))
        total = amount / 4 + (shop == "tea") * 2 + (code or 0) + generator.normal()
        when = datetime(2023, 11, 20, 22) + timedelta(minutes=int(generator.integers(0, 400_000)))
        rows.append(
            {
                "id": f"row {seed}-{number}",
                "amount": None if generator.random() < 0.15 else amount,
                "count": count,
                "code": code,
                "shop": shop,
                "day": (when - timedelta(days=40)).date(),
                "when": when,
                "member": [True, False, None][generator.integers(3)],
                "weight": float(generator.integers(1, 5)) / 2,
                "answer": "yes" if total > 5.5 else "no",
                "kind": "low" if total < 4 else "high" if total > 6.5 else "middle",
                "grade": f"{int(np.clip(total, 4, 6.9)) - 3:02d}",
                "sold": int(total > 5.5),
                "price": round(1000 + 30 * total, 2),
                "size": round(total * count / 10, 3),
            }
        )
    return rows


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value)


def _european(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".replace(".", ",")
    if isinstance(value, (date, datetime)):
        return value.strftime("%d.%m.%Y %H:%M:%S" if isinstance(value, datetime) else "%d.%m.%Y")
    return _plain(value)


def _text(rows: Sequence[Mapping[str, Any]], separator: str, write: Any) -> str:
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=separator, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([[write(value) for value in row.values()] for row in rows])
    return lines.getvalue()


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Commas, ISO dates; the code is a whole number."""
    path = path.with_suffix(".csv")
    path.write_text(_text(rows, ",", _plain), encoding="utf-8")
    return path


def write_european(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Semicolons, decimal commas, days first, Latin-1; the code is written 1,000."""
    path = path.with_suffix(".csv")
    rows = [{**row, "code": None if row["code"] is None else float(row["code"])} for row in rows]
    path.write_text(_text(rows, ";", _european), encoding="latin-1")
    return path


def write_tsv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Tabs, compressed; the code is written as pandas writes a column with gaps: 1.0."""
    path = path.with_suffix(".tsv.gz")
    rows = [{**row, "code": None if row["code"] is None else float(row["code"])} for row in rows]
    path.write_bytes(gzip.compress(_text(rows, "\t", _plain).encode()))
    return path


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Typed columns: the code a float, the shop categorical."""
    path = path.with_suffix(".parquet")
    frame = polars.DataFrame(list(rows), infer_schema_length=None)
    frame.with_columns(polars.col("code").cast(polars.Float64), polars.col("shop").cast(polars.Categorical)).write_parquet(path)
    return path


WRITERS = {"csv": write_csv, "european": write_european, "tsv": write_tsv, "parquet": write_parquet}
READING: dict[str, dict[str, Any]] = {
    "csv": {},
    "tsv": {},
    "parquet": {},
    "european": {"decimal": ",", "encoding": "latin-1", "dates": "day_first"},
}


def table_config(writing: str, task: str, *, weighted: bool = False, training: Mapping[str, Any] = {}) -> dict[str, Any]:
    """A config on `train` with `test` as its test part."""
    suffix = {"csv": ".csv", "european": ".csv", "tsv": ".tsv.gz", "parquet": ".parquet"}[writing]
    wanted = TASKS[task]
    targets = wanted["target"] if isinstance(wanted["target"], list) else [wanted["target"]]
    data = {
        "source": "parquet" if writing == "parquet" else "csv",
        "path": f"train{suffix}",
        "validation": f"validation{suffix}",
        "test": f"test{suffix}",
        "identifiers": ["id"],
        "features": {
            "amount": "number",
            "count": "number",
            "code": "category",
            "shop": "category",
            "day": "date",
            "when": "date",
            "member": "boolean",
        },
        **READING[writing],
        **wanted,
    }
    if weighted:
        data["weight"] = "weight"
    regresses = all(target in ("price", "size") for target in targets)
    metrics = ["mean_absolute_error"] if regresses else ["accuracy"] if len(targets) == 1 else []
    return {
        "name": "agree",
        "seed": 5,
        "data": data,
        "model": {"layers": [{"Dense": {"units": 4, "activation": "tanh"}}]},
        "training": {"epochs": 2, "batch_size": 16, "metrics": metrics, **training},
    }


def raw_values(item: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], writing: str) -> np.ndarray[Any, Any]:
    """The values of one column as an export takes them, by hand."""
    values = [row[item["column"]] for row in rows]
    if item["dtype"] in ("string", "int32"):  # whole numbers stand for words in a format without text
        write = {"european": lambda code: f"{code},000", "csv": str}.get(writing, lambda code: f"{code}.0")
        return np.array(["" if v is None else write(v) if isinstance(v, int) else v for v in values], object)
    if item["dtype"] == "int64":
        moments = [datetime(v.year, v.month, v.day) if not isinstance(v, datetime) else v for v in values]
        return np.array([(moment - datetime(1970, 1, 1)) // timedelta(seconds=1) for moment in moments], np.int64)
    return np.array([np.nan if v is None else float(v) for v in values], np.float32)


class Described:
    """What an answer needs to know of a raw model."""

    inputs = ()


def check_parts(run: Path, tally: Tally, *, exact: bool = True, thorough: bool = True) -> None:
    """`evaluate` of each part, or of the test part alone, gives what the run has stored of it; to the bit, but for a stack's."""
    stored = json.loads((run / "metrics.json").read_text())
    assert set(stored["metrics"]) <= {"train", "validation", "test"}
    for part in stored["metrics"] if thorough else ("test",):
        values = stored["metrics"][part]
        found = evaluate(run, part=part)
        tally.alike(found.metrics, values, f"{part} metrics", exact=exact)
        tally.same(found.baseline, stored["baselines"][part], f"{part} baseline")
        tally.same_report(found.report, stored["reports"][part], f"{part} report", exact=exact)


def without_rows(report: Any) -> Any:
    """The report without the numbers of rows and the paths of pictures: a file or folder of its own begins them anew."""
    if isinstance(report, dict):
        return {name: without_rows(value) for name, value in report.items() if name not in ("row", "file")}
    return [without_rows(value) for value in report] if isinstance(report, list) else report


def check_file(run: Path, files: Sequence[Path], tally: Tally, part: str = "test", *, exact: bool = True) -> None:
    """`evaluate --data` of the very file of a part gives what the run has stored of that part."""
    stored = json.loads((run / "metrics.json").read_text())
    found = evaluate(run, data=[str(file) for file in files])
    tally.alike(found.metrics, stored["metrics"][part], f"metrics of {files}", exact=exact)
    tally.same(found.baseline, stored["baselines"][part], "baseline")
    tally.same_report(without_rows(found.report), without_rows(stored["reports"][part]), "report", exact=exact)
    if part == "train" or not exact:
        return  # what is said of new rows is not said of those that a model has seen
    said = [note.replace(" the data part", f" the {part} part") for note in found.notes]
    tally.same([note for note in said if note not in stored["notes"]], [], "notes")


def predict_to(run: Path, files: Sequence[Path], destination: Path) -> polars.DataFrame:
    """What `dltrain predict` writes, read by hand."""
    code = run_command(["predict", str(run), "--data", *map(str, files), "-o", str(destination), "--force"])
    assert code == 0
    if destination.suffix == ".parquet":
        return polars.read_parquet(destination)
    if destination.suffix == ".jsonl":
        return polars.DataFrame([json.loads(line) for line in destination.read_text(encoding="utf-8").splitlines()])
    with open(destination, newline="", encoding="utf-8") as lines:
        header, *cells = csv.reader(lines)
    return polars.DataFrame({name: [row[place] for row in cells] for place, name in enumerate(header)})


def floats(frame: polars.DataFrame, name: str) -> np.ndarray[Any, Any]:
    """A column of a predictions file as numbers."""
    return np.array([float(text) for text in frame.get_column(name).to_list()])


def check_plain_keras(run: Path, frame: polars.DataFrame, tally: Tally, part: str = "test") -> None:
    """The predictions of a part's file are those that plain Keras makes of the encoded part with the run's checkpoint."""
    stored = load_run(run)
    rows = load_dataset(stored.config.data, seed=stored.config.seed, preprocessing=stored.preprocessing).parts[part]
    name, checkpoint = stored.checkpoint(None)
    assert name in ("best", "last")
    model = import_keras().models.load_model(checkpoint, compile=False)
    inputs = [rows.inputs[spec.name] for spec in stored.preprocessing.schema.inputs]
    arrays = [array if isinstance(array, np.ndarray) else array.read(0, len(array)) for array in inputs]
    outputs = model(arrays if len(arrays) > 1 else arrays[0], training=False)
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    several = sum(len(head.targets) for head in stored.heads) > 1
    for head, output in zip(stored.heads, outputs, strict=True):
        values = np.asarray(output, np.float64)
        ending = f"_{head.targets[0].name}" if several else ""
        if head.task == "classification":
            values = np.concatenate([1 - values, values], axis=1) if values.shape[1] == 1 else values
            for place, label in enumerate(head.classes):
                tally.near(floats(frame, f"probability{ending}_{label}"), values[:, place], label)
        else:
            for place, target in enumerate(head.targets):
                ending = f"_{target.name}" if several else ""
                found = floats(frame, f"prediction{ending}")
                own = values[:, place] * target.scale + target.mean
                own = np.exp(own) * target.smearing if target.is_log else own
                tally.near(found, own, target.name, atol=2e-6 * target.scale)


def check_export(
    run: Path, form: str, raw: Any, frame: polars.DataFrame, folder: Path, tally: Tally, *, atol: float = 2e-5
) -> None:
    """An export asked with raw rows says what `predict` says of their file.

    Args:
        raw: description of an input -> array of its values.
    """
    if form == "onnx":
        pytest.importorskip("onnxruntime")
    chosen = choose_format(form, None)
    result = export(run, format=form, destination=folder / f"{run.name}_out{chosen.suffix}", force=True)
    rows = {item["name"]: raw(item) for item in export_inputs(run, result)}
    answers = chosen.answer(result.path, Described(), rows)  # type: ignore[arg-type]
    assert answers is not None, f"nothing that reads {form} is installed"
    stored = load_run(run)
    several = sum(len(head.targets) for head in stored.heads) > 1
    for head in stored.heads:
        for target in head.targets:
            ending, out = (f"_{target.name}", f"_{layer_name(target.name)}") if several else ("", "")
            if head.task == "classification":
                probabilities = answers[f"probabilities{out}"]
                for place, label in enumerate(head.classes):
                    tally.near(probabilities[:, place], floats(frame, f"probability{ending}_{label}"), label, atol=atol)
                sure = np.sort(probabilities, axis=1)[:, -1] - np.sort(probabilities, axis=1)[:, -2] > 2 * atol
                said = np.array(frame.get_column(f"prediction{ending}").to_list(), object)
                tally.same(answers[f"prediction{out}"][sure].tolist(), said[sure].tolist(), "labels")
            else:
                name = f"prediction{out}"
                found = np.asarray(answers[name], np.float64).reshape(-1)
                tally.near(found, floats(frame, f"prediction{ending}"), name, rtol=1e-5, atol=atol * target.scale)


def export_inputs(run: Path, result: Any) -> list[dict[str, Any]]:
    """The inputs of an export; words stay words, which `answer` puts in their places."""
    kinds = {spec["name"]: spec for spec in result.inputs}
    return list(kinds.values())


def check_metrics(
    run: Path,
    frame: polars.DataFrame,
    truth: Mapping[str, Sequence[Any]],
    training: Mapping[str, Sequence[Any]],
    tally: Tally,
    *,
    weights: Sequence[float] | None = None,
    training_weights: Sequence[float] | None = None,
    balanced: bool = False,
    scaled: bool = True,
    part: str = "test",
) -> None:
    """Every metric, baseline and report of a part is scikit-learn's, from the predictions file and the values in the source.

    Args:
        frame: the predictions of the part's file.
        truth: target -> values of the part's rows (texts of classes, or numbers).
        training: the same of the training part.
        weights, training_weights: of the rows.
        balanced: classes are weighed as `class_weight: balanced` does.
        scaled: the training part's deviation is the unit of the targets' losses.
    """
    stored = json.loads((run / "metrics.json").read_text())
    values, baseline = dict(stored["metrics"][part]), dict(stored["baselines"][part])
    errors = dict(stored["standard_errors"][part])
    several = len(truth) > 1
    heads = load_run(run).heads
    joined = several and len(heads) == 1  # targets of numbers share an output, with one loss and one metric of Keras's
    losses = 0.0
    of_each: list[float] = []
    row_weights = np.ones(len(frame)) if weights is None else np.asarray(weights, np.float64)
    seen_weights = np.ones(len(next(iter(training.values())))) if training_weights is None else np.array(training_weights)
    for target, true in truth.items():
        prefix, ending = (f"{layer_name(target)}_", f"_{target}") if several else ("", "")
        seen = training[target]
        if isinstance(true[0], str):
            labels = sorted({*map(str, true), *map(str, seen)})
            probabilities = np.stack([floats(frame, f"probability{ending}_{label}") for label in labels], axis=1)
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            said = frame.get_column(f"prediction{ending}").to_list()
            shares = np.array([list(seen).count(label) for label in labels]) / len(seen)
            expected, base, error = _of_classes(labels, true, said, probabilities, shares)
            given = probabilities[np.arange(len(true)), [labels.index(label) for label in true]]
            own = -np.log(given)  # Keras's loss is of the logits, so that nothing bounds it
            error["loss"] = _error(own)
            report = stored["reports"][part][target] if several else stored["reports"][part]
            known = _scores_of_classes(labels, true, seen, probabilities, row_weights, seen_weights, balanced=balanced)
            _check_report(report, labels, true, said, tally)
        else:
            answers = floats(frame, f"prediction{ending}")
            expected, base = _of_numbers(true, answers), _of_numbers(true, np.full(len(true), np.mean(seen)))
            spec = next(spec for head in heads for spec in head.targets if spec.name == target)
            scale = spec.scale
            tally.near(scale, np.std(np.log(seen) if spec.is_log else seen) if scaled else 1.0, "scale of the target")
            squares, sizes = (answers - np.array(true)) ** 2, np.abs(answers - np.array(true))
            error = {"mse": _error(squares), "mae": _error(sizes)}
            error["rmse"] = error["mse"] / (2 * expected["rmse"])
            own = squares / scale**2
            if spec.is_log:
                own = ((np.log(answers / spec.smearing) - np.log(true)) / scale) ** 2
            mean = np.average(seen, weights=seen_weights)
            known = Known(
                np.sqrt(np.average(squares, weights=row_weights)),
                np.sqrt(np.average((mean - np.array(true)) ** 2, weights=row_weights)),
                others_better=False,
            )
            of_each.append(sizes.mean())
            if not joined:
                tally.near(values.pop(f"{prefix}mean_absolute_error"), sizes.mean(), "Keras's own", rtol=1e-4)
        for name, value in expected.items():
            tally.near(values.pop(prefix + name), value, prefix + name, rtol=2e-5)
        for name in base:
            tally.near(baseline.pop(prefix + name), base[name], f"baseline {prefix}{name}", rtol=2e-5)
        for name, value in error.items() if not several else ():
            tally.near(errors.pop(name), value, f"standard error of {name}", rtol=1e-4)
        loss = float(np.mean(own * row_weights))
        losses += loss / (len(truth) if joined else 1)
        if several and not joined:
            tally.near(values.pop(f"{prefix}loss"), loss, f"{prefix}loss", rtol=1e-4)
        if part != "train":
            notes = [note for note in stored["notes"] if f" {prefix}{'log_loss' if isinstance(true[0], str) else 'rmse'}" in note]
            notes = [note for note in notes if f"on the {part} part is" in note]
            _check_verdict(notes, known, tally)
    if joined:
        tally.near(values.pop("mean_absolute_error"), np.mean(of_each), "Keras's own", rtol=1e-4)
    tally.near(values.pop("loss"), losses, "loss", rtol=1e-4)
    tally.same(values, {}, "metrics that nobody checked")
    tally.same(baseline, {}, "baselines that nobody checked")


@dataclass(frozen=True)
class Known:
    """What is known of a model by hand: its score and the baseline's, the less the better, and if any other is better."""

    score: float
    baseline: float
    others_better: bool


def _scores_of_classes(
    labels: list[str],
    true: Sequence[str],
    seen: Sequence[str],
    probabilities: np.ndarray[Any, Any],
    row_weights: np.ndarray[Any, Any],
    seen_weights: np.ndarray[Any, Any],
    *,
    balanced: bool,
) -> Known:
    """In the world in which the classes have the weights of the training."""
    of_class = dict.fromkeys(labels, 1.0)
    if balanced:
        found = compute_class_weight("balanced", classes=np.array(labels), y=np.array(seen))
        of_class = dict(zip(labels, found.tolist(), strict=True))
    weights = row_weights * [of_class[label] for label in true]
    prior = np.array([sum(w * of_class[s] for s, w in zip(seen, seen_weights, strict=True) if s == label) for label in labels])
    prior /= prior.sum()
    constant = np.broadcast_to(prior, probabilities.shape)
    said = probabilities.argmax(axis=1)
    codes = np.array([labels.index(label) for label in true])
    better = judge.accuracy_score(codes, said, sample_weight=weights) > judge.accuracy_score(
        codes, np.full(len(codes), prior.argmax()), sample_weight=weights
    )
    if len(labels) == 2:
        better |= judge.roc_auc_score(codes, probabilities[:, 1]) > 0.5
    return Known(
        judge.log_loss(true, probabilities, labels=labels, sample_weight=weights),
        judge.log_loss(true, constant, labels=labels, sample_weight=weights),
        others_better=bool(better),
    )


def _check_verdict(notes: list[str], known: Known, tally: Tally) -> None:
    """The sentence has the figures, and says no more than they do; where there is none, something is better."""
    assert len(notes) <= 1, notes
    if not notes:
        tally.same(known.score < known.baseline or known.others_better, True, f"nothing is said, of {known}")
        return
    figures = re.search(r" part is (\S+), the baseline's is (\S+?)[.,]( |$)", notes[0])
    assert figures is not None, notes[0]
    tally.near([float(figures[1]), float(figures[2])], [known.score, known.baseline], notes[0], rtol=6e-4)
    if "no better than" in notes[0]:
        tally.same(known.score > known.baseline, True, notes[0])
    else:
        tally.same("not shown to be better" in notes[0] and "within chance" in notes[0], True, notes[0])


def _error(values: np.ndarray[Any, Any]) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _of_classes(
    labels: list[str], true: Sequence[str], said: Sequence[str], probabilities: np.ndarray[Any, Any], shares: np.ndarray[Any, Any]
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    found = {
        "accuracy": judge.accuracy_score(true, said),
        "log_loss": judge.log_loss(true, probabilities, labels=labels),
    }
    average = {"average": "binary", "pos_label": labels[1]} if len(labels) == 2 else {"average": "macro"}
    for name, score in (("precision", judge.precision_score), ("recall", judge.recall_score), ("f1", judge.f1_score)):
        found[name] = score(true, said, zero_division=0, **average)
    if len(labels) == 2:
        found["roc_auc"] = judge.roc_auc_score([label == labels[1] for label in true], probabilities[:, 1])
    constant = np.broadcast_to(shares, probabilities.shape)
    base = {
        "accuracy": judge.accuracy_score(true, [labels[int(shares.argmax())]] * len(true)),
        "log_loss": judge.log_loss(true, constant, labels=labels),
    }
    right = np.array([a == b for a, b in zip(true, said, strict=True)], float)
    losses = -np.log(probabilities[np.arange(len(true)), [labels.index(label) for label in true]])
    error = {"accuracy": _error(right), "log_loss": _error(losses)}
    return found, base, error


def _of_numbers(true: Sequence[float], answers: np.ndarray[Any, Any]) -> dict[str, float]:
    mse = judge.mean_squared_error(true, answers)
    return {
        "rmse": judge.root_mean_squared_error(true, answers),
        "mse": mse,
        "mae": judge.mean_absolute_error(true, answers),
        "r2": judge.r2_score(true, answers),
    }


def _check_report(report: Mapping[str, Any], labels: list[str], true: Sequence[str], said: Sequence[str], tally: Tally) -> None:
    tally.same(report["labels"], labels)
    tally.same(report["confusion_matrix"], judge.confusion_matrix(true, said, labels=labels).tolist(), "confusion matrix")
    present = [label for label in labels if label in {*true, *said}]
    expected = judge.classification_report(true, said, labels=present, output_dict=True, zero_division=0)
    names = {"precision": "precision", "recall": "recall", "f1": "f1-score", "support": "support"}
    for label in present:
        tally.near([report["classes"][label][ours] for ours in names], [expected[label][theirs] for theirs in names.values()])
    for ours, theirs in (("macro", "macro avg"), ("weighted", "weighted avg")):
        tally.near([report[ours][name] for name in names], [expected[theirs][name] for name in names.values()], ours)


def check_gates(run: Path, tally: Tally, part: str = "test", *, by_command: bool = True) -> None:
    """A gate at the very figure is met, one beyond it is not; by the exit code as well."""
    met, unmet = [], []
    measured = evaluate(run, part=part)
    for name, value in measured.metrics.items():
        if not np.isfinite(value):
            continue
        above, below = float(np.nextafter(value, np.inf)), float(np.nextafter(value, -np.inf))
        met += [f"{name}>={value!r}", f"{name}<={value!r}", f"{part}.{name}>{below!r}", f"{name}<{above!r}"]
        unmet += [f"{name}>{value!r}", f"{part}.{name}<{value!r}", f"{name}>={above!r}", f"{name}<={below!r}"]
    for name, (low, high) in measured.intervals.items():
        inside = float(np.nextafter(low, np.inf)), float(np.nextafter(high, -np.inf))
        met += [f"{name}>={low!r} @95%", f"{name}<={high!r} @95%"]
        unmet += [f"{name}>={inside[0]!r} @95%", f"{name}<={inside[1]!r} @95%", f"{name}>{low!r} @95%", f"{name}<{high!r} @95%"]
    found = {gate.require: gate.met for gate in evaluate(run, part=part, require=[*met, *unmet]).gates}
    tally.same(found, {**dict.fromkeys(met, True), **dict.fromkeys(unmet, False)})
    tally.count += len(found) - 1
    for words, code in ((met, 0), ([*met, unmet[0]], 5)) if by_command else ():
        gates = [word for gate in words for word in ("--require", gate)]
        tally.same(run_command(["-q", "evaluate", str(run), "--part", part, *gates]), code)
