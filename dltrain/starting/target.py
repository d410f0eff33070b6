"""Which column is to be predicted, and what makes a class of it."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dltrain.config.types import MULTILABEL
from dltrain.data.arrays.called import targets_for
from dltrain.data.columns.reading import find_units, has_text, is_labelled, is_number, is_text, mend, text_of
from dltrain.data.columns.spoken import nearly_numbers
from dltrain.data.columns.units import MOST_UNITS, units_of
from dltrain.data.dataset import TargetSpec
from dltrain.data.labels.cells import YES_OR_NO, Cells
from dltrain.data.labels.encode import are_exact
from dltrain.data.labels.lists import labels_in
from dltrain.data.series.wide import how_to_turn
from dltrain.data.tables.column_names import column_of, only
from dltrain.data.targets import infer_target, label_texts
from dltrain.errors import DataError, UsageError
from dltrain.later import polars
from dltrain.starting.columns import Columns, study_columns
from dltrain.wording import column_hint, counted, cut_middle, did_you_mean, listed, quoted, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Names that hardly anything but a target has.
TARGET_NAMES = ("target", "label", "labels", "class", "y", "outcome", "response", "survived", "churn")
# Names of targets in well-known tables, which may be features of others; believed of the first and the last column only.
LIKELY_NAMES = (
    "price", "saleprice", "sale_price", "median_house_value", "medv", "msrp", "salary", "income", "quality", "strength",
    "species", "diagnosis", "variety", "cnt", "count", "rating", "score", "attrition", "exited", "default",
    "tags", "genres", "topics",
)  # fmt: skip
CLASS_NAMES = re.compile(
    r"(?:.*[_\s.-])?(?:(?:class|label|category)[_\s.-]?id|"
    r"class|label|labels|species|type|kind|category|variety|digit|cluster|status|segment|sentiment|outcome)",
    re.IGNORECASE,
)
# As scikit-learn calls the classes of its frames, which it counts from 0; each has such a share of the largest's rows.
CODED_NAME, LEAST_SHARE = "target", 0.2
MOST_CODES = 100
FEW_NUMBERS = 20
FEW_ROWS = 10
FEWEST_ROWS = 10
MOST_LISTED = 40
OTHER = "other"
FEWEST_TURNED, MOST_OF_LINE = 4, 1 << 16  # columns of a table that may lie on its side, and bytes of its first line


@dataclass(frozen=True, slots=True)
class Target:
    """The column to predict.

    Attributes:
        name: of the column.
        spec: its task and labels.
        labels: the column as text labels; None for a number.
        counts: label -> rows, most first; empty for a number.
        task: what the config has to say because the values alone would mean something else; None: nothing.
        task_reason: why whole numbers are taken for the codes of classes.
        merged: labels of a single row, which no split can keep in two parts -> the label that stands for them.
        num_missing: of several labels: rows with a word for no value, for an empty cell has no label.
        columns: the columns of 0 and 1 that are labels of one target; else empty.
        beside: the other columns to predict, where there are several and each is a number.
        whole_numbers: how many different whole numbers a target to regress on has, where those are few; else 0.
    """

    name: str
    spec: TargetSpec
    labels: polars.Series | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    task: str | None = None
    task_reason: str = ""
    merged: Mapping[str, str] = field(default_factory=dict)
    whole_numbers: int = 0
    num_missing: int = 0
    columns: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns to predict."""
        return self.columns or (self.name, *self.beside)


def _how_to_transpose(asked: str, frame: polars.DataFrame, file: str) -> str | None:
    """What to do with a table whose columns are the rows to learn from, and one of whose rows is the target; None: it is none."""
    first = column_of(frame, frame.columns[0])
    if frame.width < FEWEST_TURNED or not is_text(first) or int((first.str.strip_chars() == asked).sum() or 0) != 1:
        return None
    shown_columns = f"{frame.columns[1]}, {frame.columns[2]}, ..."
    what = f"a row of {file} is called so: its columns ({shown_columns}) are rows, and its rows columns"
    if not re.fullmatch(r"[\w.,+/-]+\.csv", file):
        return f"{what}: turn it (`transpose` of polars)"
    turned = (
        f't.transpose(include_header=True, header_name="name", column_names=t.columns[0]).write_csv("{file[:-4]}_turned.csv")'
    )
    return f"{what}: python -c 'import polars; t = polars.read_csv(\"{file}\", infer_schema=False); {turned}' turns it"


def choose_target(asked: str | None, frame: polars.DataFrame, columns: Columns, *, header: bool, file: str) -> str:
    """The column that the user means, or that clearly is the target.

    Args:
        asked: a column's name or, where the file has no header, its number from 1 or, from the end, from -1; None: guess.
        frame: the table.
        columns: what its columns hold.
        header: whether the columns have names of their own.
        file: the table, as a message names it.

    Raises:
        UsageError: no such column, or it is not clear; names the columns with what they hold.
    """
    names: list[str] = frame.columns
    if asked is not None:
        for name in (asked, asked.strip()):  # the blanks around names of a header are left out
            if name in names:
                return name
        if not header and (numbered := by_number(asked, names)) is not None:
            return numbered
        if header and (turn := how_to_turn(names, file) or _how_to_transpose(asked, frame, file)) is not None:
            raise UsageError(f"{file} has no column {quoted(asked)}", hint=turn)
        by_name = column_hint(asked, names) if len(names) == 1 else did_you_mean(asked, names) or "name one of its columns"
        by_place = f"the file has no header: give the number of the column, 1 to {len(names)}, or -1 for the last"
        hint = by_name if header else by_place
        raise UsageError(f"{file} has no column {quoted(asked)}", hint=hint, details=_list_columns(frame, columns, header))
    guesses = _guess(frame, columns, header)
    if len(guesses) == 1:
        return guesses[0]
    question = f"which column of {file} is to be predicted?"
    elsewhere = None if guesses else (how_to_turn(names, file) if header else None) or _targets_beside(file)
    if elsewhere is not None:
        raise UsageError(question, hint=elsewhere)
    hint = f"dltrain init {file} --target COLUMN"
    two = [name for name in names if is_zero_or_one(column_of(frame, name))]
    if guesses:
        hint += f", perhaps {' or '.join(guesses)}"
    elif len(two) > 1 and all("," not in name for name in two):
        hint += f", or --target {shlex.quote(','.join(two))}, where a row may have several of these as labels"
    raise UsageError(question, hint=hint, details=_list_columns(frame, columns, header))


def _targets_beside(file: str) -> str | None:
    """What to do where the targets stand in a file of their own, as `y_train.txt` beside `X_train.txt`; None: there is none."""
    path = Path(file)
    with contextlib.suppress(OSError):
        stems = {entry.stem: entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix}
        other = targets_for(path.stem, stems)
        if other is None:
            return None
        with open(path, "rb") as lines:
            head = lines.readline(MOST_OF_LINE)
        sign = next((sign for sign in ",;\t" if sign.encode() in head), " ")
        names = [shlex.quote(str(path.with_name(name))) for name in (stems[other], path.name)]
        joined = shlex.quote(str(path.with_name(f"joined_{path.name}")))
        apart = "" if sign == "\t" else f" -d{shlex.quote(sign)}"
        how = f"`paste{apart} {' '.join(names)} > {joined}` puts them side by side"
        return f"the targets seem to stand in {stems[other]}: {how}; their column is the first of it"
    return None


def by_number(asked: str, names: Sequence[str]) -> str | None:
    """The column of a file without a header that is meant by its number, from 1 or from the end from -1; None: none is."""
    if not re.fullmatch(r"-?\d{1,9}", asked) or int(asked) == 0 or not -len(names) <= int(asked) <= len(names):
        return None
    return names[int(asked) - (int(asked) > 0)]


def several_columns(asked: str | None, frame: polars.DataFrame, file: str, signs: Mapping[str, str | None]) -> tuple[str, ...]:
    """The columns that the user names with commas between, all labels or all numbers; empty: that is no such list.

    Args:
        asked: as the user named the target.
        frame: the table.
        file: the table, as a message names it.
        signs: "decimal" and "thousands" of its numbers, where it is text.

    Raises:
        UsageError: columns of which some are neither labels nor numbers.
    """
    names = tuple(dict.fromkeys(name.strip() for name in (asked or "").split(",")))
    if asked in frame.columns or len(names) < 2 or not all(name in frame.columns for name in names):
        return ()
    if are_labels(names, frame):
        return names
    numbers = study_columns(frame.select(names), signs.get("decimal") or ".", signs.get("thousands")).numbers
    ones = [name for name in names if are_labels([name], frame)]
    others = [name for name in names if name not in (*numbers, *ones)] or ones
    if others:
        message = "several columns to predict are all labels (0 and 1, yes and no) or all amounts; "
        message += f"{listed(others)} of {file} {'holds' if len(others) == 1 else 'hold'} something else than the others"
        raise UsageError(message, hint=f"name one, and write `target: [{', '.join(names)}]` into the config then")
    return names


def are_labels(names: Sequence[str], frame: polars.DataFrame) -> bool:
    """Whether columns hold 0 and 1 alone; a label that no row has, or each, is one as well, of which a fit warns."""
    found = [_values_of(column_of(frame, name)) for name in names]
    return all(values and values <= {"0", "1"} for values in found)


def is_zero_or_one(series: polars.Series) -> bool:
    """Whether a column says of each row that it has something, or not."""
    return _values_of(series) == {"0", "1"}


def _values_of(series: polars.Series) -> set[str]:
    return set(_zeros_and_ones(series).drop_nulls().unique().to_list()) if has_text(series) else set()


def _zeros_and_ones(series: polars.Series) -> polars.Series:
    """A column of labels as `labels.cells` reads it; an empty cell is none."""
    texts = text_of(series).str.strip_chars().str.to_lowercase().str.replace(r"^([01])\.0+$", "$1").replace(YES_OR_NO)
    return texts.replace("", None)


def of_several(names: Sequence[str], frame: polars.DataFrame, columns: Columns) -> Target:
    """What is predicted where several columns were named: labels of one target, or a number and those beside it.

    Args:
        names: from `several_columns`.
        frame: the table.
        columns: what its columns hold, the first of these included.
    """
    num_missing = len(frame) - len(frame.select(names).drop_nulls())
    if are_labels(names, frame):
        ones = {name: int((_zeros_and_ones(column_of(frame, name)) == "1").sum()) for name in names}
        spec = TargetSpec(names[0], MULTILABEL, tuple(names))
        return Target(names[0], spec, counts=ones, task=MULTILABEL, num_missing=num_missing, columns=tuple(names))
    spec = replace(study_target(names[0], frame, columns, ()).spec, task="regression", classes=())
    return Target(names[0], spec, task="regression", num_missing=num_missing, beside=tuple(names[1:]))


def _guess(frame: polars.DataFrame, columns: Columns, header: bool) -> list[str]:
    """The columns that may be the target; one: it is clear."""
    names = [name for name in frame.columns if name not in columns.constant]
    if not names:
        return []
    if not header:
        last = names[-1]
        two = [name for name in names if column_of(frame, name).n_unique() == 2]
        return [last] if two == [last] else []
    certain = [name for name in names if name.casefold() in TARGET_NAMES]
    if certain:
        return certain
    ends = dict.fromkeys((names[0], names[-1]))
    return [name for name in ends if re.sub(r"[\s-]", "_", name.casefold()) in LIKELY_NAMES]


def _list_columns(frame: polars.DataFrame, columns: Columns, header: bool) -> tuple[str, ...]:
    """A line for each column: its name, or number, what it holds, and a value."""
    lines = []
    for number, name in enumerate(frame.columns, 1):
        kind = columns.kinds[name]
        what = kind.left_out or kind.kind
        example = next((str(value) for value in column_of(frame, name).head(100).drop_nulls() if str(value).strip()), "")
        shown = f", such as {example[:40]}" if example else ""
        lines.append(f"{cut_middle(name) if header else number} ({what}{shown})")
    left_out = len(lines) - MOST_LISTED
    if left_out > 0:  # targets stand at the beginning or at the end
        lines[MOST_LISTED // 2 : -MOST_LISTED // 2] = [f"and {left_out:,} more"]
    return tuple(lines)


def study_target(
    name: str, frame: polars.DataFrame, columns: Columns, classes: Sequence[str], *, of_pictures: bool = False
) -> Target:
    """The task that the column makes.

    Args:
        name: the column.
        frame: the table.
        columns: what its columns hold.
        classes: names of its integer codes (named datasets); else empty.
        of_pictures: the other columns are the pixels of pictures: few whole numbers are what these show.

    Raises:
        DataError: it is empty, constant, or holds dates.
        UsageError: texts that differ in most rows, which are no classes.
    """
    # A decimal comma divides no labels.
    found = None if classes or name in columns.numbers else labels_in(column_of(frame, name), columns.reading)
    if found is not None:
        return _of_lists(name, *found)
    reading = find_units(only(frame, [name]), columns.reading, labels=(name,))
    series = mend(column_of(frame, name), reading)
    values = series.drop_nulls()
    spec = infer_target(series, reading, task=None, classes=classes, labelled=is_labelled(column_of(frame, name)))
    if spec.task == "regression":
        different = values.n_unique()
        numbers = columns.numbers.get(name)
        known = numbers if numbers is None else numbers[~np.isnan(numbers)]
        if known is None or (known != known.round()).any() or different > MOST_CODES:
            return Target(name, spec)
        reason = _why_codes(name, known, of_pictures=of_pictures)
        if not reason:
            return Target(name, spec, whole_numbers=different if different <= FEW_NUMBERS else 0)
        spec = infer_target(series, replace(reading, units={}), task="classification", classes=())
        task: str | None = "classification"
    else:
        task, reason = None, ""
    kind = columns.kinds[name]
    if kind.kind == "text" and not classes:
        others = [other for other, found in columns.kinds.items() if other != name and not found.left_out]
        what = nearly_numbers(values) if is_text(values) else ""
        message = f"{name} is no target: {kind.left_out or 'free text'}, so there are no classes to learn"
        message += f"; its values look like {what}: write plain numbers" if what else ""
        units = units_of(values) if is_text(values) and not what else []
        message += f"; they are numbers with different units ({listed(units)}): write one" if 1 < len(units) <= MOST_UNITS else ""
        hint = f"say --target with another column, such as {listed(others, 8)}" if others else "no other column can be one"
        raise UsageError(message, hint=hint)
    by_value = None if are_exact(spec.classes) or not all(map(is_number, spec.classes)) else columns.numbers.get(name)
    labels = series if classes else label_texts(series, by_value)
    counted = labels.drop_nulls().value_counts(sort=True)
    counts = {str(label): int(count) for label, count in counted.iter_rows()}
    if classes:
        counts = {classes[int(code)]: count for code, count in counts.items()}
        return Target(name, spec, labels.cast(str), counts, task, reason)
    return Target(name, spec, labels, counts, task, reason, _merged(counts))


def _why_codes(name: str, numbers: NDArray[np.float64], *, of_pictures: bool) -> str:
    """Why a column's few whole numbers are the codes of classes, not amounts; empty: nothing says that they are.

    Args:
        name: of the column.
        numbers: its values [rows], without gaps.
        of_pictures: the other columns are pictures.
    """
    if of_pictures:
        return "few whole numbers beside pictures are what these show"
    if CLASS_NAMES.fullmatch(name):
        return f"{name} is called a class"
    codes, counts = np.unique(numbers, return_counts=True)
    least, most = int(codes[0]), int(codes[-1])
    if not 2 < len(codes) == most - least + 1 <= FEW_NUMBERS or least not in (0, 1) or counts.min() < FEW_ROWS:
        return ""
    if counts.min() == counts.max():
        return f"{least} to {most} in {counts.max():,} rows each, as classes are drawn"
    # Few rows of the highest numbers are the end of what is counted.
    if least == 0 and name.casefold() == CODED_NAME and counts.min() >= LEAST_SHARE * counts.max():
        return f"{least} to {most} are codes of classes, as scikit-learn's frames have them"
    return ""


def _of_lists(name: str, separator: str, cells: Cells) -> Target:
    """A target whose cells hold several labels."""
    counts = {str(label): int(count) for label, count in cells.labels.value_counts(sort=True).iter_rows()}
    spec = TargetSpec(name, MULTILABEL, tuple(sorted(counts)), separator=separator)
    return Target(name, spec, counts=counts, task=MULTILABEL, num_missing=int(cells.is_missing.sum()))


def check_rows(num_rows: int, file: str, target: Target | None = None, columns: Columns | None = None) -> None:
    """Some rows are to be learned from, and others tested on.

    Args:
        num_rows: of the table.
        file: as a message names it.
        target, columns: what is predicted, and what the columns hold: then of those that have a value for it.

    Raises:
        DataError: they are too few.
    """
    taught = num_rows
    if target is not None and target.spec.is_multilabel:
        taught -= target.num_missing
    elif target is not None and target.labels is not None:
        taught -= target.labels.null_count()
    elif target is not None and columns is not None and target.name in columns.numbers:
        taught = int(np.isfinite(columns.numbers[target.name]).sum())
    if taught < FEWEST_ROWS:
        rows = f"{counted(num_rows, 'row')} {'is' if num_rows == 1 else 'are'}"
        if target is not None:
            rows = f"{taught} of {counted(num_rows, 'row')} {'has' if taught == 1 else 'have'} a value for {target.name},"
        message = f"{rows} too few to learn from and to test on"
        raise DataError(message, file=shown(file), hint=f"{FEWEST_ROWS} at the least")


def _merged(counts: Mapping[str, int]) -> dict[str, str]:
    """Labels of one row each -> "other"; where there is one alone, together with another rare one."""
    single = [label for label, count in counts.items() if count == 1]
    if not single or len(counts) - len(single) < 2:
        return {}
    if len(single) == 1:
        rarest = min((label for label, count in counts.items() if count > 1), key=lambda label: counts[label])
        if len(counts) < 4 or counts[rarest] > FEW_ROWS:
            return {}
        single.append(rarest)
    return dict.fromkeys(sorted(single), OTHER)
