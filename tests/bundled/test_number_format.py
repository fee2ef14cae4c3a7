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


def test_a_number_that_rounds_to_zero_has_no_sign() -> None:
    assert NumberFormat("en-US", "USD").number(-0.001, 2) == "0.00"


@pytest.mark.parametrize(
    ("currency", "value", "written"),
    [
        ("JPY", -1234.5, "-¥1,235"),
        ("JPY", 1234567.5, "¥1,234,568"),
        ("USD", 2.675, "$2.68"),
        ("USD", -0.004, "$0.00"),
        ("KWD", 1.2345, "KWD\u00a01.235"),
        ("CLP", 1234, "CLP\u00a01,234"),
        ("CHF", 1e15, "CHF\u00a01,000,000,000,000,000.00"),
    ],
)
def test_amounts_are_rounded_as_people_do_to_the_decimals_of_the_currency(
    currency: str, value: float, written: str
) -> None:
    assert NumberFormat("en-US", currency).value(value, "money") == written.replace("-", MINUS)


@pytest.mark.parametrize(
    ("value", "form", "written"),
    [
        (0.00049, "percent", "0.049%"),
        (0.05, "percent", "5.0%"),
        (0.00012, "number", "0.00012"),
        (0.001, "number", "0.001"),
        (1e-9, "number", "0.00"),
        (3, "number", "3"),
        (12.5, "number", "12.50"),
    ],
)
def test_small_numbers_have_the_decimals_that_show_them(value: float, form: Any, written: str) -> None:
    assert NumberFormat("en-US", "USD").value(value, form) == written
