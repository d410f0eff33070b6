from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.config.types import Config
from dltrain.data import load_dataset, request
from dltrain.data.request import DataRequest, SharedReader

TEXT = """
data:
  source: csv
  path: t.csv
  target: y
  split: {test: 0.25SEED}
TRANSFORM
model: {layers: [Dense: {units: 2}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    numbers = np.random.default_rng(0).normal(size=(60, 4))
    (tmp_path / "t.csv").write_text("a,b,c,y\n" + "".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in numbers))
    return tmp_path


def config(folder: Path, seed: int, *, split_seed: int | None = None, transform: bool = False) -> Config:
    text = TEXT.replace("SEED", "" if split_seed is None else f", seed: {split_seed}")
    text = text.replace("TRANSFORM", "  transform: [GaussianRandomProjection: {n_components: 2}]" if transform else "")
    return replace(load_config_text(text, folder=folder), seed=seed)


def same(first: Any, second: Any) -> bool:
    parts = [{name: next(iter(part.inputs.values())) for name, part in dataset.parts.items()} for dataset in (first, second)]
    return parts[0].keys() == parts[1].keys() and all(np.array_equal(parts[0][name], parts[1][name]) for name in parts[0])


@pytest.mark.parametrize("split_seed", [None, 3])
@pytest.mark.parametrize("transform", [False, True])
def test_equal_keys_are_equal_data(folder: Path, split_seed: int | None, transform: bool) -> None:
    requests = [DataRequest.of(config(folder, seed, split_seed=split_seed, transform=transform)) for seed in (1, 2)]
    datasets = [load_dataset(wanted.data, seed=wanted.seed) for wanted in requests]
    # What is drawn for a random projection depends on the fit's seed, even if the split does not.
    assert (requests[0].key == requests[1].key) == same(*datasets) == (split_seed is not None and not transform)
    assert requests[0].files_key == requests[1].files_key


def test_files_are_read_once_for_what_is_coming(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    real = request.read_raw

    def counting(*given: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        return real(*given, **named)

    monkeypatch.setattr(request, "read_raw", counting)
    requests = [DataRequest.of(config(folder, seed)) for seed in (1, 2, 3)]
    reader = SharedReader()
    for index, wanted in enumerate(requests):
        assert same(reader.load(wanted, coming=requests[index + 1 :]), load_dataset(wanted.data, seed=wanted.seed))
    assert count == 1
    assert not reader._raws
    folds = [
        replace(requests[0], data=replace(requests[0].data, split=replace(requests[0].data.split, test=None, folds=3, fold=fold)))
        for fold in (1, 2, 3)
    ]
    for wanted in folds:
        assert same(reader.load(wanted), load_dataset(wanted.data, seed=wanted.seed))
    assert count == 2
    assert not reader._raws


def test_generated_rows_depend_on_the_seed() -> None:
    made = [
        load_config_text(
            f"seed: {seed}\ndata: {{source: playground, split: {{seed: 1}}}}\nmodel: {{layers: [Dense: {{units: 2}}]}}\n",
            folder=Path(),
        )
        for seed in (1, 2)
    ]
    keys = {(DataRequest.of(one).key, DataRequest.of(one).files_key) for one in made}
    assert len(keys) == 2
    assert len({key for key, _ in keys}) == 2
