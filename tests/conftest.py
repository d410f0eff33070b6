"""What all tests share: `--slow`, a cache of their own, and pictures that are not drawn where nobody looks at them."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from tests.drawn import drawing_pictures, leaving_pictures_empty
from tests.support import run_dltrain

# What the tests start reads what an earlier one has compiled, also where the surroundings ask for nothing to be kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run what takes minutes")


def pytest_configure(config: pytest.Config) -> None:
    # The same examples in every run, so that a commit passes or fails by itself; `--slow` looks for new ones.
    settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
    if not config.getoption("--slow"):
        settings.load_profile("repeatable")
    config.addinivalue_line("markers", "slow: takes long; runs with --slow only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes long; pytest --slow runs it"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Nothing that is collected is garbage before the end: nobody looks through it, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    """Whether `--slow` is given, with which a test looks at every member of what it looks at."""
    return bool(pytestconfig.getoption("--slow"))


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the decoded pictures of the tests apart from the user's, and from those of another session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLTRAIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits_for_the_disk() -> Iterator[None]:
    """Files are not synced: no test takes the power away, and a small fit waits for the disk as long as it trains.

    Workers and commands in processes of their own sync as ever.
    """

    def left_to_the_system(descriptor: int) -> None:
        os.fstat(descriptor)  # which refuses what is not open, as ever

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", left_to_the_system)
        yield


@pytest.fixture(scope="session", autouse=True)
def _pictures_are_not_drawn() -> Iterator[None]:
    """Fits and sweeps leave their pictures empty, for drawing takes a third of a small fit; `pictures_are_drawn` has them drawn.

    Workers and commands in processes of their own draw as ever, and `tests/evaluation/drawing` looks at each picture.
    """
    with leaving_pictures_empty():
        yield


@pytest.fixture
def pictures_are_drawn() -> Iterator[None]:
    """The fits and sweeps of this test draw their pictures."""
    with drawing_pictures():
        yield


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """What `run_dltrain` takes so that its commands are forks of one process that has imported Keras, as `dltrain warm` offers.

    That such a command says, writes and ends the same is tested beside it; where it is not offered, each begins by itself.
    """
    runtime = Path(tempfile.mkdtemp(prefix="warm"))  # names of sockets are short
    environment = {"DLTRAIN_WARM": "auto", "XDG_RUNTIME_DIR": str(runtime)}
    place = tmp_path_factory.mktemp("warm")
    run_dltrain("warm", "start", cwd=place, **environment)
    yield environment
    run_dltrain("warm", "stop", cwd=place, **environment)
    shutil.rmtree(runtime, ignore_errors=True)
