"""`data.embedding_size`: how many numbers the embedding of a category has."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data.load import load_dataset
from dltrain.data.stored import load_preprocessing
from dltrain.errors import ConfigError
from dltrain.model.build import build_model
from tests.data.streaming import IN_MEMORY, STREAMED, load_as, small_chunks

TEXT = "data: {{source: csv, path: {path}, target: y, encode: embedding, embedding_size: {size}}}\nmodel: {{layers: []}}\n"


def table(folder: Path) -> Path:
    path = folder / "t.csv"
    path.write_text("kind,place,few,y\n" + "".join(f"k{row % 30},p{row % 7},f{row % 3},{row % 11}\n" for row in range(300)))
    return path


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
def test_it_is_the_number_given_or_goes_by_the_categories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    small_chunks(monkeypatch, 100)
    config = DataConfig("csv", path=(str(table(tmp_path)),), target=("y",), encode="embedding", embedding_size={"kind": 5})
    dataset = load_as(monkeypatch, bound, config)
    sizes = {spec.name: spec.embedding_dimension for spec in dataset.schema.inputs}
    assert sizes == {"kind": 5, "place": round(1.6 * 8**0.56), "few": round(1.6 * 4**0.56)}
    dataset.preprocessing.save(tmp_path)
    assert load_preprocessing(tmp_path).schema == dataset.schema


def test_the_model_has_it(tmp_path: Path) -> None:
    config = load_config_text(TEXT.format(path=table(tmp_path), size=3), file="c.yaml", folder=tmp_path)
    dataset = load_dataset(config.data, seed=1)
    model = build_model(config.model, dataset.schema, (), seed=1)
    shapes = sorted(tuple(weight.shape) for weight in model.weights)
    assert shapes == [(4, 3), (8, 3), (31, 3)]


def test_what_has_no_embedding_is_refused(tmp_path: Path) -> None:
    path = str(table(tmp_path))
    for column, encode in (("kind", "one_hot"), ("y", "embedding")):
        target = ("few",) if column == "y" else ("y",)
        config = DataConfig("csv", path=(path,), target=target, encode=encode, embedding_size={column: 4})
        with pytest.raises(ConfigError) as error:
            load_dataset(config, seed=1)
        assert error.value.faults[0].path == f"data.embedding_size.{column}"


def test_a_preset_takes_it(tmp_path: Path) -> None:
    text = """
    data: {source: csv, path: t.csv, target: y, task: regression, encode: {kind: embedding, place: embedding},
           embedding_size: {kind: 3}}
    model: {preset: realmlp, inputs: {numbers: [few], kind: [kind], place: [place]}}
    """
    config = load_config_text(text, file="c.yaml", folder=tmp_path)
    found = {layer.component.arguments["output_dim"] for layer in config.model.layers if layer.component.name == "Embedding"}
    assert found == {3, 8}
