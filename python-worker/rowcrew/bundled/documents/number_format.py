"""How a language area writes numbers: signs, groups of digits, currencies, short forms for axes.

In: a locale's tag and a currency. Out: a `NumberFormat`, whose methods turn values into text. The negative
sign is U+2212, which is made to stand before digits. Called by what draws documents.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from rowcrew.bundled.documents.document import ValueFormat

LocaleTag = Literal[
    "en-US", "en-GB", "en-IN", "de-DE", "de-CH", "fr-FR", "es-ES", "it-IT", "nl-NL", "pt-BR", "sv-SE",
    "pl-PL", "ja-JP", "zh-CN", "ko-KR",
]  # fmt: skip

MINUS: Final = "\u2212"
NOT_APPLICABLE: Final = "\u2013"
_NARROW: Final = "\u202f"
_NO_BREAK: Final = "\u00a0"
_MOST_DIGITS: Final = 1e15


class Writing(msgspec.Struct, frozen=True):
    """The signs of a language area.

    Attributes:
        symbol_first: "€5", not "5 €".
        percent: what follows the number of a percentage.
        lakh: groups are 12,34,567, and large numbers are counted in lakh and crore.
    """

    decimal: str
    group: str
    symbol_first: bool
    percent: str
    lakh: bool = False


_ENGLISH: Final = Writing(".", ",", symbol_first=True, percent="%")
_GERMAN: Final = Writing(",", ".", symbol_first=False, percent=f"{_NO_BREAK}%")
_SPACED: Final = Writing(",", _NO_BREAK, symbol_first=False, percent=f"{_NO_BREAK}%")
_WRITINGS: Final[dict[LocaleTag, Writing]] = {
    "en-US": _ENGLISH,
    "en-GB": _ENGLISH,
    "en-IN": msgspec.structs.replace(_ENGLISH, lakh=True),
    "de-DE": _GERMAN,
    "de-CH": Writing(".", "\u2019", symbol_first=True, percent="%"),
    "fr-FR": msgspec.structs.replace(_SPACED, group=_NARROW, percent=f"{_NARROW}%"),
    "es-ES": _GERMAN,
    "it-IT": msgspec.structs.replace(_GERMAN, percent="%"),
    "nl-NL": Writing(",", ".", symbol_first=True, percent="%"),
    "pt-BR": Writing(",", ".", symbol_first=True, percent="%"),
    "sv-SE": _SPACED,
    "pl-PL": msgspec.structs.replace(_SPACED, percent="%"),
    "ja-JP": _ENGLISH,
    "zh-CN": _ENGLISH,
    "ko-KR": _ENGLISH,
}
_SYMBOLS: Final = {
    "USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "CNY": "¥", "KRW": "₩", "BRL": "R$",
    "AUD": "A$", "CAD": "C$", "NZD": "NZ$", "HKD": "HK$", "SGD": "S$", "ILS": "₪", "VND": "₫", "UAH": "₴",
    "NGN": "₦", "PHP": "₱", "TRY": "₺", "RUB": "₽",
}  # fmt: skip
_WITHOUT_CENTS: Final = ("JPY", "KRW", "VND")
_SHORT: Final = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_SHORT_LAKH: Final = ((1e7, f"{_NO_BREAK}Cr"), (1e5, f"{_NO_BREAK}L"), (1e3, "k"))


class NumberFormat(msgspec.Struct, frozen=True):
    """The writing of numbers in one language area and currency."""

    locale: LocaleTag
    currency: str

    @property
    def writing(self) -> Writing:
        return _WRITINGS[self.locale]

    @property
    def symbol(self) -> str:
        """The currency's sign, else its code."""
        return _SYMBOLS.get(self.currency, self.currency)

    @property
    def cents(self) -> int:
        """How many decimals the currency has."""
        return 0 if self.currency in _WITHOUT_CENTS else 2

    def value(self, value: float, form: ValueFormat, decimals: int | None = None) -> str:
        """A number in a form; without `decimals`, as many as the form usually has."""
        match form:
            case "percent":
                return self.percent(value, 1 if decimals is None else decimals)
            case "money":
                return self.money(value, self.cents if decimals is None else decimals)
            case _:
                return self.number(value, natural_decimals([value]) if decimals is None else decimals)

    def number(self, value: float, decimals: int) -> str:
        text = self._digits(abs(value), decimals)
        return f"{MINUS}{text}" if _is_negative(value, decimals) else text

    def percent(self, fraction: float, decimals: int) -> str:
        return self.number(fraction * 100, decimals) + self.writing.percent

    def money(self, value: float, decimals: int) -> str:
        sign = MINUS if _is_negative(value, decimals) else ""
        return sign + self._with_symbol(self._digits(abs(value), decimals))

    def short(self, value: float, form: ValueFormat) -> str:
        """For axes and large figures: 1.25M, $600k, 40 %."""
        if form == "percent":
            return self.percent(value, natural_decimals([round(value * 100, 2)]))
        size, suffix = self._scale(abs(value))
        scaled = abs(value) / size
        digits = self._digits(scaled, _short_decimals(scaled)) + suffix
        sign = MINUS if value < 0 and scaled else ""
        return sign + (self._with_symbol(digits) if form == "money" else digits)

    def _scale(self, size: float) -> tuple[float, str]:
        scales = _SHORT_LAKH if self.writing.lakh else _SHORT
        return next(((unit, suffix) for unit, suffix in scales if size >= unit * 0.9995), (1.0, ""))

    def _with_symbol(self, digits: str) -> str:
        if not self.writing.symbol_first:
            return f"{digits}{_NO_BREAK}{self.symbol}"
        gap = _NO_BREAK if self.symbol[-1].isalpha() else ""
        return f"{self.symbol}{gap}{digits}"

    def _digits(self, size: float, decimals: int) -> str:
        if size >= _MOST_DIGITS:
            return f"{size:.3e}".replace(".", self.writing.decimal)
        whole, _, fraction = f"{size:.{decimals}f}".partition(".")
        grouped = _lakhs(whole) if self.writing.lakh else f"{int(whole):,}"
        grouped = grouped.replace(",", self.writing.group)
        return f"{grouped}{self.writing.decimal}{fraction}" if fraction else grouped


def natural_decimals(values: Iterable[float]) -> int:
    """As many decimals as the values have, at most 2; one number is enough to give all of them the same."""
    return max((_decimals(value) for value in values), default=0)


def _decimals(value: float) -> int:
    if not math.isfinite(value) or abs(value) >= _MOST_DIGITS:
        return 0
    fraction = f"{value:.2f}".partition(".")[2]
    return 0 if fraction == "00" else 2


def _short_decimals(scaled: float) -> int:
    """At most three telling digits: 1.25, 12.5, 125."""
    most = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    shown = f"{scaled:.{most}f}".rstrip("0")
    return len(shown.partition(".")[2])


def _is_negative(value: float, decimals: int) -> bool:
    """Whether the value is negative after rounding too: nobody wants to read -0.00."""
    return value < 0 and round(abs(value), decimals) > 0


def _lakhs(whole: str) -> str:
    head, tail = whole[:-3], whole[-3:]
    pairs: list[str] = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*pairs, tail])
