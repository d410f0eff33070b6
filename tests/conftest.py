"""What all tests share: `--slow`, a cache of their own, and histories that are not drawn where nobody looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run what takes minutes")


def pytest_configure(config: pytest.Config) -> None:
    # The same examples in every run, so that a commit passes or fails by itself; `--slow` looks for new ones.
    settings.register_profile("repeatable", derandomize=True, deadline=None)
    if not config.getoption("--slow"):
        settings.load_profile("repeatable")
    config.addinivalue_line("markers", "slow: takes long; runs with --slow only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes long; pytest --slow runs it"))


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the decoded pictures of the tests apart from the user's, and from those of another session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLTRAIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _histories_are_not_drawn() -> Iterator[None]:
    """A fit writes an empty `history.png`, for drawing it takes a third of a small fit; `histories_are_drawn` has it drawn.

    Helper processes and commands in processes of their own draw as ever, and `tests/evaluation/drawing` looks at the picture.
    """
    from dltrain.training.saving import pictures

    def write_nothing(history: Path, picture: Path, **options: Any) -> None:
        picture.touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "plot_history", write_nothing)
        yield


@pytest.fixture
def histories_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fits of this test draw their history."""
    from dltrain.evaluation.drawing.history import plot_history
    from dltrain.training.saving import pictures

    monkeypatch.setattr(pictures, "plot_history", plot_history)
