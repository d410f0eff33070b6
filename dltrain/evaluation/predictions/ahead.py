"""`predict --steps`: forecasts of what comes after the last row of each series, as far as is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import SeriesConfig
from dltrain.data.dataset import Part
from dltrain.data.new_rows import read_ahead
from dltrain.data.series.ahead import Ahead, refuse_unknown_future
from dltrain.data.series.groups import label_of
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.errors import UsageError
from dltrain.evaluation.asked_rows import read_beside_keras
from dltrain.evaluation.average_of_sweep import load_trusted
from dltrain.evaluation.load_run import StoredRun, asked_model, find_checkpoint, run_outputs
from dltrain.evaluation.member_metrics import member_answers, member_outputs
from dltrain.evaluation.metrics.report import answers_of
from dltrain.evaluation.moved_data import find_moved
from dltrain.evaluation.predictions.of_outputs import Predictions, add_spread, predictions_of
from dltrain.model.own_code.blame import blames_own_code
from dltrain.reporting import Reporter

STEPS_OF_ALL = 10_000_000  # of all series together: the most rows that are written


@blames_own_code
def predict_ahead(
    run: Path,
    steps: int,
    *,
    since: str | None = None,
    data: Sequence[str] = (),
    weights: str | None = None,
    trials: int | None = None,
    **shared: Any,
) -> Predictions:
    """Forecast the rows that come after the last one of each series.

    The model says `data.series.horizon` rows at once; with an offset, windows that end earlier say the rows before. For those
    beyond, its forecasts stand in for the rows that are not known yet (the recursive strategy; Ben Taieb et al., Expert Systems
    with Applications 39, 2012).

    Args:
        run: the run directory.
        steps: how many rows, of each series.
        since: begin at this time instead, as if the data ended before it.
        data: files with the last rows; empty: the run's own.
        weights: "best", "last", or None: the run's model.
        trials: of a sweep: the average of so many of its best trials; None: the best one.
        shared: `threads`, `reporter`.

    Returns:
        A row for each series and step: what names the series, `time` (or `row`), `step`, `prediction`.

    Raises:
        DataError: the data is missing, does not fit or has too few rows.
        UsageError: the run is not on a series, or more is asked for than can be known.
    """
    reporter = shared.get("reporter") or Reporter()
    stored = load_trusted(run, trials)
    if not isinstance(stored.preprocessing, SeriesPreprocessing):
        raise UsageError("--steps needs a run on a series", hint="leave it out, or train with `data.series`")
    if stored.preprocessing.classifies:
        raise UsageError(
            "--steps foretells numbers, and the run tells labels of windows", hint="leave it out: each window gets its label"
        )
    refuse_unknown_future(stored.preprocessing, steps)
    _, checkpoint = find_checkpoint(stored, weights, reporter)
    paths, notes = (list(data), []) if data else _own_files(stored)
    threads = shared.get("threads") or stored.threads
    ahead: Ahead = read_beside_keras(threads, reporter, read_ahead, stored.preprocessing, paths, since, steps)
    if steps * len(ahead.names) > STEPS_OF_ALL:
        most = f"at most {STEPS_OF_ALL // len(ahead.names):,} for {len(ahead.names):,} series"
        raise UsageError(f"--steps {steps:,} is more than can be written", hint=most)
    series = stored.preprocessing.series
    blocks = []
    with asked_model(stored, checkpoint) as model:
        for first in range(0, steps, series.reach):
            blocks.append(_block(stored, model, ahead))
            if first + series.reach < steps:
                ahead.go_on({column: values for (kind, column), values in blocks[-1].items() if kind == "prediction"})
    result = _joined(ahead, blocks, steps)
    result.notes += [*notes, *_beyond(series, steps)]
    return result


def _beyond(series: SeriesConfig, steps: int) -> list[str]:
    """What is said of steps that the model itself does not foretell."""
    if steps <= series.reach:
        return []
    horizon = "horizon" if series.first_ahead == 1 else "offset"
    which = f"step {steps:,} is" if steps == series.reach + 1 else f"steps {series.reach + 1:,} to {steps:,} are"
    return [
        f"{which} beyond the {horizon} of {series.reach:,}: forecasts stand in there for "
        "the rows that are not known yet, and what they are off adds up"
        + (f"; quantiles end with the {horizon}" if series.quantiles else "")
    ]


def _own_files(stored: StoredRun) -> tuple[list[str], list[str]]:
    """The files that the run was trained on and measured with."""
    config, notes = find_moved(stored.config.data, stored.run.path)
    return [*config.path, *config.validation, *config.test], notes


def _block(stored: StoredRun, model: Any, ahead: Ahead) -> dict[tuple[str, str], NDArray[np.float64]]:
    """What the model says of the next rows: (`prediction`, column) -> [series, rows] in the column's own units.

    So `spread`, of an ensemble, and each of the quantiles, as predictions call them.
    """
    windows = ahead.windows()
    shape, windows = windows.shape[:2], windows.reshape(-1, *windows.shape[2:])
    if stored.is_average:
        outputs, *members = member_outputs(model, [windows], stored.heads)
    else:
        outputs, members = run_outputs(model, [windows]), []
    answers = answers_of(stored.heads, outputs)
    said = predictions_of(stored.heads, answers, Part({}, {}, None, np.arange(len(windows))), None)
    if members:
        add_spread(said, stored.heads, answers, member_answers(stored.heads, members))
    targets = [target for head in stored.heads for target in head.targets]
    several = sum(target.is_middle for target in targets) > 1
    found: dict[tuple[str, str], list[Any]] = {}
    for target in targets:
        kinds = ["prediction", *(["spread"] if members else [])] if target.is_middle else [f"quantile_{target.quantile:g}"]
        for kind in kinds:
            own = said.columns[f"{kind}_{target.plain_name}"] if several else said.columns.get(kind, said.prediction)
            found.setdefault((kind, target.column), []).append(own)
    return {name: _in_time(np.stack(values, axis=1).astype(np.float64).reshape(*shape, -1)) for name, values in found.items()}


def _in_time(said: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first row that each window but the last foretells, then all that the last one does: [windows, series, horizon]."""
    return np.concatenate([*(window[:, :1] for window in said[:-1]), said[-1]], axis=1)


def _joined(ahead: Ahead, blocks: Sequence[dict[tuple[str, str], NDArray[np.float64]]], steps: int) -> Predictions:
    """Blocks of rows as one table, series by series."""
    series = ahead.preprocessing.series
    identifiers: dict[str, Any] = {
        "id_step" if name == "step" else label_of(name): [names[place] for names in ahead.names for _ in range(steps)]
        for place, name in enumerate(series.id)
    }
    if series.time:
        identifiers["time"] = ahead.times(1, steps)
    elif not series.id:
        identifiers["row"] = ahead.times(1, steps)
    result = Predictions({**identifiers, "step": [*range(1, steps + 1)] * len(ahead.names)}, [])
    several = len({column for _, column in blocks[0]}) > 1
    for kind, column in blocks[0]:
        found = [block[kind, column] for block in blocks]
        if kind.startswith("quantile_"):  # with forecasts taken for what will be, those beyond the horizon would be too narrow
            found[1:] = [np.full_like(values, np.nan) for values in found[1:]]
        values = np.concatenate(found, axis=1)[:, :steps].ravel().tolist()
        if several:
            result.columns[f"{kind}_{column}"] = values
        elif kind == "prediction":
            result.prediction = values
        else:
            result.columns[kind] = values
    return result
