"""What processes use is read as psutil reads it, from /proc and where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rowcrew.control.children import meter

BUSY = "held = bytearray(100_000_000)\nwhile True: pass"


@pytest.fixture
def busy() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", BUSY]) as process:
        yield process.pid
        process.kill()


@pytest.fixture(params=["from /proc", "elsewhere"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if request.param == "elsewhere":
        monkeypatch.setattr(meter, "_PROC", tmp_path)


@pytest.mark.usefixtures("way")
def test_memory_and_processor_time_are_those_of_the_process(busy: int) -> None:
    process = psutil.Process(busy)
    while process.cpu_times().user < 0.5 or process.memory_info().rss < 100_000_000:
        time.sleep(0.01)
    before = process.cpu_times().user + process.cpu_times().system
    read = meter.reading(busy)
    after = process.cpu_times().user + process.cpu_times().system
    assert before - 0.011 <= read.cpu <= after + 0.011, "a tick of the system's clock each way"
    assert abs(read.memory - process.memory_info().rss) < 2**20


@pytest.mark.usefixtures("way")
def test_a_process_that_is_gone_is_told_so() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    with pytest.raises((FileNotFoundError, ProcessLookupError)):
        meter.reading(process.pid)


@pytest.mark.usefixtures("way")
def test_what_the_machine_has_left_is_what_it_says() -> None:
    assert abs(meter.machine_memory_left() - psutil.virtual_memory().available) < 2**29
    assert meter.machine_memory_left() < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_sandbox_that_does_not_tell_hinders_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    monkeypatch.setattr(meter, "_PROC", tmp_path)
    assert meter.machine_memory_left() == sys.maxsize
    (tmp_path / "meminfo").write_text("MemTotal: 1 kB\n")
    assert meter.machine_memory_left() == sys.maxsize
    (tmp_path / "7").mkdir()
    for name in ("statm", "stat"):
        (tmp_path / "7" / name).write_text("")
    with pytest.raises(OSError, match="proc"):
        meter.reading(7)
