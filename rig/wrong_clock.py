"""Programs whose wall clock is wrong, by libfaketime; their monotonic clock is that of the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
needs_faketime = pytest.mark.skipif(
    FAKETIME is None, reason="needs libfaketime (Debian: apt install faketime)"
)


def wrong_by(offset: str) -> dict[str, Any]:
    """Variables for a program whose clock is off by so much: `+2h`, `-2h`."""
    return {"LD_PRELOAD": FAKETIME, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": 1}
