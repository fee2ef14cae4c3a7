"""`rowcrew types`: what workers have published about the job types they can run, and how these do."""

from __future__ import annotations

import sys
from typing import Any

from cyclopts import App

from rowcrew.admin import queues
from rowcrew.admin.pace import paces
from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import columns, print_document, print_documents, print_fields
from rowcrew.cli.paces import print_paces
from rowcrew.cli.tables import print_table
from rowcrew.model.duration import duration
from rowcrew.model.errors import RowcrewError
from rowcrew.model.pace import Pace
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedType, PublishedType

LIST_COLUMNS = ("type", "queue", "priority", "tries", "timeout", "executor", "description")

types = App(name="types", help="The job types that workers have published.")


@types.default
@types.command(name="list")
def list_types(*, json: AsJson = False) -> None:
    """List the types; what is empty has the default: queue default, priority 0, 3 attempts, no limit."""
    rows = ask(read_settings(), queues.list_types)
    if json:
        print_documents(rows)
    elif rows:
        print_table(
            [_summary(row) for row in rows], LIST_COLUMNS, shrink=("type", "queue"), below="description"
        )
    else:
        print("No worker has published its types yet; start one with `rowcrew worker`.", file=sys.stderr)


@types.command
def show(type: str, /, *, json: AsJson = False) -> None:
    """Show a type, the JSON Schema of its payload, and how its jobs do.

    Rates and times are what workers have counted, and are a minute behind.

    Parameters
    ----------
    type
        As in the column jobs.type.
    """
    row, found = ask(read_settings(), lambda link: _shown(link, type))
    if json:
        print_document({**columns(row), "within": found})
    else:
        print_fields(columns(row))
        print()
        print_paces(found)


def _summary(row: ListedType) -> dict[str, Any]:
    limit = row.timeout_seconds
    return {
        **columns(row),
        "tries": row.max_attempts,
        "timeout": None if limit is None else duration(limit),
    }


async def _shown(link: Link, type: str) -> tuple[PublishedType, list[Pace]]:
    row = await queues.show_type(link, type)
    if row is None:
        meant = await queues.meant_type(link, type) or ""
        raise RowcrewError(f"no worker has published a type {type!r}; see `rowcrew types list`{meant}")
    return row, await paces(link, type=type)
