"""Where a first config names the preset, and what it says with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config import load_config_text
from dltrain.config.types import Config, LossConfig
from dltrain.data.load import load_dataset
from dltrain.starting.nets.preset import START_SECONDS, members_within, smoothed_loss
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes
from tests.support import run_dltrain


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLTRAIN_DATA", raising=False)


def start(columns: dict[str, Any], **options: Any) -> tuple[str, Config]:
    polars.DataFrame(columns).write_csv("t.csv")
    text = make_starter("t.csv", target="y", wishes=Wishes(**options)).text
    return text, load_config_text(text, file="first.yaml", folder=Path.cwd())


def mixed(rows: int) -> dict[str, Any]:
    """Two numbers, few categories, and more than nine of a name that is no word of YAML's or Python's."""
    generator = np.random.default_rng(0)
    x, z = generator.normal(size=(2, rows)).round(4)
    few = np.array(["a", "b", "c"])[generator.integers(0, 3, rows)]
    many = np.array([f"m{number}" for number in range(12)])[generator.integers(0, 12, rows)]
    y = (x + z**2 + (few == "a") + generator.normal(size=rows) / 4).round(3)
    return {"x": x, "z": z, "few": few, "1st of: many": many, "y": y}


def test_numbers_and_categories_come_by_inputs_of_their_own() -> None:
    text, config = start(mixed(1000))
    assert config.model.inputs == {"numbers": ["x", "z"], "categories": ["few"], "column_1st_of__many": ["1st of: many"]}
    assert config.data.scale == "smooth_clip"
    assert config.data.encode == {"1st of: many": "embedding"}
    assert config.data.task == "regression"
    names = [layer.component.name for layer in config.model.layers]
    assert names[:4] == ["PeriodicEmbedding", "Embedding", "Concatenate", "FeatureScaling"]
    embedding = config.model.layers[1].component.arguments
    assert embedding["output_dim"] == 8
    assert embedding["embeddings_initializer"].arguments == {"stddev": 1.0}
    assert config.training is not None
    assert config.training.optimizer.name == "AdamW"
    assert (config.training.reduce_lr_on_plateau, config.training.batch_size) == (None, 256)
    assert "RealMLP" in text
    shapes = {spec.name: spec.shape for spec in load_dataset(config.data, seed=config.seed).schema.inputs}
    assert shapes == {"numbers": (2,), "categories": (3,), "column_1st_of__many": ()}


@pytest.mark.parametrize(("waves", "name", "scale"), [(9, "realmlp_ple", "quantile"), (1, "realmlp", "smooth_clip")])
def test_numbers_are_embedded_by_ranges_where_those_tell_more_than_a_curve(waves: int, name: str, scale: str) -> None:
    columns = mixed(1000)
    columns["y"] = (columns["y"] + 4 * np.sin(waves * columns["x"])).round(3)
    text, config = start(columns)
    assert f"preset: {name}\n" in text
    assert config.data.scale == scale
    assert ("the ranges of x explain" in " ".join(text.replace("#", "").split())) == (name == "realmlp_ple")
    embedding = config.model.layers[0].component.name
    assert embedding == ("PiecewiseLinearEmbedding" if name == "realmlp_ple" else "PeriodicEmbedding")
    assert not config.warnings


def test_numbers_alone_need_no_inputs() -> None:
    columns = mixed(1000)
    _, config = start({name: columns[name] for name in ("x", "z", "y")})
    assert not config.model.inputs
    assert config.model.layers[0].component.name == "PeriodicEmbedding"


def test_labels_of_two_classes_are_smoothed_where_rows_are_few() -> None:
    columns = mixed(3000)
    text, config = start({**columns, "y": np.where(columns["y"] > 1, "yes", "no")})
    assert config.training is not None
    assert isinstance(config.training.loss, LossConfig)
    assert config.training.loss.component.arguments == {"label_smoothing": 0.1}
    assert config.evaluation.calibrate == "temperature"
    assert "draws probabilities to the middle" in text
    several = np.array(["low", "middle", "high"])[np.digitize(columns["y"], [0.5, 2])]
    _, config = start({**columns, "y": several})
    assert config.training is not None
    assert (config.training.loss, config.training.batch_size) == (None, 256)
    assert config.evaluation.calibrate is None
    assert smoothed_loss(2, 9_999) is not None
    assert smoothed_loss(2, 10_000) is None


@pytest.mark.parametrize("kind", ["few rows", "few classes", "words", "simple"])
def test_where_the_smaller_net_is_better_it_stays(kind: str) -> None:
    columns = mixed(36 if kind == "few rows" else 1000)
    if kind == "few classes":  # too few rows for classes, as against numbers
        columns["y"] = np.where(columns["y"] > 1, "yes", "no")
    if kind == "words":
        columns["also many"] = columns["and many"] = columns["1st of: many"][::-1]
    _, config = start(columns, simple=kind == "simple")
    assert config.model.layers[0].component.name == "Dense"
    assert not config.model.inputs
    assert config.training is not None
    assert config.training.members.folds == (5 if kind in ("few classes", "words") else None)


@pytest.mark.parametrize("rows", [1000, pytest.param(160, marks=pytest.mark.slow)])
def test_members_validate_on_folds_of_all_rows_but_the_test_part(rows: int) -> None:
    text, config = start(mixed(rows))
    assert "preset: realmlp" in text
    assert config.training is not None
    assert (config.training.members.folds, config.data.split.test, config.data.split.validation) == (10, 0.25, None)
    assert "each stopped by another fold of the rows" in text
    assert config.data.clip_target is True
    columns = mixed(1000)
    columns["also many"] = columns["and many"] = columns["1st of: many"][::-1]
    _, config = start(columns)
    assert config.training is not None
    assert (config.model.layers[0].component.name, config.training.members.folds) == ("Dense", 5)
    polars.DataFrame(columns).write_csv("t.csv")
    done = run_dltrain("init", "t.csv", "--target", "y", "--time", "2s", cwd=Path.cwd())
    config = load_config_text(done.stdout, file="first.yaml", folder=Path.cwd())
    assert config.training is not None
    assert (config.training.members.are_several, config.data.split.validation) == (False, 0.2)


def test_a_target_that_leans_a_little_is_learned_as_it_is() -> None:
    columns = mixed(3000)
    z = np.random.default_rng(1).normal(size=3000)
    assert start({**columns, "y": np.exp(10 + 0.6 * z).round(3)})[1].data.scale_target is True  # skewness 2.3
    assert start({**columns, "y": np.exp(10 + 2 * z).round(3)})[1].data.scale_target == "log"


def test_epochs_go_by_the_time() -> None:
    assert members_within(120, 1_000, 80) == (10, 256)
    assert members_within(120, 3_840, 80) == (10, 102)
    assert members_within(120, 3_841, 80) == (5, 191)
    assert members_within(120, 100_000, 80) == (1, 39)
    assert members_within(600, 100_000, 80) == (5, 39)
    assert members_within(1, 10_000_000, 80) == (1, 20)
    polars.DataFrame(mixed(3000)).write_csv("t.csv")
    done = run_dltrain("init", "t.csv", "--target", "y", "--time", "1s", cwd=Path.cwd())
    config = load_config_text(done.stdout, file="first.yaml", folder=Path.cwd())
    assert config.training is not None
    assert (config.training.members.number, config.training.epochs) == (1, 20)
    # What a fit takes beside its epochs is planned for as well.
    done = run_dltrain("init", "t.csv", "--target", "y", "--time", "40s", cwd=Path.cwd())
    config = load_config_text(done.stdout, file="first.yaml", folder=Path.cwd())
    assert config.training is not None
    folds, epochs = config.training.members.folds, config.training.epochs
    assert (folds, epochs) == members_within(40 - START_SECONDS, 1_800, 19)
    assert re.search(r"the fit takes about (3[5-9]|40) s on two cores", done.stdout)
    _, config = start(mixed(1000))
    assert config.training is not None
    assert (config.training.members.folds, config.training.epochs) == (10, 256)
    wrong = run_dltrain("init", "t.csv", "--target", "y", "--time", "soon", cwd=Path.cwd())
    assert wrong.returncode == 2
    assert "such as 90s, 10m or 1h" in wrong.stderr


@pytest.mark.slow
def test_it_is_trained_stored_and_exported_with_its_inputs() -> None:
    columns = mixed(700)
    polars.DataFrame(columns).write_csv("t.csv")
    Path("c.yaml").write_text(make_starter("t.csv", target="y").text)
    run_dltrain(
        "fit",
        "c.yaml",
        "training.epochs=15",
        "training.members=2",
        "data.split.validation=0.2",
        "--run-dir",
        "run",
        cwd=Path.cwd(),
    )
    run_dltrain("predict", "run", "--data", "t.csv", "-o", "p.csv", cwd=Path.cwd())
    run_dltrain("export", "run", "--format", "keras", "-o", "m.keras", cwd=Path.cwd())
    predicted = polars.read_csv("p.csv")["prediction"].to_numpy()
    assert np.corrcoef(predicted, columns["y"])[0, 1] > 0.9
    import keras
    import tensorflow as tf

    raw = {name: tf.constant(columns[name].astype("float32" if columns[name].dtype.kind == "f" else str)) for name in columns}
    model = keras.models.load_model("m.keras")
    given = {name: tf.reshape(raw[name], (-1, 1)) for name in columns if name != "y"}
    exported = np.asarray(model(given)).ravel() if not isinstance(model(given), dict) else next(iter(model(given).values()))
    assert np.allclose(np.asarray(exported).ravel(), predicted, rtol=1e-4, atol=1e-4)
