"""`rowcrew schedules`: what a person does to schedules from a terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rowcrew.cli import main
from tests.schedules.conftest import Desk

NEW_YORK = ("--cron", "0 2 * * *", "--timezone", "America/New_York")


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "80")


class Terminal:
    """The command line, and what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        assert main(["schedules", *words]) == code
        printed = self._capsys.readouterr()
        return printed.out if code == 0 else printed.err

    def json(self, *words: str) -> list[Any]:
        return [json.loads(line) for line in self(*words, "--json").splitlines()]


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


def test_what_is_added_stands_in_the_row(terminal: Terminal, desk: Desk) -> None:
    printed = terminal(
        *("add", "nightly", "report", '{"a": 1}', *NEW_YORK, "--queue", "slow", "--priority", "high"),
        *("--missed", "all", "--overlap", "queueOne", "--jitter", "5m", "--max-attempts", "7"),
        *("--pause-after-failures", "3", "--end-at", "2100-01-01T00:00:00+00:00"),
    )
    assert printed == "Schedule nightly: 0 2 * * * America/New_York, active\n"
    assert desk.row('type, payload, cron, "everySeconds", "timezone", queue, priority') == (
        *("report", {"a": 1}, "0 2 * * *", None, "America/New_York", "slow", 10),
    )
    assert desk.row(
        'missed, overlap, "jitterSeconds", "maxAttempts", "pauseAfterFailures", "endAt", source'
    ) == (*("all", "queueOne", 300, 7, 3, datetime(2100, 1, 1, tzinfo=UTC), "row"),)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nightly", "noop"), "give --cron, such as '0 2 * * *', or --every, such as 5m"),
        (
            ("nightly", "noop", "--cron", "0 25 * * *"),
            "cron '0 25 * * *': bad hour; the fields are minute hour day month weekday, such as",
        ),
        (("nightly", "noop", *NEW_YORK[:-1], "Nowhere"), "timezone 'Nowhere' is not known"),
        (
            ("nightly", "noop", "--every", "1m", "--end-at", "2020-01-01T00:00:00Z"),
            "no tick from now to its end",
        ),
    ],
)
def test_what_no_worker_could_follow_is_refused_at_once(
    terminal: Terminal, desk: Desk, words: tuple[str, ...], complaint: str
) -> None:
    assert complaint in terminal("add", *words, code=2)
    assert desk.hands.execute("SELECT name FROM schedules").fetchall() == []


def test_a_name_that_is_taken_is_a_failure_and_no_matter_of_usage(terminal: Terminal, desk: Desk) -> None:
    desk.add("taken")
    assert "there is a schedule 'taken' already" in terminal("add", "taken", "noop", "--every", "60", code=1)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--cron", "0 2 * * *", "--every", "60"), "exclude each other"),
        (("--every", "1.5"), "whole seconds"),
        (("--every", "60", "--start-at", "2100-01-01T00:00:00"), "has no time zone"),
        (("--every", "60", "--priority", "huge"), "--priority"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    terminal: Terminal, words: tuple[str, ...], complaint: str
) -> None:
    assert complaint in terminal("add", "nightly", "noop", *words, code=2)


def test_an_edit_changes_what_is_given_and_plans_a_new_rule_anew(terminal: Terminal, desk: Desk) -> None:
    desk.add(everySeconds=60, queue="slow")
    desk.due()
    terminal("edit", "nightly", "--payload", '{"b": 2}', "--type", "other")
    assert desk.row('"nextAt" IS NOT NULL, type, payload, queue') == (True, "other", {"b": 2}, "slow")
    terminal("edit", "nightly", *NEW_YORK)
    assert desk.row('"nextAt", cron, "everySeconds", queue') == (None, "0 2 * * *", None, "slow")
    assert "bad minute" in terminal("edit", "nightly", "--cron", "x * * * *", code=2)
    assert "there is no schedule 'weekly'" in terminal("edit", "weekly", "--every", "60", code=1)
    assert "nothing to change" in terminal("edit", "nightly", code=2)


def test_a_type_that_nobody_has_published_is_told_with_the_one_that_was_meant(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.hands.execute("""INSERT INTO job_types (type) VALUES ('invoice_mail'), ('report')""")
    told = (
        "No worker has published the type 'invoice_mial' yet: its jobs wait until one does;"
        " did you mean 'invoice_mail'?\n"
    )
    for words in (
        ("add", "nightly", "invoice_mial", *NEW_YORK),
        ("edit", "nightly", "--overlap", "skip"),
        ("trigger", "nightly"),
    ):
        assert main(["schedules", *words]) == 0
        assert capsys.readouterr().err == told, words
    assert main(["schedules", "edit", "nightly", "--type", "report"]) == 0
    assert capsys.readouterr().err == ""


def test_a_mistyped_name_is_answered_with_the_one_that_was_meant(terminal: Terminal, desk: Desk) -> None:
    terminal("add", "every minute", "report", *NEW_YORK)
    for verb in ("pause", "resume", "trigger", "preview"):
        assert "did you mean 'every minute'?" in terminal(verb, "evry minute", code=1)


def test_a_pause_lasts_until_resume(terminal: Terminal, desk: Desk) -> None:
    desk.add()
    desk.due()
    assert terminal("pause", "nightly") == "Schedule nightly: every 1 min, paused\n"
    assert desk.row("paused")
    terminal("resume", "nightly")
    assert desk.row('paused, "nextAt"') == (False, None)


def test_resume_tries_a_refused_rule_again(terminal: Terminal, desk: Desk) -> None:
    desk.add(problem="timezone 'Mars/Olympus' is not known")
    terminal("resume", "nightly")
    assert desk.row('problem, "nextAt"') == (None, None)


def test_a_trigger_enqueues_beside_the_plan(terminal: Terminal, desk: Desk) -> None:
    desk.add(payload='{"at": "{tick}"}', queue="slow", paused=True)
    before = desk.row("schedules")
    [answer] = terminal.json("trigger", "nightly")
    assert desk.jobs("id, queue, status") == [(answer["jobId"], "slow", "queued")]
    [payload] = desk.jobs("payload")
    assert abs(datetime.fromisoformat(payload["at"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert desk.row("schedules") == before
    assert desk.ticks() == []
    assert "there is no schedule 'weekly'" in terminal("trigger", "weekly", code=1)


def test_a_preview_shows_the_stored_tick_and_those_after_it_in_zone_and_utc(
    terminal: Terminal, desk: Desk
) -> None:
    desk.add(cron="0 2 * * *", timezone="America/New_York", startAt="2127-03-08 00:00+00")
    lines = terminal("preview", "nightly", "--number", "2").splitlines()
    assert lines == [
        "tick                         utc",
        "Sat 2127-03-08 02:00:00 EST  2127-03-08 07:00:00",
        "Sun 2127-03-09 03:00:00 EDT  2127-03-09 07:00:00",
    ]
    desk.set("\"nextAt\" = '2127-03-08 06:59+00'")
    ticks = [row["tick"] for row in terminal.json("preview", "nightly", "--number", "2")]
    assert ticks == ["2127-03-08T06:59:00Z", "2127-03-08T07:00:00Z"]


def test_a_backfill_enqueues_what_was_not_fired_and_nothing_twice(terminal: Terminal, desk: Desk) -> None:
    desk.add(cron="0 2 * * *", payload='{"day": "{tick}"}', overlap="skip")
    desk.hands.execute(
        "INSERT INTO schedule_ticks (schedule, tick) VALUES ('nightly', '2020-01-02 02:00+00')"
    )
    span = ("--from", "2020-01-01T02:00:00+00:00", "--to", "2020-01-03T02:00:00+00:00")
    assert "nobody is here to be asked; for 3 ticks add --yes" in terminal(
        "backfill", "nightly", *span, code=2
    )
    printed = terminal("backfill", "nightly", *span, "--yes")
    assert printed == "3 ticks, 2 jobs enqueued; the others had been fired\n"
    assert desk.jobs("payload") == [{"day": "2020-01-01T02:00:00Z"}, {"day": "2020-01-03T02:00:00Z"}]
    [again] = terminal.json("backfill", "nightly", *span, "--yes")
    assert again == {"name": "nightly", "ticks": 3, "jobIds": []}


def test_a_backfill_of_steps_goes_back_beyond_the_day_the_schedule_was_made(
    terminal: Terminal, desk: Desk
) -> None:
    desk.add(everySeconds=3600)
    desk.set("\"createdAt\" = '2020-01-05 00:20:00+00'")
    span = ("--from", "2020-01-01T00:00:00+00:00", "--to", "2020-01-01T02:30:00+00:00")
    terminal("backfill", "nightly", *span, "--yes")
    assert [tick.isoformat() for tick, _ in desk.ticks()] == [
        f"2020-01-01T0{hour}:20:00+00:00" for hour in range(3)
    ]


def test_a_backfill_stays_in_the_past_and_within_bounds(terminal: Terminal, desk: Desk) -> None:
    desk.add(everySeconds=1)
    span = ("--from", "2020-01-01T00:00:00+00:00", "--to", "2120-01-01T00:00:00+00:00", "--yes")
    assert "more than 10000 ticks" in terminal("backfill", "nightly", *span, code=1)
    future = ("--from", "2119-01-01T00:00:00+00:00", "--to", "2120-01-01T00:00:00+00:00", "--yes")
    assert terminal("backfill", "nightly", *future).startswith("0 ticks, 0 jobs")


def test_the_list_says_what_each_does_next_and_what_is_wrong(terminal: Terminal, desk: Desk) -> None:
    [job] = desk.hands.execute("INSERT INTO jobs (type) VALUES ('noop') RETURNING id").fetchone() or ()
    desk.add("a schedule with quite a long name", cron="0 2 * * *", timezone="America/Argentina/Buenos_Aires")
    desk.add("broken", cron="0 25 * * *", problem="cron '0 25 * * *': bad hour")
    desk.add("made", lastJobId=job, lastAt="2026-01-01 02:00+00", nextAt="2126-01-01 02:00+00")
    lines = terminal("list").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line[0] != " "] == ["name", "a", "broken", "made"]
    assert any("bad hour" in line for line in lines)
    rows = {row["name"]: row for row in terminal.json("list")}
    assert (rows["made"]["lastStatus"], rows["made"]["nextAt"]) == ("queued", "2126-01-01T02:00:00Z")
    assert rows["broken"]["problem"] == "cron '0 25 * * *': bad hour"


def test_without_schedules_the_list_says_how_to_make_one(
    terminal: Terminal, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.ticks() == []
    assert main(["schedules"]) == 0
    assert "rowcrew schedules add" in capsys.readouterr().err


def test_the_doctor_names_what_fires_no_more(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.add("broken", cron="0 25 * * *", problem="cron '0 25 * * *': bad hour")
    desk.add("failing", paused=True, pauseReason="its last 3 jobs failed")
    desk.add("by a person", paused=True)
    main(["doctor"])
    printed = capsys.readouterr().out
    assert "schedule broken: refused: cron '0 25 * * *': bad hour" in printed
    assert "rowcrew schedules edit broken" in printed
    assert "schedule failing: paused: its last 3 jobs failed" in printed
    assert "by a person" not in printed
