"""Files of parts: their windows, read as new rows, are those that the parts were trained and scored on, to the bit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import yaml

from dltrain.checking import check_config
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.errors import ConfigError
from tests.training.support import config_of

IDS = ("b", "a", "Käse", "7")


def write(folder: Path, kind: str, ids: tuple[str, ...], seed: int) -> None:
    """A file for each part, with gaps in time, cells that are missing and series of any length, in any order of rows."""
    generator, first = np.random.default_rng(seed), 0
    for part, count in (("train", 70), ("validation", 30), ("test", 30)):
        found = []
        for place, name in enumerate(ids or ("",)):
            at = np.arange(first, first + int(count * generator.uniform(0.5, 1)))
            at = at[generator.random(len(at)) > (0.07 if seed % 2 else 0)]
            columns: dict[str, Any] = {"store": [f"{name}{part if kind == 'series' else ''}"] * len(at)}
            columns["when"] = [str(np.datetime64("2023-11-01") + int(day)) for day in at]
            for column in ("y", "z"):
                values = np.where(generator.random(len(at)) < 0.08, np.nan, np.sin(at) * 10 + generator.normal(size=len(at)))
                columns[column] = [None if np.isnan(value) else round(float(value), 3) for value in values]
            columns["promo"] = generator.integers(0, 2, len(at))
            kinds = np.where(np.sin(at) + generator.normal(size=len(at)) / 3 > 0, "up", "down")
            columns["kind"] = ["up" if place % 2 else "down"] * len(at) if kind == "series" else kinds
            found.append(polars.DataFrame(columns, schema_overrides={"y": polars.Float64, "z": polars.Float64}))
        frame = polars.concat(found)
        frame.sample(fraction=1.0, shuffle=True, seed=1).write_csv(folder / f"{part}.csv")
        first += count


def settings(kind: str, ids: tuple[str, ...], seed: int) -> dict[str, Any]:
    choose = random.Random(seed)
    series: dict[str, Any] = {name: choose.choice([1, 2, 3]) for name in ("history", "stride")}
    series |= {"time": "when", "sampling": choose.choice([1, 2]), "history_from": choose.choice(["part", "before"])}
    series |= {"gaps": choose.choice(["split", "ignore"]), **({"id": "store"} if ids else {})}
    data: dict[str, Any] = {"source": "csv", "path": "train.csv", "validation": "validation.csv", "test": "test.csv"}
    data |= {"features": ["y", "z"], **({} if seed % 3 else {"impute": "median"}), "series": series}
    if kind != "number":
        series |= {"label_of": kind} if ids else {}
        series |= {"offset": choose.choice([0, 1, 3])} if kind == "row" else {}
        return {**data, "target": "kind", "task": "classification"}
    series |= {"horizon": choose.choice([1, 2]), "offset": choose.choice([1, 2, 4])}
    series |= {"history": 3, "scale": "per_series"} if choose.random() < 0.4 else {}
    if choose.random() < 0.3:
        series |= {"known": ["promo"], "sampling": 1, "history": 3}
        data["features"].append("promo")
    return {**data, "target": choose.choice(["y", ["y", "z"]])}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("kind", "ids"), [("number", ()), ("number", IDS), ("row", ()), ("row", IDS), ("series", IDS)])
def test_the_file_of_a_part_holds_its_windows(kind: str, ids: tuple[str, ...], seed: int, tmp_path: Path) -> None:
    write(tmp_path, kind, ids, seed)
    data = settings(kind, ids, seed)
    config = config_of(yaml.safe_dump({"name": "x", "data": data, "model": {"layers": ["Flatten"]}}), folder=tmp_path).data
    dataset = load_dataset(config, seed=1)
    for name, part in dataset.parts.items():
        file = [str(tmp_path / f"{name}.csv")]
        scored = read_part(dataset.preprocessing, file, with_targets=True, config=config)
        assert scored.identifiers == part.identifiers
        np.testing.assert_array_equal(in_memory(scored.inputs["features"]), in_memory(part.inputs["features"]))
        for target, values in part.targets.items():
            np.testing.assert_array_equal(scored.targets[target], values)
        for reference, targets in part.references.items():
            for target, values in targets.items():
                np.testing.assert_allclose(scored.references[reference][target], values, rtol=1e-6)
        if part.weights is not None:
            assert np.isfinite(part.weights).all()
            np.testing.assert_allclose(scored.weights, part.weights, rtol=1e-4)
        np.testing.assert_array_equal(*(np.unique(each.blocks, return_inverse=True)[1] for each in (scored, part)))
        if "known" in data["series"]:
            continue
        told = read_part(dataset.preprocessing, file, with_targets=False)
        keys = list(zip(*told.identifiers.values(), strict=True))
        place = {key: number for number, key in enumerate(keys)}
        assert len(place) == len(keys)
        asked = [place[key] for key in zip(*part.identifiers.values(), strict=True)]
        np.testing.assert_array_equal(in_memory(told.inputs["features"])[asked], in_memory(part.inputs["features"]))
        assert kind != "series" or len(keys) == part.num_rows


def test_windows_that_are_mostly_flat_have_weights_that_count(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    sold = np.where(generator.random(200) < 0.08, generator.integers(1, 9, 200), 0)
    polars.DataFrame({"day": np.arange(200), "sold": sold}).write_csv(tmp_path / "s.csv")
    series = {"time": "day", "history": 3, "scale": "per_series"}
    data = {"source": "csv", "path": "s.csv", "target": "sold", "features": ["sold"], "series": series, "split": {"test": 0.2}}
    text = yaml.safe_dump({"name": "x", "data": data, "model": {"layers": ["Flatten"]}})
    weights = load_dataset(config_of(text, folder=tmp_path).data, seed=0).parts["train"].weights
    assert weights is not None
    assert weights.max() <= 1e4 * weights.min()
    with pytest.raises(ConfigError, match="a window of 1 row has no deviation to be scaled by"):
        check_config(config_of(text, "data.series.history=1", folder=tmp_path))
