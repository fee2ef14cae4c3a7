"""How a command asks the operator's room: one event loop, one link, one answer.

In: settings and a coroutine function of a link. Out: its answer, or a finished sentence with a remedy for
somebody at a terminal. Called by the commands that look at or change the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg

from rowcrew.admin.jobs import unseen
from rowcrew.admin.link import operators_link, problem
from rowcrew.model.errors import DatabaseUnavailable, RowcrewError, SchemaMismatch
from rowcrew.settings import Settings
from rowcrew.table.link import Link

A = TypeVar("A")


def ask(
    settings: Settings,
    question: Callable[[Link], Awaitable[A]],
    *,
    link_to: Callable[[str], Link] = operators_link,
) -> A:
    """What the question answers, on a link to the database of the settings.

    Raises:
        DatabaseUnavailable: no connection, or it broke.
        SchemaMismatch: the tables are missing or of another version.
        RowcrewError: PostgreSQL refused a statement, for a reason given in its words.
    """
    address = settings.require_database_url()
    try:
        return asyncio.run(_answered(address, question, link_to))
    except psycopg.Error as error:
        raise explained(error, address) from error


async def ask_of_job(link: Link, id: int, question: Callable[[Link, int], Awaitable[A | None]]) -> A:
    """What the question answers about this job.

    Raises:
        RowcrewError: there is none, or this role may not see it.
    """
    answer = await question(link, id)
    if answer is None:
        raise RowcrewError(await unseen(link, id))
    return answer


def explained(error: psycopg.Error, address: str) -> RowcrewError:
    """The error as a finished sentence for the person who typed the command."""
    kind, what = problem(error, address)
    match kind:
        case "schema":
            return SchemaMismatch(f"{what}; run `rowcrew migrate` on this database, or see `rowcrew doctor`")
        case "unreachable":
            return DatabaseUnavailable(f"{what}; `rowcrew doctor` tells more")
        case "late" | "refused":
            return RowcrewError(what)


async def _answered(
    address: str, question: Callable[[Link], Awaitable[A]], link_to: Callable[[str], Link]
) -> A:
    link = link_to(address)
    try:
        return await question(link)
    finally:
        await link.close()
