"""What a storm leaves behind, as values: the steps of every row, the runs of every handler, the faults.

Out of the database come `Step`s, written by a trigger in the transaction that made them, so they are as true
as the rows. Out of the journals come `Run`s. `check` judges them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import psycopg
from psycopg.rows import class_row

HANDS = "storm hands"
STALE_SAVES = "storm stale saves"
_NO_WORKER = "storm"
PARKED = 221_845_392_000.0
"""The time in the year 9000 at which jobs stand that wait for others."""
JOURNALED_ENDS = frozenset(
    {
        *("sleeps", "sleeps_in_thread", "sleeps_alone", "writes", "parent", "snoozes", "raises", "holds_gil"),
        *("forks", "leaves", "ticks", "gathers"),
    }
)

# Each worker process says its number in its startup options, so a step knows its author for certain. A pooler
# refuses those and tells the client's address in place of them: process n comes from 127.0.1.n and so on.
RECORDER = r"""
CREATE TABLE storm_steps (
    seq bigserial PRIMARY KEY, at float8, job bigint, type text, status text, attempts int, "maxAttempts" int,
    lease text, "runAt" float8, key text, error text, queue text, "limitedKey" text, "placeAt" float8,
    "waitsFor" bigint[], "waitPolicy" text, awaited boolean, author text, process int);
CREATE TABLE storm_limits (
    seq bigint, at float8, queue text, key text, most int, "mostPerKey" int, rate int, "ratePerKey" int,
    period int);
CREATE TABLE storm_effects (job bigint NOT NULL);
CREATE FUNCTION storm_process() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    place text[] := regexp_match(current_setting('application_name'), ' - 127\.0\.(\d+)\.(\d+):');
BEGIN
    RETURN coalesce(nullif(current_setting('storm.process', true), '')::int,
                    (place[1]::int - 1) * 250 + place[2]::int);
END $$;
CREATE FUNCTION storm_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO storm_steps (
        at, job, type, status, attempts, "maxAttempts", lease, "runAt", key, error,
        queue, "limitedKey", "placeAt", "waitsFor", "waitPolicy", awaited, author, process)
    VALUES (extract(epoch FROM clock_timestamp()), NEW.id, NEW.type, NEW.status, NEW.attempts,
            NEW."maxAttempts", NEW."leaseId"::text,
            extract(epoch FROM NEW."runAt"), NEW."uniqueKey", NEW."errorMessage",
            NEW.queue, NEW."concurrencyKey",
            CASE WHEN isfinite(NEW."placeAt") THEN extract(epoch FROM NEW."placeAt") END,
            NEW."waitsFor", NEW."waitPolicy", NEW.awaited,
            regexp_replace(current_setting('application_name'), ' - [0-9.:]+$', ''), storm_process());
    RETURN NULL;
END $$;
CREATE TRIGGER storm_record AFTER INSERT OR UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION storm_record();
CREATE FUNCTION storm_record_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO storm_limits
    VALUES (nextval('storm_steps_seq_seq'), extract(epoch FROM clock_timestamp()), NEW.queue, NULL,
            CASE WHEN NEW.paused THEN 0 ELSE NEW."maxConcurrent" END, NEW."maxConcurrentPerKey",
            NEW."rateLimit", NEW."rateLimitPerKey", NEW."ratePeriodSeconds");
    RETURN NULL;
END $$;
CREATE TRIGGER storm_record_queue AFTER INSERT OR UPDATE ON queues FOR EACH ROW
    EXECUTE FUNCTION storm_record_queue();
CREATE FUNCTION storm_record_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO storm_limits
    VALUES (nextval('storm_steps_seq_seq'), extract(epoch FROM clock_timestamp()), NULL, NEW.key,
            NEW."maxConcurrent", NULL, NEW."rateLimit", NULL, NEW."ratePeriodSeconds");
    RETURN NULL;
END $$;
CREATE TRIGGER storm_record_key AFTER INSERT OR UPDATE ON limits FOR EACH ROW
    EXECUTE FUNCTION storm_record_key();
"""


@dataclass(frozen=True)
class Step:
    """One state of one row, and who wrote it: an application, and the number of its worker process if any."""

    seq: int
    at: float
    job: int
    type: str
    status: str
    attempts: int
    most: int
    lease: str | None
    run_at: float
    key: str | None = None
    error: str | None = None
    queue: str = "default"
    limited_key: str | None = None
    place_at: float | None = None
    waits_for: list[int] | None = None
    wait_policy: str = "completed"
    awaited: bool = False
    author: str = ""
    process: int | None = None

    @property
    def is_parked(self) -> bool:
        """Whether it waits for other jobs."""
        return self.status == "queued" and self.run_at >= PARKED

    @property
    def by_hand(self) -> bool:
        return self.author.startswith(_NO_WORKER)


@dataclass(frozen=True)
class LimitChange:
    """What a row of `queues` or `limits` said from one moment on; None = no limit, 0 = paused.

    `seq` is of the same count as those of steps.
    """

    seq: int
    at: float
    queue: str | None = None
    key: str | None = None
    most: int | None = None
    most_per_key: int | None = None
    rate: int | None = None
    rate_per_key: int | None = None
    period: int | None = None


@dataclass(frozen=True)
class Message:
    """What a receiver is to be told: of how many events, and how many of them say to be in it."""

    id: int
    receiver: str
    count: int
    events: int
    is_delivered: bool = True


@dataclass(frozen=True)
class Heard:
    """What a receiver heard, once."""

    receiver: str
    message: dict[str, Any]


@dataclass(frozen=True)
class Tick:
    """A tick of a schedule whose ticks all become jobs: of the plan, and those jobs that say to be for it."""

    at: float
    jobs: int


@dataclass
class Run:
    """One call of a handler. `seen` is when it was last known to go on; `how` it ended, None if it died."""

    job: int
    type: str
    lease: str
    process: int
    pid: int
    start: float
    seen: float
    how: str | None = None


@dataclass(frozen=True)
class Fault:
    """A fault from its first effect to its last; `process` is the worker process it hit, if one."""

    kind: str
    start: float
    end: float
    process: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class Plan:
    """A schedule: what becomes of jobs that would overlap, and the jobs of its ticks, in order."""

    name: str
    overlap: str
    jobs: list[int]


@dataclass
class History:
    """Everything `check` looks at.

    Attributes:
        acknowledged: jobs whose INSERT a producer knows to be committed.
        cancelled: when each job was cancelled by hand.
        outcomes: the word of `job_attempts` for each lease that has one.
        set_aside: the rows that were set aside, with how often and since when.
        effects: how many rows each job's own transactions left.
        failures_told: how many failed jobs the events tell of; None = nobody counted them.
        messages: for each receiver, what it is to be told.
        unmerged: how many events are in no message.
        heard: what receivers heard, each time.
        listeners: the receivers that write down what they hear.
        limits: what limited queues and keys, in the order of steps.
        ticks: those of the schedule that misses none, in order.
        every_seconds: how far its ticks are apart.
        plans: all schedules.
        aftermath: what was still there when nothing should have been.
        texts: places where secrets must not be, by name.
        memory: resident bytes of each control process by its number, with the times they were taken.
        slots: how many runs each worker process may have at once, by its number.
        exit_codes: of the worker processes that have ended, by number.
        out_of_memory: how many processes the kernel killed in the small container.
    """

    steps: list[Step]
    runs: list[Run] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    cancelled: dict[int, float] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    set_aside: dict[int, tuple[int, float]] = field(default_factory=dict)
    effects: dict[int, int] = field(default_factory=dict)
    failures_told: int | None = None
    messages: list[Message] = field(default_factory=list)
    unmerged: int = 0
    heard: list[Heard] = field(default_factory=list)
    listeners: frozenset[str] = frozenset()
    limits: list[LimitChange] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    every_seconds: float = 0.0
    plans: list[Plan] = field(default_factory=list)
    aftermath: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    memory: dict[int, list[tuple[float, int]]] = field(default_factory=dict)
    slots: dict[int, int] = field(default_factory=dict)
    exit_codes: dict[int, int] = field(default_factory=dict)
    out_of_memory: int = 0
    seen_at: float = 0.0

    def log_of(self, process: int) -> str:
        """What this worker process has written."""
        return self.texts.get(log_of(process), "")

    def by_job(self) -> dict[int, list[Step]]:
        """The steps of each job in order, without stale saves under a run: they say nothing of the run."""
        jobs: dict[int, list[Step]] = {}
        for step in sorted(self.steps, key=lambda step: step.seq):
            if not (step.author == STALE_SAVES and step.status == "processing"):
                jobs.setdefault(step.job, []).append(step)
        return jobs


def steps_of(connection: psycopg.Connection[Any]) -> list[Step]:
    with connection.cursor(row_factory=class_row(Step)) as cursor:
        cursor.execute(
            'SELECT seq, at, job, type, status, attempts, "maxAttempts" AS most, lease,'
            ' "runAt" AS run_at, key, error,'
            ' queue, "limitedKey" AS limited_key, "placeAt" AS place_at, "waitsFor" AS waits_for,'
            ' "waitPolicy" AS wait_policy, awaited IS TRUE AS awaited,'
            " author, process FROM storm_steps ORDER BY seq"
        )
        return cursor.fetchall()


def limits_of(connection: psycopg.Connection[Any]) -> list[LimitChange]:
    with connection.cursor(row_factory=class_row(LimitChange)) as cursor:
        cursor.execute(
            'SELECT seq, at, queue, key, most, "mostPerKey" AS most_per_key, rate,'
            ' "ratePerKey" AS rate_per_key, period'
            " FROM storm_limits ORDER BY seq"
        )
        return cursor.fetchall()


def entries(journal: Path) -> list[dict[str, Any]]:
    with journal.open() as lines:
        return entries_of(lines)


def entries_of(journal: TextIO) -> list[dict[str, Any]]:
    """Whole lines from here on; an unfinished last line is left for the next call."""
    found: list[dict[str, Any]] = []
    while True:
        place = journal.tell()
        line = journal.readline()
        if not line.endswith("\n"):
            journal.seek(place)
            return found
        found.append(json.loads(line))


def runs_of(journal: Iterable[Mapping[str, Any]], seen_alive: Mapping[str, float]) -> list[Run]:
    """Joins starts and ends; a run without an end went on for as long as its process was seen alive."""
    runs: dict[str, Run] = {}
    for entry in journal:
        if entry["what"] == "start":
            runs[entry["lease"]] = Run(
                entry["job"],
                entry["type"],
                entry["lease"],
                entry["process"],
                entry["pid"],
                entry["at"],
                max(entry["at"], seen_alive.get(entry["lease"], 0.0)),
            )
        elif run := runs.get(entry["lease"]):
            run.seen, run.how = entry["at"], entry["how"]
    return sorted(runs.values(), key=lambda run: run.start)


def log_of(process: int) -> str:
    """The name in `texts` of what this worker process has written."""
    return f"the log of process {process}"


def address_of(process: int) -> str:
    """The address that a process's connections come from where nothing else can tell its number."""
    return f"127.0.{process // 250 + 1}.{process % 250}"
