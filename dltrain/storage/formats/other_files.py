"""Files that are given as tables but are of another format: which one, by ending or first bytes, and how to convert them."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from dltrain.errors import DataError
from dltrain.wording import shown

# What holds data, if not always in a form that is read here.
DATA_SUFFIXES = (".csv", ".tsv", ".parquet", ".npz", ".xlsx", ".gz")
# What other programs write, and what becomes of it.
A_SPREADSHEET = "a spreadsheet"
OTHER_SUFFIXES = {
    ".xlsx": A_SPREADSHEET, ".xls": A_SPREADSHEET, ".ods": A_SPREADSHEET, ".json": "JSON", ".jsonl": "JSON lines",
    ".feather": "a Feather file", ".arrow": "an Arrow file", ".sqlite": "a database", ".db": "a database",
    ".h5": "an HDF5 file", ".hdf5": "an HDF5 file", ".pkl": "a pickle, which dltrain never reads",
    ".pickle": "a pickle, which dltrain never reads", ".zip": "an archive", ".tar": "an archive", ".mat": "a MATLAB file",
    ".tgz": "an archive", ".arff": "an ARFF file of Weka", ".sav": "a file of SPSS", ".dta": "a file of Stata",
    ".sas7bdat": "a file of SAS", ".xpt": "a file of SAS", ".rds": "a file of R", ".rda": "a file of R", ".rdata": "a file of R",
    ".ndjson": "JSON lines", ".npy": "an array of NumPy's", ".orc": "an ORC file", ".avro": "an Avro file",
    **dict.fromkeys((".xlsm", ".xlsb", ".numbers"), A_SPREADSHEET),
    **dict.fromkeys((".wav", ".mp3", ".flac", ".ogg", ".m4a", ".aac", ".aiff", ".opus"), "a sound"),
    **dict.fromkeys((".mp4", ".avi", ".mov", ".mkv", ".webm"), "a film"),
}  # fmt: skip
# What reads some of them, after `import polars`; that, SciPy and sqlite3 are there in any case. What only late lines of JSON
# hold is lost, without a word, where the columns are those of the first hundred.
_READERS = {
    **dict.fromkeys((".jsonl", ".ndjson"), '; polars.read_ndjson("NAME", infer_schema_length=None)'),
    **dict.fromkeys((".feather", ".arrow"), '; polars.read_ipc("NAME")'),
    **dict.fromkeys((".sqlite", ".db"), ', sqlite3; polars.read_database("SELECT * FROM its_table", sqlite3.connect("NAME"))'),
    ".json": '; polars.read_json("NAME", infer_schema_length=None)',
    ".avro": '; polars.read_avro("NAME")',
    ".arff": ", scipy.io.arff as arff; "
    'polars.DataFrame(arff.loadarff("NAME")[0]).with_columns(polars.col(polars.Binary).cast(str))',
}
_ARRAYS = "save the data as CSV, Parquet or .npz"
_OF_SOUNDS = "sounds are learned from as arrays (.npz), or as pictures of their spectrograms"
_OF_FILMS = "films are learned from as arrays (.npz), or as pictures of some moments"
_STREAM = "`polars.read_ipc_stream(NAME).write_parquet(NEW)` in Python makes a table of it"
_OF_PAGES = "a link that has moved, or asks to log in, gives such a page: download the file itself"
# First bytes -> what the file is, and what to do; an empty hint: as for its ending.
_KINDS = {
    b"\x89PNG": ("a picture (PNG)", ""), b"\xff\xd8\xff": ("a picture (JPEG)", ""), b"GIF8": ("a picture (GIF)", ""),
    b"%PDF-": ("a PDF", ""), b"PK\x03\x04": ("a zip archive, as Excel's .xlsx and NumPy's .npz are", ""),
    b"\xd0\xcf\x11\xe0": ("an old Excel or Office file", "save it as CSV or Parquet"),
    b"\x93NUMPY": ("an array of NumPy's", ""), b"\x89HDF": ("an HDF5 file", ""), b"SQLite format 3": ("an SQLite database", ""),
    b"\xff\xff\xff\xff": ("an Arrow stream", _STREAM),
    b"PAR1": ("a Parquet file", ""), b"ARROW1": ("an Arrow or Feather file", ""), b'{"': ("JSON", ""), b'[{"': ("JSON", ""),
    b"Obj\x01": ("an Avro file", ""), b"MATLAB 5.0 MAT": ("a MATLAB file", ""), b"<?xml": ("XML", ""),
    b"version https://git-lfs": ("Git LFS's note of where a file is", "`git lfs pull` fetches the file itself"),
    **dict.fromkeys((b"RIFF", b"OggS", b"fLaC", b"ID3"), ("a sound or film", _OF_SOUNDS)),
    **{b"\x80%c" % version: ("a pickle, which dltrain never reads", _ARRAYS) for version in (2, 3, 4, 5)},
    **{bytes([0, 0, kind, axes]): ("an array in MNIST's format (IDX)", "`dltrain init mnist` has MNIST itself; else " + _ARRAYS)
       for kind in (8, 9, 11, 12, 13, 14) for axes in (1, 2, 3, 4)},
}  # fmt: skip
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html|head)\b", re.IGNORECASE)
_PLAIN = r"[\w.,+-]+"
# An object of JSON whose first value is an object or a list, and of this the first sign.
_OBJECT = re.compile(rb'\s*\{\s*"([\w .-]+)"\s*:\s*([\[{])\s*([\[{"\d-]?)')
# A list of records in it, behind what is said of them.
_RECORDS = re.compile(rb'"([\w .-]+)"\s*:\s*\[\s*\{')
_TAR_MARK = slice(257, 262)


def source_by_name(name: str) -> str:
    """The source that reads a table in a file of this name: "parquet", or "csv" for text."""
    return "parquet" if name.casefold().endswith((".parquet", ".pq")) else "csv"


def is_delimited_text(path: str) -> bool:
    """Whether a file that is called otherwise holds lines of text all the same, as exports that are called `.xls` do."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        head = file.read(1 << 12)
    is_wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    is_other = head.lstrip().startswith((b"<", b"PK", *_KINDS)) or (b"\0" in head and not is_wide)
    return len(head.splitlines()) > 1 and not is_other


def how_to_convert(path: str) -> str:
    """How to convert a file into a table, for a hint: a command, where there is a short one."""
    name, unpacked = Path(path).name, _unpacked(path)
    suffix, stem = unpacked.suffix.casefold(), unpacked.stem
    is_plain = re.fullmatch(_PLAIN, name) is not None
    if suffix in (".zip", ".tar", ".tgz"):
        return _how_to_unpack("zipfile" if suffix == ".zip" else "tarfile", path)
    what = OTHER_SUFFIXES.get(suffix)
    if what in ("a sound", "a film"):
        return _OF_SOUNDS if what == "a sound" else _OF_FILMS
    if suffix == ".npy" and is_plain:
        code = f'import numpy; numpy.savez("data.npz", x=numpy.load("{name}"), y=numpy.load("TARGETS.npy"))'
        return f"python -c '{code}' puts it beside the array of targets"
    reader = _reader_of_json(path) if suffix == ".json" else _READERS.get(suffix)
    if reader is None:
        return _ARRAYS
    if not is_plain:
        return "save it as Parquet"
    code = reader.replace("NAME", name) + f'.write_parquet("{stem}.parquet")'
    return f"python -c 'import polars{code}' makes a table of it"


def _unpacked(path: str) -> Path:
    """A path without `.gz`, where what reads the file unpacks it as well."""
    return Path(re.sub(r"(\.(?:jsonl|ndjson))\.gz$", r"\1", path, flags=re.IGNORECASE))


def _reader_of_json(path: str) -> str:
    """What reads a file of JSON, by how it begins: records, or an object of columns, of rows by their numbers, or of lists."""
    head = b""
    if Path(path).is_file():
        with open(path, "rb") as file:
            head = file.read(1 << 12).lstrip(codecs.BOM_UTF8)
    if re.match(rb"\s*\{[^\n]*\}\s*\n\s*\{", head):
        return _READERS[".jsonl"]
    if not (match := _OBJECT.match(head)):
        return _READERS[".json"]
    key, inner, first = (part.decode("utf-8", "replace") for part in match.groups())
    whole = 'json.load(open("NAME"))'
    records = _RECORDS.search(head)
    if inner == "{" and records:
        frame = f'{whole}["{records[1].decode("utf-8", "replace")}"]'
    elif inner == "{":
        frame = f"list({whole}.values())" if key.isdecimal() else f"{{k: list(v.values()) for k, v in {whole}.items()}}"
    elif first == "{":
        frame = f'{whole}["{key}"]'
    elif key == "columns":
        return f', json; it = {whole}; polars.DataFrame(it["data"], it["columns"], orient="row", infer_schema_length=None)'
    else:
        frame = whole
    return f", json; polars.DataFrame({frame}, infer_schema_length=None)"


def _how_to_unpack(module: str, path: str) -> str:
    name, folder = Path(path).name, Path(path).stem.removesuffix(".tar") + ".d"
    return f"`python -m {module} -e {name} {folder}` unpacks it" if re.fullmatch(_PLAIN, name) else "unpack it"


def refuse_other_kinds(content: bytes, path: str) -> None:
    """Name the files that are often given in a table's place (raises DataError).

    Args:
        content: the beginning of the file, unpacked.
        path: where it is.
    """
    kind, hint = next((found for start, found in _KINDS.items() if content.startswith(start)), ("", ""))
    if not kind and _WEB_PAGE.match(content):
        kind, hint = "a web page (HTML)", _OF_PAGES
    if not kind and content[_TAR_MARK] == b"ustar":
        kind, hint = "an archive (tar)", _how_to_unpack("tarfile", path)
    if not kind:
        return
    if _unpacked(path).suffix.casefold() in _READERS or kind == "an array of NumPy's":
        hint = how_to_convert(path)
    elif not hint:
        hint = "save it as CSV or Parquet" if "Excel" in kind else "give a CSV or Parquet file"
    if kind == "a Parquet file":
        is_called_so = path.endswith(".parquet")
        kind += "" if is_called_so else ", though not named .parquet"
        hint = "`data.source: parquet` reads it; training, validation and test data are of one source" if is_called_so else hint
    raise DataError(f"expected a table as text, found {kind}", file=shown(path), hint=hint)
