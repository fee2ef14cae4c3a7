"""What a benchmark found: tables of figures, and the facts without which they say nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from rowcrew.installed import VERSION

Row = Mapping[str, Any]


class Table(msgspec.Struct, frozen=True):
    """Rows by column name under a title; times and sizes have their unit in the column's name."""

    title: str
    rows: Sequence[Row]


class Report(msgspec.Struct, frozen=True):
    """One run of one benchmark."""

    name: str
    machine: Mapping[str, Any]
    tables: Sequence[Table]
    notes: Sequence[str] = ()


def machine_facts(server: Mapping[str, str]) -> dict[str, Any]:
    """The machine, its load as the run begins, and the versions in play."""
    return {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "rowcrew": VERSION,
        "python": platform.python_version(),
        "uvloop": find_spec("uvloop") is not None,
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "loadAverage": [round(load, 2) for load in os.getloadavg()],
        **{f"postgres_{name}": value for name, value in server.items()},
    }


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )
