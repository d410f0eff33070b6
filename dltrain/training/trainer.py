"""From a compiled model and data to a trained one: epochs, callbacks, saves, stops. Exact on resume."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltrain.config.types import TrainingConfig
from dltrain.errors import DivergenceError, Fault, InterruptedRun
from dltrain.model.forward import Forward
from dltrain.model.pixels import take_rows
from dltrain.processes.background import Background
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.training.averaging import averaged_weights, finalize_weights
from dltrain.training.callbacks import EpochCallbacks
from dltrain.training.history import History
from dltrain.training.loop import CompiledLoop, Tensors
from dltrain.training.saving.checkpoints import Checkpoints
from dltrain.training.saving.state import (
    TrainingState,
    Values,
    capture_metrics,
    capture_values,
    restore_metrics,
    restore_values,
    save_state,
)
from dltrain.training.segments import Segments

logger = logging.getLogger(__name__)

# (0-based epoch, Keras's names to values) -> whether to end the training here
ShouldStop = Callable[[int, Mapping[str, float]], bool]

# A signal waits for the compiled call that is running: calls are cut to about this many seconds.
CALL_SECONDS = 0.5
# At an epoch's end the state is saved when so many seconds have passed since the last save.
EPOCH_SAVE_SECONDS = 5.0
SNAPSHOT_SECONDS = 2.0
PENDING_BYTES = 256 << 20


@dataclass(slots=True)
class _Snapshot:
    """A moment from which the last finite state can be reached again, should the loss stop being finite."""

    epoch: int
    step: int
    values: Values
    metrics: list[Any]
    taken: float


class Trainer:
    """Trains a model, and remembers where it is.

    Args:
        model: compiled, with built optimizer and metrics.
        data: the training part.
        validation: tensors of the validation part and how to run over them, or None.
        training: epochs and the save interval.
        loop: the compiled steps.
        callbacks: asked at each epoch's end.
        checkpoints: told at each epoch's end.
        history: gets a row an epoch.
        run: where states go.
        reporter: told of steps and epochs.
        should_stop: asked at each epoch's end, after the callbacks.
        phase: which of the run's phases this is, 0-based.
        num_phases: how many there are.
        first_epoch: epochs of the phases before.
    """

    def __init__(
        self,
        model: Any,
        data: Segments,
        validation: tuple[Tensors, Forward] | None,
        training: TrainingConfig,
        *,
        loop: CompiledLoop,
        callbacks: EpochCallbacks,
        checkpoints: Checkpoints,
        history: History,
        run: Run,
        reporter: Reporter,
        should_stop: ShouldStop | None = None,
        phase: int = 0,
        num_phases: int = 1,
        first_epoch: int = 0,
    ) -> None:
        self.model, self.data, self.validation, self.training = model, data, validation, training
        self.loop, self.callbacks, self.checkpoints, self.history = loop, callbacks, checkpoints, history
        self.run, self.reporter, self.should_stop = run, reporter, should_stop
        self.phase, self.num_phases, self.first_epoch = phase, num_phases, first_epoch
        self.epoch = first_epoch
        self.step = 0
        self.stopped = False
        self.ended = False  # for good, whatever phases would follow
        self._epoch_seconds = 0.0
        self._steps_per_call = 1
        self._calls = 0
        self._last_save = time.monotonic()
        self._last_report = 0.0
        self._saves = Background()
        self._snapshot: _Snapshot | None = None
        self._rates: dict[int, float] = {}

    def restore(self, state: TrainingState) -> None:
        """Go on from a saved state instead of from the beginning."""
        restore_values(self.model, state.values)
        restore_metrics(self.model, state.metrics)
        self.epoch, self.step = state.epoch, state.step
        self._epoch_seconds = float(state.memory["epoch_seconds"])
        self.checkpoints.restore(state.memory["checkpoints"], state.best, first_epoch=self.first_epoch)
        self.callbacks.restore(state.memory["callbacks"], state.arrays)
        self.stopped = bool(state.memory["callbacks"]["stopped"])

    def train(self, signals: StopSignals) -> None:
        """Train until all epochs of the phase are done or a callback stops it; everything is on disk when this returns.

        Raises:
            DivergenceError: the loss is no longer finite; the last finite state is kept.
            InterruptedRun: a signal came; the state is saved.
            RunError: a file cannot be written.
        """
        self._last_save = time.monotonic()
        with self._saves:
            while self.epoch < self.last_epoch and not self.stopped:
                self._run_epoch(signals)
            self.save()
            # As `Model.fit` ends: first the optimizer, then the callbacks. The state has the weights of before, from which
            # more epochs would go on.
            averaged = finalize_weights(self.model)
            if self.callbacks.finish() or averaged:
                self.checkpoints.write(self.checkpoints.due(last=True))
        self.reporter.finished()

    @property
    def last_epoch(self) -> int:
        """Epochs that are done when the phase is."""
        return self.first_epoch + self.training.epochs

    def save(self) -> None:
        """Write all that an exact resume needs, and wait until it is on disk.

        Raises:
            RunError: a file cannot be written.
        """
        self._begin_save()
        self._saves.wait()

    def _begin_save(self, *, last: bool = False) -> None:
        """Keep the values of this moment, and write them while training goes on.

        The state file comes last, because it says that the others are there.

        Args:
            last: write the model as it is now, also inside an epoch.

        Raises:
            RunError: a file of the save before cannot be written.
        """
        self._saves.wait()
        files = self.checkpoints.due(last=last or self.step == 0)
        plain, arrays = self.callbacks.memory()
        memory = {
            "checkpoints": self.checkpoints.memory(),
            "callbacks": plain,
            "history": list(self.history.rows),
            "epoch_seconds": self._epoch_seconds,
            "phase": self.phase,
            "first_epoch": self.first_epoch,
        }
        values, metrics = capture_values(self.model), capture_metrics(self.model)
        state = TrainingState(self.epoch, self.step, values, metrics, self.checkpoints.best, memory, arrays)

        def write() -> None:
            self.checkpoints.write(files)
            save_state(self.run, state)

        self._saves.start(write)
        self._last_save = time.monotonic()

    def _run_epoch(self, signals: StopSignals) -> None:
        started = time.monotonic()
        before = self._epoch_seconds
        if self.step == 0:
            self.model.reset_metrics()
        self.callbacks.epoch_begin(self.epoch)
        self._keep_snapshot()
        for data, order, first, count in self._calls_of(self.epoch, self.step):
            called = time.monotonic()
            bad = self.loop.run(data, order, first, count)
            if bad >= 0:
                self._diverged(self.step + bad - first)
            self.step += count
            self._adapt(count, time.monotonic() - called)
            self._epoch_seconds = before + time.monotonic() - started
            self._between_calls(signals)
        logs = {name: float(value) for name, value in self.model.get_metrics_result().items()}
        with averaged_weights(self.model) if self.training.average else contextlib.nullcontext():
            if self.validation is not None:
                tensors, forward = self.validation
                validation_logs, _ = forward.evaluate(tensors.inputs, tensors.targets, tensors.weights)
                logs |= {f"val_{name}": value for name, value in validation_logs.items()}
            logs["learning_rate"] = learning_rate(self.model)
            self._epoch_seconds = before + time.monotonic() - started
            self._end_epoch(logs)
        self._save_if_due(signals)

    def _end_epoch(self, logs: dict[str, float]) -> None:
        seconds = self._epoch_seconds
        self.checkpoints.epoch_end(self.epoch, logs)
        self.stopped = self.callbacks.epoch_end(self.epoch, logs)
        if self.callbacks.changes_learning_rate:
            self._rates[self.epoch] = learning_rate(self.model)
        phase = {"phase": self.phase + 1} if self.num_phases > 1 else {}
        self.history.append({"epoch": self.epoch + 1, **phase, **logs, "seconds": round(seconds, 4)})
        logger.debug("epoch %d: %s", self.epoch + 1, ", ".join(f"{name} {value:.6g}" for name, value in logs.items()))
        self.reporter.epoch_end(self.epoch, logs, seconds)
        if self.should_stop is not None and self.should_stop(self.epoch, logs):
            self.stopped = self.ended = True
        self.epoch, self.step, self._epoch_seconds = self.epoch + 1, 0, 0.0

    def _calls_of(self, epoch: int, first_step: int) -> Iterator[tuple[Tensors, Any, int, int]]:
        """Cut an epoch into compiled calls of about `CALL_SECONDS`; where it is cut changes no bit."""
        for segment in self.data.segments(epoch, first_step):
            first, last = segment.first, segment.first + segment.count
            while first < last:
                count = min(self._steps_per_call, last - first)
                yield segment.data, segment.order, first, count
                first += count

    def _adapt(self, count: int, seconds: float) -> None:
        self._calls += 1
        if self._calls == 1:
            return  # the first call was compiled in its time: it tells nothing
        wanted = int(count * CALL_SECONDS / max(seconds, 1e-6))
        self._steps_per_call = max(1, min(wanted, self._steps_per_call * 8))

    def _between_calls(self, signals: StopSignals) -> None:
        now = time.monotonic()
        unfinished = self.step < self.data.num_steps
        if now - self._last_report >= 0.1 and unfinished:
            self._last_report = now
            logs = {name: float(value) for name, value in self.model.get_metrics_result().items()}
            self.reporter.step(self.epoch, self.step, logs)
        if unfinished and signals.received is not None:
            self._interrupted(signals)
        if unfinished and now - self._last_save >= self.training.save_interval:
            self._begin_save()

    def _save_if_due(self, signals: StopSignals) -> None:
        last = self.stopped or self.epoch == self.last_epoch
        if signals.received is not None and not last:
            self._interrupted(signals)
        due = time.monotonic() - self._last_save >= EPOCH_SAVE_SECONDS
        if not last and (due or self.checkpoints.pending_bytes > PENDING_BYTES):
            self._begin_save()

    def _interrupted(self, signals: StopSignals) -> None:
        self.save()
        raise self.interruption(signals)

    def interruption(self, signals: StopSignals) -> InterruptedRun:
        """What to raise for a signal, once everything is saved."""
        number = signals.received or 0
        where = f"after epoch {self.epoch}" if self.step == 0 else f"in epoch {self.epoch + 1}, after step {self.step}"
        hint = f"dltrain fit --resume {self.run.path}"
        return InterruptedRun(f"interrupted {where}; the run is saved", signal_number=number, hint=hint)

    def _keep_snapshot(self) -> None:
        now = time.monotonic()
        if self._snapshot is None or now - self._snapshot.taken >= SNAPSHOT_SECONDS:
            self._snapshot = _Snapshot(self.epoch, self.step, capture_values(self.model), capture_metrics(self.model), now)
            self._rates = {}

    def _diverged(self, bad_step: int) -> None:
        """Go back to the last state in which all is finite, keep it, and say what happened.

        The loss of a step tells of the weights before it, which may have left the finite numbers one step earlier.
        """
        for step in (bad_step, bad_step - 1):
            self._replay_to(step)
            if capture_values(self.model).is_finite:
                break
        layer = self._largest_gradient()
        self._begin_save(last=True)
        self._saves.wait()
        rate = learning_rate(self.model)
        named = f"; the largest gradient is that of {layer}" if layer else ""
        message = f"the loss is not finite after step {bad_step + 1} of epoch {self.epoch + 1}{named}"
        kept = f"the last finite state is kept in {self.run.path}"
        hint = f"the learning rate was {rate:g}: try a tenth of it, or `clipnorm: 1.0` in the optimizer; {kept}"
        raise DivergenceError(Fault(message, path="training.optimizer.learning_rate", hint=hint))

    def _replay_to(self, step: int) -> None:
        """From the snapshot, do again what was done up to `step` of this epoch; the draws are the same, so is the result."""
        snapshot = self._snapshot
        assert snapshot is not None
        restore_values(self.model, snapshot.values)
        restore_metrics(self.model, snapshot.metrics)
        epoch, first, last = snapshot.epoch, snapshot.step, self.epoch
        while True:
            stop = max(step, 0) if epoch == last else self.data.num_steps
            done = first
            for data, order, begin, count in self._calls_of(epoch, first):
                if done >= stop:
                    break
                count = min(count, stop - done)
                self.loop.run(data, order, begin, count)
                done += count
            if epoch == last:
                self.step = stop
                return
            if epoch in self._rates:
                self.model.optimizer.learning_rate = self._rates[epoch]
            self.model.reset_metrics()
            epoch, first = epoch + 1, 0

    def _largest_gradient(self) -> str | None:
        """The layer whose gradient is largest on the rows of the next step."""
        import tensorflow as tf

        segment = next(iter(self.data.segments(self.epoch, self.step)), None)
        if segment is None or not self.model.trainable_variables:
            return None
        rows = segment.order[segment.first * self.loop.batch_size : (segment.first + 1) * self.loop.batch_size]
        x = [take_rows(tensor, rows) for tensor in segment.data.inputs]
        y = [tf.gather(tensor, rows) for tensor in segment.data.targets]
        w = None if segment.data.weights is None else [tf.gather(tensor, rows) for tensor in segment.data.weights]
        with tf.GradientTape() as tape:
            y_pred = self.model(x if len(x) > 1 else x[0], training=True)
            single = len(y) == 1
            weight = None if w is None else (w[0] if single else w)
            loss = self.model._compute_loss(x=x, y=y[0] if single else y, y_pred=y_pred, sample_weight=weight, training=True)
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        norms = {}
        for variable, gradient in zip(variables, gradients):
            if gradient is not None:
                norm = float(tf.linalg.global_norm([gradient]))
                norms[variable.path.partition("/")[0]] = norm if not math.isnan(norm) else math.inf
        if not norms:
            return None
        name = max(norms, key=lambda key: norms[key])
        return f"layer {name!r} (norm {norms[name]:.3g})"


def learning_rate(model: Any) -> float:
    """The optimizer's learning rate now; a schedule's value at its step."""
    return float(np.asarray(model.optimizer.learning_rate))
