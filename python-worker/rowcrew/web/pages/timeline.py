"""The life of a job as bars on one axis: waiting, ready, each attempt, backoff.

In: a job, its attempts, the database's clock. Out: phases with their places. Called by the page of a job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from rowcrew.model.duration import duration
from rowcrew.table.rows import Attempt, WholeJob
from rowcrew.web.pages.shapes import Axis, Mark, marks

_OUTCOMES: Final = {
    "failed": ("bad", "bad", "dead"),
    "lost": ("bad", "bad", "dead"),
    "retried": ("bad", "bad", "dead"),
    "cancelled": ("", "cancelled", "done"),
    "released": ("", "idle", "done"),
    "snoozed": ("", "due", "done"),
}
_ENDS: Final = {
    "completed": ("ok", "ok", "done"),
    "failed": ("bad", "bad", "dead"),
    "cancelled": ("", "cancelled", "done"),
}
_LEAST: Final = timedelta(milliseconds=50)


class Phase(NamedTuple):
    """One bar: its words, its tone and shape, and its place in per cent."""

    title: str
    tone: str
    icon: str
    bar: str
    x: float
    width: float
    seconds: float
    note: str


class Timeline(NamedTuple):
    """All bars of a job, and the marks of their axis."""

    phases: list[Phase]
    ticks: list[Mark]
    told: str


class _Stretch(NamedTuple):
    """A phase before it has its place on an axis."""

    title: str
    tone: str
    icon: str
    bar: str
    begin: datetime
    end: datetime
    note: str


class Waited(NamedTuple):
    """The jobs that a job waits or waited for; `until` is None where nobody knows when that ended."""

    ids: Sequence[int] = ()
    until: datetime | None = None

    @property
    def words(self) -> str:
        if not self.ids:
            return "for other jobs"
        some = ", ".join(map(str, self.ids[:4]))
        more = f" and {len(self.ids) - 4} more" if len(self.ids) > 4 else ""
        return f"for job {some}" if len(self.ids) == 1 else f"for jobs {some}{more}"


NOTHING: Final = Waited()


def timeline(
    job: WholeJob, attempts: Sequence[Attempt], now: datetime, *, waited: Waited = NOTHING
) -> Timeline:
    stretches = list(_stretches(job, sorted(attempts, key=lambda one: one.finished_at), now, waited))
    end = max([stretch.end for stretch in stretches], default=now)
    axis = Axis(job.created_at, end)
    phases = [
        Phase(
            one.title,
            one.tone,
            one.icon,
            one.bar,
            axis.at(one.begin),
            axis.width(one.begin, one.end),
            (one.end - one.begin).total_seconds(),
            one.note,
        )
        for one in stretches
    ]
    return Timeline(phases, marks(axis), _told(job, phases, now))


def _stretches(
    job: WholeJob, attempts: Sequence[Attempt], now: datetime, waited: Waited
) -> Iterator[_Stretch]:
    began = next((one.started_at or one.finished_at for one in attempts), job.started_at or now)
    free_since = min(max(job.created_at, waited.until or job.created_at), began)
    if free_since > job.created_at:
        yield _Stretch("Waiting", "", "waiting", "wait", job.created_at, free_since, waited.words)
    for place, attempt in enumerate(attempts):
        begin = attempt.started_at or attempt.finished_at
        yield from _wait(free_since, begin, is_first=place == 0)
        yield _attempt(attempt, begin)
        free_since = attempt.finished_at
    if job.status == "queued":
        yield from _open_wait(job, free_since, now, waited)
    elif job.started_at is not None and job.started_at >= free_since:
        yield from _wait(free_since, job.started_at, is_first=not attempts)
        yield _last(job, job.started_at, now)


def _attempt(attempt: Attempt, begin: datetime) -> _Stretch:
    tone, icon, bar = _OUTCOMES.get(attempt.outcome, ("", "idle", "done"))
    note = attempt.outcome if not attempt.error else f"{attempt.outcome}: {attempt.error}"
    return _Stretch(f"Attempt {attempt.attempt}", tone, icon, bar, begin, attempt.finished_at, note)


def _last(job: WholeJob, begin: datetime, now: datetime) -> _Stretch:
    title = f"Attempt {job.attempts}"
    if job.status == "processing":
        note = f"runs on {job.worker or 'no known worker'}"
        return _Stretch(title, "flight", "flight", "run", begin, now, note)
    tone, icon, bar = _ENDS[job.status]
    return _Stretch(title, tone, icon, bar, begin, job.finished_at or job.updated_at, job.status)


def _wait(begin: datetime, end: datetime, *, is_first: bool) -> Iterator[_Stretch]:
    if end - begin >= _LEAST:
        title, icon = ("Queued", "queued") if is_first else ("Backoff", "retry")
        yield _Stretch(title, "", icon, "wait", begin, end, "")


def _open_wait(job: WholeJob, since: datetime, now: datetime, waited: Waited) -> Iterator[_Stretch]:
    if job.run_at.year >= 9000:
        yield _Stretch("Waiting", "", "waiting", "wait", since, now, waited.words)
    elif job.run_at > now:
        note = f"due in {duration((job.run_at - now).total_seconds())}"
        yield _Stretch("Due later", "", "due", "wait", since, job.run_at, note)
    else:
        yield _Stretch("Ready", "", "queued", "wait", max(since, job.run_at), now, "waits for a worker")


def _told(job: WholeJob, phases: Sequence[Phase], now: datetime) -> str:
    waited = sum(phase.seconds for phase in phases if phase.bar == "wait")
    lived = ((job.finished_at or now) - job.created_at).total_seconds()
    since = "from its insert to its end" if job.finished_at else "since it was inserted"
    return f"{duration(lived)} {since}, {duration(waited)} of them waiting"
