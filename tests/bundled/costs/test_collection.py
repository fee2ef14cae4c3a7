"""Collecting what accounts cost, over HTTP, in AWS's wire formats, parsed by botocore."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rowcrew.cli import main
from rowcrew.model.outcome import Errored
from tests.bundled.costs.conftest import DAY, SECRET, Site, days_before, utc_yesterday

BEFORE = [DAY - timedelta(days=number) for number in (3, 2, 1)]


def test_a_day_and_the_three_before_it_are_kept_by_account_day_and_service(site: Site) -> None:
    site.add()
    site.has_cost("prod", "Amazon EC2", "10.0000000001", *BEFORE, DAY)
    site.has_cost("prod", "AWS Lambda", "4E-10", DAY)
    site.has_cost("prod", "Amazon EC2", "99", BEFORE[0] - timedelta(days=1), DAY + timedelta(days=1))
    result = site.collect().result
    assert site.costs() == [
        *(("prod", str(day), "Amazon EC2", "10.0000000001") for day in BEFORE),
        ("prod", str(DAY), "AWS Lambda", "0.0000000004"),
        ("prod", str(DAY), "Amazon EC2", "10.0000000001"),
    ]
    assert result == {
        "date": str(DAY),
        "accounts": 1,
        "succeeded": 1,
        "failed": [],
        "services": 2,
        "anomalies": [],
        "skipped": {"newServices": 0, "shortHistories": 2},
        "calls": 1,
        "priceUsd": 0.01,
    }
    assert site.bill.asked == [
        {
            "TimePeriod": {"Start": "2026-10-28", "End": "2026-11-01"},
            "Granularity": "DAILY",
            "Metrics": ["UnblendedCost"],
            "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
        }
    ]


def test_the_day_is_yesterday_in_utc_whatever_the_time_zone_of_the_session(site: Site) -> None:
    site.add()
    yesterday = utc_yesterday()
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):  # fourteen hours ahead, eleven behind
        site.connection.execute(
            f"ALTER DATABASE {site.connection.info.dbname} SET TimeZone = '{zone}'".encode()
        )
        assert site.collect(None).result["date"] in {str(yesterday), str(utc_yesterday())}


def test_a_later_attempt_collects_the_day_that_the_first_one_began_with(site: Site) -> None:
    site.add()
    run = site.collect(None, checkpoint={"date": "2026-10-30"}, attempt=2)
    assert run.result["date"] == "2026-10-30"


@pytest.mark.parametrize(
    "tick", ["2026-10-30T06:00:00Z", "2026-10-30T02:00:00-04:00", "2026-10-29T23:30:00-05:00"]
)
def test_a_job_of_a_tick_collects_the_utc_day_before_it_whenever_it_runs(site: Site, tick: str) -> None:
    site.add()
    assert site.collect(None, tick=tick).result["date"] == "2026-10-29"
    assert site.collect(DAY, tick=tick).result["date"] == str(DAY)


def test_a_backfill_collects_the_day_of_each_missed_tick(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", site.url)
    site.add()
    nights = ("--from", "2026-03-07T00:00-05:00", "--to", "2026-03-10T00:00-04:00")  # the clock goes forward
    assert main(["schedules", "backfill", "cost_collection", *nights, "--yes"]) == 0
    assert "3 jobs" in capsys.readouterr().out
    payloads = site.rows("SELECT payload FROM jobs WHERE type = 'cost_collection' ORDER BY id")
    days = [site.collect(None, **payload).result["date"] for (payload,) in payloads]
    assert days == ["2026-03-06", "2026-03-07", "2026-03-08"]


def test_a_requeued_job_begins_anew(site: Site) -> None:
    site.add()
    assert site.collect().checkpoints[-1] is None


def test_a_day_that_has_not_ended_is_refused_for_good(site: Site) -> None:
    outcome = site.collect(utc_yesterday() + timedelta(days=2)).outcome
    assert isinstance(outcome, Errored)
    assert outcome.permanent
    assert "has not ended in UTC" in outcome.error


def test_all_pages_are_read_and_paid(site: Site) -> None:
    site.add()
    for number in range(23):
        site.has_cost("prod", f"Service {number:02}", "1", DAY)
    site.bill.page_groups = 5
    result = site.collect().result
    assert len(site.costs()) == 23
    assert (result["calls"], result["priceUsd"]) == (5, 0.05)


@pytest.mark.parametrize(
    "trouble",
    [
        (400, "LimitExceededException"),
        (400, "ThrottlingException"),
        (429, "TooManyRequestsException"),
        (400, "DataUnavailableException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
        (400, "RequestChangedException"),
        (400, "InvalidNextTokenException"),
    ],
)
def test_what_may_pass_is_asked_again_and_only_answers_are_paid(site: Site, trouble: tuple[int, str]) -> None:
    site.add()
    site.has_cost("prod", "Amazon EC2", "1", DAY)
    site.bill.troubles.extend([trouble, trouble])
    result = site.collect().result
    assert (result["succeeded"], result["calls"], site.bill.seen) == (1, 1, 3)


def test_throttling_that_lasts_fails_the_account_and_the_job_may_run_again(site: Site) -> None:
    site.add()
    site.bill.troubles.extend([(400, "LimitExceededException")] * 3)
    outcome = site.collect().outcome
    assert isinstance(outcome, Errored)
    assert not outcome.permanent
    assert (
        "no account could be collected: prod: GetCostAndUsage: AWS answers 400 LimitExceeded" in outcome.error
    )
    assert site.rows('SELECT problem, "collectedAt" FROM "cloudAccounts"') == [
        ("GetCostAndUsage: AWS answers 400 LimitExceededException", None)
    ]


def test_throttling_between_two_pages_does_not_begin_anew(site: Site) -> None:
    site.add()
    for number in range(4):
        site.has_cost("prod", f"Service {number}", "1", DAY)
    site.bill.page_groups = 2
    site.bill.trouble_at[2] = (400, "ThrottlingException")
    assert site.collect().result["calls"] == 2
    assert [("NextPageToken" in asked) for asked in site.bill.asked] == [False, True]


def test_an_account_that_fails_stops_no_other(site: Site) -> None:
    site.add("a-wrong-secret", secret="another")
    site.add("b-good")
    site.add("c-no-access")
    site.add("d-other-key")
    site.connection.execute("""UPDATE "cloudAccounts" SET "keyId" = 'another' WHERE id = 'd-other-key'""")
    site.add("e-good")
    site.bill.without_access.add("c-no-access")
    site.add("f-strange")
    site.has_cost("f-strange", "Amazon EC2", "1E+20", DAY)
    for account in ("b-good", "e-good"):
        site.has_cost(account, "Amazon EC2", "1", DAY)
    run = site.collect()
    assert (run.result["accounts"], run.result["succeeded"]) == (6, 2)
    told = {one["accountId"]: one["error"] for one in run.result["failed"]}
    assert told == {
        "a-wrong-secret": "GetCostAndUsage: AWS answers 403 InvalidSignatureException",
        "c-no-access": "GetCostAndUsage: AWS answers 400 AccessDeniedException: "
        "User: arn:aws:iam::1:user/x is not authorized: ce:GetCostAndUsage",
        "d-other-key": told["d-other-key"],
        "f-strange": "what AWS answers cannot be stored: CheckViolation",
    }
    assert "were sealed with the key another" in told["d-other-key"]
    assert [row[0] for row in site.costs()] == ["b-good", "e-good"]
    assert [progress["message"] for progress in run.progress] == [
        "Account 1 of 6: failed",
        "Account 2 of 6: 1 service",
        "Account 3 of 6: failed",
        "Account 4 of 6: failed",
        "Account 5 of 6: 1 service",
        "Account 6 of 6: failed",
    ]


def test_nothing_that_is_told_or_kept_has_a_secret_in_it(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add("wrong", secret="Another/Secret+Key")
    site.add("good")
    run = site.collect()
    ((kept,),) = site.rows("""SELECT string_agg(a::text, '') FROM "cloudAccounts" a""")
    streams = capsys.readouterr()
    for secret in (SECRET, "Another/Secret+Key", "07" * 32):
        for told in (repr(run), kept, streams.out, streams.err):
            assert secret not in told
            assert secret.encode().hex() not in told


def test_only_active_accounts_are_collected_and_named_ones_must_be_there(site: Site) -> None:
    site.add("on")
    site.add("off")
    site.connection.execute("""UPDATE "cloudAccounts" SET active = false WHERE id = 'off'""")
    assert site.collect().result["accounts"] == 1
    result = site.collect(accounts=["on", "off", "gone", "on"]).result
    assert (result["accounts"], result["succeeded"]) == (3, 1)
    assert [one["accountId"] for one in result["failed"]] == ["off", "gone"]


def test_without_accounts_there_is_nothing_to_do(site: Site) -> None:
    assert site.collect().result["accounts"] == 0


def test_a_role_is_assumed_with_the_accounts_own_key_and_the_external_id(site: Site) -> None:
    arn = "arn:aws:iam::210987654321:role/costs"
    site.bill.make_role(arn, "210987654321", "our-deal")
    site.bill.set("210987654321", DAY, "Amazon S3", "7")
    site.add("by-role", role_arn=arn, external_id="our-deal")
    site.add("by-role-wrong", role_arn=arn, external_id="their-deal")
    result = site.collect().result
    assert site.costs() == [("by-role", str(DAY), "Amazon S3", "7")]
    assert [one["error"] for one in result["failed"]] == [
        f"AssumeRole: AWS answers 403 AccessDenied: not authorized to perform: sts:AssumeRole on {arn}"
    ]


def test_a_role_whose_session_has_expired_is_assumed_again(site: Site) -> None:
    arn = "arn:aws:iam::210987654321:role/costs"
    site.bill.make_role(arn, "210987654321")
    for number in range(3):
        site.bill.set("210987654321", DAY, f"Service {number}", "7")
    site.add("by-role", role_arn=arn)
    site.bill.page_groups, site.bill.session_calls = 1, 1
    assert site.collect().result["calls"] == 3
    assert len(site.costs()) == 3


def test_a_role_without_a_key_is_assumed_with_the_workers_own(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWORKER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "worker-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # that of a bucket: nobody asks there
    site.bill.let_in("worker", "AKIAWORKER", "worker-secret")
    arn = "arn:aws:iam::210987654321:role/costs"
    site.bill.make_role(arn, "210987654321")
    site.bill.set("210987654321", DAY, "Amazon S3", "7")
    site.add_role("by-role", arn)
    assert site.collect().result["succeeded"] == 1
    assert len(site.costs()) == 1


def test_estimates_are_replaced_and_services_that_aws_no_longer_names_go(site: Site) -> None:
    site.add()
    site.has_cost("prod", "Amazon EC2", "5", DAY - timedelta(days=1), DAY)
    site.has_cost("prod", "EC2 - Other", "1", DAY)
    site.bill.estimated.update({str(DAY), str(DAY - timedelta(days=1))})
    site.collect()
    assert set(site.costs("estimated")) == {(True,)}
    site.bill.estimated.clear()
    site.bill.set("prod", DAY, "Amazon EC2", "6.5")
    site.bill.forget("prod", DAY, "EC2 - Other")
    site.collect(DAY + timedelta(days=1))
    assert site.costs("day::text, service, amount::text, estimated") == [
        (str(DAY - timedelta(days=1)), "Amazon EC2", "5", False),
        (str(DAY), "Amazon EC2", "6.5", False),
    ]


def test_a_day_of_which_aws_names_nothing_keeps_what_is_known(site: Site) -> None:
    site.add()
    site.has_cost("prod", "Amazon EC2", "5", DAY)
    site.collect()
    site.bill.forget("prod", DAY, "Amazon EC2")
    site.collect()
    assert len(site.costs()) == 1


def test_collected_twice_is_collected_once_and_writes_nothing(site: Site) -> None:
    site.add()
    site.has_cost("prod", "Amazon EC2", "5", *BEFORE, DAY)
    site.collect()
    before = site.costs("day, xmin::text")
    site.collect()
    assert site.costs("day, xmin::text") == before


def test_credits_and_other_currencies_are_kept_as_they_are(site: Site) -> None:
    site.add()
    site.has_cost("prod", "Credit", "-12.34", DAY)
    site.has_cost("prod", "Amazon EC2", "80", DAY, unit="CNY")
    site.collect()
    assert site.costs("service, amount::text, currency") == [
        ("Amazon EC2", "80", "CNY"),
        ("Credit", "-12.34", "USD"),
    ]


def test_a_killed_collection_goes_on_behind_the_accounts_it_has(site: Site) -> None:
    for account in ("a", "b", "c"):
        site.add(account)
        site.has_cost(account, "Amazon EC2", "1", DAY)
    first = site.collect(accounts=["a", "b"])
    left = first.checkpoints[-2]
    assert left["done"] == ["a", "b"]
    result = site.collect(checkpoint=left, attempt=2).result
    assert (result["accounts"], result["succeeded"], result["services"], result["calls"]) == (3, 3, 3, 3)
    assert site.bill.seen == 3


@pytest.mark.parametrize("days", [0, 60])
def test_as_many_days_as_wanted_are_collected_again(site: Site, days: int) -> None:
    site.add()
    site.has_cost("prod", "Amazon EC2", "1", DAY, *days_before(DAY, 90))
    site.collect(recollectDays=days)
    assert len(site.costs()) == days + 1


def test_an_answer_that_cannot_be_is_no_cost(site: Site) -> None:
    site.add()
    site.has_cost("prod", "Amazon EC2", "NaN", DAY)
    outcome = site.collect().outcome
    assert isinstance(outcome, Errored)
    assert "Cost Explorer's answer cannot be read" in outcome.error
    assert site.costs() == []


def test_every_day_of_leap_years_and_ends_of_years_has_its_own_costs(site: Site) -> None:
    site.add()
    for day in (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2023, 12, 31), date(2024, 1, 1)):
        site.has_cost("prod", "Amazon EC2", str(day.day), day)
    site.collect(date(2024, 3, 1))
    site.collect(date(2024, 1, 1), recollectDays=1)
    assert [row[1][5:] for row in site.costs()] == ["12-31", "01-01", "02-28", "02-29", "03-01"]


def test_migrate_plans_it_for_two_in_the_morning_of_new_york(site: Site) -> None:
    columns = 'name, type, cron, "timezone", paused, overlap'
    assert site.rows(f"SELECT {columns} FROM schedules WHERE type = 'cost_collection'") == [
        ("cost_collection", "cost_collection", "0 2 * * *", "America/New_York", False, "skip")
    ]
