from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from dltrain.errors import DataError
from dltrain.storage.archives import unpack_tar


def make(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def member(name: str, content: bytes = b"x", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def test_files_and_folders_are_unpacked_without_their_rights(tmp_path: Path) -> None:
    archive = make(
        tmp_path / "a.tgz",
        member("top", b"", type=tarfile.DIRTYPE, mode=0o000),
        member("top/one.txt", b"one", mode=0o4777),
        member("other/two.txt", b"two"),
    )
    unpack_tar(archive, tmp_path / "out", max_bytes=100, max_members=10)
    assert (tmp_path / "out" / "top" / "one.txt").read_bytes() == b"one"
    assert (tmp_path / "out" / "other" / "two.txt").read_bytes() == b"two"
    assert (tmp_path / "out" / "top" / "one.txt").stat().st_mode & 0o7111 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz", "out"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (member("../escaped"), "leads out"),
        (member("in/../../escaped"), "leads out"),
        (member("/tmp/escaped"), "leads out"),
        (member("in\\..\\escaped"), "leads out"),
        (member("link", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "neither a file nor a folder"),
        (member("link", b"", type=tarfile.LNKTYPE, linkname="good"), "neither a file nor a folder"),
        (member("device", b"", type=tarfile.CHRTYPE), "neither a file nor a folder"),
        (member("pipe", b"", type=tarfile.FIFOTYPE), "neither a file nor a folder"),
        (member("big", b"\0" * 2000), "beyond 1,000 bytes"),
    ],
)
def test_hostile_members_are_refused_and_nothing_stays(bad: tuple[tarfile.TarInfo, bytes], reason: str, tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tgz", member("good"), bad)
    with pytest.raises(DataError, match=reason) as caught:
        unpack_tar(archive, tmp_path / "home" / "out", max_bytes=1000, max_members=10)
    assert caught.value.faults[0].file == str(archive)
    assert [path.name for path in tmp_path.rglob("*") if path != archive] == ["home"]


def test_too_many_members(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tgz", *(member(f"file{number}") for number in range(11)))
    with pytest.raises(DataError, match="beyond 10 files"):
        unpack_tar(archive, tmp_path / "out", max_bytes=1000, max_members=10)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_archive_that_is_cut_short(share: float, tmp_path: Path) -> None:
    content = bytes(range(256)) * 200
    archive = make(tmp_path / "a.tgz", *(member(f"file{number}", content) for number in range(5)))
    archive.write_bytes(archive.read_bytes()[: int(share * archive.stat().st_size)])
    with pytest.raises(DataError, match="expected a whole tar archive"):
        unpack_tar(archive, tmp_path / "out", max_bytes=1 << 20, max_members=10)
    assert not (tmp_path / "out").exists()


def test_what_a_killed_process_of_the_same_number_left_is_not_in_the_way(tmp_path: Path) -> None:
    """In a container each process has the number of the one before it."""
    (tmp_path / f".out.{os.getpid()}.part").mkdir()
    unpack_tar(make(tmp_path / "a.tgz", member("one.txt", b"one")), tmp_path / "out", max_bytes=100, max_members=10)
    assert (tmp_path / "out" / "one.txt").read_bytes() == b"one"
