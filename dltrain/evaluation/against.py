"""`evaluate --against`: a run beside an older model, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.gates import parse_gates
from dltrain.errors import DataError, UsageError
from dltrain.evaluation.evaluate import EvaluateResult, evaluate
from dltrain.evaluation.metrics.gates import check_gates
from dltrain.evaluation.metrics.intervals import Sums
from dltrain.evaluation.metrics.paired import Paired, compare_sums
from dltrain.evaluation.metrics.part_intervals import sums_of_part
from dltrain.evaluation.predictions.read_predictions import PREDICTION_SUFFIXES, read_predictions
from dltrain.evaluation.scored import Scored, ScoredMasks
from dltrain.model.heads.answers import decide, decide_labels
from dltrain.storage.run_list import find_run
from dltrain.wording import shown

# Files of a sweep that stand for it.
_OF_SWEEP = ("best.yaml", "sweep.json")
_HINT = "compare them on the same rows: --data FILE, or runs with the same data, data.split and seed"


@dataclass(slots=True)
class Against:
    """The result of a comparison.

    Attributes:
        old: the run or file that is the old model.
        paired: the metrics of both.
        notes: sentences for the user.
    """

    old: Path
    paired: Paired
    notes: list[str]

    def document(self) -> dict[str, Any]:
        """The comparison as plain values, for JSON."""
        return {"old": str(self.old), **self.paired.document()}


def find_old(word: str, runs: Path) -> Path:
    """The file of predictions, or the run, that a word names."""
    path = Path(word)
    if path.name in _OF_SWEEP and path.is_file():  # of the sweep that it lies in
        return find_run(str(path.parent), runs)
    return path if path.suffix.lower() in PREDICTION_SUFFIXES and path.is_file() else find_run(word, runs)


def evaluate_against(run: Path, old: Path, *, require: Sequence[str] = (), **options: Any) -> tuple[EvaluateResult, Against]:
    """Evaluate a run, and an older model on the same rows.

    Args:
        run: the run.
        old: another run, a sweep (its best trial), or a file of predictions for the rows.
        require: gates; those on `old` compare the two, such as `accuracy>=old-0.005`.
        options: see `evaluate`.

    Raises:
        DataError: the rows differ.
        UsageError: the two predict different things.
    """
    asked = parse_gates(require, may_compare=True)
    own = [gate.text for gate in asked if not gate.is_relative]
    new = evaluate(run, require=own, **options)
    notes: list[str] = []
    is_file = old.suffix.lower() in PREDICTION_SUFFIXES and old.is_file()
    if new.masks is not None:
        paired = _of_masks(old, new.masks, new, options, is_file=is_file)
    elif new.scored is None:
        hint = "their metrics, with intervals, stand beside each other after an `evaluate` of each"
        raise UsageError("a reconstruction is not compared", hint=hint)
    else:
        sums, right, notes = _of_file(old, new.scored) if is_file else _of_run(old, new, options)
        own_sums, mine = new.scored.sums(), _is_right(new.scored)
        both = None if mine is None or right is None else (mine, right)
        paired = compare_sums(own_sums, sums, new.scored.units({**own_sums, **sums}), both)
    new.gates += check_gates(
        [gate.text for gate in asked if gate.is_relative],
        {new.part: new.metrics},
        part=new.part,
        reports={new.part: new.report},
        differences={**paired.metrics, **paired.of_classes},
    )
    return new, Against(old, paired, notes)


def _evaluate_old(old: Path, new: EvaluateResult, options: Mapping[str, Any]) -> EvaluateResult:
    """The older run on the rows of the new one."""
    kept = {
        key: options[key] for key in ("data", "skip_broken", "images", "threads", "reporter", "allow_changed") if key in options
    }
    return evaluate(old, **{**kept, "part": None if options.get("data") else new.part, "own_gates": False})


def _of_masks(old: Path, mine: ScoredMasks, new: EvaluateResult, options: Mapping[str, Any], *, is_file: bool) -> Paired:
    """Masks beside those of another run, a picture by its pixels."""
    if is_file:
        raise UsageError(f"{shown(str(old))}: masks are compared with those of a run", hint="name the run: --against RUN")
    theirs = _evaluate_old(old, new, options).masks
    if theirs is None or theirs.head.classes != mine.head.classes:
        what = "no masks" if theirs is None else f"the classes {', '.join(theirs.head.classes)}"
        raise UsageError(f"{shown(str(old))} predicts {what}, which the other run does not", hint="name a run of the same masks")
    one, other = mine.score.of_each()[1], theirs.score.of_each()[1]
    reason = ""
    if len(one) != len(other):
        reason = f"{len(other):,} pictures against {len(one):,}"
    elif len(mine.row_ids) and len(theirs.row_ids) and not np.array_equal(mine.row_ids, theirs.row_ids):
        common = len(np.intersect1d(mine.row_ids, theirs.row_ids))
        reason = f"only {common:,} of {len(one):,} pictures are the same ones"
    elif not np.array_equal(one, other):
        differing = int((one != other).any(axis=1).sum())
        reason = f"{differing:,} of {len(one):,} pictures have other pixels of a class, as those of another data.image_size have"
    if reason:
        raise DataError(f"the rows of {shown(str(old))} are not those of the run: {reason}", hint=_HINT)
    sums = mine.sums()
    return compare_sums({"": sums}, {"": theirs.sums()}, mine.score.units(sums))


def _of_run(
    old: Path, new: EvaluateResult, options: Mapping[str, Any]
) -> tuple[dict[str, Sums], NDArray[np.bool_] | None, list[str]]:
    assert new.scored is not None
    found = _evaluate_old(old, new, options)
    if found.scored is None:
        raise UsageError(f"{shown(str(old))} reconstructs its input, the other run does not", hint="name a run of the same task")
    _refuse_other_targets(old, new.scored, found.scored)
    _refuse_other_rows(old, new.scored, found.scored)
    return found.scored.sums(), _is_right(found.scored), []


def _of_file(old: Path, scored: Scored) -> tuple[dict[str, Sums], NDArray[np.bool_] | None, list[str]]:
    heads = scored.heads
    found, notes = read_predictions(old, heads, scored.part)
    sums = sums_of_part(heads, [one.answers for one in found], scored.part, {}, [one.labels for one in found])
    for head, one in zip(heads, found, strict=True):
        if head.classes and not one.has_probabilities:
            prefix = "" if len(sums) == 1 else f"{head.name}_"
            sums[prefix] = replace(sums[prefix], compute=_without_scores(sums[prefix]))
    right = None
    if len(heads) == 1 and found[0].labels is not None:
        right = found[0].labels == scored.part.targets[heads[0].targets[0].name]
        right = right.all(axis=1) if heads[0].is_multilabel else right  # all labels of a row
    return sums, right, notes


def _without_scores(sums: Sums) -> Any:
    """Of labels alone: no metric of probabilities."""
    ranked = ("log_loss", "roc_auc", "average_precision")
    return lambda added: {name: value for name, value in sums.compute(added).items() if name.partition("[")[0] not in ranked}


def _is_right(scored: Scored) -> NDArray[np.bool_] | None:
    head = scored.heads[0]
    if len(scored.heads) > 1 or not head.classes:
        return None
    if head.is_multilabel:  # all labels of a row
        return np.asarray((decide_labels(head, scored.answers[0]) == (scored.part.targets[head.targets[0].name] > 0)).all(axis=1))
    found: NDArray[np.bool_] = decide(head, scored.answers[0]) == scored.part.targets[head.targets[0].name]
    return found


def _refuse_other_targets(old: Path, mine: Scored, theirs: Scored) -> None:
    names = [[target.name for head in one.heads for target in head.targets] for one in (mine, theirs)]
    if names[0] != names[1]:
        message = f"{shown(str(old))} predicts {', '.join(names[1])}, the other run {', '.join(names[0])}"
        raise UsageError(message, hint="name a run of the same target")
    for one, other in zip(mine.heads, theirs.heads, strict=True):
        if (one.task, one.classes) != (other.task, other.classes):
            what = f"the classes {', '.join(other.classes)}" if other.classes else "numbers"
            raise UsageError(
                f"{shown(str(old))} predicts {what}, which the other run does not", hint="name a run of the same target"
            )


def _refuse_other_rows(old: Path, mine: Scored, theirs: Scored) -> None:
    one, other = mine.part, theirs.part
    if one.num_rows != other.num_rows:
        reason = f"{other.num_rows:,} rows against {one.num_rows:,}"
    elif len(one.row_ids) and len(other.row_ids) and not np.array_equal(one.row_ids, other.row_ids):
        common = len(np.intersect1d(one.row_ids, other.row_ids))
        reason = f"only {common:,} of {one.num_rows:,} rows are the same ones"
    else:
        reason = next((text for head in mine.heads for text in _told_targets(head, one, theirs)), "")
    if reason:
        raise DataError(f"the rows of {shown(str(old))} are not those of the run: {reason}", hint=_HINT)


def _told_targets(head: Any, one: Any, theirs: Scored) -> list[str]:
    """What differs in the true values, in own units: each run scales them by its own training part."""
    told = []
    others = {target.name: target for other in theirs.heads for target in other.targets}
    for target in head.targets:
        mine, found = one.targets[target.name], theirs.part.targets[target.name]
        if head.classes:
            differing = np.flatnonzero((mine != found).reshape(len(mine), -1).any(axis=1))
        else:
            values, same = target.to_own(mine), others[target.name].to_own(found)
            differing = np.flatnonzero(~np.isclose(values, same, rtol=1e-4, atol=1e-4 * float(np.std(values)) + 1e-12))
        if len(differing):
            told.append(f"{len(differing):,} of {len(mine):,} have another value of {target.name}")
    return told
