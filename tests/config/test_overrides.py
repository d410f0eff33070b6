from __future__ import annotations

import contextlib
import os

import pytest

from dltrain.config import load_config, split_words
from dltrain.config.keys import KEYS
from dltrain.config.types import Component
from dltrain.errors import ConfigError, DltrainError, UsageError
from tests.config.support import DATA, faults_of, load
from tests.support import CONFIGS

MODEL = (
    DATA
    + """
model:
  layers:
    - Flatten
    - Dense: {units: 8, name: hidden, kernel_regularizer: l2}
    - Dense: {units: 4}
training:
  optimizer: {SGD: {momentum: 0.9}}
"""
)
TABLE = "data: {source: csv, path: a.csv, target: a, drop: c, task: regression}"
SCHEDULE = (
    DATA
    + "training: {optimizer: {SGD: {learning_rate: {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 5, decay_rate: 0.9}}}}}\n"
)
RATE = DATA + "training: {optimizer: {AdamW: {learning_rate: 0.1, weight_decay: 0.01}}}\n"


def test_words_that_look_like_overrides_are_told_from_files() -> None:
    words = [
        "a.yaml",
        "seed=1",
        "model.layers.1.units=64",
        "dir/x=1.yaml",
        "=3",
        "a.=3",
        "training.metrics=[a, b=c]",
        "x y=1",
        "1a=2",
    ]
    assert split_words(words) == (
        ["a.yaml", "dir/x=1.yaml", "=3", "a.=3", "x y=1", "1a=2"],
        ["seed=1", "model.layers.1.units=64", "training.metrics=[a, b=c]"],
    )


@pytest.mark.parametrize(
    ("word", "path", "value"),
    [
        ("seed=5", ("seed",), 5),
        ("training.epochs=3", ("training", "epochs"), 3),
        ("training.early_stopping.patience=3", ("training", "early_stopping"), {"patience": 3}),
        ("training.early_stopping=true", ("training", "early_stopping"), {}),
        ("training.checkpoint.filepath=a_{epoch:02d}.h5", ("training", "checkpoint", "filepath"), "a_{epoch:02d}.h5"),
        ("training.optimizer.learning_rate=1e-3", ("training", "optimizer", "SGD", "learning_rate"), 0.001),
        ("training.optimizer.SGD.momentum=0.5", ("training", "optimizer", "SGD", "momentum"), 0.5),
        ("training.optimizer.Momentum=0.5", ("training", "optimizer", "SGD", "momentum"), 0.5),
        ("training.optimizer.learning_rate={CosineDecay: {initial_learning_rate: 0.1, decay_steps: 9}}",
         ("training", "optimizer", "SGD", "learning_rate", "CosineDecay", "decay_steps"), 9),
        ("training.optimizer=adam", ("training", "optimizer"), "Adam"),
        ("training.optimizer=null", ("training", "optimizer"), "Adam"),
        ("training.metrics=[accuracy, AUC]", ("training", "metrics"), ["accuracy", "AUC"]),
        ("training.loss=mse", ("training", "loss"), "MeanSquaredError"),
        ("training=none", ("training",), "none"),
        ("model.layers.1.units=64", ("model", "layers", 1, "Dense", "units"), 64),
        ("model.layers.hidden.units=64", ("model", "layers", 1, "Dense", "units"), 64),
        ("model.layers.hidden.kernel_regularizer.l2=0.5", ("model", "layers", 1, "Dense", "kernel_regularizer", "L2", "l2"), 0.5),
        ("model.layers.0.name=flat", ("model", "layers", 0, "Flatten", "name"), "flat"),
        ("model.layers.2={Dropout: {rate: 0.5}}", ("model", "layers", 2, "Dropout", "rate"), 0.5),
        ("model.layers.1=null", ("model", "layers", 1, "Dense", "units"), 4),
        ("model.output=none", ("model", "output"), "none"),
        ("data.split.test=0.25", ("data", "split", "test"), 0.25),
        ("data.source=iris", ("data", "source"), "iris"),
        ('name="7"', ("name",), "7"),
    ],
)  # fmt: skip
def test_an_override_reaches_its_key(word: str, path: tuple[str | int, ...], value: object) -> None:
    found = load(MODEL, word).resolved
    for part in path:
        found = found[part]  # type: ignore[index]
    assert found == value
    assert type(found) is type(value)


def test_a_bare_optimizer_and_an_absent_one_are_opened() -> None:
    for text in (DATA, DATA + "training: {optimizer: adam}\n", DATA + "training:\n"):
        training = load(text, "training.optimizer.learning_rate=0.01").training
        assert training is not None
        assert training.optimizer == Component("optimizer", "Adam", {"learning_rate": 0.01})


def test_null_removes() -> None:
    config = load(
        MODEL, "training.optimizer.momentum=null", "data.split=null", "training.early_stopping=null", "model.layers.hidden=null"
    )
    assert config.training is not None
    assert config.training.optimizer.arguments == {}
    assert config.data.split.validation is None
    assert len(config.model.layers) == 2


def test_overrides_apply_in_order() -> None:
    config = load(MODEL, "training.optimizer=adam", "training.optimizer.beta_1=0.5", "seed=1", "seed=2")
    assert config.seed == 2
    assert config.training is not None
    assert config.training.optimizer == Component("optimizer", "Adam", {"beta_1": 0.5})


def test_a_component_may_be_named_before_an_argument_of_its_name() -> None:
    config = load(MODEL, "model.layers.hidden.kernel_regularizer={L2: {l2: 1}}", "model.layers.1.kernel_regularizer.L2.l2=0.5")
    assert config.model.layers[1].component.arguments["kernel_regularizer"] == Component("regularizer", "L2", {"l2": 0.5})


def test_one_value_of_what_may_be_a_list_is_its_entry_0() -> None:
    config = load(TABLE, "data.path.0=b.csv", "data.path.0+=c.csv", "data.drop.0+=e", "data.drop.0=d")
    assert [os.path.basename(path) for path in config.data.path] == ["b.csv", "c.csv"]
    assert config.data.drop == ("d", "e")
    [fault] = faults_of(TABLE, "data.identifiers.0=b")
    assert fault.message == 'no entry 0, in "data.identifiers.0=b"'
    assert fault.hint == "data.identifiers is empty"


@pytest.mark.parametrize(
    ("text", "word", "path", "fragment"),
    [
        (MODEL, "training.optimizer.learning_rat=0.1", "training.optimizer.learning_rat", 'did you mean "learning_rate"?'),
        (MODEL, "training.epoch=3", "training.epoch", 'did you mean "epochs"?'),
        (MODEL, "trainin.epochs=3", "trainin", 'did you mean "training"?'),
        (MODEL, "training.epochs=ten", "training.epochs", 'found text "ten"'),
        (MODEL, "training.epochs.x=3", "training.epochs", "expected a whole number of at least 1, found a mapping"),
        (MODEL, "model.layers.7.units=3", "model.layers.7", "model.layers has 3 entries, 0 to 2"),
        (MODEL, "model.layers.hiden.units=3", "model.layers.hiden", 'did you mean "hidden"?'),
        (MODEL, "model.layers.hidden.unit=3", "model.layers.hidden.unit", 'did you mean "units"?'),
        (MODEL, "model.layers.hidden.units.x=3", "model.layers.hidden.units.x", "which has no parts"),
        (DATA, "model.layers.0.units=3", "model.layers.0", "model.layers is empty"),
        (MODEL, "training.patience=null", "training.patience", "unknown key of training"),
        (MODEL, "data.split={test: 0.2", "data.split", "the value cannot be read"),
        (MODEL, "seed=!!int 3", "seed", "the tag !!int is not allowed"),
        (MODEL, "seed=[" + "[" * 60, "seed", "the value cannot be read"),
        (SCHEDULE, "training.optimizer.learning_rate=0.1", "training.optimizer.learning_rate",
         "set training.optimizer.learning_rate.initial_learning_rate=0.1, or replace the optimizer"),
        (SCHEDULE, "training.optimizer.SGD.learning_rate=0.1", "training.optimizer.SGD.learning_rate",
         "or replace the optimizer: training.optimizer={SGD: {learning_rate: 0.1}}"),
        (RATE, "training.optimizer.learning_rate.peak=0.2", "training.optimizer.learning_rate.peak",
         "to use a curve: training.optimizer.learning_rate={CosLog4: {peak: …}}"),
        (RATE, "training.optimizer.learning_rate.flat_cos.peak=0.2", "training.optimizer.learning_rate.flat_cos",
         "to use a curve: training.optimizer.learning_rate={FlatCos: {peak: …}}"),
        (RATE, "training.optimizer.learning_rate.decay_rate=0.2", "training.optimizer.learning_rate.decay_rate",
         "to use a schedule: training.optimizer.learning_rate={ExponentialDecay: {decay_rate: …}}"),
        (RATE, "training.optimizer.weight_decay.peak=0.2", "training.optimizer.weight_decay.peak",
         "to use a curve: training.optimizer.weight_decay={CosLog4: {peak: …}}"),
        (RATE, "training.optimizer.weight_decay.decay_rate=0.2", "training.optimizer.weight_decay.decay_rate",
         "training.optimizer.weight_decay is 0.01, which has no parts"),
        (MODEL, "training.optimizer.learning_rate=$rate", "training.optimizer.learning_rate", "unknown parameter rate"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_named(text: str, word: str, path: str, fragment: str) -> None:
    [fault] = faults_of(text, word)
    assert (fault.file, fault.line, fault.path) == (None, None, path)
    assert f'in "{word}"' in fault.message
    assert fragment in f"{fault.message} ({fault.hint})"


def test_the_rate_inside_of_a_schedule_can_be_set() -> None:
    training = load(SCHEDULE, "training.optimizer.learning_rate.initial_learning_rate=0.5").training
    assert training is not None
    assert training.optimizer.arguments["learning_rate"].arguments["initial_learning_rate"] == 0.5


def test_a_word_without_a_value_is_said() -> None:
    [fault] = faults_of(MODEL, "training.epochs")
    assert "expected KEY=VALUE" in fault.message


@pytest.mark.parametrize(
    ("words", "layers"),
    [
        (["model.layers+=Flatten"], ["Flatten", "Dense", "Dense", "Flatten"]),
        (["model.layers.0+={Dropout: {rate: 0.2}}"], ["Flatten", "Dropout", "Dense", "Dense"]),
        (["model.layers.hidden+=[Flatten, LayerNormalization]"], ["Flatten", "Dense", "Flatten", "LayerNormalization", "Dense"]),
        (["model.layers.1=null"], ["Flatten", "Dense"]),
        (["model.layers-=flatten"], ["Dense", "Dense"]),
        (["model.layers-={Dense: {units: 4}}", "model.layers+={Dense: {units: 7}}"], ["Flatten", "Dense", "Dense"]),
        (["model.layers.0=null", "model.layers.0+=Flatten"], ["Dense", "Flatten", "Dense"]),
    ],
)
def test_lists_are_changed_from_the_command_line(words: list[str], layers: list[str]) -> None:
    assert [layer.component.name for layer in load(MODEL, *words).model.layers] == layers
    assert split_words(words) == ([], words)


def test_metrics_and_columns_are_added_and_taken_out() -> None:
    def metrics(*words: str, text: str = DATA + "training: {metrics: [accuracy, {AUC: {name: area}}]}") -> list[str]:
        training = load(text, *words).training
        assert training is not None
        return [metric.name for metric in training.metrics]

    assert metrics("training.metrics+=Precision") == ["accuracy", "AUC", "Precision"]
    assert metrics("training.metrics-=AUC") == ["accuracy"]
    assert metrics("training.metrics-=[auc, accuracy]") == []
    assert metrics("training.metrics+=AUC", text=DATA) == ["AUC"]
    table = "data: {source: csv, path: a.csv, target: y, drop: a}"
    assert load(table, "data.drop+=b").data.drop == ("a", "b")
    assert load(table, "data.drop-=a").data.drop == ()


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("training.epochs+=3", "is no list", "write training.epochs=VALUE"),
        ("metrics+=AUC", "unknown key", "metrics belongs under `training`"),
        ("model.layers.1.units+=3", "is no list", None),
        ("model.layers.9+=Flatten", "no entry 9", "3 entries, 0 to 2"),
        ("model.layers-=Dense", "stands 2 times, as model.layers.1, model.layers.2", "model.layers.1=null"),
        ("model.layers-=LSTM", "there is no LSTM", "Flatten, Dense"),
        ("model.layers+=", "found nothing", None),
        ("training.optimizer+=Adam", "is no list", None),
    ],
)
def test_a_change_of_a_list_that_cannot_be(word: str, message: str, hint: str | None) -> None:
    [fault] = faults_of(MODEL, word)
    assert message in fault.message
    assert word in fault.message
    assert (hint or "") in (fault.hint or "")


LARGE = "9" * 400


def test_a_number_or_name_that_is_far_too_large_is_an_answer_at_every_key() -> None:
    """Whole numbers beyond what a float holds, and file names beyond what a file system takes."""
    for key in KEYS:
        for value in (LARGE, f"-{LARGE}", f"[[{LARGE}]]"):
            with contextlib.suppress(DltrainError):
                load_config(CONFIGS / "iris.yaml", [f"{key.replace('[]', '0')}={value}"])
    with pytest.raises(ConfigError, match="expected a number, found"):
        load_config(CONFIGS / "forward_one_layer.yaml", [f"model.layers.0.weights=[[[3, 1], [{LARGE}, 5]]]"])
    with pytest.raises(ConfigError, match="File name too long"):
        load_config(CONFIGS / "iris.yaml", [f"extends=x{LARGE}"])
    with pytest.raises(ConfigError):
        load_config(CONFIGS / "iris.yaml", [LARGE])


@pytest.mark.parametrize("key", ["a" + ".a" * 2000, "data" + ".a" * 500, "data.replace" + ".a" * 800, "parameters" + ".a" * 400])
def test_a_key_that_goes_too_deep_is_an_answer(key: str) -> None:
    [fault] = faults_of(MODEL, f"{key}=1")
    assert fault.message.startswith("expected a key of at most 50 levels, found more")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("layers[0].units=3", "write model.layers.0.units=3"),
        ("model.layers[0].units=3", "write model.layers.0.units=3"),
        ("metrics[0]=AUC", "write training.metrics.0=AUC"),
        ("data.path[0]=a.csv", "write data.path.0=a.csv"),
    ],
)
def test_e4_a_place_in_brackets_is_told_with_the_block_before_it(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        split_words(["c.yaml", word])
    assert [fault.hint for fault in caught.value.faults] == [hint]
