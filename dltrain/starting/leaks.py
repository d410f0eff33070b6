"""Columns that give the target away: those that are the target in other words, and the one that tells most."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import SplitConfig
from dltrain.data.columns.column import KIND_OF
from dltrain.data.columns.dates.reading import to_moments
from dltrain.data.columns.reading import mend, text_of
from dltrain.data.dataset import TargetSpec
from dltrain.data.giveaways import (
    FEW_FEATURES,
    GIVES_AWAY,
    LEAST_ROWS,
    MOST_COLUMNS,
    area_under_curve,
    classes_with_values,
    ranks,
    sampled,
    told_by,
)
from dltrain.data.tables.column_names import column_of, name_of
from dltrain.data.tables.fitting.owners import Owner, find_owner
from dltrain.later import polars
from dltrain.starting.columns import Columns
from dltrain.wording import listed

MOST_PARTS = 500
MOST_CATEGORIES = 50
# Of so many owners of each class, three parts get some, near their shares of the rows.
FEWEST_OF_CLASS = 5
MOST_ROWS = 20_000
# Of more dates pairs are not looked at; a time may be rounded to hours or days.
MOST_DATES, SAME_SPAN = 8, 0.999
TELLING_AUC = 0.8
TELLING_CORRELATION = 0.95


SURELY = "almost perfectly"


@dataclass(frozen=True, slots=True)
class Leaks:
    """What gives the target away.

    Attributes:
        same: columns that are the target, or together add up to it.
        why: in what way, in a sentence; empty: there are none.
        telling: the column that alone tells most about it, and how well, in a sentence; empty: none tells much.
        owner: the column that names what several rows belong to, such as a patient; None: there is none.
    """

    same: tuple[str, ...] = ()
    why: str = ""
    telling: str = ""
    owner: Owner | None = None

    @property
    def told_by_owner(self) -> str | None:
        """The column all of whose rows of one value have the same target, which would be learned by heart."""
        return self.owner.name if self.owner is not None and self.owner.is_one else None

    @property
    def group(self) -> str | None:
        """That column, where it names enough for its rows to be kept in one part, with some of each class in all parts."""
        return self.told_by_owner if self.owner is not None and self.owner.fewest >= FEWEST_OF_CLASS else None

    def kept_together(self, split: SplitConfig, target: TargetSpec) -> SplitConfig:
        """The split that keeps such rows together, with the shares of the classes in each part."""
        return replace(split, group=self.group, stratify=True if self.group and target.is_one_of_classes else None)

    @property
    def one_answer(self) -> str:
        """What is said where all rows of an owner have the same target and stay together; else empty."""
        if self.owner is None or self.group is None:
            return ""
        return f"all rows of a {self.group} ({self.owner.count:,} of them) have the same target, so they stay in one part"


def find_leaks(frame: polars.DataFrame, target: str, labels: polars.Series | None, columns: Columns) -> Leaks:
    """Compare every feature with the target.

    Args:
        frame: the table.
        target: its column to predict.
        labels: its labels as text, for classification; None: it is a number.
        columns: what the columns hold.
    """
    if labels is None and target not in columns.numbers:
        return Leaks()  # numbers to predict, with a code such as 007 among them: no column of numbers elsewhere
    features = [name for name, kind in columns.kinds.items() if name != target and not kind.left_out]
    if labels is not None:
        same = _renamed(frame, features, labels, columns)
        why = f"{target} in other words: {listed(same)}"
    else:
        same = _parts_of_total(features, target, columns)
        why = f"{target} is the sum of {' and '.join(same)}" if len(same) > 1 else f"{target} itself: {listed(same)}"
        if not same and (span := _span(frame, features, target, columns)):
            same, why = span[1:], f"{target} is the time from {span[0]} to {span[1]}: {span[1]}"
    if len(features) - len(same) < FEW_FEATURES:
        same = ()  # with so few columns left to learn from, the target is rather a rule that is to be found
    answers = labels if labels is not None else columns.numbers[target]
    dates = {name for name, kind in columns.kinds.items() if kind.kind == "date"}
    owner = find_owner(frame, [name for name in frame.columns if name != target and name not in dates], answers)
    if owner is not None and labels is None:
        owner = replace(owner, fewest=owner.count)  # each number may be one owner's
    rest = [name for name in features if name not in same and name != Leaks(owner=owner).told_by_owner]
    telling = _most_telling_class(frame, rest, labels, columns) if labels is not None else _most_telling(rest, target, columns)
    return Leaks(same, why if same else "", telling, owner)


def _renamed(frame: polars.DataFrame, features: Sequence[str], labels: polars.Series, columns: Columns) -> tuple[str, ...]:
    """Columns with one value for each label: the label by another name."""
    num_labels = labels.n_unique()
    same = []
    for name in features:
        if columns.kinds[name].kind == "date":
            continue
        values = text_of(mend(column_of(frame, name), columns.reading))
        if values.null_count() or values.n_unique() != num_labels:
            continue
        if polars.DataFrame([values.alias("a"), labels.alias("b")]).n_unique() == num_labels:
            same.append(name)
    return tuple(same)


def _parts_of_total(features: Sequence[str], target: str, columns: Columns) -> tuple[str, ...]:
    """Columns that are the target, or that add up to it in every row without ever being negative."""
    total = columns.numbers[target]
    parts = {name: columns.numbers[name] for name in features if name in columns.numbers and np.ptp(columns.numbers[name]) > 0}
    parts = {name: values for name, values in parts.items() if np.isfinite(values).all()}
    for name, values in parts.items():
        if np.allclose(values, total, rtol=1e-9, atol=0):
            return (name,)
    parts = {name: values for name, values in parts.items() if (values >= 0).all() and (values <= total + 1e-9).all()}
    if not 1 < len(parts) <= MOST_PARTS:
        return ()
    rows = np.stack([_thinned(values) for values in parts.values()], axis=1)
    shares = np.linalg.lstsq(rows, _thinned(total), rcond=None)[0]  # of least norm: 0 for a column that does not matter
    chosen = tuple(name for name, share in zip(parts, shares, strict=True) if abs(share - 1) < 1e-4)
    is_sum = np.allclose(np.sum([parts[name] for name in chosen], axis=0), total, rtol=1e-9, atol=1e-9)
    return chosen if len(chosen) > 1 and is_sum else ()


def _span(frame: polars.DataFrame, features: Sequence[str], target: str, columns: Columns) -> tuple[str, ...]:
    """Two columns of dates between which the target is the time, the earlier first; empty: no such thing."""
    dates = [name for name in features if columns.kinds[name].kind == "date"]
    truth = _thinned(columns.numbers[target])
    if not 1 < len(dates) <= MOST_DATES:
        return ()
    moments = {}
    for name in dates:
        series = mend(column_of(frame, name).gather_every(_stride(frame.height)), columns.reading)
        micros = to_moments(series, columns.kinds[name].date_format).cast(float).fill_null(float("nan")).to_numpy()
        moments[name] = np.asarray(micros, np.float64)
    for early, late in itertools.permutations(dates, 2):
        span = moments[late] - moments[early]
        known = np.isfinite(span) & np.isfinite(truth)
        if known.sum() > LEAST_ROWS and np.ptp(span[known]) > 0 and _correlation(span[known], truth[known]) > SAME_SPAN:
            return early, late
    return ()


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else 0.0


def _most_telling(features: Sequence[str], target: str, columns: Columns) -> str:
    values = _thinned(columns.numbers[target])
    found = {}
    for name in features:
        if name in columns.numbers:
            other = _thinned(columns.numbers[name])
            both = np.isfinite(values) & np.isfinite(other)
            found[name] = abs(_correlation(ranks(other[both]), ranks(values[both]))) if both.sum() > 2 else 0.0
    best = max(found, key=lambda name: found[name], default=None)
    if best is None or found[best] < TELLING_CORRELATION:
        return ""
    if found[best] >= GIVES_AWAY and len(features) > FEW_FEATURES:
        return f"{best} alone tells {target} {SURELY} (rank correlation {found[best]:.4f})"
    return f"{best} goes up and down with it (rank correlation {found[best]:.2f})"


def _most_telling_class(frame: polars.DataFrame, features: Sequence[str], labels: polars.Series, columns: Columns) -> str:
    """The columns that alone tell the class; else, for two classes, the one of the largest area under the ROC curve alone."""
    if len(features) > MOST_COLUMNS:
        return ""
    words = labels.drop_nulls().unique().sort().to_list()
    if told := _tell_nearly_all(frame, features, labels, columns):
        return told
    if len(words) != 2:
        return ""
    truth = _thinned((labels == words[1]).fill_null(False).to_numpy())
    every = _stride(frame.height)
    found = {name: _single_auc(column_of(frame, name).gather_every(every), truth, columns) for name in features}
    best = max(found, key=lambda name: found[name], default=None)
    if best is None or found[best] < TELLING_AUC:
        return ""
    return f"{best} alone tells {words[1]} from {words[0]} with an AUC of {found[best]:.2f}"


def _tell_nearly_all(frame: polars.DataFrame, features: Sequence[str], labels: polars.Series, columns: Columns) -> str:
    """The columns that alone tell the class, or whether they have a value one of several; empty: none does."""
    rows = sampled(np.flatnonzero(labels.is_not_null().to_numpy()))
    if len(rows) < LEAST_ROWS:
        return ""
    # As objects: an array of NumPy's own texts takes for each as much as for the longest, a stray quote's half of the file.
    classes, codes = np.unique(labels.gather(rows).to_numpy().astype(object), return_inverse=True)
    told, by_gaps = [], []
    for name in features:
        if not KIND_OF[columns.kinds[name].kind].tells_alone:
            continue
        values: Any = (
            text_of(mend(column_of(frame, name).gather(rows), columns.reading))
            if name not in columns.numbers
            else columns.numbers[name][rows]
        )
        if told_by(values, codes, len(classes)) >= GIVES_AWAY:
            told.append(name)
        elif filled := classes_with_values(values, codes, len(classes)):
            by_gaps.append(f"whether {name} has a value tells the class {listed(list(classes[filled]))} {SURELY}")
    if told:
        return f"{listed(told)} alone tell{'s' if len(told) == 1 else ''} the class {SURELY}"
    return "; ".join(by_gaps)


def _single_auc(series: polars.Series, truth: NDArray[np.bool_], columns: Columns) -> float:
    """Area under the ROC curve (Mann and Whitney 1947) of a number's rank, or of a category's share of the second class.

    Of many categories, that of there being one.
    """
    name = name_of(series)
    if name in columns.numbers:
        score = _thinned(columns.numbers[name])
        known = np.isfinite(score)
    elif columns.kinds[name].kind in ("category", "boolean"):
        words = mend(series, columns.reading)
        values = text_of(words).fill_null("")
        if values.n_unique() > MOST_CATEGORIES:
            values = text_of(words.is_null())  # that there is none may tell it
        codes = np.unique(values.to_numpy().astype(object), return_inverse=True)[1]
        score = (np.bincount(codes, weights=truth) / np.bincount(codes))[codes]
        known = np.ones(len(truth), bool)
    else:
        return 0.0
    area = area_under_curve(score[known], truth[known])
    return max(area, 1 - area) if area else 0.0


def _stride(num_rows: int) -> int:
    return -(-num_rows // MOST_ROWS)


def _thinned(values: NDArray[Any]) -> NDArray[Any]:
    """At most 20,000 of the values, from all over the table."""
    return values[:: _stride(len(values))]
