"""A first config for arrays: an .npz archive, or a named dataset."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.config.catalog.sources import INSTALLED, SOURCES
from dltrain.config.types import MULTILABEL, DataConfig
from dltrain.data.arrays.called import INPUTS, TARGETS, arrays_of_parts
from dltrain.data.facts import DataFacts
from dltrain.data.load import load_dataset
from dltrain.data.look import read_facts
from dltrain.data.tables.preprocessing import DROP
from dltrain.errors import DataError, Fault, UsageError, texts, warnings_of
from dltrain.reporting import Reporter, warn_each
from dltrain.starting.block import Block
from dltrain.starting.common_blocks import SEED, finish, open_config, render_split
from dltrain.starting.nets.design import design, split_of
from dltrain.starting.starter import Starter, Wishes, no_comparison, no_series
from dltrain.starting.table import start_table
from dltrain.storage.arrays import declared_shapes, read_arrays
from dltrain.wording import column_hint, counted, listed, quoted, shown

# Inputs of more numbers than these are not looked through.
MOST_VALUES = 1 << 25
# Arguments without which a dataset is no task to begin with, and why.
FIRST_ARGUMENTS: dict[str, dict[str, tuple[Any, str]]] = {
    "lfw_people": {
        "min_faces_per_person": (70, "seven people have that many; of most there is a single picture"),
        "resize": (0.4, "of the cropped picture's sides"),
    }
}


def start_dataset(name: str, asked: str | None, reporter: Reporter, wishes: Wishes) -> Starter:
    """A config for a named dataset; reads nothing but what comes with the package.

    Raises:
        UsageError: a target for a dataset that has its own.
    """
    if SOURCES[name].holds == "table" and SOURCES[name].kept == INSTALLED:
        return start_table(name, None, name, asked, reporter, wishes)
    if asked is not None:
        raise UsageError(f"the dataset {name} brings its own target", hint=f"dltrain init {name}")
    if wishes.compare:
        raise no_comparison(f"{name} is not read for it")
    if wishes.series is not None:
        raise no_series(f"{name} is none")
    arguments = FIRST_ARGUMENTS.get(name, {})
    config = DataConfig(name, arguments={key: value for key, (value, _) in arguments.items()})
    head = f"{name}: {SOURCES[name].description.rstrip('.')}"
    return _start(config, head, reporter, own=set(SOURCES[name].parts), remarks=arguments)


def start_archive(where: str, written: str, asked: str | None, reporter: Reporter) -> Starter:
    """A config for an .npz archive.

    Args:
        where: the file.
        written: the same as the config is to name it.
        asked: the array of targets, or None.
        reporter: hears what is unusual.

    Raises:
        UsageError: it is not clear which arrays are inputs and targets.
        DataError: unreadable, or no target that can be learnt.
    """
    shapes = {name: shape for name, (shape, _) in declared_shapes(where).items()}
    of_parts = arrays_of_parts(shapes) if asked is None or asked in {y for _, y in arrays_of_parts(shapes).values()} else {}
    arguments: dict[str, Any] = {} if of_parts else _arrays(shapes, asked, written)
    defaults = {key: argument.default for key, argument in SOURCES["npz"].arguments.items()}
    config = DataConfig("npz", path=(where,), arguments={key: name for key, name in arguments.items() if name != defaults[key]})
    for name, answers in of_parts.values() or [(arguments["inputs"], arguments["targets"])]:
        if shapes[name][:1] != shapes[answers][:1]:
            reporter.warning(
                f"{_rows(name, shapes)} and {_rows(answers, shapes)}: `fit` refuses them until each row has its target"
            )
        warn_each(reporter, _odd_rows(where, name))
    words = [f"{name} {'×'.join(map(str, shape))}" for name, shape in shapes.items()]
    head = f"{os.path.basename(written)}: arrays {listed(words, 8)}"
    return _start(config, head, reporter, own=set(of_parts), written=written)


def _warnings(config: DataConfig, facts: DataFacts) -> list[Fault]:
    """What a fit will say of the values, where they are few enough to be read for it; what it refuses is said by others."""
    schema = facts.schema
    if schema is None or sum(facts.rows.values()) * math.prod(schema.inputs[0].shape) > MOST_VALUES:
        return []
    try:
        return warnings_of(load_dataset(config, seed=SEED).notes)
    except DataError:
        return []


def _rows(name: str, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """How many rows an array has, in words."""
    return f"{name} has {counted(shapes[name][0], 'row')}" if shapes[name] else f"{name} is a single value"


def _odd_rows(where: str, name: str) -> Iterator[str]:
    """What `fit` will refuse, where the inputs are small enough to be looked at."""
    import numpy as np

    shapes = declared_shapes(where)
    if name not in shapes or not 0 < math.prod(shapes[name][0]) <= MOST_VALUES or not shapes[name][0]:
        return
    values = read_arrays(Path(where), names=[name], limit=MOST_VALUES * 16)[name]
    if values.dtype.kind != "f":
        return
    odd = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if len(odd):
        first = f"row {odd[0] + 1:,}"
        which = f"{first} of {name} holds" if len(odd) == 1 else f"{len(odd):,} rows of {name}, such as {first}, hold"
        yield f"{which} values that are not finite: `fit` refuses them until they are mended"


def _arrays(shapes: Mapping[str, tuple[int, ...]], asked: str | None, written: str) -> dict[str, Any]:
    """The arrays of inputs and targets: by name, else the only ones that can be."""
    if asked is not None and asked not in shapes:
        raise UsageError(f"{shown(written)} holds no array {quoted(asked)}", hint=column_hint(asked, list(shapes)))
    targets = asked or next((name for name in TARGETS if name in shapes), None)
    wide = [name for name, shape in shapes.items() if len(shape) > 1 and name != targets]
    inputs = next((name for name in INPUTS if name in wide), wide[0] if len(wide) == 1 else None)
    if targets is None:
        flat = [name for name, shape in shapes.items() if inputs and len(shape) == 1 and shape[0] == shapes[inputs][0]]
        targets = flat[0] if len(flat) == 1 else None
    if inputs is None or targets is None:
        words = [f"{name} {'×'.join(map(str, shape)) or 'a single value'}" for name, shape in shapes.items()]
        message = f"which arrays of {shown(written)} are inputs and targets? It holds {listed(words, 20)}"
        raise UsageError(message, hint="save it with the names x and y, or say --target ARRAY")
    return {"inputs": inputs, "targets": targets}


def _start(
    config: DataConfig,
    head: str,
    reporter: Reporter,
    *,
    own: Collection[str],
    remarks: Mapping[str, tuple[Any, str]] = {},
    written: str | None = None,
) -> Starter:
    config, facts, task = _facts(config, own)
    if facts.errors:
        raise DataError(facts.errors)
    if facts.schema is None:
        raise DataError(f"nothing is known of {config.source} before it is read", hint="write the config by hand")
    warn_each(reporter, warnings_of(facts.notes))
    if written is not None:
        warn_each(reporter, _warnings(replace(config, task=task or config.task, split=split_of(1, own=own)), facts))
    target = facts.schema.targets[0]
    num_rows = facts.rows.get("train", 0)
    chosen = design(facts.schema, num_rows)
    block = Block()
    open_config(block, head)
    block.open("data")
    block.entry("source", config.source)
    if written is not None:
        block.entry("path", written)
    for key, value in config.arguments.items():
        block.entry(key, value, remarks[key][1] if key in remarks else "")
    remark = f"{len(target.classes)} {'labels' if target.is_multilabel else 'classes'}" if target.classes else "a number"
    block.entry("task", task or target.task, remark)
    if config.missing_target == DROP:
        block.entry("missing_target", DROP, "rows without a value for the target are left out")
    if len(facts.schema.inputs[0].shape) > 1:
        block.entry("scale", "unit", "values to 0...1; `standard` scales each by its mean and deviation")
    split = split_of(sum(facts.rows.values()), own=own)
    render_split(block, split)
    return finish(block, chosen, target.task, dict.fromkeys(target.classes, 1), (head, *texts(facts.notes, "note")))


def _facts(config: DataConfig, own: Collection[str]) -> tuple[DataConfig, DataFacts, str | None]:
    """The block that leaves out rows without a target where there are any, what is known of the data, and the task to write.

    Whole numbers of few values, as labels of pictures are, are taken for classes.
    """
    asked, config = config, replace(config, split=split_of(1, own=own))
    facts = read_facts(config, seed=SEED)
    if any(fault.path == "data.missing_target" for fault in facts.errors):
        asked, config = replace(asked, missing_target=DROP), replace(config, missing_target=DROP)
        facts = read_facts(config, seed=SEED)
    if config.source == "npz" and facts.errors:  # columns of 0 and 1 are several labels, if they are all that is odd
        labels = read_facts(replace(config, task=MULTILABEL), seed=SEED)
        facts = labels if not labels.errors else facts
    if config.source != "npz" or facts.schema is None or facts.schema.targets[0].task != "regression":
        return asked, facts, None
    classes = read_facts(replace(config, task="classification"), seed=SEED)
    if classes.schema is None or not 2 < len(classes.schema.targets[0].classes) <= 100:
        return asked, facts, None
    if not all(label.lstrip("-").isdigit() for label in classes.schema.targets[0].classes):
        return asked, facts, None
    return asked, classes, "classification"
