"""About how many bytes a training takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from dltrain.checking.places import placed
from dltrain.checking.result import Memory
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.types import SEGMENTATION, Config
from dltrain.data.facts import DataFacts
from dltrain.errors import DataError, Fault
from dltrain.machine import memory_bytes
from dltrain.model.heads.head import Head
from dltrain.model.symbolic import Network, Row
from dltrain.model.symbolic.rule import size_of
from dltrain.storage.bounds import CELL_BYTES, ROW_BYTES

FLOAT = 4
# Bytes for each row of a part that is scored, and for each number that is put out of it: measured.
_OF_ROW, _OF_CLASSES, _OF_MENDED, _OF_LABELS, _OF_NUMBERS = 100, 20, 20, 92, 100
FRAMEWORK = 450_000_000  # what TensorFlow takes by itself, with the programs of a small model
SAMPLED = 500_000  # rows of a training part on disk that are scored at the most, see `evaluation.spread_sample`
SMALL = 10_000_000  # reading less is nothing to speak of
WARNED_FROM = 0.7
REFUSED = "; fit refuses it without --allow-large"
# Numbers that an optimizer keeps for each trained weight (Keras's own variables); SGD keeps one with momentum.
_SLOTS = {"SGD": 0, "Adadelta": 2, "Adagrad": 1, "RMSprop": 1, "Lion": 1, "Adafactor": 1, "Muon": 2, "Ftrl": 2}


def estimate_memory(config: Config, facts: DataFacts, network: Network, heads: Sequence[Head] = ()) -> Memory:
    """Weights with gradients and optimizer, a batch of all outputs forwards and backwards, the data as it is held, answers."""
    assert facts.schema is not None
    parameters = sum(row.found.parameters or 0 for row in network.rows)
    trained = sum(row.found.trainable or 0 for row in network.rows)
    slots = 0
    batch_size = members = 1
    if config.training is not None:
        members = config.training.members.count if config.training.members.are_several else 1
        optimizer = config.training.optimizer
        slots = _SLOTS.get(optimizer.name, 2) + bool(optimizer.name == "SGD" and optimizer.arguments.get("momentum"))
        # Sums of gradients over several steps, and averages of the weights, are as large as the weights.
        slots += (optimizer.arguments.get("gradient_accumulation_steps") or 1) > 1
        slots += bool(optimizer.arguments.get("use_ema")) or config.training.average == "swa"
        batch_size = config.training.batch_size
        if facts.rows:
            batch_size = min(batch_size, facts.rows.get("train", batch_size))
    outputs = sum((size_of(row.found.output) or 0) for row in network.rows if row.found.output is not None)
    width = sum(math.prod(spec.shape) for spec in facts.schema.inputs) + sum(
        math.prod(facts.schema.inputs[0].shape[:2]) if target.is_mask else 1 if not target.is_reconstruction else 0
        for target in facts.schema.targets
    )
    rows = sum(facts.rows.values()) if facts.rows else None
    return Memory(
        model=FLOAT * members * (parameters + trained * (1 + slots)),
        batch=FLOAT * members * 2 * outputs * batch_size,
        data=None if rows is None else (1 if _is_bytes(config) else FLOAT) * rows * width,
        reading=_reading_bytes(config, rows or 0, len(facts.columns)),
        answers=_answer_bytes(config, facts, heads),
    )


def _answer_bytes(config: Config, facts: DataFacts, heads: Sequence[Head]) -> int:
    """What the scores of a part take: its outputs, probabilities of twice the digits, and what is reckoned of them.

    180,000 rows of 1,000 classes are reckoned at 3.6 GB and took 3.7 beside the framework.
    """
    rows = max(facts.rows.values(), default=0)
    if _is_streamed(config):
        rows = max(min(rows, SAMPLED), *(count for name, count in facts.rows.items() if name != "train"), 0)
    mended = _OF_MENDED if config.evaluation.calibrate else 0
    total = 0
    for head in heads:
        if head.is_mask or head.is_reconstruction:  # some rows after the other
            continue
        each = _OF_LABELS if head.is_multilabel else (_OF_CLASSES + mended) if head.classes else _OF_NUMBERS
        total += _OF_ROW + head.units * (each + FLOAT * head.logits)
    return rows * total


def _reading_bytes(config: Config, num_rows: int, num_columns: int) -> int:
    """What text takes that is read into memory: short cells take much more than their letters.

    14 million rows of 3 cells are reckoned at 1.67 GB and took 1.63; 3.7 million rows of 12 at 1.51, and took 1.51.
    """
    if config.data.source != "csv" or config.data.series is not None or not num_rows or _is_streamed(config):
        return 0
    from dltrain.data.files import expand_paths
    from dltrain.data.tables.streamed.survey import text_bytes

    try:
        files = expand_paths((*config.data.path, *config.data.validation, *config.data.test))
        letters = max((text_bytes(file, config.data) for file in files), default=0)
    except (DataError, OSError):  # which who reads it says
        return 0
    taken = letters + num_rows * (CELL_BYTES * num_columns + ROW_BYTES)
    return taken if taken >= SMALL else 0


def judge_memory(config: Config, memory: Memory, network: Network) -> tuple[Fault | None, bool]:
    """What is to be said of the memory that a training takes beside what this machine has.

    Args:
        config: of the training.
        memory: from `estimate_memory`.
        network: its layers.

    Returns:
        A warning from 70 % on, else None; and whether it is more than there is and was not allowed.
    """
    held = held_bytes(config, memory)
    needed, there = max(own_bytes(memory) + held, FRAMEWORK + memory.reading), memory_bytes()
    if needed < WARNED_FROM * there:
        return None, False
    share = f"{100 * needed / there:,.0f} %" if needed < 100 * there else f"{needed / there:,.0f} times"
    what = "reading the data" if needed > own_bytes(memory) + held else "training"
    message = f"{what} takes about {gigabytes(needed)}, {share} of the {gigabytes(there)} that this machine has"
    path, hint = "training.batch_size", "a smaller batch takes less"
    if what != "training":
        path, hint = "data", "with the environment variable DLTRAIN_STREAM_BYTES=0 it is streamed from disk in little memory"
    elif memory.answers > max(memory.model, memory.batch, held):
        message, path = (
            f"{message}; what it says of all rows of a part takes {gigabytes(memory.answers)} while it is scored",
            "data",
        )
        hint = "data.limit takes fewer rows; fewer classes take less"
    elif held > max(memory.model, memory.batch):
        message, path = f"{message}; the data takes {gigabytes(held)} of it", "data"
        hint = "data.limit takes fewer rows; CSV and Parquet are streamed from disk where they are large"
    elif network.rows:
        row = max(network.rows, key=lambda row: _bytes_of(row, config))
        message += f"; the layer {row.name} takes {gigabytes(_bytes_of(row, config))} of it"
        if row.config is not None:
            path = row.config.path
        if memory.model >= memory.batch:
            hint = "fewer units take less"
    if config.data.task == SEGMENTATION and path != "data":
        hint = "a smaller batch or data.image_size takes less: masks are predicted in each picture's own size all the same"
    is_refused = needed > there and not (config.training is not None and config.training.allow_large)
    hint += REFUSED if is_refused else ""
    return placed(config, [Fault(message, path=path, hint=hint, severity="warning")])[0], is_refused


def as_refusal(warning: Fault) -> Fault:
    """What `judge_memory` said, as the error of a fit that refuses it."""
    hint = (warning.hint or "").removesuffix(REFUSED)
    return replace(warning, severity="error", hint=f"{hint}; --allow-large tries it all the same")


def own_bytes(memory: Memory) -> int:
    """What a process takes that trains it, without the data, which several of them share."""
    return memory.model + max(memory.batch, memory.answers) + FRAMEWORK


def held_bytes(config: Config, memory: Memory) -> int:
    """What the data takes in memory."""
    return 0 if _is_bytes(config) or _is_streamed(config) else memory.data or 0


def _is_bytes(config: Config) -> bool:
    """Whether pixels are held as bytes."""
    source = SOURCES.get(config.data.source)
    return source is not None and source.as_bytes


def _is_streamed(config: Config) -> bool:
    """Whether the data stays on disk."""
    source = SOURCES.get(config.data.source)
    if source is None or not source.in_blocks:
        return False
    from dltrain.data.tables.streamed.fit import why_streamed

    return bool(why_streamed(config.data))


def _bytes_of(row: Row, config: Config) -> int:
    """What one layer takes: its weights with all that is kept for each, and its outputs for a batch."""
    batch = config.training.batch_size if config.training is not None else 1
    weights = FLOAT * ((row.found.parameters or 0) + 3 * (row.found.trainable or 0))
    return weights + FLOAT * 2 * batch * (size_of(row.found.output) or 0 if row.found.output is not None else 0)


def gigabytes(count: int) -> str:
    """A number of bytes, for people."""
    return f"{count / 1e9:,.1f} GB"
