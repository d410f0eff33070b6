"""`export`: a run as one file with its preprocessing inside, compared with the run before it is put in its place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import TargetSpec
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.errors import RunError, UsageError
from dltrain.evaluation.average_of_sweep import load_trusted
from dltrain.evaluation.load_run import StoredRun, find_checkpoint, run_outputs
from dltrain.evaluation.made_up_rows import largest_difference, make_up
from dltrain.evaluation.masks.score import pixel_probabilities
from dltrain.evaluation.metrics.report import probabilities_of
from dltrain.model.export.format import ExportFormat, document
from dltrain.model.export.outputs import output_names, units_of_input
from dltrain.model.export.raw_model import RawModel, build_raw_model, describe_inputs
from dltrain.model.keras_import import import_keras, quiet_stderr
from dltrain.model.own_code.blame import blames_own_code
from dltrain.reporting import Reporter
from dltrain.storage.atomic import replace_whole
from dltrain.storage.outputs import note_absent, refuse_part_of_run, where_written

NAMES = ("keras", "saved_model", "onnx", "tflite")
MOST_DIFFERENCE = 1e-3
# An export computes in float32, and its last few operations may each be off by half a step between two such numbers.
STEPS_OFF = 4


@dataclass(slots=True)
class Export:
    """What was exported.

    Attributes:
        run: the run.
        path: the file or folder.
        format: one of `NAMES`.
        num_bytes: of it.
        inputs, outputs: as plain values: name, column, dtype, shape, meaning, labels.
        num_rows: made-up rows on which it was compared with the run; 0: nothing is installed that reads the format.
        difference: the largest one there, of probabilities or of numbers in units of their deviation.
        usage: lines of Python that open and ask it.
        notes: sentences for the user.
    """

    run: Path
    path: Path
    format: str
    num_bytes: int
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    num_rows: int
    difference: float | None
    usage: list[str]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlace:
    """As what, and where to, a run is exported.

    Attributes:
        format: one of `NAMES`; None: by the destination's suffix, else keras.
        destination: the file; None: the run's name with the format's suffix, in the working directory.
        force: replace an export that is there.
    """

    format: str | None = None
    destination: Path | None = None
    force: bool = False

    def choose(self, run: Path) -> tuple[ExportFormat, Path]:
        """The format, and the path that is free for it."""
        chosen = choose_format(self.format, self.destination)
        chosen.require_packages()
        path = self.destination or Path(f"{run.resolve().name}{chosen.suffix or '_' + chosen.name}")
        check_destination(path, chosen, force=self.force)
        return chosen, path


@blames_own_code
def export(
    run: Path,
    *,
    weights: str | None = None,
    top: int | None = None,
    threads: int | None = None,
    reporter: Reporter | None = None,
    **place: Any,
) -> Export:
    """Write a run as one file with its preprocessing inside.

    Args:
        run: the run directory.
        weights: "best", "last", or None: the run's model.
        top: of a sweep: the average of so many of its best trials; None: the best one.
        threads: threads for one operation; None: those of the run.
        reporter: is told what happens.
        place: the attributes of `ExportPlace`, such as `format`.

    Raises:
        RunError: the run is damaged, or something is in the way.
        UsageError: the format cannot hold the run, or what it needs is not installed.
    """
    reporter, asked = reporter or Reporter(), ExportPlace(**place)
    stored = load_trusted(run, top)
    chosen, path = asked.choose(run)
    notes = []
    if chosen.in_float32 and stored.config.model.precision != "float32":
        notes.append(f"the file computes in float32: not all that reads {chosen.name} knows {stored.config.model.precision}")
        stored = stored.in_float32()
    outputs = [name for names in output_names(stored.heads) for name in names]
    named = partial(chosen.input_names, outputs=outputs)
    inputs = describe_inputs(stored.preprocessing, named, with_text=chosen.takes_text)
    _, checkpoint = find_checkpoint(stored, weights, reporter)
    reporter.status("importing Keras")
    keras = import_keras(threads or stored.threads)
    reporter.status("building the model")
    model = stored.build(checkpoint)
    raw = build_raw_model(
        keras, model, stored.preprocessing, inputs, stored.heads, with_text=chosen.with_text, any_size=chosen.any_size
    )
    reporter.status(f"writing {path}")
    with replace_whole(path, suffix=chosen.suffix) as temporary:
        with quiet_stderr():
            chosen.write(raw, temporary)
        reporter.status("comparing it with the run")
        num_rows, difference = _compare(stored, model, raw, chosen, temporary)
    imports = _imports_of_own_code(stored, model) if chosen.names_classes else []
    notes += [*_to_be_said(stored, chosen, num_rows, imports), *_of_coarse_numbers(stored)]
    return Export(
        run=run,
        path=path,
        format=chosen.name,
        num_bytes=_size(path),
        num_rows=num_rows,
        difference=difference,
        usage=[*imports, *chosen.usage(str(path), raw.inputs, raw.outputs)],
        notes=notes,
        **document(raw.inputs, raw.outputs, chosen),
    )


def _imports_of_own_code(stored: StoredRun, model: Any) -> list[str]:
    """Lines of Python that bring the classes of the run's own code which its model has; none where it has none."""
    from dltrain.model.export.keras_file import registered_names

    code = stored.config.code
    if code is None or not {name.rpartition(">")[2] for name in registered_names(model.get_config())} & set(code.components):
        return []
    modules = [file.name.removesuffix(".py") for file in code.files]
    names = [f"import {name}" if name.isidentifier() else f"__import__({name!r})" for name in modules]
    return [f"import sys; sys.path.insert(0, {str(stored.run.code)!r})", *names]


def _to_be_said(stored: StoredRun, chosen: ExportFormat, num_rows: int, imports: Sequence[str]) -> list[str]:
    """What is odd about the file: that nothing compared it, that it needs own code, or answers a part of what the run does."""
    notes = []
    if not num_rows:
        notes.append(f"nothing that reads {chosen.name} files is installed: the file was not compared with the run")
    if imports:
        notes.append(
            f"the file names classes of the run's own code: it opens where that was imported before, from {stored.run.code}"
        )
    if isinstance(stored.preprocessing, SeriesPreprocessing) and stored.preprocessing.labels_whole:
        notes.append("the file answers one window; a series' answer is the mean of the probabilities of its windows")
    return notes


# What a SavedModel consists of; a folder with anything else in it is not replaced.
SAVED_MODEL_NAMES = frozenset({"saved_model.pb", "fingerprint.pb", "keras_metadata.pb", "variables", "assets", "assets.extra"})


def choose_format(name: str | None, destination: Path | None) -> ExportFormat:
    """The format of that name; without one, by the destination's suffix, else Keras's.

    Raises:
        UsageError: no such format, or a name that its files cannot have.
    """
    from dltrain.model.export.keras_file import KerasFile
    from dltrain.model.export.onnx_file import OnnxFile
    from dltrain.model.export.saved_model import SavedModel
    from dltrain.model.export.tflite_file import TfliteFile

    formats: dict[str, ExportFormat] = {item.name: item for item in (KerasFile(), SavedModel(), OnnxFile(), TfliteFile())}
    suffix = destination.suffix if destination else ""
    if name is None:
        name = next((item.name for item in formats.values() if item.suffix and item.suffix == suffix), "keras")
    if name not in formats:
        raise UsageError(f"there is no export format {name!r}", hint=f"the formats are {', '.join(formats)}")
    other = next((item.name for item in formats.values() if item.suffix and item.suffix == suffix and item.name != name), None)
    if other is not None and destination is not None:
        hint = f"-o {destination.stem}{formats[name].suffix}, or --format {other}"
        raise UsageError(f"{destination} is named as a file of {other}, and --format asks for {name}", hint=hint)
    if name == "keras" and destination is not None and suffix != ".keras":
        raise UsageError(
            f"Keras opens only files whose names end with .keras, found {destination}", hint=f"-o {destination.stem}.keras"
        )
    return formats[name]


def check_destination(path: Path, chosen: ExportFormat, *, force: bool) -> None:
    """Refuse a place that cannot hold the export, before any work is done for it.

    Raises:
        RunError: something is there already that is not to be replaced, or the folder cannot be written.
        UsageError: it is a file of a run, there is no such folder, or no file can have its name.
    """
    where_written(path)
    if not path.parent.is_dir():
        raise UsageError(f"the export cannot be written to {path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise RunError(f"the export cannot be written to {path}: the folder {path.parent} cannot be written")
    refuse_part_of_run(path)
    note_absent(path)
    if not os.path.lexists(path):
        return
    is_other = path.is_dir() != chosen.is_folder or not (path / "saved_model.pb" if path.is_dir() else path).is_file()
    if path.is_symlink() or is_other:
        kind = (
            "a link"
            if path.is_symlink()
            else "a folder"
            if path.is_dir()
            else "a file"
            if path.is_file()
            else "a pipe or a device"
        )
        raise RunError(f"{path} is {kind} that is no {chosen.name} export; it was not replaced", hint="choose another -o")
    if not force:
        raise RunError(f"{path} is there already", hint="choose another -o, or replace it with --force")
    foreign = sorted(file.name for file in path.iterdir() if file.name not in SAVED_MODEL_NAMES) if path.is_dir() else []
    if foreign:
        names = ", ".join(foreign[:5]) + (", …" if len(foreign) > 5 else "")
        raise RunError(f"{path} holds what is no part of an export, {names}; it was not replaced", hint="choose another -o")


def _compare(stored: StoredRun, model: Any, raw: RawModel, chosen: ExportFormat, path: Path) -> tuple[int, float | None]:
    """How many made-up rows the written file answered, and how far from the run's own answers at most.

    Raises:
        RunError: too far.
    """
    inputs = raw.inputs
    rows, prepared = make_up(stored.preprocessing, inputs)
    arrays = [prepared[spec.name] for spec in stored.preprocessing.schema.inputs]
    outputs = run_outputs(model, arrays)
    expected, scales = _answers(stored, raw, outputs)
    with quiet_stderr():
        found = chosen.answer(path, raw, rows)
    if found is None:
        return 0, None
    difference = largest_difference(expected, found, scales)
    if not difference <= MOST_DIFFERENCE:
        raise RunError(
            f"the {chosen.name} file answers otherwise than the run, by up to {difference:.3g}; it was not kept",
            hint="another --format may hold this model; `dltrain predict` answers as ever",
        )
    return len(arrays[0]), difference


def _of_coarse_numbers(stored: StoredRun) -> list[str]:
    """Says which targets float32 takes in steps that are no small part of how far apart they are."""
    notes = []
    for target in (target for head in stored.heads if head.task == "regression" for target in head.targets):
        step = float(_float32_steps(target, np.array([target.to_own(0.0)]))[0])
        if step > MOST_DIFFERENCE * target.scale and not target.is_bent:
            notes.append(f"{target.name}: the file answers in float32, which takes numbers of this size in steps of {step:g}")
    return notes


def _answers(stored: StoredRun, raw: RawModel, outputs: Sequence[NDArray[Any]]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What the run itself answers, by the names of the export's outputs, and the scale of each."""
    values: list[tuple[NDArray[Any], Any]] = []
    for head, output in zip(stored.heads, outputs, strict=True):
        if head.is_mask:
            values.append((pixel_probabilities(head, output), 1.0))
        elif head.classes:
            values.append((probabilities_of(head, output), 1.0))
        elif head.task == "regression":
            own = [(target, target.to_prediction(output[:, index])) for index, target in enumerate(head.targets)]
            values += [(numbers, np.maximum(target.deviation_at(numbers), _coarse(target, numbers))) for target, numbers in own]
        else:
            center, spread = units_of_input(stored.preprocessing) or (np.array(0.0), np.array(1.0))
            values.append((output * spread + center, float(np.max(spread)) or 1.0))
    names = [item.name for item in raw.outputs if item.dtype == "float32"]
    expected = {name: value for name, (value, _) in zip(names, values, strict=True)}
    return expected, {name: scale for name, (_, scale) in zip(names, values, strict=True)}


def _coarse(target: TargetSpec, numbers: NDArray[Any]) -> NDArray[Any]:
    """The deviation below which steps of float32 are too large for a difference to tell anything."""
    return STEPS_OFF / MOST_DIFFERENCE * _float32_steps(target, numbers)


def _float32_steps(target: TargetSpec, numbers: NDArray[Any]) -> NDArray[Any]:
    """How far apart float32 numbers are where a target's predictions are made: about them and the mean that is added last."""
    sizes = np.maximum(np.abs(numbers), 0.0 if target.is_log else abs(target.mean))
    return np.asarray(np.spacing(sizes.astype(np.float32)), np.float64)


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
