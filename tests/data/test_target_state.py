"""A target as plain values, as JSON holds them, comes back as it was; a damaged one is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.data.dataset import TASKS, TargetSpec

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True).map(tuple)


@st.composite
def targets(draw: st.DrawFn) -> TargetSpec:
    task = draw(st.sampled_from(TASKS))
    given: dict[str, Any] = {"mean": draw(NUMBERS), "scale": draw(NUMBERS), "reason": draw(st.text(max_size=9))}
    if task in ("classification", "multilabel", "segmentation"):
        given["classes"] = draw(LABELS)
    if task == "multilabel":
        given["columns"] = draw(st.sampled_from([(), tuple(f"is {label}" for label in given["classes"])]))
        given |= {"separator": draw(st.sampled_from(["", "|"])), "empty": draw(st.sampled_from(["none", "missing"]))}
    if task == "regression":
        given["limits"] = draw(st.none() | st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))))
        if draw(st.booleans()):
            given |= {"transform": "log", "smearing": draw(st.floats(1e-6, 1e6))}
    return TargetSpec(draw(st.text(min_size=1, max_size=5)), task, **given)


@given(targets())
def test_it_comes_back_as_it_was(spec: TargetSpec) -> None:
    assert TargetSpec.from_state(json.loads(json.dumps(spec.to_state()))) == spec


STATE = TargetSpec("y", "classification", ("no", "yes")).to_state()


@pytest.mark.parametrize(
    "damage",
    [
        {"task": "guessing"},
        {"classes": []},
        {"classes": ["no", "no"]},
        {"columns": ["one"]},
        {"limits": [2.0, 1.0]},
        {"smearing": -1.0},
        {"transform": "square"},
        {"name": 3},
    ],
    ids=str,
)
def test_a_damaged_one_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        TargetSpec.from_state({**STATE, **damage})
