"""The outputs of a layer for one picture, map by map, as a sheet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import UsageError
from dltrain.evaluation.drawing.letters import lacking_letters, say_lacking
from dltrain.evaluation.drawing.picture_sheet import Line, plot_sheet
from dltrain.evaluation.load_run import StoredRun, load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.symbolic import infer_network
from dltrain.reporting import Reporter

MOST_MAPS = 60
_BLACK, _GREY = "#000000", "#666666"


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """Maps of a layer.

    Attributes:
        layer: its name.
        values: float [height, width, maps], as the layer gives them.
        num_drawn: how many of them are on the sheet.
    """

    layer: str
    values: NDArray[Any]
    num_drawn: int


def plot_feature_maps(
    run: Path, image: str, picture: Path, *, layer: str | None = None, weights: str | None = None, reporter: Reporter
) -> FeatureMaps:
    """Draw what a layer of a run makes of a picture, each map from its lowest value (black) to its highest (white).

    Args:
        run: on pictures.
        image: a picture file, as `predict` takes it.
        picture: PNG file to write, whole or not at all.
        layer: a layer whose output is [height, width, maps]; None: the model's first of these.
        weights: "best", "last", or None: the run's model.
        reporter: hears of the stages.

    Raises:
        UsageError: there is no such layer, or its output is no maps, or there are several pictures.
        DataError: the picture cannot be read.
    """
    layer = _layer_with_maps(load_run(run), layer)
    values = predict(run, data=[image], layer=layer, weights=weights, reporter=reporter).arrays[layer]
    if len(values) != 1:
        raise UsageError(f"the maps of one picture are drawn, and {image} holds {len(values):,}", hint="name one file")
    maps = np.moveaxis(np.asarray(values[0], np.float64), -1, 0)
    shown = maps[:MOST_MAPS]
    captions = [
        (Line(f"{index}", "", _BLACK), Line(f"{low:.3g} … {high:.3g}" if low < high else f"{low:.3g} everywhere", "", _GREY))
        for index, (low, high) in enumerate((each.min(), each.max()) for each in shown)
    ]
    more = f"the first {len(shown)} of {len(maps)} maps" if len(maps) > len(shown) else f"{len(maps)} maps"
    with lacking_letters() as lacking:
        plot_sheet(picture, f"{layer}: {more} of {Path(image).name}", np.stack([_grey(each) for each in shown]), captions)
    if lacking:
        reporter.warning(f"{picture.name}: {say_lacking(lacking)}")
    return FeatureMaps(layer, values[0], len(shown))


def _grey(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A map as a picture of its own range; one that is the same everywhere is black."""
    span = values.max() - values.min()
    share = (values - values.min()) / span if np.isfinite(span) and span > 0 else np.zeros_like(values)
    return np.round(255 * share).astype(np.uint8)[..., None]


def _layer_with_maps(stored: StoredRun, layer: str | None) -> str:
    network = infer_network(stored.config.model, stored.preprocessing.schema, stored.heads)
    shapes = {row.name: row.found.output for row in network.rows}
    with_maps = [name for name, shape in shapes.items() if shape is not None and len(shape) == 3]
    there = f"layers with maps: {', '.join(with_maps)}" if with_maps else "none of its layers gives [height, width, maps]"
    if layer is None:
        if not with_maps:
            raise UsageError("the model makes no maps of a picture", hint=there)
        convolutions = [row.name for row in network.rows if row.name in with_maps and "Conv" in row.layer]
        return (convolutions or with_maps)[0]
    shape = shapes.get(layer)
    if layer not in shapes:
        raise UsageError(f"the model has no layer {layer!r}", hint=there)
    if shape is not None and len(shape) != 3:
        raise UsageError(f"the layer {layer} gives {list(shape)} for each picture, which are no maps", hint=there)
    return layer
