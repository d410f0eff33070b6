"""The playground's problems: regions, distances and noise as its source says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data import load_dataset
from dltrain.data.look import read_facts
from dltrain.data.sources import playground, read_source
from dltrain.errors import ConfigError
from dltrain.reporting import Reporter


def points(problem, rows=1000, noise=0.0, seed=0):
    config = DataConfig(source="playground", arguments={"problem": problem, "rows": rows, "noise": noise})
    raw = playground.read(config, seed=seed, reporter=Reporter())
    assert raw.classes == ("orange", "blue")
    return raw.frame["x1"].to_numpy(), raw.frame["x2"].to_numpy(), raw.frame["target"].to_numpy()


def test_f8_circle():
    x, y, blue = points("circle")
    distance = np.hypot(x, y)
    assert (distance[blue == 1] < 2.5).all()
    assert ((distance[blue == 0] >= 3.5 - 1e-5) & (distance[blue == 0] <= 5 + 1e-5)).all()
    assert blue.sum() == 500


def test_f8_xor():
    x, y, blue = points("xor")
    assert ((x * y >= 0) == (blue == 1)).all()
    assert min(abs(x).min(), abs(y).min()) >= 0.3 - 1e-6
    assert max(abs(x).max(), abs(y).max()) <= 5.3


@pytest.mark.parametrize(("noise", "variance"), [(0.0, 0.5), (0.25, 2.25), (0.5, 4.0)])
def test_f8_gauss(noise, variance):
    x, y, blue = points("gauss", rows=20_000, noise=noise)
    for label, centre in ((1, 2), (0, -2)):
        cloud = np.stack([x[blue == label], y[blue == label]])
        assert np.allclose(cloud.mean(axis=1), centre, atol=0.1)
        assert np.allclose(cloud.var(axis=1), variance, rtol=0.08)


def test_f8_spiral():
    x, y, blue = points("spiral", rows=400)
    place = np.hypot(x, y) / 5
    turns = 1.75 * place * 2 * np.pi + np.where(blue == 1, 0, np.pi)
    assert np.allclose(x, 5 * place * np.sin(turns), atol=1e-4)
    assert np.allclose(y, 5 * place * np.cos(turns), atol=1e-4)


def test_the_seed_decides_and_check_knows_the_shape():
    assert np.array_equal(points("spiral", noise=0.3)[0], points("spiral", noise=0.3)[0])
    assert not np.array_equal(points("spiral", noise=0.3)[0], points("spiral", noise=0.3, seed=1)[0])
    text = "data: {source: playground, problem: xor, rows: 200, split: {test: 0.5}}\nmodel: {layers: [{Dense: {units: 4}}]}\n"
    config = load_config_text(text, folder=Path()).data
    known, dataset = read_facts(config, seed=0), load_dataset(config, seed=0)
    assert known.schema.inputs[0].shape == dataset.schema.inputs[0].shape == (2,)
    assert known.rows == {name: part.num_rows for name, part in dataset.parts.items()}
    assert dataset.schema.targets[0].classes == ("orange", "blue")


@pytest.mark.parametrize("arguments", [{"problem": "moons"}, {"noise": 0.6}, {"noise": "much"}, {"rows": 1}, {"size": 3}])
def test_what_is_out_of_range_is_refused(arguments):
    with pytest.raises(ConfigError):
        read_source(DataConfig(source="playground", arguments=arguments), seed=0, reporter=Reporter())
