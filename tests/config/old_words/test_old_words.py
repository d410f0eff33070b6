"""Words of Keras, scikit-learn and of older versions are answered with the words of today."""

from __future__ import annotations

import json
import re

import pytest

from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.help.explain import explain
from dltrain.config.keys import KEYS, keys_of
from dltrain.config.load import load_config, load_config_text
from dltrain.config.old_words.arguments import KNOWN_ARGUMENTS
from dltrain.config.old_words.block_words import OF_BLOCKS, OLD_BLOCKS, OLD_COMMANDS
from dltrain.config.old_words.calls import from_call, from_mapping
from dltrain.config.old_words.keys import OLD_WORDS, said_here
from dltrain.config.old_words.names import KNOWN_ELSEWHERE
from dltrain.config.overrides import split_words
from dltrain.errors import ConfigError, UsageError
from dltrain.wording import normalize

_SHAPE = "the shape of the input follows from the data"
_FALLING = "SGD: {learning_rate: {InverseTimeDecay: {initial_learning_rate: 0.1, decay_steps: 1, decay_rate: 0.0001}}}"
_EXPONENTIAL = (
    "Adam: {learning_rate: {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 100, decay_rate: 0.9}}, amsgrad: true}"
)
_BETAS = "Adam: {learning_rate: 0.01, beta_1: 0.9, beta_2: 0.99}"
_REGULARIZED = "Dense: {units: 8, activation: relu, kernel_regularizer: {L2: {l2: 0.01}}}"
_KERAS_1 = "Dense: {units: 8, kernel_initializer: uniform, kernel_regularizer: {L2: {l2: 0.01}}}"
_CONVOLUTION = "Conv2D: {filters: 32, kernel_size: [3, 5], padding: same, strides: [2, 2]}"


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
        ("SGD(lr=0.1, decay=1e-4)", "optimizer", _FALLING),
        ("Adam(ExponentialDecay(0.1, 100, 0.9), amsgrad=True)", "optimizer", _EXPONENTIAL),
        ("torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.9, 0.99))", "optimizer", _BETAS),
        ("adam, lr=0.01", "optimizer", "Adam: {learning_rate: 0.01}"),
        ("sgd 0.1", "optimizer", "SGD: {learning_rate: 0.1}"),
        ("tf.train.GradientDescentOptimizer(0.5)", "optimizer", "SGD: {learning_rate: 0.5}"),
        ("Bidirectional(LSTM(32, dropout_W=0.2))", "layer", "Bidirectional: {layer: {LSTM: {units: 32, dropout: 0.2}}}"),
        ("Dense(8, activation=tf.nn.relu, kernel_regularizer=regularizers.l2(0.01))", "layer", _REGULARIZED),
        ("Dense(output_dim=8, init='uniform', W_regularizer=l2(0.01))", "layer", _KERAS_1),
        ("Convolution2D(32, 3, 5, border_mode='same', subsample=(2, 2))", "layer", _CONVOLUTION),
        ("nn.Linear(784, 128, bias=False)", "layer", f"Dense: {{units: 128, use_bias: false}} (without in_features: {_SHAPE})"),
        (
            "nn.Conv2d(3, 32, 5, padding=2)",
            "layer",
            f"Conv2D: {{filters: 32, kernel_size: 5, padding: same}} (without in_channels: {_SHAPE})",
        ),
        ("nn.Sigmoid()", "layer", "Activation: {activation: sigmoid}"),
        ("nn.BatchNorm2d(64)", "layer", f"BatchNormalization (without num_features: {_SHAPE})"),
        ("Rescaling(1./255)", "layer", "Rescaling: {scale: 0.00392156862745098}"),
        ("nn.MSELoss()", "loss", "MeanSquaredError"),
        ("maxnorm(m=3)", "constraint", "MaxNorm: {max_value: 3}"),
        ("Adam", "optimizer", None),
        ("nothing(3)", "layer", None),
        ("(3)", "layer", None),
    ],
)
def test_f7_a_call_of_python_is_spelled_as_a_component(call, kind, spelled):
    assert from_call(call, load_catalog(), (kind,)) == spelled


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
    assert from_mapping(values, load_catalog(), (kind,)) == spelled


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"training": "{optimizer: SGD(lr=0.01)}"}, "write {SGD: {learning_rate: 0.01}}"),
        ({"training": "{optimizer: {name: SGD, lr: 0.01}}"}, "write {SGD: {learning_rate: 0.01}}"),
        ({"training": "{optimizer: Adam()}"}, "write Adam"),
        ({"training": "{optimizer: SGD(lr=0.1, momentum=0.9), epochs: 3}"}, "write {SGD: {learning_rate: 0.1, momentum: 0.9}}"),
        ({"training": "{early_stopping: EarlyStopping(monitor='val_loss', patience=3)}"}, "{monitor: val_loss, patience: 3}"),
        ({"training": "{early_stopping: yes}"}, "write training.early_stopping: true"),
        ({"training": "{loss: nn.CrossEntropyLoss()}"}, "leave `loss` out"),
        ({"training": "{loss: BCEWithLogitsLoss}"}, "model.logits: true"),
        ({"training": "{loss: FocalLoss()}"}, "CategoricalFocalCrossentropy where a row has one of several"),
        ({"training": "{loss: nn.NLLLoss()}"}, "leave `loss` out"),
        ({"training": "{loss: pinball}"}, "data.series.quantiles"),
        ({"training": "{metrics: [log_loss]}"}, "leave it out"),
        ({"training": "{metrics: [average_precision]}"}, "write AUC: {curve: PR}"),
        ({"training": "{metrics: [f1_macro]}"}, "write F1Score: {average: macro}"),
        ({"training": "{metrics: [accuracy_score]}"}, 'did you mean "accuracy"?'),
        ({"training": "{n_iter_no_change: 5}"}, "training.early_stopping.patience"),
        ({"training": "{lr_scheduler: cosine}"}, "CosineDecay"),
        ({"training": "{criterion: mse}"}, "training.loss"),
        ({"training": "{workers: 4}"}, "--threads N"),
        ({"training": "{device: cuda}"}, "training.devices"),
        ({"training": "{bf16: true}"}, "mixed_bfloat16"),
        ({"training": "{ensemble: 5}"}, "training.members"),
        ({"training": "{reduce_lr_on_plateau: {epsilon: 0.1}}"}, 'did you mean "min_delta"?'),
        ({"training": "{class_weight: true}"}, "write balanced"),
        ({"training": "{batch_size: None}"}, "null"),
        ({"layers": "[Dense(10, activation='softmax'), Flatten]"}, "write Dense: {units: 10, activation: softmax}"),
        ({"layers": "[{Conv2D: [32, 3]}]"}, "write Conv2D: {filters: 32, kernel_size: 3}"),
        ({"layers": "[{MaxPooling2D: [2, 2]}]"}, "write MaxPooling2D: {pool_size: [2, 2]}"),
        ({"layers": "[{Linear: {in_features: 784, out_features: 128}}]"}, "write Dense: {units: 128} (without in_features"),
        ({"layers": "[{Bidirectional: {LSTM: {units: 3}}}]"}, "write Bidirectional: {layer: {LSTM: {units: 3}}}"),
        ({"layers": "[{Dense: {units: 3, kernel_regularizer: 0.01}}]"}, "write {L2: {l2: 0.01}}"),
        ({"layers": "[{Dense: {units: 3, input_shape: [784]}}]"}, "leave it out"),
        ({"layers": "[{Dense: {units: 3, activation: rectifier}}]"}, "write relu"),
        ({"layers": "[{Conv2D: {filters: 3, kernel_size: 3, padding: 1}}]"}, "write same"),
        ({"layers": "[{Rescaling: {scale: 1./255}}]"}, "write 0.00392156862745"),
        ({"layers": "[transformer]"}, "MultiHeadAttention"),
        ({"layers": "[resnet18]"}, 'did you mean "ResNet50"?'),
        ({"data": ", rotation_range: 40"}, "factor: 0.1111"),
        ({"data": ", split: [0.8, 0.1, 0.1]"}, "{test: 0.1, validation: 0.1111}"),
        ({"data": ", split: {test: 0.2, stratify: y}"}, "write true"),
        ({"data": ", categorical_features: [a]"}, "{column: category}"),
        ({"data": ", features: {a: int64, b: cat}"}, "write number"),
        ({"data": ", scale: 1./255"}, "write unit"),
        ({"data": ", header: none"}, "write false"),
        ({"data": ", series: {time: t, window: 12}"}, "data.series.history"),
        ({"data": ", text: {ngram_range: [1, 2]}"}, "data.text.ngrams"),
        ({"data": ", imgsz: 640"}, "data.image_size"),
        ({"top": "trainer: {epochs: 3}"}, "here it is training"),
        ({"top": "input_features: [a]"}, "data.features"),
        ({"top": "seeds: 3"}, "seeds belongs under `sweep`"),
        ({"top": "sweep: {method: bayes}"}, "sweep.strategy"),
        ({"top": "sweep: {parameters: {training.epochs: {min: 1, max: 3}}}"}, "write `low`"),
        ({"top": "sweep: {parameters: {units: [1, 2]}}"}, "model.layers.0.units"),
        ({"words": ["model.layers=[Dense(3, activation='relu')]"]}, "write Dense: {units: 3, activation: relu}"),
        ({"training": "{optimizer: {type: adam}}"}, "write Adam"),
        ({"training": "{optimizer: {name: adam}}"}, "write Adam"),
        ({"training": "{optimizer: {type: nadamm, learning_rate: 0.1}}"}, "write {Nadam: {learning_rate: 0.1}}"),
        ({"training": "{optimizer: {type: keras.optimizers.Adam, lr: 0.1}}"}, "write {Adam: {learning_rate: 0.1}}"),
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
        ({"data": ", split: {test: 25}"}, "write 0.25 for 25 %; a part is a share of the rows, not a number of them"),
        ({"data": ", split: {test: 500}"}, "such as 0.2 for a fifth of them; a part is a share of the rows"),
        ({"data": ", encode: {min_count: 10}"}, "data.min_count: 10"),
        ({"data": ", encode: {a: {min_count: 10}}"}, "data.min_count: 10, or of single columns {COLUMN: 10}"),
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
        ({"layers": "[{Dense: {units: 3, kernel_regularizer: l2(0.01)}}]"}, "write {L2: {l2: 0.01}}"),
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
        ({"data": ", targets: y"}, 'did you mean "target"?'),
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
    catalog = load_catalog()
    arguments = {name for kind in catalog.kinds() for each in catalog.names(kind) for name in catalog.find(kind, each).arguments}
    for old, now in KNOWN_ARGUMENTS.items():
        assert old == normalize(old)
        assert set(now) <= arguments
    for block, words in OF_BLOCKS.items():
        assert block == "a range" or block in KEYS
        assert not set(words) & set(keys_of(block))
        for said in words.values():
            assert " " in said or said in known
    assert set(OLD_BLOCKS.values()) <= set(KEYS)


PASTED = {
    "optimizer": [
        "SGD(lr=0.01, decay=1e-6, momentum=0.9, nesterov=True)",
        "rmsprop(1e-4)",
        "{type: adam, lr: 0.1}",
        "adam, lr=0.1",
    ],
    "loss": ["keras.losses.BinaryCrossentropy(from_logits=True)", "nn.MSELoss()", "SmoothL1Loss"],
    "layer": [
        "Dense(64, activation='relu', input_shape=(784,), kernel_regularizer=l2(0.01))",
        "Conv2D(32, (3, 3), border_mode='same', activation='relu')",
        "nn.Conv2d(3, 32, 3, padding=1)",
        "nn.LSTM(10, 20)",
        "TimeDistributed(Dense(3, activation='softmax'))",
        "{Conv2D: {nb_filter: 3, kernel_size: (3, 3)}}",
        "{class_name: Dense, config: {output_dim: 3, W_constraint: maxnorm(3)}}",
        "AdaptiveAvgPool2d(1)",
        "Reshape((28, 28, 1))",
    ],
}


@pytest.mark.parametrize(("kind", "typed"), [(kind, typed) for kind, several in PASTED.items() for typed in several])
def test_f7_what_a_hint_says_can_be_pasted(tmp_path, kind, typed):
    """Each hint is put where the fault was, until the config loads; three times are enough for what stands within another."""
    typed = json.dumps(typed) if "{" not in typed else typed
    slots = {
        "layer": {"layers": f"[{typed}]"},
        "optimizer": {"training": f"{{optimizer: {typed}}}"},
        "loss": {"training": f"{{loss: {typed}}}"},
    }
    given = slots[kind]
    for _ in range(4):
        try:
            found = faults(tmp_path, **given)
        except pytest.fail.Exception:
            return
        fault = found[0]
        written = re.search(r'write (.+?)(?: \(without .*)?$|did you mean "(\w+)"', fault.hint)
        word = fault.path.rpartition(".")[2]
        given = {
            slot: text.replace(word, written[2])
            if written[2] and f"{word}:" in text and kind != word
            else _put(text, kind, fault, written[1] or written[2])
            for slot, text in given.items()
        }
    pytest.fail(f"no hint mends {typed}: {found}")


def _put(text, kind, fault, written):
    if fault.path.count(".") <= 2 and fault.path.rpartition(".")[2] in ("0", kind):
        return f"[{written}]" if kind == "layer" else f"{{{kind}: {written}}}"
    return re.sub(rf"({fault.path.rpartition('.')[2]}: )[^}}]*?(?=[,}}])(?![^(]*\))", rf"\g<1>{written}", text)


@pytest.mark.parametrize(
    "word", ["lr", "decay", "ImageDataGenerator", "flow_from_directory", "include_top", "to_categorical", "summary"]
)
def test_f7_explain_answers_old_words(word):
    with pytest.raises(UsageError) as caught:
        explain(word)
    assert caught.value.faults[0].hint == said_here(word)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("val_accuracy", "among the metrics write accuracy"),
        ("Dense(32, activation='relu')", "Dense: {units: 32, activation: relu}"),
        ("tf.keras.layers.Dense", "Dense"),
        ("nn.Linear", "Dense"),
        ("nn.CrossEntropyLoss", "leave `loss` out"),
        ("model.summary()", "`dltrain check CONFIG`"),
        ("nb_filter", "filters"),
        ("hidden_size", "units"),
        ("StepLR", "schedule"),
        ("GridSearchCV", "dltrain sweep"),
    ],
)
def test_f7_explain_answers_what_was_pasted(word, said):
    with pytest.raises(UsageError) as caught:
        explain(word)
    assert said in caught.value.faults[0].hint


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("training.metrics +=AUC", "write training.metrics+=AUC"),
        ("model.layers[0].units=3", "write model.layers.0.units=3"),
        ("--training.epochs=3", "write training.epochs=3"),
        ("training/epochs=5", "write training.epochs=5"),
        ("training['epochs']=5", "write training.epochs=5"),
        ("training->epochs=5", "write training.epochs=5"),
        ("training:epochs=5", "write training.epochs=5"),
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
