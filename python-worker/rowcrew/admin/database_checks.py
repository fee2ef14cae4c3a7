"""The doctor's checks of a database: server, schema, other addresses, rights, queues.

In: a link and the findings so far. Out: one `Check` after the other, as they are made. It ends where the next
check would have nothing to rest on. Called by `checks`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import psycopg

from rowcrew.admin.check import Check, Findings, check
from rowcrew.admin.drift import Drift, drift
from rowcrew.admin.events import receiver_checks
from rowcrew.admin.family_checks import examinations, table_checks
from rowcrew.admin.host_checks import host_checks
from rowcrew.admin.launch_checks import launch_checks
from rowcrew.admin.link import operators_link
from rowcrew.admin.queue_checks import queue_checks
from rowcrew.admin.sameness import place, sameness
from rowcrew.admin.trouble import trouble
from rowcrew.family import installed
from rowcrew.model.duration import duration
from rowcrew.model.holder import MOST_NAMED, OLD_SECONDS, OLD_TRANSACTIONS
from rowcrew.model.remedy import Remedy
from rowcrew.settings import Settings
from rowcrew.table import operator, worker
from rowcrew.table.compatibility import OWN_SCHEMA, SCHEMA_REVISION, hidden, misfit
from rowcrew.table.link import Link, reason
from rowcrew.table.rights import worker_rights
from rowcrew.table.rows import Server

OLDEST_SERVER: Final = 15
NEWEST_SERVER: Final = 18
ADDRESS_FORM: Final = (
    "write postgresql://role:password@host:5432/database, and percent-encode special characters of the"
    " password (@ is %40, / is %2F, ? is %3F, # is %23, % is %25)"
)

_CLOCKS_APART_SECONDS: Final = 2.0


async def database_checks(link: Link, findings: Findings, producer_url: str | None) -> AsyncIterator[Check]:
    """All checks that need a connection; `findings` is filled on the way."""
    try:
        await link.open()
        before = datetime.now(UTC)
        findings.server = await operator.server_facts(link)
        ahead = _ahead_seconds(findings.server.clock, before, datetime.now(UTC))
        for found in (_connection_check(findings.server, link.is_encrypted), *server_checks(findings.server)):
            yield found
        for found in await host_checks(findings.settings.require_database_url()):
            yield found
        if link.pooled:
            yield _pooler_check(findings.settings)
            for found in isolation_checks(findings.server):
                yield found
        yield clock_check(ahead)
        schema = await _schema_checks(link)
        findings.schema = schema.checks[0]
        for found in schema.checks:
            yield found
        async for found in _same_checks(link, findings, producer_url):
            yield found
        if not schema.is_whole:
            return
        async for found in _service_checks(link, findings):
            yield found
    except psycopg.Error as error:
        yield _lost_check(error, was_connected=link.opened > 0)


async def _service_checks(link: Link, findings: Findings) -> AsyncIterator[Check]:
    """What rests on tables that are all there: families, rights, and who waits for whom."""
    for found in await table_checks(link):
        yield found
    role = [await _rights_check(link), *await _row_security_checks(link)]
    for found in role:
        yield found
    if any(found.result == "failed" for found in role):
        return
    for look in (examinations, *STANDING):
        for found in await look(link):
            yield found
    for found in await receiver_checks(link, findings.settings):
        yield found
    findings.live_workers = await operator.live_workers(link)
    findings.last_completed = await operator.last_completed(link)


def server_checks(server: Server) -> Iterator[Check]:
    """What the server says of itself: its version, and whether it takes writes."""
    yield _version_check(server)
    if server.read_only:
        yield check(
            "server",
            "failed",
            "it takes no writes: a stand-by, or default_transaction_read_only is on",
            "give the address of the primary; with several hosts add target_session_attrs=read-write",
        )
    if server.encoding != "UTF8":
        yield check(
            "encoding", "warning", _unlike_utf8(server.encoding), "make the database with ENCODING 'UTF8'"
        )


def _unlike_utf8(encoding: str) -> str:
    if encoding == "SQL_ASCII":
        return "SQL_ASCII checks no text: workers fail each job whose bytes are no UTF-8"
    return f"{encoding} lacks most letters: what has one of these is refused, or fails its job"


def clock_check(ahead_seconds: float) -> Check:
    """Whether the server's clock and ours agree."""
    direction = "ahead of" if ahead_seconds > 0 else "behind"
    what = f"the server's is {duration(abs(ahead_seconds))} {direction} the one here"
    if abs(ahead_seconds) < _CLOCKS_APART_SECONDS:
        return check("clocks", "ok", what)
    remedy = 'let both follow a time server; a "runAt" computed here is off by as much'
    return check("clocks", "warning", what, remedy)


def _lost_check(error: psycopg.Error, *, was_connected: bool) -> Check:
    if was_connected:
        return check("database", "failed", reason(error), "look at the server's log")
    kind, what, remedy = trouble(error)
    return check(f"connection: {kind}", "failed", what, remedy)


def _connection_check(server: Server, is_encrypted: bool) -> Check:
    how = "with TLS" if is_encrypted else "without TLS"
    return check("connection", "ok", f"database {server.database} as {server.role}, {how}")


def _ahead_seconds(clock: datetime, before: datetime, after: datetime) -> float:
    """How far the server's clock is ahead: it was read in the middle of the call, as far as we know."""
    return (clock - (before + (after - before) / 2)).total_seconds()


def _version_check(server: Server) -> Check:
    major, what = server.version_number // 10_000, f"PostgreSQL {server.version}"
    if major < OLDEST_SERVER:
        return check("server", "failed", what, f"upgrade it: Rowcrew needs {OLDEST_SERVER} or newer")
    if major > NEWEST_SERVER:
        newer = f"{what} is newer than any that was tried"
        return check("server", "warning", newer, "see whether a newer rowcrew exists too")
    return check("server", "ok", what)


def _pooler_check(settings: Settings) -> Check:
    what = "a pooler answers in place of the server, in transaction mode as it seems"
    if settings.database_direct_url is None:
        remedy = (
            "give the address past it as DATABASE_DIRECT_URL; without it jobs start up to POLL_INTERVAL later"
        )
        return check("pooler", "warning", what, remedy)
    return check("pooler", "ok", f"{what}; DATABASE_DIRECT_URL is given for wake-ups and migrations")


def isolation_checks(server: Server) -> Iterator[Check]:
    """What a pooler's sessions begin with. Where a link of ours has its own session, it chooses itself."""
    if server.isolation != "read committed":
        what = (
            f"transactions are {server.isolation} by default, and through a pooler nobody can choose:"
            " the server refuses statements of workers now and then, and they send them again"
        )
        remedy = (
            "for the role of the address: ALTER ROLE … SET default_transaction_isolation = 'read committed'"
        )
        yield check("isolation", "warning", what, remedy)


async def _schema_checks(link: Link) -> Drift:
    """One line when all is well or nothing can be compared, else one for each difference."""
    revision = await _schema_check(link)
    if revision.result != "ok":
        return Drift([revision], is_whole=revision.result == "warning")
    drifted = await drift(link)
    return drifted if drifted.checks else Drift([revision], is_whole=True)


async def _schema_check(link: Link) -> Check:
    try:
        found = await worker.schema_revision(link)
    except psycopg.errors.UndefinedTable:
        found = []
    except psycopg.errors.InsufficientPrivilege as error:
        return check("schema", "failed", reason(error), Remedy("apply-roles"))
    if not found and (schemas := await operator.schemas_with_tables(link)):
        named = ", ".join(schemas)
        what = f"the tables are in the schema {named}: not on the search path, or not for this role"
        # Prisma writes schema=public into every address, and behind many poolers nothing may be asked for.
        asked = "options=-csearch_path%3Dpublic" if schemas[0] == "public" else f"schema={quote(schemas[0])}"
        remedy = f"add ?{asked} to the address, or GRANT USAGE ON SCHEMA …"
        return check("schema", "failed", what, remedy)
    if not found and not await operator.absent_tables(link, ["jobs", "rowcrew_migrations"]):
        return check("schema", "failed", "rowcrew_schema, which says the revision, is gone", Remedy("repair"))
    if not found and not await operator.absent_tables(link, ["jobs"]):
        return check("schema", "failed", "there is a table jobs, and it is not Rowcrew's", OWN_SCHEMA)
    revision, minimum_worker = found[0] if found else (None, None)
    if wrong := misfit(revision, minimum_worker):
        return check("schema", "failed", wrong.what, Remedy(wrong.remedy))
    if revision is not None and revision > SCHEMA_REVISION:
        what = f"at revision {revision}, newer than this rowcrew ({SCHEMA_REVISION}), which it still serves"
        return check("schema", "warning", what, Remedy("upgrade-at-leisure"))
    return check("schema", "ok", f"at revision {revision}, as needed")


async def _rights_check(link: Link) -> Check:
    if missing := await operator.missing_rights(link, **worker_rights(installed())):
        return check("rights", "failed", f"the role lacks {'; '.join(missing)}", Remedy("grant-role"))
    return check("rights", "ok", "the role may do all that a worker does")


async def _row_security_checks(link: Link) -> list[Check]:
    """A line where rows are hidden from this role: all of them, or those that no policy shows."""
    found = await worker.hidden_tables(link)
    if closed := [one.table for one in found if not one.open]:
        return [check("rows", "failed", *hidden(closed, found[0].role))]
    if found:
        named = ", ".join(one.table for one in found)
        what = f"row level security shows the role {found[0].role} only some rows of {named}, as policies say"
        return [check("rows", "warning", what, "see pg_policies; a worker serves only what it sees")]
    return []


async def _same_checks(link: Link, findings: Findings, producer_url: str | None) -> AsyncIterator[Check]:
    if findings.settings.database_direct_url is not None:
        yield await _same_check("DATABASE_DIRECT_URL", link, findings.settings.database_direct_url)
    if producer_url is not None:
        findings.producer = await _same_check("--expect-url", link, producer_url)
        yield findings.producer


async def _same_check(name: str, link: Link, url: str) -> Check:
    """Whether another address reaches the database of this link."""
    if "://" not in url or place(url) is None:
        return check(name, "failed", "it cannot be read as an address", ADDRESS_FORM)
    other = operators_link(url)
    try:
        found = await sameness(link, other)
    except psycopg.Error as error:
        _, what, remedy = trouble(error)
        return check(name, "failed", what, remedy)
    finally:
        await other.close()
    match found:
        case "same":
            return check(name, "ok", "it reaches the same table in the same database")
        case "other-table":
            what = "it reaches the same database, but another table jobs, or none"
            remedy = "give both addresses the same ?schema=…, and the role USAGE on it"
            return check(name, "failed", what, remedy)
    what = "it reaches another database: workers never see what is enqueued there"
    return check(name, "failed", what, "give producers and workers the same address")


async def _aside_checks(link: Link) -> list[Check]:
    """Jobs whose rows no worker can write; quiet while there is none."""
    return [
        check(
            "jobs set aside",
            "warning",
            f"{job.number}, among them job {job.job_id}, tried {job.tries} times: {job.reason}",
            Remedy("mend-row", job=job.job_id),
        )
        for job in await operator.list_aside(link)
    ]


async def _schedule_checks(link: Link) -> list[Check]:
    """Schedules that fire nothing until somebody sees to them; quiet while there is none."""
    schedules = [one for one in await operator.list_schedules(link) if one.problem or one.pause_reason]
    return [
        check(
            f"schedule {one.name}",
            "warning",
            f"refused: {one.problem}" if one.problem else f"paused: {one.pause_reason}",
            Remedy("edit-schedule" if one.problem else "resume-schedule", name=one.name),
        )
        for one in schedules
    ]


async def vacuum_checks(link: Link, seconds: float = OLD_SECONDS) -> list[Check]:
    """Who holds vacuum up, as far as this role sees."""
    holders = await worker.snapshot_holders(link, seconds=seconds, transactions=OLD_TRANSACTIONS)
    if holders:
        return [
            check("vacuum", "warning", f"held up by {one.words}", one.way_out) for one in holders[:MOST_NAMED]
        ]
    if await operator.sees_sessions(link):
        return [check("vacuum", "ok", "no old transaction holds it up")]
    what = "no old transaction of this role holds it up; other roles' sessions are hidden from it"
    return [check("vacuum", "ok", what, "to see them too: GRANT pg_read_all_stats TO the role")]


async def _circle_checks(link: Link) -> list[Check]:
    """Jobs that wait for each other; quiet while there are none."""
    return [
        check(
            "waiting",
            "warning",
            f"jobs {', '.join(map(str, [*circle.jobs, circle.jobs[0]]))} wait each for the next",
            Remedy("run-now", job=circle.id),
            Remedy("cancel", job=circle.id),
        )
        for circle in await operator.waits_in_circles(link)
    ]


STANDING: Final = (
    vacuum_checks,
    queue_checks,
    launch_checks,
    _aside_checks,
    _circle_checks,
    _schedule_checks,
)
"""What the doctor looks at in the rows themselves, whoever asks and from where."""
