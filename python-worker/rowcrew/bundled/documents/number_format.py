"""How a language area writes numbers: signs, groups of digits, currencies.

In: a locale's tag and a currency. Out: a `NumberFormat`, whose methods turn values into text. The negative
sign is U+2212, which is made to stand before digits. Called by what draws documents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
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
_USUAL_DECIMALS: Final = 2
_MOST_DECIMALS: Final = 6


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
# ISO 4217; all other currencies have two.
_DECIMALS: Final = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
         "XAF", "XOF", "XPF"), 0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip


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
        return _DECIMALS.get(self.currency, _USUAL_DECIMALS)

    def value(self, value: float, form: ValueFormat, decimals: int | None = None) -> str:
        """A number in a form; without `decimals`, as many as the form usually has."""
        match form:
            case "percent":
                return self.percent(value, percent_decimals([value]) if decimals is None else decimals)
            case "money":
                return self.money(value, self.cents if decimals is None else decimals)
            case _:
                return self.number(value, natural_decimals([value]) if decimals is None else decimals)

    def number(self, value: float, decimals: int) -> str:
        return _signed(_rounded(value, decimals), self._digits)

    def percent(self, fraction: float, decimals: int) -> str:
        percent = _rounded(_hundredfold(fraction), decimals)
        return _signed(percent, self._digits) + self.writing.percent

    def money(self, value: float, decimals: int) -> str:
        return _signed(_rounded(value, decimals), lambda rounded: self.with_symbol(self._digits(rounded)))

    def with_symbol(self, digits: str) -> str:
        """The digits of an amount with the currency's sign, where its readers put it."""
        if not self.writing.symbol_first:
            return f"{digits}{_NO_BREAK}{self.symbol}"
        gap = _NO_BREAK if self.symbol[-1].isalpha() else ""
        return f"{self.symbol}{gap}{digits}"

    def _digits(self, rounded: str) -> str:
        whole, _, fraction = rounded.partition(".")
        grouped = _lakhs(whole) if self.writing.lakh else f"{int(whole):,}"
        grouped = grouped.replace(",", self.writing.group)
        return f"{grouped}{self.writing.decimal}{fraction}" if fraction else grouped


def natural_decimals(values: Iterable[float]) -> int:
    """None for whole numbers, else two; more where all values are so small that two would show zeros."""
    sizes = [abs(value) for value in values]
    if all(size == 0 or _has_no_decimals(size) for size in sizes):
        return 0
    return max(_USUAL_DECIMALS, _telling_decimals(max(sizes)))


def percent_decimals(fractions: Iterable[float]) -> int:
    """One, or more where all values are so small that one would show zeros."""
    return max(1, _telling_decimals(100 * max((abs(each) for each in fractions), default=0.0)))


def _has_no_decimals(size: float) -> bool:
    return size >= 0.005 and f"{size:.2f}".endswith(".00")


def _telling_decimals(largest: float) -> int:
    """As many decimals as show two digits of a number below 0.05; 0 for others."""
    if not 0.5 * 10**-_MOST_DECIMALS <= largest < 0.05:
        return 0
    digits = -math.floor(math.log10(largest)) + 1
    return len(f"{largest:.{min(digits, _MOST_DECIMALS)}f}".rstrip("0")) - 2


def _rounded(value: float, decimals: int) -> str:
    """The number rounded as people do it, 2.5 to 3; zero has no sign."""
    text = f"{value:.{decimals}f}"
    # Only a number that is written with a 5 at the end can stand between two roundings.
    if repr(value).endswith(("5", "5.0")):
        step = Decimal(1).scaleb(-decimals)
        text = f"{Decimal(repr(value)).quantize(step, ROUND_HALF_UP):f}"
    return text.lstrip("-") if not text.strip("-0.") else text


def _hundredfold(fraction: float) -> float:
    """The percentage as it is written: 0.285 is 28.5, not 28.499999999999996."""
    return float(Decimal(repr(fraction)).scaleb(2))


def _signed(rounded: str, written: Callable[[str], str]) -> str:
    return MINUS + written(rounded[1:]) if rounded.startswith("-") else written(rounded)


def _lakhs(whole: str) -> str:
    head, tail = whole[:-3], whole[-3:]
    pairs: list[str] = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*pairs, tail])
