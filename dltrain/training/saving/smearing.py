"""The smearing of targets whose logarithm was learned, found after training and stored with the run; see `TargetSpec`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from dltrain.data.dataset import Part
from dltrain.model.heads.head import Head
from dltrain.training.saving.record import RunRecord


def learns_logarithms(heads: Sequence[Head]) -> bool:
    """Whether a target's logarithm is learned."""
    return any(target.is_log for head in heads for target in head.targets)


def keep_smearing(record: RunRecord, outputs: Sequence[NDArray[Any]], part: Part) -> None:
    """Give a record's heads and the stored preprocessing the smearing that a part's residuals ask for.

    Args:
        record: of the run.
        outputs: one array [rows, ...] per head, for the part's rows.
        part: the rows: of the training part, or those of it that are evaluated.
    """
    smeared = smear(record.heads, outputs, part)
    factors = {target.name: target.smearing for head in smeared for target in head.targets}
    preprocessing = record.dataset.preprocessing.with_smearing(factors)
    preprocessing.save(record.run.path)
    stored = {target.name: target for target in preprocessing.schema.targets}
    record.heads = tuple(replace(head, targets=tuple(stored[target.name] for target in head.targets)) for head in record.heads)


def smear(heads: Sequence[Head], outputs: Sequence[NDArray[Any]], part: Part) -> tuple[Head, ...]:
    """The heads with the smearing that a part's residuals ask for.

    Args:
        heads: of the model.
        outputs: one array [rows, ...] per head, for the part's rows.
        part: the rows.
    """
    return tuple(
        replace(
            head,
            targets=tuple(
                target.with_smearing(part.targets[target.name], output[:, index], part.weights) if target.is_log else target
                for index, target in enumerate(head.targets)
            ),
        )
        for head, output in zip(heads, outputs, strict=True)
    )
