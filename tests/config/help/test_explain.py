from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config import load_config_text
from dltrain.config.catalog.catalog import ComponentEntry, load_catalog
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.help.examples import example_of_component, example_of_key, example_of_source
from dltrain.config.help.explain import explain
from dltrain.config.help.explanations import Explanation
from dltrain.config.help.known import knowing
from dltrain.config.help.near_names import near_names
from dltrain.config.keys import KEYS, keys_of
from dltrain.config.load import load_own_catalog
from dltrain.config.old_words.names import KNOWN_ELSEWHERE
from dltrain.config.text.yaml_reader import read_yaml
from dltrain.config.text.yaml_writer import dump_yaml
from dltrain.errors import UsageError
from tests.config.support import faults_of
from tests.own_code import CONFIG, SOURCE, write_config

BASE = {"data": {"source": "digits", "split": {"validation": 0.2}}, "model": {"layers": ["Flatten"]}}


def entries() -> list[ComponentEntry]:
    catalog = load_catalog()
    found = [catalog.find(kind, name) for kind in catalog.kinds() for name in catalog.names(kind)]
    return [entry for entry in found if entry is not None]


def one(word: str) -> Explanation:
    [explanation] = explain(word)
    return explanation


def loads(example: dict[str, object], folder: Path = Path("/configs")) -> None:
    load_config_text(dump_yaml({**BASE, **example}), folder=folder)


@pytest.mark.parametrize("path", KEYS)
def test_the_example_of_each_key_is_a_config(path: str, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("seed: 1")
    (tmp_path / "my_layers.py").write_text("")
    example = example_of_key(KEYS[path])
    value: object = example
    for word in path.split("."):
        value = value[0] if isinstance(value, list) else value  # keys of the entries of a list
        assert isinstance(value, dict)
        value = value[word]
    loads(example, tmp_path)


def test_the_example_of_each_component_is_a_config() -> None:
    for entry in entries():
        loads(example_of_component(entry))


@pytest.mark.slow
def test_the_example_of_each_argument_is_a_config() -> None:
    for entry in entries():
        if entry.name in ("ModelCheckpoint", "Accuracy"):  # their place is taken by what is dltrain's own
            continue
        for argument in entry.arguments.values():
            if (entry.name, argument.name) != ("Bidirectional", "weights"):
                loads(example_of_component(entry, argument))


def test_the_example_of_each_source_is_a_config() -> None:
    for source in SOURCES.values():
        for argument in (None, *source.arguments):
            loads(example_of_source(source, argument))


@pytest.mark.parametrize("path", KEYS)
def test_each_key_is_explained_by_its_path(path: str) -> None:
    explanation = one(path)
    assert (explanation.kind, explanation.name) == ("key", path)
    assert explanation.description == KEYS[path].description
    if "block" in KEYS[path].type:
        assert [part.name for part in explanation.parts] == list(keys_of(path))


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("series.id", "data.series.id"),
        ("split.test", "data.split.test"),
        ("labels.separator", "data.labels.separator"),
        ("optimizer.learning_rate", "learning_rate"),
    ],
)
def test_a_key_is_explained_by_the_end_of_its_path(word: str, name: str) -> None:
    assert [found.name for found in explain(word)] == [name]


def test_each_component_is_explained_in_each_of_its_spellings() -> None:
    catalog = load_catalog()
    for entry in entries():
        if entry.name in ("ModelCheckpoint", "Accuracy"):
            continue
        aliases = [alias for alias, name in catalog.aliases(entry.kind).items() if name == entry.name]
        kind = "layer" if entry.kind == "composed" else entry.kind
        for spelling in (entry.name, entry.name.lower(), *aliases):
            found = [found for found in explain(spelling) if (found.kind, found.name) == (kind, entry.name)]
            assert found, spelling
            names = [part.name for part in found[0].parts]
            assert set(entry.arguments) <= set(names)
            assert len(names) == len(set(names))
            assert found[0].description == entry.doc


def test_of_keys_of_one_name_the_one_further_up_comes_first() -> None:
    assert [found.name for found in explain("split")] == ["data.split", "data.text.split"]


@pytest.mark.parametrize("name", load_catalog().activations)
def test_each_activation_is_explained(name: str) -> None:
    found = next(found for found in explain(name) if found.kind == "activation")
    assert found.name == name
    loads(read_yaml(found.example, "", _faults()).plain())


def _faults():  # type: ignore[no-untyped-def]
    from dltrain.config.text.nodes import Faults

    return Faults()


@pytest.mark.parametrize("name", SOURCES)
def test_each_source_is_explained(name: str) -> None:
    found = next(found for found in explain(name) if found.kind == "source")
    assert [part.name for part in found.parts] == list(SOURCES[name].arguments)


@pytest.mark.parametrize(
    ("word", "kind", "name", "owner"),
    [
        ("training.optimizer.learning_rate", "argument", "learning_rate", "Adam"),
        ("training.optimizer.SGD.momentum", "argument", "momentum", "SGD"),
        ("training.optimizer.sgd", "optimizer", "SGD", None),
        ("training.optimizer.learning_rate.decay_rate", "argument", "decay_rate", "ExponentialDecay"),
        ("model.layers.0.units", "argument", "units", "Dense"),
        ("model.layers.hidden.units", "argument", "units", "Dense"),
        ("model.layers.2", "key", "model.layers", None),
        ("model.layers.Dense.kernel_regularizer.l2", "argument", "l2", "L2"),
        ("model.output.units", "argument", "units", "Dense"),
        ("training.early_stopping.patience", "argument", "patience", "EarlyStopping"),
        ("training.reduce_lr_on_plateau.patience", "argument", "patience", "ReduceLROnPlateau"),
        ("training.checkpoint.filepath", "key", "training.checkpoint.filepath", None),
        ("ModelCheckpoint", "key", "training.checkpoint", None),
        ("training.loss.price.weight", "argument", "weight", "a loss, where there are several targets"),
        ("training.metrics.0", "key", "training.metrics", None),
        ("from", "argument", "from", "any layer of the model"),
        ("Dense.units", "argument", "units", "Dense"),
        ("data.min_faces_per_person", "argument", "data.min_faces_per_person", "lfw_people"),
        ("lfw_people.resize", "argument", "data.resize", "lfw_people"),
        ("data.features.age", "key", "data.features", None),
        ("parameters.size_inner", "key", "parameters", None),
        ("accuracy", "metric", "accuracy", None),
        ("epochs", "key", "training.epochs", None),
        ("batchsize", "key", "training.batch_size", None),
        ("layers", "key", "model.layers", None),
        ("initializer", "kind", "initializers", None),
        ("datasets", "key", "data.source", None),
    ],
)
def test_what_a_word_leads_to(word: str, kind: str, name: str, owner: str | None) -> None:
    found = explain(word)
    assert (found[0].kind, found[0].name) == (kind, name)
    if owner is not None:
        assert any(owner in explanation.owners for explanation in found)


def test_a_word_with_several_meanings() -> None:
    assert [found.name for found in explain("test")] == ["data.test", "data.split.test"]
    assert [(found.kind, found.name) for found in explain("relu")] == [("layer", "ReLU"), ("activation", "relu")]


def test_type_and_default() -> None:
    epochs = one("training.epochs")
    assert (epochs.type, epochs.default, epochs.required) == ("a whole number of at least 1", 10, False)
    units = next(part for part in one("Dense").parts if part.name == "units")
    assert units.required
    assert "SGD" in one("training.optimizer").names
    assert "Xception" in one("model.layers").names


def test_the_top_level() -> None:
    explanation = one("")
    assert [part.name for part in explanation.parts] == list(keys_of(""))
    for word in explanation.names:
        assert explain(word)
    loads(read_yaml(explanation.example, "", _faults()).plain())


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("Dnse", "Dense"),
        ("fc", "Dense"),
        ("trainin.epochs", "training.epochs"),
        ("training.epoch", "training.epochs"),
        ("training.early_stopping.pateince", "training.early_stopping.patience"),
        ("Dense.unitz", "Dense.units"),
        ("unitz", "units"),
        ("model.layers.0.unts", "units"),
        ("lfw", "lfw_people"),
        ("data.min_faces", "data.min_faces_per_person"),
        ("lfw_people.resiz", "lfw_people.resize"),
        ("xyzzyxyzzy", "explain layers"),
        ("data.xyzzyxyzzy", "separator"),
        ("Lambda", "Keras's own layers"),
        ("keras.optimizers.Adam", "did you mean Adam? A config names no module"),
        ("torch.nn.Linear", "did you mean Dense"),
        ("F.relu", "did you mean relu? A config"),
        ("..é", ""),
    ],
)
def test_what_is_unknown_leads_to_what_is_near(word: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(word)
    assert near in str(caught.value)


def test_what_is_known_elsewhere_is_near() -> None:
    for names in KNOWN_ELSEWHERE.values():
        for name, meant in names.items():
            assert meant in near_names(name)


def test_the_path_of_a_fault_can_be_explained() -> None:
    """The user copies the path out of an error message."""
    text = """\
data: {source: lfw_people, resize: big, split: {test: 2}}
model: {layers: [{Dense: {units: many, kernel_regularizer: {L2: {l2: x}}}}, {LSTM: {units: 3, dropout: 7, name: h}}]}
training: {optimizer: {SGD: {momentum: 3}}, epochs: x, early_stopping: {patience: x}, checkpoint: {mode: x}}
"""
    faults = faults_of(text)
    assert len(faults) == 9
    for fault in faults:
        assert fault.path is not None
        assert explain(fault.path)


def test_own_code_is_explained_with_its_config(tmp_path: Path) -> None:
    file = write_config(tmp_path, CONFIG + "nonsense: 1\n")  # whatever else is wrong with it
    line = SOURCE[: SOURCE.index("def powers")].count("\n") + 1
    with knowing(load_own_catalog(file)):
        assert [(found.kind, found.name) for found in explain("powers")] == [("loss", "powers"), ("metric", "powers")]
        assert explain("powers")[0].description == f"The error to a power. It stands in {tmp_path}/my_layers.py:{line}."
        assert [found.kind for found in explain("squash")] == ["regularizer", "constraint", "activation"]
        assert one("Scale.start").default == 1.0
        assert {"Scale", "Halves", "Dense"} <= set(one("layers").names)
        with pytest.raises(UsageError) as caught:
            explain("Halvs")
        assert "Halves" in (caught.value.faults[0].hint or "")
    with pytest.raises(UsageError):
        explain("powers")


@pytest.mark.parametrize(
    ("value", "taken_by"),
    [
        ("balanced", ["training.class_weight"]),
        ("ema", ["training.average"]),
        ("one_hot", ["data.encode"]),
        ("standard", ["data.scale", "data.scale_target"]),
        ("gpu", ["training.devices"]),
        ("found", ["learning_rate"]),
        ("same", ["padding"]),
    ],
)
def test_a_word_that_is_a_value_is_explained_by_what_takes_it(value: str, taken_by: list[str]) -> None:
    explained = explain(value)
    assert list(dict.fromkeys(each.name for each in explained)) == taken_by
    assert all(value in each.type for each in explained)


def test_a_value_that_is_short_for_a_score_is_both() -> None:
    assert [each.name for each in explain("f1")] == ["F1Score", "evaluation.threshold"]


def test_a_phase_is_explained_with_the_keys_that_it_may_give() -> None:
    parts = {part.name: part for part in one("training.phases").parts}
    assert {"epochs", "optimizer", "unfreeze"} <= parts.keys()
    assert parts["epochs"].default is None  # but what the block around it says
