"""Runs of MLflow: parameters, metrics by epoch and at the end, files, the exported model; trials below their sweep."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import logging
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dltrain.cli.trackers.mlflow_model import log_exported
from dltrain.cli.trackers.told import Logged, Told, sendable
from dltrain.errors import DataError, UsageError, reason_of
from dltrain.wording import listed, without_credentials

LONGEST_VALUE, LONGEST_KEY, _LONGEST_NAME = 6000, 250, 500  # of MLflow
_MOST_PARAMETERS, _MOST_METRICS = 100, 1000  # of one request to it
_NOT_A_NAME = re.compile(r"[^\w\-. /]")
# By which a run is found again, and which end of it is there as a whole.
_TAG, _WHOLE, _PARENT = "dltrain.run", "dltrain.whole", "mlflow.parentRunId"
_STATUSES = {"finished": "FINISHED", "interrupted": "KILLED", "running": "KILLED", "pruned": "FINISHED"}


@dataclass(slots=True)
class _Known:
    """A run of MLflow: its id, how many epochs it has, whether its parameters are there, and which end of it is."""

    identity: str
    num_epochs: int = 0
    has_values: bool = False
    whole: str = ""


class MlflowTracker:
    """Sends runs to one tracking server.

    Args:
        uri: of it, or of a database; None: MLFLOW_TRACKING_URI, else MLflow's own.
        experiment: its name; None: the config's name.

    Raises:
        UsageError: MLflow is not installed.
    """

    def __init__(self, uri: str | None = None, experiment: str | None = None) -> None:
        if importlib.util.find_spec("mlflow") is None:
            raise UsageError("MLflow is not installed", hint="pip install 'dltrain[mlflow]'")
        # By itself MLflow asks a server that is down for minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._uri, self._experiment = uri, experiment
        self._where = without_credentials(uri or os.environ.get("MLFLOW_TRACKING_URI", "") or "MLflow's own folder")
        self._experiments: dict[str, str] = {}
        self._known: dict[str, _Known] = {}
        self._client: Any = None

    def send(self, told: Told) -> Logged:
        """See `Tracker`."""
        with self._asking():
            experiment = self._experiment_of(told)
            known = self._known.get(told.mark) or self._find(told, experiment)
            is_new = known is None
            known = known or self._create(told, experiment)
            self._known[told.mark] = known
            if known.whole == told.end:
                return Logged(told.path, known.identity, is_new=False)
            self._send_values(known, told)
            self._send_epochs(known, told)
            notes = [*_cut_values(told.values), *self._finish(known, told)] if told.is_over else []
            return Logged(told.path, known.identity, is_new=is_new or told.is_over, notes=notes)

    def broken_off(self, told: Told) -> None:
        """See `Tracker`."""
        with self._asking():
            known = self._known.get(told.mark)
            if known is not None and not known.whole:
                self._client.set_terminated(known.identity, "KILLED")

    def close(self) -> None:
        """See `Tracker`."""

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        import mlflow.exceptions
        from mlflow.tracking import MlflowClient

        try:
            with _kept_quiet():
                if self._client is None:
                    self._client = MlflowClient(tracking_uri=self._uri)
                yield
        except (mlflow.exceptions.MlflowException, OSError) as error:
            reason = without_credentials(_reason(error))
            hint = "the run is as it was; what was not sent is sent by `dltrain log RUN --to mlflow` later"
            raise DataError(f"MLflow at {self._where} does not take the run: {reason}", hint=hint) from error

    def _experiment_of(self, told: Told) -> str:
        name = self._experiment or told.name[:_LONGEST_NAME] or "dltrain"
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            self._experiments[name] = found.experiment_id if found is not None else self._client.create_experiment(name)
        return self._experiments[name]

    def _find(self, told: Told, experiment: str) -> _Known | None:
        """The run as an earlier process has sent it, whole or in part."""
        found = self._client.search_runs([experiment], f"tags.`{_TAG}` = '{_tag(told.mark)}'")
        if not found:
            return None
        known = _Known(str(found[0].info.run_id), whole=str(found[0].data.tags.get(_WHOLE, "")))
        there = found[0].data.params
        new = {name: value for name, value in _parameters(told.values).items() if name not in there}
        known.has_values = bool(there) and not new
        if not told.is_over:  # it is gone on with
            self._client.update_run(known.identity, status="RUNNING")
        return known

    def _create(self, told: Told, experiment: str) -> _Known:
        tags = {_TAG: _tag(told.mark), "dltrain.path": sendable(str(told.path.resolve()))}
        tags |= {"mlflow.source.git.commit": told.commit} if told.commit else {}
        if told.parent is not None and told.parent in self._known:
            tags[_PARENT] = self._known[told.parent].identity
        made = self._client.create_run(experiment, start_time=told.started, tags=tags, run_name=told.label)
        return _Known(str(made.info.run_id))

    def _send_values(self, known: _Known, told: Told) -> None:
        from mlflow.entities import Param

        if known.has_values or not told.values:
            return
        there = self._client.get_run(known.identity).data.params  # which MLflow does not change
        new = [Param(name, value) for name, value in _parameters(told.values).items() if name not in there]
        for some in _cut(new, _MOST_PARAMETERS):
            self._client.log_batch(known.identity, params=some)
        known.has_values = True

    def _send_epochs(self, known: _Known, told: Told) -> None:
        """Those that are new. What was sent before, by whomever, has the same time and step, and is kept once."""
        from mlflow.entities import Metric

        keys = _keys(_metrics_of(told))
        points = [
            Metric(keys[name], value, epoch.ended, epoch.number)
            for epoch in told.epochs[known.num_epochs :]
            for name, value in epoch.values.items()
        ]
        for some in _cut(points, _MOST_METRICS):
            self._client.log_batch(known.identity, metrics=some)
        known.num_epochs = len(told.epochs)

    def _finish(self, known: _Known, told: Told) -> list[str]:
        """What is known at the end; the tag comes last: what was broken off is sent anew."""
        from mlflow.entities import Metric

        identity, notes, keys = known.identity, [], _keys(_metrics_of(told))
        points = [Metric(keys[name], value, told.ended, told.step) for name, value in told.final.items()]
        for some in _cut(points, _MOST_METRICS):
            self._client.log_batch(identity, metrics=some)
        for file in told.files:
            self._client.log_artifact(identity, str(file))
        self._client.log_text(identity, told.page(), "report.html")
        if told.has_model:
            notes = log_exported(told.path, identity, self._uri)
        self._client.set_tag(identity, "dltrain.status", told.status)
        self._client.set_terminated(identity, _STATUSES.get(told.status, "FAILED"), end_time=told.ended)
        self._client.set_tag(identity, _WHOLE, told.end)
        known.whole = told.end
        return notes


def _reason(error: BaseException) -> str:
    """What went wrong at the bottom of it: MLflow tells each layer of the request around it as well."""
    found: BaseException | None = error
    seen = set[int]()
    while found is not None and id(found) not in seen:  # one may be the reason of its own reason
        error = found
        seen.add(id(error))
        inside = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        found = next((one for one in inside if isinstance(one, BaseException)), None)
    return reason_of(error).rpartition("): ")[2]


@contextlib.contextmanager
def _kept_quiet() -> Iterator[None]:
    """MLflow tells of links on stdout, which is for results alone, and of examples in colours."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _cut(items: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for first in range(0, len(items), most):
        yield items[first : first + most]


def _tag(mark: str) -> str:
    """What a run is found by: its mark, or, as a search of MLflow has no way to quote all there is, a digest of that."""
    return _digest(mark) if "'" in mark or "\\" in mark else mark


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _metrics_of(told: Told) -> list[str]:
    """Names of metrics; those of epochs come first, so that theirs are the same before and after the end."""
    return list(dict.fromkeys([name for epoch in told.epochs for name in epoch.values] + list(told.final)))


def _key(name: str) -> str:
    """A name that MLflow takes: of its signs, not too long, and no path that leads elsewhere."""
    parts = _NOT_A_NAME.sub("_", name)[:LONGEST_KEY].split("/")
    return "/".join("_" if part in ("", ".") or part.startswith("..") else part for part in parts)


def _keys(names: Iterable[str]) -> dict[str, str]:
    """A name that MLflow takes for each: two names stay two."""
    keys: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        key = _key(name)
        if key in taken:
            key = f"{key[: LONGEST_KEY - 9]}_{_digest(name)[:8]}"
        taken.add(key)
        keys[name] = key
    return keys


def _parameters(values: Mapping[str, str]) -> dict[str, str]:
    keys = _keys(values)
    return {keys[name]: value[:LONGEST_VALUE] for name, value in values.items()}


def _cut_values(values: Mapping[str, str]) -> list[str]:
    """A sentence where values are longer than MLflow takes them."""
    names = [name for name, value in values.items() if len(value) > LONGEST_VALUE]
    if not names:
        return []
    are = "is" if len(names) == 1 else "are"
    return [f"MLflow takes {LONGEST_VALUE:,} characters of a value: {listed(names, 4)} {are} cut; config.yaml beside it has all"]
