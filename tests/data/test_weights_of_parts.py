"""A part whose rows all weigh nothing can neither be trained nor measured on."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config import load_config_text
from dltrain.data import load_dataset
from dltrain.errors import DltrainError


@pytest.mark.parametrize("bound", ["1000000000", "1"], ids=["in memory", "streamed"])
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_part_without_weight_is_refused(part: str, bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    parts = ["train", "train", "validation", "test"]
    lines = [f"{row * 7 % 11},{int(parts[row % 4] != part)},{parts[row % 4]},{row % 3}.5" for row in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["x,w,part,y", *lines]))
    text = "data: {source: csv, path: t.csv, target: y, task: regression, weight: w, split: {column: part}}\nmodel: {layers: []}"
    with pytest.raises(DltrainError, match=f"all weights of the {part} part are 0"):
        load_dataset(load_config_text(text, folder=tmp_path).data, seed=0)
