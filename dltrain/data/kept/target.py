"""The target where `data.preprocessing` takes columns from an earlier run: that run's if it is the same, else fitted anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dltrain.data.dataset import TargetSpec
from dltrain.data.kept.run import KeptRun
from dltrain.errors import Note
from dltrain.wording import listed

_HOW = {"standard": "learnt as it is", "log": "learnt by its logarithm", "quantile": "learnt by its quantiles"}


def keep_targets(
    kept: KeptRun, there: Sequence[TargetSpec], here: Sequence[TargetSpec]
) -> tuple[tuple[TargetSpec, ...], list[Note]]:
    """The targets, each as in the earlier run or fitted anew, with notes for the user.

    Labels that are the same have the order of the run; a number of the same name keeps mean and deviation, so that the run's
    weights mean the same numbers. All else is as it was fitted to the data at hand.

    Args:
        kept: the run.
        there: its targets.
        here: those of the data, fitted.
    """
    known = {spec.name: spec for spec in there}
    made, notes = [], []
    for spec in here:
        found, said = _keep(kept, known.get(spec.name) or (there[0] if len(there) == len(here) == 1 else None), spec)
        made.append(found)
        notes += [Note(said)] if said else []
    return tuple(made), notes


def _keep(kept: KeptRun, there: TargetSpec | None, spec: TargetSpec) -> tuple[TargetSpec, str]:
    if spec.is_reconstruction:
        return spec, ""
    if there is None or there.task != spec.task:
        return spec, f"the target {spec.name} is another than that of {kept.name}: an output of its own is learnt"
    if spec.classes:
        if sorted(spec.classes) == sorted(there.classes):
            columns = there.columns if spec.columns and sorted(spec.columns) == sorted(there.columns) else spec.columns
            return replace(spec, classes=there.classes, columns=columns), f"the labels of {spec.name} are those of {kept.name}"
        same = (
            ", and as many: what its output has learnt of them is where training begins"
            if len(spec.classes) == len(there.classes)
            else ""
        )
        return spec, f"the labels of {spec.name} are not those of {kept.name} ({listed(there.classes, 8)}){same}"
    if there.name != spec.name or there.transform != spec.transform:
        return spec, f"the target {spec.name} is scaled anew: that of {kept.name} is " + (
            f"{there.name}" if there.name != spec.name else _HOW[there.transform]
        )
    limits = None
    if spec.limits is not None:
        low, high = there.to_stored(np.array([spec.to_own(limit) for limit in spec.limits], np.float64))
        limits = float(low), float(high)
    return replace(
        spec, mean=there.mean, scale=there.scale, curve=there.curve, limits=limits
    ), f"the target {spec.name} is scaled as in {kept.name}"
