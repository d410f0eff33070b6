"""Fits that differ in numbers only, trained together as one compiled program over stacked weights."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from dltrain.errors import RunError
from dltrain.reporting import WarningList
from dltrain.storage.run import Run
from dltrain.sweep.engines.engine import EngineContext, FitSource
from dltrain.sweep.trials import TrialFit
from dltrain.training.session import Session
from dltrain.training.stacked.fit import MOST_TRIALS, Stacks
from dltrain.training.stacked.structure import first_difference, shares_frozen, structure_of, why_not_network, why_not_stacked
from dltrain.training.stacked.trial import StackedFit

# Fits are taken in such numbers, so that those of one structure meet, however the space orders them.
_TAKEN = 4 * MOST_TRIALS


class StackedEngine:
    """Trains fits of one structure together: one compilation, one pass over the data, one program for all their weights.

    Fits of different structures make different stacks, one after the other.
    """

    name = "stacked"

    def why_not(self, fits: Sequence[TrialFit]) -> str | None:
        """None where the fits can be stacked, and enough of them with each other; else the reason."""
        for fit in fits:
            reason = why_not_stacked(fit.config) or _begun_elsewhere(fit)
            if reason:
                return reason
        structures = {structure_of(fit.config): fit for fit in fits}
        if len(fits) < 2:
            return "there is only one fit"
        # One body for all, built once, is worth a stack for each.
        one_body = all(_same_body(fits[0], fit) for fit in fits)
        if 2 * len(structures) > len(fits) and not one_body:
            return f"they differ in more than numbers ({first_difference([fit.config for fit in fits])})"
        return next((reason for fit in structures.values() if (reason := why_not_network(fit.config))), None)

    def run(self, source: FitSource, context: EngineContext) -> Iterator[TrialFit]:
        """Run what the source gives, stack by stack."""
        threads = context.threads or os.cpu_count() or 1
        session = Session(context.argv, threads, WarningList(context.reporter), context.signals)
        stacks = Stacks(session)
        while context.signals.received is None and (taken := source.take(_TAKEN)):
            yield from _run_taken(stacks, taken, context)


def _run_taken(stacks: Stacks, taken: Sequence[TrialFit], context: EngineContext) -> Iterator[TrialFit]:
    """Fits of any structures, those of one together."""
    groups: dict[str, list[TrialFit]] = {}
    for fit in taken:
        reason = why_not_stacked(fit.config)
        if reason:
            fit.status, fit.error = "failed", f"the engine `stacked` cannot run it: {reason}"
            yield fit
        else:
            groups.setdefault(structure_of(fit.config), []).append(fit)
    for group in groups.values():
        yield from _run_group(stacks, group, context)


def _run_group(stacks: Stacks, group: Sequence[TrialFit], context: EngineContext) -> Iterator[TrialFit]:
    """Train fits of one structure together."""
    if context.signals.received is not None:
        for fit in group:
            fit.status = "interrupted"
        yield from group
        return
    members = [StackedFit(fit.config, fit.path) for fit in group]

    def on_start(index: int) -> None:
        group[index].status = "running"
        context.observer.fit_started(group[index])

    def on_epoch(index: int, epoch: int, logs: Mapping[str, float]) -> bool:
        return context.observer.epoch_end(group[index], epoch, logs)

    stacks.fit(members, on_start=on_start, on_epoch=on_epoch)
    for fit, member in zip(group, members):
        fit.status, fit.error = member.status, member.error
        yield fit


def _same_body(fit: TrialFit, other: TrialFit) -> bool:
    return fit.config.data == other.config.data and shares_frozen(fit.config, other.config)


def _begun_elsewhere(fit: TrialFit) -> str | None:
    """Why an interrupted run in the fit's directory is not a stack's to go on with."""
    run = Run(fit.path)
    if not run.manifest_file.exists():
        return None
    try:
        manifest = run.read_manifest()
    except RunError:
        return None
    if manifest.get("engine") == "stacked":
        return None
    return f"the run {fit.path.name} was begun by another engine"
