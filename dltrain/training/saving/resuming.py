"""Going on with a run: which directory, and whether it is still the same experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from dltrain.config import load_config
from dltrain.config.curves import CURVES
from dltrain.config.durations import speaks_of_share
from dltrain.config.types import Config
from dltrain.data.dataset import Dataset, Schema
from dltrain.errors import ConfigError, DataError, Fault, RunError, UsageError
from dltrain.evaluation.fingerprints import fingerprint_faults, flatten, shown
from dltrain.evaluation.metrics.report import restore_priors
from dltrain.model.heads.head import Head
from dltrain.model.weights.checkpoint_size import largest_checkpoint
from dltrain.reporting import Reporter
from dltrain.storage.new_run import begin_again, create_run
from dltrain.storage.run import Run
from dltrain.training.saving.manifest import Manifest
from dltrain.wording import without_credentials

# Keys whose change on a resume is no other experiment.
FREE_ON_RESUME = (
    "name",
    "training.epochs",
    "training.save_interval",
    "training.allow_large",
    "training.track",
    "evaluation",
    "sweep",
    "data.path",
    "data.validation",
    "data.test",
)


def open_run(
    config: Config, *, runs: Path, run_dir: Path | None, resume: Path | Literal["auto"] | None
) -> tuple[bool, Run, bool]:
    """The run directory, and whether there is something in it to go on with, and whether it was made now."""
    if resume == "auto":
        if run_dir is None:
            raise UsageError("--resume auto needs --run-dir")
        run = Run(Path(run_dir))
        if run.manifest_file.exists():
            _refuse_unusable(run)
            return True, run, False
        if run.path.is_dir() and not run.is_locked() and run.is_only_begun():
            return False, begin_again(run), True
        return False, create_run(config.name, runs=runs, run_dir=run_dir), True
    if resume is not None:
        run = Run(Path(resume))
        _refuse_unusable(run)
        return True, run, False
    return False, create_run(config.name, runs=runs, run_dir=run_dir), True


def _refuse_unusable(run: Run) -> None:
    """Refuse what no fit can go on with.

    Raises:
        RunError: a link leads out of it, or it is a sweep.
    """
    run.refuse_foreign_files()
    if run.read_manifest().get("kind") == "sweep":
        raise RunError(f"{run.path} is a sweep", hint=f"dltrain sweep --resume {run.path}")


def compare_with_run(
    run: Run,
    manifest: Manifest,
    dataset: Dataset,
    resolved: Mapping[str, Any],
    environment: Mapping[str, Any],
    reporter: Reporter,
) -> None:
    """Hold config, data and environment against those with which a run began.

    Raises:
        ConfigError: a key has changed that makes it another experiment.
        DataError: it is not the data of the run.
        RunError: the manifest says of the training part what cannot be.
    """
    stored = load_config(run.config_file)
    num_phases = len(resolved["training"].get("phases", ()))
    free_keys = [key for key in FREE_ON_RESUME if key != "training.epochs" or not num_phases]
    if num_phases:  # those of the last phase alone may change: epochs of the others are past
        free_keys.append(f"training.phases.{num_phases - 1}.epochs")
    before, after = flatten(stored.resolved), flatten(resolved)
    changed = [
        Fault(f"was {shown(before.get(key))} when the run began, is {shown(after.get(key))} now", path=key)
        for key in sorted(before.keys() | after.keys())
        if _bare(before.get(key)) != _bare(after.get(key))
        and not any(key == free or key.startswith(f"{free}.") for free in free_keys)
    ]
    if changed:
        raise ConfigError([*changed, Fault("a run goes on with its own config only", hint=f"dltrain fit --resume {run.path}")])
    shares = any(speaks_of_share(value) for value in after.values())
    curved = shares or any(f".{name}." in key for key in after for name in CURVES)
    epochs = [key for key in free_keys if key.endswith("epochs") and before.get(key) != after.get(key)]
    if curved and epochs:
        was, now = before.get(epochs[0]), after.get(epochs[0])
        what = "schedules" if shares else "curves"
        reporter.warning(f"{epochs[0]} was {was} and is {now} now: {what} go on at their share of the training as it is now")
    data = manifest.data
    if data.get("fingerprint") != dataset.fingerprint:
        faults = fingerprint_faults(data.get("details", {}), dataset.fingerprint_details)
        hint = f"a run goes on with its own data; a new one: dltrain fit {run.config_file}"
        raise DataError([*faults[:-1], replace(faults[-1], hint=hint)])
    if (manifest.preprocessing or {}).get("files") != (dataset.kept or {}).get("files"):
        message = "it is not what it was when the run began: its SHA-256 is another"
        raise ConfigError(message, path="data.preprocessing", hint=f"a new run: dltrain fit {run.config_file}")
    restore_priors(manifest.reference, dataset.schema.targets)
    for key, value in environment.items():
        was = manifest.environment.get(key, value)  # what an older version did not record has not changed
        both = [was, value] if isinstance(was, Mapping) and isinstance(value, Mapping) else [{key: was}, {key: value}]
        for name in sorted({*both[0], *both[1]}):
            before, now = (one.get(name, "not set") for one in both)
            if before != now:
                reporter.warning(f"{name} was {before} when the run began and is {now} now: the last bits may differ")


def require_as_left(run: Run, manifest: Manifest, config: Config, schema: Schema, heads: Sequence[Head]) -> None:
    """Hold the files of a run that is gone on with against the digests that were taken when it ended.

    Args:
        run: the run.
        manifest: what it says.
        config: of the run.
        schema: of its data.
        heads: of its model; of an ensemble, those of one member.

    Raises:
        RunError: a file was changed since.
    """
    run.check_digests(manifest.document(), checkpoint=largest_checkpoint(config, schema, heads))


def _bare(value: Any) -> Any:
    """A value of a config as it is stored: an address without its credentials."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return without_credentials(value) if isinstance(value, str) else value
