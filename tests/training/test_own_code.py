"""Own code is imported only at the word of the person at the keyboard, and is kept with the run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config
from dltrain.errors import ConfigError, RunError, UsageError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.build import make_component
from dltrain.model.keras_import import import_keras
from dltrain.model.own_code.importing import import_code
from dltrain.settings import trusting_code, trusts_code
from dltrain.sweep.sweep import sweep
from dltrain.training.fit import fit
from tests.own_code import CONFIG, SOURCE, write_config


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    with trusting_code():
        return fit(load_config(write_config(folder)), run_dir=folder / "run").run


@pytest.fixture(autouse=True)
def no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLTRAIN_TRUST_CODE", raising=False)


def test_without_the_word_nothing_runs(run: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    config = load_config(write_config(tmp_path, source=SOURCE + f"\nopen({str(marker)!r}, 'w')\n"))
    calls = [
        lambda: fit(config, run_dir=tmp_path / "new"),
        lambda: fit(load_config(run / "config.yaml"), resume=run),
        lambda: sweep(config, run_dir=tmp_path / "sweep"),
        lambda: evaluate(run, data=()),
        lambda: predict(run, data=["rows.csv"]),
        lambda: export(run, destination=tmp_path / "model.keras"),
        lambda: load_run(run).build(run / "checkpoints" / "best.h5"),
    ]
    for call in calls:
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.exit_code == 2
        assert "--trust-code" in (caught.value.faults[0].hint or "")
        assert "my_layers.py (SHA-256 " in caught.value.faults[0].message
    assert not marker.exists()
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "sweep").exists()


def test_the_word_holds_no_longer_than_it_is_given_for() -> None:
    with trusting_code():
        assert trusts_code()
    assert not trusts_code()


def test_a_run_keeps_the_file_and_uses_its_own_copy(run: Path) -> None:
    assert (run / "code" / "my_layers.py").read_text() == SOURCE
    stored = load_run(run)
    assert stored.config.code is not None
    assert stored.config.code.files[0].digest == json.loads((run / "manifest.json").read_text())["files"]["code/my_layers.py"]
    with trusting_code():
        found = predict(run, data=[str(run.parent / "rows.csv")]).prediction
        weights = load_run(run).build(run / "checkpoints" / "best.h5")
    rows = np.loadtxt(run.parent / "rows.csv", delimiter=",", skiprows=1)[:, :2]
    # By hand, with NumPy: s / (1 + |s|) · factor with s = x W + b, then a dense layer of 6 // 2 units, then the output.
    kernel, bias, factor, second, second_bias, last, last_bias = weights.get_weights()
    mean, deviation = _scale(run, rows)
    summed = (rows - mean) / deviation @ kernel + bias
    hidden = summed / (1 + np.abs(summed)) * factor
    expected = ((hidden @ second + second_bias) @ last + last_bias)[:, 0]
    assert second.shape == (4, 3)
    np.testing.assert_allclose(np.asarray(found[0] if len(found) == 1 else found, float).ravel(), expected, atol=1e-5)


def test_losses_and_functions_are_metrics_with_the_values_of_the_loss(run: Path) -> None:
    history = np.genfromtxt(run / "history.csv", delimiter=",", names=True)
    for prefix in ("", "val_"):
        for name in ("powers", "cubic"):  # with a power of 2 all three are the mean squared error
            np.testing.assert_allclose(history[f"{prefix}{name}"], history[f"{prefix}loss"], rtol=1e-5)


def test_functions_are_what_keras_makes_of_them_and_come_back_from_its_files(tmp_path: Path) -> None:
    import keras

    source = CONFIG.replace("{Cubic: {power: 2.0}}", "{powers: {power: 3.0}}", 1).replace(
        "kernel_constraint: squash", "kernel_regularizer: shrink"
    )
    config = load_config(write_config(tmp_path, source))
    assert config.training is not None
    with trusting_code():
        dense = make_component(import_keras(), config.model.layers[0].component, name="dense")
        loss = make_component(import_keras(), config.training.loss.component)
        metric = make_component(import_keras(), config.training.metrics[1])
    rows = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
    dense.build(rows.shape)
    sums = rows @ np.asarray(dense.kernel) + 0.05
    np.testing.assert_allclose(dense(rows), sums / (1 + np.abs(sums)), rtol=1e-5)
    np.testing.assert_allclose(dense.losses[0], 0.5 * (np.asarray(dense.kernel) ** 2).sum(), rtol=1e-6)
    true, found = np.array([[1.0], [2.0]], np.float32), np.array([[1.5], [4.0]], np.float32)
    for one in (loss, keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))):
        assert float(one(true, found)) == pytest.approx((0.5**3 + 2**3) / 2)
    metric.update_state(true, found)
    assert float(metric.result()) == pytest.approx((0.25 + 4) / 2)
    again = keras.layers.Dense.from_config(dense.get_config())
    assert (again.activation, again.kernel_regularizer) == (dense.activation, dense.kernel_regularizer)


def _scale(run: Path, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the training part."""
    train = np.load(run / "state" / "parts.npz")["train"]
    return rows[train].mean(axis=0), rows[train].std(axis=0)


def test_a_file_that_was_changed_in_a_run_is_refused(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "code" / "my_layers.py").write_text(SOURCE + "\n# a stranger's\n")
    with trusting_code(), pytest.raises(RunError, match="changed"):
        predict(tmp_path / "run", data=["rows.csv"])


def test_another_file_is_another_experiment_on_a_resume(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    config = load_config(
        write_config(tmp_path, source=SOURCE + "# changed\n"), ["training.epochs=4", f"data.path={run.parent}/rows.csv"]
    )
    with trusting_code(), pytest.raises(ConfigError) as caught:
        fit(config, resume=tmp_path / "run")
    assert caught.value.faults[0].path == "code.code/my_layers.py"


@pytest.mark.slow
def test_a_resume_ends_with_the_same_bits(run: Path, tmp_path: Path) -> None:
    file = run.parent / "own.yaml"
    with trusting_code():
        whole = fit(load_config(file, ["training.epochs=5"]), run_dir=tmp_path / "whole")
        shutil.copytree(run, tmp_path / "run")
        resumed = fit(load_config(tmp_path / "run" / "config.yaml", ["training.epochs=5"]), resume=tmp_path / "run")
    assert resumed.metrics == whole.metrics
    last = [load_run(path).config for path in (whole.run, resumed.run)]
    assert last[0].code == last[1].code


def test_the_file_of_the_model_opens_in_plain_keras(run: Path, tmp_path: Path, thorough: bool) -> None:
    import keras

    with trusting_code():
        done = export(run, destination=tmp_path / "model.keras")
    assert done.difference is not None
    assert done.difference < 1e-5
    model = keras.models.load_model(run / "checkpoints" / "best.h5")
    opening = "\n".join(done.usage[:-1]).replace("import keras, tensorflow as tf", "import keras")
    if thorough:
        subprocess.run([sys.executable, "-c", opening], check=True, capture_output=True)  # which knows none of these classes yet
    assert any("classes of the run's own code" in note for note in done.notes)
    assert [type(layer).__name__ for layer in model.layers][-3:-1] == ["Scale", "Halves"]
    assert model.optimizer.damping == 0.5
    assert model.loss.power == 2.0


@pytest.mark.parametrize(
    ("old", "new", "line_of", "message"),
    [
        ("import keras\n", "import keras\nimport no_such_package\n", "import no_such", "ModuleNotFoundError: No module named"),
        ("import keras\n", "import keras\nraise SystemExit(3)\n", "raise SystemExit", "SystemExit: 3"),
        (
            "return inputs * self.factor",
            "return inputs * self.facto",
            "inputs * self.facto",
            "AttributeError: 'Scale' object has no attribute 'facto'",
        ),
        ("self.start, self.mode = start, mode", "self.start = start / 0", "start / 0", "ZeroDivisionError: "),
        ("        return keras.ops.mean(", "        undefined\n        return keras.ops.mean(", "undefined", "NameError: "),
        (
            "        return keras.ops.mean(",
            "        return y_true[keras.ops.max(keras.ops.reshape(keras.ops.nonzero(y_true + 9.0)[0], (7, -1)))] + keras.ops.mean(",
            "(7, -1)",
            "InvalidArgumentError: Input to reshape is a tensor with",  # in the compiled steps
        ),
    ],
)
def test_what_goes_wrong_in_it_is_told_at_its_line(tmp_path: Path, old: str, new: str, line_of: str, message: str) -> None:
    source = SOURCE.replace(old, new, 1)
    config = load_config(write_config(tmp_path, source=source))
    with trusting_code(), pytest.raises(ConfigError) as caught:
        fit(config, run_dir=tmp_path / "run")
    fault = caught.value.faults[0]
    line = next(index for index, text in enumerate(source.splitlines(), 1) if line_of in text)
    assert Path(fault.file or "").name == "my_layers.py"
    assert fault.line == line
    assert fault.message.startswith(message)
    assert fault.hint


@pytest.mark.slow
def test_a_sweep_in_workers_has_the_word_and_the_file(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, CONFIG.replace("epochs: 3", "epochs: 1")))
    with trusting_code():
        done = sweep(config, over=["model.layers.1.start=0.5,1"], engine="processes", jobs=1, run_dir=tmp_path / "sweep")
    assert [trial["status"] for trial in done.trials] == ["finished", "finished"]
    assert (tmp_path / "sweep" / "code" / "my_layers.py").read_text() == SOURCE
    assert load_config(tmp_path / "sweep" / "best.yaml").code == config.code


def test_what_was_read_is_what_is_imported_and_kept_when_the_file_is_swapped(tmp_path: Path) -> None:
    file = write_config(tmp_path, CONFIG.replace("epochs: 3", "epochs: 1"))
    config = load_config(file)
    assert config.code is not None
    marker = tmp_path / "swapped"
    (tmp_path / "my_layers.py").write_text(f"open({str(marker)!r}, 'w')\n{SOURCE}")
    with trusting_code():
        run = fit(config, run_dir=tmp_path / "run").run
    assert not marker.exists()
    assert (run / "code" / "my_layers.py").read_text() == SOURCE
    assert load_run(run).config.code == config.code


def test_a_data_class_of_a_file_with_postponed_annotations(tmp_path: Path) -> None:
    more = "from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\nclass Pair:\n    a: int = 1\n"
    source = SOURCE.replace('"""Components of one kind each."""\n', more, 1)
    with trusting_code():
        config = load_config(write_config(tmp_path, source=source))
        assert config.code is not None
        assert "Scale" in import_code(import_keras(), config.code)
    assert "my_layers" not in sys.modules
