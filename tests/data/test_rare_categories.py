"""Rare categories are one together, in memory and streamed, and what training has not seen belongs with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.columns.category import category_codes
from dltrain.data.columns.column import FeatureColumn, fit_feature
from dltrain.data.columns.kind import Learning
from dltrain.data.load import load_dataset
from dltrain.data.raw import RawTable
from dltrain.data.stored import load_preprocessing
from dltrain.errors import ConfigError
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks

sklearn = pytest.importorskip("sklearn")


def fitted(words: list[str | None], min_count: int, encode: str = "one_hot") -> FeatureColumn:
    values = polars.Series("x", words, polars.String)
    column = FeatureColumn("x", "category")
    return fit_feature(column, values, np.arange(len(words)), Learning(encode=encode, min_count=min_count))


@pytest.mark.parametrize("min_count", [1, 2, 3, 10])
@pytest.mark.parametrize("seed", range(3))
def test_like_scikit_learn(min_count: int, seed: int) -> None:
    from sklearn.preprocessing import OneHotEncoder

    draws = np.random.default_rng(seed).zipf(1.6, 200).clip(max=60)
    words = [f"w{draw}" for draw in draws]
    column = fitted(words, min_count)
    encoder = OneHotEncoder(min_frequency=min_count, handle_unknown="infrequent_if_exist", sparse_output=False)
    encoder.fit(np.array(words)[:, None])
    asked = [*words, "never", "seen"]
    codes, unknown = category_codes(column, polars.Series("x", asked, polars.String))
    expected = encoder.transform(np.array(asked)[:, None])[:, : len(column.categories)]
    np.testing.assert_array_equal(np.eye(len(column.categories) + 1)[codes][:, 1:], expected)
    assert unknown.to_list() == ["never", "seen"]  # what is rare was seen
    infrequent = encoder.infrequent_categories_[0]
    assert column.rare == tuple(sorted([] if infrequent is None else infrequent))


def test_a_number_written_in_two_ways_is_counted_as_one() -> None:
    column = fitted(["1", "1.0", "2", "3", "3", None], 2)
    assert (column.categories, column.rare, column.columns) == (("1", "3"), ("2",), ("x=1", "x=3", "x=(missing)"))
    codes, unknown = category_codes(column, polars.Series("x", ["1.0", "2.0", "9", None], polars.String))
    assert codes.tolist() == [1, 0, 0, 3]
    assert unknown.to_list() == ["9"]


def test_where_every_category_is_rare_there_is_nothing_to_learn() -> None:
    assert "rarer than data.min_count: 5" in fitted(["a", "b", "c"], 5).untaught
    assert not fitted(["a", "b", None], 5).untaught  # a gap or none tells rows apart
    assert not fitted(["a", "a", "b"], 2).untaught
    codes, unknown = category_codes(fitted(["a", "b", None], 5), polars.Series("x", ["a", "q", None], polars.String))
    assert (codes.tolist(), unknown.to_list()) == ([0, 0, 1], ["q"])


def test_rows_of_a_rare_category_teach_the_embedding_of_others() -> None:
    column = fitted(["a"] * 5 + ["b"] * 5 + ["c"], 2, "embedding")
    codes, _ = category_codes(column, polars.Series("x", ["a", "b", "c", "d"], polars.String))
    assert (codes.tolist(), column.vocabulary_size) == ([1, 2, 0, 0], 3)


def table(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    rows = [
        f"{'abcdefghijklmnopqrstuvwxyz'[min(25, draw)]},{draw % 3},{draw + 0.5}" for draw in generator.zipf(1.5, 600).tolist()
    ]
    path = folder / "t.csv"
    path.write_text("kind,code,y\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("encode", ["one_hot", "embedding"])
@pytest.mark.parametrize("min_count", [8, {"kind": 30}])
def test_streamed_as_in_memory_and_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encode: str, min_count: object
) -> None:
    config = DataConfig(
        "csv",
        path=(str(table(tmp_path)),),
        target=("y",),
        features={"kind": "category", "code": "category"},
        encode=encode,
        min_count=min_count,  # type: ignore[arg-type]
        split=SplitConfig(test=0.2),
    )
    small_chunks(monkeypatch, 500)
    whole, streamed = load_as(monkeypatch, IN_MEMORY, config), load_as(monkeypatch, STREAMED, config)
    assert whole.preprocessing.features[0].rare  # type: ignore[attr-defined]
    assert_same(whole, streamed)
    whole.preprocessing.save(tmp_path)
    again = load_preprocessing(tmp_path)
    assert again.features == whole.preprocessing.features  # type: ignore[attr-defined]
    frame = polars.DataFrame({"kind": ["b", again.features[0].rare[0], "never"], "code": ["0", "1", "2"]})
    for preprocessing in (again, whole.preprocessing):
        made = preprocessing.transform(RawTable(frame), with_targets=False).inputs
        rows = made["kind"] if encode == "embedding" else made["features"][:, : len(again.features[0].columns)]  # type: ignore[attr-defined]
        assert np.any(rows[0])
        assert not np.any(rows[1:])


def test_numbers_have_no_rare_categories(tmp_path: Path) -> None:
    config = DataConfig("csv", path=(str(table(tmp_path)),), target=("code",), min_count={"y": 3})
    with pytest.raises(ConfigError) as error:
        load_dataset(config, seed=1)
    assert error.value.faults[0].path == "data.min_count.y"
    assert "`min_count` is for categories" in error.value.faults[0].message
