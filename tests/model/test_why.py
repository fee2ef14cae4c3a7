"""Why a job waits or what became of it, judged from facts alone; every answer has its remedy."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from rowcrew.cli.wording import WORDS, worded
from rowcrew.model.remedy import RemedyKind
from rowcrew.model.status import Status
from rowcrew.model.why import HeldBack, JobFacts, Reason, Service, reasons, unserved

HOUR = 3600.0


def a_service(**changes: Any) -> Service:
    """Two live workers with four slots each serve the queue and know the type; one job runs."""
    values: dict[str, Any] = {
        "queue": "default",
        "type": "report",
        "live": 2,
        "in_queue": 2,
        "serving": 2,
        "slots": 8,
        "taken": 1,
    }
    return Service(**{**values, **changes})


def a_job(**changes: Any) -> JobFacts:
    """A job that has been ready for a second."""
    values: dict[str, Any] = {
        "id": 42,
        "type": "report",
        "queue": "default",
        "status": "queued",
        "attempts": 0,
        "max_attempts": 3,
        "due_in_seconds": -1.0,
    }
    return JobFacts(**{**values, **changes})


NOBODY = a_service(live=0, in_queue=0, serving=0, slots=0, taken=0)
FULL = a_service(taken=8)
RETRIED = {"last_outcome": "retried", "last_error": "no luck", "attempts": 1, "due_in_seconds": 60.0}

JUDGED: list[tuple[JobFacts, Service, str, str, str]] = [
    (a_job(), NOBODY, "no-worker", "none ever did", "rowcrew worker"),
    (
        a_job(),
        a_service(live=0, in_queue=0, serving=0, last_worker="alpha", last_heard_seconds=180.0),
        "no-worker",
        "alpha was heard last, 3 min ago",
        "rowcrew worker",
    ),
    (
        a_job(queue="report"),
        a_service(queue="report", in_queue=0, serving=0, served_queues=["reports", "mails"]),
        "queue-unserved",
        "they serve mails, reports; did you mean 'reports'?",
        "--queue report",
    ),
    (
        a_job(type="modl_run"),
        a_service(type="modl_run", serving=0, known_types=["model_run", "echo"]),
        "type-unknown",
        "knows the type 'modl_run'; did you mean 'model_run'?",
        "rowcrew types list",
    ),
    (
        a_job(),
        a_service(serving=0, elsewhere=["beta"]),
        "type-unknown",
        "beta would, but serves other queues",
        "WORKER_QUEUES",
    ),
    (
        a_job(ahead=3),
        FULL,
        "slots-taken",
        "8 of 8 on 2 workers; 3 ready jobs before it",
        "WORKER_CONCURRENCY",
    ),
    (a_job(ahead=1000), FULL, "slots-taken", "at least 1000 ready jobs before it", "another worker"),
    (a_job(), a_service(), "about-to-run", "first in its queue; 7 of 8 slots are free", "POLL_INTERVAL"),
    (a_job(due_in_seconds=-60.0), a_service(), "overdue", "ready for 1 min", "the workers' log"),
    (
        a_job(due_in_seconds=-60.0, lock_pid=77, lock_program="psql", lock_seconds=50.0),
        a_service(),
        "row-locked",
        "psql (server process 77) has had its row locked for 50 s",
        "end that transaction",
    ),
    (
        a_job(due_in_seconds=-60.0, lock_pid=77, lock_program="rowcrew reserve", lock_seconds=0.01),
        a_service(),
        "overdue",
        "nobody takes it",
        "the workers' log",
    ),
    (a_job(due_in_seconds=HOUR), a_service(), "scheduled", "due in 1 h", 'SET "runAt" = now() WHERE id = 42'),
    (a_job(**RETRIED), a_service(), "backoff", "attempt 1 of 3 failed: no luck", "run it now"),
    (a_job(**RETRIED, changed_since=True), a_service(), "scheduled", "due in 1 min", "run it now"),
    (
        a_job(last_outcome="snoozed", due_in_seconds=60.0),
        a_service(),
        "snoozed",
        "handler asked for a later time",
        "run it now",
    ),
    (
        a_job(awaits_old_run=True, due_in_seconds=29.0),
        a_service(),
        "old-run",
        "in 29 s at the latest",
        "wait",
    ),
    (
        a_job(
            status="processing",
            attempts=1,
            running_seconds=90.0,
            worker="alpha",
            worker_state="live",
            lease_left_seconds=27.0,
        ),
        a_service(),
        "running",
        "worker alpha has had it for 1 min 30 s, attempt 1 of 3; its lease has 27 s left",
        "rowcrew jobs cancel 42",
    ),
    (
        a_job(
            status="processing",
            running_seconds=90.0,
            worker="alpha",
            worker_state="silent",
            heard_seconds=40.0,
        ),
        a_service(),
        "worker-gone",
        "is silent: last heard 40 s ago",
        "another worker rescues it",
    ),
    (
        a_job(
            status="processing", running_seconds=90.0, worker="alpha", worker_state="lost", heard_seconds=40.0
        ),
        NOBODY,
        "worker-gone",
        "is lost",
        "start a worker",
    ),
    (a_job(status="processing", running_seconds=90.0), a_service(), "foreign", "no worker has it", "= 42"),
    (
        a_job(status="processing", running_seconds=90.0, rescue_foreign_seconds=600),
        a_service(),
        "foreign",
        "1 min 30 s ago",
        "given back after 10 min",
    ),
    (
        a_job(status="completed", ended_seconds=60.0, run_seconds=4.0),
        NOBODY,
        "completed",
        "completed 1 min ago, after running for 4 s",
        "rowcrew jobs show 42",
    ),
    (
        a_job(status="failed", attempts=3, ended_seconds=60.0, error_message="ValueError: no"),
        NOBODY,
        "failed",
        "failed 1 min ago with attempt 3 of 3: ValueError: no",
        "rowcrew jobs requeue 42",
    ),
    (
        a_job(status="cancelled", ended_seconds=60.0, worker="alpha"),
        NOBODY,
        "cancelled",
        "no reason was given; worker alpha may still be stopping",
        "rowcrew jobs requeue 42",
    ),
]


@pytest.mark.parametrize(
    ("job", "service", "code", "what", "remedy"), JUDGED, ids=lambda value: str(value)[:20]
)
def test_the_reason_is_named_and_ends_with_a_remedy(
    job: JobFacts, service: Service, code: str, what: str, remedy: str
) -> None:
    [found] = reasons(job, service)
    told = worded(found.remedies)
    assert (found.code, what in found.what, remedy in told) == (code, True, True), (found, told)


def test_a_job_that_is_not_due_and_that_nobody_serves_has_two_reasons() -> None:
    found = reasons(a_job(due_in_seconds=HOUR), NOBODY)
    assert [reason.code for reason in found] == ["scheduled", "no-worker"]


def test_full_slots_are_no_reason_for_a_job_that_is_not_due() -> None:
    assert [reason.code for reason in reasons(a_job(due_in_seconds=HOUR), FULL)] == ["scheduled"]


def test_whoever_is_served_is_not_called_unserved() -> None:
    assert unserved(FULL) is None


def test_a_worker_that_drains_is_named_where_nobody_else_takes_the_job() -> None:
    alone = a_service(live=0, in_queue=0, serving=0, draining=["anna"])
    [reason] = reasons(a_job(), alone)
    assert (reason.code, reason.what.startswith("it is for anna: draining")) == ("no-worker", True)
    assert "rowcrew workers resume" in worded(reason.remedies)
    assert unserved(a_service(draining=["anna"])) is None


@pytest.mark.parametrize("state", ["live", "draining", "stopping"])
def test_a_job_of_a_worker_that_takes_no_more_is_running(state: str) -> None:
    [reason] = reasons(a_job(status="processing", worker="anna", worker_state=state), a_service())
    assert reason.code == "running"


def test_every_status_has_an_answer_with_a_remedy() -> None:
    for status in ("queued", "processing", "completed", "failed", "cancelled"):
        for reason in reasons(a_job(status=status), a_service()):
            assert isinstance(reason, Reason)
            assert reason.what
            assert worded(reason.remedies)


def test_the_terminal_has_words_for_every_remedy() -> None:
    assert set(WORDS) == set(get_args(RemedyKind))


def test_the_judgement_knows_no_command() -> None:
    told = [reason.what for job, service, *_ in JUDGED for reason in reasons(job, service)]
    assert [what for what in told if "rowcrew" in what or "`" in what or "--" in what] == []


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_row_that_no_statement_takes_is_told_with_the_reason_and_the_remedy(status: Status) -> None:
    job = a_job(status=status, aside_reason="not this one", aside_tries=3, next_try_seconds=40.0)
    found = reasons(job, a_service())[0]
    assert (found.code, "not this one; tried 3 times" in found.what) == ("set-aside", True)
    assert 'DELETE FROM jobs_set_aside WHERE "jobId" = 42' in worded(found.remedies)


@pytest.mark.parametrize(
    ("limit", "code", "what", "remedy"),
    [
        (
            HeldBack("queue", "ai", "paused", 0, 0, 1),
            "queue-paused",
            "the queue 'ai' is paused",
            "rowcrew queues resume ai",
        ),
        (
            HeldBack("queue", "ai", "places", 3, 3, 1),
            "limit-reached",
            "the queue 'ai' has 3 of at most 3 jobs at work",
            "rowcrew queues set ai …",
        ),
        (
            HeldBack("key", "api", "places", 1, 1, 1),
            "limit-reached",
            "the key 'api' has 1 of at most 1 jobs at work",
            "UPDATE limits SET … WHERE key = 'api'",
        ),
        (
            HeldBack("queue-key", "ai", "rate", 10, 10, 60, 20.0),
            "rate-used-up",
            "its key in the queue 'ai' has started 10 of at most 10 jobs in 1 min",
            "the next may start in 20 s",
        ),
    ],
)
def test_a_limit_that_holds_a_job_back_is_named_with_what_frees_it(
    limit: HeldBack, code: str, what: str, remedy: str
) -> None:
    (reason,) = reasons(a_job(), FULL, [limit])
    assert (reason.code, reason.what) == (code, what)
    assert remedy in worded(reason.remedies)


def test_a_job_that_nobody_would_take_waits_for_a_worker_and_not_for_a_limit() -> None:
    (reason,) = reasons(a_job(), NOBODY, [HeldBack("queue", "ai", "paused", 0, 0, 1)])
    assert reason.code == "no-worker"
