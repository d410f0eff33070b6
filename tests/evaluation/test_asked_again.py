"""A run that is asked again in one process: its model is built once, and anew for other files, layers and whoever asks meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.evaluation import load_run as module
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.load_run import StoredRun, asked_model, load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.training.fit import fit
from tests.training.test_fit import learnable


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asked")
    return fit(learnable(folder, "training.epochs=2"), run_dir=folder / "run").run


@pytest.fixture
def run(fitted: Path, tmp_path: Path) -> Path:
    """A copy of its own, with its data."""
    shutil.copytree(fitted.parent, tmp_path / "asked")
    return tmp_path / "asked" / "run"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str | None]]:
    """The layers at which models were built to end, None for whole ones; nothing is kept from before."""
    original, found = StoredRun.build, list[str | None]()

    def build(self: StoredRun, weights: Path, *, layer: str | None = None) -> Any:
        found.append(layer)
        return original(self, weights, layer=layer)

    module._KEPT.clear()
    monkeypatch.setattr(StoredRun, "build", build)
    yield found
    module._KEPT.clear()


def answers(run: Path, weights: str | None = None) -> dict[str, list[Any]]:
    """What the run says of the rows of its own table."""
    return predict(run, data=[str(run.parent / "rows.csv")], weights=weights).to_frame().to_dict(as_series=False)


def test_the_model_is_built_once_and_says_the_same(run: Path, built: list[str | None]) -> None:
    first, said = evaluate(run), answers(run)
    again, repeated = evaluate(run), answers(run)
    other_part = evaluate(run, part="validation")
    assert built == [None]
    assert again.metrics == first.metrics
    assert repeated == said
    module._KEPT.clear()
    assert evaluate(run, part="validation").metrics == other_part.metrics
    rows = [str(run.parent / "rows.csv")]
    layers = [predict(run, data=rows, layer="dense").arrays["dense"] for _ in range(2)]
    assert built == [None, None, "dense"]
    np.testing.assert_array_equal(*layers)


def test_a_run_that_went_on_is_another_model(run: Path, built: list[str | None]) -> None:
    before = answers(run, "last")
    fit(learnable(run.parent, "training.epochs=4"), resume=run)
    after = answers(run, "last")
    assert built == [None, None]
    assert before != after
    module._KEPT.clear()
    assert answers(run, "last") == after
    best, last = answers(run, "best"), answers(run, "last")
    assert last == after
    assert best.keys() == last.keys()
    assert built == [None] * 4  # two are kept


def test_who_asks_has_the_model_alone(run: Path, built: list[str | None]) -> None:
    stored = load_run(run)
    _, weights = stored.checkpoint(None)
    with asked_model(stored, weights) as one:
        with asked_model(stored, weights) as other:
            assert one is not other
        with asked_model(stored, weights) as third:
            assert third is other
    assert built == [None, None]
    with pytest.raises(ZeroDivisionError), asked_model(stored, weights) as one:
        1 / 0  # noqa: B018
    with asked_model(stored, weights) as other:
        assert other is not one  # what went wrong with it may have left it half used


def test_what_is_large_or_cannot_be_compared_is_not_kept(
    run: Path, built: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = load_run(run)
    _, weights = stored.checkpoint(None)
    own_code: Any = object()
    with asked_model(stored, weights):
        pass
    assert module._KEPT
    assert module._made_of(replace(stored, config=replace(stored.config, code=own_code)), weights, None) is None
    monkeypatch.setattr(module, "MOST_KEPT_BYTES", 100)
    with asked_model(stored, weights):
        pass
    assert not module._KEPT
