"""Pictures of circles, squares and triangles on a noisy background, with the class of every pixel: drawn from the seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import RECONSTRUCTION, SEGMENTATION, DataConfig, config_fault
from dltrain.data.dataset import IGNORED
from dltrain.data.facts import DataFacts, schema_of, with_rows
from dltrain.data.files import digest
from dltrain.data.fingerprint import array_digest
from dltrain.data.pictures.masked import mask_spec
from dltrain.data.pictures.masks import MaskClasses
from dltrain.data.raw import RawPictures
from dltrain.data.sources.arguments import argument_fault, given, is_integer
from dltrain.data.sources.places import refuse_path
from dltrain.data.sources.source import DataSource, target_of
from dltrain.errors import ConfigError, Note
from dltrain.reporting import Reporter

CLASSES = ("background", "circle", "square", "triangle")
MOST_SHAPES = 3
# Of each kind of shape, from which its own strays: mostly they tell the kinds apart.
COLOURS = np.array([(0.8, 0.3, 0.25), (0.25, 0.7, 0.3), (0.3, 0.35, 0.85)])
_STREAM = 0x73686170


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawPictures:
    """Pictures uint8 [rows, size, size, 3] with one to three shapes each, a later one before an earlier one, and their masks.

    Arguments: `rows` (400), `size` (64), `border` (0: pixels around each shape that are to be ignored).

    Raises:
        ConfigError: an argument out of range, or another task than segmentation.
    """
    del reporter
    rows, size, border = _parse_arguments(config)
    images, masks = np.empty((rows, size, size, 3), np.uint8), np.empty((rows, size, size), np.uint8)
    for row in range(rows):
        # One picture is the same, whatever the others are.
        generator = np.random.default_rng(np.random.SeedSequence([abs(seed), _STREAM, row]))
        images[row], masks[row] = draw(generator, size, border)
    content = digest((array_digest(images) + array_digest(masks)).encode())
    classes = MaskClasses(tuple(range(len(CLASSES))), CLASSES, IGNORED)
    form = {"size": [size, size], "fit": "stretch", "color": True, "range": [0.0, 255.0]}
    return RawPictures(
        images=images,
        target=masks,
        classes=CLASSES,
        value_range=(0.0, 255.0),
        reader={"source": "shapes", **form, "masks": classes.to_state()},
        details={"shapes": {"digest": content, "bytes": images.nbytes + masks.nbytes, "rows": rows}},
        sizes=((size, size),) * rows,
    )


def draw(generator: np.random.Generator, size: int, border: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One picture [size, size, 3] and its mask [size, size].

    Args:
        generator: of random numbers.
        size: of either side.
        border: so many pixels around each shape are `IGNORED`.
    """
    down, across = np.mgrid[0:size, 0:size].astype(np.float64) / size
    slope = generator.uniform(-1, 1, (2, 3))
    picture = 0.45 + 0.25 * (slope[0] * (down[..., None] - 0.5) + slope[1] * (across[..., None] - 0.5))
    mask = np.zeros((size, size), np.uint8)
    for _ in range(generator.integers(1, MOST_SHAPES + 1)):
        code = int(generator.integers(1, len(CLASSES)))
        middle, radius, turn = generator.uniform(0.2, 0.8, 2), generator.uniform(0.12, 0.25), generator.uniform(0, 2 * math.pi)
        distance = _DISTANCES[code - 1](across - middle[1], down - middle[0], turn) - radius
        inside = distance <= 0
        picture[inside] = np.clip(COLOURS[code - 1] + generator.uniform(-0.3, 0.3, 3), 0, 1)
        is_edge = (np.abs(distance) * size <= border) & (border > 0)
        mask[inside] = code
        mask[is_edge] = IGNORED
    picture += generator.normal(0, 0.06, picture.shape)
    return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8), mask


def _circle(x: NDArray[np.float64], y: NDArray[np.float64], turn: float) -> NDArray[np.float64]:
    return np.asarray(np.hypot(x, y))


def _square(x: NDArray[np.float64], y: NDArray[np.float64], turn: float) -> NDArray[np.float64]:
    turn = turn / 8  # little: a square that stands on a corner is hard to tell
    across, down = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    return np.asarray(np.maximum(np.abs(across), np.abs(down)))


def _triangle(x: NDArray[np.float64], y: NDArray[np.float64], turn: float) -> NDArray[np.float64]:
    sides = [x * math.cos(turn + side) + y * math.sin(turn + side) for side in (0, 2 * math.pi / 3, 4 * math.pi / 3)]
    return np.asarray(np.max(sides, axis=0) * 1.5)


# From a point about the middle to how far it is out: a shape is where this is at most its radius.
_DISTANCES: tuple[Callable[[NDArray[np.float64], NDArray[np.float64], float], NDArray[np.float64]], ...] = (
    _circle,
    _square,
    _triangle,
)


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """What the arguments say; nothing is drawn."""
    rows, size, _ = _parse_arguments(config)
    line = f"shapes: {rows:,} pictures of {size}×{size}×3 with masks of {len(CLASSES)} classes"
    spec = target_of(config, "", None, "") if config.is_reconstruction else mask_spec(CLASSES)
    assert spec is not None  # a reconstruction has one
    facts = DataFacts(schema_of(config, (size, size, 3), spec, "unit"), notes=(Note(line),))
    return with_rows(config, facts, rows)


def _parse_arguments(config: DataConfig) -> tuple[int, int, int]:
    refuse_path(config, "it is made from the seed")
    rows, size, border = (given(config, name) for name in ("rows", "size", "border"))
    faults = []
    if config.task not in (None, SEGMENTATION, RECONSTRUCTION):
        message = f"shapes has the class of every pixel, which is no {config.task}"
        faults.append(config_fault(config, "data.task", message, "say data.task: segmentation"))
    if not is_integer(rows, 2, 100_000):
        faults.append(argument_fault(config, "rows", "a whole number from 2 to 100,000"))
    if not is_integer(size, 16, 1024):
        faults.append(argument_fault(config, "size", "a whole number from 16 to 1,024"))
    if not is_integer(border, 0, 8):
        faults.append(argument_fault(config, "border", "a whole number from 0 to 8"))
    if faults:
        raise ConfigError(faults)
    return rows, size, border


SOURCE = DataSource(read, look)
