"""`rowcrew spawner`: options become settings, then the spawner takes over."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from rowcrew.cli.options import Queues, read_settings


def spawner(
    *,
    queue: Queues = None,
    interval: str | None = None,
    launcher: str | None = None,
    once: Annotated[bool, Parameter(negative="")] = False,
    leave_workers: Annotated[bool, Parameter(negative="")] = False,
    summary: Literal["full", "short"] = "full",
    verbose: Annotated[bool, Parameter(negative="")] = False,
    shutdown_grace: str | None = None,
    log_format: Literal["text", "json"] | None = None,
) -> int:
    """Start workers when jobs wait, as many as each queue allows.

    They leave by themselves when their work is done. Several spawners may run
    at once: together they start no more than one would.
    Exit codes: 0 stopped by a signal or, with --once, checked; 1 the database
    cannot be used, 2 a setting is wrong.

    Parameters
    ----------
    interval
        Seconds between two checks (SPAWNER_CHECK_INTERVAL).
    launcher
        Where workers start, whatever the queues say, such as process.
    once
        Check once, start what is wanted, and exit. The workers stay.
    leave_workers
        At the end leave its workers running; else they stop with it.
    summary
        The status of every queue, or one sum.
    verbose
        Tell every check, and why a queue gets no more workers.
    shutdown_grace
        Seconds that its workers get after SIGTERM (SHUTDOWN_GRACE).
    log_format
        For people or for aggregators (LOG_FORMAT).
    """
    from rowcrew.spawn.main import run_spawner
    from rowcrew.spawn.spawner import Wishes

    settings = read_settings(
        {
            "--interval": ("spawner_seconds", interval),
            "--shutdown-grace": ("shutdown_grace_seconds", shutdown_grace),
            "--log-format": ("log_format", log_format),
        }
    )
    settings.require_database_url()
    wishes = Wishes(
        queues=queue,
        launcher=launcher,
        leave_workers=leave_workers,
        short=summary == "short",
        verbose=verbose,
    )
    return run_spawner(settings, wishes, once=once)
