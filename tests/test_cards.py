"""Which cards a process computes on, by what the driver shows and by the variables of CUDA."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dltrain import cards
from dltrain.cards import Placement, asked_cards, count_cards, why_no_card
from dltrain.checking.check import check_file
from dltrain.errors import ConfigError, UsageError
from dltrain.model import keras_import
from dltrain.training.workers.cluster import Cluster
from dltrain.training.workers.group import Group
from dltrain.training.workers.local import _count_workers

CONFIG = """\
data: {source: iris, split: {test: 0.2}}
model: {layers: [{Dense: {units: 4}}]}
training: {epochs: 1, devices: WORD}
"""


@pytest.fixture(autouse=True)
def no_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "_DRIVER", tmp_path / "driver")
    monkeypatch.setattr(cards, "_FILES", tmp_path / "files")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def driver(tmp_path: Path, count: int) -> None:
    for number in range(count):
        (tmp_path / "driver" / f"0000:0{number}:00.0").mkdir(parents=True)


def test_words_ask_for_cards() -> None:
    assert [asked_cards(word) for word in ("auto", "cpu", "gpu", "gpu:2", "gpu:16")] == [0, 0, 1, 2, 16]


def test_cards_are_counted_by_the_driver_and_what_cuda_may_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert count_cards() == 0
    (tmp_path / "files").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / "files" / name).touch()
    assert count_cards() == 2
    driver(tmp_path, 4)
    assert count_cards() == 4
    for shown, count in {"0,2": 2, "": 0, "-1": 0, "1,-1,2": 1, "GPU-ab": 1, "0,1,2,3,4,5": 4}.items():
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
        assert count_cards() == count, shown


def test_without_a_driver_s_files_its_program_is_asked(tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA T4 (UUID: GPU-1)'\necho 'GPU 1: NVIDIA T4 (UUID: GPU-2)'\n")
    program.chmod(0o755)
    assert count_cards() == 2


def test_a_machine_without_cards_says_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    for word in ("gpu", "gpu:2"):
        file.write_text(CONFIG.replace("WORD", word))
        (fault,) = check_file(file)[1].errors
        assert (fault.line, fault.path) == (3, "training.devices")
        assert "no NVIDIA card" in fault.message
        assert "training.devices=cpu" in (fault.hint or "")
    for word in ("auto", "cpu"):
        file.write_text(CONFIG.replace("WORD", word))
        assert not check_file(file)[1].errors


def test_cards_without_libraries_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, 2)
    file = tmp_path / "c.yaml"
    monkeypatch.setattr(cards, "has_cuda_libraries", lambda: False)
    file.write_text(CONFIG.replace("WORD", "auto"))
    (warning,) = [fault for fault in check_file(file)[1].warnings if fault.path == "training.devices"]
    assert "dltrain[gpu]" in (warning.hint or "")
    assert "dltrain[gpu]" in (why_no_card("gpu:2") or ("", ""))[1]
    monkeypatch.setattr(cards, "has_cuda_libraries", lambda: True)
    assert why_no_card("gpu:2") is None
    assert "2" in (why_no_card("gpu:3") or ("", ""))[0]
    # What shares the rows of a batch is held against the config as `--workers` holds it.
    file.write_text(CONFIG.replace("WORD", "gpu:2, members: 3"))
    assert [fault.path for fault in check_file(file)[1].errors] == ["training.members"]
    file.write_text(CONFIG.replace("WORD", "gpu:2") + "sweep: {parameters: {training.epochs: [1, 2]}}\n")
    assert [fault.path for fault in check_file(file)[1].errors] == ["training.devices"]


def test_as_many_processes_as_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _count_workers("auto", 3) == 3
    assert _count_workers("gpu:2", 1) == 2
    with pytest.raises(UsageError, match="contradicts"):
        _count_workers("gpu:2", 3)
    driver(tmp_path, 2)
    assert _count_workers("auto", 2) == _count_workers("gpu", 2) == 2
    assert _count_workers("cpu", 4) == 4
    with pytest.raises(UsageError, match="would share 2 NVIDIA cards"):
        _count_workers("auto", 3)


def test_processes_of_one_machine_are_numbered() -> None:
    addresses = ("a:1", "a:2", "b:1", "a:3", "b:2")
    assert [Group(Cluster(addresses, index)).local_index for index in range(5)] == [0, 1, 0, 2, 1]


class Devices:
    """TensorFlow's `config`, of a machine with so many cards."""

    def __init__(self, count: int, *, begun: bool = False) -> None:
        self.there = [f"card {number}" for number in range(count)]
        self.visible, self.growing, self.begun = list(self.there), [], begun
        self.experimental = SimpleNamespace(set_memory_growth=self._grow)

    def list_physical_devices(self, kind: str) -> list[str]:
        return self.there

    def get_visible_devices(self, kind: str) -> list[str]:
        return self.visible

    def set_visible_devices(self, devices: list[str], kind: str) -> None:
        if self.begun:
            raise RuntimeError("Visible devices cannot be modified after being initialized")
        self.visible = devices

    def _grow(self, device: str, grows: bool) -> None:
        if self.begun:
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        assert grows
        self.growing.append(device)


def placed_on(monkeypatch: pytest.MonkeyPatch, devices: Devices, placement: Placement) -> Any:
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=devices))
    monkeypatch.setattr(keras_import, "_switch_determinism", lambda wanted: None)
    keras_import._place(placement)
    return devices.visible, devices.growing


def test_a_process_sees_its_card_alone_whose_memory_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {
        ("auto", None): ["card 0"],
        ("gpu", None): ["card 0"],
        ("gpu:2", 1): ["card 1"],
        ("auto", 1): ["card 1"],
        ("auto", 5): ["card 0"],  # who started it has given it a card of its own
        ("cpu", None): [],
        ("cpu", 1): [],
    }
    for (word, card), seen in expected.items():
        assert placed_on(monkeypatch, Devices(2), Placement(word, card)) == (seen, seen)
    assert placed_on(monkeypatch, Devices(0), Placement("auto")) == ([], [])


def test_what_tensorflow_does_not_find_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="finds 1 card"):
        placed_on(monkeypatch, Devices(1), Placement("gpu:2", 0))
    with pytest.raises(UsageError, match="other devices"):
        placed_on(monkeypatch, Devices(1, begun=True), Placement("cpu"))
    placed_on(monkeypatch, Devices(1, begun=True), Placement("gpu"))
