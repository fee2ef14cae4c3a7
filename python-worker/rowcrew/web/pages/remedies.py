"""What to do about a reason, in the words of a page: sentences, links and buttons of the same acts.

In: remedies as data. Out: words, and where the page that does it is. Called by the page of a job and by Why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from rowcrew.model.duration import duration
from rowcrew.model.remedy import Remedy, RemedyKind
from rowcrew.model.why import Reason

WORDS: Final[Mapping[RemedyKind, str]] = {
    "await-look": "Nothing to do: a worker takes it at its next look.",
    "await-old-run": "Nothing to do: it starts as soon as its worker says that the run has ended.",
    "await-rescue": "Nothing to do: another worker rescues it within a minute.",
    "await-give-back": "Nothing to do: it is given back after {wait} without a change.",
    "await-examiner": "Nothing to do: a worker looks at it within seconds.",
    "await-window": "Nothing to do: the next may start in {wait}.",
    "ask-why-of": "Look at job {job}.",
    "run-now": 'To run it at once, set its "runAt" to now().',
    "queue-again": "If that program is gone, set its status to queued.",
    "mend-and-requeue": "Mend the cause, then requeue it.",
    "resume-queue": "Resume the queue {name}.",
    "show-queue": "Wait, or look at the limits of {name}.",
    "raise-limit": "Wait until one ends, or raise the limit of {name}.",
    "raise-key-limit": "Wait until one ends, or raise the limit of the key {name} (table limits).",
    "start-worker": "Start a worker: rowcrew worker",
    "start-rescuer": "Start a worker: it rescues the job within a minute.",
    "serve-queue": "Start a worker that serves it: rowcrew worker --queue {name}",
    "serve-queue-too": "Let it serve the queue {name} too, or start a worker: rowcrew worker --queue {name}",
    "start-crew": "Start a worker whose crew has this type.",
    "resume-workers": "Let the draining workers go on, or start another.",
    "add-slots": "Wait, or start another worker.",
    "read-worker-log": "Read the workers' log: a worker that is stopping takes no jobs.",
    "mend-row": "Mend the row, or what refuses it (a trigger, a check).",
    "end-transaction": "End that transaction.",
    "advice": "{words}",
}
"""Kinds that are not here need no words beside what the page shows anyway."""


class Because(NamedTuple):
    """A reason and what to do, as sentences."""

    what: str
    does: str


def because(reasons: Iterable[Reason]) -> list[Because]:
    return [Because(as_sentence(reason.what), worded(reason.remedies)) for reason in reasons]


def worded(remedies: Iterable[Remedy]) -> str:
    return " ".join(
        WORDS[remedy.kind].format(**remedy._asdict(), wait=duration(remedy.seconds or 0.0))
        for remedy in remedies
        if remedy.kind in WORDS
    )


def as_sentence(what: str) -> str:
    """The words as a sentence of a page; one that asks whether another name was meant stays a question."""
    return f"{what[0].upper()}{what[1:]}{'' if what.endswith(('.', '?')) else '.'}"
