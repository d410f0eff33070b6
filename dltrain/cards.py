"""The NVIDIA cards of this machine as they show without TensorFlow, and which of them a process computes on."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CPU, AUTO, GPU = "cpu", "auto", "gpu"
INSTALL = "pip install 'dltrain[gpu]'"
_DRIVER = Path("/proc/driver/nvidia/gpus")
_FILES = Path("/dev")
_SMI_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Placement:
    """What a process computes on.

    Attributes:
        devices: `training.devices`: "auto", "cpu", "gpu", or "gpu:N".
        card: which of the cards that the process sees, 0-based; None: the first one.
        deterministic: whether operations that may add in any order are made to add in one.
    """

    devices: str = AUTO
    card: int | None = None
    deterministic: bool = False


def asked_cards(devices: str) -> int:
    """How many cards `training.devices` asks for; 0 where it needs none."""
    name, _, number = devices.partition(":")
    return 0 if name != GPU else int(number or 1)


def count_cards() -> int:
    """How many NVIDIA cards the driver shows and CUDA_VISIBLE_DEVICES leaves of them."""
    count = _count_installed()
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is None:
        return count
    names = [name.strip() for name in shown.split(",")]
    hidden = next((index for index, name in enumerate(names) if name in ("", "-1")), len(names))
    return min(count, hidden)


def _count_installed() -> int:
    with contextlib.suppress(OSError):
        if found := sum(1 for _ in _DRIVER.iterdir()):
            return found
    with contextlib.suppress(OSError):
        if found := sum(1 for name in os.listdir(_FILES) if re.fullmatch(r"nvidia\d+", name)):
            return found
    command = shutil.which("nvidia-smi")  # in Windows's Linux there are cards, and nothing of the above
    if command is None:
        return 0
    try:
        listed = subprocess.run([command, "-L"], capture_output=True, text=True, timeout=_SMI_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return len(re.findall(r"(?m)^GPU \d+:", listed.stdout))


def has_cuda_libraries() -> bool:
    """Whether what TensorFlow needs for a card seems to be there: packages of NVIDIA's, or CUDA as the system has it."""
    from ctypes.util import find_library

    return importlib.util.find_spec("nvidia") is not None or find_library("cudart") is not None


def why_no_card(devices: str) -> tuple[str, str] | None:
    """Why this machine cannot give the cards that `training.devices` asks for, and the way out; None where it can."""
    wanted, there = asked_cards(devices), count_cards()
    if wanted == 0:
        return None
    if there == 0:
        shown = os.environ.get("CUDA_VISIBLE_DEVICES")
        why = "no NVIDIA card is seen on this machine"
        if shown is not None and _count_installed():
            why = f"CUDA_VISIBLE_DEVICES={shown} hides the NVIDIA cards of this machine"
        return why, "`devices: auto` takes a card where there is one; here: training.devices=cpu"
    if wanted > there:
        return f"{wanted} NVIDIA cards are asked for, and there {'is' if there == 1 else 'are'} {there}", (
            f"training.devices={GPU if there == 1 else f'{GPU}:{there}'}"
        )
    return None if has_cuda_libraries() else no_libraries()


def no_libraries() -> tuple[str, str]:
    """What is said where there is a card, and not what computes on it."""
    return "there is an NVIDIA card, but not the CUDA libraries that TensorFlow needs", f"{INSTALL}; or training.devices=cpu"
