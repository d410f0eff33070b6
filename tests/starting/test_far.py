"""A first config for a table on the web: it names the address, and is right for what lies there."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dltrain.checking.check import check_file
from dltrain.errors import DataError
from dltrain.starting.start import make_starter
from dltrain.storage.far import stores
from tests.storage.far.server import far_server
from tests.storage.far.test_stores import Store


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


@pytest.mark.parametrize("parts", [("",), ("train/", "test/")])
def test_a_folder_of_pictures_in_a_store(parts: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLTRAIN_OFFLINE", raising=False)
    store = Store()
    monkeypatch.setattr(stores, "_open_store", lambda address: (store, address.partition("://")[2]))
    for number in range(24 * len(parts)):
        picture = io.BytesIO()
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(picture, "png")
        store.objects[f"bucket/pets/{parts[number % len(parts)]}{'cat' if number % 3 else 'dog'}/{number}.png"] = (
            picture.getvalue()
        )
    text = make_starter("s3://bucket/pets").text
    for key, part in zip(("path", "test"), parts, strict=False):
        assert f'{key}: "s3://bucket/pets{"/" + part.rstrip("/") if part else ""}"' in text
    (tmp_path / "c.yaml").write_text(text)
    config, result = check_file(tmp_path / "c.yaml", data=True)
    assert config is not None
    assert not result.errors
    store.objects = {"bucket/parts/0.csv": b"a,y\n1,2\n"}
    with pytest.raises(DataError, match=r"is a folder, not a file(.|\n)*parts/\*"):
        make_starter("s3://bucket/parts")
