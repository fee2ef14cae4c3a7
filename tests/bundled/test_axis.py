"""Axes: round ticks with labels that tell them apart, in one unit, alike on pages and slides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew.bundled.documents.axis import Axis, axis_of, drawn_type, lone_points, named_categories
from rowcrew.bundled.documents.document import Chart, Series
from rowcrew.bundled.documents.number_format import MINUS, NumberFormat


def chart(*values: float | None, form: Any = "number", type: Any = "line") -> Chart:
    categories = tuple(str(place) for place in range(len(values)))
    return Chart(type=type, categories=categories, series=(Series(name="", values=values),), format=form)


def axis(*values: float, form: Any = "number", locale: Any = "en-US", currency: str = "USD") -> Axis:
    return axis_of(chart(*values, form=form), NumberFormat(locale, currency))


@pytest.mark.parametrize(
    ("values", "form", "labels"),
    [
        ([0.004, 0.005, 0.007], "percent", ["0.0%", "0.2%", "0.4%", "0.6%", "0.8%"]),
        ([2_000_000, 2_040_000], "money", ["$0", "$0.5M", "$1.0M", "$1.5M", "$2.0M", "$2.5M"]),
        ([0.0001, 0.0005], "number", ["0", "0.0001", "0.0002", "0.0003", "0.0004", "0.0005"]),
        ([1, 4, 2], "number", ["0", "1", "2", "3", "4"]),
        ([-3, 6], "number", ["-4", "-2", "0", "2", "4", "6"]),
        ([6.4e9, 7.9e9], "money", ["$0", "$2B", "$4B", "$6B", "$8B"]),
        ([900], "number", ["0", "200", "400", "600", "800", "1,000"]),
        ([12_500], "money", ["$0.0k", "$2.5k", "$5.0k", "$7.5k", "$10.0k", "$12.5k"]),
        ([0], "number", ["0", "1"]),
    ],
)
def test_labels_have_one_unit_and_the_decimals_of_the_step(
    values: list[float], form: Any, labels: list[str]
) -> None:
    found = [label.replace(MINUS, "-") for label in axis(*values, form=form).labels]
    assert found == [label.replace("$0.0k", "$0") for label in labels]


@pytest.mark.parametrize(
    ("values", "options", "code"),
    [
        ([0.004, 0.007], {"form": "percent"}, '#,##0.0%;"-"#,##0.0%'),
        ([2_040_000], {"form": "money"}, '"$"#,##0.0,,"M";"-$"#,##0.0,,"M";"$"0'),
        ([7.9e9], {"form": "money"}, '"$"#,##0,,,"B";"-$"#,##0,,,"B";"$"0'),
        (
            [1e6],
            {"form": "money", "locale": "de-DE", "currency": "EUR"},
            '#,##0.0,,"M\u00a0€";"-"#,##0.0,,"M\u00a0€";0"\u00a0€"',
        ),
        (
            [2e7],
            {"form": "money", "locale": "en-IN", "currency": "INR"},
            r'[>=10000000]"₹"##\,##\,##\,##0;[>=100000]"₹"##\,##\,##0;"₹"#,##0',
        ),
    ],
)
def test_a_native_chart_writes_the_same_labels_by_its_code(
    values: list[float], options: dict[str, Any], code: str
) -> None:
    assert axis(*values, **options).code == code.replace('"-', f'"{MINUS}')


def test_india_counts_in_lakh_and_crore() -> None:
    labels = axis(250_000, -310_000, form="money", locale="en-IN", currency="INR").labels
    assert labels[-1] == "₹4\u00a0L"
    assert axis(3.5e7, form="money", locale="en-IN", currency="INR").labels[-1] == "₹4\u00a0Cr"


@given(st.lists(st.floats(-1e15, 1e15) | st.integers(-(10**15), 10**15), min_size=1, max_size=9))
def test_every_axis_spans_its_values_and_no_two_labels_are_equal(values: list[float]) -> None:
    for form in ("number", "money", "percent"):
        found = axis(*values, form=form)
        assert found.low - 1e-9 * found.step <= min(0, *values)
        assert max(0, *values) <= found.high + 1e-9 * found.step
        assert len(set(found.labels)) == len(found.labels) == len(found.ticks) >= 2
        assert 0 in found.ticks


def test_lone_points_are_known_and_an_area_of_them_is_bars() -> None:
    assert lone_points([1, None, 2, 3, None, 4]) == [0, 5]
    assert lone_points([7]) == [0]
    assert drawn_type(chart(5, type="area")) == "bar"
    assert drawn_type(chart(5, None, 6, type="area")) == "bar"
    assert drawn_type(chart(5, 6, type="area")) == "area"
    assert drawn_type(chart(5, type="line")) == "line"


def test_up_to_twelve_categories_have_a_label_each_and_more_have_quarters_or_years() -> None:
    assert named_categories([99.0] * 12, 10) == list(range(12))
    assert named_categories([30.0] * 24, 13) == list(range(0, 24, 3))
    assert named_categories([30.0] * 60, 5) == list(range(0, 60, 6))
    many = named_categories([30.0] * 1000, 0.5)
    assert many[1] % 60 == 0
    assert len(many) > 10
