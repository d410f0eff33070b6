"""The manifest of a fit: status, how it was started, versions, decisions, times, digests of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from dltrain.config.types import Config
from dltrain.storage.atomic import now
from dltrain.storage.run import Run

# Written as null where there is none; all else is then left out.
_NULL = ("config", "git_commit")


def named_by(config: Config) -> dict[str, Any]:
    """What a config names of a run's files: the template of checkpoints, its own code, TensorBoard's folder."""
    training = config.training
    board = None if training is None or training.tensorboard is None else training.tensorboard.get("log_dir")
    found = {
        "checkpoints": None if training is None else training.checkpoint.filepath,
        "code": None if config.code is None else sorted(config.code.sources),
        "tensorboard": None if board is None else str(board),
    }
    return {name: value for name, value in found.items() if value is not None}


@dataclass(slots=True)
class Manifest:
    """What `manifest.json` of a fit holds. What is None is not known yet.

    Attributes:
        status: "running", "finished", "interrupted", "diverged" or "failed".
        reason: why it diverged or failed.
        name: of the experiment.
        argv: the command line.
        config: the file of the config.
        seed: of the run.
        task: of the targets.
        threads: for one operation.
        environment: what may change the last bits.
        data: fingerprint of the data, and its details.
        preprocessing: the run whose preprocessing is kept (`data.preprocessing`), and the SHA-256 of what was read there.
        reference: what the metrics are held against: facts of the training part.
        git_commit: of the working directory.
        started: when.
        engine: "stacked" where it was trained together with others.
        stack: how many they were, and its place among them.
        same_beginning: whether its members begin with the same frozen layers, which the average's file holds once.
        resumed: when it was gone on with.
        compiler: the decision about XLA, and its reason.
        found_rate: the learning rate that was looked for before training, and the reason for it.
        features: what is computed once, in front of the layers that are trained.
        warnings: what the user was warned of, each once.
        epochs: trained in all.
        stopped_early: whether training ended before its epochs were over.
        ended: when.
        phase: the phase that was trained last, from 1.
        phase_epochs: epochs trained of it.
        weights: "best" or "last": whose metrics are reported.
        seconds: wall time by stage.
        files: name -> digest.
        named: what the config named of the run's files, by which they are known as dltrain's (`storage.layout`).
        others: the compilers of later phases, and what other versions wrote.
    """

    status: str = "running"
    reason: str | None = None
    name: str = ""
    argv: list[str] = field(default_factory=list)
    config: str | None = None
    seed: int = 0
    task: str = ""
    threads: int | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: Mapping[str, Any] | None = None
    reference: Mapping[str, Any] = field(default_factory=dict)
    git_commit: str | None = None
    started: str | None = None
    engine: str | None = None
    stack: dict[str, int] | None = None
    same_beginning: bool | None = None
    resumed: list[str] | None = None
    compiler: dict[str, Any] | None = None
    found_rate: dict[str, Any] | None = None
    features: dict[str, Any] | None = None
    warnings: list[dict[str, Any]] = field(default_factory=list)
    epochs: int | None = None
    stopped_early: bool | None = None
    ended: str | None = None
    phase: int | None = None
    phase_epochs: int | None = None
    weights: str | None = None
    seconds: dict[str, float] | None = None
    files: dict[str, str] | None = None
    named: dict[str, Any] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, run: Run) -> Manifest:
        """The manifest of a run.

        Raises:
            RunError: it is missing, or a value in it is not what dltrain writes.
        """
        found = run.read_manifest()
        own = {item.name for item in fields(cls)} - {"others"}
        known = {name: value for name, value in found.items() if name in own}
        return cls(**known, others={name: value for name, value in found.items() if name not in own})

    def document(self) -> dict[str, Any]:
        """As plain values."""
        own = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "others"}
        return {name: value for name, value in own.items() if value is not None or name in _NULL} | self.others

    def go_on(self, argv: list[str], environment: Mapping[str, Any]) -> None:
        """The run is gone on with: what is written anew has no digest any more."""
        self.status, self.argv, self.environment, self.files, self.reason = "running", argv, environment, None, None
        self.resumed = [*(self.resumed or []), now()]

    def compiler_of(self, phase: int) -> dict[str, Any] | None:
        """The decision about XLA in a phase, counted from 0; None: it was not made yet."""
        found = self.others.get(f"compiler_phase_{phase + 1}") if phase else self.compiler
        return found if isinstance(found, dict) and isinstance(found.get("jit_compile"), bool) else None

    def note_compiler(self, phase: int, decision: dict[str, Any]) -> None:
        """Keep a phase's decision about XLA, which could change bits: a run that goes on keeps the one it began with."""
        if phase:
            self.others[f"compiler_phase_{phase + 1}"] = decision
        else:
            self.compiler = decision
