"""A first config for a table on the web: it names the address, and is right for what lies there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.checking.check import check_file
from dltrain.errors import DataError
from dltrain.starting.start import make_starter
from tests.storage.far.server import far_server


def test_a_table_on_the_web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLTRAIN_OFFLINE", raising=False)
    rows = "x,y,label\n" + "".join(f"{row % 7},{row % 5},{'yes' if row % 7 > 3 else 'no'}\n" for row in range(60))
    with far_server() as far:
        far.files["/rows.csv"] = rows.encode()
        address = far.url.replace("://", "://ada:s3cr3t-pw@") + "/rows.csv"
        text = make_starter(address, target="label").text
        assert f"{far.url.replace('://', '://***@')}/rows.csv" in text
        assert "s3cr3t-pw" not in text
        text = make_starter(f"{far.url}/rows.csv", target="label").text
        (tmp_path / "c.yaml").write_text(text)
        assert f"{far.url}/rows.csv" in text
        config, result = check_file(tmp_path / "c.yaml", data=True)
        assert config is not None
        assert not result.errors
        with pytest.raises(DataError):
            make_starter(f"{far.url}/none.csv")
        with pytest.raises(DataError, match="a spreadsheet"):
            make_starter(f"{far.url}/rows.xlsx")
