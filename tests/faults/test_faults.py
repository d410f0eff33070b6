"""What a command does when the system refuses one of its file calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.box import Box, Trouble, try_all, wrong_with
from tests.faults.commands import CASES, FIT, OFTEN, begin
from tests.faults.surroundings import LIMITS, ODD, SILENT

# Reads and writes that every command makes; what is tried of them in each run of the suite.
FEW = {"fit": 4, "predict": 4, "init": 5, "runs rm": 6}
# Of these every call is tried with --slow, of the others some.
CHEAP = ("check", "init", "runs", "runs rm")
FAULTS = ("EIO", "ENOSPC+", "EACCES", "TERM", "KILL", "CLOCK")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    box = Box(tmp_path_factory.mktemp("faults"))
    begin(box)
    yield box
    box.close()


def _try(box: Box, name: str, fault: str, number: int | None = None) -> list[str]:
    """Make the calls of a command fail, one after the other; only some of them where a number is given."""
    case = CASES[name](box)
    code = OFTEN if name == "fit" else ""
    box.fill(case.kept)
    calls = len(box.command(case.words, Trouble(code=code)).calls)
    assert calls > 20  # else the injector sees nothing
    every = 1 if number is None else calls // number
    troubles = [Trouble(at=at, fault=fault, code=code) for at in range(every, calls + 1, every)]
    report = try_all(box, case.kept, case.words, troubles, case.looks)
    assert report.tried >= (number or calls)
    return report.broken


@pytest.mark.parametrize(("name", "number"), FEW.items())
def test_a_refused_call_is_an_answer_and_leaves_what_was_there(box: Box, name: str, number: int):
    assert _try(box, name, "EIO", number) == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CHEAP)
def test_every_call_may_fail(box: Box, name: str, fault: str):
    assert _try(box, name, fault) == []


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "number"), [("EIO", 40), ("ENOSPC+", 15), ("EACCES", 15), ("TERM", 10), ("KILL", 10)])
@pytest.mark.parametrize("name", [name for name in CASES if name not in CHEAP])
def test_any_call_may_fail(box: Box, name: str, fault: str, number: int):
    assert _try(box, name, fault, number) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in ("fit", "sweep", "sweep in processes")])
def test_streams_environment_and_limits(box: Box, name: str):
    case = CASES[name](box)
    assert try_all(box, case.kept, case.words, [*SILENT, *ODD, *LIMITS], case.looks).broken == []


def test_an_injected_fault_arrives(box: Box):
    box.fill("new")
    ended = box.command(FIT, Trouble(at=40, fault="ENOSPC+"))
    assert ended.code == 6
    assert len(ended.calls) == 1


@pytest.mark.parametrize("trouble", SILENT, ids=str)
def test_what_concerns_no_file_of_the_run_changes_nothing(box: Box, trouble: Trouble):
    case = CASES["fit"](box)
    box.fill(case.kept)
    ended = box.command(case.words, trouble)
    assert wrong_with(ended) + case.looks(box, ended, trouble) == []
    assert ended.code == 0


@pytest.mark.slow
@pytest.mark.parametrize("trouble", [*ODD, *LIMITS], ids=str)
def test_a_limit_of_the_shell_is_an_answer(box: Box, trouble: Trouble):
    case = CASES["fit"](box)
    assert try_all(box, case.kept, case.words, [trouble], case.looks).broken == []
