"""The four little problems of two numbers that TensorFlow's playground draws: circle, xor, gauss, spiral.

Source: https://playground.tensorflow.org, `dataset.ts` (Smilkov and others, Apache 2.0): the same regions, distances and noise;
the random numbers are NumPy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.facts import DataFacts, schema_of, with_rows
from dltrain.data.raw import RawTable
from dltrain.data.sources.arguments import argument_fault, given, is_integer
from dltrain.data.sources.bundled import make_table
from dltrain.data.sources.places import refuse_path
from dltrain.data.sources.source import DataSource, target_of
from dltrain.errors import ConfigError, Note
from dltrain.reporting import Reporter

PROBLEMS = ("circle", "xor", "gauss", "spiral")
CLASSES = ("orange", "blue")
COLUMNS = ("x1", "x2")
RADIUS = 5.0
PADDING = 0.3
_STREAM = 0x706C6179


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """Points x1, x2, most of them between -6 and 6, and their colour, half of them orange and half blue, in random order.

    Arguments: `problem` (circle), `rows` (500), `noise` (0, from 0 to 0.5).

    Raises:
        ConfigError: an argument out of range.
    """
    problem, rows, noise = _parse_arguments(config)
    generator = np.random.default_rng(np.random.SeedSequence([abs(seed), _STREAM, PROBLEMS.index(problem)]))
    points, is_blue = {"circle": _circle, "xor": _xor, "gauss": _gauss, "spiral": _spiral}[problem](rows, noise, generator)
    order = generator.permutation(rows)
    codes = is_blue.astype(np.int64)
    return make_table("playground", points[order].astype(np.float32), codes[order], COLUMNS, classes=CLASSES)


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """What the arguments say; nothing is drawn."""
    problem, rows, _ = _parse_arguments(config)
    spec = target_of(config, "classification", len(CLASSES), f"playground has {len(CLASSES)} classes")
    assert spec is not None  # its classes are known
    if spec.task == "classification":
        spec = replace(spec, classes=CLASSES)
    line = f"playground: {rows:,} points of {len(CLASSES)} classes, {problem}"
    return with_rows(config, DataFacts(schema_of(config, (len(COLUMNS),), spec, "standard", COLUMNS), notes=(Note(line),)), rows)


def _parse_arguments(config: DataConfig) -> tuple[str, int, float]:
    refuse_path(config, "it is made from the seed")
    problem, rows, noise = (given(config, name) for name in ("problem", "rows", "noise"))
    faults = []
    if problem not in PROBLEMS:
        faults.append(argument_fault(config, "problem", f"one of {', '.join(PROBLEMS)}"))
    if not is_integer(rows, 2, 10_000_000):
        faults.append(argument_fault(config, "rows", "a whole number from 2 to 10,000,000"))
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise <= 0.5:
        faults.append(argument_fault(config, "noise", "a number from 0 to 0.5"))
    if faults:
        raise ConfigError(faults)
    return problem, rows, noise


def _halves(rows: int) -> NDArray[np.bool_]:
    """Which rows are of the second class: the last half."""
    return np.arange(rows) >= rows // 2


def _circle(rows: int, noise: float, generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Blue inside of half the radius, orange from 0.7 of it on; noise moves a point before its colour is decided."""
    is_inner = _halves(rows)
    distance = np.where(is_inner, generator.uniform(0, RADIUS / 2, rows), generator.uniform(0.7 * RADIUS, RADIUS, rows))
    angle = generator.uniform(0, 2 * math.pi, rows)
    points = np.stack([distance * np.sin(angle), distance * np.cos(angle)], axis=1)
    moved = points + generator.uniform(-RADIUS, RADIUS, (rows, 2)) * noise
    return points, np.hypot(*moved.T) < RADIUS / 2


def _xor(rows: int, noise: float, generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Blue where both numbers have one sign; no point is nearer to an axis than 0.3."""
    points = generator.uniform(-RADIUS, RADIUS, (rows, 2))
    points += np.where(points > 0, PADDING, -PADDING)
    moved = points + generator.uniform(-RADIUS, RADIUS, (rows, 2)) * noise
    return points, moved.prod(axis=1) >= 0


def _gauss(rows: int, noise: float, generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Two normal clouds about (2, 2), blue, and (-2, -2), orange; their variance goes from 0.5 to 4 with the noise."""
    is_blue = _halves(rows)
    variance = 0.5 + noise / 0.5 * 3.5
    centre = np.where(is_blue, 2.0, -2.0)[:, None]
    return centre + math.sqrt(variance) * generator.standard_normal((rows, 2)), is_blue


def _spiral(rows: int, noise: float, generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Two arms of 1.75 turns, the orange one half a turn after the blue one."""
    is_orange = _halves(rows)
    counts = np.where(is_orange, rows - rows // 2, rows // 2)
    place = np.where(is_orange, np.arange(rows) - rows // 2, np.arange(rows)) / counts
    angle = 1.75 * place * 2 * math.pi + np.where(is_orange, math.pi, 0.0)
    points = (place * RADIUS)[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return points + generator.uniform(-1, 1, (rows, 2)) * noise, ~is_orange


SOURCE = DataSource(read, look)
