"""A number of bytes as people say it: `816 kB`, `164 MiB`, `3.1 GiB`."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ("kiB", "MiB", "GiB", "TiB")


def size(bytes: float) -> str:
    """In the largest unit that it fills; a decimal only below ten."""
    value = bytes / 1024
    unit = _UNITS[0]
    for unit in _UNITS:  # noqa: B007 - the last unit takes what is left
        if value < 1000:
            break
        value /= 1024
    return f"{value:.1f} {unit}" if 0 < value < 9.95 else f"{value:,.0f} {unit}"
