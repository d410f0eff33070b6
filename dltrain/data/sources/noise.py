"""Random inputs with random labels: what a model scores when there is nothing to learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.facts import DataFacts, schema_of, with_rows
from dltrain.data.raw import RawPictures, RawTable
from dltrain.data.sources.arguments import argument_fault, given, is_integer
from dltrain.data.sources.bundled import make_table
from dltrain.data.sources.places import refuse_path
from dltrain.data.sources.source import DataSource, look_at_nothing, target_of
from dltrain.errors import ConfigError, Note
from dltrain.reporting import Reporter
from dltrain.storage.cache import describe_arrays

MAX_NUMBERS = 1 << 31
# Keeps this stream of random numbers apart from others drawn from the same seed.
STREAM = 0x6E6F697365


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable | RawPictures:
    """Make standard normal float32 inputs and, independent of them, labels of which each class has equally many (±1).

    Arguments: `rows` (1000), `shape` of one row ([20]; one number makes a table of columns x0, x1, ..., more make pictures),
    `classes` (2; 0 or none: standard normal targets, for a regression).

    Raises:
        ConfigError: an argument out of range.
    """
    del reporter
    rows, shape, classes = _parse_arguments(config)
    inputs_seed, target_seed = np.random.SeedSequence([abs(seed), STREAM]).spawn(2)
    inputs = np.random.default_rng(inputs_seed).standard_normal((rows, *shape), dtype=np.float32)
    generator = np.random.default_rng(target_seed)
    codes = np.arange(rows, dtype=np.int64) % max(classes, 1)
    target: NDArray[Any] = generator.permutation(codes) if classes else generator.standard_normal(rows)
    names = tuple(str(label) for label in range(classes))
    if len(shape) == 1:
        return make_table("noise", inputs, target, [f"x{index}" for index in range(shape[0])], classes=names)
    return RawPictures(images=inputs, target=target, classes=names, details=describe_arrays("noise", inputs, target))


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """What the arguments say; nothing is drawn."""
    rows, shape, classes = _parse_arguments(config)
    spec = target_of(config, "classification", classes or None, f"noise of {classes} classes")
    if spec is None:
        return look_at_nothing(config, seed=seed, whole=whole)
    names = [f"x{index}" for index in range(shape[0])] if len(shape) == 1 else []
    schema = schema_of(config, shape, spec, "standard", names)
    line = f"noise: {rows:,} rows of {'×'.join(map(str, shape))}" + (f", {classes} classes" if classes else "")
    return with_rows(config, DataFacts(schema, notes=(Note(line),)), rows)


def _parse_arguments(config: DataConfig) -> tuple[int, list[int], int]:
    refuse_path(config, "it is made from the seed")
    rows, shape, classes = (given(config, name) for name in ("rows", "shape", "classes"))
    shape = [shape] if isinstance(shape, int) else shape
    classes = 0 if classes in (None, "none") else classes
    faults = []
    if not is_integer(rows, 1, 1 << 31):
        faults.append(argument_fault(config, "rows", "a whole number of at least 1"))
    if not _is_shape(shape):
        faults.append(argument_fault(config, "shape", "1 to 4 whole numbers of at least 1", "such as [28, 28, 1]"))
    if not is_integer(classes, 0, 100_000) or classes == 1:
        faults.append(argument_fault(config, "classes", "a whole number of at least 2, or 0 for a number to predict"))
    if not faults and classes > rows:
        faults.append(argument_fault(config, "classes", f"at most as many as rows ({rows})"))
    if not faults and rows * int(np.prod(shape, dtype=object)) > MAX_NUMBERS:
        faults.append(argument_fault(config, "rows", f"rows times shape of at most {MAX_NUMBERS:,} numbers"))
    if faults:
        raise ConfigError(faults)
    return rows, list(shape), classes


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, (list, tuple)) and 1 <= len(shape) <= 4 and all(is_integer(side, 1, 1 << 24) for side in shape)


SOURCE = DataSource(read, look)
