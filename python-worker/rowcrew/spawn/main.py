"""A spawner as a process of its own: the way into the database, signals, and the exit code.

In: settings and wishes. Out: an exit code. Called by the command line.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Final

import psycopg

from rowcrew.log import Log
from rowcrew.model.errors import DatabaseUnavailable, RowcrewError, SchemaMismatch
from rowcrew.settings import Settings
from rowcrew.spawn.rounds import Checked
from rowcrew.spawn.spawner import Spawner, Wishes
from rowcrew.table import worker as table
from rowcrew.table.compatibility import complaint
from rowcrew.table.link import Link, reason

_RETRY_SECONDS: Final = 0.5
_LAST_CHECK_SECONDS: Final = 5.0


def run_spawner(settings: Settings, wishes: Wishes, *, once: bool) -> int:
    """Run a spawner until a signal ends it, or for one check; the exit code.

    0 after a good end, 1 when the database cannot be used. A worker that did not start is told and tried
    again by the next check; the check itself has done its work.
    """
    log = Log(settings.log_format)
    log.start()
    try:
        return asyncio.run(_run(settings, wishes, once, log))
    finally:
        log.stop()


async def check_once(settings: Settings, wishes: Wishes, log: Log) -> Checked:
    """One check: what it saw and started.

    Raises:
        RowcrewError: the database cannot be reached, or is not for this version.
        psycopg.Error: the database was lost, or refuses.
    """
    spawner = Spawner(settings=settings, wishes=wishes, log=log)
    try:
        await _connect(spawner.link, settings.connect_timeout_seconds)
        return await spawner.check()
    finally:
        await spawner.link.close()


async def _run(settings: Settings, wishes: Wishes, once: bool, log: Log) -> int:
    signalled = _on_signals()
    spawner = Spawner(settings=settings, wishes=wishes, log=log)
    connecting = asyncio.create_task(_connect(spawner.link, settings.connect_timeout_seconds))
    signalled.add_done_callback(lambda _: connecting.cancel())
    try:
        await connecting
        if once:
            await spawner.check()
            await spawner.link.close()
            return 0
    except asyncio.CancelledError:
        return 0
    except DatabaseUnavailable as error:
        log.event("database.failed")
        log.event("database.failed_reason", reason=str(error))
        return 1
    except (RowcrewError, psycopg.Error) as error:
        log.event("spawner.failed", reason=str(error) if isinstance(error, RowcrewError) else reason(error))
        return 1
    queues = ", ".join(wishes.queues or ()) or "all"
    log.event("spawner.started", app_name=settings.app_name, seconds=settings.spawner_seconds, queues=queues)
    running = asyncio.create_task(spawner.run())
    await asyncio.wait([running, signalled], return_when=asyncio.FIRST_COMPLETED)
    return await _stopped(spawner, running, log)


async def _stopped(spawner: Spawner, running: asyncio.Task[None], log: Log) -> int:
    """A check under way ends first: what it has entered it starts, or takes back."""
    broken = running.exception() if running.done() else None
    log.event("spawner.stopping", reason="error" if broken else "signal", workers=spawner.children)
    spawner.close()
    await asyncio.wait([running], timeout=_LAST_CHECK_SECONDS)
    running.cancel()
    await asyncio.wait([running])
    await spawner.stop()
    if broken is not None:
        log.event("spawner.failed", reason=f"{type(broken).__name__}: {broken}")
        return 1
    log.event("spawner.stopped")
    return 0


async def _connect(link: Link, within_seconds: float) -> None:
    """Open the link and look at the schema.

    Raises:
        DatabaseUnavailable: no connection in this time.
        SchemaMismatch: the tables are missing or of another version.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    while True:
        try:
            rows = await table.schema_revision(link)
            break
        except psycopg.errors.UndefinedTable as error:
            raise SchemaMismatch(complaint(None, None) or "") from error
        except psycopg.OperationalError as error:
            if loop.time() > deadline:
                raise DatabaseUnavailable(reason(error)) from error
            await asyncio.sleep(_RETRY_SECONDS)
    if problem := complaint(*(rows[0] if rows else (None, None))):
        raise SchemaMismatch(problem)


def _on_signals() -> asyncio.Future[None]:
    """A future that the first SIGTERM or SIGINT fulfils; later ones change nothing."""
    loop = asyncio.get_running_loop()
    signalled: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        if not signalled.done():
            signalled.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return signalled
