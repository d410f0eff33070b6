"""Cases for the fuzzer that trains: plain ones made of typed columns, then changed by what the catalog and the keys say may stand there."""

from __future__ import annotations

import copy
import datetime
import gzip
import io
import json
import random
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars

from dltrain.cli.app import run as command
from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.help.examples import example_of_component, value_of, value_of_argument
from dltrain.config.keys import KEYS
from dltrain.config.kinds import parse_kind

MOST_CHANGES = 20
ODD_CELLS = [
    "", " ", "NA", "nan", "-", "?", "inf", "-inf", "1e400", "-0", "1e-320", "0x1f", "1_000", "1,5", "1.234,5", "٣", "½", "+7", "007", "12%", "€5",
    "1e5", "true", "NULL", "\u202eab", "é", "😀", "a b", "a" * 2000, "99999999999999999999", "2020-02-30", "31/12/2020", "0000-00-00", "12:61", "#", "//",
]  # fmt: skip
ODD_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 0.0, 0.5, -0.5, 1.5, 1e-9, 1e30, 2**31, 2**63, -(2**70), "", "x", "auto", "none", "y", [], {}, [1], [0, 1], ["y"],
    [[]], {"a": 1}, {"y": 1}, "é", "a b", "1", "2020-01-01", [None], [1, "a"], [-1], [0.5, 0.5],
]  # fmt: skip
NAMES = [
    "a",
    "b",
    "size",
    "Größe",
    "a b",
    "a.b",
    "x/y",
    "1",
    "y ",
    "$x",
    "{c}",
    "input",
    "^a$",
    "*",
    "name",
    "targets",
    "weight",
    "date",
    "é",
    "loss",
]
# Layers that take a row of numbers; those of other shapes are mostly refused by `check`.
ROW_LAYERS = [
    "Dropout", "BatchNormalization", "LayerNormalization", "Activation", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Flatten", "ReLU", "PReLU",
    "ActivityRegularization", "RMSNormalization", "UnitNormalization", "LeakyReLU", "ELU", "Softmax", "Rescaling", "Identity", "Dense", "Dense",
]  # fmt: skip
# Keys that a case has already, or that name other files.
TAKEN = (
    "data.path",
    "data.source",
    "data.target",
    "data.test",
    "data.validation",
    "training.epochs",
    "data.images",
    "data.text.vectors",
)
DTYPES = [
    "Int8",
    "UInt64",
    "Int64",
    "Float32",
    "Float64",
    "Boolean",
    "String",
    "Categorical",
    "Date",
    "Datetime",
    "Time",
    "Duration",
    "Decimal",
    "Binary",
    "Null",
]


@dataclass(slots=True)
class Case:
    """What is tried.

    Attributes:
        config: plain values.
        file: the table.
        folder: where all of it lies.
    """

    config: dict[str, Any]
    file: Path
    folder: Path
    words: list[str] = field(default_factory=list)


def make_case(chance: random.Random, folder: Path, refuses: Callable[[Path], bool] = lambda config: False) -> Case:
    """One case, written into the folder.

    Args:
        chance: decides all.
        folder: for the config, `c.yaml`, and the table.
        refuses: whether a config is refused, so that the last change is taken back.
    """
    draft = _draft(chance)
    case = _write(draft, folder)
    for _ in range(chance.choice([2, 5, 10, MOST_CHANGES])):
        changed = copy.deepcopy(draft)
        for _ in range(chance.choice([1, 1, 1, 2])):
            chance.choice(CHANGES)(changed, chance)
        changed.config["training"]["epochs"] = 1
        case = _write(changed, folder)
        if refuses(folder / "c.yaml"):
            case = _write(draft, folder)
        else:
            draft = changed
    return case


class Growing:
    """A case that is changed again and again; what is refused of that is taken back."""

    def __init__(self, chance: random.Random, folder: Path) -> None:
        self._chance, self._folder, self._left = chance, folder, 0

    def change(self) -> Case:
        """The case with one change more, written into the folder; a new one after some."""
        if not self._left:
            self._draft, self._left = _draft(self._chance), MOST_CHANGES
        self._left -= 1
        self._changed = copy.deepcopy(self._draft)
        self._chance.choice(CHANGES)(self._changed, self._chance)
        return _write(self._changed, self._folder)

    def keep(self) -> None:
        """The last change was taken."""
        self._draft = self._changed


@dataclass(slots=True)
class _Draft:
    """A case that is not written yet: its config, the cells of its table, and by which chance these are put into a file."""

    config: dict[str, Any]
    columns: dict[str, list[str]]
    form: str


def _write(draft: _Draft, folder: Path) -> Case:
    for file in folder.glob("[!.]*"):
        file.unlink()
    file = _write_table(draft.columns, random.Random(draft.form), folder) if draft.form else folder / "t.csv"
    if not draft.form:
        file.write_text(
            "\n".join(",".join(row) for row in [list(draft.columns), *zip(*draft.columns.values(), strict=True)]) + "\n"
        )
    draft.config["data"] |= {"source": "parquet" if file.suffix == ".parquet" else "csv", "path": file.name}
    (folder / "c.yaml").write_text(json.dumps(draft.config, ensure_ascii=True), encoding="utf-8")  # which is YAML
    return Case(draft.config, file, folder)


_MAKERS: list[Callable[[random.Random, int], str]] = [
    lambda chance, row: str(chance.randint(-5, 50)),
    lambda chance, row: f"{chance.gauss(0, 3):.3f}",
    lambda chance, row: chance.choice(["red", "green", "blue"]),
    lambda chance, row: chance.choice(["yes", "no"]),
    lambda chance, row: str(chance.randint(0, 1)),
    lambda chance, row: chance.choice(["true", "false"]),
    lambda chance, row: f"{chance.gauss(0, 3):.2f}".replace(".", ";"),
    lambda chance, row: str(datetime.date(2020, 1, 1) + datetime.timedelta(days=row)),
    lambda chance, row: f"{1 + row % 28}.{1 + row % 12}.2021",
    lambda chance, row: f"2020-01-01 {row % 24:02d}:00:00",
    lambda chance, row: chance.choice(["a good film", "the bad one", "it was", "not at all good"]),
    lambda chance, row: f"id{row}",
    lambda chance, row: "same",
    lambda chance, row: f"{chance.randint(0, 9):03d}",
    lambda chance, row: "" if chance.random() < 0.4 else str(chance.randint(0, 9)),
]
_TARGETS = 5  # of the makers those that make targets


def _draft(chance: random.Random) -> _Draft:
    """A plain case."""
    rows = chance.choice([30, 30, 60, 60, 120])
    names, makers = chance.sample(NAMES, chance.randint(1, 5)), [0, 1, 2, chance.randrange(len(_MAKERS))]
    kinds = {name: chance.choice(makers) for name in names} | {"y": chance.randrange(_TARGETS)}
    columns = {name: [_MAKERS[kind](chance, row) for row in range(rows)] for name, kind in kinds.items()}
    config = {
        "name": "f",
        "seed": chance.randint(0, 9),
        "data": {"target": "y", "split": {"test": 0.2, "validation": 0.2}},
        "model": {"layers": [{"Dense": {"units": chance.choice([1, 2, 4]), "activation": "relu"}}]},
        "training": {"epochs": 1, "batch_size": chance.choice([1, 8, 32])},
    }
    return _Draft(config, columns, "")


def _change_cells(draft: _Draft, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 1, 2, 5])):
        column = chance.choice(list(draft.columns.values()))
        column[chance.randrange(len(column))] = (
            chance.choice(ODD_CELLS).replace(",", ".") if not draft.form else chance.choice(ODD_CELLS)
        )


def _change_column(draft: _Draft, chance: random.Random) -> None:
    name = chance.choice([*draft.columns, *NAMES])
    maker = chance.choice(_MAKERS[:_TARGETS] if name == "y" else _MAKERS)
    draft.columns[name] = [maker(chance, row) for row in range(len(draft.columns["y"]))]


def _change_form(draft: _Draft, chance: random.Random) -> None:
    draft.form = str(chance.random())


def _change_rows(draft: _Draft, chance: random.Random) -> None:
    rows = chance.choice([3, 12, 20])
    draft.columns = {name: values[:rows] for name, values in draft.columns.items()}


def _change_split(draft: _Draft, chance: random.Random) -> None:
    draft.config["data"]["split"] = chance.choice([{"test": 0.2}, {"validation": 0.3}, {}, {"test": 0.3, "stratify": False}])


def _change_layers(draft: _Draft, chance: random.Random) -> None:
    layers = draft.config["model"].get("layers")
    names = ROW_LAYERS if chance.random() < 0.8 else None
    found = _component("layer", chance, names)["model"]["layers"][0]
    if isinstance(layers, list):
        layers.insert(chance.randint(0, len(layers)), found)


def _change_activation(draft: _Draft, chance: random.Random) -> None:
    activation = chance.choice(list(load_catalog().activations))
    draft.config["model"]["layers"] = [{"Dense": {"units": chance.choice([1, 3]), "activation": activation}}]


def _change_training(draft: _Draft, chance: random.Random) -> None:
    kind, key = chance.choice([("optimizer", "optimizer"), ("optimizer", "optimizer"), ("loss", "loss"), ("metric", "metrics")])
    draft.config["training"][key] = _component(kind, chance)["training"][key]


def _change_key(draft: _Draft, chance: random.Random) -> None:
    name = chance.choice(["data", "training", "model"])
    _add_key(draft.config[name], name, chance, list(draft.columns))


def _change_value(draft: _Draft, chance: random.Random) -> None:
    _change({name: draft.config[name] for name in ("data", "model", "training")}, chance)


CHANGES = [
    *(
        _change_cells,
        _change_column,
        _change_form,
        _change_rows,
        _change_split,
        _change_layers,
        _change_layers,
        _change_activation,
    ),
    *(
        _change_training,
        _change_training,
        _change_key,
        _change_key,
        _change_key,
        _change_key,
        _change_key,
        _change_value,
        _change_value,
    ),
]


def _write_table(columns: dict[str, list[str]], chance: random.Random, folder: Path) -> Path:
    if chance.random() < 0.25:
        frame = polars.DataFrame({name: polars.Series(_typed(values, chance.choice(DTYPES))) for name, values in columns.items()})
        frame.write_parquet(folder / "t.parquet")
        return folder / "t.parquet"
    separator, end = chance.choice([",", ",", ";", "\t", "|"]), chance.choice(["\n", "\n", "\r\n"])
    quote = chance.random() < 0.3

    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if quote or separator in value or '"' in value else value

    lines = [separator.join(map(cell, row)) for row in [list(columns), *zip(*columns.values(), strict=True)]]
    if chance.random() < 0.1:
        lines.pop(chance.randrange(len(lines)))
    if chance.random() < 0.1:
        lines.insert(
            chance.randrange(len(lines) + 1), chance.choice(["", "   ", separator, "# note", "sep=" + separator, '"', "a" * 50])
        )
    encoding = chance.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "latin-1", "utf-16", "cp1252"])
    content = (end.join(lines) + chance.choice([end, ""])).encode(encoding, "replace")
    file = folder / ("t.csv.gz" if chance.random() < 0.1 else "t.csv")
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


def _typed(values: list[str], name: str) -> polars.Series:
    """The values as they can be that type; null where they cannot."""
    text = polars.Series(values, dtype=polars.String)
    try:
        if name in ("Date", "Datetime"):
            return text.str.to_date(strict=False).cast(getattr(polars, name))
        if name == "Duration":
            return (text.cast(polars.Float64, strict=False).fill_null(1) * 1e6).cast(polars.Int64).cast(polars.Duration("us"))
        if name == "Time":
            return polars.Series([datetime.time(row % 24) for row in range(len(values))])
        if name == "Decimal":
            return text.cast(polars.Float64, strict=False).cast(polars.Decimal(20, 3), strict=False)
        if name == "Boolean":
            return polars.Series([value in ("yes", "true", "1") for value in values])
        if name == "Null":
            return polars.Series([None] * len(values), dtype=polars.Null)
        return text.cast(getattr(polars, name), strict=False)
    except polars.exceptions.PolarsError:
        return text


def _component(kind: str, chance: random.Random, names: list[str] | None = None) -> dict[str, Any]:
    """A config with some component in it, with one or none of its arguments, as a usual value or an odd one."""
    catalog = load_catalog()
    entry = catalog.find(kind, chance.choice(names or catalog.names(kind)))
    assert entry is not None
    argument = chance.choice([None, *entry.arguments.values()])
    config = example_of_component(entry, argument)
    if argument is not None and chance.random() < 0.15:
        text = json.dumps(config)
        usual = json.dumps({argument.name: value_of_argument(entry, argument)})[1:-1]
        config = json.loads(text.replace(usual, json.dumps({argument.name: _odd(chance)})[1:-1], 1))
    return json.loads(json.dumps(config).replace('"units": 64', '"units": 3'))  # type: ignore[no-any-return]


def _add_key(block: dict[str, Any], name: str, chance: random.Random, columns: list[str]) -> None:
    key = chance.choice([key for path, key in KEYS.items() if path.startswith(f"{name}.") and not path.startswith(TAKEN)])
    value = copy.deepcopy(key.example)
    if value is None:
        value = {} if "block" in key.type else value_of(parse_kind(key.type))
    pick = chance.random()
    if pick < 0.15:
        value = _odd(chance)
    elif pick < 0.5:
        value = chance.choice([chance.choice(columns), [chance.choice(columns)], {chance.choice(columns): value}])
    *above, last = key.path.split(".")[1:]
    for part in above:
        inner = block.get(part)
        if not isinstance(inner, dict):
            inner = block[part] = {}
        block = inner
    block[last] = value


def _odd(chance: random.Random) -> Any:
    return copy.deepcopy(chance.choice(ODD_VALUES))


def _change(config: Any, chance: random.Random) -> None:
    """Puts an odd value in the place of some value, or takes one away."""
    node = config
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(node[key], dict | list) and node[key] and chance.random() < 0.85:
            node = node[key]
            continue
        if key in ("path", "source", "epochs"):
            return
        if isinstance(node, dict) and chance.random() < 0.2:
            del node[key]
        else:
            node[key] = _odd(chance)
        return


def output_of(words: list[str]) -> tuple[int, str]:
    """The exit code of a command that runs in this process, and what it printed."""
    out, err, stream = sys.stdout, sys.stderr, io.StringIO()
    sys.stdout = sys.stderr = stream
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = command(words)
    finally:
        sys.stdout, sys.stderr = out, err
    return code, stream.getvalue()
