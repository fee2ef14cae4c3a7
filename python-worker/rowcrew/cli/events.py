"""`rowcrew events list|receivers|redeliver`: what happened, who was told, and telling again."""

from __future__ import annotations

import sys
from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.admin import events as admin
from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, job_id, read_settings
from rowcrew.cli.output import columns, print_documents, shown
from rowcrew.cli.tables import print_table
from rowcrew.table.rows import EventState, ListedEvent, ListedReceiver

LIST_COLUMNS = ("id", "kind", "subject", "queue", "count", "at", "state", "told", "error")
RECEIVER_COLUMNS = ("name", "via", "target", "kinds", "waiting", "failed", "toldAt", "error")

events = App(name="events", help="What happened, and who was told of it.")


@events.default
@events.command(name="list")
def list_events(
    *,
    kind: Annotated[list[str] | None, Parameter(help="Only this kind; repeatable.")] = None,
    state: Annotated[list[EventState] | None, Parameter(help="Only this state; repeatable.")] = None,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000), help="At most so many.")] = 20,
    json: AsJson = False,
) -> None:
    """List the newest events, newest first, and how far the telling of each has come.

    waiting: somebody is still to be told; told: everybody was; failed: a
    receiver was given up; unheard: no receiver wants it.
    """
    rows = ask(read_settings(), lambda link: admin.list_events(link, kinds=kind, states=state, limit=limit))
    if json:
        print_documents(rows)
    elif rows:
        print_table([_summary(row) for row in rows], LIST_COLUMNS, shrink=("queue",), below="error")
    else:
        print(_nothing(filtered=bool(kind or state)), file=sys.stderr)


@events.command
def receivers(*, json: AsJson = False) -> None:
    """List who is told of events, what waits for each, and what went wrong last."""
    rows = ask(read_settings(), admin.list_receivers)
    if json:
        print_documents(rows)
    elif rows:
        shrink = ("name", "target", "kinds")
        print_table([_receiver(row) for row in rows], RECEIVER_COLUMNS, shrink=shrink, below="error")
    else:
        print("Nobody is told of events; insert a row into event_receivers.", file=sys.stderr)


@events.command
def redeliver(
    *ids: Annotated[str, Parameter(name="ID", help="Ids of events.")],
    failed: Annotated[bool, Parameter(help="All that were given up.")] = False,
    receiver: Annotated[str | None, Parameter(help="Only this receiver.")] = None,
    json: AsJson = False,
) -> int:
    """Tell again of events, under the same ids: those named, or all that were given up.

    A message tells of several events; it is told again as it was.
    """
    if bool(ids) == failed:
        raise UsageError("name events by their ids, or give --failed")
    numbers = None if failed else [job_id(text, "an event id") for text in ids]
    again = ask(read_settings(), lambda link: admin.redeliver(link, ids=numbers, receiver=receiver))
    if json:
        print_documents(again)
    else:
        for message in again:
            print(f"Message {message.id}: {message.receiver} will be told again")
    if not again and not json:
        print(_nobody_again(failed=failed), file=sys.stderr)
    return SUCCESS if again or failed else FAILURE


def _nothing(*, filtered: bool) -> str:
    if filtered:
        return "There is no such event; `rowcrew events list` shows those of every kind and state."
    return "Nothing to tell has happened yet; `rowcrew events receivers` shows who is told."


def _nobody_again(*, failed: bool) -> str:
    if failed:
        return "Nothing was given up; `rowcrew events receivers` shows what still waits."
    return "Nobody was told of these, so nobody is told again; `rowcrew events list` shows ids."


def _summary(row: ListedEvent) -> dict[str, Any]:
    return {**columns(row), "at": shown(row.created_at)[5:16], "told": f"{row.told}/{row.receivers}"}


def _receiver(row: ListedReceiver) -> dict[str, Any]:
    """A webhook by its host: the rest of its URL may hold a token."""
    target = urlsplit(row.target or "").hostname if row.via == "webhook" else row.target
    return {**columns(row), "target": target, "kinds": ", ".join(row.kinds) or "all"}
