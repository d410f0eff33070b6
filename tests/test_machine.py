"""How much memory a process may take."""

from __future__ import annotations

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
    assert machine._group_limits(root, tmp_path / "none") == []


def test_this_machine():
    assert 1 << 28 < machine.memory_bytes() < 1 << 50
