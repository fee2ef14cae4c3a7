"""`rowcrew workers list`: the workers of this table, and how they fare."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.admin import queues as admin
from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import columns, memory, print_documents
from rowcrew.cli.tables import print_table
from rowcrew.model.duration import duration
from rowcrew.table.rows import ListedWorker, WorkerState

LIST_COLUMNS = ("id", "name", "state", "heard", "slots", "memory", "queues", "host", "pid", "version")

workers = App(name="workers", help="The workers of this table, and how they fare.")


@workers.default
@workers.command(name="list")
def list_workers(
    *,
    state: Annotated[list[WorkerState] | None, Parameter(help="Only this state; repeatable.")] = None,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000), help="At most so many.")] = 20,
    json: AsJson = False,
) -> None:
    """List the workers, the one heard last first.

    A silent worker has missed its lease, a lost one was given up by the others,
    a stopped one left in good order. Those that left are forgotten after a week.
    """
    rows = ask(read_settings(), lambda link: admin.list_workers(link, states=state, limit=limit))
    if json:
        print_documents(rows)
    elif rows:
        print_table([_summary(row) for row in rows], LIST_COLUMNS, shrink=("name", "queues", "host"))
    else:
        print("There is no such worker; start one with `rowcrew worker`.", file=sys.stderr)


def _summary(row: ListedWorker) -> dict[str, Any]:
    return {
        **columns(row),
        "queues": ", ".join(row.queues) or "all",
        "slots": f"{min(row.running, row.slots)}/{row.slots}",
        "heard": f"{duration(row.heard_seconds)} ago",
        "memory": memory(row.memory_bytes),
    }
