"""Why a job waits, or what became of it: sentences, each with what to do next.

In: what the table knows of one job (`JobFacts`), and what live workers offer its queue and type (`Service`).
Out: one `Reason` or more, the weightiest first; the remedies are data, and each face words them. No clock, no
connection. Called by `rowcrew.admin` for one job, and for whole queues.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import msgspec

from rowcrew.model.duration import duration
from rowcrew.model.remedy import Remedy, RemedyKind
from rowcrew.model.status import Status

# An idle worker looks every POLL_INTERVAL (2 s) and sweeps every 5 s: a job that waits longer is stuck.
OVERDUE_SECONDS: Final = 10.0
# The row of a job that is just being reserved is locked too.
_LONG_LOCK_SECONDS: Final = 1.0


class Reason(NamedTuple):
    """One reason: `code` is for programs, `what` for people, and `remedies` say what to do, in that order."""

    code: str
    what: str
    remedies: tuple[Remedy, ...]


class HeldBack(msgspec.Struct, frozen=True, rename="camel"):
    """A limit that lets no further job start now.

    Attributes:
        of: `queue`, `queue-key` (the queue's limit of each key) or `key` (the limit named after the key).
        name: of the queue or key.
        kind: `paused`, `places` (so many at once) or `rate` (so many in `period` seconds).
        most: the limit; `used`: how many it counts.
        again_seconds: until it has room by itself, or the former limit is put back, where that is known.
    """

    of: str
    name: str
    kind: str
    most: int
    used: int
    period: int
    again_seconds: float | None = None


class Service(msgspec.Struct, frozen=True, rename="camel"):
    """What live workers offer one queue and type.

    Attributes:
        live: live workers, whatever they serve.
        in_queue: live workers that serve the queue.
        serving: live workers that serve the queue and know the type.
        slots: the slots of the serving workers.
        taken: how many of these slots have a job, of any queue.
        elsewhere: the names of live workers that know the type and serve other queues.
        served_queues: the queues that live workers name.
        known_types: the types that live workers of the queue know.
        last_worker: the worker that was heard last, live or not; None when no worker ever was.
        last_heard_seconds: how long ago that was.
        draining: the names of workers that serve queue and type, and are asked to take no more jobs.
    """

    queue: str
    type: str
    live: int
    in_queue: int
    serving: int
    slots: int
    taken: int
    elsewhere: list[str] = []
    served_queues: list[str] = []
    known_types: list[str] = []
    last_worker: str | None = None
    last_heard_seconds: float | None = None
    draining: list[str] = []


class JobFacts(msgspec.Struct, frozen=True, rename="camel"):
    """What the table knows of one job; all ages by the database's clock.

    Attributes:
        due_in_seconds: until "runAt"; a negative value says how long the job has been ready.
        last_outcome: how the run of its last lease ended; None when that run is recorded nowhere.
        changed_since: whether somebody changed the row by hand after that run.
        awaits_old_run: somebody requeued it while its last run may still have been stopping.
        worker: the name of the worker that holds it; an ended job may still be held.
        worker_state: as in `worker_status`; None when no worker holds it.
        lease_left_seconds: how long its worker may still be silent.
        aside_reason: why no statement takes the row; None when it is not set aside.
        aside_tries: how often that was tried.
        next_try_seconds: until it is tried again.
        lock_pid: the session of the server that has locked the row.
        ahead: ready jobs that come before it in its queue, counted up to a thousand.
        concurrency_key: jobs that share it obey the same limits per key.
        waits: whether it is held back until other jobs have ended.
        waits_for: the latest of these that is live; None when all have ended.
        waits_for_live: how many of them are live.
        waits_for_ended: how many have ended.
    """

    id: int
    type: str
    queue: str
    status: Status
    attempts: int
    max_attempts: int
    error_message: str | None = None
    due_in_seconds: float = 0.0
    running_seconds: float | None = None
    run_seconds: float | None = None
    ended_seconds: float | None = None
    last_outcome: str | None = None
    last_error: str | None = None
    changed_since: bool = False
    awaits_old_run: bool = False
    worker: str | None = None
    worker_state: str | None = None
    heard_seconds: float | None = None
    lease_left_seconds: float | None = None
    rescue_foreign_seconds: int | None = None
    aside_reason: str | None = None
    aside_tries: int = 0
    next_try_seconds: float = 0.0
    lock_pid: int | None = None
    lock_program: str | None = None
    lock_seconds: float | None = None
    ahead: int = 0
    concurrency_key: str | None = None
    waits: bool = False
    waits_for: int | None = None
    waits_for_live: int = 0
    waits_for_ended: int = 0


def reasons(job: JobFacts, service: Service, held_back: Sequence[HeldBack] = ()) -> list[Reason]:
    """Why the job is where it is; `held_back` are the limits that let no job like it start now."""
    match job.status:
        case "queued":
            return _of_aside(job) or _of_queued(job, service, held_back)
        case "processing":
            return [*_of_aside(job), _of_processing(job, service)]
        case _:
            return [_of_ended(job)]


def unserved(service: Service) -> Reason | None:
    """Why no live worker would ever take such a job; None when one would."""
    reason = _unserved(service)
    if reason is None or not service.draining:
        return reason
    what = f"it is for {_named(service.draining)}: draining, as somebody asked, and taking no more jobs"
    return Reason(reason.code, what, (Remedy("resume-workers"),))


def _unserved(service: Service) -> Reason | None:
    if not service.live:
        return Reason("no-worker", f"no worker lives{_last_heard(service)}", (Remedy("start-worker"),))
    if not service.in_queue:
        return Reason(
            "queue-unserved",
            f"no live worker serves the queue {service.queue!r}; they serve {_named(service.served_queues)}"
            f"{meant(service.queue, service.served_queues)}",
            (Remedy("serve-queue", name=service.queue),),
        )
    if not service.serving:
        return _unknown_type(service)
    return None


def busy(service: Service) -> Reason | None:
    """Whether all workers that could take such a job have their slots full."""
    if service.taken < service.slots:
        return None
    return Reason(
        "slots-taken",
        f"every slot is taken: {service.taken} of {service.slots} on {_count(service.serving, 'worker')}",
        (Remedy("add-slots"),),
    )


def limited(limit: HeldBack) -> Reason:
    """What a limit holds back, and the one thing that frees it."""
    whose = _whose(limit)
    if limit.kind == "paused":
        for_now = "" if limit.again_seconds is None else f" for another {_soon(limit)}"
        what = f"{whose} is paused{for_now}"
        return Reason("queue-paused", what, (Remedy("resume-queue", name=limit.name),))
    raised: RemedyKind = "raise-key-limit" if limit.of == "key" else "raise-limit"
    if limit.kind == "places":
        what = f"{whose} has {limit.used} of at most {limit.most} jobs at work"
        return Reason("limit-reached", what, (Remedy(raised, name=limit.name),))
    what = f"{whose} has started {limit.used} of at most {limit.most} jobs in {duration(limit.period)}"
    if limit.most == 0 or limit.again_seconds is None:
        return Reason("rate-used-up", what, (Remedy(raised, name=limit.name),))
    return Reason("rate-used-up", what, (Remedy("await-window", seconds=limit.again_seconds),))


def _whose(limit: HeldBack) -> str:
    match limit.of:
        case "queue":
            return f"the queue {limit.name!r}"
        case "queue-key":
            return f"its key in the queue {limit.name!r}"
    return f"the key {limit.name!r}"


def _soon(limit: HeldBack) -> str:
    return duration(max(0.0, limit.again_seconds or 0.0))


def _of_queued(job: JobFacts, service: Service, held_back: Sequence[HeldBack]) -> list[Reason]:
    if job.waits:
        return [_waiting(job, service)]
    found = [_not_due(job)] if job.due_in_seconds > 0 else []
    if nobody := unserved(service):
        found.append(nobody)
    if not found:
        found += map(limited, held_back)
    return found or [_of_ready(job, service)]


def _of_aside(job: JobFacts) -> list[Reason]:
    if job.aside_reason is None:
        return []
    what = (
        f"set aside, since no worker can write its row: {job.aside_reason}; tried {_times(job.aside_tries)}"
    )
    again = "now" if job.next_try_seconds <= 0 else f"in {duration(job.next_try_seconds)}"
    return [Reason("set-aside", f"{what}, again {again}", (Remedy("mend-row", job=job.id),))]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _of_ready(job: JobFacts, service: Service) -> Reason:
    waited = -job.due_in_seconds
    if full := busy(service):
        return full._replace(what=f"{full.what}; {_place(job)}")
    ready = f"ready for {duration(waited)} and {_place(job)}; {_free(service)}"
    if waited < OVERDUE_SECONDS:
        return Reason("about-to-run", ready, (Remedy("await-look"),))
    if job.lock_pid is not None and (job.lock_seconds or 0.0) >= _LONG_LOCK_SECONDS:
        return Reason(
            "row-locked",
            f"an open transaction of {job.lock_program or 'another program'} (server process {job.lock_pid})"
            f" has had its row locked for {duration(job.lock_seconds or 0.0)}; workers pass over locked rows",
            (Remedy("end-transaction", name=job.lock_program),),
        )
    return Reason("overdue", f"{ready}, and yet nobody takes it", (Remedy("read-worker-log"),))


def _waiting(job: JobFacts, service: Service) -> Reason:
    if job.waits_for is None:
        what = "what it waits for has ended, or is not in the table"
        return Reason("waiting", what, (Remedy("await-examiner" if service.live else "start-worker"),))
    others = f" (and {job.waits_for_live - 1} more)" if job.waits_for_live > 1 else ""
    ended = f"; {_count(job.waits_for_ended, 'other')} ended before" if job.waits_for_ended else ""
    return Reason(
        "waiting",
        f"waits for job {job.waits_for}{others}{ended}",
        (Remedy("ask-why-of", job=job.waits_for), Remedy("run-now", job=job.id)),
    )


def _not_due(job: JobFacts) -> Reason:
    wait = f"in {duration(job.due_in_seconds)}"
    at_once = (Remedy("run-now", job=job.id),)
    if job.awaits_old_run:
        what = f"requeued while its last run may still have been stopping; it starts {wait} at the latest"
        return Reason("old-run", what, (Remedy("await-old-run"),))
    if job.last_outcome == "retried" and not job.changed_since:
        used = f"attempt {job.attempts} of {job.max_attempts} failed: {_said(job.last_error)}"
        return Reason("backoff", f"its backoff ends {wait}; {used}", at_once)
    if job.last_outcome == "snoozed" and not job.changed_since:
        return Reason("snoozed", f"its handler asked for a later time; due {wait}", at_once)
    return Reason("scheduled", f'its "runAt" is ahead; due {wait}', at_once)


def _unknown_type(service: Service) -> Reason:
    what = f"no live worker of the queue {service.queue!r} knows the type {service.type!r}"
    if service.elsewhere:
        return Reason(
            "type-unknown",
            f"{what}; {_named(service.elsewhere)} would, but serves other queues",
            (Remedy("serve-queue-too", name=service.queue),),
        )
    what += meant(service.type, service.known_types)
    return Reason("type-unknown", what, (Remedy("start-crew"),))


def _of_processing(job: JobFacts, service: Service) -> Reason:
    since = duration(job.running_seconds or 0.0)
    match job.worker_state:
        case None:
            return _of_foreign(job, since)
        case "live" | "draining" | "stopping":
            return Reason(
                "running",
                f"worker {job.worker} has had it for {since}, attempt {job.attempts} of {job.max_attempts};"
                f" its lease has {duration(job.lease_left_seconds or 0.0)} left, renewed by each heartbeat",
                (Remedy("show-progress", job=job.id), Remedy("cancel", job=job.id)),
            )
    heard = duration(job.heard_seconds or 0.0)
    return Reason(
        "worker-gone",
        f"worker {job.worker}, which has had it for {since}, is {job.worker_state}: last heard {heard} ago",
        (Remedy("await-rescue" if service.live else "start-rescuer"),),
    )


def _of_foreign(job: JobFacts, since: str) -> Reason:
    what = f"set to processing {since} ago by hand or by another program; no worker has it"
    if job.rescue_foreign_seconds is not None:
        return Reason("foreign", what, (Remedy("await-give-back", seconds=job.rescue_foreign_seconds),))
    return Reason("foreign", what, (Remedy("queue-again", job=job.id),))


def _of_ended(job: JobFacts) -> Reason:
    ago = f"{duration(job.ended_seconds or 0.0)} ago"
    ran = "" if job.run_seconds is None else f", after running for {duration(job.run_seconds)}"
    said, requeue = _said(job.error_message), Remedy("requeue", job=job.id)
    match job.status:
        case "completed":
            return Reason("completed", f"completed {ago}{ran}", (Remedy("show-result", job=job.id), requeue))
        case "failed":
            what = f"failed {ago} with attempt {job.attempts} of {job.max_attempts}: {said}"
            mend = Remedy("mend-and-requeue", job=job.id)
            return Reason("failed", what, (Remedy("show-tracebacks", job=job.id), mend))
        case _:
            held = "" if job.worker is None else f"; worker {job.worker} may still be stopping its run"
            return Reason("cancelled", f"cancelled {ago}: {said}{held}", (requeue,))


def _last_heard(service: Service) -> str:
    if service.last_worker is None or service.last_heard_seconds is None:
        return ", and none ever did"
    return f"; {service.last_worker} was heard last, {duration(service.last_heard_seconds)} ago"


def _free(service: Service) -> str:
    return f"{service.slots - service.taken} of {service.slots} slots are free"


def _said(message: str | None) -> str:
    return message or "no reason was given"


def _place(job: JobFacts) -> str:
    if not job.ahead:
        return "first in its queue"
    return (
        f"{'at least ' if job.ahead >= 1000 else ''}{_count(job.ahead, 'ready job')} before it in its queue"
    )


def meant(name: str, known: Collection[str]) -> str:
    """The end of a sentence about a name that nobody knows: a typing error is the commonest reason of all."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean {close[0]!r}?" if close else ""


def _named(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
