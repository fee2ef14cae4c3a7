"""`rowcrew costs report`: bars for a terminal of 80 columns, PDF, CSV and JSON, all of the same rows."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from rowcrew.cli import main
from tests.bundled.costs.conftest import Site, days_before, utc_yesterday

Capture = pytest.CaptureFixture[str]
TITLES = ("Amazon Elastic Compute Cloud - Compute", "Amazon RDS", "Credits")


@pytest.fixture
def yesterday(site: Site, monkeypatch: pytest.MonkeyPatch) -> date:
    """The last day of reports; two accounts have their month behind it, and an anomaly on it."""
    monkeypatch.setenv("DATABASE_URL", site.url)
    monkeypatch.setenv("COLUMNS", "80")
    last = utc_yesterday()
    for account in ("prod", "staging"):
        site.add(account)
        site.has_cost(account, TITLES[0], "100", *days_before(last), usage_type="BoxUsage:m7i.24xlarge")
        site.has_cost(account, TITLES[1], "20.005", *days_before(last), last)
    site.has_cost("prod", TITLES[2], "-5", *days_before(last), last)
    site.has_cost("prod", TITLES[0], "650", last, usage_type="BoxUsage:m7i.24xlarge")
    site.has_cost("staging", TITLES[0], "100", last)
    site.bill.estimated.add(str(last))
    site.collect(last, recollectDays=30)
    return last


def test_services_have_bars_and_the_anomaly_a_mark(yesterday: date, capsys: Capture) -> None:
    assert main(["costs", "report"]) == 0
    told = capsys.readouterr().out
    lines = told.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == f"Cloud costs, {yesterday - timedelta(days=29)} to {yesterday}, 2 accounts"
    assert lines[1] == f"Figures from {yesterday} on are estimates, which AWS still corrects."
    dearest, second, credit, total = lines[3:7]
    assert dearest.startswith("Amazon Elastic Compute Cloud …  ████")
    assert dearest.endswith("6,550.00   86.2% ⚠ 1")
    assert 0 < second.count("█") < dearest.count("█")
    assert second.endswith("1,200.30   15.8%")
    assert "░" in credit
    assert "-150.00" in credit
    assert total.split() == ["total,", "USD", "7,600.30"]
    assert lines[7].startswith("by day  ▃▃")
    assert lines[-2:] == [
        "1 anomaly",
        f"{yesterday}  critical  prod: Amazon Elastic Comp…  650.00 USD, +550 % from 100.00",
    ]


def test_the_reasons_are_shown_to_whom_asks(yesterday: date, capsys: Capture) -> None:
    assert main(["costs", "report", "--why"]) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert "    more than 50 % from the mean of the 30 days before" in told
    assert "    outside of 50.00 to 150.00  ▂▂▂" in told
    assert "    BoxUsage:m7i.24xlarge  650.00 (100%), 100.00 a day before" in told


def test_30_days_are_30_days(yesterday: date, capsys: Capture) -> None:
    for days in (1, 7, 30, 31):
        assert main(["costs", "report", "--json", "--days", str(days)]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["last"] == str(yesterday)
        assert {len(each["days"]) for each in found["currencies"][0]["services"]} == {days}
    assert main(["costs", "report", "--days", "0"]) == 2


def test_one_account_can_be_asked_for(yesterday: date, capsys: Capture) -> None:
    assert main(["costs", "report", "--json", "--account", "staging"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["accounts"], found["anomalies"]) == (["staging"], [])
    assert Decimal(found["currencies"][0]["total"]) == Decimal("3600.15")


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv", "-"]])
def test_a_mistyped_account_does_not_look_like_one_that_costs_nothing(
    yesterday: date, capsys: Capture, form: list[str]
) -> None:
    assert main(["costs", "report", *form, "--account", "staging", "--account", "stagin"]) == 0
    assert capsys.readouterr().err == (
        "There are no costs of stagin in these days; `rowcrew accounts list` shows those there are.\n"
    )


def test_csv_has_every_row_and_no_formula(
    yesterday: date, site: Site, capsys: Capture, tmp_path: Path
) -> None:
    site.connection.execute("UPDATE costs SET service = '=cmd()' WHERE service = 'Credits'")
    assert main(["costs", "report", "--csv", "-", "--days", "31"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(site.costs())
    assert [row for row in rows if row["anomaly"]] == [
        {
            "day": str(yesterday),
            "account": "prod",
            "service": TITLES[0],
            "amount": "650",
            "currency": "USD",
            "estimated": "true",
            "anomaly": "critical",
        }
    ]
    assert {row["service"] for row in rows if row["amount"] == "-5"} == {"'=cmd()"}
    assert main(["costs", "report", "--csv", str(tmp_path / "costs.csv")]) == 0
    assert capsys.readouterr().out == f"150 rows written to {tmp_path / 'costs.csv'}\n"
    assert len((tmp_path / "costs.csv").read_text().splitlines()) == 151


def test_the_pdf_says_what_the_terminal_says(yesterday: date, capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "costs.pdf"
    assert main(["costs", "report", "--pdf", str(file)]) == 0
    assert "pages written to" in capsys.readouterr().out
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True).stdout
    for words in ("Cloud costs", "7,600.30", "6,550.00", "86.2%", "critical", "BoxUsage:m7i.24xlarge"):
        assert words in text, words
    assert "more than 50 % from the mean of the 30 days before" in " ".join(text.split())
    first = file.read_bytes()
    assert main(["costs", "report", "--pdf", str(file)]) == 0
    assert file.read_bytes() == first


def test_currencies_are_never_added(yesterday: date, site: Site, capsys: Capture) -> None:
    site.connection.execute("""UPDATE costs SET currency = 'CNY' WHERE "accountId" = 'staging'""")
    assert main(["costs", "report"]) == 0
    told = capsys.readouterr().out
    assert "total, USD" in told
    assert "4,000.15" in told
    assert "total, CNY" in told
    assert "3,600.15" in told


def test_many_services_are_fifteen_and_the_others(
    yesterday: date, site: Site, capsys: Capture, tmp_path: Path
) -> None:
    for number in range(40):
        site.connection.execute(
            "INSERT INTO costs VALUES ('prod', %s, %s, %s, 'USD', false)",
            [yesterday, f"サービス {number:02} " + "名" * 20, number],
        )
    assert main(["costs", "report"]) == 0
    assert "28 others" in capsys.readouterr().out
    assert main(["costs", "report", "--pdf", str(tmp_path / "x.pdf")]) == 0


def test_nothing_collected_is_said(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("DATABASE_URL", site.url)
    assert main(["costs", "report"]) == 0
    assert "Nothing was collected for these days" in capsys.readouterr().out


def test_only_one_form_at_a_time(yesterday: date) -> None:
    assert main(["costs", "report", "--json", "--why"]) == 2
