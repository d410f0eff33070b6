from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dltrain.config.catalog import catalog as catalog_module
from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.kinds import MISMATCH, parse_kind, read_kind
from dltrain.config.text.nodes import Faults, ListNode, Node, ScalarNode
from dltrain.wording import normalize


def node_of(value: object) -> Node:
    if isinstance(value, list):
        return ListNode(items=[node_of(item) for item in value])
    return ScalarNode(text=str(value), value=value)


def test_every_default_is_of_the_type_that_is_expected() -> None:
    catalog = load_catalog()
    wrong = []
    for kind in catalog.kinds():
        for name in catalog.names(kind):
            entry = catalog.find(kind, name)
            assert entry is not None
            assert entry.doc
            for argument in entry.arguments.values():
                expected = parse_kind(argument.type)
                if argument.required or argument.default is None or argument.name == "data_format":
                    continue
                found = read_kind(expected, node_of(argument.default), "", Faults(), lambda word, node, path: node)
                if found is MISMATCH:
                    wrong.append((name, argument.name, argument.type, argument.default))
    assert wrong == []


def test_nested_defaults_are_in_the_catalog() -> None:
    catalog = load_catalog()
    for name in catalog.names("layer"):
        entry = catalog.find("layer", name)
        assert entry is not None
        for argument in entry.arguments.values():
            if isinstance(argument.default, str):
                if argument.type.startswith("initializer"):
                    assert catalog.find("initializer", argument.default), argument
                if argument.type.startswith("activation"):
                    assert catalog.find_activation(argument.default), argument


def test_names_of_a_kind_do_not_collide() -> None:
    catalog = load_catalog()
    for kind in catalog.kinds():
        spellings = [normalize(name) for name in catalog.names(kind)]
        assert len(set(spellings)) == len(spellings)


@pytest.mark.parametrize(
    ("kind", "spelling", "name"),
    [
        ("layer", "max_pooling2d", "MaxPooling2D"),
        ("layer", "MaxPool2D", "MaxPooling2D"),
        ("layer", "GroupQueryAttention", "GroupQueryAttention"),
        ("loss", "mse", "MeanSquaredError"),
        ("loss", "binary_crossentropy", "BinaryCrossentropy"),
        ("metric", "MAE", "MeanAbsoluteError"),
        ("metric", "f1_score", "F1Score"),
        ("initializer", "uniform", "RandomUniform"),
        ("regularizer", "l1_l2", "L1L2"),
        ("constraint", "non_neg", "NonNeg"),
        ("application", "resnet50", "ResNet50"),
    ],
)
def test_keras_s_other_spellings_are_found(kind: str, spelling: str, name: str) -> None:
    entry = load_catalog().find(kind, spelling)
    assert entry is not None
    assert entry.name == name


def test_what_a_config_must_not_hold_is_not_offered() -> None:
    catalog = load_catalog()
    for name in ("Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "Layer", "Wrapper"):
        assert catalog.find("layer", name) is None


def _signatures(text: str) -> dict[str, Any]:
    """What a catalog says of components, without the sentences, which change from one patch version to the next."""
    catalog = json.loads(text)
    components = {
        f"{kind} {name}": [[argument[0], argument[1], *argument[3:]] for argument in entry["arguments"]]
        for kind, entries in catalog["components"].items()
        for name, entry in entries.items()
    }
    return {**components, "aliases": catalog["aliases"], "activations": sorted(catalog["activations"])}


def test_the_catalog_is_that_of_the_installed_keras() -> None:
    from tests.catalog.generate import build_catalog, render

    stored = Path(catalog_module.__file__).with_name("catalog.json").read_text(encoding="utf-8")
    assert _signatures(stored) == _signatures(render(build_catalog())), "run `python -m tests.catalog.generate`"
