"""The measuring of cards runs on the processor as well, and without a card says that nothing was measured."""

from __future__ import annotations

import pytest

from dltrain.cards import CPU
from dltrain.model.keras_import import import_keras
from dltrain.training.environment import computing_device
from tests.benchmarks.scale import step_by
from tests.gpu.measure import main


def test_without_a_card_nothing_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    import_keras()
    if computing_device() != CPU:
        pytest.skip("there is a card")
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("no card")


@pytest.mark.slow
def test_the_processor_is_measured_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--on-cpu", "--quick"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "device: cpu"
    assert lines[-1] == "resume: the same bits"
    assert [line.split()[0] for line in lines[1:]] == ["step", "8", "memory:", "resume:"]


def test_a_step_by_several_is_its_share_and_a_ring() -> None:
    assert step_by(1, 0.5, 10**9, 10**9, 1e9, 1.0) == 0.5
    # 8 workers: 14 messages of an eighth of the gradients; rows take 0.1 s to come, less than what is computed.
    assert step_by(8, 0.2, 8 * 10**8, 10**8, 1e9, 0.001) == pytest.approx(0.2 + 14 * (0.001 + 0.1))
    assert step_by(2, 0.05, 0, 10**8, 1e9, 0.0) == pytest.approx(0.1)
