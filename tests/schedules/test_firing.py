"""A due tick becomes one job, and what becomes of those that were missed or meet a job that still runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rowcrew.control.chores.chore import UNTIL_WOKEN
from tests.schedules.conftest import Desk, Firing

pytestmark = pytest.mark.anyio


async def test_a_new_schedule_is_planned_and_fires_nothing(desk: Desk, firing: Firing) -> None:
    desk.add(everySeconds=3600)
    await firing.once()
    assert desk.ticks() == desk.jobs() == []
    created, planned = desk.row('date_trunc(\'second\', "createdAt"), "nextAt"')
    assert planned == created + timedelta(hours=1)


async def test_a_due_tick_becomes_one_job_as_the_row_says(desk: Desk, firing: Firing) -> None:
    desk.add(type="report", payload='{"a": 1}', queue="reports", priority=7, maxAttempts=2)
    await firing.once()
    tick = desk.due()
    await firing.once()
    [job] = desk.jobs('id, type, payload, queue, priority, "maxAttempts", status')
    assert job[1:] == ("report", {"a": 1}, "reports", 7, 2, "queued")
    assert desk.ticks() == [(tick, job[0])]
    last_at, last_job, following = desk.row('"lastAt", "lastJobId", "nextAt"')
    assert (last_at, last_job) == (tick, job[0])
    assert following > datetime.now(UTC)


async def test_two_schedules_of_one_type_that_tick_at_once_are_two_jobs(desk: Desk, firing: Firing) -> None:
    for name in ("berlin", "paris"):
        desk.add(name, type="report", payload=f'{{"city": "{name}"}}')
    await firing.once()
    desk.hands.execute("""UPDATE schedules SET "nextAt" = date_trunc('minute', now())""")
    await firing.once()
    assert sorted(payload["city"] for payload in desk.jobs("payload")) == ["berlin", "paris"]


async def test_what_the_row_leaves_open_the_type_says_and_then_the_table(desk: Desk, firing: Firing) -> None:
    desk.hands.execute(
        """INSERT INTO job_types (type, queue, priority, "maxAttempts") VALUES ('said', 'slow', -10, 9)"""
    )
    for type in ("said", "unsaid"):
        desk.add(type, type=type)
        desk.due(name=type)
    await firing.once()
    assert sorted(desk.jobs('type, queue, priority, "maxAttempts"')) == [
        ("said", "slow", -10, 9),
        ("unsaid", "default", 0, 3),
    ]


async def test_a_payload_may_name_its_tick(desk: Desk, firing: Firing) -> None:
    desk.add(payload='{"until": "{tick}", "deep": ["before {tick}"]}')
    tick = desk.due()
    await firing.once()
    text = tick.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert desk.jobs("payload") == [{"until": text, "deep": [f"before {text}"]}]


async def test_the_stored_tick_is_fired_and_not_what_a_calendar_says(desk: Desk, firing: Firing) -> None:
    desk.add(cron="0 2 * * *")
    stored = desk.due("90 seconds")
    await firing.once()
    assert [tick for tick, _ in desk.ticks()] == [stored]


async def test_the_jitter_moves_the_job_and_not_the_tick(desk: Desk, firing: Firing) -> None:
    desk.add(jitterSeconds=86_400)
    tick = desk.due()
    await firing.once()
    [(at, _)] = desk.ticks()
    assert at == tick
    [moved] = desk.jobs("""extract(epoch FROM "runAt" - "createdAt")""")
    assert 0 <= moved <= 86_400
    assert desk.jobs('"runAt" > now()') == [True]


@pytest.mark.parametrize(
    ("missed", "ago", "fired"),
    [
        ("once", [0], 1),
        ("once", [300, 240, 180, 120, 60, 0], 1),
        ("skip", [0], 1),
        ("skip", [300, 240, 180, 120, 60, 0], 1),
        ("all", [0], 1),
        ("all", [300, 240, 180, 120, 60, 0], 6),
    ],
)
async def test_missed_ticks(desk: Desk, firing: Firing, missed: str, ago: list[int], fired: int) -> None:
    desk.add(missed=missed, everySeconds=60)
    first = desk.due(f"{ago[0] + 1} seconds")
    desk.set("""\"createdAt" = "nextAt" - interval '1 day'""")  # the grid of ticks begins there
    await firing.once()
    expected = [first + timedelta(seconds=ago[0] - one) for one in ago][-fired:]
    assert [tick for tick, _ in desk.ticks()] == expected
    assert len(desk.jobs()) == fired
    assert desk.row('"nextAt"') == expected[-1] + timedelta(seconds=60)
    missed_one = [(first,)] if fired < len(ago) else []
    told = "SELECT (detail->>'firstTick')::timestamptz FROM events WHERE kind = 'schedule.missed'"
    assert desk.hands.execute(told).fetchall() == missed_one


async def test_a_tick_that_is_a_minute_late_is_skipped_where_the_row_says_so(
    desk: Desk, firing: Firing
) -> None:
    desk.add(missed="skip", cron="0 0 1 1 *")
    desk.due("61 seconds")
    await firing.once()
    assert desk.ticks() == []
    assert desk.row('"nextAt" > now()')
    assert desk.hands.execute("SELECT kind, subject, type FROM events").fetchall() == [
        ("schedule.missed", "nightly", desk.row("type"))
    ]


async def test_every_missed_tick_of_a_long_outage_comes_a_thousand_at_a_time(
    desk: Desk, firing: Firing
) -> None:
    desk.add(missed="all", everySeconds=60)
    desk.set("""\"createdAt" = now() - interval '3 days'""")
    desk.due("2000 minutes")
    await firing.once()
    assert len(desk.ticks()) in (2000, 2001)
    assert desk.row('"nextAt" > now()')


OVERLAPS: list[tuple[str, str | None, list[str], list[bool]]] = [
    # overlap, status of the job before, statuses of all jobs afterwards, which ticks have jobs
    ("allow", "queued", ["queued", "queued"], [True, True]),
    ("allow", "processing", ["processing", "queued"], [True, True]),
    ("skip", "queued", ["queued"], [True, False]),
    ("skip", "processing", ["processing"], [True, False]),
    ("skip", "failed", ["failed", "queued"], [True, True]),
    ("queueOne", "processing", ["processing"], [True, False]),
    ("queueOne", "completed", ["completed", "queued"], [True, True]),
    ("cancelOld", "queued", ["cancelled", "queued"], [True, True]),
    ("cancelOld", "processing", ["cancelled", "queued"], [True, True]),
    ("cancelOld", "completed", ["completed", "queued"], [True, True]),
]


@pytest.mark.parametrize(("overlap", "before", "statuses", "have_jobs"), OVERLAPS)
async def test_a_tick_that_meets_the_job_before(
    desk: Desk, firing: Firing, overlap: str, before: str, statuses: list[str], have_jobs: list[bool]
) -> None:
    desk.add(overlap=overlap)
    desk.due("50 seconds")
    await firing.once()
    [first] = desk.jobs()
    if before != "queued":
        desk.end(first, before)
    desk.due("1 second")
    await firing.once()
    assert desk.jobs("status") == statuses
    assert [job is not None for _, job in desk.ticks()] == have_jobs


async def test_one_tick_waits_for_the_job_before_and_later_ones_do_not(desk: Desk, firing: Firing) -> None:
    desk.add(overlap="queueOne")
    desk.due("50 seconds")
    await firing.once()
    [first] = desk.jobs()
    waiting = desk.due("40 seconds")
    await firing.once()
    desk.due("30 seconds")
    await firing.once()
    assert desk.jobs() == [first]
    assert desk.row('"waitingTick"') == waiting
    assert firing.chore.period_seconds <= 1
    desk.end(first)
    await firing.once()
    [_, second] = desk.jobs()
    assert [job for _, job in desk.ticks()] == [first, second, None]
    assert desk.row('"waitingTick", "lastJobId"') == (None, second)
    desk.end(second)
    await firing.once()
    assert desk.jobs() == [first, second]


MISSED_AND_OVERLAP: dict[str, list[bool]] = {
    # of three missed ticks, while no job is live, those that have a job
    "allow": [True, True, True],
    "skip": [True, False, False],
    "queueOne": [True, False, False],
    "cancelOld": [False, False, True],
}


@pytest.mark.parametrize("overlap", MISSED_AND_OVERLAP)
async def test_all_missed_ticks_obey_the_overlap(desk: Desk, firing: Firing, overlap: str) -> None:
    desk.add(overlap=overlap, missed="all", everySeconds=60)
    desk.set("""\"createdAt" = date_trunc('second', now()) - interval '1 day 1 second'""")
    desk.due("121 seconds")
    await firing.once()
    ticks = desk.ticks()
    assert [job is not None for _, job in ticks] == MISSED_AND_OVERLAP[overlap]
    if overlap == "queueOne":
        assert desk.row('"waitingTick"') == ticks[1][0]


async def test_a_changed_rule_and_the_end_of_a_pause_plan_anew(desk: Desk, firing: Firing) -> None:
    desk.add(cron="0 2 * * *")
    await firing.once()
    for change in (
        "cron = '0 3 * * *'",
        """\"timezone" = 'Asia/Kathmandu'""",
        """\"endAt" = now() + interval '9 y'""",
    ):
        desk.set(change)
        assert desk.row('"nextAt"') is None, change
        await firing.once()
        assert desk.row('"nextAt" > now()')
    desk.due("3 days")
    desk.set("paused = true")
    await firing.once()
    desk.set("paused = false")
    await firing.once()
    assert desk.ticks() == []
    assert desk.row('"nextAt" > now()')


async def test_an_update_that_sets_the_next_tick_itself_is_obeyed(desk: Desk, firing: Firing) -> None:
    desk.add(cron="0 2 * * *")
    await firing.once()
    desk.set("""cron = '0 3 * * *', "nextAt" = now()""")
    await firing.once()
    assert len(desk.jobs()) == 1


async def test_what_is_paused_fires_nothing(desk: Desk, firing: Firing) -> None:
    desk.add(paused=True)
    desk.due()
    await firing.once()
    assert desk.jobs() == []


@pytest.mark.parametrize(
    "columns",
    [
        {"cron": "0 25 * * *"},
        {"cron": "every day"},
        {"cron": "0 0 31 2 *"},
        {"cron": "* * * * * *"},
        {"cron": "0 2 * * *", "timezone": "America/Nowhere"},
        {"cron": "0 2 * * *", "timezone": "../../etc/passwd"},
        {"everySeconds": 60, "timezone": "localtime", "cron": None},
    ],
)
async def test_a_bad_rule_is_told_in_its_row_and_holds_up_no_other(
    desk: Desk, firing: Firing, columns: dict[str, Any]
) -> None:
    desk.add("bad", **columns)
    desk.add("good")
    desk.due(name="good")
    await firing.once()
    is_steps = columns.get("everySeconds") is not None
    problem = desk.row("problem", "bad")
    assert (problem is None) if is_steps else problem.startswith(("cron '", "timezone '"))
    assert len(desk.ticks("good")) == 1
    if not is_steps:
        assert "Schedule refused until its row is edited: bad: " in firing.output.getvalue()
        firing.output.truncate(0)
        await firing.once()
        assert "refused" not in firing.output.getvalue()
        desk.set("""cron = '0 2 * * *', "timezone" = 'UTC'""", "bad")
        await firing.once()
        assert desk.row("""problem IS NULL AND "nextAt" > now()""", "bad")


async def test_a_job_that_the_table_refuses_stops_its_schedule_and_no_other(
    desk: Desk, firing: Firing
) -> None:
    desk.hands.execute("ALTER TABLE jobs ADD CONSTRAINT no_such CHECK (type <> 'unwanted')")
    for name in ("bad", "good"):
        desk.add(name, type="unwanted" if name == "bad" else "noop")
        desk.due(name=name)
    await firing.once()
    assert desk.jobs("type") == ["noop"]
    assert "no_such" in desk.row("problem", "bad")
    assert desk.ticks("bad") == []


async def test_after_so_many_failures_in_a_row_a_schedule_pauses_until_somebody_resumes_it(
    desk: Desk, firing: Firing
) -> None:
    desk.add(pauseAfterFailures=2)
    for ago in (50, 40):
        desk.due(f"{ago} seconds")
        await firing.once()
        desk.end(max(desk.jobs()), "failed")
    desk.due("30 seconds")
    await firing.once()
    assert len(desk.jobs()) == 2
    assert desk.row('paused, "pauseReason"') == (True, "its last 2 jobs failed")
    desk.set("paused = false")
    assert desk.row('paused, "pauseReason"') == (False, None)
    desk.due("20 seconds")
    await firing.once()
    assert len(desk.jobs()) == 3
    assert desk.row("paused") is False


async def test_a_success_between_failures_counts(desk: Desk, firing: Firing) -> None:
    desk.add(pauseAfterFailures=2)
    for ago, end in ((50, "failed"), (40, "completed"), (30, "failed")):
        desk.due(f"{ago} seconds")
        await firing.once()
        desk.end(max(desk.jobs()), end)
    desk.due("20 seconds")
    await firing.once()
    assert len(desk.jobs()) == 4


async def test_ticks_lie_between_start_and_end(desk: Desk, firing: Firing) -> None:
    desk.add(cron="0 2 * * *", startAt="2100-01-01 03:00+00", endAt="2100-01-02 02:00+00")
    desk.add("over", everySeconds=60, endAt="2020-01-01 00:00+00")
    desk.add("waits for its end", cron="0 2 1 1 *", endAt=datetime.now(UTC) + timedelta(seconds=40))
    await firing.once()
    assert desk.row('"nextAt"') == datetime(2100, 1, 2, 2, tzinfo=UTC)
    assert desk.row('"nextAt", problem', "over") == (None, None)
    updated = desk.row('"updatedAt"', "waits for its end")
    await firing.once()
    assert desk.row('"updatedAt"', "waits for its end") == updated
    assert firing.chore.period_seconds == UNTIL_WOKEN


async def test_the_chore_comes_again_when_the_next_tick_is_due(desk: Desk, firing: Firing) -> None:
    await firing.once()
    assert firing.chore.period_seconds == UNTIL_WOKEN
    desk.add(everySeconds=1000)
    await firing.once()
    assert firing.chore.period_seconds == UNTIL_WOKEN
    desk.set("""\"nextAt" = clock_timestamp() + interval '5 seconds'""")
    await firing.once()
    assert 4 < firing.chore.period_seconds <= 5


async def test_a_schedule_that_is_new_does_not_wait_for_the_tick_of_another(
    desk: Desk, firing: Firing
) -> None:
    desk.add(everySeconds=1000)
    await firing.once()
    desk.set("""\"nextAt\" = clock_timestamp() + interval '19 seconds'""")
    await firing.once()
    assert firing.chore.period_seconds == 10


async def test_a_schedule_that_waits_for_its_end_delays_no_tick_of_another(
    desk: Desk, firing: Firing
) -> None:
    desk.add("waits for its end", cron="0 2 1 1 *", endAt=datetime.now(UTC) + timedelta(seconds=40))
    desk.add(everySeconds=1000)
    await firing.once()
    desk.set("""\"nextAt\" = clock_timestamp() + interval '5 seconds'""")
    await firing.once()
    assert 4 < firing.chore.period_seconds <= 5


async def test_old_ticks_are_deleted_once_an_hour(desk: Desk, firing: Firing) -> None:
    desk.add()
    desk.hands.execute(
        """INSERT INTO schedule_ticks (schedule, tick, "firedAt")
           VALUES ('nightly', now() - interval '31 days', now() - interval '31 days'),
                  ('nightly', now() - interval '32 days', now()),
                  ('nightly', now() - interval '29 days', now())"""
    )
    await firing.once()
    assert len(desk.ticks()) == 3
    firing.clock.move(3601)
    await firing.once()
    assert len(desk.ticks()) == 2


async def test_a_deleted_schedule_takes_its_ticks_along_and_leaves_its_jobs(
    desk: Desk, firing: Firing
) -> None:
    desk.add()
    desk.due()
    await firing.once()
    desk.hands.execute("DELETE FROM schedules")
    assert desk.ticks() == []
    assert len(desk.jobs()) == 1
