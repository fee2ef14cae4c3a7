"""A length of time as people say it: `12 s`, `5 min 12 s`, `3 h 5 min`, `2 d 4 h`."""

from __future__ import annotations

from typing import Final

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """The two largest units that say something; below ten seconds with one decimal, never below zero."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s".replace(".0 ", " ")
    left = round(seconds)
    parts = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        parts.append((count, unit))
    first = next(place for place, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)
