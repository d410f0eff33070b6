"""`init` on targets whose cells hold lists, and on those that merely hold signs that could separate some."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest
from PIL import Image

from dltrain.checking.check import check_config
from dltrain.config import load_config_text
from dltrain.data.columns.reading import Reading
from dltrain.data.labels.lists import labels_in
from dltrain.data.load import load_dataset
from dltrain.errors import DataError, UsageError
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes

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


def test_columns_of_0_and_1_are_labels_of_one_target(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(80, 2))
    has = (x + draw.normal(size=(80, 2)) > 0).astype(int)
    columns = {"x": x[:, 0], "z": x[:, 1], "lost": has[:, 0], "sale": has[:, 1]}
    polars.DataFrame(columns).write_csv(tmp_path / "t.csv")
    with pytest.raises(UsageError, match="--target lost,sale, where a row may have several of these as labels"):
        make_starter(str(tmp_path / "t.csv"), folder=tmp_path)
    text = make_starter(str(tmp_path / "t.csv"), target="lost,sale", folder=tmp_path, wishes=Wishes(simple=True)).text
    config = load_config_text(text, folder=tmp_path)
    assert config.data.features == {"x": "number", "z": "number"}
    part = load_dataset(config.data, seed=0).parts["train"]
    np.testing.assert_array_equal(part.targets["labels"], has[part.row_ids])
    with pytest.raises(UsageError, match=r"lost of .* holds something else"):
        make_starter(str(tmp_path / "t.csv"), target="lost,x", folder=tmp_path)


def test_a_label_that_no_row_has_may_be_named_first(tmp_path: Path) -> None:
    frame = polars.DataFrame({"none": [0] * 60, "some": [0, 1, 1] * 20, "x": np.random.default_rng(0).normal(size=60)})
    frame.write_csv(tmp_path / "t.csv")
    text = make_starter(str(tmp_path / "t.csv"), target="none,some", folder=tmp_path, wishes=Wishes(simple=True)).text
    assert "none: 0.0 %" in text
    assert load_config_text(text, folder=tmp_path).data.target == ("none", "some")


def test_several_amounts_are_outputs_of_one_net(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(80, 2))
    rent = 100 * x[:, 0]
    columns = {"x": x[:, 0], "z": x[:, 1], "rent": [*rent[:-1], None], "size": x[:, 1] + 5, "kind": ["flat", "house"] * 40}
    polars.DataFrame(columns).write_csv(tmp_path / "t.csv")
    text = make_starter(str(tmp_path / "t.csv"), target="rent, size", folder=tmp_path, wishes=Wishes(simple=True)).text
    config = load_config_text(text, folder=tmp_path)
    assert config.data.target == ("rent", "size")
    assert set(config.data.features or {}) == {"x", "z", "kind"}
    assert "1 of 80 rows have no value for each of these" in text
    dataset = load_dataset(config.data, seed=0)
    part = dataset.parts["train"]
    for spec, values in zip(dataset.schema.targets, (rent, x[:, 1] + 5), strict=True):
        assert spec.task == "regression"
        np.testing.assert_allclose(spec.to_own(np.asarray(part.targets[spec.name])), values[part.row_ids], rtol=1e-5, atol=1e-4)
    with pytest.raises(UsageError, match=r"all labels .* or all amounts; kind of .* holds something else"):
        make_starter(str(tmp_path / "t.csv"), target="rent,kind", folder=tmp_path)


@pytest.mark.parametrize("words", [("False", "True"), ("no", "Yes"), ("0.0", "1.0")])
def test_columns_of_words_are_labels_as_well(tmp_path: Path, words: tuple[str, str]) -> None:
    draw = np.random.default_rng(0)
    frame = polars.DataFrame({name: np.array(words)[draw.integers(0, 2, 60)] for name in "ab"})
    frame.with_columns(x=polars.Series(draw.normal(size=60))).write_csv(tmp_path / "t.csv")
    starter = make_starter(str(tmp_path / "t.csv"), target="a,b", folder=tmp_path)
    dataset = load_dataset(load_config_text(starter.text, file="c.yaml", folder=tmp_path).data, seed=0)
    share = (frame["a"] == words[1]).sum() / 60
    assert dataset.schema.targets[0].classes == ("a", "b")
    assert f"a: {100 * share:.1f} %" in starter.text


@pytest.mark.parametrize(("side", "tiles"), [(40, None), (300, 128)])
def test_pictures_with_masks_get_a_config_for_each_pixel(tmp_path: Path, side: int, tiles: int | None) -> None:
    for kind in ("pictures", "masks"):
        (tmp_path / "cells" / kind).mkdir(parents=True)
    for number in range(12):
        mask = np.zeros((side, side), np.uint8)
        mask[: side // 2] = 1
        mask[0] = 255
        Image.fromarray(mask).save(tmp_path / "cells" / "masks" / f"{number}.png")
        Image.fromarray(np.stack([mask * 100, mask, mask], axis=-1)).save(tmp_path / "cells" / "pictures" / f"{number}.png")
    text = make_starter(str(tmp_path / "cells"), folder=tmp_path).text
    config = load_config_text(text, folder=tmp_path)
    assert (config.data.task, config.data.arguments.get("tiles"), config.data.arguments["ignore"]) == ("segmentation", tiles, 255)
    assert check_config(config).errors == ()
    with pytest.raises(UsageError, match="the masks are what is learnt"):
        make_starter(str(tmp_path / "cells"), target="mask", folder=tmp_path)


def test_a_label_that_no_row_has_is_one(tmp_path: Path):
    rows = [f"w{index % 7} v{index % 3},{index % 2},0,{int(index % 5 == 0)}" for index in range(60)]
    (tmp_path / "t.csv").write_text("note,a,b,c\n" + "\n".join(rows))
    config = load_config_text(make_starter(str(tmp_path / "t.csv"), target="a,b,c", folder=tmp_path).text, folder=tmp_path)
    assert (config.data.task, config.data.target) == ("multilabel", ("a", "b", "c"))


@pytest.mark.parametrize("value", [0.5, "up"])
@pytest.mark.parametrize("known", [9, 10])
def test_rows_without_a_target_are_none_to_learn_from(tmp_path: Path, value: object, known: int) -> None:
    target = [value if place % 2 else ("down" if value == "up" else 0.25) for place in range(known)] + [None] * (100 - known)
    polars.DataFrame({"a": np.arange(100) % 7 / 2, "y": target}).write_csv(tmp_path / "t.csv")
    if known < 10:
        with pytest.raises(DataError, match="9 of 100 rows have a value for y, too few to learn from"):
            make_starter(str(tmp_path / "t.csv"), target="y")
    else:
        assert "90 of 100 rows have no value for y" in make_starter(str(tmp_path / "t.csv"), target="y").text


@pytest.mark.parametrize(
    ("name", "codes", "reason"),
    [
        ("topic", np.arange(120) % 4 + 1, "1 to 4 in 30 rows each, as classes are drawn"),
        ("target", np.repeat([0, 1, 2], [40, 55, 25]), "0 to 2 are codes of classes, as scikit-learn's frames have them"),
        ("stars", np.repeat([1, 2, 3, 4, 5], [10, 20, 20, 30, 40]), None),  # one more is one better
        ("target", np.repeat([0, 1, 2, 3], [60, 30, 20, 10]), None),  # the end of what is counted
        ("target", np.repeat([1, 2, 3], [40, 50, 30]), None),
        ("weeks", np.arange(120) % 4 * 2, None),
        ("level", np.arange(24) % 4 + 1, None),
    ],
)
def test_codes_of_classes_are_told_from_amounts(tmp_path: Path, name: str, codes: np.ndarray, reason: str | None) -> None:
    draw = np.random.default_rng(0)
    order = draw.permutation(codes)
    polars.DataFrame({"a": draw.normal(size=len(order)), "b": draw.normal(size=len(order)), name: order}).write_csv(
        tmp_path / "t.csv"
    )
    text = make_starter(str(tmp_path / "t.csv"), target=name, folder=tmp_path).text
    config = load_config_text(text, folder=tmp_path)
    assert config.data.task == ("classification" if reason else "regression")
    assert (reason or "`classification` would make each a class") in " ".join(text.replace("#", "").split())
    assert load_dataset(config.data, seed=0).schema.targets[0].task == config.data.task


def test_frames_of_scikit_learn_are_classes(tmp_path: Path) -> None:
    from sklearn.datasets import load_diabetes, load_wine

    for load, task in ((load_wine, "classification"), (load_diabetes, "regression")):
        load(as_frame=True).frame.to_csv(tmp_path / "t.csv", index=False)
        config = load_config_text(make_starter(str(tmp_path / "t.csv"), folder=tmp_path).text, folder=tmp_path)
        assert (config.data.target, config.data.task) == (("target",), task)


@pytest.mark.parametrize("written", ["{}", "{}.0"])  # pandas writes whole numbers beside a gap as the second
def test_codes_with_gaps_are_classes_as_well(tmp_path: Path, written: str) -> None:
    draw = np.random.default_rng(0)
    rows = [f"{a:.3f},{'' if row % 40 == 3 else written.format(row % 3)}" for row, a in enumerate(draw.normal(size=120))]
    (tmp_path / "t.csv").write_text("a,label\n" + "\n".join(rows))
    config = load_config_text(make_starter(str(tmp_path / "t.csv"), folder=tmp_path).text, folder=tmp_path)
    assert (config.data.task, config.data.missing_target) == ("classification", "drop")
    assert load_dataset(config.data, seed=0).schema.targets[0].classes == ("0", "1", "2")


def test_none_may_be_a_class(tmp_path: Path) -> None:
    """What people write for no disorder and no damage; pandas and others read it as no value."""
    path = tmp_path / "t.csv"
    labels = ["None", "Insomnia", "Apnea", "None"] * 20
    path.write_text("x,disorder\n" + "".join(f"{row * 7 % 60},{label}\n" for row, label in enumerate(labels)))
    starter = make_starter(str(path), target="disorder")
    said = "40 rows with None for disorder are left out, as None is read as no value"
    assert said in " ".join(starter.text.replace("#", " ").split())
    config = load_config_text(starter.text, folder=tmp_path).data
    assert load_dataset(config, seed=0).schema.targets[0].classes == ("Apnea", "Insomnia")
    told = replace(config, replace={"disorder": {"None": "none"}}, missing_target="fail")
    assert load_dataset(told, seed=0).schema.targets[0].classes == ("Apnea", "Insomnia", "none")
    path.write_text(path.read_text().replace("None", "NA"))
    assert "rows with None" not in make_starter(str(path), target="disorder").text
