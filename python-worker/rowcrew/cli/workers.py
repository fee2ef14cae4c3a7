"""`rowcrew workers`: the workers of this table, how they fare, and what they are asked.

In: ids of workers. Out: a table, or an answer for each id. Whoever started a worker, it obeys its row.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.admin import workers as admin
from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, job_id, read_settings
from rowcrew.cli.output import columns, memory, print_documents
from rowcrew.cli.tables import print_table
from rowcrew.model.duration import duration
from rowcrew.model.terminal_text import one_line
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedWorker, WorkerLimit, WorkerState

LIST_COLUMNS = ("id", "name", "state", "heard", "up", "slots", "restarts", "cpu", "memory", "process")
_GONE = ("lost", "stopped")
Limits = Mapping[str, WorkerLimit]

Ids = Annotated[str, Parameter(name="ID", help="Ids of workers, as `rowcrew workers list` has them.")]
All = Annotated[bool, Parameter(name="--all", negative="", help="All workers that are there.")]

Queue = Annotated[str | None, Parameter(help="All workers that serve this queue by its name.")]

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
    Restarts are those of its runners; CPU is in percent of one core. A queue with
    a limit is told with its live workers, of those that it may have.
    """

    async def listed(link: Link) -> tuple[list[ListedWorker], Limits]:
        return await admin.list_workers(link, states=state, limit=limit), await admin.limits(link)

    rows, limits = ask(read_settings(), listed)
    if json:
        print_documents(rows)
    elif rows:
        print_table([_summary(row, limits) for row in rows], LIST_COLUMNS, shrink=("name",), below="process")
    else:
        print("There is no such worker; start one with `rowcrew worker`.", file=sys.stderr)


@workers.command
def drain(*ids: Ids, queue: Queue = None, all: All = False, json: AsJson = False) -> int:
    """Let workers take no more jobs. What they have runs to its end; they stay, until they are resumed."""
    return _request("drain", ids, queue, all, json)


@workers.command
def resume(*ids: Ids, queue: Queue = None, all: All = False, json: AsJson = False) -> int:
    """Let workers that drain take jobs again."""
    return _request("resume", ids, queue, all, json)


@workers.command
def terminate(*ids: Ids, queue: Queue = None, all: All = False, json: AsJson = False) -> int:
    """Let workers stop as after SIGTERM: running jobs get the grace, the others go back.

    Whatever watches over the process may start it again.
    """
    return _request("terminate", ids, queue, all, json)


def _request(what: admin.Request, ids: tuple[str, ...], queue: str | None, all: bool, json: bool) -> int:
    if bool(ids) + (queue is not None) + all != 1:
        raise UsageError(f"name the workers to {what} by their ids, or give --queue or --all")
    numbers = [job_id(text, "the id of a worker") for text in ids] if ids else None
    answers = ask(read_settings(), lambda link: admin.request(link, what, numbers, queue=queue))
    if json:
        print_documents(answers)
    elif answers:
        for answer in answers:
            print(one_line(f"Worker {answer.id}{_called(answer)}: {_worded(what, answer)}"))
    else:
        print(f"There is no worker to {what}.", file=sys.stderr)
    return SUCCESS if [answer for answer in answers if not answer.asked] == [] else FAILURE


def _called(answer: admin.Answer) -> str:
    return f" ({answer.name})" if answer.name else ""


def _worded(what: admin.Request, answer: admin.Answer) -> str:
    heard = f"last heard {duration(answer.heard_seconds or 0.0)} ago"
    if answer.state is None:
        return "there is no such worker"
    if answer.state in _GONE and not answer.asked:
        return f"it is gone, {answer.state}, {heard}"
    if not answer.asked:
        return "left as it is, because it is stopping already"
    if answer.state == "silent":
        return f"asked to {what}; it will obey if it comes back, {heard}"
    if what == "resume":
        return "takes jobs again"
    number = answer.running
    jobs = f"still {number} {'job' if number == 1 else 'jobs'}" if number else "no job"
    return f"{'draining' if what == 'drain' else 'stopping'}; it has {jobs}"


def _summary(row: ListedWorker, limits: Limits) -> dict[str, Any]:
    return {
        **columns(row),
        "slots": f"{min(row.running, row.slots)}/{row.slots}",
        "heard": f"{duration(row.heard_seconds)} ago",
        "up": duration(row.up_seconds),
        "cpu": None if row.cpu_percent is None else f"{row.cpu_percent:.0f} %",
        "memory": memory(row.memory_bytes),
        "process": f"{_where(row)}; queues: {_queues(row, limits)}",
    }


def _queues(row: ListedWorker, limits: Limits) -> str:
    return ", ".join(_crowded(name, limits) for name in row.queues) or "all"


def _crowded(queue: str, limits: Limits) -> str:
    """`reports (2 of 3)` where a limit says how many workers there may be."""
    limit = limits.get(queue)
    return queue if limit is None else f"{queue} ({limit.live} of {limit.allowed})"


def _where(row: ListedWorker) -> str:
    """Its process, or what has become of its launch."""
    if row.launcher is None or row.registered_at is not None:
        return f"pid {row.pid} on {row.host}, {row.version}"
    return f"launched by {row.launcher}: {row.error_message or row.launch_handle or 'starting'}"
