"""`init` on targets whose cells hold lists, and on those that merely hold signs that could separate some."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import polars
import pytest
from PIL import Image

from dltrain.config import load_config_text
from dltrain.data.columns.reading import Reading
from dltrain.data.load import load_dataset
from dltrain.starting.labels import labels_in
from dltrain.starting.start import make_starter

CHOSEN = [["a b", "c"], ["c"], ["d", "a b"], [], ["c", "d"], ["a b"], ["d"], ["a b", "c", "d"]]


def cells(sign: str) -> polars.Series:
    return polars.Series("tags", [sign.join(CHOSEN[index % 8]) for index in range(80)])


@pytest.mark.parametrize("sign", ["|", ";", ",", " | "])
def test_lists_are_seen(sign):
    found = labels_in(cells(sign), Reading())
    assert found is not None
    assert found[0] == sign.strip()
    assert set(found[1].labels.to_list()) == {"a b", "c", "d"}


@pytest.mark.parametrize(
    "texts",
    [
        [f"Braund, Mr. Owen Harris the {index}" for index in range(60)],
        ["Paris, France", "Lyon, France", "Rome, Italy", "Milan, Italy"] * 20,
        ["yes", "no"] * 40,
        ["good, and it came quickly and well packed", "bad, it broke on the first day of use"] * 40,
        [f"{number},5" for number in range(60)],
    ],
    ids=["names", "places", "classes", "sentences", "numbers"],
)
def test_other_texts_are_no_lists(texts):
    assert labels_in(polars.Series("y", texts), Reading()) is None


def test_a_first_config_says_so_and_is_read_as_it_says(tmp_path: Path):
    draw = np.random.default_rng(0)
    frame = polars.DataFrame({"x": draw.normal(size=80), "z": draw.normal(size=80), "tags": cells("|")})
    frame.write_csv(tmp_path / "t.csv")
    starter = make_starter(str(tmp_path / "t.csv"), folder=tmp_path)
    assert "lists of 3 labels, several per row" in starter.text
    assert "an empty cell has no label" in starter.text
    config = load_config_text(starter.text, file="c.yaml", folder=tmp_path)
    assert (config.data.task, config.data.labels.separator) == ("multilabel", "|")
    dataset = load_dataset(config.data, seed=0)
    assert dataset.schema.targets[0].classes == ("a b", "c", "d")
    assert dataset.preprocessing.to_state()[0]["targets"][0]["separator"] == "|"


def test_an_array_of_columns_of_0_and_1(tmp_path: Path):
    draw = np.random.default_rng(0)
    flags = np.array(list(itertools.islice(itertools.cycle([[0, 1, 1], [1, 0, 0], [0, 0, 0]]), 60)))
    np.savez(tmp_path / "t.npz", x=draw.normal(size=(60, 4)).astype(np.float32), y=flags)
    starter = make_starter(str(tmp_path / "t.npz"), folder=tmp_path)
    assert "task: multilabel" in starter.text
    assert "3 labels" in starter.text


def test_a_table_that_names_pictures_with_their_labels(tmp_path: Path):
    (tmp_path / "p").mkdir()
    for row in range(80):
        Image.fromarray(np.full((20, 30), 3 * row, np.uint8)).save(tmp_path / "p" / f"{row}.png")
    files = [f"p/{row}.png" for row in range(80)]
    polars.DataFrame({"file": files, "tags": cells("|")}).write_csv(tmp_path / "t.csv")
    starter = make_starter(str(tmp_path / "t.csv"), folder=tmp_path)
    config = load_config_text(starter.text, file="c.yaml", folder=tmp_path)
    assert (config.data.task, config.data.features) == ("multilabel", {"file": "image"})
    dataset = load_dataset(config.data, seed=0)
    assert dataset.schema.inputs[0].shape == (20, 32, 1)
    assert dataset.schema.targets[0].classes == ("a b", "c", "d")


@pytest.mark.parametrize("written", ["{},{}", "{},{} €", "-{},{}", "1.00{},{}"])
def test_decimal_commas_are_no_lists(tmp_path: Path, written: str) -> None:
    """`5,3` of a German table is one number, although 5 and 3 come again and again."""
    texts = [written.format(row * 7 % 10, row * 3 % 9) for row in range(80)]
    lines = [f"{row * 13 % 17},{row % 7};{text}" for row, text in enumerate(texts)]
    (tmp_path / "t.csv").write_text("a;y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    text = make_starter(str(tmp_path / "t.csv"), target="y").text
    assert "multilabel" not in text
    config = load_config_text(text, folder=tmp_path)
    spec = load_dataset(config.data, seed=0).schema.targets[0]
    assert spec.task == "regression"
    parts = load_dataset(config.data, seed=0).parts.values()
    found = sorted(float(value) for part in parts for value in np.asarray(spec.to_own(part.targets["y"])).ravel())
    expected = sorted(float(text.rstrip(" €").replace(".", "").replace(",", ".")) for text in texts)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
