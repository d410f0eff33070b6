"""Words of Keras, scikit-learn and of older versions are answered with the words of today."""

from __future__ import annotations

import re

import pytest

from dltrain.config.aliases import KNOWN_ARGUMENTS, KNOWN_ELSEWHERE, OLD_COMMANDS, OLD_WORDS, from_call, from_mapping, said_here
from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.help.explain import explain
from dltrain.config.keys import KEYS
from dltrain.config.load import load_config, load_config_text
from dltrain.config.overrides import split_words
from dltrain.errors import ConfigError, UsageError
from dltrain.wording import normalize

FIND = {kind: (lambda name, kind=kind: load_catalog().find(kind, name)) for kind in load_catalog().kinds()}


def faults(tmp_path, *, layers="[Flatten]", training="{epochs: 1}", data="", top="", words=()):
    text = f"data: {{source: csv, path: t.csv, target: y{data}}}\nmodel: {{layers: {layers}}}\ntraining: {training}\n{top}\n"
    with pytest.raises(ConfigError) as caught:
        load_config_text(text, folder=tmp_path, overrides=words)
    return caught.value.faults


@pytest.mark.parametrize(
    ("call", "kind", "spelled"),
    [
        ("SGD(lr=0.01)", "optimizer", "SGD: {learning_rate: 0.01}"),
        ("Adam()", "optimizer", "Adam"),
        ("keras.optimizers.Adam(1e-3)", "optimizer", "Adam: {learning_rate: 0.001}"),
        ("Dense(32, activation='relu')", "layer", "Dense: {units: 32, activation: relu}"),
        ("layers.Conv2D(8, (3, 3), border_mode='same')", "layer", "Conv2D: {filters: 8, kernel_size: [3, 3], padding: same}"),
        ("Dense(16", "layer", "Dense: {…}"),
        ("l2(0.01)", "regularizer", "L2: {l2: 0.01}"),
        ("Dense(n_units, use_bias=False)", "layer", "Dense: {units: n_units, use_bias: false}"),
        ("Adam", "optimizer", None),
        ("nothing(3)", "layer", None),
        ("(3)", "layer", None),
    ],
)
def test_f7_a_call_of_python_is_spelled_as_a_component(call, kind, spelled):
    assert from_call(call, FIND[kind]) == spelled


@pytest.mark.parametrize(
    ("values", "kind", "spelled"),
    [
        ({"type": "Dense", "units": 4}, "layer", "Dense: {units: 4}"),
        ({"name": "SGD", "lr": 0.1}, "optimizer", "SGD: {learning_rate: 0.1}"),
        ({"class_name": "Dense", "config": {"units": 3}}, "layer", "Dense: {units: 3}"),
        ({"units": 3, "activation": "relu"}, "layer", None),
    ],
)
def test_f7_a_component_named_by_one_of_its_keys(values, kind, spelled):
    assert from_mapping(values, FIND[kind]) == spelled


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"training": "{optimizer: SGD(lr=0.01)}"}, "write SGD: {learning_rate: 0.01}"),
        ({"training": "{optimizer: {name: SGD, lr: 0.01}}"}, "write SGD: {learning_rate: 0.01}"),
        ({"training": "{optimizer: Adam()}"}, "write Adam"),
        ({"training": "{optimizer: {type: adam}}"}, "write Adam"),
        ({"training": "{optimizer: {name: adam}}"}, "write Adam"),
        ({"training": "{optimizer: {type: nadamm, learning_rate: 0.1}}"}, "write Nadam: {learning_rate: 0.1}"),
        ({"training": "{optimizer: {type: keras.optimizers.Adam, lr: 0.1}}"}, "write Adam: {learning_rate: 0.1}"),
        ({"training": "{optimizer: keras.optimizers.Adam}"}, "write Adam"),
        ({"training": "{optimizer: tf.keras.optimizers.Adamm}"}, "write Adam"),
        ({"training": "{loss: {type: mse}}"}, "write MeanSquaredError"),
        ({"training": "{loss: tf.keras.losses.MeanSquaredError}"}, "write MeanSquaredError"),
        ({"training": "{loss: nothing_near_it_at_all}"}, "losses: "),
        ({"training": "{metrics: [keras.metrics.AUC]}"}, "write AUC"),
        ({"training": "{early_stopping: 5}"}, "write training.early_stopping: {patience: 5}"),
        ({"training": "{early_stopping: val_accuracy}"}, "write training.early_stopping: {monitor: val_accuracy}"),
        ({"training": "{reduce_lr_on_plateau: 0.1}"}, "write training.reduce_lr_on_plateau: {factor: 0.1}"),
        ({"training": "{checkpoint: best.h5}"}, "write training.checkpoint: {filepath: best.h5}"),
        ({"training": "{tensorboard: logs}"}, "write training.tensorboard: {log_dir: logs}"),
        ({"layers": "[{type: flatten}]"}, "write Flatten"),
        ({"layers": "[horizontal_flip]"}, "write data.augment: [{RandomFlip: {mode: horizontal}}]"),
        ({"layers": "[{Dense: [10]}]"}, "write Dense: {units: 10}"),
        ({"layers": "[{Dropout: {rate: 50%}}]"}, "write 0.5"),
        ({"layers": "[{Dropout: {rate: 50}}]"}, "write 0.5"),
        ({"layers": "[{Conv2D: {filters: 3, kernel_size: 2x2}}]"}, "write [2, 2]"),
        ({"training": "{loss: crossentropy}"}, "leave `loss` out"),
        ({"training": "{loss: cross_entropy}"}, "leave `loss` out"),
        ({"training": "{epochs: 30.0}"}, "write 30"),
        ({"data": ", series: {time: t, lookback: 12}"}, "data.series.history"),
        ({"data": ", text: {vocab_size: 100}"}, "data.text.max_tokens"),
        ({"data": ", text: {maxlen: 100}"}, "data.text.output_sequence_length"),
        ({"top": "sweep: {strategy: bayesian}"}, "write tpe"),
        ({"training": "{optimizer: {SGD: {learning_rate: '0,01'}}}"}, "write 0.01"),
        ({"data": ", split: {test: 25}"}, "write 0.25"),
        ({"data": ", split: {test: 20%}"}, "write 0.2"),
        ({"data": ", split: {train: 0.8, test: 0.2}"}, "what data.split.test and data.split.validation leave"),
        ({"data": ", split: {kfold: 5}"}, "data.split.folds"),
        ({"data": ", sep: ';'"}, "data.separator"),
        ({"data": ", task: binary"}, "write classification"),
        ({"data": ", task: classify"}, "write classification"),
        ({"data": ", scale: StandardScaler"}, "write standard"),
        ({"data": ", features: {a: numeric}"}, "write number"),
        ({"data": ", features: a"}, "write [a]"),
        ({"layers": "[keras.layers.Flatten]"}, "write Flatten"),
        ({"layers": "[{tf.keras.layers.Dense: {units: 3}}]"}, "write Dense"),
        ({"layers": "[{layers.Dense: {units: 3}}]"}, "write Dense"),
        ({"layers": "[{Dense: {units: 3, kernel_initializer: he}}]"}, 'did you mean "HeNormal"?'),
        ({"layers": "[{Dense: {units: 3, kernel_initializer: xavier}}]"}, 'did you mean "GlorotUniform"?'),
        ({"layers": "[{Dense: {units: 3, kernel_initializer: keras.initializers.HeUniform}}]"}, "write HeUniform"),
        ({"layers": "[{Dense: {units: 3, kernel_regularizer: ridge}}]"}, 'did you mean "L2"?'),
        ({"layers": "[{Dense: {units: 3, activation: tf.nn.relu}}]"}, "write relu"),
        ({"layers": "[{Dense: {units: 3, activation: step}}]"}, "write binary_step"),
        ({"layers": "[\"Dense(32, activation='relu')\"]"}, "write Dense: {units: 32, activation: relu}"),
        ({"layers": "[{type: Dense, units: 3}]"}, "write Dense: {units: 3}"),
        ({"layers": "[{Dense: {units: 3, kernel_regularizer: l2(0.01)}}]"}, "write L2: {l2: 0.01}"),
        ({"layers": "[{Dense: {output_dim: 3}}]"}, 'did you mean "units"?'),
        ({"layers": "[{Dense: {units: 3, init: uniform}}]"}, 'did you mean "kernel_initializer"?'),
        ({"layers": "[{Conv2D: {nb_filter: 3, kernel_size: 3}}]"}, 'did you mean "filters"?'),
        ({"layers": "[{Conv2D: {filters: 3, kernel_size: 3, border_mode: same}}]"}, 'did you mean "padding"?'),
        ({"layers": "[{Conv2D: {filters: 3, kernel_size: (2,2)}}]"}, "[2, 2]"),
        ({"training": "{optimizer: {SGD: {lr: 0.1}}}"}, 'did you mean "learning_rate"?'),
        ({"training": "{optimizer: {SGD: {decay: 1e-4}}}"}, "InverseTimeDecay"),
        ({"training": "{metrics: [val_accuracy]}"}, "write accuracy"),
        ({"training": "{losss: mse}"}, 'did you mean "loss"?'),
        ({"training": "{lr: 0.1}"}, "training.optimizer.learning_rate"),
        ({"training": "{nb_epoch: 3}"}, "training.epochs"),
        ({"training": "{verbose: 1}"}, "-q, -v or -vv"),
        ({"training": "{callbacks: [EarlyStopping]}"}, "training.early_stopping"),
        ({"training": "{ModelCheckpoint: {}}"}, "training.checkpoint"),
        ({"training": "{patience: 3}"}, "training.early_stopping.patience"),
        ({"training": "{validation_split: 0.2}"}, "data.split.validation"),
        ({"training": "{checkpoint: {save_format: h5}}"}, "training.checkpoint.format"),
        ({"training": "{checkpoint: {period: 2}}"}, "{epoch}"),
        ({"training": "{checkpoint: {save_freq: epoch}}"}, "{epoch}"),
        ({"training": "{compile: {}}"}, "training.optimizer, training.loss and training.metrics"),
        ({"data": ", split: {val: 0.2}"}, "data.split.validation"),
        ({"data": ", split: {test_size: 0.2}"}, "data.split.test"),
        ({"data": ", split: {random_state: 3}"}, "data.split.seed"),
        ({"data": ", validation_data: v.csv"}, "data.validation"),
        ({"data": ", target_size: 150"}, "data.image_size"),
        ({"data": ", horizontal_flip: true"}, "RandomFlip"),
        ({"data": ", rotation_range: 20"}, "RandomRotation"),
        ({"data": ", preprocessing_function: x"}, "data.scale"),
        ({"data": ", class_mode: binary"}, "data.task"),
        ({"data": ", color_mode: grayscale"}, "data.color"),
        ({"top": "image_size: [150, 150]"}, "image_size belongs under `data`"),
        ({"top": "random_state: 3"}, "seed"),
        ({"words": ["training.lr=0.1"]}, "training.optimizer.learning_rate"),
        ({"words": ["learning_rate=0.1"]}, "training.optimizer.learning_rate"),
        ({"words": ["training.epochs="]}, "if a variable stands there, it is not set"),
    ],
)
def test_f7_old_words_lead_to_the_new_ones(tmp_path, given, hint):
    assert any(hint in (fault.hint or "") for fault in faults(tmp_path, **given))


def test_f7_a_size_is_height_and_width(tmp_path):
    text = "data: {source: image_folder, path: x, image_size: 150}\nmodel: {layers: [Flatten]}\n"
    with pytest.raises(ConfigError) as caught:
        load_config_text(text, folder=tmp_path)
    assert [fault.hint for fault in caught.value.faults] == ["write [150, 150], height and width"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("data=iris", "write data: {source: iris}"),
        ("data.split=0.2", "write data.split: {test: 0.2}"),
        ("model=[Flatten]", "write model: {layers: [Flatten]}"),
        ("model.layers.3.units=4", "model.layers has one entry, model.layers.0"),
    ],
)
def test_f7_what_stands_alone_is_told_where_it_belongs(tmp_path, word, hint):
    text = "data: {source: iris}\nmodel: {layers: [{Dense: {units: 3}}]}\n"
    with pytest.raises(ConfigError) as caught:
        load_config_text(text, folder=tmp_path, overrides=[word])
    assert hint in [fault.hint for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["c.yaml", "training.epochs", "5"], "write training.epochs=5"),
        (["c.yaml", "training.epochs", "=", "5"], "write training.epochs=5"),
        (["c.yaml", "training.epochs: 5"], "write training.epochs=5"),
        (["c.yaml", "model.layers.0.units", "8"], "write model.layers.0.units=8"),
    ],
)
def test_e4_a_torn_override_is_put_together(words, hint):
    with pytest.raises(UsageError) as caught:
        split_words(words)
    assert [fault.hint for fault in caught.value.faults] == [f"{hint}, without blanks"]


@pytest.mark.parametrize(
    "words", [["data.csv"], ["training.yaml"], ["c.yaml", "training.epochs=5", "model.output={Dense: {units: 2}}"]]
)
def test_e4_files_and_whole_overrides_are_none(words):
    assert split_words(words) == ([word for word in words if "=" not in word], [word for word in words if "=" in word])


@pytest.mark.parametrize(
    ("source", "meant"), [("images", "image_folder"), ("folder", "image_folder"), ("lfw", "lfw_people"), ("pandas", "csv")]
)
def test_f7_sources_by_other_names(tmp_path, source, meant):
    with pytest.raises(ConfigError) as caught:
        load_config_text(f"data: {{source: {source}}}\nmodel: {{layers: [Flatten]}}\n", folder=tmp_path)
    assert any((fault.hint or "").startswith(f'did you mean "{meant}"?') for fault in caught.value.faults)


def test_the_beginning_of_a_key_is_told_its_end(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config_text("data: {source: lfw_people, min_faces: 70}\nmodel: {layers: [Flatten]}\n", folder=tmp_path)
    assert 'did you mean "min_faces_per_person"?' in caught.value.faults[0].hint


def test_e4_a_config_without_its_ending_is_named(tmp_path):
    (tmp_path / "n.yaml").write_text("data: {source: iris}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "n")
    assert caught.value.faults[0].hint == f'did you mean "{tmp_path / "n.yaml"}"?'


def test_the_names_of_elsewhere_are_names_here():
    catalog = load_catalog()
    for kind, names in KNOWN_ELSEWHERE.items():
        for name in names.values():
            assert catalog.find_activation(name) if kind == "activation" else catalog.find(kind, name), (kind, name)


def test_what_the_table_names_exists():
    known = set(KEYS) | {f"data.{name}" for source in SOURCES.values() for name in source.arguments}
    for said in OLD_WORDS.values():
        if " " not in said:
            assert said in known or explain(said)
        for layer in re.findall(r"\[\{(\w+): ", said):
            assert load_catalog().find("layer", layer) or load_catalog().find("application", layer)
    arguments = {
        argument
        for kind in ("layer", "optimizer")
        for name in load_catalog().names(kind)
        for argument in load_catalog().find(kind, name).arguments
    }
    for old, now in KNOWN_ARGUMENTS.items():
        assert old == normalize(old)
        assert set(now) <= arguments
    assert not {path.rpartition(".")[2] for path in KEYS if path.count(".") < 2} & set(OLD_WORDS)


@pytest.mark.parametrize(
    "word", ["lr", "decay", "ImageDataGenerator", "flow_from_directory", "include_top", "to_categorical", "summary"]
)
def test_f7_explain_answers_old_words(word):
    with pytest.raises(UsageError) as caught:
        explain(word)
    assert caught.value.faults[0].hint == said_here(word)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("training.metrics +=AUC", "write training.metrics+=AUC"),
        ("model.layers[0].units=3", "write model.layers.0.units=3"),
        ("--training.epochs=3", "write training.epochs=3"),
    ],
)
def test_e4_what_comes_near_to_an_override_is_no_file(word, hint):
    with pytest.raises(UsageError) as caught:
        split_words(["c.yaml", word])
    assert hint in caught.value.faults[0].hint


def test_commands_of_other_tools():
    from dltrain.cli.app import COMMANDS

    assert set(OLD_COMMANDS.values()) <= set(COMMANDS)
    assert not set(OLD_COMMANDS) & set(COMMANDS)
