"""How many fits run at a time is held against the memory of the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dltrain.checking.memory import FRAMEWORK
from dltrain.checking.result import Memory
from dltrain.errors import ConfigError
from dltrain.reporting import Reporter
from dltrain.sweep import choosing
from dltrain.sweep.choosing import jobs_that_fit
from dltrain.sweep.plan import SweepOptions, plan_sweep
from dltrain.sweep.sweep import sweep
from tests.sweep.support import SMALL, small

OVER = ["training.optimizer.learning_rate=0.001,0.01,0.1"]
LARGE = Memory(model=1_500_000_000 - FRAMEWORK, batch=0, data=100_000_000)


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(choosing, "memory_bytes", lambda: 4_000_000_000)
    monkeypatch.setattr(choosing, "usable_cores", lambda: 8)
    return plan_sweep(small(), SweepOptions(over=OVER))


def test_jobs_that_take_more_than_there_is_are_refused_with_how_many_fit(plan):
    largest = plan.config, LARGE  # 1.5 GB each, and data that they share
    with pytest.raises(ConfigError) as caught:
        jobs_that_fit(replace(plan, jobs=3), 3, largest, Reporter())
    [fault] = caught.value.faults
    assert "3 fits at a time take about 4.6 GB of the 4.0 GB" in fault.message
    assert "--jobs 2" in str(fault.hint)
    assert jobs_that_fit(replace(plan, jobs=2), 3, largest, Reporter()) == 2
    assert jobs_that_fit(replace(plan, jobs=9), 2, largest, Reporter()) == 9  # there are no more than two fits


def test_without_jobs_no_more_fit_at_a_time_than_there_is_memory_for(plan):
    largest = plan.config, LARGE
    assert jobs_that_fit(plan, 3, largest, Reporter()) == 2
    assert jobs_that_fit(plan, 3, (plan.config, Memory(1000, 1000, 1000)), Reporter()) is None
    assert jobs_that_fit(plan, 3, None, Reporter()) is None


def test_allow_large_tries_it_all_the_same(plan):
    config = small("training.allow_large=true")
    assert jobs_that_fit(replace(plan, jobs=3), 3, (config, Memory(1 << 40, 0, 0)), Reporter()) == 3


def test_a_sweep_in_processes_asks_before_anything_is_written(plan, tmp_path):
    large = small(text=SMALL.replace("units: 5", "units: 10000000"))
    with pytest.raises(ConfigError, match="2 fits at a time take about"):
        sweep(large, over=OVER, jobs=2, engine="processes", run_dir=tmp_path / "run")
