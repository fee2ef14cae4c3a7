"""Numbers as language areas write them."""

from __future__ import annotations

from typing import Any

import pytest

from rowcrew.bundled.documents.number_format import MINUS, NumberFormat


@pytest.mark.parametrize(
    ("locale", "currency", "written"),
    [
        ("en-US", "USD", "-$1,234,567.50"),
        ("en-IN", "INR", "-₹12,34,567.50"),
        ("de-DE", "EUR", "-1.234.567,50\u00a0€"),
        ("fr-FR", "EUR", "-1\u202f234\u202f567,50\u00a0€"),
        ("de-CH", "CHF", "-CHF\u00a01\u2019234\u2019567.50"),
        ("ja-JP", "JPY", "-¥1,234,568"),
    ],
)
def test_money_is_written_as_its_readers_write_it(locale: Any, currency: str, written: str) -> None:
    assert NumberFormat(locale, currency).value(-1234567.5, "money") == written.replace("-", MINUS)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "$0"),
        (999, "$999"),
        (1000, "$1k"),
        (12_500, "$12.5k"),
        (-64_000, "-$64k"),
        (999_600, "$1M"),
        (1_250_000, "$1.25M"),
        (3e9, "$3B"),
    ],
)
def test_large_amounts_are_short_on_axes(value: float, written: str) -> None:
    assert NumberFormat("en-US", "USD").short(value, "money") == written.replace("-", MINUS)


def test_india_counts_in_lakh_and_crore() -> None:
    numbers = NumberFormat("en-IN", "INR")
    assert [numbers.short(value, "money") for value in (250_000, 35_000_000)] == [
        "₹2.5\u00a0L",
        "₹3.5\u00a0Cr",
    ]


def test_a_number_that_rounds_to_zero_has_no_sign() -> None:
    assert NumberFormat("en-US", "USD").number(-0.001, 2) == "0.00"
