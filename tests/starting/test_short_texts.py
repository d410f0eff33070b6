"""`init` on short texts: the second of a pair, and single words such as names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.checking.check import check_config
from dltrain.config import load_config_text
from dltrain.errors import DataError
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes


def test_a_second_text_of_a_few_words_is_read_beside_the_first(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    words = np.array(["a", "man", "dog", "runs", "sleeps", "outside", "in", "the", "park", "quickly"])
    first = [" ".join(draw.choice(words, 14)) for _ in range(120)]
    second = [" ".join(draw.choice(words, 5)) for _ in range(120)]
    names = [f"{first} {second}" for first, second in zip(draw.permutation(120), draw.permutation(120), strict=True)]
    frame = polars.DataFrame({"premise": first, "hypothesis": second, "by": names, "label": ["yes", "no"] * 60})
    frame.write_csv(tmp_path / "t.csv")
    config = load_config_text(make_starter(str(tmp_path / "t.csv"), target="label", folder=tmp_path).text, folder=tmp_path)
    assert config.data.features == {"premise": "text", "hypothesis": "text"}


def test_single_words_are_read_letter_by_letter_where_there_is_nothing_else(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    endings = ["ov", "ini", "son"]
    stems = ["".join(draw.choice(list("abcdefgh"), 6)).title() for _ in range(120)]
    words = [stem + endings[index % 3] for index, stem in enumerate(stems)]
    frame = polars.DataFrame({"name": words, "from": ["Russian", "Italian", "English"] * 40})
    frame.write_csv(tmp_path / "t.csv")
    text = make_starter(str(tmp_path / "t.csv"), target="from", folder=tmp_path).text
    config = load_config_text(text, folder=tmp_path)
    assert config.data.features == {"name": "text"}
    assert "text: {split: character}" in text
    assert "Conv1D" in text
    codes = polars.DataFrame({"name": [f"{number:06x}" for number in draw.integers(0, 1 << 24, 120)], "from": frame["from"]})
    codes.write_csv(tmp_path / "codes.csv")
    with pytest.raises(DataError, match="no column is left to learn from"):
        make_starter(str(tmp_path / "codes.csv"), target="from", folder=tmp_path)


def test_molecules_are_read_sign_by_sign_and_their_names_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    pieces = ["C", "CC", "c1ccccc1", "O", "N", "C(=O)O", "Cl", "F", "C=C", "S(=O)(=O)", "[Na+]"]
    rows = []
    for row in range(200):
        chosen = rng.integers(0, len(pieces), rng.integers(3, 8))
        rows.append(f"compound {row},{''.join(pieces[place] for place in chosen)},{(chosen == 3).sum() + rng.normal():.3f}")
    Path("esol.csv").write_text("\n".join(["Compound ID,smiles,solubility", *rows]) + "\n")
    config = load_config_text(make_starter("esol.csv", target="solubility").text, folder=tmp_path).data
    assert (config.features, config.identifiers) == ({"smiles": "text"}, ("Compound ID",))
    assert (config.text.split, config.text.standardize) == ("character", "none")


@pytest.mark.parametrize(("rows", "folds"), [(120, False), (400, True)])
def test_texts_alone_are_pooled_by_their_strongest_and_their_usual_words(tmp_path: Path, rows: int, folds: bool) -> None:
    draw = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(40)])
    texts = {name: [" ".join(draw.choice(words, 12)) for _ in range(rows)] for name in ("title", "the story")}
    polars.DataFrame({**texts, "topic": ["world", "sport"] * (rows // 2)}).write_csv(tmp_path / "t.csv")
    config = load_config_text(make_starter(str(tmp_path / "t.csv"), target="topic", folder=tmp_path).text, folder=tmp_path)
    kinds = [layer.component.name for layer in config.model.layers]
    one = ["Embedding", "SpatialDropout1D", "GlobalMaxPooling1D", "GlobalAveragePooling1D"]
    assert kinds == [*one, *one, "Concatenate", "Dropout"]
    assert config.needed_training.members.folds == (5 if folds else None)
    assert (config.data.split.validation is None) is folds
    assert check_config(config).errors == ()


def test_folders_of_texts_get_the_same_net_and_their_own_validation_part(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(40)])
    for part, count in (("train", 100), ("validation", 20)):
        for label in ("pos", "neg"):
            (tmp_path / "reviews" / part / label).mkdir(parents=True)
            for number in range(count):
                (tmp_path / "reviews" / part / label / f"{number}.txt").write_text(" ".join(draw.choice(words, 12)))
    config = load_config_text(make_starter(str(tmp_path / "reviews"), folder=tmp_path).text, folder=tmp_path)
    assert config.model.layers[1].component.name == "SpatialDropout1D"
    assert (config.needed_training.members.count, config.needed_training.members.folds) == (5, None)
    assert check_config(config).errors == ()
    small = make_starter(str(tmp_path / "reviews"), folder=tmp_path, wishes=Wishes(simple=True)).text
    assert "SpatialDropout1D" not in small
