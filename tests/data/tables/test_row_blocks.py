"""Which rows of a part are told to belong together."""

from __future__ import annotations

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.data import load_dataset


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    lines = [f"{rng.normal():.3f},p{index % 40},{1000 - index},{rng.normal():.3f}" for index in range(400)]
    (tmp_path / "t.csv").write_text("\n".join(["x,house,when,y", *lines]) + "\n")
    return tmp_path / "t.csv"


def parts_of(table, split):
    text = f"data: {{source: csv, path: {table}, target: y, features: [x], split: {{{split}}}}}\nmodel: {{layers: [Dense: {{units: 1}}]}}\n"
    config = load_config_text(text + "training: {epochs: 1}\n", folder=table.parent)
    return load_dataset(config.data, seed=0).parts


@pytest.mark.parametrize("bound", [None, "1"])
def test_rows_of_a_group_have_one_number(table, monkeypatch, bound):
    if bound:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    part = parts_of(table, "group: house, test: 0.25")["test"]
    assert part.blocks_by == "groups of house"
    rows = part.row_ids if part.row_file is None else part.row_file.read(0, len(part.row_file))
    assert bool(bound) == (part.row_file is not None)
    same_group = (rows[:, None] - rows[None, :]) % 40 == 0
    assert (same_group == (part.blocks[:, None] == part.blocks[None, :])).all()


def test_neighbours_in_time_have_one_number(table):
    part = parts_of(table, "time: when, test: 0.25")["test"]
    assert part.blocks_by == "blocks of time"
    in_time = part.blocks[np.argsort(-part.row_ids)]  # `when` falls from row to row
    assert (np.diff(in_time) >= 0).all()
    assert np.bincount(part.blocks).max() == 10


def test_rows_that_were_drawn_alone_have_none(table):
    assert parts_of(table, "test: 0.25")["test"].blocks is None
