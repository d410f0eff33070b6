"""Later rows without a column of weights: each counts once, and that is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.errors import DataError
from dltrain.reporting import Reporter, WarningList


def test_rows_without_weights_count_once(tmp_path: Path) -> None:
    rows = [f"{row % 7},{row % 3 + 1},{'yes' if row % 2 else 'no'}" for row in range(40)]
    (tmp_path / "t.csv").write_text("x,w,y\n" + "\n".join(rows) + "\n")
    (tmp_path / "n.csv").write_text("y,x\nyes,1\nno,2\n")
    (tmp_path / "o.csv").write_text("y,x,w\nyes,1,3\nno,2,1\n")
    (tmp_path / "bad.csv").write_text("y,x,w\nyes,1,3\nno,2,\n")
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), weight="w", split=SplitConfig(test=0.25))
    stored = load_dataset(config, seed=1).preprocessing
    heard = WarningList(Reporter())
    part = read_part(stored, [str(tmp_path / "n.csv")], with_targets=True, reporter=heard)
    assert part.weights is None
    assert part.num_rows == 2
    assert any("no column w (data.weight)" in warning.message for warning in heard.warnings)
    weighted = read_part(stored, [str(tmp_path / "o.csv")], with_targets=True).weights
    assert np.asarray(weighted).tolist() == [3, 1]
    heard = WarningList(Reporter())
    assert read_part(stored, [str(tmp_path / "n.csv")], with_targets=False, reporter=heard).num_rows == 2
    assert not heard.warnings
    with pytest.raises(DataError, match="weight column w"):
        read_part(stored, [str(tmp_path / "bad.csv")], with_targets=True)
