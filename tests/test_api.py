"""The functions of `import dltrain`: paths, overrides, frames and arrays."""

from __future__ import annotations

import csv
import datetime
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import polars
import pytest

import dltrain
from dltrain.api import _frame
from dltrain.errors import ConfigError, DataError, UsageError
from tests.support import REPOSITORY

CONFIG = """
seed: 0
data: {source: csv, path: rows.csv, target: kind, split: {test: 0.25}}
model: {layers: [Dense: {units: 4, activation: relu}]}
training: {epochs: 2, batch_size: 16}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("api")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 80)).round(3)
    frame = polars.DataFrame({"a": a, "b": b, "color": ["red", "blue"] * 40, "kind": np.where(a > 0, "up", "down")})
    frame.write_csv(made / "rows.csv")
    (made / "config.yaml").write_text(CONFIG)
    dltrain.fit(str(made / "config.yaml"), "training.epochs=3", run_dir=str(made / "run"))
    return made


def test_e3_what_is_documented_is_a_function() -> None:
    words = "from dltrain import compare, fit, sweep\nimport dltrain, dltrain.sweep.compare\nfrom dltrain import sweep as again\n"
    code = (
        words + "assert set(dltrain.__all__) <= set(dir(dltrain))\n"
        "import inspect\nprint(inspect.isfunction(sweep), again is sweep, inspect.isfunction(fit), dltrain.sweep is sweep)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 4
    for name in dltrain.__all__[1:]:
        assert inspect.isfunction(getattr(dltrain, name))
        assert inspect.getdoc(getattr(dltrain, name))


def test_e3_fit_takes_a_path_and_overrides(folder: Path) -> None:
    stored = dltrain.load_run(folder / "run")
    assert stored.config.training is not None
    assert stored.config.training.epochs == 3
    with pytest.raises(UsageError, match="takes no overrides"):
        dltrain.fit(dltrain.load_config(folder / "config.yaml"), "training.epochs=1")


def test_e3_predict_and_evaluate_take_a_path_a_frame_an_array(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = folder / "run"
    expected = dltrain.predict(run, folder / "rows.csv")
    assert expected.probabilities is not None
    frame = polars.read_csv(folder / "rows.csv")
    table = pandas.read_csv(folder / "rows.csv")
    array = frame.select("a", "b", "color").to_numpy()
    paths, columns, rows = (str(folder / "rows.csv"), [folder / "rows.csv"]), table.to_dict("list"), frame.to_dicts()
    for data in (*paths, frame, frame.lazy(), table, columns, rows, array):
        found = dltrain.predict(run, data)
        assert found.prediction == expected.prediction
        assert found.probabilities is not None
        np.testing.assert_allclose(found.probabilities["up"], expected.probabilities["up"], atol=1e-6)
    gaps = table.assign(color=table["color"].where(table.index > 2), b=table["b"].where(table.index > 2))
    with_gaps = dltrain.predict(run, gaps)
    assert with_gaps.prediction[3:] == expected.prediction[3:]
    lacking = [{"a": row["a"]} if number < 3 else row for number, row in enumerate(rows)]
    assert dltrain.predict(run, lacking).prediction == with_gaps.prediction
    assert expected.to_frame().columns == ["prediction", "probability_down", "probability_up"]
    assert not expected.warnings
    heard = dltrain.predict(run, table.assign(color="violet", more=1)).warnings
    assert [text for text in ("violet", "columns that the model does not use: more") if text not in str(heard)] == []
    assert "violet" in str(dltrain.evaluate(run, table.assign(color="violet")).warnings)
    assert dltrain.evaluate(run, table).metrics == dltrain.evaluate(run, str(folder / "rows.csv")).metrics
    monkeypatch.chdir(folder)
    (folder / "runs").mkdir(exist_ok=True)
    (folder / "runs" / "of-mine").symlink_to(run)
    assert dltrain.evaluate("of-m").part == "test"
    with pytest.raises(UsageError, match="rows of the 3 columns a, b, color"):
        dltrain.predict(run, np.zeros((2, 5)))
    with pytest.raises(UsageError, match="found int"):
        dltrain.predict(run, 3)
    with pytest.raises(UsageError, match="expected rows, found an empty list"):
        dltrain.predict(run, [])
    frame = polars.read_csv(folder / "rows.csv")
    for given in (frame.head(0), polars.DataFrame(), frame.head(0).lazy(), frame.head(0).to_dict(), np.zeros((0, 3))):
        with pytest.raises(UsageError, match=f"expected rows, found an empty {type(given).__name__}"):
            dltrain.evaluate(run, given)


def test_f8_the_weights_of_a_run_are_written_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from dltrain.cli.app import run as run_command

    stored = dltrain.load_run(folder / "run")
    model = stored.build(stored.checkpoint(None)[1])
    capsys.readouterr()
    assert run_command(["trace", str(folder / "run"), "--weights", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [array["name"] for array in document["arrays"]] == [variable.path for variable in model.weights]
    for array, variable in zip(document["arrays"], model.weights, strict=True):
        assert array["shape"] == list(variable.shape)
        np.testing.assert_array_equal(np.array(array["values"], np.float32), variable.numpy())
    assert run_command(["trace", str(folder / "run"), "--weights", "last"]) == 0
    text = capsys.readouterr().out
    assert "dense/kernel  4×4\n[[" in text
    assert run_command(["trace", str(folder / "run")]) == 2
    assert "there is nothing to compute with" in capsys.readouterr().err


def test_a_config_may_be_a_mapping_and_a_run_is_asked_directly(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import yaml

    monkeypatch.chdir(folder)
    done = dltrain.fit(yaml.safe_load(CONFIG), "training.epochs=3", run_dir="of-mapping")
    run = dltrain.load_run(done.run)
    assert run.metrics == dltrain.load_run(folder / "run").metrics == done.metrics
    assert run.history["epoch"].to_list() == [1, 2, 3]
    assert run.history["loss"].dtype == polars.Float64
    rows = polars.read_csv("rows.csv")
    assert run.predict(rows).prediction == dltrain.predict(folder / "run", rows).prediction
    assert run.evaluate().metrics == dltrain.evaluate(folder / "run").metrics
    assert run.build().count_params() == dltrain.load_run(folder / "run").build().count_params()
    page = dltrain.report(done.run, output="page.html")
    assert (folder / "page.html").read_text() == page
    assert page.startswith("<!DOCTYPE html>")
    assert dltrain.report([done.run, folder / "run"]).startswith("## 2 runs")
    assert capsys.readouterr().out == ""


def test_what_the_notebook_has_set_changes_no_run_and_is_as_it_was_after_it(folder: Path) -> None:
    import random

    import keras
    import tensorflow as tf

    def draw() -> list[float]:
        layer = keras.layers.Dense(1)
        layer.build((None, 1))
        own = [float(np.asarray(layer.kernel)[0, 0]), float(keras.random.normal(())), float(tf.random.normal(()))]
        return [*own, random.random(), float(np.random.rand())]

    def settings() -> list[object]:
        names = ("dtype_policy", "floatx", "epsilon", "image_data_format")
        found = [getattr(keras.config, name)() for name in names]
        return [found[0].name, *found[1:], tf.config.functions_run_eagerly()]

    before = settings()
    try:
        for call in (lambda: None, lambda: dltrain.fit(folder / "config.yaml", "training.epochs=3", run_dir=folder / "guest")):
            keras.config.set_floatx("float64")  # also after a run that was computed in this process
            keras.config.set_dtype_policy("mixed_bfloat16")
            keras.config.set_epsilon(1e-3)
            keras.config.set_image_data_format("channels_first")
            tf.config.run_functions_eagerly(True)
            keras.utils.set_random_seed(11)
            first, done = draw(), call()
            if done is None:
                expected = (first, draw(), settings())
        assert (first, draw(), settings()) == expected
        assert expected[2] == ["mixed_bfloat16", "float64", 1e-3, "channels_first", True]
        assert done is not None
        assert done.metrics == dltrain.load_run(folder / "run").metrics
        found = dltrain.predict(done.run, folder / "rows.csv")
        assert found.prediction == dltrain.predict(folder / "run", folder / "rows.csv").prediction
        assert settings() == expected[2]
    finally:
        tf.config.run_functions_eagerly(False)
        keras.config.set_dtype_policy(before[0])
        keras.config.set_floatx(before[1])
        keras.config.set_epsilon(before[2])
        keras.config.set_image_data_format(before[3])


def test_an_error_is_the_exception_with_the_text_of_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dltrain.cli.app import run as run_command

    with pytest.raises(ConfigError) as caught:
        dltrain.fit(folder / "config.yaml", "training.epoch=3")
    assert run_command(["fit", str(folder / "config.yaml"), "training.epoch=3"]) == caught.value.exit_code == 2
    assert caught.value.faults[0].message in capsys.readouterr().err
    with pytest.raises(ConfigError) as caught:
        dltrain.fit({"data": {"source": "digitz"}})
    assert 'unknown source "digitz"' in str(caught.value)


def test_a_run_goes_on_without_its_config(folder: Path) -> None:
    first = dltrain.fit(folder / "config.yaml", run_dir=folder / "short")
    done = dltrain.fit(None, "training.epochs=3", resume=str(first.run))
    assert done.metrics == dltrain.load_run(folder / "run").metrics


def test_importing_it_imports_nothing_heavy_and_a_fresh_python_can_use_it(folder: Path) -> None:
    code = (
        "import sys, dltrain\nheavy = [name for name in ('tensorflow', 'keras', 'polars', 'numpy') if name in sys.modules]\n"
        f"run = dltrain.load_run({str(folder / 'run')!r})\n"
        "print(heavy, run.history.height, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "[] 3 False\n"
    assert done.stderr == ""


def test_a_fit_prints_nothing_where_the_notebook_has_a_log_of_its_own(folder: Path) -> None:
    code = (
        "import logging, dltrain\nlogging.basicConfig()\n"
        f"dltrain.fit({str(folder / 'config.yaml')!r}, run_dir={str(folder / 'quiet')!r})\n"
        "logging.getLogger('dltrain').warning('heard')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if "dltrain" in line]
    assert (done.stdout, lines) == ("", ["WARNING:dltrain:heard"])
    assert "epoch 2: loss" in (folder / "quiet" / "log.txt").read_text()


def test_what_is_given_wrongly_is_told_in_the_terms_of_python(folder: Path) -> None:
    run = dltrain.load_run(folder / "run")
    frame = pandas.read_csv(folder / "rows.csv")
    with pytest.raises(DataError, match=r"^the DataFrame given: error: the column a is missing"):
        run.predict(frame.rename(columns={"a": "A"}))
    with pytest.raises(UsageError, match=r"found Series \(a single row: frame.iloc"):
        run.predict(frame.iloc[0])
    with pytest.raises(UsageError, match="columns of one length were expected, found a 2, b 1"):
        run.predict({"a": [1, 2], "b": [1]})
    with pytest.raises(UsageError, match=r"fit\(\) has no option rundir .did you mean .run_dir"):
        dltrain.fit(folder / "config.yaml", rundir="x")
    wrong = [
        (lambda: run.predict(frame, stpes=3), r"predict\(\) has no option stpes .did you mean .steps"),
        (lambda: run.predict(frame, since="2020"), "since needs steps"),
        (lambda: run.predict(frame, steps=3, top=2), "of steps, has no option top"),
        (lambda: run.evaluate(prat="test"), r"evaluate\(\) has no option prat .did you mean .part"),
        (lambda: dltrain.compare(run.path, run.path, pic=1), r"compare\(\) has no option pic"),
        (lambda: dltrain.report(), "a run is needed"),
        (lambda: dltrain.load_run(None), "run: expected a path, found nothing"),  # type: ignore[arg-type]
        (lambda: dltrain.fit(CONFIG, ["training.epochs=1"]), "expected KEY=VALUE words, found list"),  # type: ignore[arg-type]
        (lambda: dltrain.fit(folder / "config.yaml", run_dir=3), "run_dir: expected a path, found int"),
        (lambda: dltrain.fit(folder / "config.yaml", threads="a"), "threads: expected a whole number of 1 to 1,024, found str"),
        (lambda: dltrain.sweep(folder / "config.yaml", jobs=0), "jobs: expected a whole number of at least 1, found 0"),
        (lambda: dltrain.sweep(folder / "config.yaml", engine="x"), "engine: expected one of auto, stacked, processes, ray"),
        (lambda: dltrain.sweep(folder / "config.yaml", strategy="gird"), "strategy: expected one of grid, random"),
        (lambda: dltrain.fit(folder / "config.yaml", require=3), "require: expected a word or a list of words, found int"),
        (lambda: run.predict(np.array([[object()] * 3])), "expected values of a table, found object"),
    ]
    for call, text in wrong:
        with pytest.raises(UsageError, match=text):
            call()
    with pytest.raises(UsageError, match="expected a path, a mapping or a config, found list"):
        dltrain.fit([1])  # type: ignore[arg-type]
    with pytest.raises(
        ConfigError, match=r"data.path: expected what a config file may hold, found DataFrame \(write it to a file"
    ):
        dltrain.fit({"data": {"source": "csv", "path": frame, "target": "kind"}})
    with pytest.raises(UsageError, match="expected KEY=VALUE,VALUE words, found a mapping"):
        dltrain.sweep(folder / "config.yaml", over={"training.epochs": [1, 2]})
    assert repr(run) == f"LoadedRun({str(folder / 'run')!r})"


def test_a_mapping_may_hold_what_notebooks_hold() -> None:
    from dltrain.api import _config

    text = {"source": "csv", "path": (Path("a") / "b.csv",), "target": "y", "series": {"time": "t", "history": np.int64(3)}}
    text["series"]["holidays"] = [datetime.date(2024, 12, 25), pandas.Timestamp("2025-01-01").date()]  # type: ignore[index]
    training = {"optimizer": {"Adam": {"learning_rate": np.float32(0.5)}}, "shuffle": np.bool_(False)}
    config = _config({"data": text, "model": {"layers": [{"Dense": {"units": np.array(4)}}]}, "training": training}, ())
    assert config.data.path == (str(Path.cwd() / "a" / "b.csv"),)
    assert config.data.series is not None
    assert config.data.series.holidays == ("2024-12-25", "2025-01-01")
    assert config.data.series.history == 3
    assert config.training is not None
    assert config.training.optimizer.arguments["learning_rate"] == 0.5
    assert config.training.shuffle is False


def test_rows_of_the_csv_module_may_begin_with_the_mark_of_a_file(tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"\xef\xbb\xbfa,b\n1,x\n")
    with open(tmp_path / "rows.csv", encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert list(row) != ["a", "b"]
    assert _frame({name: [value] for name, value in row.items()}).columns == ["a", "b"]
