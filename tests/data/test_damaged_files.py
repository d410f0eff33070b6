"""What is no data at all, or damaged: exit code 2 or 3 of `check`, `check --data` and `init`, never a bug and never a wait."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.cli.app import run
from dltrain.data.tables.parquet_file import read_parquet
from dltrain.errors import DataError
from tests.support import examples

TABLE = "a,b,y\n" + "".join(f"{row},{row * 7 % 11},{['no', 'yes'][row % 2]}\n" for row in range(60))


def codes(path: str) -> list[int]:
    """Of the three commands on a file."""
    source = "npz" if ".npz" in path else "parquet" if ".parquet" in path else "csv"
    Path("c.yaml").write_text(
        f"data: {{source: {source}, path: {path!r}, target: y}}\nmodel: {{layers: [{{Dense: {{units: 4}}}}]}}\n"
    )
    return [run(["-q", *words]) for words in (["check", "c.yaml"], ["check", "--data", "c.yaml"], ["init", path])]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
def test_attack_11_empty_files_folders_and_pipes(suffix: str) -> None:
    Path(f"empty.{suffix}").write_bytes(b"")
    Path(f"folder.{suffix}").mkdir()
    os.mkfifo(f"pipe.{suffix}")
    for name in (f"empty.{suffix}", f"folder.{suffix}", f"pipe.{suffix}", "/dev/zero", "/dev/full", "n" * 300 + f".{suffix}"):
        assert set(codes(name)) <= {2, 3}, name
    assert set(codes("a/" * 3000 + f"t.{suffix}")) <= {2, 3}


@pytest.mark.skipif(not Path("/proc/kmsg").exists(), reason="a file whose reading never ends")
def test_attack_11_a_file_without_a_size_is_not_waited_for() -> None:
    assert set(codes("/proc/kmsg")) <= {2, 3}


def parquet() -> bytes:
    packed = io.BytesIO()
    polars.read_csv(io.StringIO(TABLE)).write_parquet(packed)
    return packed.getvalue()


def npz() -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(packed, x=np.arange(600, dtype=np.float32).reshape(60, 10), y=np.arange(60) % 2)
    return packed.getvalue()


WHOLE: dict[str, Callable[[], bytes]] = {
    "t.parquet": parquet,
    "t.npz": npz,
    "t.csv.gz": lambda: gzip.compress(TABLE.encode()),
    "t.csv.bz2": lambda: bz2.compress(TABLE.encode()),
    "t.csv.xz": lambda: lzma.compress(TABLE.encode()),
    "t.csv": TABLE.encode,
}


@pytest.mark.parametrize("name", WHOLE)
def test_attack_11_bytes_changed_cut_and_put_in(name: str) -> None:
    whole, chance = WHOLE[name](), random.Random(name)
    for number in range(examples(12, 25)):
        data = bytearray(whole)
        at = chance.randrange(len(data))
        edit = number % 4
        if edit == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif edit == 1:
            del data[at : at + chance.randint(1, 30)]
        elif edit == 2:
            data[at:at] = chance.randbytes(chance.randint(1, 9))
        else:
            del data[at:]
        Path(name).write_bytes(data)
        assert set(codes(name)) <= {0, 2, 3}, (number, at)


def test_attack_11_an_archive_whose_packed_bytes_are_broken() -> None:
    data = bytearray(npz())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo("x.npy")
    start = info.header_offset + 30 + len("x.npy") + 20
    data[start : start + 40] = b"\xff" * 40
    Path("t.npz").write_bytes(data)
    assert set(codes("t.npz")) <= {2, 3}


def test_attack_11_a_panic_of_polars_is_a_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        pass

    def panic(*arguments: object, **options: object) -> None:
        raise Panic("range end index 7 out of range")

    Path("t.parquet").write_bytes(parquet())
    monkeypatch.setattr(polars.exceptions, "PanicException", Panic)
    monkeypatch.setattr(polars, "read_parquet", panic)
    with pytest.raises(DataError, match="not a readable parquet file: range end index 7"):
        read_parquet("t.parquet")
