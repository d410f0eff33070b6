"""`predict`: from raw rows or pictures to predictions, in a process that has only the run directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data import with_images
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Part
from dltrain.data.labels.cells import joined
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.pictures.reader import list_to_tell, parse_reader
from dltrain.data.pictures.tiles import large_notes
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import UsageError, texts
from dltrain.evaluation.asked_rows import OtherRows
from dltrain.evaluation.average_of_sweep import load_average
from dltrain.evaluation.load_run import StoredRun, find_checkpoint, load_run, run_outputs
from dltrain.evaluation.masks.predicted import MOST_KEPT, MaskMaker, ToldMask, mask_names, masks_of, refuse_inputs, shares_of
from dltrain.evaluation.masks.tiles import AT_ONCE, tell_in_tiles
from dltrain.evaluation.member_metrics import member_outputs
from dltrain.evaluation.metrics.reconstruction import row_errors
from dltrain.evaluation.metrics.report import probabilities_of
from dltrain.evaluation.predictions.files import prediction_columns
from dltrain.model.heads.answers import decide, decide_labels
from dltrain.model.heads.head import Head, without_answers
from dltrain.model.keras_import import import_keras
from dltrain.model.own_code.blame import blames_own_code
from dltrain.model.own_code.importing import require_trust
from dltrain.reporting import Reporter

if TYPE_CHECKING:
    import polars


@dataclass(slots=True)
class Predictions:
    """Predictions for rows.

    Attributes:
        identifiers: columns that name the rows: column -> text for each row.
        prediction: label or number for each row; None where a classifier's numbers are not finite.
        probabilities: label -> probability for each row, for classes; None for numbers.
        columns: further columns: those of several targets, of the most probable labels, of the layer that was asked for; of a
            mask `share_<label>`, and `mask`, its file; of a reconstruction `error` (mean squared error of the row's scaled
            numbers, whose mean `evaluate` calls `mse`) and the numbers in their own units.
        arrays: what `columns` holds number by number, in its own shape: name -> array [rows, ...].
        notes: sentences for the user.
    """

    identifiers: dict[str, list[str]]
    prediction: list[Any]
    probabilities: dict[str, NDArray[np.float64]] | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_frame(self) -> polars.DataFrame:
        """The columns that the command line writes, as a frame."""
        import polars

        columns = prediction_columns(self.identifiers, self.prediction, self.probabilities, self.columns)
        return polars.DataFrame([polars.Series(name, values) for name, values in columns.items()])


@blames_own_code
def predict(
    run: Path,
    *,
    weights: str | None = None,
    top: int | None = None,
    trials: int | None = None,
    layer: str | None = None,
    threads: int | None = None,
    reporter: Reporter | None = None,
    **rows: Any,
) -> Predictions:
    """Predict from raw rows or pictures.

    Args:
        run: the run directory.
        weights: "best", "last", or None: the run's model.
        top: for each row its so many most probable labels, as `label_1`, `probability_1`, `label_2`, ..., instead of a
            probability for every label.
        trials: of a sweep: the average of so many of its best trials; None: the best one.
        layer: give what this layer computes instead of the predictions.
        threads: threads for one operation; None: those of the run.
        reporter: is told what happens.
        rows: from which rows, by the attributes of `OtherRows`, such as `data`.

    Raises:
        DataError: the data is missing or does not fit.
        RunError: the run is damaged.
        UsageError: the run cannot predict from what was given.
    """
    reporter, asked = reporter or Reporter(), OtherRows(**rows)
    stored = load_run(run) if trials is None else load_average(run, trials)
    require_trust(stored.config.code)
    refuse_other_tasks(stored, top, {"--masks": asked.masks, "--tiles": asked.tiles})
    _refuse_tiles(stored, asked, layer)
    if asked.words and stored.preprocessing.source != "word_vectors":
        raise UsageError("--word needs a run on words", hint=f"the run's data is {stored.config.data.source}; give it --data")
    _, checkpoint = find_checkpoint(stored, weights, reporter)
    tiles = asked.tiles or _tiles_of_run(stored)
    if tiles is not None and layer is None:
        import_keras(threads or stored.threads)
        return _in_tiles(stored, stored.build(checkpoint), replace(asked, tiles=tiles), reporter)
    part = asked.read(stored, threads or stored.threads, reporter, with_targets=False)
    model = stored.build(checkpoint, layer=layer)
    inputs = [part.inputs[spec.name] for spec in stored.preprocessing.schema.inputs]
    if stored.heads[0].is_mask and layer is None:
        return _masks(stored, model, part, asked.masks)
    if stored.is_average and layer is None and not stored.heads[0].is_reconstruction:
        outputs, *members = member_outputs(model, inputs, stored.heads)
        result = predictions_of(stored.heads, outputs, part, top)
        add_spread(result, stored.heads, outputs, members)
        return result
    outputs = run_outputs(model, inputs)
    if layer is not None:
        result = _layer_values(layer, outputs, part)
    elif stored.heads[0].is_reconstruction:
        result = reconstructions_of(stored.preprocessing, outputs[0], part)
    else:
        result = predictions_of(stored.heads, outputs, part, top)
    result.notes += _not_finite(outputs)
    return result


def _refuse_tiles(stored: StoredRun, asked: OtherRows, layer: str | None) -> None:
    """Refuse tiles where nothing can be cut into some."""
    if asked.tiles is None:
        return
    if layer is not None:
        raise UsageError("--tiles and --layer exclude each other", hint="a layer's numbers are of the model's own size")
    if getattr(stored.preprocessing, "reader", None) is None:
        message = f"--tiles needs picture files, and none can stand for a row of {stored.preprocessing.source}"
        raise UsageError(message, hint="leave it out")


def _tiles_of_run(stored: StoredRun) -> int | None:
    """How wide the tiles are that the run was trained on; None: on whole pictures."""
    reader = getattr(stored.preprocessing, "reader", None)
    return parse_reader(reader).tiles if stored.heads[0].is_mask and reader else None


def refuse_other_tasks(stored: StoredRun, top: int | None, of_masks: Mapping[str, Any] | None = None) -> None:
    """Refuse options that say nothing of what the run predicts.

    Args:
        stored: the run.
        top: the value of --top.
        of_masks: options of runs of segmentation, by name; None is none.
    """
    if stored.heads[0].is_mask and top is not None:
        raise UsageError("--top is of the classes of a row; here each pixel has one", hint="leave it out")
    if top is not None and not any(head.classes for head in stored.heads):
        what = "the rows themselves" if stored.heads[0].is_reconstruction else f"a number, {stored.heads[0].targets[0].name}"
        raise UsageError(f"--top is of the classes of a row; this run predicts {what}", hint="leave it out")
    option = next((name for name, value in (of_masks or {}).items() if value is not None), None)
    if option is not None and not stored.heads[0].is_mask:
        task = stored.heads[0].task
        raise UsageError(f"{option} needs a run of segmentation; this one's task is {task}", hint="leave it out")


def _masks(stored: StoredRun, model: Any, part: Part, folder: Path | None) -> Predictions:
    """The share of each class in each picture, and the masks: as files of the pictures' own sizes, as arrays of the model's."""
    preprocessing = stored.preprocessing
    assert isinstance(preprocessing, PicturePreprocessing)
    maker = MaskMaker(preprocessing, stored.heads[0], model)
    files = part.identifiers.get("file", [f"{row + 1}" for row in range(part.num_rows)])
    result = _told_masks(maker, maker.tell(part), files, folder)
    result.identifiers = part.identifiers
    result.notes += texts(large_notes(part.sizes, maker.form, "--tiles {width}"), "warning")
    if maker.form.fit == "crop":
        result.notes.append(f"data.fit: crop shows the model the middle of a picture; pixels beside it are {maker.unseen}")
    return result


def _in_tiles(stored: StoredRun, model: Any, asked: OtherRows, reporter: Reporter) -> Predictions:
    """As `_masks`, of large pictures that the model is shown in overlapping tiles."""
    preprocessing = with_images(stored.preprocessing, asked.images) if asked.images else stored.preprocessing
    assert asked.tiles is not None
    assert isinstance(preprocessing, PicturePreprocessing)
    maker = MaskMaker(preprocessing, stored.heads[0], model, AT_ONCE)
    found = list_to_tell(asked.data, maker.reader, skip=asked.skip_broken or maker.reader.skips)
    for note in texts(found.notes, "warning"):
        reporter.warning(note)
    told = tell_in_tiles(maker, found.files, asked.tiles, reporter)
    return _told_masks(maker, told, [file.name for file in found.files], asked.masks)


def _told_masks(maker: MaskMaker, told: Iterable[ToldMask], files: Sequence[str], folder: Path | None) -> Predictions:
    result, names, classes = Predictions({"file": list(files)}, []), mask_names(files), maker.head.classes
    if folder is not None:
        refuse_inputs(folder, names, files)
    kept, room, shares, odd = list[NDArray[np.uint8]](), MOST_KEPT, np.zeros((len(files), len(classes))), 0
    with masks_of(folder) as write:
        for mask in told:
            odd += not mask.is_finite
            shares[mask.row] = shares_of(mask.codes, len(classes))
            small = mask.codes if mask.small is None else mask.small
            room -= small.size
            if room >= 0 and (not kept or kept[0].shape == small.shape):
                kept.append(small)
            if folder is not None:
                write(names[mask.row], maker.png(mask.codes))
    result.columns = {f"share_{label}": shares[:, place] for place, label in enumerate(classes)}
    if len(kept) == len(files):
        result.arrays["mask"] = np.stack(kept)
    if folder is not None:
        result.columns["mask"] = [str(folder / name) for name in names]
    else:
        held = "" if result.arrays else ", which an npz file does not hold, as they differ in size or are too many"
        result.notes.append(f"these are shares of the pixels; --masks FOLDER writes the masks as PNG{held}")
    if odd:
        result.notes.append(f"for {odd:,} of {len(files):,} pictures the model computes numbers that are not finite")
    return result


def _not_finite(outputs: Sequence[NDArray[Any]]) -> list[str]:
    """A sentence, where the model has no answer for some rows."""
    known = [all(row) for row in zip(*map(_finite_rows, outputs))]
    count = known.count(False)
    if not count:
        return []
    return [
        f"for {count:,} of {len(known):,} rows the model computes numbers that are not finite: its weights are not, "
        "or the rows hold numbers far beyond those that it was trained on"
    ]


def _finite_rows(output: NDArray[Any]) -> list[bool]:
    """Whether all numbers of a row are finite, for each row."""
    return [bool(known) for known in np.isfinite(output.reshape(len(output), -1)).all(axis=1)]


def _layer_values(layer: str, outputs: Sequence[NDArray[Any]], part: Part) -> Predictions:
    result = Predictions(part.identifiers, [])
    for number, output in enumerate(outputs):
        _add_numbers(result, layer if len(outputs) == 1 else f"{layer}_{number}", output)
    return result


def reconstructions_of(preprocessing: Preprocessing, output: NDArray[Any], part: Part) -> Predictions:
    """What was made of each row, in the units of the data, and how far it is from the row: what is unusual stands out.

    Args:
        preprocessing: of the run.
        output: of the model [rows, ...].
        part: the rows.
    """
    seen = in_memory(part.inputs[preprocessing.schema.inputs[0].name])
    result = Predictions(part.identifiers, [])
    result.columns["error"] = in_nine_digits(row_errors(seen, output))
    if isinstance(preprocessing, TablePreprocessing):
        columns = preprocessing.read_back(output)
        if columns:
            result.columns |= {f"prediction_{name}": values for name, values in columns.items()}
            return result
    elif isinstance(preprocessing, PicturePreprocessing) and not preprocessing.steps:
        _add_numbers(result, "output", preprocessing.unscale(output).astype(np.float32))
        return result
    result.notes.append(
        "the columns output_… are numbers as the model sees them: what made them of the data's own cannot be undone "
        "(data.transform, model.inputs)"
    )
    _add_numbers(result, "output", output)
    return result


def _add_numbers(result: Predictions, name: str, output: NDArray[Any]) -> None:
    """The numbers of each row, as an array and as a column each."""
    flat = output.reshape(len(output), -1)
    result.arrays[name] = output
    result.columns |= {f"{name}_{index}": flat[:, index] for index in range(flat.shape[1])}


def predictions_of(heads: Sequence[Head], outputs: Sequence[NDArray[Any]], part: Part, top: int | None) -> Predictions:
    """Labels and probabilities, or numbers in the target's own units, from a model's outputs.

    Args:
        heads: of the model.
        outputs: one array [rows, ...] per head.
        part: the rows.
        top: as for `predict`.
    """
    result = Predictions(part.identifiers, [])
    several = sum(target.is_middle for head in heads for target in head.targets) > 1
    for head, output in zip(heads, outputs, strict=True):
        if head.is_multilabel:
            _add_labels(result, head, output, top)
        elif head.task == "classification":
            _add_classes(result, head, output, top, several=several)
        elif head.task == "regression":
            for index, target in enumerate(head.targets):
                values = in_nine_digits(target.to_prediction(output[:, index]), None if target.is_log else target.scale).tolist()
                if not target.is_middle:
                    result.columns[f"quantile_{target.quantile:g}" + (f"_{target.plain_name}" if several else "")] = values
                elif several:
                    result.columns[f"prediction_{target.name}"] = values
                else:
                    result.prediction = values
        else:
            _add_numbers(result, "output", output)
    return result


def add_spread(
    result: Predictions, heads: Sequence[Head], outputs: Sequence[NDArray[Any]], members: Sequence[Sequence[NDArray[Any]]]
) -> None:
    """Columns `spread`: the sample standard deviation over the members of an ensemble, of the number or of the probability; of
    several labels `spread_<label>`.

    The probabilities are those that the members say, before the average is calibrated.

    Args:
        result: the predictions of the average.
        heads: of the model.
        outputs: of the average, an array [rows, ...] for each head.
        members: the same of each member.
    """
    several = sum(target.is_middle for head in heads for target in head.targets) > 1
    for place, (head, own) in enumerate(zip(heads, without_answers(heads), strict=True)):
        if head.is_multilabel:
            each = np.std(np.stack([probabilities_of(head, one[place]) for one in members]), axis=0, ddof=1)
            result.columns |= {f"spread_{label}": in_nine_digits(each[:, index]) for index, label in enumerate(head.classes)}
            continue
        if head.task == "classification":
            chosen = decide(head, probabilities_of(head, outputs[place]))[:, None]
            said = [np.take_along_axis(probabilities_of(own, one[place]), chosen, axis=1)[:, 0] for one in members]
            result.columns["spread" + (f"_{head.targets[0].name}" if several else "")] = _spread(said)
            continue
        for index, target in enumerate(head.targets):
            if not target.is_middle:
                continue
            said = [np.asarray(target.to_prediction(one[place][:, index]), np.float64) for one in members]
            result.columns["spread" + (f"_{target.name}" if several else "")] = _spread(said)


def _spread(said: Sequence[NDArray[Any]]) -> list[float]:
    values: list[float] = in_nine_digits(np.std(np.stack(said), axis=0, ddof=1)).tolist()
    return values


def in_nine_digits(values: NDArray[np.float64], scale: float | None = None) -> NDArray[np.float64]:
    """Numbers without the digits that the model did not give: of a float32, nine say all.

    Args:
        values: of any shape.
        scale: of the target. Where its mean is so far above it that nine digits would take from what the model said, all are
            kept.
    """
    short = np.array([float(f"{value:.9g}") for value in values.ravel().tolist()], np.float64).reshape(values.shape)
    return short if scale is None else np.where(np.abs(short - values) <= scale * 2**-24, short, values)


def _add_classes(result: Predictions, head: Head, output: NDArray[Any], top: int | None, *, several: bool) -> None:
    probabilities = probabilities_of(head, output)
    finite = _finite_rows(probabilities)
    labels = [head.classes[index] if known else None for index, known in zip(decide(head, probabilities), finite)]
    probabilities = in_nine_digits(probabilities)
    name = head.targets[0].name
    if several:
        result.columns[f"prediction_{name}"] = labels
    else:
        result.prediction = labels
    if top is not None:
        result.columns |= most_probable(head.classes, probabilities, top, f"_{name}" if several else "")
    elif several:
        result.columns |= {f"probability_{name}_{label}": probabilities[:, index] for index, label in enumerate(head.classes)}
    else:
        result.probabilities = {label: probabilities[:, index] for index, label in enumerate(head.classes)}


def _add_labels(result: Predictions, head: Head, output: NDArray[Any], top: int | None) -> None:
    """Columns `labels` (those that are said, as a cell of the data has them) and `probability_<label>`."""
    probabilities = probabilities_of(head, output)
    finite = _finite_rows(probabilities)
    said = joined(decide_labels(head, probabilities), head.targets[0])
    result.columns["labels"] = [text if known else None for text, known in zip(said, finite)]
    probabilities = in_nine_digits(probabilities)
    if top is not None:
        result.columns |= most_probable(head.classes, probabilities, top)
    else:
        result.columns |= {f"probability_{label}": probabilities[:, index] for index, label in enumerate(head.classes)}


def most_probable(labels: Sequence[str], probabilities: NDArray[Any], top: int, ending: str = "") -> dict[str, Any]:
    """Columns `label_1`, `probability_1`, `label_2`, ...: each row's own most probable labels, the first of equal ones first.

    Args:
        labels: in the order of the probabilities.
        probabilities: [rows, labels].
        top: how many; no more than there are.
        ending: of the words `label` and `probability`.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    finite = _finite_rows(probabilities)
    columns: dict[str, Any] = {}
    for place in range(order.shape[1]):
        chosen = [labels[index] if known else None for index, known in zip(order[:, place], finite)]
        columns[f"label{ending}_{place + 1}"] = chosen
        columns[f"probability{ending}_{place + 1}"] = np.take_along_axis(probabilities, order[:, place : place + 1], axis=1)[:, 0]
    return columns
