"""`rowcrew schedules …`: jobs that come round by the clock, from a terminal."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.admin import schedules as admin
from rowcrew.admin.queues import meant_type
from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import columns, print_document, print_documents, shown
from rowcrew.cli.schedule_options import NO_COLUMNS, Columns, moment, payload_object
from rowcrew.cli.tables import print_table
from rowcrew.model.calendar import BadRule
from rowcrew.model.duration import duration
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedSchedule

LIST_COLUMNS = ("name", "type", "state", "next", "last", "rule")
PREVIEW_COLUMNS = ("tick", "utc")
RULES = ("cron", "everySeconds")

schedules = App(name="schedules", help="Jobs that come round by the clock: list, add, edit, pause, trigger.")

Name = Annotated[str, Parameter(name="NAME", help="Name of the schedule.")]
Text = Annotated[str | None, Parameter(allow_leading_hyphen=True)]


@schedules.default
@schedules.command(name="list")
def list_schedules(*, json: AsJson = False) -> None:
    """List the schedules: their rules, their next ticks and what became of the last.

    Times are those of this machine's clock; preview shows those of the zone.
    """
    rows = ask(read_settings(), admin.list_schedules)
    if json:
        print_documents(rows)
    elif rows:
        print_table([_summary(row) for row in rows], LIST_COLUMNS, shrink=("type",), below="rule")
    else:
        print("There are no schedules; make one with `rowcrew schedules add`.", file=sys.stderr)


@schedules.command
def add(
    name: Name,
    type: str,
    payload: Annotated[str, Parameter(allow_leading_hyphen=True)] = "{}",
    /,
    *,
    options: Columns = NO_COLUMNS,
    json: AsJson = False,
) -> None:
    """Add a schedule; its first tick is planned by a worker within ten seconds.

    Parameters
    ----------
    type
        Which handler runs its jobs, as in jobs.type.
    payload
        Their input, a JSON object; {tick} in its texts becomes the tick in UTC.
    """
    given = {"name": name, "type": type, "payload": payload_object(type, payload), **options.given()}
    if given.keys().isdisjoint(RULES):
        raise UsageError("a schedule needs a rule: give --cron, such as '0 2 * * *', or --every, such as 5m")
    _tell(*_ruled(lambda link: admin.add_schedule(link, given)), as_json=json)


@schedules.command
def edit(
    name: Name,
    /,
    *,
    type: str | None = None,
    payload: Text = None,
    options: Columns = NO_COLUMNS,
    json: AsJson = False,
) -> None:
    """Change what is given of a schedule; a new rule is planned anew from now.

    Parameters
    ----------
    type
        Which handler runs its jobs.
    payload
        Their input, a JSON object.
    """
    changes = options.given()
    if not changes.keys().isdisjoint(RULES):
        changes = {**dict.fromkeys(RULES), **changes}
    if type is not None:
        changes["type"] = type
    if payload is not None:
        changes["payload"] = payload_object(type or "any", payload)
    if not changes:
        raise UsageError("nothing to change was given; see --help")
    _tell(*_ruled(lambda link: admin.change_schedule(link, name, changes)), as_json=json)


@schedules.command
def pause(name: Name, /, *, json: AsJson = False) -> None:
    """Fire nothing until resume, also where code declares the schedule."""
    _tell(ask(read_settings(), lambda link: admin.pause_schedule(link, name)), as_json=json)


@schedules.command
def resume(name: Name, /, *, json: AsJson = False) -> None:
    """Plan from now on; what the pause has passed over is not made up for."""
    _tell(ask(read_settings(), lambda link: admin.resume_schedule(link, name)), as_json=json)


@schedules.command
def trigger(name: Name, /, *, json: AsJson = False) -> None:
    """Enqueue one job now, beside the plan."""
    job, type, meant = ask(read_settings(), lambda link: _triggered(link, name))
    if json:
        print_document({"name": name, "jobId": job})
    else:
        print(f"Enqueued job {job}")
    _warn(type, meant)


@schedules.command
def preview(
    name: Name,
    /,
    *,
    number: Annotated[int, Parameter(validator=Number(gte=1, lte=1000), help="How many ticks.")] = 10,
    json: AsJson = False,
) -> None:
    """Show the next ticks, in the schedule's zone and in UTC."""
    local, ticks = ask(read_settings(), lambda link: admin.preview(link, name, number=number))
    if json:
        print_documents({"tick": tick} for tick in ticks)
    elif ticks:
        form = "%Y-%m-%d %H:%M:%S"
        rows = [
            {"tick": f"{tick.astimezone(local):%a {form} %Z}", "utc": f"{tick.astimezone(UTC):{form}}"}
            for tick in ticks
        ]
        print_table(rows, PREVIEW_COLUMNS)
    else:
        print("There is no tick any more.", file=sys.stderr)


@schedules.command
def backfill(
    name: Name,
    /,
    *,
    begin: Annotated[datetime, Parameter(name="--from", help="First tick, with a time zone.")],
    end: Annotated[datetime, Parameter(name="--to", help="Last tick, with a time zone.")],
    yes: Annotated[bool, Parameter(help="Do not ask.")] = False,
    json: AsJson = False,
) -> int:
    """Enqueue a job for each past tick that was not fired, whatever the overlap is.

    Counts first, and asks.
    """
    settings, since, until = read_settings(), moment("--from", begin), moment("--to", end)
    assert since is not None
    assert until is not None
    ticks = ask(settings, lambda link: admin.past_ticks(link, name, begin=since, end=until))
    if ticks and not (yes or _agreed(len(ticks))):
        print("Nothing was enqueued.", file=sys.stderr)
        return FAILURE
    jobs = ask(settings, lambda link: admin.backfill(link, name, ticks)) if ticks else []
    if json:
        print_document({"name": name, "ticks": len(ticks), "jobIds": jobs})
    else:
        print(f"{len(ticks)} ticks, {len(jobs)} jobs enqueued; the others had been fired")
    return SUCCESS


def _agreed(number: int) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"nobody is here to be asked; for {number} ticks add --yes")
    print(f"Enqueue jobs for {number} ticks? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def _triggered(link: Link, name: str) -> tuple[int, str, str | None]:
    """The job, its type, and what was meant by a type that nobody has published."""
    row = await admin.get_schedule(link, name)
    return await admin.trigger_schedule(link, name), row.type, await meant_type(link, row.type)


def _ruled(question: Callable[[Link], Awaitable[ListedSchedule]]) -> tuple[ListedSchedule, str | None]:
    """The schedule that the options make, and what was meant by a type that nobody has published.

    Raises:
        UsageError: no calendar can follow the rule that was typed.
    """

    async def ruled(link: Link) -> tuple[ListedSchedule, str | None]:
        row = await question(link)
        return row, await meant_type(link, row.type)

    try:
        return ask(read_settings(), ruled)
    except BadRule as error:
        raise UsageError(str(error)) from error


def _tell(row: ListedSchedule, meant: str | None = None, *, as_json: bool) -> None:
    if as_json:
        print_document(row)
    else:
        print(f"Schedule {row.name}: {_rule(row)}, {_state(row)}")
    _warn(row.type, meant)


def _warn(type: str, meant: str | None) -> None:
    """A schedule makes jobs for ever, and a mistyped type would show in nothing but their number."""
    if meant is not None:
        print(
            f"No worker has published the type {type!r} yet: its jobs wait until one does{meant}",
            file=sys.stderr,
        )


def _summary(row: ListedSchedule) -> Mapping[str, Any]:
    last = None if row.last_at is None else f"{shown(row.last_at)[5:16]} {row.last_status or ''}".strip()
    return {
        **columns(row),
        "state": _state(row),
        "next": None if row.next_at is None else _soon(row.next_at),
        "last": last,
        "rule": ": ".join(filter(None, [_rule(row), row.problem or row.pause_reason])),
    }


def _soon(at: datetime) -> str:
    """Month, day and time of day; the date where the year could be mistaken."""
    is_near = at - datetime.now(UTC) < timedelta(days=300)
    return shown(at)[5:16] if is_near else shown(at)[:10]


def _rule(row: ListedSchedule) -> str:
    if row.every_seconds is not None:
        return f"every {duration(row.every_seconds)}"
    return f"{row.cron} {row.timezone}"


def _state(row: ListedSchedule) -> str:
    if row.problem is not None:
        return "refused"
    return "paused" if row.paused else "active"
