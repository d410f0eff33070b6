"""From a compiled model and data to a trained one: epochs, callbacks, saves, stops. Exact on resume."""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltrain.errors import DivergenceError, InterruptedRun
from dltrain.later import tensorflow as tf
from dltrain.model.forward import Forward
from dltrain.model.pixels import take_rows
from dltrain.processes.background import Background
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.training.averaging import EpochAverage, averaged_weights, finalize_weights
from dltrain.training.loop import CallLength, CompiledLoop, Tensors
from dltrain.training.pace import Pace
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
from dltrain.training.workers.metrics import added_metrics, arrays_of_workers, own_metrics

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
    """Trains a model through a phase.

    Args:
        model: compiled, with built optimizer and metrics.
        data: the training part.
        validation: tensors of the validation part and how to run over them, or None.
        loop: the compiled steps.
        pace: where the fit stands, and what the end of an epoch means.
        run: where states go.
        reporter: told of steps.
    """

    def __init__(
        self,
        model: Any,
        data: Segments,
        validation: tuple[Tensors, Forward] | None,
        loop: CompiledLoop,
        pace: Pace,
        *,
        run: Run,
        reporter: Reporter,
    ) -> None:
        self.model, self.data, self.validation, self.loop, self.pace = model, data, validation, loop, pace
        self.run, self.reporter, self.training = run, reporter, pace.training
        self.group = loop.group
        self.step = 0
        self._length = CallLength(CALL_SECONDS)
        self._last_save = time.monotonic()
        self._last_report = 0.0
        self._saves = Background()
        self._snapshot: _Snapshot | None = None
        self._rates: dict[int, float] = {}
        self._average: EpochAverage | None = None
        if self.training.average == "swa":
            self._average = EpochAverage(model, self.training, pace.phase.first_epoch, data, loop)

    def restore(self, state: TrainingState) -> None:
        """Go on from a saved state instead of from the beginning."""
        restore_values(self.model, state.values)
        restore_metrics(self.model, own_metrics(state, self.group))
        self.step = state.step
        self.pace.restore(state)
        if self._average is not None:
            self._average.restore(state.arrays)

    def train(self, signals: StopSignals) -> None:
        """Train until all epochs of the phase are done or a callback stops it; everything is on disk when this returns.

        Raises:
            DivergenceError: the loss is no longer finite; the last finite state is kept.
            InterruptedRun: a signal came; the state is saved.
            RunError: a file cannot be written.
            WorkerLostError: another process of the fit is gone; what was saved last is on disk.
        """
        self._last_save = time.monotonic()
        with self._saves:
            while not self.pace.is_over:
                self._run_epoch(signals)
            self.save()
            # As `Model.fit` ends: first the optimizer, then the callbacks. The state has the weights of before, from which
            # more epochs would go on.
            averaged = finalize_weights(self.model) if self._average is None else self._average.finish(self.pace.epoch)
            if self._average is not None and not averaged:
                self.reporter.warning(
                    f"training ended after epoch {self.pace.epoch}, before averaging began: the weights are the last epoch's"
                )
            if self.pace.callbacks.finish() or averaged:
                self.pace.checkpoints.write(self.pace.checkpoints.due(last=True))
        self.reporter.finished()

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
        metrics = self.group.gather(capture_metrics(self.model))
        if not self.group.is_chief:
            return
        checkpoints = self.pace.checkpoints
        files = checkpoints.due(last=last or self.step == 0)
        state = self.pace.state(self.step, capture_values(self.model), added_metrics(metrics))
        state.arrays |= arrays_of_workers(metrics)
        if self._average is not None:
            state.arrays |= self._average.arrays()

        def write() -> None:
            checkpoints.write(files)
            save_state(self.run, state)

        self._saves.start(write)
        self._last_save = time.monotonic()

    def _run_epoch(self, signals: StopSignals) -> None:
        started, pace = time.monotonic(), self.pace
        before = pace.seconds
        if self.step == 0:
            self.model.reset_metrics()
        pace.callbacks.epoch_begin(pace.epoch)
        self._keep_snapshot()
        for data, order, first, count in self._calls_of(pace.epoch, self.step):
            called = time.monotonic()
            bad = self.loop.run(data, order, first, count)
            if bad >= 0:
                self._diverged(self.step + bad - first)
            self.step += count
            self._length.note(count, time.monotonic() - called)
            pace.seconds = before + time.monotonic() - started
            self._between_calls(signals)
        self._merge_metrics()
        logs = {name: float(value) for name, value in self.model.get_metrics_result().items()}
        with self._as_judged():
            if self.validation is not None:
                tensors, forward = self.validation
                merge = self._merge_metrics if self.group.count > 1 else None
                validation_logs, _ = forward.evaluate(tensors.inputs, tensors.targets, tensors.weights, merge=merge)
                logs |= {f"val_{name}": value for name, value in validation_logs.items()}
            logs["learning_rate"] = learning_rate(self.model)
            pace.epoch_end(logs, before + time.monotonic() - started)
        if pace.callbacks.changes_learning_rate:
            self._rates[pace.epoch - 1] = learning_rate(self.model)
        self.step = 0
        self._save_if_due(signals)

    def _merge_metrics(self) -> None:
        """Replace the metrics of this process's rows by those of the rows of all processes."""
        if self.group.count > 1:
            restore_metrics(self.model, added_metrics(self.group.gather(capture_metrics(self.model))))

    def _as_judged(self) -> contextlib.AbstractContextManager[None]:
        """The model at an epoch's end as validation sees it, and as it may become the best."""
        if self._average is not None:
            return self._average.applied(self.pace.epoch)
        return averaged_weights(self.model) if self.training.average else contextlib.nullcontext()

    def _calls_of(self, epoch: int, first_step: int) -> Iterator[tuple[Tensors, Any, int, int]]:
        """Cut an epoch into compiled calls of about `CALL_SECONDS`; where it is cut changes no bit."""
        for segment in self.data.segments(epoch, first_step):
            first, last = segment.first, segment.first + segment.count
            while first < last:
                count = min(int(self.group.of_chief(self._length.steps)), last - first)
                yield segment.data, segment.order, first, count
                first += count

    def _between_calls(self, signals: StopSignals) -> None:
        now = time.monotonic()
        unfinished = self.step < self.data.num_steps
        if now - self._last_report >= 0.1 and unfinished:
            self._last_report = now
            logs = {name: float(value) for name, value in self.model.get_metrics_result().items()}
            self.reporter.step(self.pace.epoch, self.step, logs)
        if unfinished and self.group.any(signals.received is not None):
            self._interrupted(signals)
        if unfinished and self.group.of_chief(now - self._last_save >= self.training.save_interval):
            self._begin_save()

    def _save_if_due(self, signals: StopSignals) -> None:
        last = self.pace.is_over
        if last:
            return
        if self.group.any(signals.received is not None):
            self._interrupted(signals)
        due = time.monotonic() - self._last_save >= EPOCH_SAVE_SECONDS
        if self.group.of_chief(due or self.pace.checkpoints.pending_bytes > PENDING_BYTES):
            self._begin_save()

    def _interrupted(self, signals: StopSignals) -> None:
        self.save()
        raise self.interruption(signals)

    def interruption(self, signals: StopSignals) -> InterruptedRun:
        """What to raise for a signal, once everything is saved."""
        number = signals.received or signal.SIGTERM  # another process of the fit got it
        where = f"after epoch {self.pace.epoch}" if self.step == 0 else f"in epoch {self.pace.epoch + 1}, after step {self.step}"
        hint = f"dltrain fit --resume {self.run.path}{self.group.words}"
        return InterruptedRun(f"interrupted {where}; the run is saved", signal_number=number, hint=hint)

    def _keep_snapshot(self) -> None:
        now = time.monotonic()
        if self.group.of_chief(self._snapshot is None or now - self._snapshot.taken >= SNAPSHOT_SECONDS):
            self._snapshot = _Snapshot(self.pace.epoch, self.step, capture_values(self.model), capture_metrics(self.model), now)
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
        message = f"the loss is not finite after step {bad_step + 1} of epoch {self.pace.epoch + 1}{named}"
        kept = f"the last finite state is kept in {self.run.path}"
        hint = f"the learning rate was {rate:g}: try a tenth of it, or `training.clip_norm: 1.0`; {kept}"
        raise DivergenceError(message, path="training.optimizer.learning_rate", hint=hint)

    def _replay_to(self, step: int) -> None:
        """From the snapshot, do again what was done up to `step` of this epoch; the draws are the same, so is the result."""
        snapshot = self._snapshot
        assert snapshot is not None
        restore_values(self.model, snapshot.values)
        restore_metrics(self.model, snapshot.metrics)
        epoch, first, last = snapshot.epoch, snapshot.step, self.pace.epoch
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
        segment = next(iter(self.data.segments(self.pace.epoch, self.step)), None)
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
