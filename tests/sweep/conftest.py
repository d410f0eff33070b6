"""Engines of the tests in the place of the real ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dltrain.sweep import sweep as module
from tests.sweep.support import InlineEngine


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Callable[..., InlineEngine]:
    """Let `sweep` use an engine that fits in this process."""

    def use(before: object = None) -> InlineEngine:
        engine = InlineEngine(before)  # type: ignore[arg-type]
        monkeypatch.setattr(module, "choose_engine", lambda *arguments: engine)
        return engine

    return use
