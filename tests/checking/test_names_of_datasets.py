"""Labels of the named datasets are called by their names before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.checking import check_config
from dltrain.config import load_config_text
from dltrain.config.catalog.label_names import LABEL_NAMES
from dltrain.config.catalog.sources import INSTALLED, SOURCES
from dltrain.data import load_dataset

TEXT = "data: {source: iris}\nmodel: {layers: []}\ntraining: {class_weight: {%s: 2}}"


def test_a_class_weight_of_no_label_is_refused_with_those_there_are(tmp_path: Path) -> None:
    assert not check_config(load_config_text(TEXT % "setosa", folder=tmp_path)).errors
    [fault] = check_config(load_config_text(TEXT % "Setosa", folder=tmp_path)).errors
    assert fault.path == "training.class_weight.Setosa"
    assert fault.hint == 'did you mean "setosa"? the classes are setosa, versicolor, virginica'


@pytest.mark.parametrize("name", [name for name in LABEL_NAMES if SOURCES[name].kept == INSTALLED])
def test_they_are_those_of_the_data(name: str, tmp_path: Path) -> None:
    config = load_config_text(f"data: {{source: {name}}}\nmodel: {{layers: []}}", folder=tmp_path)
    assert load_dataset(config.data, seed=0).schema.targets[0].classes == LABEL_NAMES[name]
