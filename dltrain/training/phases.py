"""The phases of a run, one trainer for each: what is trained, on what, and who is told of it.

A run without `training.phases` has one phase. Epochs count on from phase to phase; optimizer and callbacks begin anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dltrain.config.types import TrainingConfig
from dltrain.model.compile import build_metrics, compile_model
from dltrain.model.corruption import corruption_of
from dltrain.model.encode import EncodedPart, encode_part, resolve_class_weights
from dltrain.model.forward import Forward, evaluation_batch_size
from dltrain.model.frozen import MOST_BYTES, FrozenPrefix, find_frozen_prefix
from dltrain.model.unfreeze import unfreeze
from dltrain.storage.atomic import write_atomically
from dltrain.training.callbacks import EpochCallbacks, best_monitor
from dltrain.training.compiler import decide_jit_compile
from dltrain.training.curves import Curves
from dltrain.training.frozen_features import features_bytes, note_features, weights_digest, with_features
from dltrain.training.history import History
from dltrain.training.loop import CompiledLoop, Tensors
from dltrain.training.pace import Pace, Phase, history_columns
from dltrain.training.saving.checkpoints import Checkpoints
from dltrain.training.saving.model_file import refuse_h5
from dltrain.training.saving.record import RunRecord
from dltrain.training.saving.state import TrainingState, list_states, load_newest_state
from dltrain.training.segments import ResidentSegments, Segments, take_tensors, to_tensors, with_weights
from dltrain.training.streamed_segments import StreamedSegments
from dltrain.training.trainer import Trainer


class Phases:
    """Makes the trainer of each phase.

    Args:
        record: of the fit: its config and data, where everything goes, and who is told.
        model: the whole model, compiled for the first phase.

    Attributes:
        tensors: the parts as the model of the phase under way takes them.
        forward: the pass forward of that model.
        history: of the run.
    """

    def __init__(self, record: RunRecord, model: Any) -> None:
        config, dataset = record.config, record.dataset
        self._record, self._model, self._dataset, self._heads = record, model, dataset, record.heads
        self._seed, self._training, self._stages = config.draw_seed, config.needed_training, config.needed_training.stages
        self._run, self._reporter, self._group = record.run, record.session.reporter, record.session.group
        self._parts = {name: encode_part(part, dataset.schema, self._heads) for name, part in dataset.parts.items()}
        self._batch_size = evaluation_batch_size(self._parts["train"].inputs)
        self._corrupt = corruption_of(config, dataset.schema)
        self.tensors: dict[str, Tensors] = {}
        self.forward = Forward(model, self._batch_size)
        self.history: History

    def first(self, *, resumed: bool) -> Trainer:
        """The trainer with which this process begins: that of the first phase, or of the one that a resumed run is in."""
        state, notes = self._state(resumed=resumed)
        for note in notes:
            self._reporter.warning(note)
        phase = int(state.memory.get("phase", 0)) if state else 0
        first_epoch = int(state.memory.get("first_epoch", 0)) if state else 0
        if self._unfreeze(range(phase + 1)) or phase:
            compile_model(self._model, self._heads, self._stages[phase])
        self.history = History(self._run.history_file, state.memory["history"] if state else None)
        trainer = self._build(Phase(phase, len(self._stages), first_epoch), None)
        if state is not None:
            trainer.restore(state)
        num_epochs = first_epoch + sum(stage.epochs for stage in self._stages[phase:])
        self._reporter.run_started(str(self._run.path), trainer.pace.epoch, num_epochs, trainer.data.num_steps)
        self._tell_of(trainer)
        return trainer

    def _state(self, *, resumed: bool) -> tuple[TrainingState | None, list[str]]:
        """The state to go on from: that of the run, which is the chief's, and what there is to say of it."""
        if self._group.is_chief:
            state, notes = load_newest_state(self._run) if resumed else (None, [])
            if self._group.count > 1:  # those that were passed over, with a note each, are no state to go on from
                newest = None if state is None else list_states(self._run)[len(notes)]
                self._group.bytes_of_chief(None if newest is None else newest.read_bytes())
            return state, notes
        content = self._group.bytes_of_chief(None)
        if content is None:
            return None, []
        write_atomically(self._run.state / "state-000000-000000000.npz", content)
        return load_newest_state(self._run)

    def has_more(self, trainer: Trainer) -> bool:
        """Whether a phase follows that of a trainer."""
        return trainer.pace.phase.index + 1 < len(self._stages) and not trainer.pace.pruned

    def following(self, trainer: Trainer) -> Trainer:
        """The trainer of the next phase; that it began is on disk when this returns."""
        pace = trainer.pace
        phase = pace.phase.index + 1
        self._unfreeze([phase])
        compile_model(self._model, self._heads, self._stages[phase])
        following = self._build(Phase(phase, len(self._stages), pace.epoch), pace.checkpoints)
        following.save()
        self._record.write()
        self._tell_of(following)
        return following

    def _tell_of(self, trainer: Trainer) -> None:
        if len(self._stages) > 1:
            phase = trainer.pace.phase
            num_epochs = phase.first_epoch + sum(stage.epochs for stage in self._stages[phase.index :])
            trained = sum(int(np.prod(variable.shape)) for variable in self._model.trainable_variables)
            steps = trainer.data.num_steps
            self._reporter.phase_started(phase.index, phase.count, phase.first_epoch, num_epochs, steps, trained)

    def _unfreeze(self, phases: Sequence[int]) -> bool:
        wanted = [self._training.phases[phase].unfreeze for phase in phases if phase < len(self._training.phases)]
        for layers in wanted:
            if layers is not None:
                unfreeze(self._model, layers)
        return any(layers is not None for layers in wanted)

    def _build(self, phase: Phase, checkpoints: Checkpoints | None) -> Trainer:
        stage, parts = self._stages[phase.index], self._parts
        frozen = self._find_frozen(stage)
        trained = self._model if frozen is None else frozen.rest
        row_weights = self._prepare(stage, frozen)
        pace = self._pace(phase, trained, checkpoints)
        if frozen is not None:  # the longest work comes when all else was found to be right
            digest = weights_digest(frozen)
            note_features(self._record.manifest, frozen, digest)
            threads = self._record.session.threads
            parts = with_features(frozen, parts, threads=threads, reporter=self._reporter, weights=digest)
        self.forward = Forward(trained, self._batch_size)
        self.tensors = {name: to_tensors(part) for name, part in parts.items()}
        data = self._segments(stage, replace(parts["train"], weights=row_weights))
        num_steps = data.num_steps * stage.epochs
        jit_compile = self._compiler(phase.index, trained, num_steps)
        curves, group = Curves(trained, stage.optimizer, num_steps), self._group
        loop = CompiledLoop(trained, stage.batch_size, jit_compile=jit_compile, corrupt=self._corrupt, curves=curves, group=group)
        validation = (self._share(self.tensors["validation"], parts), self.forward) if "validation" in parts else None
        return Trainer(trained, data, validation, loop, pace, run=self._run, reporter=self._reporter)

    def _share(self, validation: Tensors, parts: Mapping[str, EncodedPart]) -> Tensors:
        """The rows of the validation part that this process evaluates."""
        if self._group.count == 1:
            return validation
        own = self._group.rows(parts["validation"].num_rows)
        return take_tensors(validation, np.arange(own.start, own.stop, dtype=np.int64))

    def _prepare(self, stage: TrainingConfig, frozen: FrozenPrefix | None) -> Any:
        """Compile what is trained of the model and build its metrics; returns the weights of the training rows."""
        sample = self._parts["train"]
        weights = resolve_class_weights(stage.class_weight, self._dataset.parts["train"], self._heads)
        if weights:
            encoded = encode_part(self._dataset.parts["train"], self._dataset.schema, self._heads, weights)
            sample = replace(sample, weights=encoded.weights)
        row_weights, trained = sample.weights, self._model
        if frozen is not None:
            trained = frozen.rest
            compile_model(trained, self._heads, stage, optimizer=self._model.optimizer)
            sample = replace(sample, inputs=(np.empty((0, *frozen.shape), np.float32),))
        build_metrics(trained, sample)
        return row_weights

    def _pace(self, phase: Phase, trained: Any, checkpoints: Checkpoints | None) -> Pace:
        """What the ends of the phase's epochs mean; checkpoints go on from phase to phase."""
        stage, has_validation = self._stages[phase.index], "validation" in self._parts
        columns = history_columns(list(trained.get_metrics_result()), stage, has_validation=has_validation)
        callbacks = EpochCallbacks(
            trained, stage, columns, has_validation=has_validation, folder=self._run.path, first_epoch=phase.first_epoch
        )
        if checkpoints is None:
            refuse_h5(self._model, stage, trained=None if trained is self._model else trained)
            monitor, mode = best_monitor(stage, columns, callbacks, has_validation=has_validation)
            checkpoints = Checkpoints(self._run, trained, stage.checkpoint, monitor=monitor, mode=mode, whole=self._model)
        else:
            checkpoints.go_on_with(trained)
        should_stop = self._record.session.should_stop
        return Pace(stage, callbacks, checkpoints, self.history, phase=phase, reporter=self._reporter, should_stop=should_stop)

    def _find_frozen(self, stage: TrainingConfig) -> FrozenPrefix | None:
        """The beginning of the model whose features are kept in this phase; None: it is trained as a whole."""
        if stage.cache_features is False or self._corrupt is not None or self._heads[0].is_reconstruction:
            return None
        frozen = find_frozen_prefix(self._model)
        if frozen is None:
            return None
        num_bytes = features_bytes(frozen, self._parts)
        if stage.cache_features is None and num_bytes > MOST_BYTES:
            self._reporter.detail(f"the features of {frozen.name} would take {num_bytes:,} bytes: computed anew in each epoch")
            return None
        return frozen

    def _segments(self, stage: TrainingConfig, part: EncodedPart) -> Segments:
        """The training part as the loop takes it: in memory, or read from disk while it is trained on."""
        if part.on_disk:
            streamed = StreamedSegments(part, batch_size=stage.batch_size, seed=self._seed, shuffle=stage.shuffle)
            self._reporter.detail(streamed.description)
            return streamed
        self._reporter.detail(f"training data held in memory as tensors: {part.num_rows:,} rows, {part.num_bytes:,} bytes")
        tensors = with_weights(self.tensors["train"], part)
        return ResidentSegments(tensors, part.num_rows, batch_size=stage.batch_size, seed=self._seed, shuffle=stage.shuffle)

    def _compiler(self, phase: int, model: Any, num_steps: int) -> bool:
        """The decision about XLA; a run that goes on keeps the one it began with."""
        known = self._record.manifest.compiler_of(phase)
        if known is not None:
            jit_compile, reason = bool(known["jit_compile"]), "as when the run began"
        else:
            wanted = self._stages[phase].jit_compile
            jit_compile, reason = decide_jit_compile(wanted, model, num_steps, workers=self._group.count)
            self._record.manifest.note_compiler(phase, {"jit_compile": jit_compile, "reason": reason})
        self._reporter.detail(f"XLA {'on' if jit_compile else 'off'}: {reason}")
        return jit_compile
