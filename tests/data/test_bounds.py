"""What is made to fill the memory is refused with the figure and the variable that raises the bound; honest files are not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.config.types import DataConfig
from dltrain.data import load_dataset, read_part
from dltrain.data.columns.word_vectors import read_word_vectors
from dltrain.data.files import read_blocks, read_content
from dltrain.data.look import read_facts
from dltrain.data.tables.parquet_file import count_parquet_rows, read_parquet
from dltrain.data.tables.streamed.chunks import _batches as streamed_batches
from dltrain.data.tables.streamed.fit import why_streamed
from dltrain.errors import DataError, Fault, UsageError
from dltrain.starting.start import make_starter
from dltrain.storage import bounds
from dltrain.storage.bounds import CELL_BYTES, CELLS, COLUMNS, FILES, LINE_BYTES, PIXELS, RATIO, TEXT_BYTES, Bound
from dltrain.storage.formats.parquet_footer import _Compact, column_bytes
from dltrain.storage.formats.zstandard_size import MOST_BLOCK, most_content
from dltrain.storage.outputs import check_output
from dltrain.storage.patterns import find_matches

ROWS = "".join(f"{row},{row * 7 % 11},{['no', 'yes'][row % 2]}\n" for row in range(60))
TABLE = "a,b,y\n" + ROWS


def csv(path: Path) -> DataConfig:
    return DataConfig("csv", path=(str(path),), target=("y",))


def fault_of(use: Callable[[], object]) -> Fault:
    with pytest.raises(DataError) as caught:
        use()
    return caught.value.faults[0]


def test_a_bound_is_raised_by_its_variable_and_by_nothing_that_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = Bound("DLTRAIN_MAX_TRIED", 7)
    assert bound.value == 7
    for word, value in {"12": 12, "": 7}.items():
        monkeypatch.setenv("DLTRAIN_MAX_TRIED", word)
        assert bound.value == value, word
    for word in ("-1", "1e3", "9" * 400, "²"):
        monkeypatch.setenv("DLTRAIN_MAX_TRIED", word)
        with pytest.raises(UsageError, match="DLTRAIN_MAX_TRIED: expected a whole number"):
            _ = bound.value
    monkeypatch.setenv("DLTRAIN_MAX_TRIED", "12")
    assert "DLTRAIN_MAX_TRIED" in bound.hint


def test_attack_15_text_that_unpacks_to_more_than_its_size_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "TEXT_ALWAYS_ALLOWED", 1 << 20)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b,y\n" + b"1,2,no\n3,4,yes\n" * 100_000))
    assert path.stat().st_size < 10_000
    fault = fault_of(lambda: load_dataset(csv(path), seed=0))
    assert "unpacks to more than 1 MB, over 200 times its size" in fault.message
    assert fault.hint is not None
    assert RATIO.variable in fault.hint
    monkeypatch.setenv(RATIO.variable, "10000")
    assert load_dataset(csv(path), seed=0).parts["train"].num_rows == 200_000


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_short_cells_that_pack_well_are_read_in_pieces_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "t.csv"
    text = b"a,b,y\n" + b"1,2,no\n3,4,yes\n" * 100_000
    path.write_bytes(packed(text))
    assert len(text) > 100 * path.stat().st_size
    assert why_streamed(csv(path)) == ""
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", str(len(text) - 1))
    assert "t.csv unpacks to more than the 2 MB that are held in memory" in why_streamed(csv(path))
    assert load_dataset(csv(path), seed=0).parts["train"].num_rows == 200_000
    monkeypatch.setattr(bounds, "TEXT_ALWAYS_ALLOWED", 1 << 20)
    monkeypatch.setenv(RATIO.variable, "100")
    assert "over 100 times its size" in fault_of(lambda: load_dataset(csv(path), seed=0)).message


def test_attack_15_check_and_init_look_at_the_beginning_of_a_bomb_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = 0

    def counted(path: str, size: int) -> object:
        nonlocal unpacked
        for block in read_blocks(path, size):
            unpacked += len(block)
            yield block

    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b,y\n" + b"1,2,no\n3,4,yes\n" * 14_000_000, compresslevel=1))
    monkeypatch.setattr("dltrain.data.files.read_blocks", counted)
    assert read_facts(csv(path), seed=0).errors == ()
    assert unpacked < 40 << 20, "of 200 MB"


def test_attack_15_zstandard_is_measured_before_it_is_unpacked(tmp_path: Path) -> None:
    # A block of kind 1 repeats one byte: four bytes of the file for 128 KiB of text. 5,000 of them are 625 MiB.
    blocks = b"".join((MOST_BLOCK << 3 | 1 << 1 | (number == 4_999)).to_bytes(3, "little") + b"\n" for number in range(5_000))
    path = tmp_path / "t.csv.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + b"\x00\x58" + blocks)
    with open(path, "rb") as file:
        assert most_content(file) == 5_000 * MOST_BLOCK
        assert file.tell() == 0
    assert "unpacks to more than 64 MB" in fault_of(lambda: read_content(str(path))).message


def zstandard(content: bytes) -> bytes:
    packed = io.BytesIO()
    polars.DataFrame({"text": [content.decode()]}).write_csv(
        packed, include_header=False, quote_style="never", compression="zstd"
    )
    return packed.getvalue()


@given(st.binary(max_size=400))
def test_the_size_of_what_is_no_zstandard_is_some_number(content: bytes) -> None:
    assert most_content(io.BytesIO(content)) >= 0
    assert most_content(io.BytesIO(b"\x28\xb5\x2f\xfd" + content)) >= 0


def test_attack_15_a_file_of_one_character(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LINE_BYTES.variable, "100000")
    monkeypatch.setenv(COLUMNS.variable, "1000")
    monkeypatch.setenv(CELLS.variable, "150000")
    expected = {
        b"a": "longer than 100,000 bytes",
        b'"': "longer than 100,000 bytes",
        b",": "longer than 100,000 bytes",
        b"\n": "the file is empty",
        b" ": "the file is empty",
        b",,,,\n": "more than 150,000",
        b'"",""\n': "more than 150,000",
        b"\n" * 200_000 + b"a,b\n" + b"1,2\n" * 50_000: "more than 150,000",
    }
    for content, message in expected.items():
        path = tmp_path / "t.csv"
        path.write_bytes(content * max(1, 250_000 // len(content)))
        assert message in fault_of(lambda path=path: load_dataset(csv(path), seed=0)).message, content[:20]


def test_rows_that_this_machine_has_no_memory_for_are_refused_wherever_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    text = "a,b,y\n" + ROWS * 700
    path.write_text(text)
    stored = load_dataset(csv(path), seed=0).preprocessing
    monkeypatch.setattr(bounds, "memory_bytes", lambda: len(text) + 100_000 * CELL_BYTES)
    for use in (lambda: load_dataset(csv(path), seed=0), lambda: read_part(stored, [str(path)], with_targets=False)):
        fault = fault_of(use)
        assert "separators, line ends and quoted fields, more than 100,000, which take the" in fault.message
        assert fault.file == str(path)
        assert CELLS.variable in str(fault.hint)
    monkeypatch.setenv(CELLS.variable, "200000")
    assert read_part(stored, [str(path)], with_targets=False).num_rows == 42_000


def test_attack_15_a_first_line_without_end_is_said_by_check_and_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dltrain.data.tables.sample.MOST_BYTES", 1 << 20)
    monkeypatch.setattr("dltrain.data.tables.sample.SMALL_BYTES", 1 << 20)
    monkeypatch.setattr("dltrain.starting.table.LARGE_BYTES", 1 << 20)
    monkeypatch.setenv(LINE_BYTES.variable, str(1 << 20))
    path = tmp_path / "t.csv"
    for character in (b"a", b'"', b","):
        path.write_bytes(character * (3 << 20))
        fault = read_facts(csv(path), seed=0).errors[0]
        assert fault.message == "the line is longer than 1,048,576 bytes: this is not a table", character
        assert fault.line == 1
        assert fault.hint is not None
        assert LINE_BYTES.variable in fault.hint
        assert fault_of(lambda: make_starter(str(path))).message == fault.message
    path.write_bytes(b"\n" * (3 << 20))
    assert "are empty lines" in read_facts(csv(path), seed=0).errors[0].message


def test_attack_15_text_that_memory_does_not_hold_is_pointed_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    monkeypatch.setenv(TEXT_BYTES.variable, "200")
    fault = fault_of(lambda: load_dataset(csv(path), seed=0))
    assert "more than 200 bytes of text" in fault.message
    assert fault.hint is not None
    assert "DLTRAIN_STREAM_BYTES" in fault.hint
    assert TEXT_BYTES.variable in fault.hint
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "0")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    assert load_dataset(csv(path), seed=0).parts["train"].num_rows == 60


def test_attack_15_a_table_as_wide_as_the_bound_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    monkeypatch.setenv(COLUMNS.variable, "3")
    assert load_dataset(csv(path), seed=0).parts["train"].num_rows == 60
    monkeypatch.setenv(COLUMNS.variable, "2")
    fault = fault_of(lambda: load_dataset(csv(path), seed=0))
    assert fault.message == "the first row has 3 values, more than 2 columns"
    assert fault.line == 1


def test_attack_15_word_vectors_of_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LINE_BYTES.variable, str(16 << 10))
    monkeypatch.setattr("dltrain.data.columns.word_vectors.BLOCK", 1 << 10)
    path = tmp_path / "v.txt"
    path.write_text("the 0.5 0.5\nof " + "0.5 " * 10_000)
    fault = fault_of(lambda: read_word_vectors(str(path), ["of"]))
    assert "this is no word and its vector" in fault.message
    assert fault.line == 2
    path.write_text("the 0.5 0.5\nof 1 2\n" + "and 0.5 0.5\n" * 2_000)
    assert read_word_vectors(str(path), ["of"]).matrix.tolist() == [[1.0, 2.0]]


def test_attack_15_a_parquet_file_of_few_bytes_and_many_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ALWAYS_ALLOWED", 1 << 20)
    many = tmp_path / "many.parquet"
    polars.DataFrame(
        {"a": polars.repeat(1.5, 2_000_000, eager=True), "y": polars.repeat("x", 2_000_000, eager=True)}
    ).write_parquet(many)
    long = tmp_path / "long.parquet"
    texts = [f"{number}" + "a" * 3_000_000 for number in range(4)]
    polars.DataFrame({"text": texts, "y": [0, 1, 0, 1]}).write_parquet(long, compression="zstd")
    assert column_bytes(str(long)) >= 12_000_000
    same = tmp_path / "same.parquet"  # one text, of which the rows hold its number alone
    polars.DataFrame({"text": ["a" * 100_000] * 400, "y": [0, 1] * 200}).write_parquet(same, compression="zstd")
    assert column_bytes(str(same)) < 1 << 20
    listed = tmp_path / "listed.parquet"  # few rows of many values
    polars.DataFrame({"list": [["abc"] * 400_000] * 2, "y": [0, 1]}).write_parquet(listed, compression="zstd")
    assert column_bytes(str(listed)) >= 2 * 400_000 * 16
    flags = tmp_path / "flags.parquet"  # each row takes more than its value
    polars.DataFrame({"a": polars.repeat(True, 200_000, eager=True), "y": polars.repeat(1, 200_000, eager=True)}).select(
        "a", polars.col("y").cast(polars.Int8)
    ).write_parquet(flags)
    assert column_bytes(str(flags)) < 1 << 20
    for path in (many, long, same, listed, flags):
        fault = fault_of(lambda path=path: read_parquet(str(path)))
        assert "over 200 times its size" in fault.message, path
        assert fault.hint is not None
        assert RATIO.variable in fault.hint
        config = DataConfig("parquet", path=(str(path),), target=("y",))
        assert fault_of(lambda config=config: load_dataset(config, seed=0)).message == fault.message
        assert read_facts(config, seed=0).errors[0].message == fault.message
        assert fault_of(lambda path=path: make_starter(str(path), target="y")).message == fault.message
    with pytest.raises(DataError, match="over 200 times its size"):
        list(streamed_batches(str(same), 400))
    monkeypatch.setenv(RATIO.variable, "100000")
    assert read_parquet(str(long)).height == 4


class Places(_Compact):
    """Notes where the whole numbers of a footer stand, by the numbers of the fields that lead to them."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.way: list[int] = []
        self.found: list[tuple[tuple[int, ...], int, int]] = []

    def struct(self, depth: int) -> dict[int, object]:
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            start, self.way = self.place, [*self.way, number]
            self._value(head & 15, depth)
            self.found += [(tuple(self.way), start, self.place)] if head & 15 in (5, 6) else []
            self.way = self.way[:-1]
        return {}


@pytest.mark.parametrize(
    "lies",
    [
        [(3,), (4, 1, 3, 5), (4, 1, 3, 6)],  # the file's rows, and values and bytes of its columns
        [(3,), (4, 3), (4, 2), (4, 1, 3, 5), (4, 1, 3, 6)],  # rows and bytes of its groups as well
    ],
)
def test_a_parquet_footer_that_says_less_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lies: list[tuple[int, ...]]
) -> None:
    monkeypatch.setattr(bounds, "ALWAYS_ALLOWED", 1 << 20)
    file, count = tmp_path / "a.parquet", 3_000_000
    table = polars.DataFrame({"a": polars.repeat(1.5, count, eager=True), "y": polars.repeat("x", count, eager=True)})
    table.write_parquet(file, row_group_size=count, data_page_size=1 << 30)
    content = bytearray(file.read_bytes())
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    places = Places(bytes(content[start:-8]))
    places.struct(0)
    for way, begin, end in places.found:
        if way in lies:  # 60, in as many bytes as were there
            content[start + begin : start + end] = bytes([120 | (128 if end - begin > 1 else 0), *[128] * (end - begin - 2), 0])[
                : end - begin
            ]
    file.write_bytes(content)
    assert "over 200 times its size" in fault_of(lambda: read_parquet(str(file))).message


def test_a_parquet_file_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    for name, value in {"x[1].parquet": 1, "x1.parquet": 2, "x*.parquet": 3}.items():
        polars.DataFrame({"a": [value] * value}).write_parquet(tmp_path / name)
    for name, value in {"x[1].parquet": 1, "x*.parquet": 3}.items():
        file = str(tmp_path / name)
        assert read_parquet(file)["a"].to_list() == [value] * value == next(streamed_batches(file, value))["a"].to_list()
        assert count_parquet_rows(file) == value


@given(st.binary(max_size=300))
def test_a_footer_of_anything_is_read_to_some_number(content: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(b"PAR1" + content + len(content).to_bytes(4, "little") + b"PAR1")
        file.flush()
        assert column_bytes(file.name) >= 0


def picture(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    pixels = zlib.compress((b"\0" * (width + 1)) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_attack_15_a_picture_beyond_the_bound_and_what_raises_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(4):
            (tmp_path / name / f"{number}.png").write_bytes(picture(20, 20))
    (tmp_path / "cat" / "bomb.png").write_bytes(picture(300, 300))
    monkeypatch.setenv(PIXELS.variable, "50000")
    config = DataConfig("image_folder", path=(str(tmp_path),), arguments={"image_size": [8, 8]})
    fault = fault_of(lambda: load_dataset(config, seed=0))
    assert fault.message == "expected a picture of at most 0 megapixels, found 300×300 (0)"
    assert fault.file is not None
    assert fault.file.endswith("bomb.png")
    assert fault.hint is not None
    assert PIXELS.variable in fault.hint
    from PIL import Image

    assert PIXELS.default <= Image.MAX_IMAGE_PIXELS  # else the pictures that a run draws were too large as well
    monkeypatch.setenv(PIXELS.variable, "90000")
    assert load_dataset(config, seed=0).parts["train"].num_rows == 9


def test_attack_15_a_pattern_looks_at_so_many_files_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (tmp_path / f"{number:02d}.csv").write_text(TABLE)
    monkeypatch.setenv(FILES.variable, "30")
    pattern = str(tmp_path / "*.csv")
    assert load_dataset(csv(Path(pattern)), seed=0).parts["train"].num_rows == 1800
    monkeypatch.setenv(FILES.variable, "29")
    fault = fault_of(lambda: load_dataset(csv(Path(pattern)), seed=0))
    assert "matches 30 files, more than 29" in fault.message
    assert fault.hint is not None
    assert FILES.variable in fault.hint
    monkeypatch.setenv(FILES.variable, "1")
    assert (
        "looks through more than 20 files and folders" in fault_of(lambda: find_matches(str(tmp_path / "**" / "*.csv"))).message
    )


def test_patterns_match_what_pythons_own_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import glob

    for name in ("a.csv", "b.txt", ".hidden.csv", "d/e.csv", "d/.h/x.csv", "d/f/g.csv", "[x]/y.csv", "é/ü.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    for folder in ("", f"{tmp_path}/", "./", "d/../"):
        for pattern in (
            "*.csv",
            "**/*.csv",
            "*/*.csv",
            "d/**/g.csv",
            "?.csv",
            "[ab].*",
            "[!a].*",
            ".*.csv",
            "[[]x]/*",
            "*/f/*",
            "no/*",
            "**/f",
            "*/",
        ):
            expected = sorted(set(glob.glob(folder + pattern, recursive=True)))
            assert find_matches(folder + pattern) == expected, folder + pattern


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("")
    for name in ("one", "two"):
        os.symlink(tmp_path, tmp_path / name)
    assert find_matches(str(tmp_path / "**" / "*.csv")) == [str(tmp_path / "a.csv")]


def test_attack_15_arrays_that_unpack_to_nothing_but_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dltrain.storage.arrays.SMALL_BYTES", 1 << 20)
    path = tmp_path / "t.npz"
    np.savez_compressed(path, x=np.zeros((2_000, 1_000), np.float32), y=np.arange(2_000) % 2)
    config = DataConfig("npz", path=(str(path),), task="classification")
    fault = fault_of(lambda: load_dataset(config, seed=0))
    assert "it is made to fill the memory" in fault.message
    assert fault.hint is not None
    assert RATIO.variable in fault.hint
    monkeypatch.setenv(RATIO.variable, "5000")
    assert load_dataset(config, seed=0).parts["train"].num_rows == 2_000


def test_attack_15_an_archive_of_many_rows_of_one_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ALWAYS_ALLOWED", 1 << 20)
    path = tmp_path / "t.npz"
    np.savez_compressed(path, x=np.zeros((400_000, 1), np.uint8), y=np.resize(np.arange(5, dtype=np.uint8), 400_000))
    config = DataConfig("npz", path=(str(path),), task="regression")
    assert "unpack to 400,000 rows" in fault_of(lambda: load_dataset(config, seed=0)).message
    assert "unpack to 400,000 rows" in read_facts(config, seed=0).errors[0].message
    monkeypatch.setenv(RATIO.variable, "50000")
    assert load_dataset(config, seed=0).parts["train"].num_rows == 400_000


@pytest.mark.parametrize("name", ["x", "y"])
def test_rows_without_end_that_are_empty_are_refused_before_anything_is_made_for_each(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.npz"
    arrays = {"x": np.zeros((10, 2)), "y": np.zeros(10)}
    np.savez(path, allow_pickle=False, **{**arrays, name: np.zeros((10**15, 0))})
    config = DataConfig("npz", path=(str(path),), task="regression")
    assert fault_of(lambda: load_dataset(config, seed=0)).file == str(path)
    if name == "y":  # the targets are looked at before anything is trained
        assert fault_of(lambda: make_starter(str(path))).file == str(path)
        assert [fault.file for fault in read_facts(config, seed=0).errors] == [str(path)]


def test_attack_15_an_output_that_is_there_is_not_looked_for_in_a_whole_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        (tmp_path / f"{number:02d}.csv").write_text(TABLE)
    pattern = str(tmp_path / "**" / "*.csv")
    with pytest.raises(UsageError, match="is what is read"):
        check_output(tmp_path / "03.csv", force=True, inputs=[pattern])
    monkeypatch.setenv(FILES.variable, "1")
    assert "looks through more than" in fault_of(lambda: check_output(tmp_path / "03.csv", force=True, inputs=[pattern])).message


def test_arrays_that_are_larger_than_the_memory_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(tmp_path / name) for name in ("a.npz", "b.npz")]
    for path in paths:
        np.savez(path, x=np.ones((1000, 50), np.float32), y=np.arange(1000) % 2)
    monkeypatch.setattr(bounds, "memory_bytes", lambda: 300_000)
    assert load_dataset(DataConfig("npz", path=(paths[0],)), seed=0)
    fault = fault_of(lambda: load_dataset(DataConfig("npz", path=tuple(paths)), seed=0))
    assert fault.file is not None
    assert fault.file.endswith("b.npz")
    assert "DLTRAIN_MAX_ARRAY_BYTES" in (fault.hint or "")
    monkeypatch.setenv("DLTRAIN_MAX_ARRAY_BYTES", "10000000")
    assert load_dataset(DataConfig("npz", path=tuple(paths)), seed=0)
