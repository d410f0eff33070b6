"""`init` on a table that names pictures and masks, and what has no masks."""

from __future__ import annotations

import numpy as np
import polars
import pytest
from PIL import Image

from dltrain.checking.check import check_config
from dltrain.config import load_config_text
from dltrain.errors import ConfigError, UsageError
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes


@pytest.mark.parametrize("columns", [("photo", "outline"), ("outline", "photo")])
def test_a_table_that_names_pictures_and_masks(columns, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for index in range(12):
        pixels = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(f"p{index}.png")
        Image.fromarray((pixels[..., 0] > 128).astype(np.uint8)).save(f"m{index}.png")
    names = {"photo": [f"p{index}.png" for index in range(12)], "outline": [f"m{index}.png" for index in range(12)]}
    polars.DataFrame(
        {**{name: names[name] for name in columns}, "number": range(12), "patient": [f"p{index // 3}" for index in range(12)]}
    ).write_csv("pairs.csv")
    starter = make_starter("pairs.csv", target="outline")
    config = load_config_text(starter.text, folder=tmp_path)
    assert (config.data.task, config.data.target, len(config.data.path)) == ("segmentation", ("outline",), 1)
    assert "12 pictures with masks of 2 classes" in starter.text
    assert "pictures with the same patient may belong together: `split: {group: patient" in starter.text
    assert check_config(config).errors == ()
    with pytest.raises(UsageError):
        make_starter("pairs.csv", target="outline", wishes=Wishes(compare=True))


@pytest.mark.parametrize("source", ["csv", "text_folder", "digits"])
def test_sources_without_masks_have_no_pixels_to_tell(source, tmp_path):
    target = ", target: mask" if source == "csv" else ""
    where = "" if source == "digits" else f", path: '{tmp_path}/pairs.csv'"
    text = f"data: {{source: {source}{where}{target}, task: segmentation}}\nmodel: {{layers: [Flatten]}}\n"
    with pytest.raises(ConfigError, match=f"{source} holds no masks"):
        load_config_text(text, folder=tmp_path)
