"""Columns that name the rows, in files that lack them."""

from __future__ import annotations

from pathlib import Path

from dltrain.config.types import DataConfig
from dltrain.data import load_dataset, read_part
from dltrain.errors import Fault
from dltrain.reporting import Reporter


class _Heard(Reporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def warning(self, warning: str | Fault) -> None:
        self.said.append(warning if isinstance(warning, str) else warning.message)


def test_a_missing_column_that_names_the_rows_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,a,y\n" + "".join(f"r{i},{i % 7}.5,{'uv'[i % 2]}\n" for i in range(40)))
    (tmp_path / "new.csv").write_text("a\n1.5\n")
    given = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), identifiers=("id",))
    preprocessing, heard = load_dataset(given, seed=0).preprocessing, _Heard()
    part = read_part(preprocessing, [str(tmp_path / "new.csv")], with_targets=False, reporter=heard)
    assert part.identifiers == {}
    assert heard.said == ["id, which names the rows, is not among the columns: the rows are told by their order alone"]
