from __future__ import annotations

import json
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.config import load_config, load_config_text
from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.help.examples import example_of_component, example_of_key, example_of_source
from dltrain.config.help.json_schema import build_json_schema, kind_schema, spelling_pattern
from dltrain.config.help.known import knowing
from dltrain.config.keys import KEYS
from dltrain.config.kinds import MISMATCH, parse_kind, read_kind
from dltrain.config.load import load_own_catalog
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.yaml_reader import read_yaml
from dltrain.config.text.yaml_writer import dump_yaml
from dltrain.errors import ConfigError
from tests.config.help.test_explain import BASE, entries
from tests.own_code import write_config
from tests.support import CONFIGS

jsonschema = pytest.importorskip("jsonschema")
DIGITS = "data: {source: digits}\n"
FILES = sorted(CONFIGS.glob("*.yaml"))


@lru_cache(maxsize=1)
def validator() -> Any:
    schema = build_json_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(json.loads(json.dumps(schema, allow_nan=False)))


def plain_of(text: str | bytes) -> Any:
    return read_yaml(text, "c.yaml", Faults()).plain()


def accepts(plain: Any) -> bool:
    return bool(validator().is_valid(json.loads(json.dumps(plain))))


def loads(plain: dict[str, Any]) -> bool:
    try:
        load_config_text(dump_yaml(plain), folder=Path("/configs"))
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_shipped_configs_and_what_they_resolve_to_are_valid(file: Path) -> None:
    assert not list(validator().iter_errors(plain_of(file.read_bytes())))
    assert accepts(load_config(file).resolved)


def test_every_reference_has_its_definition() -> None:
    schema = build_json_schema()
    text = json.dumps(schema)
    used = {part.split('"')[0] for part in text.split("#/definitions/")[1:]}
    assert used <= set(schema["definitions"])


def test_examples_are_valid() -> None:
    examples = [example_of_key(key) for key in KEYS.values()]
    examples += [example_of_source(source, argument) for source in SOURCES.values() for argument in (None, *source.arguments)]
    examples += [example_of_component(entry) for entry in entries() if entry.name != "ModelCheckpoint"]
    for example in examples:
        assert accepts({**BASE, **example}), example


@pytest.mark.parametrize(
    "text",
    [
        "data: {source: digits}",
        DIGITS + "model: {layers: [flatten, {dense: {units: 3}}, {max_pooling2d: {}}, LeakyReLU, leaky_re_lu]}",
        DIGITS + "model: {layers: [{Dense: {units: 3, name: a}}, {Dense: {units: 3, from: a, weights: [[1], [2]]}}]}",
        DIGITS + "model: {layers: [{Flatten: }], output: none, logits: true}",
        DIGITS + "model:\ntraining:\nsweep:",
        DIGITS + "training: none",
        DIGITS + "parameters: {n: 3}\nmodel: {layers: [{Dense: {units: $n}}]}\ntraining: {epochs: $n}",
        DIGITS + "training: {optimizer: rmsprop, metrics: [acc, mae, MSE, {accuracy: {name: a}}, {AUC: {curve: PR}}]}",
        DIGITS + "training: {loss: {categorical_crossentropy: {label_smoothing: 0.1}}}",
        "data: {source: csv, path: [a.csv], target: [a, b]}\ntraining: {loss: {a: mse, b: {mae: {}, weight: 0.5}}}",
        "data: {source: csv, path: a.csv, target: 3}\ntraining: {early_stopping: true, reduce_lr_on_plateau: {factor: 0.3}}",
        DIGITS + "training: {optimizer: {SGD: {learning_rate: {cosine_decay: {initial_learning_rate: 1, decay_steps: 9}}}}}",
        DIGITS + "training: {optimizer: {AdamW: {learning_rate: {coslog4: {peak: 1}}, weight_decay: {FlatCos: {peak: 1}}}}}",
        DIGITS + "training: {optimizer: {Adam: {}, groups: [{match: bias, learning_rate: 0.1}, {match: [a, b], ntk: true}]}}",
        DIGITS + "training: {optimizer: {Adam: {learning_rate: found}}}",
        DIGITS + "sweep: {choices: {size: {small: {}, large: {training.epochs: 3, parameters: {seed: [1, 2]}}}}}",
        DIGITS + "sweep: {parameters: {seed: {choices: [1], where: {training.epochs: 3}}, training.epochs: [3, 4]}}",
        DIGITS + "training: {optimizer: {Adam: {groups: [{match: bias, weight_decay: 0}]}}}",
        DIGITS
        + "model: {layers: [FeatureScaling, {PeriodicEmbedding: {sigma: 0.2}}, {Dropout: {rate: {flat_cos: {peak: 0.1}}}}]}",
        DIGITS + "model: {preset: realmlp}",
        DIGITS + "model: {layers: [{Bidirectional: {layer: {lstm: {units: 3}}}}, {Xception: {weights: none}}]}",
        "data: {source: noise, classes: none}\nsweep: {parameters: {seed: [1, 2], training.epochs: {low: 1, high: 3}}}",
        "data: {source: csv, path: a.csv, target: y, drop: a, missing: '?',"
        " features: {b: number, c: null}, scale: {b: standard}}",
    ],
)
def test_what_the_reader_takes_is_valid(text: str) -> None:
    load_config_text(text, folder=Path("/configs"))
    assert not list(validator().iter_errors(plain_of(text)))


@pytest.mark.parametrize(
    "text",
    [
        "model: {layers: [Flatten]}",
        "data: {source: digitz}",
        "data: {source: csv, target: a}",
        "data: {source: digits, resize: 0.5}",
        "data: {source: digits, split: {test: 1.5}}",
        DIGITS + "modle: {}",
        DIGITS + "model: {layers: [Dnse]}",
        DIGITS + "model: {layers: [Dense]}",
        DIGITS + "model: {layers: [{Dense: {units: ten}}]}",
        DIGITS + "model: {layers: [{Dense: {units: 3}, Flatten: {}}]}",
        DIGITS + "model: {layers: [{Dense: {unit: 3}}]}",
        DIGITS + "model: {layers: [{Dense: {units: 3, activation: relo}}]}",
        DIGITS + "training: {optimizer: adm}",
        DIGITS + "training: {optimizer: {Adam: {lr: 1}}}",
        DIGITS + "training: {optimizer: {Adam: {learning_rate: {coslog4: {}}}}}",
        DIGITS + "training: {optimizer: {Adam: {}, groups: [{learning_rate: 0.1}]}}",
        DIGITS + "training: {optimizer: {Adam: {learning_rate: sought}}}",
        DIGITS + "sweep: {choices: {size: {}}}",
        DIGITS + "training: {optimizer: {Adam: {}, groups: [{match: bias, rate: 0.1}]}}",
        DIGITS + "model: {preset: realmpl}",
        DIGITS + "model: {layers: [{FeatureScaling: {weights: [[1]]}}]}",
        DIGITS + "training: {loss: msee}",
        DIGITS + "training: {loss: {Huber: {dela: 1}}}",
        DIGITS + "training: {metrics: accuracy}",
        DIGITS + "training: {metrics: [acuracy]}",
        DIGITS + "training: {epochs: 0}",
        DIGITS + "training: {early_stopping: {pateince: 3}}",
        DIGITS + "training: {checkpoint: false}",
        DIGITS + "evaluation: {require: accuracy}",
        DIGITS + "sweep: {parameters: {seed: {low: 1}}}",
        "data: {source: csv, path: a.csv, target: [a, b]}\ntraining: {loss: {a: mse, b: {maee: {}, weight: 0.5}}}",
    ],
)
def test_what_the_reader_refuses_is_not_valid(text: str) -> None:
    plain = plain_of(text)
    assert not loads(plain)
    assert not accepts(plain)


def test_each_misspelt_component_and_argument_is_found() -> None:
    draw = random.Random(1)
    for entry in draw.sample(entries(), 60):
        if entry.kind == "callback" or not entry.arguments:
            continue
        argument = next(iter(entry.arguments.values()))
        text = dump_yaml({**BASE, **example_of_component(entry, argument)})
        assert accepts(plain_of(text))
        for name in (entry.name, argument.name):
            wrong = text.replace(f"{name}:", f"{name}x:")
            assert wrong != text
            assert not accepts(plain_of(wrong)), wrong


def test_the_spellings_of_names() -> None:
    import re

    for name, spelling in [
        ("MaxPooling2D", "max_pooling2d"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("LSTM", "lstm"),
        ("RMSprop", "rmsprop"),
        ("BinaryCrossentropy", "binary_crossentropy"),
        ("KLDivergence", "kl_divergence"),
        ("L1L2", "l1_l2"),
        ("HeNormal", "he_normal"),
    ]:
        assert re.fullmatch(spelling_pattern(name), spelling)
        assert re.fullmatch(spelling_pattern(name), name)
    catalog = load_catalog()
    for kind in catalog.kinds():
        patterns = {name: re.compile(spelling_pattern(name)) for name in catalog.names(kind)}
        for name in catalog.names(kind):
            for spelling in (name, name.lower()):
                assert [other for other, pattern in patterns.items() if pattern.fullmatch(spelling)] == [name]


def node_of(value: Any) -> Node:
    if isinstance(value, list):
        return ListNode(items=[node_of(item) for item in value])
    if isinstance(value, dict):
        return MappingNode(entries={key: node_of(item) for key, item in value.items()}, keys=dict.fromkeys(value))
    return ScalarNode(text="" if value is None else str(value), value=value, quoted=isinstance(value, str))


NOTATIONS = sorted(
    {argument.type for entry in entries() for argument in entry.arguments.values()}
    | {key.type for key in KEYS.values() if "block" not in key.type}
    | {argument.type for source in SOURCES.values() for argument in source.arguments.values()}
)
# Without components, whose names `kind_schema` refers to, and with words in the case of the notation alone.
SIMPLE = [text for text in NOTATIONS if not any(word in text for word in load_catalog().kinds()) and "activation" not in text]
NUMBERS = st.integers(-3, 12) | st.sampled_from([0.0, 0.5, 1.5, -0.25, 2.5, 1e300])
SCALARS = st.none() | st.booleans() | NUMBERS | st.sampled_from(["", "valid", "same", "none", "a b", "auto", "x"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
)


@given(st.sampled_from(SIMPLE), VALUES)
def test_the_schema_of_a_type_takes_what_the_reader_takes(notation: str, value: Any) -> None:
    kind = parse_kind(notation)
    read = read_kind(kind, node_of(value), "", Faults(), lambda word, node, path: MISMATCH)
    schema = {**kind_schema(kind), "definitions": build_parameter()}
    whole_float = isinstance(value, float) and value == int(value)  # JSON Schema counts 1.0 among the integers
    if not whole_float:
        assert jsonschema.Draft7Validator(schema).is_valid(value) == (read is not MISMATCH)


@lru_cache(maxsize=1)
def build_parameter() -> dict[str, Any]:
    return {"parameter": build_json_schema()["definitions"]["parameter"]}


def test_own_code_is_in_the_schema_of_its_config(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    with knowing(load_own_catalog(file)):
        own = jsonschema.Draft7Validator(build_json_schema())
    plain = plain_of(file.read_text())
    assert not list(own.iter_errors(plain))
    assert not accepts(plain)
    plain["training"]["loss"] = {"Cubic": {"power": "a"}}
    assert list(own.iter_errors(plain))
