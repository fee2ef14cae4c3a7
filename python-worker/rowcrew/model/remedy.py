"""What a person may do about a finding, as data: each face words it, or makes a button of it.

In: the kind of a remedy and the facts it needs. Out: a `Remedy`. Made by `model/why.py` and by the checks of
`admin`; worded by the command line in `cli/wording.py`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

RemedyKind = Literal[
    # wait for a moment that comes by itself
    "await-look",
    "await-old-run",
    "await-rescue",
    "await-give-back",
    "await-examiner",
    "await-window",
    "mend-row",
    # do something to the job
    "run-now",
    "queue-again",
    "cancel",
    "requeue",
    "mend-and-requeue",
    # look at the job
    "ask-why-of",
    "show-progress",
    "show-result",
    "show-tracebacks",
    # look at a queue, or change a limit
    "show-queue",
    "resume-queue",
    "raise-limit",
    "raise-key-limit",
    # start or change a worker
    "start-worker",
    "start-rescuer",
    "serve-queue",
    "serve-queue-too",
    "start-crew",
    "resume-workers",
    "add-slots",
    "read-worker-log",
    # change the installation or the database
    "end-transaction",
    "migrate",
    "repair",
    "upgrade",
    "upgrade-at-leisure",
    "apply-roles",
    "grant-role",
    "install",
    "migrate-family",
    "ask-why",
    "give-producer-address",
    "edit-schedule",
    "resume-schedule",
    # what every face says in the same words
    "advice",
]


class Remedy(NamedTuple):
    """One thing to do, or to wait for.

    Attributes:
        job: the id of the job it is done to.
        name: of a queue, a family, a package to install or a program, as the kind needs it.
        seconds: how long the wait is.
        words: the sentence of an `advice`.
    """

    kind: RemedyKind
    job: int | None = None
    name: str | None = None
    seconds: float | None = None
    words: str = ""


def advice(words: str) -> Remedy:
    """A remedy that reads the same everywhere."""
    return Remedy("advice", words=words)
