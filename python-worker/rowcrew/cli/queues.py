"""`rowcrew queues list`: how the queues stand, and who serves them."""

from __future__ import annotations

import sys
from typing import Any

from cyclopts import App

from rowcrew.admin import queues as admin
from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import columns, print_documents
from rowcrew.cli.tables import print_table
from rowcrew.model.duration import duration
from rowcrew.model.status import STATUSES
from rowcrew.table.rows import ListedQueue

LIST_COLUMNS = ("queue", *STATUSES, "ready", "oldest", "slots")

queues = App(name="queues", help="How the queues stand, and who serves them.")


@queues.default
@queues.command(name="list")
def list_queues(*, json: AsJson = False) -> None:
    """List the queues: jobs by status, how many are ready and how long the oldest has been, who serves them.

    slots tells how many slots of the live workers that serve the queue have a
    job, of whatever queue. Ended jobs are counted too, which takes time in a
    table of millions.
    """
    rows = ask(read_settings(), admin.list_queues)
    if json:
        print_documents(rows)
    elif rows:
        print_table([_summary(row) for row in rows], LIST_COLUMNS, shrink=("queue",))
    else:
        print("There are no jobs and no workers yet; enqueue one with `rowcrew enqueue`.", file=sys.stderr)


def _summary(row: ListedQueue) -> dict[str, Any]:
    wait = row.oldest_wait_seconds
    return {
        **columns(row),
        "oldest": None if wait is None else " ".join(duration(wait).split()[:2]),
        "slots": f"{row.slots_taken}/{row.slots}",
    }
