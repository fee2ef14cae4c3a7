"""What the control groups of a process leave it of memory, in both versions and at any depth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rowcrew.control.children import memory
from rowcrew.settings import machine

VERSION_2 = {"memory.max": "1000", "memory.current": "700", "memory.stat": "anon 1\ninactive_file 50\n"}
VERSION_1 = {
    "memory.limit_in_bytes": "2000",
    "memory.usage_in_bytes": "1900",
    "memory.stat": "inactive_file 1\ntotal_inactive_file 20\n",
}
UNLIMITED = {**VERSION_2, "memory.max": "max"}


def left(
    monkeypatch: pytest.MonkeyPatch, root: Path, groups: Mapping[str, Mapping[str, str]], member: str
) -> int | None:
    for path, files in groups.items():
        (root / path).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (root / path / name).write_text(text)
    (root / "memberships").write_text(member)
    monkeypatch.setattr(machine, "_CONTROL_GROUP", root)
    monkeypatch.setattr(machine, "_MEMBERSHIPS", root / "memberships")
    return machine.container_memory_left()


@pytest.mark.parametrize(
    ("groups", "member", "bytes_left"),
    [
        ({".": VERSION_2}, "0::/\n", 350),
        ({"pod/app": UNLIMITED, "pod": VERSION_2}, "0::/pod/app\n", 350),
        ({"memory/docker/7": VERSION_1}, "9:cpu:/x\n4:memory:/docker/7\n0::/\n", 120),
        ({"memory": VERSION_1}, "4:hugetlb,memory:/docker/7\n", 120),  # in a container its group is the root
        ({"memory": VERSION_1, ".": VERSION_2}, "4:memory:/\n0::/\n", 120),
        ({".": UNLIMITED}, "0::/\n", None),
        ({}, "0::/\n", None),
    ],
)
def test_the_tightest_group_counts_and_idle_pages_of_files_are_free(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    groups: Mapping[str, Mapping[str, str]],
    member: str,
    bytes_left: int | None,
) -> None:
    assert left(monkeypatch, tmp_path, groups, member) == bytes_left


def test_a_runner_as_large_as_the_largest_must_find_room(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {1: 80, 2: 120}
    monkeypatch.setattr(memory, "_resident_bytes", sizes.__getitem__)
    monkeypatch.setattr(memory, "container_memory_left", lambda: 120)
    assert memory.has_memory_for_another([1, 2])
    monkeypatch.setattr(memory, "container_memory_left", lambda: 119)
    assert not memory.has_memory_for_another([1, 2])
    assert memory.has_memory_for_another([1])
