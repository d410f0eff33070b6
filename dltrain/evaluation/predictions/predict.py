"""`predict`: from raw rows or pictures to predictions, in a process that has only the run directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data import with_images
from dltrain.data.dataset import Part
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.pictures.reader import list_to_tell, parse_reader
from dltrain.data.pictures.tiles import large_notes
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.errors import UsageError, texts, warnings_of
from dltrain.evaluation.asked_rows import OtherRows
from dltrain.evaluation.average_of_sweep import load_trusted
from dltrain.evaluation.load_run import StoredRun, asked_model, find_checkpoint, run_outputs
from dltrain.evaluation.masks.predicted import MOST_KEPT, MaskMaker, ToldMask, mask_names, masks_of, refuse_inputs, shares_of
from dltrain.evaluation.masks.tiles import AT_ONCE, tell_in_tiles
from dltrain.evaluation.member_metrics import member_answers, member_outputs
from dltrain.evaluation.metrics.report import answers_of
from dltrain.evaluation.predictions.of_outputs import (
    Predictions,
    add_numbers,
    add_spread,
    finite_rows,
    predictions_of,
    reconstructions_of,
)
from dltrain.evaluation.predictions.series_answers import answered_rows
from dltrain.model.heads.head import Head
from dltrain.model.keras_import import import_keras
from dltrain.model.own_code.blame import blames_own_code
from dltrain.reporting import Reporter, warn_each
from dltrain.wording import listed


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
    stored = load_trusted(run, trials)
    refuse_other_tasks(stored, top, {"--masks": asked.masks, "--tiles": asked.tiles}, windows=asked.windows)
    _refuse_tiles(stored, asked, layer)
    if asked.words and stored.preprocessing.source != "word_vectors":
        raise UsageError("--word needs a run on words", hint=f"the run's data is {stored.config.data.source}; give it --data")
    _, checkpoint = find_checkpoint(stored, weights, reporter)
    tiles = asked.tiles or _tiles_of_run(stored)
    if tiles is not None and layer is None:
        import_keras(threads or stored.threads)
        with asked_model(stored, checkpoint) as model:
            return _in_tiles(stored, model, replace(asked, tiles=tiles), reporter)
    part = asked.read(stored, threads or stored.threads, reporter, with_targets=False)
    with asked_model(stored, checkpoint, layer=layer) as model:
        if stored.heads[0].is_mask and layer is None:
            return _masks(stored, model, part, asked.masks)
        return _of_rows(stored, model, part, top, layer, windows=asked.windows)


def _of_rows(stored: StoredRun, model: Any, part: Part, top: int | None, layer: str | None, *, windows: bool) -> Predictions:
    """What the model, or one of its layers, says of rows."""
    inputs = [part.inputs[spec.name] for spec in stored.preprocessing.schema.inputs]
    is_plain = layer is None and not stored.heads[0].is_reconstruction
    members: list[list[NDArray[Any]]] = []
    if stored.is_average and is_plain:
        outputs, *members = member_outputs(model, inputs, stored.heads)
    else:
        outputs = run_outputs(model, inputs)
    if layer is not None:
        result = _layer_values(layer, outputs, part)
    elif stored.heads[0].is_reconstruction:
        result = reconstructions_of(stored.preprocessing, outputs[0], part)
    else:
        result = _told(stored.heads, outputs, members, part, top, windows=windows)
    result.notes += _not_finite(outputs) or _odd_weights(model)
    return result


def _told(
    heads: Sequence[Head],
    outputs: Sequence[NDArray[Any]],
    members: Sequence[Sequence[NDArray[Any]]],
    part: Part,
    top: int | None,
    *,
    windows: bool,
) -> Predictions:
    """Labels or numbers for each row, or for each series of whose windows these are."""
    told = answered_rows(heads, answers_of(heads, outputs), part, windows=windows)
    result = predictions_of(heads, told.answers, told.part, top)
    if members:
        add_spread(result, heads, told.answers, [told.joined(one) for one in member_answers(heads, members)])
    result.columns |= told.columns
    result.notes += told.notes
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


def refuse_other_tasks(
    stored: StoredRun, top: int | None, of_masks: Mapping[str, Any] | None = None, *, windows: bool = False
) -> None:
    """Refuse options that say nothing of what the run predicts.

    Args:
        stored: the run.
        top: the value of --top.
        of_masks: options of runs of segmentation, by name; None is none.
        windows: whether --windows was given.
    """
    if windows and not (isinstance(stored.preprocessing, SeriesPreprocessing) and stored.preprocessing.labels_whole):
        message = (
            "--windows is of series that have one label each (data.series.label_of: series), whose answers are those of windows"
        )
        raise UsageError(message, hint="leave it out: the answers here are those of the rows")
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
    warn_each(reporter, warnings_of(found.notes))
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
    known = [all(row) for row in zip(*map(finite_rows, outputs))]
    count = known.count(False)
    if not count:
        return []
    return [
        f"for {count:,} of {len(known):,} rows the model computes numbers that are not finite: its weights are not, "
        "or the rows hold numbers far beyond those that it was trained on"
    ]


def _odd_weights(model: Any) -> list[str]:
    """A sentence, where weights are no finite numbers and the answers are: an activation such as relu hides them."""
    named = [variable.path for variable in model.weights if not np.isfinite(np.asarray(variable, np.float64)).all()]
    return [f"weights of the model are not finite numbers ({listed(named, 3)}): its answers mean nothing"] if named else []


def _layer_values(layer: str, outputs: Sequence[NDArray[Any]], part: Part) -> Predictions:
    result = Predictions(part.identifiers, [])
    for number, output in enumerate(outputs):
        add_numbers(result, layer if len(outputs) == 1 else f"{layer}_{number}", output)
    return result
