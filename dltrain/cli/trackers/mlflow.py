"""A finished run, or a sweep with its trials, as runs of MLflow: parameters, metrics by epoch, final metrics, files."""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dltrain.cli.reports.contents import run_page
from dltrain.cli.reports.html import render_html
from dltrain.cli.reports.several import sweep_page
from dltrain.config import load_config
from dltrain.config.canonical import with_defaults
from dltrain.errors import DataError, UsageError
from dltrain.evaluation.drawing.history import read_history
from dltrain.storage.layout import PICTURES
from dltrain.storage.run import Run
from dltrain.sweep.compare import flat
from dltrain.wording import without_credentials

_FILES = ("config.yaml", "manifest.json", "metrics.json", "history.csv", "log.txt", *PICTURES)
_SWEEP_FILES = (
    "config.yaml",
    "manifest.json",
    "metrics.json",
    "sweep.json",
    "trials.csv",
    "best.yaml",
    "curves.png",
    "parameters.png",
)
_LONGEST_VALUE, _LONGEST_KEY = 6000, 250  # of MLflow
_MOST_PARAMETERS, _MOST_METRICS = 100, 1000  # of one request to it
_NOT_A_NAME = re.compile(r"[^\w\-. /]")
_TAG, _WHOLE = "dltrain.run", "dltrain.whole"  # by which a run is found again, and known to be there as a whole
_STATUSES = {"finished": "FINISHED", "interrupted": "KILLED", "pruned": "FINISHED"}


@dataclass(slots=True)
class Logged:
    """A run as MLflow has it now.

    Attributes:
        run: the run directory.
        identity: MLflow's name for it.
        is_new: False: it was there already, and nothing was sent.
    """

    run: Path
    identity: str
    is_new: bool


def log_to_mlflow(path: Path, *, uri: str | None, experiment: str | None) -> list[Logged]:
    """Hand a run, or a sweep and then its trials, to MLflow; what is there already stays as it is.

    Args:
        path: of the run or the sweep.
        uri: of the tracking server, or of a database; None: MLFLOW_TRACKING_URI, else MLflow's own.
        experiment: its name; None: the config's name.

    Raises:
        UsageError: MLflow is not installed, or the run has not finished.
        DataError: the server does not answer, or refuses.
        RunError: the run is damaged.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise UsageError("--to mlflow needs MLflow, which is not installed", hint="pip install 'dltrain[mlflow]'")
    # By itself MLflow asks a server that is down for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    import mlflow.exceptions
    from mlflow.tracking import MlflowClient

    try:
        client = MlflowClient(tracking_uri=uri)
        return _Sender(client, experiment).send(path)
    except (mlflow.exceptions.MlflowException, OSError) as error:
        where = without_credentials(uri or os.environ.get("MLFLOW_TRACKING_URI", "MLflow's own folder"))
        reason = without_credentials((str(error).splitlines() or [type(error).__name__])[0][:300])
        hint = "the run is as it was; what was not sent is sent by the same command later"
        raise DataError(f"MLflow at {where} does not take the run: {reason}", hint=hint) from error


@dataclass(frozen=True, slots=True)
class _Told:
    """What is sent of a run: parameters, metrics as MLflow's entities, names of files, and its report as HTML."""

    values: Mapping[str, Any]
    metrics: Sequence[Any]
    files: Sequence[str]
    page: str


class _Sender:
    """Sends runs to one tracking server."""

    def __init__(self, client: Any, experiment: str | None) -> None:
        self._client, self._experiment = client, experiment

    def send(self, path: Path) -> list[Logged]:
        """A run, or a sweep and its trials."""
        run = Run(path)
        run.refuse_foreign_files()
        manifest = run.read_manifest()
        if manifest.get("status") in ("running", None):
            raise UsageError(f"{path} has not finished: it is {manifest.get('status', 'unknown')}", hint="log it when it has")
        name = self._experiment or str(manifest.get("name", path.name))
        found = self._client.get_experiment_by_name(name)
        experiment = found.experiment_id if found is not None else self._client.create_experiment(name)
        if manifest.get("kind") != "sweep":
            return [self._send_run(run, experiment, None)]
        whole = self._send_sweep(run, manifest, experiment)
        fits = sorted(file.parent for file in (path / "trials").glob("*/**/manifest.json") if "members" not in file.parts)
        return [whole, *(self._send_run(Run(fit), experiment, whole.identity) for fit in fits)]

    def _send_run(self, run: Run, experiment: str, parent: str | None) -> Logged:
        manifest = run.read_manifest()
        config = load_config(run.config_file)
        values = {key: value for key, value in flat(with_defaults(config.resolved)).items() if value is not None}
        metrics = [*_by_epoch(run, _started(manifest)), *_final(run.read_metrics(), _ended(manifest))]
        return self._send(run, experiment, parent, _Told(values, metrics, _FILES, render_html(run_page(run.path))))

    def _send_sweep(self, run: Run, manifest: Mapping[str, Any], experiment: str) -> Logged:
        plan = manifest.get("plan", {})
        values = {f"sweep.{key}": plan[key] for key in ("metric", "mode", "strategy") if plan.get(key) is not None}
        metrics = list(_final(run.read_metrics(), _ended(manifest)))
        return self._send(run, experiment, None, _Told(values, metrics, _SWEEP_FILES, render_html(sweep_page(run.path))))

    def _send(self, run: Run, experiment: str, parent: str | None, told: _Told) -> Logged:
        client, manifest, name = self._client, run.read_manifest(), run.path.resolve().name
        mark = f"{name} {manifest.get('started', '')}"
        whole = f"tags.`{_TAG}` = '{_quoted(mark)}' and tags.`{_WHOLE}` = 'yes'"
        known = client.search_runs([experiment], whole)
        if known:
            return Logged(run.path, str(known[0].info.run_id), is_new=False)
        tags = {_TAG: mark, "dltrain.status": str(manifest.get("status")), "dltrain.path": str(run.path.resolve())}
        tags |= {"mlflow.source.git.commit": str(manifest["git_commit"])} if manifest.get("git_commit") else {}
        tags |= {"mlflow.parentRunId": parent} if parent is not None else {}
        made = client.create_run(experiment, start_time=_started(manifest), tags=tags, run_name=name)
        identity = str(made.info.run_id)
        parameters = list(_parameters(told.values))
        for first in range(0, len(parameters), _MOST_PARAMETERS):
            client.log_batch(identity, params=parameters[first : first + _MOST_PARAMETERS])
        for first in range(0, len(told.metrics), _MOST_METRICS):
            client.log_batch(identity, metrics=told.metrics[first : first + _MOST_METRICS])
        for file in told.files:
            place = run.path / file
            if place.is_file() and not place.is_symlink():
                client.log_artifact(identity, str(place))
        client.log_text(identity, told.page, "report.html")
        client.set_terminated(identity, _STATUSES.get(str(manifest.get("status")), "FAILED"), end_time=_ended(manifest))
        client.set_tag(identity, _WHOLE, "yes")  # last: what was broken off is sent anew
        return Logged(run.path, identity, is_new=True)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _key(name: str) -> str:
    """A name that MLflow takes."""
    return _NOT_A_NAME.sub("_", name)[:_LONGEST_KEY] or "_"


def _parameters(values: Mapping[str, Any]) -> Iterator[Any]:
    from mlflow.entities import Param

    for name, value in {_key(name): value for name, value in values.items()}.items():
        yield Param(name, without_credentials(str(value))[:_LONGEST_VALUE])


def _by_epoch(run: Run, started: int) -> Iterator[Any]:
    """The columns of the history, an epoch a step; a number that is not finite is none to MLflow's databases."""
    from mlflow.entities import Metric

    if not run.history_file.is_file():
        return
    history = read_history(run.history_file)
    for place, epoch in enumerate(history.get("epoch", ())):
        if not math.isfinite(epoch):
            continue
        for name, column in history.items():
            if name not in ("epoch", "phase") and math.isfinite(column[place]):
                yield Metric(_key(name), float(column[place]), started + place, int(epoch))


def _final(document: Mapping[str, Any], ended: int) -> Iterator[Any]:
    """The metrics of each part, as `test_accuracy`."""
    from mlflow.entities import Metric

    epoch = document.get("epoch")
    step = epoch if isinstance(epoch, int) else 0
    for part, values in document.get("metrics", {}).items():
        for name, value in values.items():
            if isinstance(value, int | float) and math.isfinite(value):
                yield Metric(_key(f"{part}_{name}"), float(value), ended, step)


def _started(manifest: Mapping[str, Any]) -> int:
    return _milliseconds(manifest.get("started"))


def _ended(manifest: Mapping[str, Any]) -> int:
    return _milliseconds(manifest.get("ended") or manifest.get("started"))


def _milliseconds(text: Any) -> int:
    """Since 1970, of a time as a manifest has it; 0 where it is none."""
    try:
        return int(1000 * datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp())
    except (ValueError, OverflowError):
        return 0
