"""`compare`: runs side by side: what their configs differ in, their metrics, their curves in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltrain.config import load_config
from dltrain.config.canonical import with_defaults, without_defaults
from dltrain.config.catalog.loss_meaning import differing, is_loss, loss_meaning
from dltrain.config.catalog.metrics import find_direction
from dltrain.config.types import Config, SplitConfig
from dltrain.errors import ConfigError, RunError, UsageError
from dltrain.evaluation.drawing.history import read_history
from dltrain.parts import PARTS
from dltrain.storage.outputs import check_picture
from dltrain.storage.run import Run
from dltrain.storage.run_list import best_of_sweep, status_of
from dltrain.sweep.pictures import Curve, choose_column, draw_curves

# Keys that say nothing of what was tried.
_UNTOLD = ("name", "sweep", "evaluation", "training.save_interval", "training.allow_large")


@dataclass(slots=True)
class CompareResult:
    """Runs side by side.

    Attributes:
        runs: the directories, as they were named.
        labels: a name for each, short and different.
        statuses: of the runs.
        differences: key -> its value in each run; None where a run does not have the key.
        metrics: part -> metric -> its value in each run; None where a run does not have it.
        best: part -> metric -> index of the best run, or None.
        warnings: sentences, such as that the runs are not of the same data.
        picture: the file that was drawn, or None.
    """

    runs: list[Path]
    labels: list[str]
    statuses: list[str]
    differences: dict[str, list[Any]]
    metrics: dict[str, dict[str, list[float | None]]]
    best: dict[str, dict[str, int | None]]
    warnings: list[str] = field(default_factory=list)
    picture: Path | None = None


def compare(runs: Sequence[Path], *, picture: Path | None = None, metric: str = "loss", force: bool = False) -> CompareResult:
    """Put runs side by side. Imports neither TensorFlow nor Keras.

    Args:
        runs: two run directories or more; a sweep stands for its best trial.
        picture: where the validation curves of all runs are drawn as PNG, or None.
        metric: whose curves.
        force: replace a picture that is there.

    Raises:
        UsageError: fewer than two runs, the same run twice, or no place for the picture.
        RunError: a run is damaged, or the picture is there and was not to be replaced.
    """
    paths = [best_of_sweep(Path(path)) for path in runs]
    if len(paths) < 2:
        raise UsageError("two runs or more are needed to compare", hint="dltrain compare RUN RUN...")
    real = [path.resolve() for path in paths]
    twice = next((path for index, path in enumerate(paths) if real[index] in real[:index]), None)
    if twice is not None:
        raise UsageError(f"the run {twice} is named twice")
    if picture is not None:
        picture = check_picture(picture, force=force)
    opened = [Run(path) for path in paths]
    for run in opened:
        run.refuse_foreign_files()
    manifests = [run.read_manifest() for run in opened]
    labels = _labels([Path(path) for path in runs])
    configs = [_config(run) for run in opened]
    flats = [flat(without_defaults(config.resolved)) for config in configs]
    whole = [flat(with_defaults(config.resolved)) for config in configs]  # what Keras takes where a config is silent
    keys = list(dict.fromkeys(key for one in flats for key in one))
    every = {key: [one.get(key, full.get(key)) for one, full in zip(flats, whole)] for key in keys if not key.startswith(_UNTOLD)}
    differences = {key: values for key, values in every.items() if any(value != values[0] for value in values)}
    metrics = _metrics([run.read_metrics().get("metrics", {}) for run in opened])
    other_rows = _other_rows(manifests, labels, differences)
    result = CompareResult(
        runs=paths,
        labels=labels,
        statuses=[status_of(manifest, is_locked=run.is_locked()) for run, manifest in zip(opened, manifests, strict=True)],
        differences=differences,
        metrics=metrics,
        best={
            part: {name: None if other_rows else _best(name, values, configs) for name, values in names.items()}
            for part, names in metrics.items()
        },
        warnings=[other_rows] if other_rows else _warnings(manifests, differences, configs),
    )
    if picture is not None:
        _draw(result, picture, metric)
    return result


def _labels(runs: Sequence[Path]) -> list[str]:
    """The last words of each path, as many as it takes to tell them apart."""
    parts = [path.resolve().parts for path in runs]
    count = 1
    while len({path[-count:] for path in parts}) < len(parts) and count < max(map(len, parts)):
        count += 1
    return ["/".join(path[-count:]) for path in parts]


def _config(run: Run) -> Config:
    try:
        return load_config(run.config_file)
    except ConfigError as error:
        raise RunError(f"the config of {run.path} cannot be used: {error.faults[0].message}") from error


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Leaves by key path, as overrides name them: a component is its name, its arguments stand below it."""
    if isinstance(value, Mapping) and len(value) == 1 and path:
        [(name, arguments)] = value.items()
        if str(name)[:1].isupper() and isinstance(arguments, Mapping):
            return {path: name, **flat(arguments, path)} if arguments else {path: name}
    if isinstance(value, Mapping) and value:
        items = [(f"{path}.{name}" if path else str(name), item) for name, item in value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        items = [(f"{path}.{index}", item) for index, item in enumerate(value)]
    else:
        return {path: list(value) if isinstance(value, tuple) else value}
    return {key: leaf for inner, item in items for key, leaf in flat(item, inner).items()}


def _metrics(every: Sequence[Any]) -> dict[str, dict[str, list[float | None]]]:
    found: dict[str, dict[str, list[float | None]]] = {}
    plain = [metrics if isinstance(metrics, dict) else {} for metrics in every]
    for part in PARTS:
        names = dict.fromkeys(name for metrics in plain for name in _of_part(metrics, part))
        for name in names:
            found.setdefault(part, {})[name] = [_of_part(metrics, part).get(name) for metrics in plain]
    return found


def _of_part(metrics: dict[str, Any], part: str) -> dict[str, float]:
    values = metrics.get(part)
    items = values.items() if isinstance(values, dict) else ()
    return {name: value for name, value in items if isinstance(value, int | float)}


def _best(name: str, values: Sequence[float | None], configs: Sequence[Config]) -> int | None:
    """Which run has the best value; None where that cannot be told, as where the runs mean different things by the name."""
    there = [(value, index) for index, value in enumerate(values) if value is not None]
    if len(there) < 2:
        return None
    directions = {find_direction(name, config.training.metrics if config.training else ()) for config in configs}
    if len(directions) != 1 or None in directions:
        return None
    if is_loss(name) and differing([loss_meaning(config.resolved) for config in configs]):
        return None
    return (max if directions == {"max"} else min)(there, key=lambda item: item[0])[1]


def _other_rows(manifests: Sequence[dict[str, Any]], labels: Sequence[str], differences: dict[str, Any]) -> str | None:
    """Why the metrics are not of the same rows, so that none of them is the best."""
    prints = [(manifest.get("data") or {}).get("fingerprint") for manifest in manifests]
    others = [label for label, fingerprint in zip(labels, prints) if fingerprint != prints[0]]
    if others:
        return f"{', '.join(others)}: other data than {labels[0]}; the metrics are not of the same rows"
    if any(key.startswith("data.split.") for key in differences):
        return "the data is split in different ways; the metrics are not of the same rows"
    return None


def is_drawn_by_seed(split: SplitConfig) -> bool:
    """Whether another seed of the config puts other rows into the parts that are compared."""
    drawn = split.validation or split.test or split.folds
    return bool(drawn) and split.seed is None and split.time is None and split.shuffle is not False


def _warnings(manifests: Sequence[dict[str, Any]], differences: dict[str, Any], configs: Sequence[Config]) -> list[str]:
    seeds_differ = len({manifest.get("seed") for manifest in manifests}) > 1 and "seed" in differences
    if seeds_differ and any(is_drawn_by_seed(config.data.split) for config in configs):
        return ["the seeds differ, and with them which rows are in which part (data.split.seed holds these)"]
    return []


def _draw(result: CompareResult, picture: Path, metric: str) -> None:
    histories = [_history(Run(path)) for path in result.runs]
    column = choose_column(histories, metric)
    curves = [
        Curve(label, history["epoch"], history[column])
        for label, history in zip(result.labels, histories)
        if history.get("epoch") and column in history
    ]
    if not curves:
        raise UsageError("none of these runs has finished an epoch: there is nothing to draw")
    draw_curves(picture, curves, column, title=f"{column.replace('_', ' ')} of {len(curves)} runs")
    result.picture = picture


def _history(run: Run) -> dict[str, list[float]]:
    if not run.history_file.is_file():
        return {}
    run.check_file(run.history_file)
    return read_history(run.history_file)
