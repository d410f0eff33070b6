"""Configs and tables that stay valid long enough to train a step: made from the catalog and from typed columns, then changed.

python -m tests.fuzz --training --seconds 600 [--seed 0] [--only 17]

Each case is a function of the seed and its number: `--only` runs one of them again. A case is checked, fitted, evaluated and
predicted with by the command itself; every exit code must be one of the table, and none of them 1.
"""

from __future__ import annotations

import copy
import datetime
import gzip
import io
import json
import os
import random
import re
import shutil
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
from dltrain.reporting import Reporter
from dltrain.training.saving import pictures

MOST_TRIED = 12
_DRAW = pictures.draw_or_warn
CODES = {"check": {0, 2, 3}, "fit": {0, 2, 3, 4, 5, 6}, "evaluate": {0, 2, 3, 5, 6}, "predict": {0, 2, 3, 6}, "init": {0, 2, 3}}
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


def make_case(chance: random.Random, folder: Path) -> Case:
    """One case, written into the folder."""
    columns = _columns(chance)
    file = _write_table(columns, chance, folder)
    config = _config(chance, list(columns), file.name)
    for _ in range(chance.choice([0, 0, 0, 0, 1, 2])):
        _change({name: config[name] for name in ("data", "model", "training")}, chance)
    (folder / "c.yaml").write_text(json.dumps(config, ensure_ascii=True), encoding="utf-8")  # which is YAML
    return Case(config, file, folder)


def try_case(case: Case, on_step: Callable[[str], None] = lambda step: None) -> tuple[list[str], dict[str, int]]:
    """What is wrong with it, and the exit codes."""
    config, runs = str(case.folder / "c.yaml"), str(case.folder / "runs")
    steps = [["check", config], ["check", "--data", config], ["init", str(case.file)], ["fit", config, "--runs", runs]]
    wrong, codes = [], {}
    for words in steps:
        codes[" ".join(words[: 1 + words[1].startswith("-")])] = _step(words, wrong, on_step)
    if codes["fit"] == 0:
        run = str(next(path for path in Path(runs).iterdir() if (path / "manifest.json").exists()))
        codes["evaluate"] = _step(["evaluate", run, "--data", str(case.file)], wrong, on_step)
        codes["predict"] = _step(["predict", run, "--data", str(case.file), "-o", str(case.folder / "p.csv")], wrong, on_step)
    return wrong, codes


def _step(words: list[str], wrong: list[str], on_step: Callable[[str], None]) -> int:
    on_step(words[0])
    out, err, stream = sys.stdout, sys.stderr, io.StringIO()
    sys.stdout = sys.stderr = stream
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = command(words)
    finally:
        sys.stdout, sys.stderr = out, err
    text = stream.getvalue()
    if code not in CODES[words[0]]:
        log = re.search(r"traceback is in (\S+)", text)
        trace = Path(log[1]).read_text() if log and Path(log[1]).exists() else ""
        if log and "/dltrain-" in log[1]:
            os.unlink(log[1])
        wrong.append(f"{' '.join(words[:2])}: exit {code}\n{text[-600:]}\n{trace[-1500:]}")
    elif "Traceback (most recent call last)" in text:
        wrong.append(f"{' '.join(words[:2])}: a traceback\n{text[-1500:]}")
    return code


def _columns(chance: random.Random) -> dict[str, list[str]]:
    """Columns of cells as text; the last is the target."""
    rows = chance.choice([3, 12, 30, 30, 60, 60])
    makers: list[Callable[[int], str]] = [
        lambda row: str(chance.randint(-5, 50)),
        lambda row: f"{chance.gauss(0, 3):.3f}",
        lambda row: f"{chance.gauss(0, 3):.2f}".replace(".", ","),
        lambda row: chance.choice(["red", "green", "blue"]),
        lambda row: chance.choice(["yes", "no"]),
        lambda row: chance.choice(["true", "false"]),
        lambda row: str(datetime.date(2020, 1, 1) + datetime.timedelta(days=row)),
        lambda row: f"{1 + row % 28}.{1 + row % 12}.2021",
        lambda row: f"2020-01-01 {row % 24:02d}:00:00",
        lambda row: chance.choice(["a good film", "the bad one", "it was", "not at all good"]),
        lambda row: f"id{row}",
        lambda row: "same",
        lambda row: f"{chance.randint(0, 9):03d}",
        lambda row: str(chance.randint(0, 1)),
        lambda row: "" if chance.random() < 0.4 else str(chance.randint(0, 9)),
    ]
    names = chance.sample(NAMES, chance.randint(1, 5))
    columns = {name: [make(row) for row in range(rows)] for name in names for make in [chance.choice(makers)]}
    columns["y"] = [make(row) for make in [makers[chance.choice([0, 1, 3, 4, 5, 13, 13, 4, 3])]] for row in range(rows)]
    for _ in range(chance.choice([0, 0, 1, 2, 5])):
        chance.choice(list(columns.values()))[chance.randrange(rows)] = chance.choice(ODD_CELLS)
    return columns


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


def _config(chance: random.Random, columns: list[str], file: str) -> dict[str, Any]:
    catalog = load_catalog()
    data: dict[str, Any] = {"source": "parquet" if file.endswith("parquet") else "csv", "path": file, "target": "y"}
    data["split"] = chance.choice(
        [{"test": 0.2}, {"test": 0.2, "validation": 0.2}, {"validation": 0.3}, {}, {"test": 0.3, "stratify": False}]
    )
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2])):
        _add_key(data, "data", chance, columns)
    layers: list[Any] = [{"Dense": {"units": chance.choice([1, 2, 4]), "activation": chance.choice(list(catalog.activations))}}]
    for _ in range(chance.choice([0, 1, 1, 2])):
        names = ROW_LAYERS if chance.random() < 0.9 else None
        layers.insert(chance.randint(0, 1), _component("layer", chance, names)["model"]["layers"][0])
    training: dict[str, Any] = {"epochs": 1, "batch_size": chance.choice([1, 8, 32])}
    if chance.random() < 0.6:
        training["optimizer"] = _component("optimizer", chance)["training"]["optimizer"]
    if chance.random() < 0.15:
        training["loss"] = _component("loss", chance)["training"]["loss"]
    if chance.random() < 0.4:
        training["metrics"] = _component("metric", chance)["training"]["metrics"]
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2])):
        _add_key(training, "training", chance, columns)
    training["epochs"] = 1
    return {"name": "f", "seed": chance.randint(0, 9), "data": data, "model": {"layers": layers}, "training": training}


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


def _valid_case(chance: random.Random, folder: Path, codes: dict[str, dict[int, int]]) -> Case:
    """The first of some cases that `check --data` has nothing against or ends on in no good way, else the last."""
    for _ in range(MOST_TRIED):
        for file in folder.glob("[!.]*"):
            file.unlink()
        case = make_case(chance, folder)
        code = _step(["check", "--data", str(folder / "c.yaml")], [], lambda step: None)
        if code not in (2, 3):
            break
        found = codes.setdefault("candidate", {})
        found[code] = found.get(code, 0) + 1
    return case


class _Step:
    """What is being done, and for how long it may."""

    def __init__(self, alarm: Callable[[int], object]) -> None:
        self.alarm = alarm
        self.name = "make"

    def __call__(self, name: str) -> None:
        self.name = name
        self.alarm(300)  # a busy machine is no failure


def run_cases(seconds: float, seed: int, only: int | None, alarm: Callable[[int], object], clock: Callable[[], float]) -> int:
    """Tries cases until the time is up; prints each kind of failure once, with its input. Returns the number of kinds."""
    import tempfile

    from dltrain.model.keras_import import import_keras

    import_keras(1)
    import tensorflow as tf

    end, number, kinds = clock() + seconds, only or 0, dict[str, int]()
    reached: dict[str, int] = {}
    codes: dict[str, dict[int, int]] = {}
    while clock() < end:
        with tempfile.TemporaryDirectory() as name:
            step = _Step(alarm)
            # Tracing of functions and drawing take two thirds of the time: four of five cases go without.
            is_quick = number % 5 != 0
            tf.config.run_functions_eagerly(is_quick)
            pictures.draw_or_warn = _draw_nothing if is_quick else _DRAW
            os.environ["DLTRAIN_CACHE"] = str(Path(name) / ".cache")
            os.environ["DLTRAIN_STREAM_BYTES"] = "0" if number % 5 == 4 else ""  # each fifth case is read from disk in pieces
            try:
                case = _valid_case(random.Random(f"{seed}:{number}"), Path(name), codes)
                wrong, found = try_case(case, step)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the alarm, or what the command let through
                wrong, found = [f"{step.name}: {type(error).__name__} {error}"], {}
            finally:
                alarm(0)
            for name_of_step, code in found.items():
                codes.setdefault(name_of_step, {}).setdefault(code, 0)
                codes[name_of_step][code] += 1
            reached["fitted"] = reached.get("fitted", 0) + (found.get("fit") == 0)
            for text in wrong:
                kind = _kind_of(text)
                kinds[kind] = kinds.get(kind, 0) + 1
                if kinds[kind] == 1 or only is not None:
                    head = case.file.read_bytes()[:300]
                    print(f"--- --seed {seed} --only {number}: {text}\n{json.dumps(case.config)[:1500]}\n{head!r}", flush=True)
            shutil.rmtree(Path(name) / "runs", ignore_errors=True)
        number += 1
        if only is not None:
            break
        if number % 100 == 0:
            print(f"{number} cases, {reached['fitted']} fitted", flush=True)
    print(f"{number - (only or 0)} cases, {reached.get('fitted', 0)} fitted, exit codes {codes}, failures {kinds}", flush=True)
    return len(kinds)


def _draw_nothing(*args: Any, reporter: Reporter) -> None:
    """In the place of `draw_or_warn`."""


def _kind_of(text: str) -> str:
    """The last place of dltrain in a traceback, and what was raised."""
    places = re.findall(r"dltrain/(\S+?\.py)\", line (\d+)", text)
    last = text.strip().splitlines()[-1][:80]
    return f"{places[-1] if places else ''} {last}"
