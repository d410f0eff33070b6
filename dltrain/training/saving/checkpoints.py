"""Checkpoints: which model is the best, when its file is written, and what the user's template names."""

from __future__ import annotations

import hashlib
import json
import math
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltrain.config.catalog.metrics import find_column
from dltrain.config.types import CheckpointConfig
from dltrain.errors import ConfigError, RunError
from dltrain.storage.atomic import make_folder, write_atomically
from dltrain.storage.run import Run
from dltrain.storage.stored import map_of, number, read_json, text
from dltrain.training.saving.model_file import Content, ModelFile
from dltrain.training.saving.state import Values, capture_values

BEST_FILE = "best.json"


def _read_best_values(path: Path) -> dict[str, float]:
    """File name -> the value of the best model that it holds, as `best.json` notes it; none where that is missing or damaged.

    Without a note, a better file of a process that was killed may be replaced until its epoch comes again; with a wrong one it
    would be kept for ever.
    """
    try:
        found = read_json(path, {"values": map_of(number), "sha256": text})
    except (FileNotFoundError, RunError):
        return {}
    if found and all(map(number, found.values())):
        return found  # of a version that noted no digest
    values = found.get("values", {})
    return dict(values) if found.get("sha256") == _digest(values) else {}


def _digest(values: Mapping[str, float]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@dataclass(slots=True)
class DueFile:
    """A file that is to be written.

    Attributes:
        path: where.
        content: writes its bytes, without the model.
        value: of the monitored column, for a file that a worse model must not replace; else None.
    """

    path: Path
    content: Content
    value: float | None = None


class Checkpoints:
    """Keeps the best model in memory and says which files are due when it is asked.

    A file is made from values that were kept, so that an epoch of milliseconds does not wait for one of its own size; all that
    is due is written before the state file that says it was.

    Args:
        run: where the files go.
        model: the compiled model that is trained.
        config: template and format.
        monitor: history column that decides which model is best; None: no best model is kept.
        mode: "min" or "max".
        whole: the model that the files hold, where that which is trained is only its end; both share their layers.
    """

    def __init__(
        self,
        run: Run,
        model: Any,
        config: CheckpointConfig,
        *,
        monitor: str | None,
        mode: str = "min",
        whole: Any = None,
    ) -> None:
        self._run = run
        self._model = model
        self._whole = model if whole is None else whole
        self._config = config
        self._model_file = ModelFile(self._whole, model, config.format)
        self.monitor = monitor
        self.mode = mode
        threshold = config.initial_value_threshold
        self.best_value: float | None = threshold
        self.best_epoch: int | None = None
        self.best: Values | None = None
        self._best_unwritten = False
        self._pending: list[tuple[Path, Values, float]] = []

    @property
    def suffix(self) -> str:
        """`.h5` or `.keras`."""
        return f".{self._config.format}"

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Note the model as the best one if it is, and queue the template's file if it is due.

        Args:
            epoch: 0-based.
            logs: the epoch's history row.
        """
        value = logs.get(self.monitor, math.nan) if self.monitor else math.nan
        better = math.isfinite(value) and (
            self.best_value is None or (value < self.best_value if self.mode == "min" else value > self.best_value)
        )
        values = None
        if better:
            values = capture_values(self._model)
            if self._config.format == "h5":  # which has no slots of the optimizer
                values.optimizer = [None if array is None or array.ndim else array for array in values.optimizer]
            self.best_value, self.best_epoch, self.best, self._best_unwritten = value, epoch, values, True
        if self._config.filepath and (better or not self._config.save_best_only):
            name = expand_template(self._config.filepath, epoch, logs)
            self._pending.append((self._run.inside("checkpoints", name), values or capture_values(self._model), value))

    def epoch_of(self, weights: str, num_epochs: int) -> int:
        """The epoch, from 1, at whose end the "best" or the "last" weights were so."""
        return self.best_epoch + 1 if weights == "best" and self.best_epoch is not None else num_epochs

    @property
    def pending_bytes(self) -> int:
        """Bytes of copies that wait to be written."""
        return sum(values.num_bytes for _, values, _ in self._pending)

    def due(self, *, last: bool = False) -> list[DueFile]:
        """The template's files and the best model, as far as no one was asked to write them before.

        Args:
            last: the model as it is now as well.
        """
        files = []
        for path, values, value in self._pending:
            content = self._content(values, weights_only=self._config.save_weights_only)
            files.append(DueFile(path, content, value if self._config.save_best_only else None))
        if self._best_unwritten and self.best is not None and self.best_value is not None:
            path = self._run.checkpoints / f"best{self.suffix}"
            files.append(DueFile(path, self._content(self.best), self.best_value))
        if last:
            files.append(DueFile(self._run.checkpoints / f"last{self.suffix}", self._content(None)))
        self._pending, self._best_unwritten = [], False
        return files

    def write(self, files: Iterable[DueFile]) -> None:
        """Write files, in order; the model may be trained meanwhile.

        Raises:
            RunError: a file cannot be written; what was there is untouched.
        """
        for file in files:
            self._run.inside("checkpoints", str(file.path.relative_to(self._run.checkpoints)))  # there may be a link by now
            for folder in [*reversed(file.path.relative_to(self._run.path).parents)][1:]:
                make_folder(self._run.path / folder)
            if file.value is None or self._is_no_worse(file.path.name, file.value):
                write_atomically(file.path, file.content)

    def _is_no_worse(self, name: str, value: float) -> bool:
        """Whether a file that holds a best model may be replaced by one of this value; notes the value if so.

        A process that was killed after it wrote the file, and before the state that says so, leaves a better file than the
        state from which the run goes on. The note is made before the file is written: the worst it can do is to keep an
        older file until its epoch comes again.
        """
        path = self._run.state / BEST_FILE
        noted = _read_best_values(path)
        before = noted.get(name)
        if before is not None and (value > before if self.mode == "min" else value < before):
            return False
        if before != value:
            values = {**noted, name: value}
            write_atomically(path, json.dumps({"values": values, "sha256": _digest(values)}).encode())
        return True

    def _content(self, values: Values | None, *, weights_only: bool = False) -> Content:
        """The bytes of a file that holds the model with these values, or as it is now."""
        return self._model_file.prepare(values, weights_only=weights_only)

    def memory(self) -> dict[str, Any]:
        """What must survive: the best value and its epoch."""
        return {"best_value": self.best_value, "best_epoch": self.best_epoch}

    def restore(self, memory: Mapping[str, Any], best: Values | None, *, first_epoch: int = 0) -> None:
        """Put back what `memory` gave; the best model's file is written again with the next save.

        One of an earlier phase, which ended before `first_epoch`, is on disk, with the optimizer of its time.
        """
        self.best_value, self.best_epoch, self.best = memory["best_value"], memory["best_epoch"], best
        is_earlier = self.best_epoch is not None and self.best_epoch < first_epoch
        self._best_unwritten = best is not None and not (is_earlier and (self._run.checkpoints / f"best{self.suffix}").exists())

    def go_on_with(self, model: Any) -> None:
        """From here on another model is trained, which shares its layers with the one before and trains at least those.

        The best one so far has the values of before; what it does not know was not changed since, and its file is written.
        """
        if self.best is not None:
            known = {id(variable): array for variable, array in zip(self._model.variables, self.best.model, strict=True)}
            now = capture_values(model)
            values = [known.get(id(variable), array) for variable, array in zip(model.variables, now.model, strict=True)]
            self.best = Values(values, now.optimizer)
        self._model = model
        self._model_file = ModelFile(self._whole, model, self._config.format)


def expand_template(template: str, epoch: int, logs: Mapping[str, float]) -> str:
    """The file name for an epoch: `{epoch}` counts from 1, as Keras's ModelCheckpoint does.

    Raises:
        ConfigError: the template asks for something that the history does not have.
    """
    fields = {"epoch": epoch + 1, **logs}
    check_template(template, list(fields))
    asked = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    return template.format(**{name: fields[find_column(name, fields) or name] for name in asked})


def check_template(template: str, names: list[str]) -> None:
    """Refuse a template that would fail at an epoch's end.

    Args:
        template: such as `lfw_{epoch:02d}_{val_accuracy:.3f}.h5`.
        names: what the fields may be.

    Raises:
        ConfigError: an unknown field, attribute or index access.
    """
    path = "training.checkpoint.filepath"
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise ConfigError(f"not a template: {error}", path=path) from error
    unknown = [field for field in fields if find_column(field, names) is None]
    if unknown:
        hint = f"it may use: {', '.join(names)}"
        if any(field.startswith("val_") for field in unknown) and not any(name.startswith("val_") for name in names):
            hint = "there is no validation part; add `data.split.validation`"
        raise ConfigError(f"{unknown[0]!r} will not exist when the file is named", path=path, hint=hint)
