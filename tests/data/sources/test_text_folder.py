"""Texts in a file each, in a folder for each class."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.data.sources import text_folder
from dltrain.data.sources.text_folder import read, read_texts
from dltrain.errors import DataError, texts
from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter
from tests.data.sources.support import write_texts


def _reviews(place: Path) -> Path:
    folder = place / "aclImdb"
    for part in ("train", "test"):
        for label in ("neg", "pos"):
            write_texts(folder / part / label, [f"a {label} film {number}" for number in range(20)])
    write_texts(folder / "train" / "unsup", ["nobody has read this"] * 3)
    (folder / "train" / "urls_pos.txt").write_text("https://example.org")
    return folder


def _read(folder: Path, **options: object) -> text_folder.RawTable:
    return read(DataConfig("text_folder", path=(str(folder),), **options), seed=0, reporter=Reporter())  # type: ignore[arg-type]


def test_rows_are_the_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    raw = _read(_reviews(tmp_path) / "train", arguments={"classes": ["neg", "pos"]})
    assert raw.frame["label"].to_list() == ["neg"] * 20 + ["pos"] * 20
    assert raw.frame["file"].to_list()[:3] == ["train/neg/0.txt", "train/neg/1.txt", "train/neg/10.txt"]
    assert raw.frame["text"].to_list()[2] == "a neg film 10"
    assert any("urls_pos.txt" in text for text in texts(raw.notes, "warning"))
    assert any("unsup" in text for text in texts(raw.notes, "note"))


def test_a_limit_takes_classes_in_turn(tmp_path: Path) -> None:
    raw = _read(_reviews(tmp_path) / "test", limit=5)
    assert raw.frame["label"].to_list() == ["neg"] * 3 + ["pos"] * 2


def test_other_encodings_are_said_and_can_be_given(tmp_path: Path) -> None:
    folder = _reviews(tmp_path) / "test"
    (folder / "neg" / "0.txt").write_bytes("für Große übel, schön wär's, größer und böse".encode("cp1252"))
    assert _read(folder, encoding="cp1252").frame["text"][0].startswith("für Große")
    raw = _read(folder)
    assert any("neg/0.txt as " in text for text in texts(raw.notes, "warning"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "these are parts, not classes"),
        ("train/neg", "20 texts directly in it"),
        ("tran", "does not exist"),
        ("train/neg/0.txt", "is no folder"),
    ],
)
def test_what_is_no_folder_of_classes_is_said(tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _read(_reviews(tmp_path) / path)


def test_a_text_that_is_none_is_named(tmp_path: Path) -> None:
    folder = _reviews(tmp_path) / "test"
    (folder / "neg" / "3.txt").write_bytes(b"a\0b")
    with pytest.raises(DataError, match="NUL byte") as caught:
        _read(folder)
    assert caught.value.faults[0].file.endswith("neg/3.txt")  # type: ignore[union-attr]


def test_a_run_reads_files_and_folders_as_its_own(tmp_path: Path) -> None:
    folder = _reviews(tmp_path)
    config = DataConfig(
        "text_folder", path=(str(folder / "train"),), test=(str(folder / "test"),), arguments={"classes": ["neg", "pos"]},
        split=SplitConfig(validation=0.2),
    )  # fmt: skip
    dataset = load_dataset(config, seed=0)
    own = dataset.parts["test"]
    again = read_part(dataset.preprocessing, [str(folder / "test")], with_targets=True)
    for name, values in own.inputs.items():
        np.testing.assert_array_equal(np.asarray(values), np.asarray(again.inputs[name]))
    np.testing.assert_array_equal(np.asarray(own.targets["label"]), np.asarray(again.targets["label"]))
    alone = read_part(dataset.preprocessing, [str(folder / "test" / "pos" / "0.txt")], with_targets=False)
    place = list(again.identifiers["file"]).index("test/pos/0.txt")
    for name, values in again.inputs.items():
        np.testing.assert_array_equal(np.asarray(values)[place], np.asarray(alone.inputs[name])[0])


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    test = _reviews(tmp_path) / "test"
    files = [str(test / "pos" / "0.txt"), str(test / "neg" / "0.txt")]
    assert read_texts(files, None, None).frame["file"].to_list() == files
    assert files[0] in read_texts([str(test)], None, None).frame["file"].to_list()


def test_init_names_the_parts_and_the_classes_that_both_have(tmp_path: Path) -> None:
    text = make_starter(str(_reviews(tmp_path))).text
    assert "source: text_folder" in text
    assert "classes: [neg, pos]" in text
    assert "not in each: unsup" in text


def test_init_splits_only_what_has_no_folder(tmp_path: Path) -> None:
    folder = _reviews(tmp_path)
    (folder / "test").rename(folder / "val")
    text = make_starter(str(folder)).text
    assert "of the texts in path" in text
    assert "members" not in text
    assert f"validation: {folder / 'val'}" in text


def test_a_name_that_is_no_utf_8_is_read(tmp_path: Path) -> None:
    folder = _reviews(tmp_path) / "test"
    (folder / "pos" / os.fsdecode(b"\xff.txt")).write_text("a pos film")
    assert "test/pos/\ufffd.txt" in _read(folder).frame["file"].to_list()


def test_a_folder_whose_name_is_no_utf_8_is_no_label(tmp_path: Path) -> None:
    """Written otherwise, it could be another folder's; as it is, no file of a run can hold it."""
    folder = _reviews(tmp_path) / "test"
    (folder / "pos").rename(folder / os.fsdecode(b"p\xff"))
    with pytest.raises(DataError, match="name is not UTF-8"):
        _read(folder)


def test_of_many_texts_check_looks_at_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.data.look import read_facts

    monkeypatch.setattr(text_folder, "SAMPLED", 10)
    config = DataConfig("text_folder", path=(str(_reviews(tmp_path) / "test"),), split=SplitConfig(test=0.25))
    facts = read_facts(config, seed=0)
    assert facts.schema is not None
    assert dict(facts.rows) == {"train": 30, "test": 10}
    assert facts.schema.targets[0].classes == ("neg", "pos")


def test_files_called_by_a_number_are_texts(tmp_path: Path) -> None:
    """As those of 20 Newsgroups, whose parts are folders that differ in a word."""
    for part in ("train", "test"):
        for label in ("alt.atheism", "sci.space"):
            folder = tmp_path / f"20news-bydate-{part}" / label
            folder.mkdir(parents=True)
            for number in range(20):
                (folder / str(49000 + number)).write_text(f"From: a@b\n\nof {label} {number}")
            (folder / "README").write_text("no text")
    text = make_starter(str(tmp_path), folder=tmp_path).text
    assert "/20news-bydate-train\n" in text.replace('"', "")
    assert "/20news-bydate-test\n" in text.replace('"', "")
    assert _read(tmp_path / "20news-bydate-train").frame.height == 40
    with pytest.raises(DataError, match="these are parts, not classes"):
        _read(tmp_path)


@pytest.mark.parametrize(
    "files",
    [
        ["train/neg/0.txt", "train/urls.txt", "test/neg/0.txt", "more/0.txt"],
        ["film_train/0.txt", "film_test/0.txt"],
        ["train/0.txt", "test/0.txt", "empty/none.md"],
    ],
)
def test_folders_of_parts_are_known_by_what_they_hold(tmp_path: Path, files: list[str]) -> None:
    """Beside others they hold folders, whatever else lies in them; else all that hold texts are called so."""
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("a film")
    with pytest.raises(DataError, match="these are parts, not classes"):
        _read(tmp_path)


@pytest.mark.parametrize(("mark", "said"), [("__label__", "as fastText writes it"), ("", "one of 2 words: neg, pos")])
def test_labels_before_texts_have_a_way_out(mark: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.train").write_text("".join(f"{mark}{'pos' if row % 2 else 'neg'} a film {row}\n" for row in range(30)))
    with pytest.raises(DataError, match=said) as caught:
        make_starter(str(tmp_path / "a.train"))
    command = (caught.value.faults[0].hint or "").split("`")[1]
    subprocess.run(["bash", "-c", command], check=True)
    assert "2 classes: neg: 50.0 %" in make_starter(str(tmp_path / "a.train.tsv"), target="1", folder=tmp_path).text


def test_numbers_with_their_places_have_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.libsvm").write_text("".join(f"{row % 3} 1:{row}.5 3:-1e-2 4:{row % 7}\n" for row in range(60)))
    with pytest.raises(DataError, match="as LIBSVM writes them") as caught:
        make_starter("a.libsvm")
    command = (caught.value.faults[0].hint or "").removesuffix(" makes arrays of it")
    subprocess.run(["bash", "-c", command.replace("python", sys.executable, 1)], check=True)
    assert "arrays x 60×4, y 60" in make_starter("a.npz").text
