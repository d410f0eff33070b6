from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config.types import DataConfig, Place
from dltrain.data.sources import places
from dltrain.data.sources.places import Layout, find, require
from dltrain.errors import ConfigError, DataError
from dltrain.reporting import Reporter
from dltrain.settings import cache_folder
from dltrain.storage.download import DownloadError, Remote

LAYOUT = Layout(
    dataset="toys",
    wanted="toys.bin",
    accepts=lambda path: path.name == "toys.bin" and path.is_file(),
    below_data=("toys/toys.bin", "toys.bin"),
    below_scikit_learn=("toys.bin",),
    below_keras=("toys.bin",),
    below_path=("toys.bin",),
    folder="toys",
    remotes=(Remote("toys.bin", "https://example.org/toys", "sha256:00", 5),),
)


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("toys")
    return path


def test_order_of_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_DATA", str(tmp_path / "data"))
    for path in (
        tmp_path / "home" / ".keras" / "datasets" / "toys.bin",
        tmp_path / "home" / "scikit_learn_data" / "toys.bin",
        tmp_path / "cache" / "datasets" / "toys" / "toys.bin",
        tmp_path / "data" / "toys.bin",
        tmp_path / "data" / "toys" / "toys.bin",
    ):
        assert find(LAYOUT) != path
        put(path)
        assert find(LAYOUT) == path
        assert require(LAYOUT, DataConfig("toys"), Reporter()) == path
    given = put(tmp_path / "given" / "toys.bin")
    assert require(LAYOUT, DataConfig("toys", path=(str(given),)), Reporter()) == given
    assert require(LAYOUT, DataConfig("toys", path=(str(given.parent),)), Reporter()) == given


def test_given_path_is_not_silently_replaced_by_another_place(tmp_path: Path) -> None:
    put(tmp_path / "home" / ".keras" / "datasets" / "toys.bin")
    where = {"data.path": Place("toys.yaml", 3, 9)}
    for path, message in ((tmp_path, "does not hold toys.bin"), (tmp_path / "nowhere", "does not exist")):
        with pytest.raises(DataError, match=message) as caught:
            require(LAYOUT, DataConfig("toys", path=(str(path),), places=where), Reporter())
        (fault,) = caught.value.faults
        assert (fault.file, fault.line, fault.column, fault.path) == ("toys.yaml", 3, 9, "data.path")
    with pytest.raises(ConfigError, match="found 2 paths"):
        require(LAYOUT, DataConfig("toys", path=("a", "b"), places=where), Reporter())


def test_download_goes_to_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLTRAIN_OFFLINE")
    monkeypatch.setattr(places, "download", lambda remote, folder, reporter: put(folder / remote.filename))
    assert require(LAYOUT, None, Reporter()) == tmp_path / "cache" / "datasets" / "toys" / "toys.bin"
    assert find(LAYOUT) is not None


def test_failed_download_is_one_message_with_all_that_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(remote: Remote, folder: Path, reporter: Reporter) -> Path:
        raise DownloadError("Name or service not known")

    monkeypatch.setenv("DLTRAIN_OFFLINE", "0")
    monkeypatch.setattr(places, "download", fail)
    with pytest.raises(DataError) as caught:
        require(LAYOUT, None, Reporter())
    text = str(caught.value)
    for part in (
        "toys is not on this machine",
        "download of https://example.org/toys failed: Name or service not known",
        f"{tmp_path}/cache/datasets/toys",
        f"{tmp_path}/home/scikit_learn_data",
        f"{tmp_path}/home/.keras/datasets",
        "https://example.org/toys as toys.bin (sha256:00)",
        "by hand",
    ):
        assert part in text


def test_folder_without_rights_is_passed_over(tmp_path: Path) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    layout = Layout("toys", "toys.bin", refuse, ("toys.bin",), "toys", ())
    assert find(layout) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DLTRAIN_CACHE": "/a/b"}, "/a/b"),
        ({"DLTRAIN_CACHE": "", "XDG_CACHE_HOME": "/x"}, "/x/dltrain"),
        ({"DLTRAIN_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/dltrain"),
        ({"DLTRAIN_CACHE": "~/c", "HOME": "/h"}, "/h/c"),
    ],
)
def test_cache_folder(environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(cache_folder()) == expected
