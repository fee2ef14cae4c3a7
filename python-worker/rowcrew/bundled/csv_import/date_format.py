"""Date formats as Python's strptime writes them, for PostgreSQL to match and to rewrite as ISO 8601.

In: a format such as `%d/%m/%Y`. Out: a regular expression, and the replacement that puts its groups in ISO
order. Pure. Called by `copy_in`, and by the payload of csv_import to refuse a format early.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

# As narrow as strptime: a cell that one format cannot mean is left to the next. No group stands in a group.
_DIRECTIVES: Final = {
    "Y": r"(\d{4})",
    "y": r"(\d{2})",
    "m": r"(0?[1-9]|1[0-2])",
    "b": r"([A-Za-z]{3})",
    "B": r"([A-Za-z]{3,9})",
    "d": r"(0?[1-9]|[12]\d|3[01])",
    "H": r"([01]?\d|2[0-3])",
    "I": r"(0?[1-9]|1[0-2])",
    "M": r"([0-5]\d)",
    "S": r"([0-5]\d)",
    "f": r"(\d{1,6})",
    "p": r"([AaPp][Mm])",
    "z": r"([-+]\d{2}:?\d{2}|Z)",
}
# Where the next directive follows at once. Narrower than strptime: a spreadsheet that takes 011126 for a
# number drops its zero, and 11126 is then 1 November, or 11 January.
_TWO_DIGITS: Final = {
    "m": r"(0[1-9]|1[0-2])",
    "d": r"(0[1-9]|[12]\d|3[01])",
    "H": r"([01]\d|2[0-3])",
    "I": r"(0[1-9]|1[0-2])",
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
# Of a year of two digits, and what stands before them: those of POSIX and strptime. PostgreSQL has others.
_CENTURIES: Final = (("(0\\d|[1-5]\\d|6[0-8])", "20"), ("(69|[7-9]\\d)", "19"))
# Rewriting costs ten times as much as matching, and most files have these.
_ISO_FORMATS: Final = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")


class DateRule(msgspec.Struct, frozen=True):
    """A regular expression of PostgreSQL, and the replacement that makes its match ISO 8601.

    `is_iso`: a match is ISO 8601 already.
    """

    pattern: str
    replacement: str
    is_iso: bool


def date_rules(date_format: str) -> list[DateRule]:
    """The rules for a format: one, or one for each century where the year has two digits.

    Raises:
        ValueError: a directive that is unknown or comes twice, or no directive at all.
    """
    pattern, groups = _pattern(date_format)
    if "%y" not in date_format.replace("%%", ""):
        return [_rule(date_format, pattern, groups, "")]
    return [
        _rule(date_format, pattern.replace(_DIRECTIVES["y"], years), groups, century)
        for years, century in _CENTURIES
    ]


def form_of(date_format: str, *, two_digit_years: str) -> str:
    """A regular expression without groups for the cells that a format without parentheses means."""
    pattern, _ = _pattern(date_format)
    return pattern.replace(_DIRECTIVES["y"], two_digit_years).replace("(?:", "(").replace("(", "(?:")


def _pattern(date_format: str) -> tuple[str, dict[str, int]]:
    """What matches the format, and the number of the group that holds each part of `_ISO_ORDER`."""
    groups: dict[str, int] = {}
    pattern = ""
    touching = _touching(date_format)
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
            pattern += (_TWO_DIGITS if directive in touching else _DIRECTIVES).get(
                directive, _DIRECTIVES[directive]
            )
    if not groups:
        raise ValueError(f"date format {date_format!r} has no directive such as %Y")
    return pattern, groups


def _touching(date_format: str) -> set[str]:
    """The directives with another one right before or behind them."""
    return {letter for pair in re.findall(r"(?=%([^%])%([^%]))", date_format) for letter in pair}


def _rule(date_format: str, pattern: str, groups: dict[str, int], century: str) -> DateRule:
    parts = [
        f"{before}{century if names == 'Yy' else ''}\\{groups[names]}"
        for before, names in _ISO_ORDER
        if names in groups
    ]
    is_iso = date_format in _ISO_FORMATS
    return DateRule(rf"^\s*{pattern}\s*$", "".join(parts).lstrip("-: ."), is_iso)
