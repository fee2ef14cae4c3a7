"""The report on a model run: which figures stand where, and in which words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from rowcrew.bundled.documents.document import Column, Document, Section, Table
from rowcrew.bundled.documents.number_format import NOT_APPLICABLE, NumberFormat
from rowcrew.bundled.exports.report import document_of
from rowcrew.bundled.model_run.result import RunResult
from tests.bundled.exports import export, insert_job, model_result, pdf_text, stored
from tests.bundled.saas_payload import REFERENCE
from tests.bundled.test_model_run import computed
from tests.conftest import Connect

WORSE = [{"path": "revenue.0.churnRate", "op": "multiply", "value": 3}]


def as_jsonb(value: Any) -> Any:
    """The value as jsonb gives it back: keys by length, then by bytes."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: as_jsonb(value[key]) for key in keys}
    return [as_jsonb(each) for each in value] if isinstance(value, list) else value


def report(template: Any = "board", **changes: Any) -> Document:
    result = msgspec.convert(as_jsonb(computed(REFERENCE, **changes)), RunResult)
    return document_of(result, template, NumberFormat("en-US", result.currency))


def section(document: Document, heading: str) -> Section:
    return next(section for section in document.sections if section.heading == heading)


def table(document: Document, heading: str) -> Table:
    found = section(document, heading).table
    assert found is not None
    return found


def labels(table: Table) -> list[str]:
    return [column.label if isinstance(column, Column) else column for column in table.columns]


@pytest.mark.parametrize("other", ["low", "bad", "P90", "aaaa", "up"])
def test_each_scenario_stands_under_its_own_name(other: str) -> None:
    result = computed(REFERENCE, scenarios={"base": [], other: WORSE})
    document = report(scenarios={"base": [], other: WORSE})
    compared = table(document, "Scenarios compared")
    names = labels(compared)[1:]
    assert names == ["base", other] == [row["scenario"] for row in result["comparison"]]
    closing = dict(zip(names, compared.rows[0][1:], strict=True))
    for name in names:
        cash = result["scenarios"][name]["summary"]["closingCash"]
        assert closing[name] == NumberFormat("en-US", "USD").number(cash, 2)
    glance = section(document, "At a glance")
    assert glance.figures[1].value == result["scenarios"]["base"]["summary"]["closingCash"]
    assert "scenario base" in glance.text
    assert glance.chart is not None
    assert [series.name for series in glance.chart.series] == names
    monthly = [each.heading for each in document.sections if each.heading.startswith("Month by month")]
    assert monthly == [f"Month by month: {name}" for name in names]


def test_a_report_through_the_database_has_its_columns_under_their_names(
    database_url: str, connect: Connect, tmp_path: Any
) -> None:
    result = model_result(database_url, scenarios={"low": WORSE, "base": []})
    job = insert_job(connect(), "model_run", "completed", result)
    exported = export("pdf_export", {"jobId": job}, database_url).result
    lines = [line for line in pdf_text(stored(connect(), exported, tmp_path)).splitlines() if line.strip()]
    place = next(place for place, line in enumerate(lines) if line.split()[:2] == ["Total", "revenue"])
    header, closing = lines[place - 2 : place]
    assert header.split() == ["base", "low"]
    for name in ("base", "low"):
        cash = result["scenarios"][name]["summary"]["closingCash"]
        written = NumberFormat("en-US", "USD").number(cash, 2)
        end = header.index(name) + len(name)
        assert abs(closing.index(written) + len(written) - end) <= 2


def test_scenarios_without_a_base_stand_in_the_order_of_their_names() -> None:
    forth = computed(REFERENCE, scenarios={"b": [], "a": WORSE, "cc": []})
    back = computed(REFERENCE, scenarios={"cc": [], "a": WORSE, "b": []})
    assert json.dumps(forth) == json.dumps(back)
    assert [row["scenario"] for row in forth["comparison"]] == ["a", "b", "cc"]


def test_a_yearly_rate_below_minus_a_hundred_percent_is_not_printed() -> None:
    flows = {"openingCash": 1_000_000, "opex": [], "cacPerNewCustomer": 0, "months": 2, "revenue": []}
    flows |= {"scenarios": {"base": [], "same": []}}
    lines = [{"name": "Sale", "monthly": 300_000}]
    result = computed(REFERENCE, **flows, fixedRevenue=lines)
    assert result["comparison"][0]["irr"] < -1
    compared = table(report(**flows, fixedRevenue=lines), "Scenarios compared")
    rates = {row[0]: row[1:] for row in compared.rows}["Internal rate of return"]
    assert set(rates) == {NOT_APPLICABLE}


def test_a_report_on_one_month_says_so() -> None:
    document = report(months=1, openingCash=0)
    words = json.dumps(msgspec.to_builtins(document), ensure_ascii=False)
    assert "1 months" not in words
    assert "0.0 months:" not in words
    assert "There is no cash to begin with" in words
    assert "Jan 2027 to Jan 2027" not in words


def test_a_report_on_one_scenario_does_not_speak_of_scenarios() -> None:
    words = json.dumps(msgspec.to_builtins(report(scenarios={"only": []})), ensure_ascii=False)
    assert "unless another is named" not in words
    assert "by scenario" not in words
    assert "unless another is named" in json.dumps(msgspec.to_builtins(report()), ensure_ascii=False)


def test_the_chart_says_how_many_of_the_scenarios_it_shows() -> None:
    document = report(scenarios={f"s{number}": [] for number in range(12)})
    chart = section(document, "At a glance").chart
    assert chart is not None
    assert "(8 of 12)" in chart.title
    assert len(chart.series) == 8
    few = section(report(), "At a glance").chart
    assert few is not None
    assert "of 2)" not in few.title


def test_the_company_is_the_title_and_the_report_its_subtitle() -> None:
    document = report("investor")
    assert document.title == "reference"
    assert document.subtitle == "Investor report · Jan 2027 to Dec 2028 · USD"
