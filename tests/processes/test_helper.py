"""The helper process: results and errors come back, arrays without a pickle of their own, and it never outlives its use."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.errors import DataError
from dltrain.processes.helper import HelperProcess, can_fork
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from tests.support import REPOSITORY

CODE = """
import os, sys
import numpy as np
sys.path.insert(0, {repository!r})
from dltrain.errors import DataError
from dltrain.processes.helper import HelperLostError, HelperProcess
from dltrain.reporting import Reporter

def work(count, reporter):
    reporter.status(f"working in {{os.getpid() != {parent}}}")
    return {{"big": np.arange(count, dtype="float32"), "empty": np.zeros((0, 3)), "pid": os.getpid()}}

def fail(reporter):
    raise DataError("no such rows", hint="look again")

def die(reporter):
    os.kill(os.getpid(), 9)

class Heard(Reporter):
    def status(self, text):
        print(text)

helper = HelperProcess()
helper.submit(work, 3_000_000)
helper.submit(fail)
helper.submit(die)
value = helper.result(Heard())
print(value["big"].sum() == np.arange(3_000_000, dtype="float32").sum(), value["empty"].shape, value["pid"] != os.getpid())
value["big"][0] = 5
try:
    helper.result(Heard())
except DataError as error:
    print(error.faults[0].message, "/", error.faults[0].hint)
try:
    helper.result(Heard())
except HelperLostError as error:
    print(error.faults[0].message)
helper.close()
print("closed")
"""


def test_a_forked_helper() -> None:
    code = CODE.format(repository=str(REPOSITORY), parent="os.getppid()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "working in True",
        "True (0, 3) True",
        "no such rows / look again",
        "the process that reads and draws beside this one is gone: it was killed, or ran out of memory",
        "closed",
    ]


def test_without_a_fork_it_runs_here() -> None:
    helper = HelperProcess(forked=False)

    def double(value: Any, *, reporter: Reporter) -> Any:
        return value * 2

    def fail(*, reporter: Reporter) -> None:
        raise DataError("gone")

    helper.submit(double, np.ones(3))
    helper.submit(fail)
    np.testing.assert_array_equal(helper.result(Reporter()), 2 * np.ones(3))
    with pytest.raises(DataError):
        helper.result(Reporter())


def test_no_fork_beside_libraries_with_threads_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorflow", "polars"):
        monkeypatch.setitem(sys.modules, name, sys)
        assert not can_fork()


KILLED = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {repository!r})
from dltrain.processes.helper import HelperProcess
from dltrain.storage.run import Run

def sleep(reporter):
    time.sleep(60)

run = Run(Path({folder!r}))
with run.locked():
    helper = HelperProcess()
    helper.submit(sleep)
    print(run.is_locked(), flush=True)
    os.kill(os.getpid(), 9)
"""


def test_the_lock_of_a_killed_process_does_not_live_on_in_its_helper(tmp_path: Path) -> None:
    """A job that is retried at once finds the run free."""
    code = KILLED.format(repository=str(REPOSITORY), folder=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        process.wait(timeout=300)
    until = time.monotonic() + 40.0  # the helper's job goes on for longer
    while Run(tmp_path).is_locked() and time.monotonic() < until:
        time.sleep(0.01)
    assert not Run(tmp_path).is_locked()


def test_pictures_of_a_drawer_that_is_gone_are_a_warning(tmp_path: Path) -> None:
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(REPOSITORY)!r})
from pathlib import Path
from dltrain.processes.helper import HelperProcess
from dltrain.reporting import Reporter, WarningList
from dltrain.training.saving.pictures import Drawers
helper = HelperProcess()
drawers, heard = Drawers([helper]), WarningList(Reporter())
drawers.warm_up()
drawers.wait()
os.kill(helper._pid, signal.SIGKILL)
os.waitpid(helper._pid, 0)
for name in ("a.png", "b.png"):
    drawers.draw(print, Path({str(tmp_path)!r}) / name, reporter=heard)
drawers.wait()
drawers.close()
print([warning.message for warning in heard.warnings])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    gone = "pictures are missing: the process that reads and draws beside this one is gone: it was killed, or ran out of memory"
    assert done.stdout.splitlines()[-1] == str([gone])
