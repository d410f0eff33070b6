"""The fuzzers themselves: a few inputs of each kind, so that they run when they are wanted."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.fuzz import Fuzzer, _alarm, attempt
from tests.fuzz_cases import make_case


@pytest.fixture(autouse=True)
def _alarm_of_the_fuzzer():
    before = signal.signal(signal.SIGALRM, _alarm)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", ["config", "override", "data", "stored", "page", "command_line", "grown"])
def test_a_few_inputs_are_taken_or_refused(kind: str, tmp_path: Path):
    fuzzer = Fuzzer(tmp_path, seed=5)
    found = []
    for _ in range(12):
        content, use = getattr(fuzzer, kind)()
        wrong, _ = attempt(use)
        if wrong is not None and not wrong.endswith("of the processor"):
            found.append((content, wrong))
    assert found == []


def test_a_case_that_trains_is_made(tmp_path: Path):
    case = make_case(random.Random("1:1"), tmp_path)
    assert case.file.exists()
    assert set(case.config) == {"name", "seed", "data", "model", "training"}
