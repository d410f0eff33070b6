"""Fits on an existing Ray cluster, for those who outgrow one machine. Needs `pip install dltrain[ray]` here and on the nodes."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import math
import os
import shutil
import signal
import socket
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dltrain
from dltrain.config.types import Config
from dltrain.data.request import DataRequest, SharedReader
from dltrain.errors import DltrainError, UsageError, reason_of
from dltrain.reporting import Reporter
from dltrain.settings import trusting_code
from dltrain.storage.atomic import cannot_write
from dltrain.storage.held import held, place_of
from dltrain.storage.new_run import refuse_links_to_trial
from dltrain.storage.removal import remove_run_files
from dltrain.sweep.engines.engine import EngineContext, FitSource
from dltrain.sweep.engines.processes import MOST_DATASETS
from dltrain.sweep.trials import TrialFit
from dltrain.wording import counted

# A fit whose node or process is lost is begun again, or goes on where a shared disk kept its state, so many times.
RETRIES = 3
_MOST_CALLS = 40
_POLL_SECONDS = 0.5
_ANSWER_SECONDS = 5.0


class RayEngine:
    """Runs each fit in a process of the cluster.

    Data is read here and shared through Ray's object store. Where a node sees the sweep's directory (a shared disk) it writes its
    runs there; else it sends them back when they have ended. Epochs are not reported, and trials not pruned.

    Args:
        address: of the cluster, as `ray.init` takes it; None: the one that Ray finds.
        gpus_per_trial: how many cards each fit takes, also a share of one; None: one where the cluster has cards.
    """

    name = "ray"

    def __init__(self, address: str | None = None, gpus_per_trial: float | None = None) -> None:
        self._address, self._cards = address, gpus_per_trial

    def why_not(self, fits: Sequence[TrialFit]) -> str | None:
        """None: Ray runs every fit, if it is installed.

        Raises:
            UsageError: Ray is not installed.
        """
        if find_spec("ray") is None:
            raise UsageError("the engine ray needs Ray, which is not installed", hint="pip install 'dltrain[ray]'")
        return None

    def run(self, source: FitSource, context: EngineContext) -> Iterator[TrialFit]:
        """As in `Engine`."""
        self.why_not(())
        with off_stdout():
            yield from self._run(source, context)

    def _run(self, source: FitSource, context: EngineContext) -> Iterator[TrialFit]:
        ray, is_ours = connect(self._address)
        threads = context.threads or 1
        there = ray.cluster_resources()
        cards = min(1.0, there.get("GPU", 0.0)) if self._cards is None else self._cards
        _require_cards(ray, cards)
        most = min(there.get("CPU", 1.0) // threads, there["GPU"] / cards if cards else math.inf)
        jobs = context.jobs or max(1, int(most))
        each = f"{counted(threads, 'thread')}{f' and {cards:g} of a card' if cards else ''} each"
        context.reporter.detail(f"Ray: {len(ray.nodes())} nodes, {jobs} fits at a time, {each}")
        # Ray gives its processes further fits; for what fits leave in memory it begins new ones after so many calls.
        task = ray.remote(num_cpus=threads, num_gpus=cards, max_retries=0, max_calls=_MOST_CALLS)(fit_on_node)
        state = _State(ray, task, source, context, jobs, threads)
        try:
            yield from _run(state)
        finally:
            for reference in state.running:
                with contextlib.suppress(ray.exceptions.RayError):  # it may be gone already
                    ray.cancel(reference, force=True)
            if is_ours:
                ray.shutdown()


@contextlib.contextmanager
def off_stdout() -> Iterator[None]:
    """What Ray prints of processes that died goes to stderr: stdout holds the result alone, which may be JSON."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def connect(address: str | None) -> tuple[Any, bool]:
    """Ray, and whether the connection was made now; a program that is connected already keeps its own."""
    import ray

    if ray.is_initialized():
        return ray, False
    _require_answer(address)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(address=address or "auto", log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"at {address}" if address else "here"
        hint = "ray start --head begins one; --address names one on another machine"
        raise UsageError(f"no Ray cluster answers {where}: {str(error).splitlines()[0]}", hint=hint) from error
    with contextlib.suppress(ValueError):  # not in the main thread
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return ray, True


def _require_cards(ray: Any, cards: float) -> None:
    """Ray itself waits without end for what no node has (raises UsageError)."""
    most = max((node["Resources"].get("GPU", 0.0) for node in ray.nodes() if node["Alive"]), default=0.0)
    if cards > most:
        has = f"has more than {most:g}" if most else "has any"
        hint = "--gpus-per-trial 0.25 has four fits share a card, 0 computes on processors"
        raise UsageError(f"a fit is to take {cards:g} of a card, and no node of the Ray cluster {has}", hint=hint)


def _require_answer(address: str | None) -> None:
    """Ray itself waits for minutes for an address at which nobody is.

    Raises:
        UsageError: nobody answers there.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), _ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        hint = "ray start --head begins one, and says its address"
        raise UsageError(f"no Ray cluster answers at {address}: {error}", hint=hint) from error


@dataclass(slots=True)
class _State:
    ray: Any
    task: Any
    source: FitSource
    context: EngineContext
    jobs: int
    threads: int
    running: dict[Any, TrialFit] = field(default_factory=dict)
    again: list[TrialFit] = field(default_factory=list)
    losses: dict[Path, int] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    reader: SharedReader = field(default_factory=SharedReader)
    any_ended: bool = False


def _run(state: _State) -> Iterator[TrialFit]:
    while True:
        if state.context.signals.received is not None:
            for fit in state.running.values():
                fit.status = "interrupted"
                yield fit
            return
        _hand_out(state)
        if not state.running:
            return
        done, _ = state.ray.wait(list(state.running), num_returns=1, timeout=_POLL_SECONDS)
        for reference in done:
            fit = state.running.pop(reference)
            if _settle(state, fit, reference):
                state.any_ended = True
                yield fit


def _hand_out(state: _State) -> None:
    free = state.jobs - len(state.running)
    again, state.again = state.again[:free], state.again[free:]
    fits = [*again, *(state.source.take(free - len(again)) if free > len(again) else [])]
    for fit in fits:
        fit.status = "running"
        state.context.observer.fit_started(fit)
        arguments = (fit.config, str(fit.path), _token(fit.path), tuple(state.context.argv), state.threads)
        state.running[state.task.remote(dltrain.__version__, *arguments, _data(state, fit))] = fit


def _data(state: _State, fit: TrialFit) -> Any:
    """The fit's data in Ray's store; None: the node reads it from its own disk."""
    request = DataRequest.of(fit.config)
    if request.key not in state.shared:
        if len(state.shared) >= MOST_DATASETS or not request.is_shared:
            return None
        try:
            dataset = state.reader.load(request)
        except DltrainError:
            if not state.any_ended and len(state.running) == 0:
                raise
            return None
        state.shared[request.key] = state.ray.put(dataset)
    return state.shared[request.key]


def _settle(state: _State, fit: TrialFit, reference: Any) -> bool:
    """Take what came back; False where the node is lost and the fit is tried again."""
    errors = state.ray.exceptions
    try:
        fit.status, fit.error, packed = state.ray.get(reference)
    except errors.RayError as error:
        lost = isinstance(error, errors.WorkerCrashedError | errors.NodeDiedError | errors.LocalRayletDiedError)
        count = state.losses[fit.path] = state.losses.get(fit.path, 0) + 1
        reason = reason_of(error)
        if lost and count <= RETRIES:
            state.context.reporter.warning(f"trial {fit.label}: its node is lost, it is tried again ({reason})")
            state.again.append(fit)
            return False
        fit.status, fit.error = "failed", reason
        return True
    if packed is not None:
        _unpack(packed, fit.path)
    return True


def _token(path: Path) -> str:
    """What the sweep's manifest holds: a node that finds the same at that place sees the same disk."""
    manifest = next((parent / "manifest.json" for parent in path.parents if (parent / "manifest.json").is_file()), None)
    return f"{manifest}\n{hashlib.sha256(manifest.read_bytes()).hexdigest()}" if manifest else ""


def fit_on_node(
    version: str, config: Config, path: str, token: str, argv: tuple[str, ...], threads: int, dataset: Any
) -> tuple[str, str | None, bytes | None]:
    """Run one fit in a process of the cluster.

    Args:
        version: of the sweep's dltrain; the node's must be the same.
        config, path, argv, threads, dataset: of the fit.
        token: from `_token`.

    Returns:
        Status and error as in `TrialFit`, and the packed run where the node does not see the sweep's directory.
    """
    if version != dltrain.__version__:
        return "failed", f"the node has dltrain {dltrain.__version__}, the sweep {version}", None
    from dltrain.model.keras_import import import_keras
    from dltrain.sweep.engines.run_fit import run_fit

    import_keras(threads)
    is_shared = bool(token) and _sees(token)
    target = Path(path) if is_shared else Path(tempfile.mkdtemp(prefix="dltrain-")) / Path(path).name
    try:
        with trusting_code(config.code is not None):  # the sweep that sent it has the word
            status, error = run_fit(config, target, argv=argv, threads=threads, reporter=Reporter(), dataset=dataset)
        import_keras().utils.clear_session()
        return status, error, None if is_shared else _pack(target)
    finally:
        if not is_shared:
            shutil.rmtree(target.parent, ignore_errors=True)


def _sees(token: str) -> bool:
    manifest, digest = token.split("\n")
    try:
        return hashlib.sha256(Path(manifest).read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _pack(folder: Path) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        if folder.is_dir():
            for file in sorted(folder.rglob("*")):
                if file.is_file() and file.name != ".lock":
                    archive.add(file, file.relative_to(folder))
    return stream.getvalue()


def _unpack(packed: bytes, path: Path) -> None:
    """Put a packed run in its place; of an earlier try in the folder goes what dltrain made, and nothing else.

    Raises:
        RunError: it cannot be written, or a link leads to it or out of it.
    """
    refuse_links_to_trial(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                archive.extractall(temporary, filter="data")
            for folder in ("checkpoints", "state"):
                (temporary / folder).mkdir(exist_ok=True)
            if path.is_dir():
                remove_run_files(path)
                _move_into(path, temporary)
            else:
                os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def _move_into(path: Path, temporary: Path) -> None:
    """Each file to its place below a folder, through no link in it; the manifest, which makes a run of them, last."""
    found = sorted(temporary.rglob("*"), key=lambda file: (file == temporary / "manifest.json", len(file.parts)))
    with held(path):
        for file in found:
            with place_of(file) as old, place_of(path / file.relative_to(temporary)) as new:
                if file.is_dir():
                    new.make_folder()
                else:
                    old.rename(new)
