"""Pictures, texts, series, arrays and reconstructions: a part's own file is scored, predicted and exported as the fit stored it.

Each row of a predictions file is joined with the source by the label that stands beside it, both read by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import yaml
from PIL import Image
from sklearn import metrics as judge

from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import NAMES
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.training.fit import fit
from tests.data.streaming import IN_MEMORY, STREAMED
from tests.evaluation import agreement
from tests.evaluation.agreement import Tally, floats
from tests.training.support import config_of

BOUNDS = [pytest.param(IN_MEMORY, id="resident"), pytest.param(STREAMED, id="streamed")]
FEW_BOUNDS = [pytest.param(IN_MEMORY, id="resident", marks=pytest.mark.slow), pytest.param(STREAMED, id="streamed")]


@pytest.fixture
def tally(record_property: Any) -> Any:
    made = Tally()
    yield made
    record_property("comparisons", made.count)


@pytest.fixture
def forms(request: pytest.FixtureRequest) -> Sequence[str]:
    """The export formats to ask: all of them with `--slow`."""
    return NAMES if request.config.getoption("--slow") else NAMES[:1]


def fitted(folder: Path, data: Mapping[str, Any], layers: Sequence[Any], **training: Any) -> Path:
    settings = {"epochs": 1, "batch_size": 16, **training}
    config = {"name": "agree", "seed": 5, "data": dict(data), "model": {"layers": list(layers)}, "training": settings}
    return Path(fit(config_of(yaml.safe_dump(config), folder=folder), run_dir=folder / "run").run)


def stored_metrics(run: Path, part: str = "test") -> dict[str, float]:
    found: dict[str, float] = json.loads((run / "metrics.json").read_text())["metrics"][part]
    return found


# ---- series


def month_ends(count: int) -> list[Any]:
    first = polars.date_range(date(1990, 1, 1), date(2030, 1, 1), "1mo", eager=True).dt.month_end().to_list()
    return first[:count]


def working_days(count: int) -> list[Any]:
    days = [date(2021, 12, 20) + timedelta(days=number) for number in range(2 * count)]
    return [day for day in days if day.weekday() < 5][:count]


def irregular(count: int) -> list[Any]:
    return [datetime(2020, 2, 28, 22) + timedelta(minutes=7 * number * number % 1000 + 1001 * number) for number in range(count)]


def hours_with_gaps(count: int) -> list[Any]:
    hours = [datetime(2024, 2, 28) + timedelta(hours=number) for number in range(2 * count)]
    return [hour for number, hour in enumerate(hours) if number % 50 not in (17, 18)][:count]


def numbered(count: int) -> list[Any]:
    return list(range(1900, 1900 + count))


TIMES: dict[str, tuple[Callable[[int], list[Any]], str]] = {
    "month ends": (month_ends, "%Y-%m-%d"),
    "month ends, days first": (month_ends, "%d.%m.%Y"),
    "working days": (working_days, "%m/%d/%Y"),
    "irregular": (irregular, "%Y-%m-%dT%H:%M:%S"),
    "hours with gaps": (hours_with_gaps, "%d.%m.%Y %H:%M"),
    "years": (numbered, ""),
}
SERIES = [
    pytest.param("month ends", 2, ("y", "z"), "csv", IN_MEMORY, id="month-ends-two-targets"),
    pytest.param("working days", 1, ("y",), "csv", STREAMED, id="working-days-streamed", marks=pytest.mark.slow),
    *[
        pytest.param(
            name, horizon, targets, kind, bound, marks=pytest.mark.slow, id=f"{name}-{horizon}-{len(targets)}-{kind}-{bound}"
        )
        for name in TIMES
        for horizon in (1, 3)
        for targets in (("y",), ("y", "z"))
        for kind in ("csv", "parquet")
        for bound in (IN_MEMORY, STREAMED)
    ],
]


@pytest.mark.parametrize(("name", "horizon", "targets", "kind", "bound"), SERIES)
def test_a_series(
    name: str,
    horizon: int,
    targets: tuple[str, ...],
    kind: str,
    bound: str,
    tmp_path: Path,
    tally: Tally,
    forms: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    count, history = 120, 5
    generator = np.random.default_rng(0)
    make, form = TIMES[name]
    times = make(count)
    texts = [time.strftime(form) if form else str(time) for time in times]
    columns = {
        "when": times if kind == "parquet" else texts,
        "y": (np.sin(np.arange(count)) * 10 + 50 + generator.normal(size=count)).round(3),
        "z": generator.normal(size=count).round(3),
    }
    frame = polars.DataFrame(columns)
    write = {"csv": polars.DataFrame.write_csv, "parquet": polars.DataFrame.write_parquet}[kind]
    write(frame, tmp_path / f"all.{kind}")
    write(frame[-40:], tmp_path / f"test.{kind}")
    write(frame[-40:].sample(fraction=1.0, shuffle=True, seed=1), tmp_path / f"shuffled.{kind}")
    data = {
        "source": kind,
        "path": f"all.{kind}",
        "target": list(targets),
        "series": {"time": "when", "history": history, "horizon": horizon, "season": 4},
        "split": {"test": 0.3333},
        "features": ["y", "z"],
    }
    if kind == "csv" and form == "%m/%d/%Y":
        data["dates"] = "month_first"
    run = fitted(tmp_path, data, ["Flatten", {"Dense": {"units": 3}}])
    agreement.check_parts(run, tally, thorough=len(forms) > 1)
    for file in ("test", "shuffled"):
        agreement.check_file(run, [tmp_path / f"{file}.{kind}"], tally)
    predictions = agreement.predict_to(run, [tmp_path / f"shuffled.{kind}"], tmp_path / "predictions.csv")
    source = polars.read_parquet(tmp_path / f"all.{kind}") if kind == "parquet" else polars.read_csv(tmp_path / f"all.{kind}")
    labels = predictions["time"].to_list()
    if kind == "parquet" and form:  # moments, which no text of the file says how to write: ISO 8601
        source = source.with_columns(polars.col("when").cast(polars.Datetime))
        labels = [datetime.fromisoformat(label) for label in labels]
    known = {time if isinstance(time, datetime) else str(time): row for row, time in enumerate(source["when"].to_list())}
    rows = [known.get(label) for label in labels]
    joined = [place for place, row in enumerate(rows) if row is not None]
    # Only what lies beyond the file's end has no row in it.
    beyond = [label for label, row in zip(labels, rows, strict=True) if row is None]
    tally.same(len(beyond) <= 1 + (name == "hours with gaps") * 3, True, f"labels that no row has: {beyond}")
    stored = stored_metrics(run)
    scored: list[int] = []
    for target in targets:
        truth = source[target].to_numpy()
        several = horizon * len(targets) > 1
        prefix = f"{target}_" if len(targets) > 1 else ""
        answers, true = [], []
        for step in range(horizon):
            named = f"{target} +{step + 1}" if horizon > 1 else target
            answers.append(floats(predictions, f"prediction_{named}" if several else "prediction"))
        scored = [place for place in joined if rows[place] + horizon <= count and rows[place] >= 80 + history]
        if name == "hours with gaps":  # a window that reaches over a gap is none
            moments = np.array(times, "datetime64[m]").astype(int)
            spans = [moments[rows[place] + horizon - 1] - moments[rows[place] - history] for place in scored]
            scored = [place for place, span in zip(scored, spans, strict=True) if span == 60 * (history + horizon - 1)]
        true = [[truth[rows[place] + step] for place in scored] for step in range(horizon)]
        said = [[values[place] for place in scored] for values in answers]
        expected = {
            "rmse": judge.root_mean_squared_error(np.ravel(true), np.ravel(said)),
            "mae": judge.mean_absolute_error(np.ravel(true), np.ravel(said)),
            "r2": judge.r2_score(np.ravel(true), np.ravel(said)),
        }
        for step in range(horizon if horizon > 1 else 0):
            expected[f"rmse_step_{step + 1}"] = judge.root_mean_squared_error(true[step], said[step])
        for key, value in expected.items():
            tally.near(stored[prefix + key], value, prefix + key, rtol=1e-5)
        baselines = json.loads((run / "metrics.json").read_text())["report"]["baselines"]
        last = [[truth[rows[place] - 1] for place in scored] for _ in range(horizon)]
        season = [[truth[rows[place] + step - 4] for place in scored] for step in range(horizon)]
        for key, simple in (("last value", last), ("value 4 rows before", season)):
            error = judge.root_mean_squared_error(np.ravel(true), np.ravel(simple))
            tally.near(baselines[key][f"{prefix}rmse"], error, key, rtol=1e-5)
    place = scored[3]
    window = source[rows[place] - history : rows[place]]
    write(window, tmp_path / f"window.{kind}")
    alone = agreement.predict_to(run, [tmp_path / f"window.{kind}"], tmp_path / "window.out.csv")
    for column in predictions.columns[1:]:
        tally.near(floats(alone, column)[-1], floats(predictions, column)[place], column)
    for export_form in forms:
        if export_form == "onnx":
            pytest.importorskip("tf2onnx")
        agreement.check_export(
            run,
            export_form,
            lambda item: window[item["column"]].to_numpy().astype(np.float32)[np.newaxis],
            predictions[place : place + 1],
            tmp_path,
            tally,
        )


# ---- pictures


def draw(path: Path, seed: int, size: tuple[int, int] = (9, 7)) -> np.ndarray[Any, Any]:
    """A picture of noise, of a brightness of its own."""
    generator = np.random.default_rng(seed)
    pixels = (generator.integers(0, 120, (*size, 3)) + generator.integers(0, 130)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


CONVOLUTION = [{"Conv2D": {"filters": 3, "kernel_size": 3}}, "GlobalAveragePooling2D"]
KINDS = ("cat", "Döner, big", "eel")


@pytest.mark.parametrize("bound", FEW_BOUNDS)
def test_pictures_in_folders(
    bound: str, tmp_path: Path, tally: Tally, forms: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    for part, count in (("train", 8), ("test", 5)):
        for index, label in enumerate(KINDS):
            for number in range(count):
                draw(tmp_path / part / label / f"{number}.png", 100 * index + number + len(part))
    data = {"source": "image_folder", "path": "train", "test": "test", "image_size": [9, 7]}
    run = fitted(tmp_path, data, CONVOLUTION, metrics=["accuracy"], class_weight="balanced")
    agreement.check_parts(run, tally, thorough=len(forms) > 1)
    agreement.check_file(run, [tmp_path / "test"], tally)
    frame = agreement.predict_to(run, [tmp_path / "test"], tmp_path / "predictions.csv")
    truth = [Path(file).parent.name for file in frame["file"].to_list()]
    tally.same(sorted(frame["file"].to_list()), sorted(str(file) for file in (tmp_path / "test").rglob("*.png")))
    training = [label for label in KINDS for _ in range(8)]
    agreement.check_metrics(run, frame, {"target": truth}, {"target": training}, tally, balanced=True)
    agreement.check_plain_keras(run, frame, tally)
    if len(forms) > 1:
        agreement.check_gates(run, tally, by_command=False)
    pixels = np.stack([np.asarray(Image.open(file)) for file in frame["file"].to_list()])
    for form in forms:
        if form == "onnx":
            pytest.importorskip("tf2onnx")
        agreement.check_export(run, form, lambda item: pixels.astype(np.float32), frame, tmp_path, tally)


@pytest.mark.slow
@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("target", ["kind", "grade", "price"])
def test_a_table_of_pictures(
    target: str, bound: str, tmp_path: Path, tally: Tally, forms: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    rows = {part: agreement.make_rows(count, seed) for seed, (part, count) in enumerate((("train", 40), ("test", 21)))}
    for part, found in rows.items():
        for number, row in enumerate(found):
            draw(tmp_path / "photos" / f"{part}{number}.png", number + len(part))
            row["photo"] = f"{part}{number}"
        columns = [{name: row[name] for name in ("photo", target)} for row in found]
        agreement.write_csv(tmp_path / part, columns)
    data = {"source": "image_folder", "path": "train.csv", "test": "test.csv", "target": target, "image_size": [9, 7]}
    data["images"] = {"folder": "photos", "suffix": ".png"}
    run = fitted(tmp_path, data, CONVOLUTION)
    agreement.check_parts(run, tally, thorough=len(forms) > 1)
    agreement.check_file(run, [tmp_path / "test.csv"], tally)
    frame = agreement.predict_to(run, [tmp_path / "test.csv"], tmp_path / "predictions.csv")
    by_photo = {row["photo"]: row[target] for row in rows["test"]}
    names = frame["file"].to_list()  # as the table has them
    tally.same(sorted(names), sorted(by_photo))
    truth = [by_photo[name] for name in names]
    agreement.check_metrics(run, frame, {target: truth}, {target: [row[target] for row in rows["train"]]}, tally)
    agreement.check_plain_keras(run, frame, tally)
    pixels = np.stack([np.asarray(Image.open(tmp_path / "photos" / f"{name}.png")) for name in names])
    for form in forms:
        if form == "onnx":
            pytest.importorskip("tf2onnx")
        agreement.check_export(run, form, lambda item: pixels.astype(np.float32), frame, tmp_path, tally)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classes", "regression", "several"])
def test_pictures_beside_columns(task: str, tmp_path: Path, tally: Tally, forms: Sequence[str]) -> None:
    rows = {part: agreement.make_rows(count, seed) for seed, (part, count) in enumerate((("train", 40), ("test", 21)))}
    pixels = {}
    for part, found in rows.items():
        for number, row in enumerate(found):
            row["photo"] = f"photos/{part}{number}.png"
            pixels[row["id"]] = draw(tmp_path / row["photo"], number + len(part))
        agreement.write_csv(tmp_path / part, found)
    wanted = agreement.TASKS[task]["target"]
    targets = [wanted] if isinstance(wanted, str) else wanted
    data = {
        "source": "csv",
        "path": "train.csv",
        "test": "test.csv",
        "target": wanted,
        "identifiers": ["id"],
        "image_size": [9, 7],
        "features": {"photo": "image", "amount": "number", "shop": "category"},
    }
    layers = [
        {"Conv2D": {"filters": 3, "kernel_size": 3, "from": "photo"}},
        {"GlobalAveragePooling2D": {"name": "seen"}},
        {"Dense": {"units": 3, "name": "told", "from": "features"}},
        {"Concatenate": {"from": ["seen", "told"]}},
    ]
    run = fitted(tmp_path, data, layers)
    agreement.check_parts(run, tally, thorough=len(forms) > 1)
    agreement.check_file(run, [tmp_path / "test.csv"], tally)
    frame = agreement.predict_to(run, [tmp_path / "test.csv"], tmp_path / "predictions.csv")
    tally.same(frame["id"].to_list(), [row["id"] for row in rows["test"]])
    truth = {part: {name: [row[name] for row in rows[part]] for name in targets} for part in rows}
    agreement.check_metrics(run, frame, truth["test"], truth["train"], tally)
    agreement.check_plain_keras(run, frame, tally)

    def raw(item: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        if item["column"] == "photo":
            return np.stack([pixels[row["id"]] for row in rows["test"]]).astype(np.float32)
        return agreement.raw_values(item, rows["test"], "csv")

    for form in forms:
        if form == "onnx":
            pytest.importorskip("tf2onnx")
        agreement.check_export(run, form, raw, frame, tmp_path, tally)


# ---- texts


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize(
    ("kind", "task"),
    [
        pytest.param("csv", "classes"),
        pytest.param("parquet", "regression", marks=pytest.mark.slow),
        pytest.param("csv", "several", marks=pytest.mark.slow),
    ],
)
def test_texts(
    kind: str, task: str, bound: str, tmp_path: Path, tally: Tally, forms: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if bound == IN_MEMORY and task == "classes" and len(forms) == 1:
        pytest.skip("the streamed one is held against the same")
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    rows = {part: agreement.make_rows(count, seed) for seed, (part, count) in enumerate((("train", 60), ("test", 25)))}
    generator = np.random.default_rng(3)
    for found in rows.values():
        for row in found:
            words = [str(generator.choice(agreement.WORDS)) for _ in range(6)]
            row["note"] = f"{' '.join(words)}, Straße {row['count']}!" if generator.random() > 0.1 else None
    write = agreement.WRITERS[kind]
    files = {part: write(tmp_path / part, found) for part, found in rows.items()}
    wanted = agreement.TASKS[task]["target"]
    targets = [wanted] if isinstance(wanted, str) else wanted
    data = {
        "source": kind,
        "path": files["train"].name,
        "test": files["test"].name,
        "target": wanted,
        "identifiers": ["id"],
        "features": {"note": "text", "amount": "number"},
        "text": {"ngrams": 2},
    }
    layers = [
        {"Embedding": {"input_dim": 400, "output_dim": 3, "from": "note"}},
        {"GlobalAveragePooling1D": {"name": "read"}},
        {"Dense": {"units": 3, "name": "told", "from": "features"}},
        {"Concatenate": {"from": ["read", "told"]}},
    ]
    run = fitted(tmp_path, data, layers)
    agreement.check_parts(run, tally, thorough=len(forms) > 1)
    agreement.check_file(run, [files["test"]], tally)
    frame = agreement.predict_to(run, [files["test"]], tmp_path / "predictions.csv")
    tally.same(frame["id"].to_list(), [row["id"] for row in rows["test"]])
    truth = {part: {name: [row[name] for row in rows[part]] for name in targets} for part in rows}
    agreement.check_metrics(run, frame, truth["test"], truth["train"], tally)
    agreement.check_plain_keras(run, frame, tally)
    for form in forms:
        if form == "onnx":
            pytest.importorskip("tf2onnx")
        raw = lambda item: agreement.raw_values(item, rows["test"], kind)  # noqa: E731
        agreement.check_export(run, form, raw, frame, tmp_path, tally)


# ---- arrays


@pytest.mark.parametrize(
    ("shape", "target"),
    [
        pytest.param((4,), "number"),
        pytest.param((4,), "label", marks=pytest.mark.slow),
        pytest.param((6, 5, 3), "label", marks=pytest.mark.slow),
        pytest.param((6, 5), "class", marks=pytest.mark.slow),
    ],
)
def test_arrays(shape: tuple[int, ...], target: str, tmp_path: Path, tally: Tally, forms: Sequence[str]) -> None:
    generator = np.random.default_rng(0)
    truth: dict[str, list[Any]] = {}
    for part, count in (("train", 50), ("test", 23)):
        x = generator.normal(size=(count, *shape)).astype(np.float32)
        x = (x * 40 + 120).clip(0, 255).astype(np.uint8) if len(shape) == 3 else x
        sums = x.reshape(count, -1).mean(axis=1) + generator.normal(size=count)
        sizes = np.digitize(sums, np.quantile(sums, [0.3, 0.7]))
        y = {"number": (sums * 7 + 100).round(2), "label": np.array(["low", "mid", "top"])[sizes], "class": sizes > 0}[target]
        np.savez(tmp_path / f"{part}.npz", x=x, y=y)
        truth[part] = y.tolist() if target != "class" else [str(int(value)) for value in y]
    data = {"source": "npz", "path": "train.npz", "test": "test.npz"}
    layers = ["Flatten", {"Dense": {"units": 3}}] if len(shape) > 1 else [{"Dense": {"units": 3}}]
    run = fitted(tmp_path, data, layers)
    agreement.check_parts(run, tally, thorough=len(forms) > 1)
    agreement.check_file(run, [tmp_path / "test.npz"], tally)
    frame = agreement.predict_to(run, [tmp_path / "test.npz"], tmp_path / "predictions.csv")
    agreement.check_metrics(run, frame, {"target": truth["test"]}, {"target": truth["train"]}, tally)
    agreement.check_plain_keras(run, frame, tally)
    if len(forms) > 1:
        agreement.check_gates(run, tally, by_command=False)
    values = np.load(tmp_path / "test.npz")["x"].astype(np.float32)

    def raw(item: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        extents = item["shape"][1:]
        return values.reshape(len(values), *values.shape[1:], 1) if len(extents) == values.ndim else values

    for form in forms:
        if form == "onnx":
            pytest.importorskip("tf2onnx")
        agreement.check_export(run, form, raw, frame, tmp_path, tally)


# ---- reconstructions


@pytest.mark.slow
@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_reconstructions(
    kind: str, bound: str, tmp_path: Path, tally: Tally, forms: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    generator = np.random.default_rng(0)
    files, values = {}, {}
    for part, count in (("train", 60), ("test", 25)):
        numbers = generator.normal(size=(count, 2)) @ generator.normal(size=(2, 4)) * [1, 10, 100, 1] + [0, 5, 900, -3]
        values[part] = numbers.round(3)
        if kind == "npz":
            np.savez(tmp_path / f"{part}.npz", x=values[part])
            files[part] = tmp_path / f"{part}.npz"
        else:
            frame = polars.DataFrame({f"c{place}": values[part][:, place] for place in range(4)})
            frame = frame.with_columns(id=polars.Series([f"r{row}" for row in range(count)]))
            files[part] = tmp_path / f"{part}.{kind}"
            frame.write_csv(files[part]) if kind == "csv" else frame.write_parquet(files[part])
    data = {"source": kind, "path": files["train"].name, "test": files["test"].name, "task": "reconstruction"}
    data |= {"identifiers": ["id"]} if kind != "npz" else {"scale": "standard"}
    run = fitted(tmp_path, data, [{"Dense": {"units": 2, "name": "code"}}], epochs=3)
    agreement.check_parts(run, tally, thorough=len(forms) > 1)
    agreement.check_file(run, [files["test"]], tally)
    predictions = agreement.predict_to(run, [files["test"]], tmp_path / "predictions.csv")
    if kind != "npz":
        tally.same(predictions["id"].to_list(), [f"r{row}" for row in range(25)])
    names = [name for name in predictions.columns if name.startswith(("prediction_", "output_"))]
    said = np.stack([floats(predictions, name) for name in names], axis=1)
    center, spread = values["train"].mean(axis=0), values["train"].std(axis=0)
    true, answered = (values["test"] - center) / spread, (said - center) / spread
    stored = stored_metrics(run)
    expected = {
        "mse": judge.mean_squared_error(true, answered),
        "rmse": np.sqrt(judge.mean_squared_error(true, answered)),
        "mae": judge.mean_absolute_error(true, answered),
        "explained_variance": judge.r2_score(true, answered, multioutput="variance_weighted"),
        "loss": judge.mean_squared_error(true, answered),
    }
    for name, value in expected.items():
        tally.near(stored[name], value, name, rtol=2e-5)
    tally.near(floats(predictions, "error"), ((true - answered) ** 2).mean(axis=1), "error of each row", rtol=1e-4)
    from sklearn.decomposition import PCA

    components = PCA(2).fit((values["train"] - center) / spread)
    baseline = judge.mean_squared_error(true, components.inverse_transform(components.transform(true)))
    tally.near(json.loads((run / "metrics.json").read_text())["baseline"]["mse"], baseline, "PCA", rtol=1e-3)
    from dltrain.evaluation.export import choose_format, export

    for form in forms:
        if form == "onnx":
            pytest.importorskip("tf2onnx")
        chosen = choose_format(form, None)
        result = export(run, format=form, destination=tmp_path / f"out{chosen.suffix}")
        places = {item["name"]: item["column"] for item in result.inputs}
        rows = {
            name: values["test"].astype(np.float32) if kind == "npz" else values["test"][:, int(column[1:])].astype(np.float32)
            for name, column in places.items()
        }
        answers = chosen.answer(result.path, agreement.Described(), rows)  # type: ignore[arg-type]
        tally.near(answers["output"], said, form, rtol=2e-5, atol=1e-4)


# ---- words and named data sets


@pytest.mark.slow
def test_words(tmp_path: Path, tally: Tally) -> None:
    generator = np.random.default_rng(0)
    words = [f"w{number}" for number in range(70)]
    lines = [f"{word} " + " ".join(f"{value:.4f}" for value in generator.normal(size=5)) for word in words]
    (tmp_path / "vectors.txt").write_text("\n".join(lines) + "\n")
    labels = {word: ["fruit", "tool", "beast"][generator.integers(3)] for word in words}
    for part, chosen in (("train", words[:50]), ("test", words[50:])):
        polars.DataFrame({"word": chosen, "label": [labels[word] for word in chosen]}).write_csv(tmp_path / f"{part}.csv")
    data = {"source": "word_vectors", "path": "train.csv", "test": "test.csv", "vectors": "vectors.txt", "target": "label"}
    run = fitted(tmp_path, data, [{"Dense": {"units": 3}}])
    agreement.check_parts(run, tally)
    agreement.check_file(run, [tmp_path / "test.csv"], tally)
    frame = agreement.predict_to(run, [tmp_path / "test.csv"], tmp_path / "predictions.csv")
    truth = [labels[word] for word in frame["word"].to_list()]
    tally.same(frame["word"].to_list(), words[50:])
    agreement.check_metrics(run, frame, {"label": truth}, {"label": [labels[word] for word in words[:50]]}, tally)
    agreement.check_plain_keras(run, frame, tally)
    asked = predict(run, data=[], words=["w60"])
    tally.near(asked.probabilities["tool"][0], floats(frame, "probability_tool")[10])  # type: ignore[index]


@pytest.mark.slow
@pytest.mark.parametrize("source", ["iris", "wine", "breast_cancer", "diabetes", "digits", "playground", "noise"])
def test_a_named_data_set(source: str, tmp_path: Path, tally: Tally) -> None:
    layers = ["Flatten", {"Dense": {"units": 3}}] if source == "digits" else [{"Dense": {"units": 3}}]
    run = fitted(tmp_path, {"source": source, "split": {"test": 0.25, "validation": 0.2}}, layers)
    agreement.check_parts(run, tally)
    agreement.check_gates(run, tally)
    tally.same(evaluate(run).part, "test")
    tally.same(load_run(run).config.data.source, source)
