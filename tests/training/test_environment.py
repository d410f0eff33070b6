"""What of a process's surroundings may change the last bits of a result is recorded with a run."""

from __future__ import annotations

import pytest

from dltrain.training.environment import changing_variables


@pytest.mark.parametrize("name", ["XLA_FLAGS", "TF_XLA_FLAGS", "ONEDNN_MAX_CPU_ISA", "DNNL_VERBOSE", "NVIDIA_TF32_OVERRIDE"])
def test_f9_siblings_variables_by_which_libraries_compute_otherwise_are_recorded(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = changing_variables()
    monkeypatch.setenv(name, "some=1")
    assert changing_variables() == dict(sorted({**before, name: "some=1"}.items()))


@pytest.mark.parametrize("name", ["LANG", "TZ", "PYTHONHASHSEED", "TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES", "MY_ONEDNN_X"])
def test_f9_siblings_other_variables_are_not(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = changing_variables()
    monkeypatch.setenv(name, "1")
    assert changing_variables() == before
