from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dltrain.config import dump_yaml, load_config, load_config_text, resolve
from dltrain.config.text.yaml_reader import MOST_BYTES
from dltrain.config.types import Component, LossConfig
from dltrain.errors import ConfigError
from dltrain.storage.bounds import most_of_run
from tests.config.support import DATA, faults_of, load
from tests.support import CONFIGS, REPOSITORY

LAYERS = DATA + "model:\n  layers:\n    - "
TRAINING = DATA + "training:\n  "
CSV = "data:\n  source: csv\n  path: a.csv\n  target: y\n  "

# text, line, column, path, a part of "message (hint)"
BROKEN = [
    ("name: a/b\n" + DATA, 1, 7, "name", 'such as "a-b"'),
    ("name: 5\n" + DATA, 1, 7, "name", "expected a name"),
    ("seed: -1\n" + DATA, 1, 7, "seed", "at least 0, found -1"),
    ("seed: 1.5\n" + DATA, 1, 7, "seed", "found 1.5"),
    ('seed: "1"\n' + DATA, 1, 7, "seed", "leave the quotes out"),
    ('parameters: {n: 1}\nseed: "$n"\n' + DATA, 2, 7, "seed", "leave the quotes out"),
    ("sed: 1\n" + DATA, 1, 1, "sed", 'did you mean "seed"?'),
    ("epochs: 3\n" + DATA, 1, 1, "epochs", "belongs under `training`"),
    ("batch_sise: 3\n" + DATA, 1, 1, "batch_sise", 'did you mean "batch_size", under `training`?'),
    ("seed: 1\n", 1, 1, "data", "missing"),
    ("data:\n", 1, 6, "data", "expected a mapping of keys, found nothing"),
    ("data: digits\n", 1, 7, "data", 'found text "digits"'),
    ("data: {limit: 1}\n", 1, 7, "data.source", "missing"),
    ("data: {source: digit}\n", 1, 16, "data.source", 'did you mean "digits"?'),
    ("data: {source: a.csv}\n", 1, 16, "data.source", "write source: csv and path: a.csv"),
    ("data: {source: [digits]}\n", 1, 16, "data.source", "expected the name of a source"),
    ("data: {source: csv, target: y}\n", 1, 16, "data.path", "needs `path`"),
    ("data: {source: csv, target: y, path: []}\n", 1, 38, "data.path", "needs `path`, found nothing"),
    ("data: {source: csv, target: y, path: null}\n", 1, 38, "data.path", "needs `path`, found nothing"),
    ("data: {source: parquet, target: y, path: }\n", 1, 42, "data.path", "needs `path`, found nothing"),
    ("data: {source: csv, path: a.csv}\n", 1, 16, "data.target", "needs `target`"),
    ("data: {source: digits, epochs: 4}\n", 1, 24, "data.epochs", "belongs under `training`"),
    ("data: {source: digits, min_faces_per_person: 4}\n", 1, 24, "data.min_faces_per_person", "of the source lfw_people, not of digits"),
    ("data: {source: lfw_people, min_face_per_person: 4}\n", 1, 28, "data.min_face_per_person", 'did you mean "min_faces_per_person"?'),
    ("data: {source: lfw_people, resize: 0}\n", 1, 36, "data.resize", "above 0"),
    ("data: {source: noise, shape: 5}\n", 1, 30, "data.shape", "write [5]"),
    ("data: {source: digits, separator: ;}\n", 1, 35, "data.separator", "digits is none"),
    ("data: {source: digits, split: {tst: 0.2}}\n", 1, 32, "data.split.tst", 'did you mean "test"?'),
    ("data: {source: digits, split: {test: 1.0}}\n", 1, 38, "data.split.test", "found 1.0"),
    ("data: {source: digits, split: {folds: 1}}\n", 1, 39, "data.split.folds", "at least 2"),
    (CSV + "split: {column: part, test: 0.2}\n", 5, 10, "data.split.test", "cannot say it too"),
    (CSV + "split: {column: part, stratify: false}\n", 5, 10, "data.split.stratify", "cannot say it too"),
    (CSV + "split: {group: id}\n", 5, 10, "data.split.group", "not how much"),
    (CSV + "split: {group: id, time: t, test: 0.1}\n", 5, 10, "data.split", "found group and time"),
    (CSV + "split: {test: 0.1}\n  test: b.csv\n", 6, 9, "data.test", "as files and as a share"),
    (CSV + "scale: minmaxx\n", 5, 10, "data.scale", 'did you mean "minmax"?'),
    (CSV + "features: {a: numbr}\n", 5, 17, "data.features.a", 'did you mean "number"?'),
    (CSV + "features: [a, y]\n", 5, 13, "data.features", "the column y is the target"),
    (CSV + "columns: [a, b]\n", 4, 11, "data.target", "no column y"),
    ("data: {source: csv, path: a.csv, target: [y, y]}\n", 1, 46, "data.target.1", "named twice"),
    ("data: {source: npz, path: a.npz, target: [y, z]}\n", 1, 42, "data.target", "npz has one target, found 2"),
    ("data: {source: digits, text: {ngrams: 2}}\n", 1, 30, "data.text", "digits has no columns of free text"),
    (CSV + "text: {vocabulary: 100}\n", 5, 22, "data.text.vocabulary", "found split: whitespace"),
    (CSV + "text: {split: bpe, max_tokens: 100}\n", 5, 34, "data.text.max_tokens", "it is `vocabulary`"),
    (CSV + "text: {split: bpe, ngrams: 2}\n", 5, 30, "data.text.ngrams", "finds by itself"),
    (CSV + "text: {split: wordpiece, vectors: v.txt}\n", 5, 37, "data.text.vectors", "makes pieces"),
    (CSV + "text: {ngrams: []}\n", 5, 18, "data.text.ngrams", "found an empty one"),
    (CSV + "text: {ngrams: 1000000}\n", 5, 18, "data.text.ngrams", "from 1 to 32"),
    (CSV + "series: {history: 3}\n  encode: {w: embedding}\n", 6, 15, "data.encode.w", "of a series are one-hot"),
    (CSV + "limit: 9\nmodel: {inputs: {n: [a], e: {shape: [2]}}}\n", 6, 29, "model.inputs.e", "no data goes into an input"),
    (CSV + "columns: [y, b, b]\n", 5, 19, "data.columns.2", "named twice"),
    (CSV + 'separator: ":;"\n', 5, 14, "data.separator", "single character"),
    (CSV + "encoding: utf9\n", 5, 13, "data.encoding", "unknown text encoding"),
    (CSV + "replace: {a: b}\n", 5, 16, "data.replace.a", "expected a mapping of old text to new"),
    (CSV + "missing: {a: b}\n", 5, 12, "data.missing", "expected a name or a list of names"),
    (CSV + "augment: RandomFlip\n", 5, 12, "data.augment", "expected a list of layers"),
    (CSV + "task: regresion\n", 5, 9, "data.task", 'did you mean "regression"?'),
    (LAYERS + "Dense: {unit: 8}\n", 4, 15, "model.layers.0.unit", 'did you mean "units"? Dense takes: units, activation'),
    (LAYERS + "Dense: {units: 8, name: hidden, activatoin: relu}\n", 4, 39, "model.layers.hidden.activatoin", 'did you mean "activation"?'),
    (LAYERS + "Dense\n", 4, 7, "model.layers.0", "Dense needs the argument units"),
    (LAYERS + "Dense: 8\n", 4, 14, "model.layers.0", "write Dense: {units: 8}"),
    (LAYERS + "Dense:\n      units: 8\n", 4, 7, "model.layers.0", "indent the arguments below the name"),
    (LAYERS + "Dense: {units: 0}\n", 4, 22, "model.layers.0.units", "at least 1, found 0"),
    (LAYERS + "Dense: {units: 8.0}\n", 4, 22, "model.layers.0.units", "found 8.0"),
    (LAYERS + "Dense: {units: ten}\n", 4, 22, "model.layers.0.units", 'found text "ten"'),
    (LAYERS + "Dense: {units: true}\n", 4, 22, "model.layers.0.units", "found true"),
    (LAYERS + "Dense: {units: 8, use_bias: yes}\n", 4, 35, "model.layers.0.use_bias", "write true or false"),
    (LAYERS + "Dense: {units: 8, activation: rleu}\n", 4, 37, "model.layers.0.activation", 'did you mean "relu"?'),
    (LAYERS + "Dense: {units: 8, activation: {LeakyReLU: {negative_slope: 0.1}}}\n", 4, 37, "model.layers.0.activation", "a layer of its own"),
    (LAYERS + "Dense: {units: 8, kernel_regularizer: l3}\n", 4, 45, "model.layers.0.kernel_regularizer", 'unknown regularizer "l3"'),
    (LAYERS + "Dense: {units: 8, kernel_regularizer: {L2: {l: 1}}}\n", 4, 51, "model.layers.0.kernel_regularizer.l", "unknown argument of L2"),
    (LAYERS + "Dense: {units: 8, kernel_initializer: he_norml}\n", 4, 45, "model.layers.0.kernel_initializer", 'did you mean "HeNormal"?'),
    (LAYERS + "Dense: {units: 8, input_shape: [4]}\n", 4, 25, "model.layers.0.input_shape", "follows from the data"),
    (LAYERS + "Dense: {units: 8, weights: [[[1, 2], [3]], [0, 0]]}\n", 4, 44, "model.layers.0.weights.0.1", "expected the shape [2]"),
    (LAYERS + "Dense: {units: 8, weights: [[a]]}\n", 4, 36, "model.layers.0.weights.0.0", "expected a number"),
    (LAYERS + "Dnese: {units: 8}\n", 4, 7, "model.layers.0", 'did you mean "Dense"?'),
    (LAYERS + "SGD\n", 4, 7, "model.layers.0", "SGD is an optimizer, not a layer"),
    (LAYERS + "tanh\n", 4, 7, "model.layers.0", "Activation: {activation: tanh}"),
    (LAYERS + "Lambda: {function: f}\n", 4, 7, "model.layers.0", "a config holds no code"),
    (LAYERS + "InputLayer: {shape: [3]}\n", 4, 7, "model.layers.0", "follows from the data"),
    (LAYERS + "Dropout: {rate: 1.5}\n", 4, 23, "model.layers.0.rate", "from 0 to 1 or a curve, found 1.5"),
    (LAYERS + "Conv2D: {filters: 8, kernel_size: [3, x]}\n", 4, 45, "model.layers.0.kernel_size.1", 'found text "x"'),
    (LAYERS + "Conv2D: {filters: 8, kernel_size: 3, padding: sme}\n", 4, 53, "model.layers.0.padding", 'did you mean "same"?'),
    (LAYERS + "Flatten: {name: 3}\n", 4, 23, "model.layers.0.name", "a position in the list"),
    (LAYERS + "Flatten: {name: a}\n    - Flatten: {name: a}\n", 5, 23, "model.layers.1.name", "taken, of model.layers.a"),
    (LAYERS + "Flatten: {from: b}\n    - Flatten: {name: b}\n", 4, 23, "model.layers.0.from", "comes later"),
    (LAYERS + "Flatten: {name: alpha}\n    - Flatten: {from: alpah}\n", 5, 23, "model.layers.1.from", 'did you mean "alpha"?'),
    (LAYERS + "Xception: {weights: imagnet}\n", 4, 27, "model.layers.0.weights", 'did you mean "imagenet"?'),
    (LAYERS + "Bidirectional: {layer: {LSTM: {unit: 4}}}\n", 4, 38, "model.layers.0.layer.unit", 'did you mean "units"?'),
    (LAYERS + "5\n", 4, 7, "model.layers.0", "found 5"),
    (DATA + "model: {layers: Dense}\n", 2, 17, "model.layers", "expected a list of layers"),
    (DATA + "model: {output: {Dense: {units: 1, activation: softmax}}}\n", 2, 48, "model.output.activation", "always 1"),
    (DATA + "model: {logits: 1}\n", 2, 17, "model.logits", "expected true or false"),
    (TRAINING + "optimizer: adm\n", 3, 14, "training.optimizer", 'did you mean "Adam"?'),
    (TRAINING + "optimizer: {SGD: {lr: 0.1}}\n", 3, 21, "training.optimizer.lr", 'did you mean "learning_rate"?'),
    (TRAINING + "optimizer: {SGD: {learning_rate: -1}}\n", 3, 36, "training.optimizer.learning_rate", "found -1"),
    (TRAINING + "optimizer: {SGD: {learning_rate: .nan}}\n", 3, 36, "training.optimizer.learning_rate", "found nan"),
    (TRAINING + "optimizer: {SGD: {momentum: 2}}\n", 3, 31, "training.optimizer.momentum", "from 0 to 1"),
    (TRAINING + "loss: hubr\n", 3, 9, "training.loss", 'did you mean "Huber"?'),
    (TRAINING + "metrics: accuracy\n", 3, 12, "training.metrics", "[accuracy]"),
    (TRAINING + "metrics: [rmse]\n", 3, 13, "training.metrics.0", 'did you mean "RootMeanSquaredError"?'),
    (TRAINING + "metrics: [mse, mse]\n", 3, 18, "training.metrics.1", "stands twice"),
    (TRAINING + "epochs: 0\n", 3, 11, "training.epochs", "at least 1"),
    (TRAINING + "epochs:\n", 3, 10, "training.epochs", "found nothing"),
    (TRAINING + "class_weight: {a: x}\n", 3, 21, "training.class_weight.a", 'found text "x"'),
    (TRAINING + "early_stopping: {patience: -2}\n", 3, 30, "training.early_stopping.patience", "found -2"),
    (TRAINING + "early_stopping: {patiense: 2}\n", 3, 20, "training.early_stopping.patiense", 'did you mean "patience"?'),
    (TRAINING + "early_stopping: {monitor: val_accurcy}\n", 3, 29, "training.early_stopping.monitor", 'did you mean "val_accuracy"?'),
    (TRAINING + "checkpoint: false\n", 3, 15, "training.checkpoint", "cannot be switched off"),
    (TRAINING + "checkpoint: {filepath: ../a.h5}\n", 3, 26, "training.checkpoint.filepath", "no .."),
    (TRAINING + "checkpoint: {filepath: /a.h5}\n", 3, 26, "training.checkpoint.filepath", "no absolute path"),
    (TRAINING + "checkpoint: {filepath: a.txt}\n", 3, 26, "training.checkpoint.filepath", "ends in .h5 or .keras"),
    (TRAINING + "checkpoint: {filepath: a.h5, format: keras}\n", 3, 26, "training.checkpoint.filepath", "ends in .keras"),
    (TRAINING + 'checkpoint: {filepath: "{epoch.__class__}.h5"}\n', 3, 26, "training.checkpoint.filepath", "found {epoch.__class__}"),
    (TRAINING + 'checkpoint: {filepath: "{epoch!r}.h5"}\n', 3, 26, "training.checkpoint.filepath", "found {epoch!r}"),
    (TRAINING + 'checkpoint: {filepath: "{epoch[0]}.h5"}\n', 3, 26, "training.checkpoint.filepath", "found {epoch[0]}"),
    (TRAINING + 'checkpoint: {filepath: "{epoch:.2q}.h5"}\n', 3, 26, "training.checkpoint.filepath", "does not fit epoch"),
    (TRAINING + 'checkpoint: {filepath: "{epoch.h5"}\n', 3, 26, "training.checkpoint.filepath", "cannot be read"),
    (TRAINING + 'checkpoint: {filepath: "{val_f1:.2f}.h5"}\n', 3, 26, "training.checkpoint.filepath", "no metric val_f1"),
    ("data: {source: digits}\ntraining: {early_stopping: {monitor: val_loss}}\n", 2, 38, "training.early_stopping.monitor", "data.split.validation"),
    ('data: {source: digits}\ntraining: {checkpoint: {filepath: "{val_loss}.h5"}}\n', 2, 35, "training.checkpoint.filepath", "validation part"),
    (DATA + "evaluation: {require: accuracy=0.9}\n", 2, 23, "evaluation.require", "one of >= > <= < was expected"),
    (DATA + "sweep: {parameters: {size: [1]}}\n", 2, 22, "sweep.parameters.size", "neither a parameter nor a key"),
    (DATA + "sweep: {parameters: {training.epochs: 3}}\n", 2, 39, "sweep.parameters.training.epochs", "write [3]"),
    (DATA + "sweep: {parameters: {training.epochs: 1..5}}\n", 2, 39, "sweep.parameters.training.epochs", "write {low: 1, high: 5}"),
    (DATA + "sweep: {parameters: {training.epochs: \"loguniform(1, 1e2)\"}}\n", 2, 39, "sweep.parameters.training.epochs", "write {low: 1, high: 1e2, log: true}"),
    (DATA + "sweep: {parameters: {training.epochs: \"range(1, 9, 2)\"}}\n", 2, 39, "sweep.parameters.training.epochs", "write {low: 1, high: 9, step: 2}"),
    (DATA + "sweep: {parameters: {training.epochs: {uniform: [1, 5]}}}\n", 2, 40, "sweep.parameters.training.epochs.uniform", "write low and high, such as {low: 0.1, high: 0.5}"),
    (DATA + "sweep: {parameters: {training.epochs: {low: 3}}}\n", 2, 39, "sweep.parameters.training.epochs", "needs `high`"),
    (DATA + "sweep: {parameters: {training.epochs: {low: 0, high: 1, log: true}}}\n", 2, 45, "sweep.parameters.training.epochs.low", "logarithmic"),
    (DATA + "sweep: {parameters: {training.epochs: {low: 8, high: 12, step: 50}}}\n", 2, 64, "sweep.parameters.training.epochs.step", "a step of 50 leads beyond 12: 8 is the only value"),
    (DATA + "sweep: {strategy: gird}\n", 2, 19, "sweep.strategy", 'did you mean "grid"?'),
    (DATA + "model: {logits: true}\ntraining: {loss: {BinaryCrossentropy: {from_logits: false}}}\n", 3, 53, "training.loss.from_logits", "is logits"),
    ("dta: {source: digits}\n", 1, 1, "dta", 'did you mean "data"?'),
    ("data: {sorce: digits}\n", 1, 8, "data.sorce", 'did you mean "source"?'),
    ("data: {source: mnist, scale: unit}\nmodel: {layers: [Xception]}\n", 1, 30, "data.scale", "brings its own scaling"),
    (DATA + "model:\n  layers: [{Dense: {units: $size}}]\n", 3, 28, "model.layers.0.units", "unknown parameter size"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "column", "path", "fragment"), BROKEN, ids=[f"{row[3]}-{index}" for index, row in enumerate(BROKEN)]
)
def test_a_fault_names_its_place_its_path_and_the_next_step(text: str, line: int, column: int, path: str, fragment: str) -> None:
    faults = faults_of(text)
    assert len(faults) == 1, [str(fault) for fault in faults]
    [fault] = faults
    assert (fault.file, fault.line, fault.column, fault.path) == ("c.yaml", line, column, path)
    assert fragment in f"{fault.message} ({fault.hint})"


def test_all_faults_come_together_in_the_order_of_their_places() -> None:
    faults = faults_of(
        "data: {source: digits}\nmodel:\n  layers:\n    - Flatten\n    - Dense: {unit: 14}\n    - Dense\ntraining:\n  optimzer: adam\n  epochs: -1\nsead: 3\n"
    )
    assert [(fault.line, fault.path) for fault in faults] == [
        (5, "model.layers.1.unit"),
        (6, "model.layers.2"),
        (8, "training.optimzer"),
        (9, "training.epochs"),
        (10, "sead"),
    ]
    assert str(faults[0]).startswith("c.yaml:5:15: error: model.layers.1.unit: unknown argument of Dense")


def test_a_number_out_of_range_is_not_told_to_be_a_list() -> None:
    with pytest.raises(ConfigError) as caught:
        load(DATA + "training: {metrics: [{Precision: {thresholds: 5}}]}\n")
    assert "from 0 to 1" in caught.value.faults[0].message
    assert caught.value.faults[0].hint is None


def test_very_many_faults_are_cut() -> None:
    faults = faults_of(DATA + "model:\n  layers:\n" + "    - Dense: {units: no}\n" * 1000)
    assert len(faults) == 101
    assert "more than 100 errors" in faults[-1].message


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("adam", "Adam", {}),
        ("ADAM", "Adam", {}),
        ("{sgd: {learning_rate: 1e-3}}", "SGD", {"learning_rate": 0.001}),
        ("{SGD: }", "SGD", {}),
        ("{rms_prop: {Rho: 0.9}}", "RMSprop", {"rho": 0.9}),
    ],
)
def test_components_are_found_whatever_their_case(text: str, kind: str, expected: dict[str, object]) -> None:
    config = load(DATA + f"training: {{optimizer: {text}}}\n")
    assert config.training is not None
    assert (config.training.optimizer.name, config.training.optimizer.arguments) == (kind, expected)


def test_nested_components_become_components() -> None:
    config = load(
        DATA
        + "model:\n  layers:\n    - Dense: {units: 8, kernel_regularizer: l2, kernel_initializer: {he_normal: {seed: 1}}, activation: Leaky_ReLU}\n"
        "training: {optimizer: {SGD: {learning_rate: {exponential_decay: {initial_learning_rate: 0.1, decay_steps: 10, decay_rate: 0.9}}}}}\n"
    )
    arguments = config.model.layers[0].component.arguments
    assert arguments["kernel_regularizer"] == Component("regularizer", "L2")
    assert arguments["kernel_initializer"] == Component("initializer", "HeNormal", {"seed": 1})
    assert arguments["activation"] == "leaky_relu"
    assert config.training is not None
    assert config.training.optimizer.arguments["learning_rate"].kind == "schedule"


def test_losses_and_metrics_by_short_name_keep_the_name_that_the_history_shows() -> None:
    training = load(DATA + "training: {loss: mse, metrics: [accuracy, acc, mae, AUC, binary_accuracy, Huber]}\n").training
    assert training is not None
    assert training.loss == LossConfig(Component("loss", "MeanSquaredError"))
    assert training.metrics == (
        Component("metric", "accuracy"),
        Component("metric", "accuracy", {"name": "acc"}),
        Component("metric", "MeanAbsoluteError", {"name": "mae"}),
        Component("metric", "AUC"),
        Component("metric", "BinaryAccuracy"),
        Component("loss", "Huber"),
    )


def test_a_single_key_under_loss_is_a_loss_unless_a_target_has_that_name() -> None:
    data = "data: {source: csv, path: a.csv, target: %s}\n"
    one = load(data % "y" + "training: {loss: {Huber: {delta: 2}}}\n").training
    named = load(data % "Huber" + "training: {loss: {Huber: mse}}\n").training
    several = load(data % "[a, b]" + "training: {loss: {a: mse, b: {Huber: {delta: 2}, weight: 0.5}}}\n").training
    assert one is not None
    assert one.loss == LossConfig(Component("loss", "Huber", {"delta": 2}))
    assert named is not None
    assert named.loss == {"Huber": LossConfig(Component("loss", "MeanSquaredError"))}
    assert several is not None
    assert isinstance(several.loss, dict)
    assert several.loss["b"] == LossConfig(Component("loss", "Huber", {"delta": 2}), 0.5)


def test_without_a_validation_part_the_defaults_watch_the_training_loss() -> None:
    training = load(
        "data: {source: digits}\ntraining: {early_stopping: true, checkpoint: {filepath: a.h5, save_best_only: true}}\n"
    ).training
    assert training is not None
    assert training.early_stopping == {"monitor": "loss"}
    assert training.checkpoint.monitor == "loss"
    validated = load(DATA + "training: {early_stopping: true, tensorboard: false}\n").training
    assert validated is not None
    assert validated.early_stopping == {}
    assert validated.tensorboard is None


def test_a_template_s_ending_chooses_the_format() -> None:
    training = load(DATA + 'training: {checkpoint: {filepath: "m_{epoch:02d}_{val_accuracy:.3f}.keras"}}\n').training
    assert training is not None
    assert training.checkpoint.format == "keras"


def test_training_none_and_given_weights() -> None:
    config = load(
        DATA
        + "model: {layers: [{Dense: {units: 1, activation: binary_step, weights: [[[-1]], [50]], name: switch}}]}\ntraining: none\n"
    )
    assert config.training is None
    assert config.model.layers[0].weights == [[[-1]], [50]]
    assert config.model.layers[0].path == "model.layers.switch"


def test_paths_are_looked_for_in_the_config_s_folder_then_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs, data = tmp_path / "configs", tmp_path / "data"
    for folder in (configs, data):
        folder.mkdir()
    (configs / "here.csv").write_text("a")
    (data / "there.csv").write_text("a")
    monkeypatch.setenv("DLTRAIN_DATA", str(data))
    monkeypatch.chdir(tmp_path)

    def paths(path: str, *overrides: str) -> tuple[str, ...]:
        return load(f"data: {{source: csv, target: y, path: {path}}}\n", *overrides, folder=configs).data.path

    assert paths("here.csv") == (str(configs / "here.csv"),)
    assert paths("there.csv") == (str(data / "there.csv"),)
    assert paths("nowhere.csv") == (str(configs / "nowhere.csv"),)
    assert paths("[here.csv, 'the*.csv']") == (str(configs / "here.csv"), str(data / "the*.csv"))
    assert paths("here.csv", "data.path=mine.csv") == (str(tmp_path / "mine.csv"),)
    assert paths("/a/../b.csv") == ("/b.csv",)


RICH = [
    DATA,
    "data: {source: iris}\ntraining: none\n",
    "parameters: {size: 10, opt: {SGD: {momentum: 0.9}}}\n"
    + DATA
    + "model: {layers: [Flatten, {Dense: {units: $size, name: h}}]}\n"
    "training: {optimizer: $opt}\nsweep: {parameters: {size: [1, 2], seed: [1, 2]}}\n",
    """
name: adult
seed: 7
data:
  source: csv
  path: [adult-train.csv, more/*.csv]
  test: adult-test.csv
  target: income
  columns: [age, zip, note, income, w, "NO", "1"]
  header: false
  separator: "\\t"
  missing: ["?", "", NA, 0]
  features: {age: number, zip: category, note: }
  drop: ["NO"]
  identifiers: "1"
  weight: w
  replace: {income: {"<=50K.": "<=50K", 1: 0}}
  impute: {age: -1.5}
  encode: one_hot
  scale: none
  split: {validation: 0.2, stratify: false, seed: 9}
  augment: [GaussianNoise: {stddev: 0.1}]
  limit: 100
model:
  layers:
    - Embedding: {input_dim: 10, output_dim: 2, from: zip, name: e}
    - Dense: {units: 8, name: a, from: features, kernel_regularizer: {L1L2: {l1: 1e-5}}, weights: [[[1.5, 2]], [0]]}
    - Concatenate: {from: [a, e], axis: -1}
    - Bidirectional: {layer: {LSTM: {units: 3}}, merge_mode: null}
    - Xception: {weights: none, trainable: false}
    - VGG16: {weights: w/vgg.weights.h5}
  output: {Dense: {units: 1, activation: sigmoid, from: a}}
training:
  optimizer: {Adam: {learning_rate: {PiecewiseConstantDecay: {boundaries: [10, 20], values: [0.1, 1e-3, 1e-05]}}}}
  loss: {BinaryFocalCrossentropy: {gamma: 3.0}}
  metrics: [accuracy, mse, {AUC: {name: area, curve: pr}}]
  class_weight: {"<=50K": 1, ">50K": 2.5}
  early_stopping: {monitor: val_area, mode: max, patience: 3}
  reduce_lr_on_plateau: true
  tensorboard: {histogram_freq: 1}
  checkpoint: {filepath: "sub/{epoch:02d}_{val_area:.3f}.keras", monitor: val_area}
  jit_compile: false
evaluation: {require: ["accuracy>=0.9", loss < 1]}
sweep:
  parameters:
    training.optimizer: [adam, {SGD: {momentum: 0.9}}]
    model.layers.a.units: {low: 4, high: 64, log: true}
  seeds: 3
""",
]


@pytest.mark.parametrize("text", RICH)
def test_the_resolved_config_is_the_same_experiment(text: str, tmp_path: Path) -> None:
    config = load(text, folder=tmp_path)
    again = load(dump_yaml(config.resolved), folder=Path("/elsewhere"))
    assert again == config
    assert again.resolved == config.resolved
    assert dump_yaml(again.resolved) == dump_yaml(config.resolved)


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda file: file.name)
def test_shipped_configs_survive_being_resolved(file: Path) -> None:
    config = load_config(file)
    assert not config.warnings
    again = load(dump_yaml(config.resolved), folder=Path("/elsewhere"))
    assert again == config


def test_inferred_values_go_into_the_resolved_config() -> None:
    config = load("data: {source: csv, path: a.csv, target: y}\n")
    inferred = {
        "data.task": "classification",
        "data.separator": ",",
        "data.split.test": 0.25,
        "model.output": {"Dense": {"units": 1, "activation": "sigmoid"}},
        "training.loss": "BinaryCrossentropy",
    }
    resolved = resolve(config, inferred)
    assert "task" not in config.resolved["data"]
    again = load(dump_yaml(resolved))
    assert again.data.task == "classification"
    assert again.data.split.test == 0.25
    assert again.training is not None
    assert again.training.loss == LossConfig(Component("loss", "BinaryCrossentropy"))
    untrained = load("data: {source: csv, path: a.csv, target: y}\ntraining: none\n")
    assert resolve(untrained, inferred)["training"] == "none"


def test_the_name_follows_from_the_file() -> None:
    assert load_config_text(DATA, file="configs/my config (2).yaml", folder=Path()).name == "my-config-2"
    assert load("name: lfw.v2\n" + DATA).name == "lfw.v2"


def test_files_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "lfw.yaml").write_text(DATA)
    for file, fragment in (
        (tmp_path / "lwf.yaml", 'did you mean "lfw.yaml"?'),
        (tmp_path, "found a folder"),
        (tmp_path / "none" / "a.yaml", "there is no folder"),
        ("a\0b.yaml", "cannot be read"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_config(file)
        assert caught.value.exit_code == 2
        assert len(caught.value.faults) == 1
        assert fragment in str(caught.value)
    assert load_config(tmp_path / "lfw.yaml").file == tmp_path / "lfw.yaml"


def test_loading_imports_nothing_heavy() -> None:
    program = (
        "import sys; from pathlib import Path; from dltrain.config import load_config_text\n"
        "load_config_text('data: {source: digits}', folder=Path('.'))\n"
        "print([name for name in ('tensorflow', 'keras', 'numpy', 'polars', 'sklearn', 'rich', 'pydantic') if name in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, check=True, timeout=300)
    assert done.stdout.strip() == "[]"


def test_the_target_of_an_archive_is_an_array_of_it() -> None:
    text = "data: {source: npz, path: a.npz, target: z}\n"
    assert load(text).data.arguments["targets"] == "z"
    assert load(text, "data.targets=y").data.arguments["targets"] == "y"


@pytest.mark.parametrize(
    "filepath",
    [
        "{epoch:c}tmp/x.h5",
        "{epoch:/>9}x.h5",
        "{loss:/<20}.h5",
        "{epoch:\u0660>5d}.h5",
        "{epoch:,}.h5",
        "{epoch:b}.h5",
        "{loss:+.3f}.h5",
        "{loss:100f}.h5",
        "a" * 201 + ".h5",
        "ü" * 120 + ".h5",
        "../x.h5",
        "/x.h5",
        "a/../../x.h5",
        "x\\..\\y.h5",
        "C:x.h5",
    ],
)
def test_attack_1_a_checkpoint_s_name_stays_inside_of_the_run(filepath, tmp_path):
    import json

    text = (
        "data: {source: digits}\nmodel: {layers: [Flatten]}\n"
        f"training: {{checkpoint: {{filepath: {json.dumps(filepath)}}}}}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_config_text(text, folder=tmp_path)
    assert {fault.path for fault in caught.value.faults} == {"training.checkpoint.filepath"}


@pytest.mark.parametrize(
    "log_dir", ["/tmp/x", "../x", "a/../../x", "~/x", "C:x", ".", "state", "./checkpoints/x", "manifest.json", "x" * 201]
)
def test_attack_2_tensorboard_writes_inside_of_the_run(log_dir, tmp_path):
    text = f"data: {{source: digits}}\nmodel: {{layers: [Flatten]}}\ntraining: {{tensorboard: {{log_dir: '{log_dir}'}}}}\n"
    with pytest.raises(ConfigError) as caught:
        load_config_text(text, folder=tmp_path)
    assert [fault.path for fault in caught.value.faults] == ["training.tensorboard.log_dir"]


def test_averages_are_asked_for_in_one_word() -> None:
    phases = ", phases: [{epochs: 1}, {epochs: 1, optimizer: {SGD: {momentum: 0.5}}}]"
    asked = load(DATA + "training: {average: ema, optimizer: {Adam: {ema_momentum: 0.9}}" + phases + "}")
    spelled = "training: {average: true, optimizer: {Adam: {ema_momentum: 0.9, use_ema: true}}"
    assert asked == load(DATA + spelled + phases.replace("0.5", "0.5, use_ema: true") + "}")
    assert load(dump_yaml(asked.resolved)) == asked
    [fault] = faults_of(DATA + "training: {average: ema, optimizer: {Adam: {use_ema: false}}}")
    assert (fault.path, fault.message) == ("training.average", "Adam says `use_ema: false`")
    assert "ema" in faults_of(DATA + "training: {average: sma}")[0].message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a/" * 100_000, "expected a path of at most 4,096 characters, found one of 200,000"),
        ("*/" * 1500 + "*.csv", "expected a pattern of at most 100 folders in each other, found one of 1,500"),
    ],
)
def test_a_path_without_end_is_not_looked_for(path: str, message: str) -> None:
    words = [f"data.path='{path}'", f"data.text={{vectors: '{path}'}}", f"data.preprocessing='{path}'", f"model.weights='{path}'"]
    with pytest.raises(ConfigError) as caught:
        load_config_text(
            "data: {source: csv, target: y}\nmodel: {layers: [Flatten]}\n", folder=Path("."), file="a", overrides=words
        )
    assert [fault.message.partition(", in ")[0] for fault in caught.value.faults if "at most" in fault.message] == [message] * 4


def test_everywhere_twice_is_everywhere() -> None:
    config = load_config_text(
        "data: {source: csv, target: y, path: '/x/**/**/**/*.csv'}\nmodel: {layers: [Flatten]}\n", folder=Path("."), file="a"
    )
    assert config.data.path == ("/x/**/*.csv",)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("training.optimizer.SGD.learning_rate=0.1", "for SGD in the place of Adam write {SGD: {learning_rate: 0.1}}."),
        ("training.optimizer.Adam.sgd={}", "for SGD in the place of Adam write SGD."),
    ],
)
def test_another_component_among_the_arguments_of_one_is_told_where_it_belongs(word: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config_text("data: {source: digits}\nmodel: {layers: [Flatten]}\n", folder=Path(), overrides=[word])
    assert (caught.value.faults[0].hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ("path: a.csv, test: a.csv", "test"),
        ("path: [a.csv, b.csv], validation: ./b.csv", "validation"),
        ("path: a.csv, validation: b.csv, test: b.csv", "test"),
        ("path: a.csv, test: b.csv", None),
        ("path: a.csv, split: {test: 0.2}", None),
    ],
)
def test_one_file_for_two_parts_is_said(keys: str, part: str | None) -> None:
    config = load(f"data: {{source: csv, target: y, {keys}}}\n")
    assert [fault.path for fault in config.warnings] == ([] if part is None else [f"data.{part}"])


def test_a_word_that_is_no_number_without_quotes_either_keeps_them() -> None:
    assert faults_of(DATA + 'training: {epochs: "x"}\n')[0].hint is None
    assert faults_of(DATA, 'training.epochs="x"')[0].hint is None
    assert faults_of(DATA, "training.warmup=101 %")[0].hint == "at most 100 %, which is the whole training"
    assert faults_of(DATA, "training.warmup=3 weeks")[0].hint == "such as 3 epochs, or 10 %"


def test_a_config_of_many_long_names_is_read_again_as_it_is_resolved(tmp_path: Path) -> None:
    names = [f"a_column_of_the_survey_of_last_year_{index:06d}" for index in range(24_000)]
    text = f"data: {{source: csv, path: t.csv, target: y, features: [{', '.join(names)}]}}\nmodel: {{layers: [Flatten]}}\n"
    assert len(text) > 1 << 20
    resolved = load_config_text(text, folder=tmp_path).resolved
    again = dump_yaml(resolved)
    assert len(again) < most_of_run("config.yaml") == MOST_BYTES
    assert list(load_config_text(again, folder=tmp_path).data.features or ()) == names
