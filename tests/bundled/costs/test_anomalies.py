"""Anomalies in what was collected: found once, explained by a paid call, cleared by later figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.bundled.costs.conftest import DAY, Site, days_before

EC2 = "Amazon EC2"


def known_for_a_month(site: Site, service: str = EC2, amount: str = "100", **more: Any) -> None:
    """An account whose month before the day is collected."""
    if not site.rows('SELECT 1 FROM "cloudAccounts"'):
        site.add()
    site.has_cost("prod", service, amount, *days_before(DAY), **more)
    site.collect(DAY - timedelta(days=1), recollectDays=29)
    site.bill.asked.clear()


def kept(site: Site) -> list[tuple[Any, ...]]:
    columns = 'service, day::text, amount::text, severity, "clearedAt" IS NULL'
    return site.rows(f'SELECT {columns} FROM "costAnomalies" ORDER BY service, day')


@pytest.mark.parametrize(
    ("amount", "severity"),
    [
        ("150.00", None),
        ("150.01", "low"),
        ("49.99", "low"),
        ("50.00", None),
        ("300.00", "medium"),
        ("300.01", "high"),
        ("600.01", "critical"),
    ],
)
def test_the_bands_hold_from_the_wire_to_the_table(site: Site, amount: str, severity: str | None) -> None:
    known_for_a_month(site)
    site.has_cost("prod", EC2, amount, DAY)
    result = site.collect().result
    assert kept(site) == ([(EC2, str(DAY), amount, severity, True)] if severity else [])
    assert [one["severity"] for one in result["anomalies"]] == ([severity] if severity else [])


def test_a_finding_is_one_event_and_one_warning_of_its_name_however_often_it_is_found(site: Site) -> None:
    known_for_a_month(site)
    site.has_cost("prod", EC2, "150.01", DAY)
    with capture_logs() as logged:
        site.collect()
        site.collect()
    assert site.rows("SELECT kind, subject, type, detail->>'severity', detail->>'amount' FROM events") == [
        ("cost.anomaly.detected", f"prod {EC2} {DAY}", "cost_collection", "low", "150.01")
    ]
    assert [
        (line["event"], line["service"], line["severity"], line["amount"])
        for line in logged
        if line["log_level"] == "warning"
    ] == [("cost.anomaly.detected", EC2, "low", "150.01")]


def test_a_finding_is_told_with_its_figures_and_why(site: Site) -> None:
    known_for_a_month(site, amount="60", usage_type="BoxUsage")
    site.has_cost("prod", EC2, "40", *days_before(DAY), usage_type="DataTransfer")
    site.collect(DAY - timedelta(days=1), recollectDays=29)
    site.has_cost("prod", EC2, "160", DAY, usage_type="BoxUsage")
    site.has_cost("prod", EC2, "40", DAY, usage_type="Snapshots")
    result = site.collect().result
    assert result["anomalies"] == [
        {
            "accountId": "prod",
            "service": EC2,
            "day": str(DAY),
            "amount": "200",
            "baseline": "100",
            "currency": "USD",
            "deviationPercent": "100",
            "severity": "low",
            "new": True,
        }
    ]
    assert (result["calls"], result["priceUsd"]) == (2, 0.02)
    ((why,),) = site.rows('SELECT why FROM "costAnomalies"')
    assert why["rule"] == "more than 50 % from the mean of the 30 days before"
    assert (why["low"], why["high"]) == ("50", "150")
    assert why["days"] == {str(day): "100" for day in sorted(days_before(DAY))}
    assert why["usageTypes"] == [
        {"usageType": "BoxUsage", "amount": "160", "share": 0.8, "weekBefore": "60.0000"},
        {"usageType": "Snapshots", "amount": "40", "share": 0.2, "weekBefore": "0.0000"},
        {"usageType": "DataTransfer", "amount": "0", "share": 0.0, "weekBefore": "40.0000"},
    ]
    assert site.bill.asked[-1]["Filter"] == {"Dimensions": {"Key": "SERVICE", "Values": [EC2]}}


def test_no_second_call_is_paid_without_an_anomaly_or_for_a_known_one(site: Site) -> None:
    known_for_a_month(site)
    site.has_cost("prod", EC2, "100", DAY)
    assert site.collect().result["calls"] == 1
    site.has_cost("prod", EC2, "200", DAY)
    assert site.collect().result["calls"] == 2
    again = site.collect().result
    assert (again["calls"], [one["new"] for one in again["anomalies"]]) == (1, [False])
    ((why,),) = site.rows('SELECT why FROM "costAnomalies"')
    assert why["usageTypes"] is not None


def test_later_figures_change_an_anomaly_and_never_make_a_second_one(site: Site) -> None:
    known_for_a_month(site)
    site.has_cost("prod", EC2, "200", DAY)
    site.bill.estimated.add(str(DAY))
    site.collect()
    site.has_cost("prod", EC2, "700", DAY)
    result = site.collect(DAY + timedelta(days=1)).result
    assert kept(site) == [(EC2, str(DAY), "700", "critical", True)]
    assert [one["new"] for one in result["anomalies"]] == [False]


def test_an_anomaly_that_later_figures_do_not_bear_out_is_cleared_and_may_come_back(site: Site) -> None:
    known_for_a_month(site)
    site.has_cost("prod", EC2, "20", DAY)  # AWS has not counted all of the day yet
    site.collect()
    assert kept(site) == [(EC2, str(DAY), "20", "low", True)]
    site.has_cost("prod", EC2, "100", DAY)
    site.collect(DAY + timedelta(days=1))
    assert kept(site) == [(EC2, str(DAY), "20", "low", False)]
    site.has_cost("prod", EC2, "300", DAY)
    site.collect(DAY + timedelta(days=2))
    assert kept(site) == [(EC2, str(DAY), "300", "medium", True)]


def test_an_anomaly_that_only_final_figures_show_is_found_late(site: Site) -> None:
    known_for_a_month(site)
    site.has_cost("prod", EC2, "100", DAY, *(DAY + timedelta(days=number) for number in (1, 2, 3)))
    site.collect()
    site.has_cost("prod", EC2, "400", DAY)
    site.collect(DAY + timedelta(days=3))
    assert kept(site) == [(EC2, str(DAY), "400", "high", True)]


def test_a_long_recollection_judges_the_last_four_days_alone(site: Site) -> None:
    site.add()
    site.has_cost("prod", EC2, "100", *days_before(DAY, 90), DAY)
    for number in (3, 4, 20):
        site.has_cost("prod", EC2, "1000", DAY - timedelta(days=number))
    site.collect(recollectDays=60)
    assert [row[1] for row in kept(site)] == [str(DAY - timedelta(days=3))]


def test_an_anomaly_is_kept_though_nobody_can_explain_it(site: Site) -> None:
    known_for_a_month(site)
    site.has_cost("prod", EC2, "200", DAY)
    site.bill.seen = 0
    site.bill.trouble_at[2] = (400, "BillExpirationException")
    result = site.collect().result
    assert (result["succeeded"], result["calls"]) == (1, 1)
    assert site.rows("""SELECT severity, why ->> 'usageTypes' FROM "costAnomalies" """) == [("low", None)]


def test_a_change_of_currency_is_no_deviation(site: Site) -> None:
    known_for_a_month(site)
    site.has_cost("prod", EC2, "725", DAY, unit="CNY")
    result = site.collect().result
    assert result["anomalies"] == []
    assert result["skipped"] == {"newServices": 0, "shortHistories": 1}


@pytest.mark.parametrize("credits", ["included", "excluded"])
def test_a_bill_that_credits_pay_hides_its_anomalies_unless_credits_are_excluded(
    site: Site, monkeypatch: pytest.MonkeyPatch, credits: str
) -> None:
    monkeypatch.setenv("COST_CREDITS", credits)
    site.add()
    for day, amount in ((DAY, "900"), *((day, "100") for day in days_before(DAY))):
        site.has_cost("prod", "Amazon EC2", amount, day)
        site.has_cost("prod", "Amazon EC2", f"-{amount}", day, record_type="Credit")
    result = site.collect(recollectDays=30).result
    assert [one["severity"] for one in result["anomalies"]] == (["critical"] if credits == "excluded" else [])
    assert result["skipped"]["newServices"] == (1 if credits == "included" else 0)
    explained = site.rows("""SELECT why -> 'usageTypes' -> 0 ->> 'amount' FROM "costAnomalies" AS a""")
    assert explained == ([("900",)] if credits == "excluded" else [])


def test_new_services_are_counted_and_not_judged(site: Site) -> None:
    known_for_a_month(site)
    site.has_cost("prod", "Free", "0", *days_before(DAY))
    site.collect(DAY - timedelta(days=1), recollectDays=29)
    site.has_cost("prod", "Free", "5", DAY)
    site.has_cost("prod", "Young", "5", DAY)
    assert site.collect().result["skipped"] == {"newServices": 1, "shortHistories": 1}


def test_the_weekday_baseline_is_a_setting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add()
    for day in days_before(DAY, 35):
        site.has_cost("prod", EC2, "100" if day.weekday() == DAY.weekday() else "10", day)
    site.has_cost("prod", EC2, "100", DAY)
    site.collect(recollectDays=35)
    assert len(kept(site)) == 4  # three days at 10 and one at 100 are all far from their mean of 22
    monkeypatch.setenv("COST_ANOMALY_BASELINE", "weekday")
    site.collect()
    assert [row[4] for row in kept(site)] == [False] * 4
