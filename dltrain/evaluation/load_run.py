"""A run from disk: its config, its preprocessing and its model, without executing anything that the run's files hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from dltrain.config import load_config
from dltrain.config.own_code.read import KEY as CODE
from dltrain.config.types import Config
from dltrain.data.arrays.disk_array import Array
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.stored import load_preprocessing
from dltrain.errors import ConfigError, RunError, UsageError
from dltrain.model.build import build_model
from dltrain.model.forward import Forward, evaluation_batch_size, keep_compiled
from dltrain.model.heads.head import Head
from dltrain.model.heads.rules import heads_of
from dltrain.model.heads.stored_answers import FILE as ANSWERS_FILE
from dltrain.model.heads.stored_answers import read_answers
from dltrain.model.members import average_models, averaged_heads, build_members
from dltrain.model.own_code.importing import require_trust
from dltrain.model.symbolic import infer_network
from dltrain.model.weights.checkpoint_size import largest_checkpoint
from dltrain.model.weights.weights import load_weights
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.storage.run_list import best_of_sweep
from dltrain.storage.stored import check_digest

MOST_THREADS = 1024
LEAST_BYTES_A_PARAMETER = 2  # float16; no file of the run is compressed
# Between two questions stay so many models in memory, a run's and that of the one beside it, and none that is larger.
MOST_KEPT, MOST_KEPT_BYTES = 2, 64 << 20
# The models that were asked last, with what they are made of; whoever asks takes one out.
_KEPT: list[tuple[tuple[Any, ...], Any]] = []
_KEEPING = threading.Lock()


@dataclass(slots=True)
class StoredRun:
    """What a run's directory says, before any model is built.

    Attributes:
        run: the directory.
        config: the resolved config.
        manifest: the manifest.
        preprocessing: as fitted in training.
        heads: outputs of the model, with what makes answers of them.
        answers_of: "best" or "last": to whose outputs calibration and thresholds were fitted; None: there are none.
    """

    run: Run
    config: Config
    manifest: dict[str, Any]
    preprocessing: Preprocessing
    heads: tuple[Head, ...]
    answers_of: str | None = None

    @property
    def is_average(self) -> bool:
        """Whether its model is the average of several."""
        return self.config.training is not None and self.config.training.members.are_several

    @property
    def member_heads(self) -> tuple[Head, ...]:
        """The heads of one member, where it is an average; `heads` are those of the average."""
        return heads_of(self.config, self.preprocessing.schema)

    def in_float32(self) -> Self:
        """The same with all layers in float32, as the weights are."""
        config = replace(self.config, model=replace(self.config.model, precision="float32"))
        return replace(self, config=config)

    @property
    def threads(self) -> int | None:
        """With how many threads the run was trained, if the manifest says something sensible."""
        threads = self.manifest.get("threads")
        return threads if isinstance(threads, int) and 1 <= threads <= MOST_THREADS else None

    def checkpoint(self, weights: str | None) -> tuple[str, Path]:
        """Name and path of the checkpoint to use.

        Args:
            weights: "best", "last", or None: the run's model.

        Raises:
            UsageError: the run has no such checkpoint.
            RunError: it was changed since the run ended.
        """
        training = self.config.training
        suffix = training.checkpoint.format if training else "h5"
        there = [name for name in ("best", "last") if (self.run.checkpoints / f"{name}.{suffix}").exists()]
        name = weights or self.manifest.get("weights") or ("best" if "best" in there else "last")
        if name not in there:
            hint = f"it has {' and '.join(there)}" if there else "it did not finish an epoch"
            raise UsageError(f"the run {self.run.path} has no {name} weights", hint=hint)
        path = self.run.checkpoints / f"{name}.{suffix}"
        most = largest_checkpoint(self.config, self.preprocessing.schema, self.member_heads)
        check_digest(self.run.path, path, self.manifest.get("files"), most=most)
        return name, path

    def build(self, weights: Path, *, layer: str | None = None) -> Any:
        """The model with a checkpoint's weights.

        Args:
            weights: from `checkpoint`.
            layer: end the model at this layer.

        Raises:
            RunError: the checkpoint is damaged or not the run's.
            UsageError: there is no such layer.
        """
        from dltrain.model.compile import compile_model
        from dltrain.model.keras_import import import_keras

        require_trust(self.config.code)
        self._refuse_larger_model(weights)
        keras = import_keras()
        try:
            if self.is_average:
                made = build_members(self.config, self.preprocessing.schema, self.member_heads)
                model = average_models(made, self.member_heads, same_beginning=self.manifest.get("same_beginning", False))
            else:
                model = build_model(
                    self.config.model,
                    self.preprocessing.schema,
                    self.heads,
                    seed=self.config.draw_seed,
                    augment=self.config.data.augment,
                    pretrained=False,
                )
            if self.config.training is not None:
                compile_model(model, self.heads, self.config.training)
        except ConfigError as error:
            if self.config.code is not None and error.faults[0].path == CODE:
                raise
            raise RunError(f"the config of the run {self.run.path} builds no model: {error.faults[0].message}") from error
        load_weights(model, weights)
        if layer is None:
            return model
        names = [item.name for item in model.layers]
        if layer not in names:
            hint = f"its layers are {', '.join(names)}"
            if self.is_average:
                hint += f"; those of a member are in {self.run.path}/members/1, a run by itself"
            raise UsageError(f"the model has no layer {layer!r}", hint=hint)
        return keras.Model(model.inputs, model.get_layer(layer).output, name="model")

    def _refuse_larger_model(self, weights: Path) -> None:
        """Refuse a config whose model is larger than the file of its weights, before Keras allocates it."""
        network = infer_network(self.config.model, self.preprocessing.schema, self.heads, self.config.data.augment)
        num_parameters = sum(row.found.parameters or 0 for row in network.rows)
        if weights.is_file() and num_parameters * LEAST_BYTES_A_PARAMETER > weights.stat().st_size:
            raise RunError(
                f"{weights} is too small for the {num_parameters:,} parameters of its model", hint="it is not this model's file"
            )


@contextmanager
def asked_model(stored: StoredRun, checkpoint: Path, *, layer: str | None = None) -> Iterator[Any]:
    """A run's model to ask: a new one, or that of one of the last questions where this one is of the same files.

    A process that asks a run again, such as a notebook or a server, does not build, load and compile its model each time.
    Meanwhile nobody else has it: a second thread builds one of its own.

    Args:
        stored: the run.
        checkpoint, layer: as for `StoredRun.build`.
    """
    made_of = _made_of(stored, checkpoint, layer)
    with _KEEPING:
        found = [place for place, (known, _) in enumerate(_KEPT) if known == made_of]
        model = _KEPT.pop(found[0])[1] if found else None
    if model is None:
        model = stored.build(checkpoint, layer=layer)
        keep_compiled(model)
    yield model
    if made_of is not None and model.count_params() * 4 <= MOST_KEPT_BYTES:
        with _KEEPING:
            _KEPT.append((made_of, model))
            del _KEPT[:-MOST_KEPT]


def _made_of(stored: StoredRun, checkpoint: Path, layer: str | None) -> tuple[Any, ...] | None:
    """What decides a model, to be compared; None: averages of several runs and own code, which are not kept."""
    if type(stored) is not StoredRun or stored.config.code is not None:
        return None
    names = ("config.yaml", "manifest.json", "preprocessing.json", "preprocessing.npz", ANSWERS_FILE)
    files = [path.stat() for path in (*(stored.run.path / name for name in names), checkpoint) if path.is_file()]
    states = tuple((file.st_ino, file.st_size, file.st_mtime_ns) for file in files)
    settings = repr((stored.config.model, stored.config.training, stored.heads))
    return stored.run.path.resolve(), checkpoint.name, layer, settings, states


def load_run(path: str | Path) -> StoredRun:
    """Read a run's config, manifest and preprocessing. Executes nothing, reads no pickle, needs no TensorFlow.

    Args:
        path: the run directory; a sweep's means its best trial.

    Raises:
        RunError: it is no run, or damaged.
    """
    run = Run(best_of_sweep(Path(path)))
    run.refuse_foreign_files()
    manifest = run.read_manifest()
    for file in ("config.yaml", "preprocessing.json", "preprocessing.npz", *_extras(run, manifest)):
        check_digest(run.path, run.path / file, manifest.get("files"))
    try:
        config = load_config(run.config_file)
        preprocessing = load_preprocessing(run.path)
        heads = heads_of(config, preprocessing.schema)
        if config.training is not None and config.training.members.are_several:
            heads = averaged_heads(heads)
        # What an earlier fit left there is of other weights: a fit that ended names its own in the manifest.
        is_settled = ANSWERS_FILE in manifest.get("files", ())
        heads, answers_of = read_answers(run.path, heads) if is_settled else (heads, None)
    except ConfigError as error:
        first = error.faults[0]
        hint = "set it as it was for the training" if "environment variable" in first.message else "the run is damaged"
        raise RunError(f"the config of the run {path} cannot be used: {first}", hint=hint) from error
    return StoredRun(run, config, manifest, preprocessing, heads, answers_of)


def _extras(run: Run, manifest: dict[str, Any]) -> list[str]:
    """Further files that an evaluation reads: `answers.json`, and of the run's state, if it is there, rows and components.

    The rows are those of training, the components the principal ones that a reconstruction is held against.

    Raises:
        RunError: the manifest names a file that is not in there.
    """
    names = [name.removeprefix("state/") for name in manifest.get("files", ()) if name.startswith("state/")]
    answers = [ANSWERS_FILE] if ANSWERS_FILE in manifest.get("files", ()) else []
    return [*answers, *(f"state/{name}" for name in names if run.inside("state", name).exists())]


def find_checkpoint(stored: StoredRun, wanted: str | None, reporter: Reporter) -> tuple[str, Path]:
    """`StoredRun.checkpoint`, with a warning where calibration and thresholds that the config asks for are not those of it.

    Args:
        stored: the run.
        wanted: "best", "last", or None: the run's model.
        reporter: hears the warning.
    """
    name, path = stored.checkpoint(wanted)
    _tell_answers(stored, name, reporter)
    return name, path


def _tell_answers(stored: StoredRun, weights: str, reporter: Reporter) -> None:
    wanted = stored.config.evaluation
    asked = [name for name, value in (("threshold", wanted.threshold), ("calibrate", wanted.calibrate)) if value is not None]
    words = " and ".join(f"evaluation.{name}" for name in asked)
    if stored.answers_of is not None and stored.answers_of != weights:
        reporter.warning(f"{words or 'the threshold'} was fitted to the {stored.answers_of} weights, not to the {weights} ones")
    elif asked and stored.manifest.get("status") != "finished":
        are = "are" if len(asked) > 1 else "is"
        reporter.warning(f"the run has not finished: {words} {are} not applied, for that is fitted at its end")


def run_outputs(model: Any, inputs: Sequence[Array]) -> list[NDArray[Any]]:
    """A model's outputs for preprocessed rows, the same bits as in training's own evaluation."""
    return list(Forward.of(model, evaluation_batch_size(inputs)).outputs(inputs))


def member_heads(stored: StoredRun) -> list[tuple[Head, ...]]:
    """The heads of each member of an ensemble that learnt logarithms, each with its own smearing; none of others.

    Args:
        stored: the ensemble.
    """
    if not any(target.is_log for head in stored.heads for target in head.targets):
        return []
    folder = stored.run.path / "members"
    members = [path for path in folder.glob("*") if path.name.isdecimal()]
    return [averaged_heads(load_run(path).heads) for path in sorted(members, key=lambda path: int(path.name))]
