"""The shipped configs: each loads, says the same when resolved, fits through the command, and reaches its number."""

from __future__ import annotations

import json
import os
import re
import shlex
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from dltrain.config import dump_yaml, load_config, load_config_text, split_words
from tests.support import CONFIGS, data_folder, run_dltrain, shared_data

COMMAND = re.compile(r"#   (?:DLTRAIN_DATA=\S+ )?dltrain (\w+) ([^;]*)")


@dataclass(frozen=True)
class Expected:
    """What a shipped config needs and comes to: gates of the full run, and the share of the baseline's error it stays under."""

    data: str | None
    gates: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("train", "test")
    of_baseline: tuple[str, float] | None = None
    short: tuple[str, ...] = ()  # overrides of the fit of few epochs
    last: str = "last.h5"


WITH_VALIDATION = ("train", "validation", "test")
EXPECTED = {
    "adult": Expected("tabular/adult/adult-train.csv", ("accuracy>=0.85",), WITH_VALIDATION),
    "ag_news": Expected("text/ag_news_test/test.csv", ("accuracy>=0.88",), WITH_VALIDATION, short=("data.limit=900",)),
    "airline": Expected("timeseries/classic/airline-passengers.csv", (), WITH_VALIDATION, ("rmse", 0.5)),
    "autoencoder_mnist": Expected("mnist", ("mse<=0.007",), WITH_VALIDATION, ("mse", 0.4), ("data.limit=200",)),
    "beijing": Expected("timeseries/beijing_pm25/pollution.csv", (), WITH_VALIDATION, ("rmse", 0.985), ("data.limit=3000",)),
    "bikes": Expected(
        "tabular/bike_sharing/bike_sharing.csv",
        ("casual_rmse<=20", "registered_rmse<=60", "registered_r2>=0.85"),
        WITH_VALIDATION,
    ),
    "breast_cancer": Expected(None, ("accuracy>=0.94",)),
    "california": Expected("tabular/california_housing/housing.csv", ("rmse<=58000",), WITH_VALIDATION),
    "capacity": Expected("tabular/concrete/concrete_data.csv", ("rmse<=9.0",), WITH_VALIDATION),
    "clothing": Expected("clothing/train", ("accuracy>=0.75",), WITH_VALIDATION),
    "clothing_augmented": Expected("clothing", ("accuracy>=0.62",), WITH_VALIDATION, short=("data.limit=200",)),
    "clothing_cnn": Expected("clothing", ("accuracy>=0.5",), WITH_VALIDATION, short=("data.limit=100",)),
    "concrete": Expected("tabular/concrete/concrete_data.csv", ("rmse<=7.0",), WITH_VALIDATION),
    "denoise_mnist": Expected("mnist", ("mse<=0.01",), WITH_VALIDATION, ("mse", 0.6), ("data.limit=600",)),
    "dlinear": Expected("timeseries/classic/daily-min-temperatures.csv", ("mase<1",), WITH_VALIDATION, ("rmse", 0.9)),
    "diabetes": Expected(None, of_baseline=("rmse", 0.85)),
    "digits": Expected(None, ("accuracy>=0.96",)),
    "digits_rbm": Expected(None, ("accuracy>=0.95",), WITH_VALIDATION, short=("data.transform.0.n_iter=1",)),
    "food_words": Expected("glove/glove.6B.50d.top20k.txt", ("accuracy>=0.95",)),
    "iris": Expected(None, ("accuracy>=0.9",)),
    "learning_rates": Expected(None, ("accuracy>=0.93",), WITH_VALIDATION),
    "lfw": Expected("lfw", ("accuracy>=0.93",)),
    "lfw7": Expected("lfw", ("accuracy>=0.75",), WITH_VALIDATION),
    "mnist": Expected("mnist", ("accuracy>=0.99",), WITH_VALIDATION, short=("data.limit=600",)),
    "nbeats": Expected("timeseries/classic/daily-max-temperatures.csv", ("mase<1", "coverage_80>=0.7"), WITH_VALIDATION),
    "nhits": Expected(None, ("mase<1",), WITH_VALIDATION, ("rmse", 0.7)),
    "noise": Expected(None, ("accuracy>=0.45", "accuracy<=0.55")),
    "notices": Expected(None, ("f1_macro>=0.9", "average_precision>=0.9"), WITH_VALIDATION),
    "playground": Expected(None, ("accuracy>=0.95",)),
    "shapes_deeplab": Expected(None, ("mean_iou>=0.7",), WITH_VALIDATION, short=("data.rows=40",)),
    "shapes_xception": Expected(
        "weights/xception_imagenet_notop.weights.h5", ("mean_iou>=0.7",), WITH_VALIDATION, short=("data.rows=40",)
    ),
    "shapes_unet": Expected(None, ("mean_iou>=0.7",), WITH_VALIDATION, short=("data.rows=40",)),
    "shops": Expected(None, ("mase<1",), WITH_VALIDATION, ("rmse", 0.7)),
    "sms_spam": Expected(
        "text/sms_spam/sms_spam.csv", ("f1[spam]>=0.96",), WITH_VALIDATION, short=("data.limit=300", "training.members=2")
    ),
    "sms_spam_lstm": Expected(
        "text/sms_spam/sms_spam.csv", ("f1[spam]>=0.9",), WITH_VALIDATION, None, ("data.limit=800",), "last.keras"
    ),
    "sms_spam_transformer": Expected(
        "text/sms_spam/sms_spam.csv", ("f1[spam]>=0.96",), WITH_VALIDATION, short=("data.limit=800",)
    ),
    "tcn": Expected("timeseries/classic/monthly-sunspots.csv", ("mase<1",), WITH_VALIDATION, ("rmse", 1.0)),
    "titanic": Expected("tabular/titanic/train.csv", ("accuracy>=0.78",)),
    "wages": Expected("tabular/hourly_wages/hourly_wages_all534.csv", of_baseline=("rmse", 0.92)),
}
# Nets whose weights are given and that nothing is fitted to; their numbers are in tests/cli/test_trace.py.
BY_HAND = ("forward", "forward_one_layer", "gradient_step", "layer_of_five", "light_switch")
# Two epochs of clothing take minutes where the features of its pictures are not stored yet; the others are much like one that
# is fitted in the fast suite, or are fitted by the commands of the README.
SLOW = {
    "adult", "california", "learning_rates", "lfw", "mnist", "playground", "ag_news", "beijing", "bikes", "breast_cancer", "capacity", "clothing", "clothing_augmented", "clothing_cnn", "concrete", "denoise_mnist", "diabetes", "digits",
    "digits_rbm", "dlinear", "iris", "lfw7", "noise", "nbeats", "nhits", "shapes_deeplab", "shapes_unet", "shapes_xception", "shops", "sms_spam_lstm",
    "sms_spam_transformer", "tcn", "wages",
}  # fmt: skip
# Not one fit; its numbers are in tests/sweep/test_systems.py.
BY_SWEEP = ("folds",)
NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
FITTED = sorted(EXPECTED)


def test_every_config_is_known_here():
    assert sorted([*EXPECTED, *BY_HAND, *BY_SWEEP]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_loads_without_fault_and_resolved_says_the_same(name):
    config = load_config(CONFIGS / f"{name}.yaml")
    again = load_config_text(dump_yaml(config.resolved), folder=Path("/nowhere"))
    assert config.warnings == again.warnings == ()
    assert again == config
    assert again.sweep == config.sweep
    assert again.resolved == config.resolved


@pytest.mark.parametrize("name", NAMES)
def test_is_explained_and_its_commands_hold(name):
    """The comment at the top shows commands; a config that they name loads with the overrides they show."""
    text = (CONFIGS / f"{name}.yaml").read_text()
    head = re.match(r"(?:#.*\n)+", text)
    assert head is not None
    matches = [COMMAND.match(line) for line in head[0].splitlines()]
    commands = [(match[1], shlex.split(match[2], comments=True)) for match in matches if match is not None]
    assert ("trace" if name in BY_HAND else "fit", f"configs/{name}.yaml") in [(command, words[0]) for command, words in commands]
    for command, words in commands:
        if command in ("fit", "check"):
            files, overrides = split_words([word for word in words if not word.startswith("--")])
            assert files == [f"configs/{name}.yaml"]
            assert load_config(CONFIGS.parent / files[0], overrides).warnings == ()


def test_adult_takes_the_overrides_of_its_comment():
    overrides = ["training.optimizer.learning_rate=0.003", "model.layers.0.units=64"]
    config = load_config(CONFIGS / "adult.yaml", overrides)
    assert config.training is not None
    assert config.training.optimizer.arguments["learning_rate"] == 0.003
    first = config.model.layers[0].component
    assert (first.name, first.arguments["units"]) == ("Dense", 64)


def test_lfw_is_the_experiment_that_timings_speak_of():
    config = load_config(CONFIGS / "lfw.yaml")
    assert config.training is not None
    assert (config.training.epochs, config.training.batch_size) == (8, 16)
    assert (config.data.split.test, config.data.split.validation) == (0.25, None)
    assert config.data.arguments == {"min_faces_per_person": 200, "resize": 0.25}
    assert config.sweep is not None
    assert config.sweep.parameters == {"training.optimizer.learning_rate": [0.0001, 0.001, 0.01, 0.1]}


def fit_config(name: str, folder: Path, *words: str, **environment: str) -> CompletedProcess[str]:
    """`dltrain fit` of a shipped config in a folder of its own."""
    folder.mkdir(exist_ok=True)
    environment |= {"DLTRAIN_CACHE": os.environ["DLTRAIN_CACHE"], "DLTRAIN_OFFLINE": "1"}
    if data_folder() is not None:
        environment["DLTRAIN_DATA"] = str(data_folder())
    return run_dltrain("fit", str(CONFIGS / f"{name}.yaml"), "--json", *words, cwd=folder, **environment)


def need_data(name: str) -> None:
    if name == "sms_spam_transformer":
        pytest.importorskip("tokenizers")
    if (data := EXPECTED[name].data) is not None:
        shared_data(data)


def check_fit(name: str, done: CompletedProcess[str], folder: Path) -> dict:
    """The JSON document of a fit that must have gone well."""
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["status"] == "finished"
    assert set(document["metrics"]) == set(EXPECTED[name].parts)
    stored = folder / document["run"]
    assert load_config(stored / "config.yaml").warnings == ()
    assert {path.name for path in (stored / "checkpoints").iterdir()} >= {EXPECTED[name].last}
    return document


@pytest.fixture(scope="module")
def short_fits(request, tmp_path_factory, warm):
    """Two epochs of each config that this session asks for, two processes at a time."""
    items = [item for item in request.session.items if item.name.startswith("test_fits_with_few_epochs[")]
    folder = tmp_path_factory.mktemp("short")
    fits: dict[str, tuple[Path, Future[CompletedProcess[str]]]] = {}
    with ThreadPoolExecutor(2) as pool:
        skipped = set() if request.config.getoption("--slow") else SLOW
        for name in (item.callspec.params["name"] for item in items if item.callspec.params["name"] not in skipped):
            fits[name] = (
                folder / name,
                pool.submit(
                    fit_config, name, folder / name, "training.epochs=2", "evaluation=null", *EXPECTED[name].short, **warm
                ),
            )
        yield fits
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in FITTED])
def test_fits_with_few_epochs(name, short_fits):
    need_data(name)
    folder, future = short_fits[name]
    done = future.result()
    document = check_fit(name, done, folder)
    assert document["epochs"] == 2
    assert document["weights"] == ("best" if "validation" in EXPECTED[name].parts else "last")
    if name == "lfw":
        assert "14,501 parameters" in done.stderr
        assert document["baseline"]["accuracy"] == pytest.approx(0.693, abs=0.001)


@pytest.mark.slow
@pytest.mark.parametrize("name", FITTED)
def test_reaches_its_number(name, tmp_path):
    need_data(name)
    expected = EXPECTED[name]
    gates = [word for gate in expected.gates for word in ("--require", gate)]
    document = check_fit(name, fit_config(name, tmp_path, *gates), tmp_path)
    assert len(document["gates"]) >= len(expected.gates)
    assert all(gate["met"] for gate in document["gates"])
    if expected.of_baseline is not None:
        metric, share = expected.of_baseline
        assert document["metrics"]["test"][metric] < share * document["baseline"][metric]
    assert any("better than the baseline" in note for note in document["notes"]) == (name == "noise")


@pytest.mark.slow
def test_a_boltzmann_machine_s_features_beat_raw_pixels_under_the_same_layer(tmp_path):
    """Both the config without the machine and without any step, over three seeds, each of which splits otherwise."""
    means = {}
    for name, override in (("machine", ()), ("scaled", ("data.transform=[StandardScaler]",)), ("raw", ("data.transform=null",))):
        found = []
        for seed in (1, 2, 3):
            place = tmp_path / f"{name}{seed}"
            found.append(check_fit("digits_rbm", fit_config("digits_rbm", place, f"seed={seed}", *override), place))
        means[name] = np.mean([document["metrics"]["test"]["accuracy"] for document in found])
    assert means["machine"] > means["scaled"] + 0.02
    assert means["machine"] > means["raw"] + 0.02


@pytest.mark.slow
def test_adult_reaches_its_number_with_other_values(tmp_path):
    need_data("adult")
    words = ("training.optimizer.learning_rate=0.003", "model.layers.0.units=64", "--require", "accuracy>=0.85")
    check_fit("adult", fit_config("adult", tmp_path, *words), tmp_path)


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda file: file.stem)
def test_e6_each_config_says_where_its_data_comes_from(file: Path) -> None:
    text = file.read_text()
    words = ("https://", "github.com/", "download", "installed package", "scikit-learn")
    assert "data: none" in text or any(word in text for word in words)
