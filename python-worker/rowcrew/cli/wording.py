"""Remedies in the words of a terminal: commands to type, variables to set, SQL to send.

In: remedies as data. Out: one sentence. Called by the commands that tell reasons and checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rowcrew.model.duration import duration
from rowcrew.model.remedy import Remedy, RemedyKind

WORDS: Final[Mapping[RemedyKind, str]] = {
    "await-look": "wait: a worker takes it at its next look, within POLL_INTERVAL",
    "await-old-run": "wait: it starts as soon as its worker says that the run has ended",
    "await-rescue": "wait: another worker rescues it within a minute",
    "await-give-back": "wait: it is given back after {wait} without a change"
    ' ("rescueForeignSeconds" of its queue)',
    "await-examiner": "wait: a worker looks at it within POLL_INTERVAL, at an id that is not in the table"
    " within a minute",
    "ask-why-of": "`rowcrew why {job}` tells about that job",
    "run-now": 'wait, or run it now: UPDATE jobs SET "runAt" = now()'
    " WHERE id = {job} AND status = 'queued'",
    "queue-again": "if that program is gone: UPDATE jobs SET status = 'queued' WHERE id = {job}",
    "cancel": "end it: `rowcrew jobs cancel {job}`",
    "requeue": "run it again: `rowcrew jobs requeue {job}`",
    "mend-and-requeue": "mend the cause, then `rowcrew jobs requeue {job}`",
    "resume-queue": "`rowcrew queues resume {name}`",
    "show-queue": "wait, or look at its limits: `rowcrew queues show {name}`",
    "show-progress": "its progress: `rowcrew jobs show {job}`",
    "show-result": "its result: `rowcrew jobs show {job}`",
    "show-tracebacks": "its tracebacks: `rowcrew jobs show {job}`",
    "start-worker": "start one: `rowcrew worker`",
    "start-rescuer": "start a worker: it rescues the job within a minute",
    "serve-queue": "start a worker with `--queue {name}`, or add it to WORKER_QUEUES",
    "serve-queue-too": "let it serve the queue {name} too (WORKER_QUEUES),"
    " or start a worker with `--queue {name}`",
    "start-crew": "start a worker whose crew has it; `rowcrew types list` shows what workers know",
    "resume-workers": "let them go on: `rowcrew workers resume --all`; or start another: `rowcrew worker`",
    "await-window": "wait: the next may start in {wait}",
    "raise-limit": "wait until one ends, or raise the limit: `rowcrew queues set {name} …`",
    "raise-key-limit": "wait until one ends, or raise the limit: UPDATE limits SET … WHERE key = '{name}'",
    "add-slots": "wait, or start another worker, or raise WORKER_CONCURRENCY",
    "read-worker-log": "if POLL_INTERVAL is not that long, read the workers' log:"
    " a worker that is stopping takes no jobs",
    "mend-row": "mend the row, or what refuses it (a trigger, a check); to try it at once:"
    ' DELETE FROM jobs_set_aside WHERE "jobId" = {job}',
    "end-transaction": "end that transaction",
    "migrate": "run rowcrew migrate",
    "repair": "rowcrew migrate --repair",
    "migrate-family": "rowcrew migrate, or rowcrew migrate --only {name}",
    "upgrade": "upgrade rowcrew",
    "upgrade-at-leisure": "upgrade rowcrew when it suits",
    "apply-roles": "as the owner of the tables: rowcrew roles | psql",
    "grant-role": "as the owner of the tables: rowcrew roles | psql, then GRANT rowcrew_worker TO the role",
    "install": "pip install '{name}'",
    "ask-why": "let the backend insert one, then `rowcrew why ID`",
    "give-producer-address": "give the backend's address as --expect-url",
    "edit-schedule": "correct its row: `rowcrew schedules edit {name}`",
    "resume-schedule": "`rowcrew schedules resume {name}`, or delete the row",
    "advice": "{words}",
}


def worded(remedies: Iterable[Remedy]) -> str:
    """What to do, in the order given; empty when there is nothing to do."""
    return "; ".join(
        WORDS[remedy.kind].format(**remedy._asdict(), wait=duration(remedy.seconds or 0.0))
        for remedy in remedies
    )
