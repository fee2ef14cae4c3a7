"""Date formats as Python's strptime writes them, for PostgreSQL to match and to rewrite as ISO 8601.

In: a format such as `%d/%m/%Y`. Out: a regular expression, and the replacement that puts its groups in ISO
order. Pure. Called by `copy_in`, and by the payload of csv_import to refuse a format early.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_DIRECTIVES: Final = {
    "Y": r"(\d{4})",
    "y": r"(\d{2})",
    "m": r"(\d{1,2})",
    "b": r"([A-Za-z]{3})",
    "B": r"([A-Za-z]{3,9})",
    "d": r"(\d{1,2})",
    "H": r"(\d{1,2})",
    "I": r"(\d{1,2})",
    "M": r"(\d{2})",
    "S": r"(\d{2})",
    "f": r"(\d{1,6})",
    "p": r"([AaPp][Mm])",
    "z": r"([-+]\d{2}:?\d{2}|Z)",
}
# ISO order: what stands before a part when it is there. Of two names in one entry only one can be used.
_ISO_ORDER: Final = (
    ("", "Yy"),
    ("-", "mbB"),
    ("-", "d"),
    (" ", "HI"),
    (":", "M"),
    (":", "S"),
    (".", "f"),
    (" ", "p"),
    ("", "z"),
)
# Rewriting costs ten times as much as matching, and most files have these.
_ISO_FORMATS: Final = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")


class DateRule(msgspec.Struct, frozen=True):
    """A regular expression of PostgreSQL, and the replacement that makes its match ISO 8601.

    `is_iso`: a match is ISO 8601 already.
    """

    pattern: str
    replacement: str
    is_iso: bool


def date_rule(date_format: str) -> DateRule:
    """The rule for a format.

    Raises:
        ValueError: a directive that is unknown or comes twice, or no directive at all.
    """
    groups: dict[str, int] = {}
    pattern = ""
    for directive, literal in re.findall(r"%(.)|([^%]+|%$)", date_format, re.DOTALL):
        if directive == "%" or not directive:
            pattern += re.escape(directive or literal)
        elif directive not in _DIRECTIVES:
            raise ValueError(
                f"date format {date_format!r}: %{directive} is unknown; give %{' %'.join(_DIRECTIVES)}"
            )
        else:
            part = next(names for _, names in _ISO_ORDER if directive in names)
            if part in groups:
                raise ValueError(f"date format {date_format!r}: %{directive} says something twice")
            groups[part] = len(groups) + 1
            pattern += _DIRECTIVES[directive]
    if not groups:
        raise ValueError(f"date format {date_format!r} has no directive such as %Y")
    parts = [f"{before}\\{groups[names]}" for before, names in _ISO_ORDER if names in groups]
    is_iso = date_format in _ISO_FORMATS
    return DateRule(rf"^\s*{pattern}\s*$", "".join(parts).lstrip("-: ."), is_iso)
