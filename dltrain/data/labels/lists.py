"""Whether the cells of a target visibly hold several labels each."""

from __future__ import annotations

from dltrain.data.columns.reading import Reading, is_text
from dltrain.data.labels.cells import MISSING, MOST_LABELS, NONE, SEPARATORS, Cells, lists_of, read_cells
from dltrain.later import polars

OFTEN = 0.1  # of the cells that are not empty hold the sign
ROWS_OF_EACH = 3  # at the least, on average
MOST_WORDS = 4  # of a label


def labels_in(series: polars.Series, reading: Reading) -> tuple[str, Cells] | None:
    """The separator (empty for what is lists already) and the labels of a column of lists; None where it holds none.

    Many of its cells hold the sign, the labels between are short, come again and again, and in more combinations than there are
    labels: in texts with commas they do not, and in `Paris, France` one says the other.
    """
    if lists_of(series, reading) is not None:
        return "", read_cells(series, "", MISSING, reading)
    if not is_text(series):
        return None
    for sign in SEPARATORS:
        cells = read_cells(series, sign, NONE, reading)
        filled = len(series) - cells.num_empty - int(cells.is_missing.sum())
        listed = int(series.str.contains(sign, literal=True).fill_null(False).sum())
        if not filled or listed < OFTEN * filled:
            continue
        different = cells.labels.unique()
        words = different.str.count_matches(r"\s+").max()
        if (
            len(different) <= MOST_LABELS
            and isinstance(words, int)
            and words < MOST_WORDS
            and len(cells.labels) >= ROWS_OF_EACH * len(different)
            and series.drop_nulls().n_unique() > len(different)
        ):
            return sign, cells
    return None
