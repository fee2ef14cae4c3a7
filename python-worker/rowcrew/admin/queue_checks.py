"""What the doctor says of the queues: why the jobs of each queue and type wait, and what lets them go on.

In: a link. Out: a check for each crowd that waits, with the judgement that `why` has for one job. Called by
`database_checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rowcrew.admin.check import Check, check
from rowcrew.admin.queues import ServedCrowd, waiting_crowds
from rowcrew.model.duration import duration
from rowcrew.model.remedy import Remedy
from rowcrew.model.why import busy, limited, unserved
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.rows import ReasonCount

# Of jobs that could not start now whatever workers do. Being due later is told of the others.
_NOT_YET: Final[Mapping[str, str]] = {
    "backoff": "in backoff after an error",
    "snoozed": "snoozed by their handlers",
    "waiting": "waiting for other jobs",
    "set-aside": "set aside",
}

_LIMITS: Final = ("limit-reached", "rate-used-up")

Reasons = dict[str, ReasonCount]


async def queue_checks(link: Link) -> list[Check]:
    """A line for each queue and type that waits, the largest crowds first."""
    reasons: dict[tuple[str, str], Reasons] = {}
    crowds = await waiting_crowds(link)
    for one in await operator.count_reasons(link) if crowds else []:
        reasons.setdefault((one.queue, one.type), {})[one.reason] = one
    return [
        _queue_check(served, reasons.get((served.crowd.queue, served.crowd.type), {})) for served in crowds
    ] or [check("queues", "ok", "no job waits")]


def _queue_check(served: ServedCrowd, reasons: Reasons) -> Check:
    crowd, service, held_back = served
    name, counts = f"queue {crowd.queue}, type {crowd.type}", _counts(served, reasons)
    if nobody := unserved(service):
        return check(name, "warning", f"{counts}: {nobody.what}", *nobody.remedies)
    if held_back and crowd.ready:
        limit = limited(held_back[0])
        return check(name, "ok", f"{counts}: {limit.what}", *limit.remedies)
    if keys := sum(reasons[code].jobs for code in _LIMITS if code in reasons):
        what = f"{counts}: {keys} held back by limits of their keys"
        return check(name, "ok", what, Remedy("show-queue", name=crowd.queue))
    if late := reasons.get("overdue"):
        what = f"{counts}: slots are free, and {late.jobs} overdue"
        return check(name, "warning", what, Remedy("ask-why-of", job=late.first_id))
    full = busy(service) if crowd.ready else None
    if full:
        return check(name, "ok", f"{counts}: {full.what}", *full.remedies)
    return check(name, "ok", f"{counts}: {service.slots - service.taken} of {service.slots} slots are free")


def _counts(served: ServedCrowd, reasons: Reasons) -> str:
    crowd = served.crowd
    told = [f"{crowd.ready} ready" + (f" for {duration(crowd.oldest_seconds or 0.0)}" if crowd.ready else "")]
    if crowd.later:
        told.append(f"{crowd.later} due later")
    told += [f"{reasons[code].jobs} {words}" for code, words in _NOT_YET.items() if code in reasons]
    return ", ".join(told)
