"""The doctor's checks, in the order in which one rests on the other.

In: the variables as the environment has them. Out: one `Check` after the other, as they are made, and in
`Findings` what the deployment checklist goes by. Nothing here prints or writes. Called by `rowcrew doctor`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

import msgspec
import psycopg

from rowcrew.bundled.files.settings import FileSettings
from rowcrew.family import disagreements, installed
from rowcrew.model.duration import duration
from rowcrew.model.why import Service, busy, unserved
from rowcrew.settings import Given, Settings
from rowcrew.table import console, examination
from rowcrew.table.compatibility import SCHEMA_REVISION
from rowcrew.table.link import reason
from rowcrew.table.trouble import trouble

Result = Literal["ok", "warning", "failed", "look"]

_CLOCKS_APART_SECONDS: Final = 2.0
_ADDRESS_FORM: Final = (
    "write postgresql://role:password@host:5432/database, and percent-encode what is special in the password"
    " (@ is %40, / is %2F, ? is %3F, # is %23, % is %25)"
)


class Check(NamedTuple):
    """One line of the doctor; `look` is for what no program can see from here."""

    name: str
    result: Result
    what: str
    remedy: str = ""


class Findings(msgspec.Struct, kw_only=True):
    """What the checks have learned on their way; None where they did not come so far."""

    settings: Settings
    files: FileSettings
    place: console.Record | None = None
    server: console.Record | None = None
    schema: Check | None = None
    live_workers: int | None = None
    last_completed: console.Record | None = None
    producer: Check | None = None


def examine(given: Sequence[Given], findings: Findings, producer_url: str | None) -> Iterator[Check]:
    """All checks of settings, libraries and database."""
    yield from settings_checks(given, findings.settings)
    yield from extras_checks()
    url = findings.settings.database_url
    if url is None:
        return
    yield _address_check(url, findings)
    if findings.place is None:
        return
    try:
        connection = console.connect(url)
    except psycopg.Error as error:
        kind, what, remedy = trouble(error)
        yield Check(f"connection: {kind}", "failed", what, remedy)
        return
    with connection:
        yield from _database_checks(connection, findings, producer_url)


def settings_checks(given: Sequence[Given], settings: Settings) -> Iterator[Check]:
    """One check for each variable that is missing or wrong; else one for all."""
    wrong = [one.complaint for one in given if one.complaint]
    if not any(one.name for one in given if one.variable.field == "database_url"):
        wrong.append("DATABASE_URL is not set: give it as postgresql://user:password@host/database")
    wrong += disagreements()
    for complaint in wrong:
        what, _, remedy = complaint.partition(": ")
        yield Check("settings", "failed", what, remedy)
    if not wrong:
        number = sum(one.name is not None for one in given)
        queues = ", ".join(settings.queues) or "all"
        what = f"{number} given, the others by default; {settings.slots} slots, queues: {queues}"
        yield Check("settings", "ok", what)


def extras_checks() -> Iterator[Check]:
    """Whether the libraries of all families can be imported: a broken one is as bad as a missing one."""
    missing = False
    for extra in (extra for family in installed() for extra in family.extras):
        try:
            importlib.import_module(extra.library)
        except Exception as error:
            missing = True
            types = ", ".join(extra.types)
            what = f"{types} cannot run, because {extra.library} cannot be imported ({reason(error)})"
            yield Check("libraries", "warning", what, f"pip install '{extra.requirement}'")
    if not missing:
        yield Check("libraries", "ok", "all that the installed job types need can be imported")


def _address_check(url: str, findings: Findings) -> Check:
    findings.place = examination.place(url)
    if findings.place is None:
        return Check("address", "failed", "DATABASE_URL cannot be read as an address", _ADDRESS_FORM)
    named = ", ".join(f"{name} {value}" for name, value in findings.place.items())
    return Check("address", "ok", named)


def _database_checks(
    connection: console.Connection, findings: Findings, producer_url: str | None
) -> Iterator[Check]:
    try:
        findings.server = examination.server_facts(connection)
        yield from server_checks(findings.server, findings.settings)
        findings.schema = _schema_check(connection)
        yield findings.schema
        yield from _same_checks(connection, findings, producer_url)
        if findings.schema.result == "failed":
            return
        yield from _family_checks(connection)
        rights = _rights_check(connection)
        yield rights
        if rights.result == "failed":
            return
        yield from _queue_checks(connection)
        findings.live_workers = examination.live_workers(connection)
        findings.last_completed = examination.last_completed(connection)
    except psycopg.Error as error:
        yield Check("database", "failed", reason(error), "the log of the server may tell more")


def server_checks(server: console.Record, settings: Settings) -> Iterator[Check]:
    """What the server says of itself: version, whether it can be written to, pooler, clock."""
    how = "with TLS" if server["tls"] else "without TLS"
    yield Check("connection", "ok", f"database {server['database']} as {server['role']}, {how}")
    yield _version_check(server)
    if server["readOnly"]:
        yield Check(
            "server",
            "failed",
            "it takes no writes: a stand-by, or default_transaction_read_only is on",
            "give the address of the primary; with several hosts add target_session_attrs=read-write",
        )
    if server["pooled"]:
        yield _pooler_check(settings)
    yield _clock_check(server["clockAheadSeconds"])


def _version_check(server: console.Record) -> Check:
    major, what = server["versionNumber"] // 10_000, f"PostgreSQL {server['version']}"
    if major < examination.OLDEST_SERVER:
        return Check(
            "server", "failed", what, f"upgrade it: {examination.OLDEST_SERVER} is the oldest that will do"
        )
    if major > examination.NEWEST_SERVER:
        return Check(
            "server",
            "warning",
            f"{what} is newer than any that was tried",
            "see whether rowcrew is newer too",
        )
    return Check("server", "ok", what)


def _pooler_check(settings: Settings) -> Check:
    what = "a pooler answers in place of the server, in transaction mode as it seems"
    if settings.database_direct_url is None:
        remedy = (
            "give the address past it as DATABASE_DIRECT_URL; without it jobs start up to POLL_INTERVAL later"
        )
        return Check("pooler", "warning", what, remedy)
    return Check("pooler", "ok", f"{what}; DATABASE_DIRECT_URL is given for wake-ups and migrations")


def _clock_check(ahead_seconds: float) -> Check:
    direction = "ahead of" if ahead_seconds > 0 else "behind"
    what = f"the server's is {duration(abs(ahead_seconds))} {direction} the one here"
    if abs(ahead_seconds) < _CLOCKS_APART_SECONDS:
        return Check("clocks", "ok", what)
    return Check(
        "clocks", "warning", what, 'let both follow a time server; a "runAt" computed here is off by as much'
    )


def _schema_check(connection: console.Connection) -> Check:
    try:
        revision, complaint = examination.schema_complaint(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        return Check(
            "schema",
            "failed",
            reason(error),
            "as the owner of the tables: rowcrew roles | psql",
        )
    if revision is None and (schemas := examination.schemas_with_tables(connection)):
        what = (
            f"the tables are in the schema {', '.join(schemas)}: not on the search path, or not for this role"
        )
        return Check(
            "schema", "failed", what, f"add ?schema={schemas[0]} to the address, or GRANT USAGE ON SCHEMA …"
        )
    if complaint is not None:
        what, _, remedy = complaint.rpartition(": ")
        return Check("schema", "failed", what, remedy)
    if revision is not None and revision > SCHEMA_REVISION:
        what = f"at revision {revision}, newer than this rowcrew ({SCHEMA_REVISION}), which it still serves"
        return Check("schema", "warning", what, "upgrade rowcrew when it suits")
    return Check("schema", "ok", f"at revision {revision}, as needed")


def _family_checks(connection: console.Connection) -> Iterator[Check]:
    for name, tables in examination.absent_tables(connection).items():
        what = f"the database has no table {', '.join(tables)}, which jobs of this family need"
        yield Check(f"family {name}", "warning", what, f"rowcrew migrate, or rowcrew migrate --only {name}")


def _rights_check(connection: console.Connection) -> Check:
    missing = examination.missing_rights(connection)
    if missing:
        remedy = "as the owner of the tables: rowcrew roles | psql, then GRANT rowcrew_worker TO the role"
        return Check("rights", "failed", f"the role lacks {'; '.join(missing)}", remedy)
    return Check("rights", "ok", "the role may do all that a worker does")


def _same_checks(
    connection: console.Connection, findings: Findings, producer_url: str | None
) -> Iterator[Check]:
    if findings.settings.database_direct_url is not None:
        yield same_check("DATABASE_DIRECT_URL", connection, findings.settings.database_direct_url)
    if producer_url is not None:
        findings.producer = same_check("--expect-url", connection, producer_url)
        yield findings.producer


def same_check(name: str, connection: console.Connection, url: str) -> Check:
    """Whether another address reaches the database of this connection."""
    if "://" not in url or examination.place(url) is None:
        return Check(name, "failed", "it cannot be read as an address", _ADDRESS_FORM)
    try:
        with console.connect(url) as other:
            sameness = examination.sameness(connection, other)
    except psycopg.Error as error:
        _, what, remedy = trouble(error)
        return Check(name, "failed", what, remedy)
    match sameness:
        case "same":
            return Check(name, "ok", "it reaches the same table in the same database")
        case "other-table":
            what = "it reaches the same database, but another table jobs, or none"
            return Check(
                name, "failed", what, "give both addresses the same ?schema=…, and the role USAGE on it"
            )
    what = "it reaches another database: workers never see what is enqueued there"
    return Check(name, "failed", what, "give producers and workers the same address")


def _queue_checks(connection: console.Connection) -> Iterator[Check]:
    crowds = console.waiting(connection)
    services = console.services(connection, [(crowd["queue"], crowd["type"]) for crowd in crowds])
    for crowd in crowds:
        yield queue_check(crowd, services[crowd["queue"], crowd["type"]])
    if not crowds:
        yield Check("queues", "ok", "no job waits")


def queue_check(crowd: console.Record, service: Service) -> Check:
    """Why the jobs of one queue and type wait: the same judgement as that of `rowcrew why`."""
    name = f"queue {crowd['queue']}, type {crowd['type']}"
    ready = f"{crowd['ready']} ready" + (f" for {duration(crowd['oldestSeconds'])}" if crowd["ready"] else "")
    counts = ready + (f", {crowd['later']} due later" if crowd["later"] else "")
    if nobody := unserved(crowd["queue"], crowd["type"], service):
        return Check(name, "warning", f"{counts}: {nobody.what}", nobody.remedy)
    full = busy(service) if crowd["ready"] else None
    if full:
        return Check(name, "ok", f"{counts}: {full.what}", full.remedy)
    return Check(name, "ok", f"{counts}: {service.slots - service.taken} of {service.slots} slots are free")
