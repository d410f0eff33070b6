"""`--top` of runs that predict no class of a row."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dltrain.errors import UsageError
from dltrain.evaluation.predictions.predict import refuse_other_tasks


def stored(task, *, classes=(), is_mask=False):
    target = SimpleNamespace(name="price")
    kind = {"task": task, "is_mask": is_mask, "is_reconstruction": task == "reconstruction"}
    head = SimpleNamespace(**kind, classes=classes, targets=(target,))
    return SimpleNamespace(heads=(head,))


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (stored("regression"), "this run predicts a number, price"),
        (stored("reconstruction"), "this run predicts the rows themselves"),
        (stored("classification", classes=("a", "b"), is_mask=True), "here each pixel has one"),
    ],
)
def test_top_is_refused_where_no_row_has_a_class(run, said):
    with pytest.raises(UsageError, match=said) as caught:
        refuse_other_tasks(run, 3)
    assert caught.value.faults[0].message.startswith("--top is of the classes of a row; ")
    refuse_other_tasks(run, None)
    refuse_other_tasks(stored("classification", classes=("a", "b")), 3)
