"""How much memory and how many open files a process may take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dltrain import machine


def test_control_groups_of_both_versions(tmp_path):
    root = tmp_path / "cgroup"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "memory.max").write_text("2000\n")
    (root / "a" / "b" / "memory.max").write_text("max\n")
    (root / "memory" / "docker").mkdir(parents=True)
    (root / "memory" / "docker" / "memory.limit_in_bytes").write_text("3000\n")
    (root / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    membership = tmp_path / "membership"
    membership.write_text("0::/a/b\n5:memory:/docker\n3:cpu:/docker\n")
    assert sorted(machine._group_limits(root, membership)) == [2000, 3000]
    (root / "hugetlb,memory").mkdir()
    (root / "hugetlb,memory" / "memory.limit_in_bytes").write_text("4000\n")
    membership.write_text("9:hugetlb,memory:/of/the/host\n")
    assert machine._group_limits(root, membership) == [4000]
    assert machine._group_limits(root, tmp_path / "none") == []


def test_this_machine():
    assert 1 << 28 < machine.memory_bytes() < 1 << 50


def _limited(code: str, **limits: tuple[int, int]) -> subprocess.CompletedProcess[str]:
    """Python code in a process of its own, with limits of the system: soft and hard."""
    lines = [f"import resource; resource.setrlimit(resource.RLIMIT_{name}, {limit})" for name, limit in limits.items()]
    return subprocess.run([sys.executable, "-c", "\n".join([*lines, code])], capture_output=True, text=True, check=False)


COMMAND = "import sys; from dltrain.cli.app import run; sys.exit(run(['explain', 'data.path']))"
IMPORT = """
import sys
from dltrain.errors import RunError
from dltrain.model.keras_import import import_keras
try:
    import_keras()
except RunError as error:
    sys.exit(f"{error.exit_code} {error} {'tensorflow' in sys.modules}")
"""


def test_too_few_open_files_are_an_answer():
    ended = _limited(COMMAND, NOFILE=(12, 12))
    assert ended.returncode == 6
    assert "allows a process 12 open files (ulimit -n), and dltrain needs 32" in ended.stderr
    assert "hint: `ulimit -n 1024`" in ended.stderr


def test_open_files_are_taken_as_far_as_the_hard_limit_goes():
    ended = _limited(COMMAND + "\n", NOFILE=(12, 64))
    assert (ended.returncode, ended.stderr) == (0, "")
    check = (
        "from dltrain.machine import require_open_files; require_open_files(); print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    assert _limited(check, NOFILE=(12, 64)).stdout == "(32, 64)\n"
    assert _limited(check, NOFILE=(40, 64)).stdout == "(40, 64)\n"


@pytest.mark.parametrize("megabytes", [150, 250, 700, 1000, 1060])
def test_too_few_addresses_for_data_are_an_answer(megabytes: int, tmp_path: Path):
    (tmp_path / "rows.csv").write_text("a,y\n1,x\n2,z\n" * 9)
    code = (
        f"import sys\nfrom dltrain.cli.app import run\nsys.exit(run(['init', {str(tmp_path / 'rows.csv')!r}, '--target', 'y']))"
    )
    ended = _limited(code, AS=(megabytes * 1_000_000, megabytes * 1_000_000))
    assert ended.returncode == 6
    assert (
        f"error: the system allows a process {megabytes / 1000:.2f} GB of addresses (ulimit -v); {'polars' if megabytes > 150 else 'numpy'} needs"
        in ended.stderr
    )


@pytest.mark.parametrize("megabytes", [400, 1000, 1500])
def test_too_few_addresses_for_tensorflow_are_an_answer(megabytes: int):
    ended = _limited(IMPORT, AS=(megabytes * 1_000_000, megabytes * 1_000_000))
    assert ended.returncode == 1
    assert ended.stderr.startswith("6 error: the system allows a process")
    assert f"{megabytes / 1000:.2f} GB of addresses (ulimit -v); TensorFlow needs" in ended.stderr
    assert ended.stderr.endswith("False\n")
