"""The phases of a run, one trainer for each: what is trained, on what, and who is told of it.

A run without `training.phases` has one phase. Epochs count on from phase to phase; optimizer and callbacks begin anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dltrain.config.types import Config, TrainingConfig
from dltrain.data.dataset import Dataset
from dltrain.model.compile import build_metrics, compile_model
from dltrain.model.corruption import corruption_of
from dltrain.model.encode import EncodedPart, encode_part, resolve_class_weights
from dltrain.model.forward import Forward, evaluation_batch_size
from dltrain.model.frozen import MOST_BYTES, FrozenPrefix, find_frozen_prefix
from dltrain.model.heads.head import Head
from dltrain.model.unfreeze import unfreeze
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.training.callbacks import EpochCallbacks
from dltrain.training.compiler import decide_jit_compile
from dltrain.training.curves import Curves
from dltrain.training.frozen_features import features_bytes, note_features, weights_digest, with_features
from dltrain.training.history import History
from dltrain.training.loop import CompiledLoop, Tensors
from dltrain.training.saving.checkpoints import Checkpoints, check_template
from dltrain.training.saving.record import best_monitor, refuse_h5
from dltrain.training.saving.state import load_newest_state
from dltrain.training.segments import ResidentSegments, Segments, to_tensors, with_weights
from dltrain.training.streamed_segments import StreamedSegments
from dltrain.training.trainer import ShouldStop, Trainer


class Phases:
    """Makes the trainer of each phase.

    Args:
        config: the config.
        training: its `training:` block.
        dataset: its data.
        heads: of its model.
        model: the whole model, compiled for the first phase.
        run: where everything goes.
        manifest: of the run; decisions that could change bits are kept in it.
        threads: of the run.
        reporter: told of decisions.
        should_stop: asked at each epoch's end; it ends the run, not its phase alone.

    Attributes:
        tensors: the parts as the model of the phase under way takes them.
        forward: the pass forward of that model.
    """

    def __init__(
        self,
        config: Config,
        training: TrainingConfig,
        dataset: Dataset,
        heads: tuple[Head, ...],
        model: Any,
        *,
        run: Run,
        manifest: dict[str, Any],
        threads: int,
        reporter: Reporter,
        should_stop: ShouldStop | None = None,
    ) -> None:
        self._should_stop = should_stop
        self._seed, self._training, self._stages = config.seed, training, training.stages
        self._dataset, self._heads, self._model = dataset, heads, model
        self._run, self._manifest, self._threads, self._reporter = run, manifest, threads, reporter
        self._parts = {name: encode_part(part, dataset.schema, heads) for name, part in dataset.parts.items()}
        self._batch_size = evaluation_batch_size(self._parts["train"].inputs)
        self._corrupt = corruption_of(config, dataset.schema)
        self.tensors: dict[str, Tensors] = {}
        self.forward = Forward(model, self._batch_size)

    def first(self, *, resumed: bool) -> Trainer:
        """The trainer with which this process begins: that of the first phase, or of the one that a resumed run is in."""
        state, notes = load_newest_state(self._run) if resumed else (None, [])
        for note in notes:
            self._reporter.warning(note)
        phase = int(state.memory.get("phase", 0)) if state else 0
        first_epoch = int(state.memory.get("first_epoch", 0)) if state else 0
        if self._unfreeze(range(phase + 1)) or phase:
            compile_model(self._model, self._heads, self._stages[phase])
        history = History(self._run.history_file, state.memory["history"] if state else None)
        trainer = self._build(phase, first_epoch, history, None)
        if state is not None:
            trainer.restore(state)
        num_epochs = first_epoch + sum(stage.epochs for stage in self._stages[phase:])
        self._reporter.run_started(str(self._run.path), trainer.epoch, num_epochs, trainer.data.num_steps)
        self._tell_of(trainer)
        return trainer

    def has_more(self, trainer: Trainer) -> bool:
        """Whether a phase follows that of a trainer."""
        return trainer.phase + 1 < len(self._stages) and not trainer.ended

    def following(self, trainer: Trainer) -> Trainer:
        """The trainer of the next phase; that it began is on disk when this returns."""
        phase = trainer.phase + 1
        self._unfreeze([phase])
        compile_model(self._model, self._heads, self._stages[phase])
        following = self._build(phase, trainer.epoch, trainer.history, trainer.checkpoints)
        following.save()
        self._run.write_manifest(self._manifest)
        self._tell_of(following)
        return following

    def _tell_of(self, trainer: Trainer) -> None:
        if len(self._stages) > 1:
            num_epochs = trainer.first_epoch + sum(stage.epochs for stage in self._stages[trainer.phase :])
            trained = sum(int(np.prod(variable.shape)) for variable in self._model.trainable_variables)
            steps = trainer.data.num_steps
            self._reporter.phase_started(trainer.phase, len(self._stages), trainer.first_epoch, num_epochs, steps, trained)

    def _unfreeze(self, phases: Sequence[int]) -> bool:
        wanted = [self._training.phases[phase].unfreeze for phase in phases if phase < len(self._training.phases)]
        for layers in wanted:
            if layers is not None:
                unfreeze(self._model, layers)
        return any(layers is not None for layers in wanted)

    def _build(self, phase: int, first_epoch: int, history: History, checkpoints: Checkpoints | None) -> Trainer:
        stage, parts = self._stages[phase], self._parts
        weights = resolve_class_weights(stage.class_weight, self._dataset.parts["train"], self._heads)
        frozen = self._find_frozen(stage)
        trained = self._model if frozen is None else frozen.rest
        sample = parts["train"]
        if weights:
            encoded = encode_part(self._dataset.parts["train"], self._dataset.schema, self._heads, weights)
            sample = replace(sample, weights=encoded.weights)
        row_weights = sample.weights
        if frozen is not None:
            compile_model(trained, self._heads, stage, optimizer=self._model.optimizer)
            sample = replace(sample, inputs=(np.empty((0, *frozen.shape), np.float32),))
        build_metrics(trained, sample)
        names = list(trained.get_metrics_result())
        has_validation = "validation" in parts
        columns = [*names, *(f"val_{name}" for name in names if has_validation), "learning_rate"]
        if stage.checkpoint.filepath:
            check_template(stage.checkpoint.filepath, ["epoch", *columns])
        callbacks = EpochCallbacks(
            trained, stage, columns, has_validation=has_validation, folder=self._run.path, first_epoch=first_epoch
        )
        if checkpoints is None:
            refuse_h5(self._model, stage, trained=None if frozen is None else trained)
            monitor, mode = best_monitor(trained, stage, columns, callbacks, has_validation=has_validation)
            checkpoints = Checkpoints(self._run, trained, stage.checkpoint, monitor=monitor, mode=mode, whole=self._model)
        else:
            checkpoints.go_on_with(trained)
        if frozen is not None:  # the longest work comes when all else was found to be right
            digest = weights_digest(frozen)
            note_features(self._manifest, frozen, digest)
            parts = with_features(frozen, parts, threads=self._threads, reporter=self._reporter, weights=digest)
        self.forward = Forward(trained, self._batch_size)
        self.tensors = {name: to_tensors(part) for name, part in parts.items()}
        data = self._segments(stage, replace(parts["train"], weights=row_weights))
        jit_compile = self._compiler(phase, trained, data.num_steps * stage.epochs)
        curves = Curves(trained, stage.optimizer, data.num_steps * stage.epochs)
        return Trainer(
            trained,
            data,
            (self.tensors["validation"], self.forward) if has_validation else None,
            stage,
            loop=CompiledLoop(trained, stage.batch_size, jit_compile=jit_compile, corrupt=self._corrupt, curves=curves),
            callbacks=callbacks,
            checkpoints=checkpoints,
            history=history,
            run=self._run,
            reporter=self._reporter,
            should_stop=self._should_stop,
            phase=phase,
            num_phases=len(self._stages),
            first_epoch=first_epoch,
        )

    def _find_frozen(self, stage: TrainingConfig) -> FrozenPrefix | None:
        """The beginning of the model whose features are kept in this phase; None: it is trained as a whole."""
        if stage.cache_features is False or self._corrupt is not None or self._heads[0].task == "reconstruction":
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
        key = f"compiler_phase_{phase + 1}" if phase else "compiler"
        known = self._manifest.get(key)
        if isinstance(known, dict):
            jit_compile, reason = bool(known["jit_compile"]), "as when the run began"
        else:
            jit_compile, reason = decide_jit_compile(self._stages[phase].jit_compile, model, num_steps)
            self._manifest[key] = {"jit_compile": jit_compile, "reason": reason}
        self._reporter.detail(f"XLA {'on' if jit_compile else 'off'}: {reason}")
        return jit_compile
