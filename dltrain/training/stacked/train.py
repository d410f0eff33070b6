"""Epochs of a stack: steps for all trials at once, then each trial's own decisions; saves and stops. Exact on resume."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.curves import curve_at
from dltrain.errors import RunError
from dltrain.later import tensorflow as tf
from dltrain.processes.signals import StopSignals
from dltrain.storage.removal import remove_paths
from dltrain.training.curves import TensorMath
from dltrain.training.loop import CallLength
from dltrain.training.saving.state import TrainingState, Values, list_states, load_state
from dltrain.training.stacked.rows import Orders, StackedPart
from dltrain.training.stacked.steps import StackedState, StackedSteps
from dltrain.training.stacked.trial import HostCopy, StackedTrial
from dltrain.training.trainer import CALL_SECONDS, EPOCH_SAVE_SECONDS, PENDING_BYTES

logger = logging.getLogger(__name__)

# A save takes at most this share of the time.
_SAVE_SHARE = 0.05
_WRITERS = 8


class StackedTrainer:
    """Trains a stack of trials, and remembers where it is.

    Args:
        trials: in the order of the stack.
        steps: the compiled steps.
        train: the training part.
        validation: the validation part, or None.
        orders: how the training part is gone through.
        state: where the trials stand at the beginning.
        host: where trials look at their values.
    """

    def __init__(
        self,
        trials: Sequence[StackedTrial],
        steps: StackedSteps,
        train: StackedPart,
        validation: StackedPart | None,
        *,
        orders: Orders,
        state: StackedState,
        host: HostCopy,
    ) -> None:
        self.trials, self.steps, self.state, self._host = list(trials), steps, state, host
        self._train, self._validation, self._orders = train, validation, orders
        self.epoch = self.step = 0
        self._length = CallLength(CALL_SECONDS)
        self._save_seconds = 0.0
        self._last_save = time.monotonic()
        self._earlier: Any = None
        self._schedules = self._schedule_tables()
        host.show(state)

    @property
    def is_done(self) -> bool:
        """Whether every trial has ended."""
        return not any(trial.is_running for trial in self.trials)

    def restore(self) -> bool:
        """Go on from the newest moment of which every trial that was still running has a state.

        Returns:
            False where there is none: the trials begin anew.
        """
        states = [_states_of(trial) for trial in self.trials]
        over = [bool(found) and trial.has_ended(found[0]) for trial, found in zip(self.trials, states)]
        running = [found for found, ended in zip(states, over) if not ended]
        moments = [{(state.epoch, state.step) for state in found} for found in running]
        common = set.intersection(*moments) if moments else set()
        if moments and not common:
            for trial in self.trials:
                remove_paths(list_states(trial.run))
            return False
        moment = max(common) if common else None
        chosen = []
        for found, ended in zip(states, over):
            chosen.append(found[0] if ended else next(s for s in found if (s.epoch, s.step) == moment))
        if moment is not None:
            self.epoch, self.step = moment
        self.state = _stacked(chosen)
        self._host.show(self.state)
        for trial, state in zip(self.trials, chosen):
            trial.restore(state)
            if trial.is_running:
                trial.forget_later_states(state.step)
            else:
                self._quieten(trial)
        return True

    def train(self, signals: StopSignals) -> bool:
        """Train until every trial has ended, or a signal comes; all is saved when this returns.

        Returns:
            Whether all ended.

        Raises:
            RunError: a file cannot be written.
        """
        self._last_save = time.monotonic()
        while not self.is_done and signals.received is None:
            self._run_epoch(signals)
        self.save()
        return self.is_done

    def save(self) -> None:
        """Write what an exact resume needs of every trial."""
        started = time.monotonic()
        for trial in self.trials:
            trial.write_due()

        def write(trial: StackedTrial) -> None:
            trial.save(self.step, self._host.metrics(trial.index))

        self._host.show(self._with_rates())
        for index in range(len(self.state.metrics)):  # copied once, before the writers share it
            self._host.slice(2, index, 0)
        for trial in self.trials:
            trial.values()
        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(write, self.trials))
        self._last_save = time.monotonic()
        self._save_seconds = self._last_save - started

    def _run_epoch(self, signals: StopSignals) -> None:
        started = time.monotonic()
        if self.step == 0:
            self.state = self.state._replace(metrics=self.steps.fresh_metrics())
        self._with_rates()
        order, rates = tf.constant(self._orders.of(self.epoch)), tf.constant(self._rates())
        while self.step < self._orders.num_steps:
            called = time.monotonic()
            count = min(self._length.steps, self._orders.num_steps - self.step)
            before = (self.state, order, rates, self.step)
            self.state, bad = self.steps.train(self.state, self._train.tensors, order, rates, self.step, count)
            self._take_out(bad.numpy(), before)
            self._earlier = before
            self.step += count
            self._length.note(count, time.monotonic() - called)
            if self.step < self._orders.num_steps and signals.received is not None:
                self._host.show(self._with_rates())
                return
            self._save_if_due(within=True)
        self._end_epoch(started)
        self.epoch, self.step = self.epoch + 1, 0
        self._save_if_due(within=False)

    def _end_epoch(self, started: float) -> None:
        logs = self.steps.results(self.state.metrics)
        if self._validation is not None:
            found, _ = self.steps.evaluate(self.state.model, self._validation, outputs=False)
            logs |= {f"val_{name}": values for name, values in found.items()}
        self._host.show(self._with_rates())
        seconds = time.monotonic() - started
        for trial in self.trials:
            if not trial.is_running:
                continue
            row = {name: float(values[trial.index]) for name, values in logs.items()}
            row["learning_rate"] = self._logged_rate(trial)
            trial.epoch_end(row, seconds)
        logger.debug("stack: epoch %d in %.3f s", self.epoch + 1, seconds)

    def _save_if_due(self, *, within: bool) -> None:
        if self.is_done:
            return
        passed = time.monotonic() - self._last_save
        interval = min(trial.training.save_interval for trial in self.trials) if within else EPOCH_SAVE_SECONDS
        pending = sum(trial.pace.checkpoints.pending_bytes for trial in self.trials)
        if passed >= max(interval, self._save_seconds / _SAVE_SHARE) or pending > PENDING_BYTES:
            self._host.show(self._with_rates())
            self.save()

    def _rates(self) -> NDArray[np.float32]:
        """Of each step of this epoch the learning rate, and the share of the training that is done before it [K, steps, 2]."""
        rates = np.zeros((len(self.trials), self._orders.num_steps, 2), np.float32)
        for trial in self.trials:
            table = self._schedules.get(trial.index)
            if not trial.is_running:
                continue
            if table is None:
                rates[trial.index, :, 0] = trial.rate
            else:
                first = self._steps_of(trial) * self.epoch
                found = table[first : first + self._orders.num_steps]
                rates[trial.index, : len(found), 0] = found
            done = self._steps_of(trial) * self.epoch + np.arange(self._orders.num_steps)
            rates[trial.index, :, 1] = done.astype(np.float32) / np.float32(self._steps_of(trial) * trial.training.epochs)
        return rates

    def _logged_rate(self, trial: StackedTrial) -> float:
        table = self._schedules.get(trial.index)
        if table is None or trial.curve is not None:
            return float(np.float32(trial.view.optimizer.learning_rate))
        return float(table[self._steps_of(trial) * (self.epoch + 1)])

    def _steps_of(self, trial: StackedTrial) -> int:
        rows = int(self._train.num_rows[trial.index])
        return -(-rows // self.steps.batch_size)

    def _schedule_tables(self) -> dict[int, NDArray[np.float32]]:
        """The rates of trials whose learning rate is a schedule or a curve, for every step and the one after the last."""
        tables = {}
        for trial in self.trials:
            if trial.curve is not None:
                num_steps = self._steps_of(trial) * trial.training.epochs
                shares = tf.range(num_steps + 1, dtype=tf.float32) / float(num_steps)
                tables[trial.index] = curve_at(trial.curve, shares, TensorMath).numpy()
            if trial.has_schedule:
                schedule = trial.optimizer._learning_rate
                numbers = tf.range(self._steps_of(trial) * trial.training.epochs + 1)

                def rate_at(step: Any, schedule: Any = schedule) -> Any:
                    return tf.cast(schedule(step), tf.float32)

                def rates(steps: Any, rate_at: Any = rate_at) -> Any:
                    return tf.map_fn(rate_at, steps, fn_output_signature=tf.float32)

                tables[trial.index] = tf.function(rates, autograph=False)(numbers).numpy()
        return tables

    def _with_rates(self) -> StackedState:
        """The state, in which Keras's optimizers hold the trials' learning rates of now."""
        if any(trial.has_schedule for trial in self.trials):
            return self.state
        for trial in self.trials:
            steps = self._steps_of(trial)
            done = steps * self.epoch + min(self.step, steps)
            if trial.curve is not None and trial.is_running and done:  # what the variable of its own fit holds: the last step's
                trial.view.optimizer.learning_rate = float(self._schedules[trial.index][done - 1])
        place = [variable.name for variable in self.steps.model.optimizer.variables].index("learning_rate")
        optimizer = list(self.state.optimizer)
        optimizer[place] = tf.constant([trial.view.optimizer.learning_rate for trial in self.trials], tf.float32)
        self.state = self.state._replace(optimizer=tuple(optimizer))
        return self.state

    def _take_out(self, bad: NDArray[np.int32], before: Any) -> None:
        """End the trials whose loss was not finite, each with its last finite weights, as `fit` keeps them."""
        for trial in self.trials:
            if not trial.is_running or bad[trial.index] < 0:
                continue
            step = int(bad[trial.index])
            values = None
            for target in (step, step - 1):
                values = self._values_at(trial, target, before)
                if values.is_finite:
                    break
            rate = trial.view.optimizer.learning_rate
            trial.fit.error = (
                f"the loss is not finite after step {step + 1} of epoch {self.epoch + 1}; the learning rate was {rate:g}"
            )
            trial.end("diverged", values, max(target, 0))
            self._quieten(trial)

    def _values_at(self, trial: StackedTrial, step: int, before: Any) -> Values:
        """A trial's values before a step, computed once more from where a call began."""
        state, order, rates, first = before
        if step < first and self._earlier is not None:
            state, order, rates, first = self._earlier
            step = self._orders.num_steps - 1 if step < 0 else step
        if step > first:
            state, _ = self.steps.train(state, self._train.tensors, order, rates, first, step - first)
        model, optimizer = ([np.array(tensor[trial.index]) for tensor in group] for group in (state.model, state.optimizer))
        return Values(model, optimizer)

    def _quieten(self, trial: StackedTrial) -> None:
        """Let an ended trial compute with zeros: what is not finite could end in an index of some metric."""
        if trial.ended_as != "diverged":
            return

        def zeroed(tensor: Any) -> Any:
            if not tensor.dtype.is_floating:
                return tensor
            return tf.tensor_scatter_nd_update(tensor, [[trial.index]], tf.zeros_like(tensor[trial.index])[None])

        self.state = StackedState(*(tuple(zeroed(tensor) for tensor in group) for group in self.state))


def _states_of(trial: StackedTrial) -> list[TrainingState]:
    """A trial's states that are whole and a stack's, newest first."""
    states = []
    for path in list_states(trial.run):
        try:
            state = load_state(path)
        except RunError as error:
            logger.warning("%s", error)
            continue
        if "ended_as" in state.memory:
            states.append(state)
    return states


def _stacked(states: Sequence[TrainingState]) -> StackedState:
    def joined(groups: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
        return tuple(tf.constant(np.stack(arrays)) for arrays in zip(*groups))

    return StackedState(
        joined([state.values.model for state in states]),
        joined([state.values.optimizer for state in states]),
        joined([state.metrics for state in states]),
    )
