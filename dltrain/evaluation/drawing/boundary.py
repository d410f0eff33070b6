"""A model's predictions over the plane of its two columns, as a picture: the decision boundary, or the height of a number."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.load import read_raw
from dltrain.data.raw import RawTable
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import UsageError
from dltrain.evaluation.drawing.figure import new_figure, own_style, save_figure
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.later import polars
from dltrain.reporting import Reporter

SIDE = 160  # points of the plane along each axis
MOST_ROWS = 2_000  # rows of the data that are drawn
MARGIN = 0.1  # of the data's range, on each side
_COLOURS = ("#f59322", "#0877bd", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf", "#d62728")


@own_style()
def plot_boundary(run: Path, picture: Path, *, weights: str | None = None, reporter: Reporter) -> None:
    """Draw the predictions of a run over the plane of its two number columns, with rows of its data on top.

    Args:
        run: on a table of two number columns and one target.
        picture: PNG file to write, whole or not at all.
        weights: "best", "last", or None: the run's model.
        reporter: hears of the stages.

    Raises:
        UsageError: the run is on something else.
        DataError: its data is gone.
    """
    stored = load_run(run)
    table = stored.preprocessing
    columns = table.features if isinstance(table, TablePreprocessing) else ()
    tasks = [spec.task for head in stored.heads for spec in head.targets]
    is_plane = len(columns) == 2 and all(column.by_kind.holds_numbers for column in columns)
    if not is_plane or tasks not in (["classification"], ["regression"]) or not isinstance(table, TablePreprocessing):
        raise UsageError("a boundary is drawn over two number columns and one target", hint="data.features=[a, b] takes two")
    raw, _ = read_raw(stored.config.data, seed=stored.config.seed, reporter=reporter)
    assert isinstance(raw, RawTable)
    values = table.read_values(raw, with_targets=True)
    across, up = (values.features[column.name] for column in columns)
    x, y = (_ticks(values) for values in (across, up))
    grid = np.stack([np.tile(x, SIDE), np.repeat(y, SIDE)], axis=1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plane.parquet"
        polars.DataFrame({column.name: grid[:, index] for index, column in enumerate(columns)}).write_parquet(file)
        said = predict(run, data=[str(file)], weights=weights)  # where the plane was kept concerns nobody
    head = stored.heads[0]
    figure, axes = _axes(columns[0].name, columns[1].name, f"{stored.config.name}: what it says of each place")
    target = head.targets[0].name
    if head.classes:
        codes = {label: index for index, label in enumerate(head.classes)}
        field = np.array([codes[str(label)] for label in said.prediction]).reshape(SIDE, SIDE)
        if len(codes) == 2 and said.probabilities:
            field = np.asarray(said.probabilities[head.classes[1]], float).reshape(SIDE, SIDE)
        _regions(axes, x, y, field, len(codes))
        _rows(axes, across, up, values.targets[target], codes)
    else:
        field = np.asarray(said.prediction, float).reshape(SIDE, SIDE)
        mesh = axes.pcolormesh(x, y, field, cmap="viridis", shading="nearest")
        figure.colorbar(mesh, ax=axes, label=target)
        chosen = _some(len(across))
        axes.scatter(across[chosen], up[chosen], s=6, c="white", edgecolors="black", linewidths=0.3)
    save_figure(figure, picture)


def _axes(across: str, up: str, title: str) -> tuple[Any, Any]:
    figure = new_figure(6.0, 5.2, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_title(title, fontsize=11)
    return figure, axes


def _ticks(values: Any) -> Any:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    more = MARGIN * (high - low or 1.0)
    return np.linspace(low - more, high + more, SIDE)


def _regions(axes: Any, x: Any, y: Any, field: Any, count: int) -> None:
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    if count == 2:
        shades = LinearSegmentedColormap.from_list("two", [_COLOURS[0], "#e8eaeb", _COLOURS[1]])
        axes.pcolormesh(x, y, field, cmap=shades, vmin=0, vmax=1, shading="nearest")
        if float(field.min()) < 0.5 < float(field.max()):
            axes.contour(x, y, field, levels=[0.5], colors="black", linewidths=1)
        return
    colours = ListedColormap([_COLOURS[index % len(_COLOURS)] for index in range(count)])
    axes.pcolormesh(x, y, field, cmap=colours, vmin=-0.5, vmax=count - 0.5, shading="nearest", alpha=0.45)


def _rows(axes: Any, across: Any, up: Any, labels: NDArray[np.int32], codes: dict[str, int]) -> None:
    chosen = _some(len(across))
    for label, index in codes.items():
        rows = chosen[labels[chosen] == index]
        colour = _COLOURS[index % len(_COLOURS)]
        axes.scatter(across[rows], up[rows], s=12, c=colour, edgecolors="white", linewidths=0.4, label=label)
    axes.legend(fontsize=8, loc="upper right")


def _some(count: int) -> Any:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_ROWS)).astype(int))
