"""The stored preprocessing: the same bits back, and nothing hostile gets in."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.stored import load_preprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import RunError
from tests.support import examples


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    rows = "".join(
        f"{i * 0.1:.2f},{'' if i % 9 == 0 else i % 4},{'pqr'[i % 3]},v{i % 70},{i % 2 == 0},{i / 3}\n" for i in range(210)
    )
    (tmp_path / "t.csv").write_text("a,b,c,d,e,y\n" + rows)
    config = DataConfig(
        "csv",
        path=(str(tmp_path / "t.csv"),),
        target=("y",),
        split=SplitConfig(test=0.2),
        scale={"a": "quantile"},
        replace={"c": {"p": "P, \"quoted\" 'é'"}},
    )
    load_dataset(config, seed=0).preprocessing.save(tmp_path)
    return tmp_path


def test_saved_and_loaded_is_the_same(stored: Path) -> None:
    first = load_preprocessing(stored)
    (stored / "again").mkdir()
    first.save(stored / "again")
    second = load_preprocessing(stored / "again")
    assert second == first
    assert second.schema == first.schema
    for name in ("preprocessing.json", "preprocessing.npz"):
        assert (stored / name).read_bytes() == (stored / "again" / name).read_bytes()
    assert any("one-hot" in line for line in first.describe())


def rewrite(stored: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = stored / "preprocessing.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop("features"),
        lambda state: state.update(version=2),
        lambda state: state.update(kind="os.system"),
        lambda state: state.update(features="all"),
        lambda state: state["features"].append(3),
        lambda state: state["features"][0].update(kind="lambda"),
        lambda state: state["features"][0]["numbers"][0].update(scale="eval"),
        lambda state: state["features"][0].update(numbers=[]),
        lambda state: state["features"][2].update(categories=[1, 2]),
        lambda state: state["features"].extend(state["features"] * 3),
        lambda state: state["targets"][0].update(mean="high"),
        lambda state: state["targets"][0].update(task="x"),
        lambda state: state["reading"].update(replace=[1]),
        lambda state: state["reading"].update(missing="?"),
    ],
)
def test_a_changed_document_is_refused(stored: Path, change: Callable[[dict[str, Any]], object]) -> None:
    rewrite(stored, change)
    with pytest.raises(RunError) as caught:
        load_preprocessing(stored)
    assert caught.value.exit_code == 6
    assert str(caught.value.faults[0].file).endswith("preprocessing.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"version": NaN}', b'{"version": ' + b"9" * 10_000 + b"}"],
)
@pytest.mark.parametrize("name", ["preprocessing.json", "preprocessing.npz"])
def test_a_damaged_file_is_refused(stored: Path, name: str, content: bytes) -> None:
    (stored / name).write_bytes(content)
    with pytest.raises(RunError) as caught:
        load_preprocessing(stored)
    assert str(caught.value.faults[0].file).endswith(name)


@pytest.mark.parametrize("name", ["preprocessing.json", "preprocessing.npz"])
def test_a_missing_file_or_a_folder_in_its_place_is_refused(stored: Path, name: str) -> None:
    (stored / name).unlink()
    with pytest.raises(RunError, match=name):
        load_preprocessing(stored)
    (stored / name).mkdir()
    with pytest.raises(RunError, match=name):
        load_preprocessing(stored)


def member(shape: tuple[int, ...], data: bytes) -> bytes:
    buffer = io.BytesIO()
    npy.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + data


@pytest.mark.parametrize("shape", [(1 << 40,), (1 << 31, 1 << 31), (-1,), (3,)])
def test_declared_shapes_get_no_memory_before_the_bytes_are_there(stored: Path, shape: tuple[int, ...]) -> None:
    with zipfile.ZipFile(stored / "preprocessing.npz", "w") as archive:
        archive.writestr("fill.npy", member(shape, b"\0" * 16))
    with pytest.raises(RunError):
        load_preprocessing(stored)


def test_a_bomb_is_refused_by_its_declared_size(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dltrain.data.stored.MAX_ARRAY_BYTES", 1 << 20)
    with (
        zipfile.ZipFile(stored / "preprocessing.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("fill.npy", "w") as file,
    ):
        file.write(b"\0" * (4 << 20))
    with pytest.raises(RunError, match="more than 1 MB"):
        load_preprocessing(stored)


@settings(max_examples=examples(13, 40), deadline=None)
@given(st.data())
def test_any_flipped_byte_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    (folder / "t.csv").write_text("a,y\n" + "".join(f"{i},{i * 2}\n" for i in range(10)))
    load_dataset(DataConfig("csv", path=(str(folder / "t.csv"),), target=("y",)), seed=0).preprocessing.save(folder)
    path = folder / data.draw(st.sampled_from(["preprocessing.json", "preprocessing.npz"]))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        preprocessing = load_preprocessing(folder)
    except RunError:
        return  # refused, with exit code 6; any other exception fails the test
    else:
        assert preprocessing.schema.targets


def test_pictures_are_stored_and_read_back(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (40, 5, 4, 1), dtype=np.uint8)
    np.savez(tmp_path / "p.npz", x=images, y=np.arange(40) % 2)
    config = DataConfig("npz", path=(str(tmp_path / "p.npz"),), scale="standard", split=SplitConfig(test=0.25))
    dataset = load_dataset(config, seed=0)
    dataset.preprocessing.save(tmp_path)
    loaded = load_preprocessing(tmp_path)
    again = load_dataset(config, seed=0, preprocessing=loaded)
    assert loaded.schema == dataset.schema
    assert loaded.schema.inputs[0].name == "image"
    np.testing.assert_array_equal(again.parts["test"].inputs["image"], dataset.parts["test"].inputs["image"])
    train = images[dataset.parts["train"].row_ids].astype(np.float64)
    expected = (images[dataset.parts["test"].row_ids] - train.mean(0)) / train.std(0)
    np.testing.assert_allclose(dataset.parts["test"].inputs["image"], expected, atol=1e-5)
    rewrite(tmp_path, lambda state: state.update(shape=[6, 4, 1]))
    with pytest.raises(RunError):
        load_preprocessing(tmp_path)


@pytest.mark.parametrize("scale", ["standard", "minmax", "quantile", "none"])
def test_features_are_read_back_in_the_columns_own_words_and_units(tmp_path: Path, scale: str) -> None:
    rng = np.random.default_rng(3)
    numbers, words = rng.normal(50, 20, 80).round(3), rng.choice(["red", "green", ""], 80)
    flags, days = rng.choice(["True", "False"], 80), rng.integers(1, 28, 80)
    rows = [f"{a},{b},{c},2024-03-{d:02d}" for a, b, c, d in zip(numbers, words, flags, days)]
    (tmp_path / "t.csv").write_text("\n".join(["size,colour,sold,day", *rows]) + "\n")
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), task="reconstruction", split=SplitConfig(test=0.2), scale=scale)
    dataset = load_dataset(config, seed=0)
    preprocessing = dataset.preprocessing
    assert isinstance(preprocessing, TablePreprocessing)
    part = dataset.parts["train"]  # its range is all that quantiles know
    found = preprocessing.read_back(np.asarray(part.inputs["features"]))
    np.testing.assert_allclose(found["size"], numbers[part.row_ids], rtol=2e-3 if scale == "quantile" else 1e-5, atol=1e-3)
    assert found["colour"] == words[part.row_ids].tolist()
    assert found["sold"] == [flag.lower() for flag in flags[part.row_ids]]
    np.testing.assert_allclose(found["day day"], days[part.row_ids], rtol=1e-3)
    assert preprocessing.read_back(np.zeros((3, 1))) == {}
