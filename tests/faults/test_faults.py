"""What a command does when the system refuses one of its file calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.box import Box, Trouble, count_calls, differing, try_all, try_calls, try_kills, wrong_with
from tests.faults.commands import CASES
from tests.faults.filling import FIT, OFTEN, begin
from tests.faults.surroundings import HALVES, LIMITS, ODD, SILENT

# Reads and writes that every command makes; each so many-th kind of call is tried of them in each run of the suite.
FEW = {"fit": 50, "predict": 30, "init": 7, "runs rm": 14}
# Of these every call is tried with --slow, of the others each so many-th.
CHEAP = ("check", "init", "runs", "runs rm", "compare", "trace")
FAULTS = ("EIO", "ENOSPC+", "EACCES", "TERM", "CLOCK")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    box = Box(tmp_path_factory.mktemp("faults"))
    begin(box)
    yield box
    box.close()


@pytest.mark.parametrize(("name", "every"), FEW.items())
def test_a_refused_call_is_an_answer_and_leaves_what_was_there(box: Box, name: str, every: int):
    report = try_calls(box, CASES[name](box), "EIO", every)
    assert report.broken == []
    assert report.tried >= 3


@pytest.mark.parametrize("name", ["init", "predict", "runs rm"])
def test_a_kill_leaves_what_was_there(box: Box, name: str):
    report = try_kills(box, CASES[name](box))
    assert report.broken == []
    assert report.tried > 20  # else the injector sees nothing


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in ("init", "predict", "runs rm")])
def test_a_kill_at_any_call_leaves_what_can_go_on(box: Box, name: str):
    assert try_kills(box, CASES[name](box)).broken == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CHEAP)
def test_every_call_may_fail(box: Box, name: str, fault: str):
    assert try_calls(box, CASES[name](box), fault).broken == []


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "every"), [("EIO", 3), ("ENOSPC+", 4), ("EACCES", 8), ("TERM", 12)])
@pytest.mark.parametrize("name", [name for name in CASES if name not in CHEAP])
def test_any_call_may_fail(box: Box, name: str, fault: str, every: int):
    assert try_calls(box, CASES[name](box), fault, every).broken == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in ("fit", "sweep", "sweep in processes")])
def test_streams_environment_and_limits(box: Box, name: str):
    assert try_all(box, CASES[name](box), [*SILENT, *ODD, *LIMITS]).broken == []


def test_an_injected_fault_arrives(box: Box):
    calls = count_calls(box, CASES["fit"](box))
    number = next(call["number"] for call in calls if call["call"] == "replace" and "preprocessing.json" in call["path"])
    box.fill("new")
    ended = box.command(FIT, Trouble(at=number, fault="ENOSPC+"))
    assert ended.code == 6
    assert len(ended.calls) == 1


@pytest.mark.slow
def test_the_disk_before_a_call_is_what_a_kill_leaves(box: Box):
    case = CASES["fit"](box)
    calls = count_calls(box, case)
    number = next(call["number"] for call in calls if call["call"] == "replace" and "preprocessing.json" in call["path"])
    box.fill("new")
    killed = box.command(FIT, Trouble(at=number, fault="KILL", code=OFTEN))
    by_kill = box.surroundings()
    box.fill("new")
    box.fill_as_before(box.command(FIT, Trouble(fault="DISK", code=OFTEN)).calls[number - 1])
    assert killed.code == -9
    names = {name[1:] for name in differing(by_kill, box.surroundings()) if ".tmp" not in name}
    assert names <= {"work/run/manifest.json", "work/run/log.txt", "work/run/.lock"}


@pytest.mark.parametrize("trouble", [pytest.param(one, marks=[pytest.mark.slow] * (one in HALVES)) for one in SILENT], ids=str)
def test_what_concerns_no_file_of_the_run_changes_nothing(box: Box, trouble: Trouble):
    case = CASES["fit"](box)
    box.fill(case.kept)
    ended = box.command(case.words, trouble)
    assert wrong_with(ended) + case.looks(box, ended, trouble) == []
    assert ended.code == 0


@pytest.mark.slow
@pytest.mark.parametrize("trouble", [*ODD, *LIMITS], ids=str)
def test_a_limit_of_the_shell_is_an_answer(box: Box, trouble: Trouble):
    assert try_all(box, CASES["fit"](box), [trouble]).broken == []
